"""Rounding: to the nearest, half to even, exact at any size, and sums hold within the tolerance."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.protocol.samples import sample

from underseal_protocol import disclosure, methodology, rounding
from underseal_protocol.decimals import add, format_decimal, half_unit, subtract
from underseal_protocol.methodology_figures import SUMMANDS
from underseal_protocol.rounding import (
    MAX_DIGITS,
    ROUNDED_FIGURES,
    round_figures,
    round_significant,
)

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9))
digits = st.integers(1, MAX_DIGITS)


@pytest.mark.parametrize(
    ("text", "kept", "expected"),
    [
        ("15.4231", 3, "15.4"),
        ("15.45", 3, "15.4"),  # half to even
        ("15.55", 3, "15.6"),
        ("15.4500000000000000000000000000000000000001", 3, "15.5"),
        ("9.996", 3, "10.0"),
        ("99.95", 3, "100"),
        ("0.0099951", 3, "0.0100"),
        ("-2.675", 3, "-2.68"),
        ("1234567", 3, "1230000"),
        ("1.5", 3, "1.5"),  # no digit is made up
        ("1.50", 2, "1.5"),
        ("0", 1, "0"),
        ("0.00", 1, "0.00"),
        ("12345678901234567890.12345", 30, "12345678901234567890.12345"),
    ],
)
def test_rounding(text: str, kept: int, expected: str) -> None:
    assert format_decimal(round_significant(Decimal(text), kept)) == expected


@given(decimals, digits)
def test_it_is_the_nearest_and_rounding_again_changes_nothing(value: Decimal, kept: int) -> None:
    rounded = round_significant(value, kept)
    assert round_significant(rounded, kept) == rounded
    assert abs(subtract(rounded, value)) <= abs(value) * Decimal(5).scaleb(-kept)
    assert (
        len(format(rounded.normalize(), "f").replace("-", "").replace(".", "").strip("0")) <= kept
    )


@given(decimals, decimals, digits)
def test_the_order_and_the_sign_stay(one: Decimal, other: Decimal, kept: int) -> None:
    low, high = sorted((one, other))
    assert round_significant(low, kept) <= round_significant(high, kept)
    rounded = round_significant(one, kept)
    assert (rounded > 0, rounded < 0) == (one > 0, one < 0)


@given(st.lists(decimals, min_size=1, max_size=7), st.integers(1, 8))
def test_sums_hold_within_the_tolerance(parts: list[Decimal], kept: int) -> None:
    total = add(parts)
    figures = [round_significant(one, kept) for one in (total, *parts)]
    assume(all(one.adjusted() < kept for one in figures))  # no digit before the point is lost
    slack = add(half_unit(one) for one in figures)
    assert abs(subtract(figures[0], add(figures[1:]))) <= slack


@pytest.mark.parametrize("kept", [0, -1, MAX_DIGITS + 1])
def test_so_many_digits_are_not_kept(kept: int) -> None:
    with pytest.raises(ValueError, match="significant digits"):
        round_significant(Decimal("1.5"), kept)


FOOTPRINT: dict[str, Any] = {
    "id": "x",
    "comment": "15.4231",
    "pcf": {
        "declaredUnitAmount": "1.23456",
        "productMassPerDeclaredUnit": "1.23456",
        "exemptedEmissionsPercent": "1.23456",
        "pcfExcludingBiogenicUptake": "15.4231",
        "fossilGhgEmissions": "14.4449",
        "landUseChangeGhgEmissions": "0.9782",
        "primaryDataShare": "54.2173",
        "dqi": {"technologicalDQR": "1.37213", "geographicalDQR": "2", "later": "1.37213"},
    },
}


def test_what_is_calculated_is_rounded_and_the_rest_stays() -> None:
    before = copy.deepcopy(FOOTPRINT)
    rounded = round_figures(FOOTPRINT, 3)
    assert before == FOOTPRINT
    assert {name: value for name, value in rounded.items() if name != "pcf"} == {
        "id": "x",
        "comment": "15.4231",
    }
    assert rounded["pcf"] == {
        "declaredUnitAmount": "1.23456",
        "productMassPerDeclaredUnit": "1.23456",
        "exemptedEmissionsPercent": "1.23456",
        "pcfExcludingBiogenicUptake": "15.4",
        "fossilGhgEmissions": "14.4",
        "landUseChangeGhgEmissions": "0.978",
        "primaryDataShare": "54.2",
        "dqi": {"technologicalDQR": "1.37", "geographicalDQR": "2", "later": "1.37213"},
    }


def test_every_figure_is_decided_about() -> None:
    """A property that is a number is rounded, or named here."""
    from underseal_protocol.carbon import CarbonFootprint

    stays = {"declaredUnitAmount", "productMassPerDeclaredUnit", "exemptedEmissionsPercent"}
    numbers = {
        field.alias or name
        for name, field in CarbonFootprint.model_fields.items()
        if "Decimal" in str(field.annotation) or "Decimal" in str(field.metadata)
    }
    assert disclosure._CARBON_FOOTPRINT.keys() >= ROUNDED_FIGURES
    assert set(SUMMANDS) <= ROUNDED_FIGURES
    assert numbers <= ROUNDED_FIGURES | stays
    assert rounding.ROUNDED_FIGURES.isdisjoint(stays)


def test_a_large_figure_is_reported_and_not_hidden() -> None:
    parts = {"fossilGhgEmissions": "40111", "landUseChangeGhgEmissions": "5244"}
    totals = {"pcfExcludingBiogenicUptake": "45355", "pcfIncludingBiogenicUptake": "45355"}
    document = sample(parts | totals)

    def sums(digits: int) -> list[str]:
        found = methodology.check(round_figures(document, digits), today=date(2026, 1, 1))
        return [one.rule for one in found if one.rule.startswith("sum-excluding")]

    assert sums(5) == []
    assert sums(3) == ["sum-excluding-uptake"]
