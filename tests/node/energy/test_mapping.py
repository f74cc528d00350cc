"""The mapping: what is wrong with it is said at its place, with what to write instead."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.node.energy.conftest import HEADER, LONG, csv_of, only_problem, problems

from underseal_node.energy.mapping import read_mapping
from underseal_node.publishing.results import UnpublishableError
from underseal_node.sheets.problems import Problem
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    NotForProducts,
    Over,
    Scope,
)


def refusals(text: str | bytes) -> tuple[Problem, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(UnpublishableError) as raised:
        read_mapping("mapping.toml", content)
    return raised.value.problems


def test_a_rule() -> None:
    text = LONG.replace(
        'by = "mass"',
        'by = "machine hours"\nscope = "site"\nover = "period"\n'
        'not_for_products = [{ name = "offices", share = 0.050, meters = ["Z1"] }]',
    )
    mapping = read_mapping("mapping.toml", text.encode("utf-8-sig"))
    assert mapping.setup().rule == AllocationRule(
        By.MACHINE_HOURS,
        Scope.SITE,
        Over.PERIOD,
        (NotForProducts("offices", Decimal("0.05"), ("Z1",)),),
    )
    gas = mapping.setup().carriers["natural gas"]
    assert gas.properties.energy_mj_per_m3 == Decimal("36.3")  # not a binary number


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('timezone = "Europe/Berlin"', "", "timezone", "it is missing"),
        ('by = "mass"', 'by = "guess"', "rule.by", "'mass'"),
        ('by = "mass"', 'by = "mass"\nscoop = "site"', "rule.scoop", "unknown here"),
        ('value = "Verbrauch"\n', "", "readings", "long layout needs"),
        ('end = "Ende"\n', "", "readings", "needs columns.start and columns.end"),
        ('unit = "kWh"', 'unit = "kWz"', "", "'kWz'"),
        ('"Z2" =', '"Z\\u0000" =', "meters.Z\0.[key]", "NUL"),
        ("36.3", "0", "carriers.natural gas.energy_mj_per_m3", "greater than 0"),
        ("36.3", "inf", "carriers.natural gas.energy_mj_per_m3", "finite"),
        ("[readings]", '[readings]\nlayout = "wide"', "readings", "a column for each meter"),
        ("[readings]", '[readings]\nkind = "counter"', "readings", "need columns.time"),
        ("[readings]", '[readings]\ndecimal_mark = ";"', "readings.decimal_mark", "';'"),
    ],
)
def test_what_is_wrong(old: str, new: str, place: str, message: str) -> None:
    assert old in LONG
    (problem,) = refusals(LONG.replace(old, new))
    assert problem.place == place
    assert message in problem.message
    assert problem.hint


def test_hints() -> None:
    (problem,) = refusals(LONG.replace("[readings]", '[readings]\nshet = "x"'))
    assert problem.hint == "Did you mean sheet?"
    assert "neither" in refusals('timezone = "UTC"\nrule.by = "mass"')[0].message
    no_meters = LONG[: LONG.index("[meters]")] + '[rule]\nby = "mass"'
    assert "no [meters]" in refusals(no_meters)[0].message


def test_what_is_no_toml() -> None:
    assert "not TOML" in refusals("a = ")[0].message
    assert "not UTF-8" in refusals(b"a = '\xff'")[0].message
    assert "at most" in refusals(b"#" * 2_000_000)[0].message
    assert "TOML" in refusals("a = " + "[" * 5_000)[0].message


def test_orders() -> None:
    orders = 'timezone = "UTC"\nrule.by = "mass"\n[orders]\n'
    columns = '[orders.columns]\nproduct = "P"\nquantity = "Q"\n'
    assert "time of an order" in refusals(orders + columns)[0].message
    dated = columns + 'date = "D"\n'
    assert "currency" in refusals(orders + dated + 'value = "V"\n')[0].message
    assert "columns.order" in refusals(orders + dated + 'part = "V"\n')[0].message
    every = orders + 'every = "day"\n' + columns
    assert "columns.start, columns.end or date" in refusals(every)[0].message


def test_what_only_shows_when_it_is_used() -> None:
    content = csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", "1"))
    zone = LONG.replace("Europe/Berlin", "Europe/Atlantis")
    assert "no time zone" in only_problem(content, zone).message
    every = LONG.replace("[readings]", '[readings]\nevery = "often"')
    assert "'often' is no length" in only_problem(content, every).message
    shares = LONG.replace(
        'by = "mass"',
        'by = "mass"\nnot_for_products = '
        '[{ name = "a", share = 0.6 }, { name = "b", share = 0.6 }]',
    )
    (problem,) = problems(content, shares)
    assert (problem.file, "add up to 6/5" in problem.message) == ("mapping.toml", True)
