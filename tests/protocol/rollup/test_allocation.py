"""Metered energy among products: examples by hand, refusals, and that nothing is lost, ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.rollup.allocation import Allocation, Reason, allocate, lines_for
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    Carrier,
    Money,
    NotForProducts,
    Over,
    ProductionOrder,
    Scope,
    description_of,
)
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Reading
from underseal_protocol.rollup.units import PhysicalProperties

MARCH = datetime(2025, 3, 1, tzinfo=UTC)
APRIL = datetime(2025, 4, 1, tzinfo=UTC)
BY_MASS = AllocationRule(By.MASS)


def at(day: float) -> datetime:
    """So many days after the begin of March."""
    return MARCH + timedelta(days=day)


def reading(
    start: float,
    end: float,
    amount: Any,
    *,
    meter: str = "M1",
    line: str | None = "L1",
    unit: str = "kWh",
    carrier: str = "electricity",
) -> Reading:
    return Reading(
        meter=meter,
        carrier=carrier,
        start=at(start),
        end=at(end),
        quantity=Quantity(Decimal(str(amount)), unit),
        line=line,
    )


def order(
    order_id: str,
    product: str,
    start: float,
    end: float,
    amount: Any,
    unit: str = "kg",
    *,
    line: str | None = "L1",
    **more: Any,
) -> ProductionOrder:
    return ProductionOrder(
        id=order_id,
        product=product,
        start=at(start),
        end=at(end),
        quantity=Quantity(Decimal(str(amount)), unit),
        line=line,
        **more,
    )


def shared(
    readings: Sequence[Reading],
    orders: Sequence[ProductionOrder],
    rule: AllocationRule = BY_MASS,
    **more: Any,
) -> Allocation:
    found = allocate(readings, orders, rule, **{"start": MARCH, "end": APRIL, **more})
    for total in found.totals:
        assert total.allocated + total.unallocated == total.metered
    return found


def got(found: Allocation) -> dict[str, dict[str, Fraction]]:
    """Product -> carrier -> amount."""
    return {
        product: {one.carrier: Fraction(one.quantity.amount) for one in energy.lines}
        for product, energy in found.products.items()
    }


def left(found: Allocation) -> dict[tuple[Reason, str], Fraction]:
    return {(one.reason, one.detail): Fraction(one.quantity.amount) for one in found.unallocated}


def test_by_mass() -> None:
    found = shared(
        [reading(0, 1, 100)], [order("1", "A", 0, 1, 3, "t"), order("2", "B", 0, 1, 1000)]
    )
    assert got(found) == {"A": {"electricity": 75}, "B": {"electricity": 25}}
    assert found.products["A"].produced == Quantity(Fraction(3), "t")
    assert found.unallocated == ()


def test_by_pieces_machine_hours_and_economic_value() -> None:
    orders = [
        order("1", "A", 0, 1, 30, "pcs", machine_hours=1, value=Money(90, "EUR")),
        order("2", "B", 0, 1, 10, "pcs", machine_hours=Decimal("1.5"), value=Money(10, "EUR")),
    ]
    for by, expected in ((By.PIECES, 75), (By.MACHINE_HOURS, 40), (By.VALUE, 90)):
        found = shared([reading(0, 1, 100)], orders, AllocationRule(by))
        assert got(found)["A"] == {"electricity": expected}, by


def test_what_overlaps_in_part_counts_by_time() -> None:
    """The order of B runs for 4 days, one of them while the meter measured: 100 kg of 400."""
    found = shared([reading(0, 2, 90)], [order("1", "A", 0, 2, 200), order("2", "B", 1, 5, 400)])
    assert got(found) == {"A": {"electricity": 60}, "B": {"electricity": 30}}
    assert found.products["B"].produced.amount == 400


def test_what_is_partly_outside_of_the_period_counts_by_time() -> None:
    found = shared([reading(-1, 3, 400)], [order("1", "A", -2, 2, 80)])
    assert found.totals[0].metered == 300
    assert found.products["A"].produced.amount == 40
    assert got(found) == {"A": {"electricity": 300}}


def test_no_production_in_the_time_of_a_reading() -> None:
    readings = [reading(0, 1, 100), reading(1, 2, 7)]
    orders = [order("1", "A", 0, 1, 5)]
    assert left(shared(readings, orders)) == {(Reason.NO_PRODUCTION, ""): 7}
    pooled = shared(readings, orders, AllocationRule(By.MASS, over=Over.PERIOD))
    assert got(pooled) == {"A": {"electricity": 107}}
    assert pooled.unallocated == ()


def test_orders_that_make_nothing_get_nothing() -> None:
    found = shared([reading(0, 1, 100)], [order("1", "A", 0, 1, 0)])
    assert left(found) == {(Reason.NO_PRODUCTION, ""): 100}
    assert got(found) == {"A": {}}


def test_lines_and_the_whole_site() -> None:
    readings = [
        reading(0, 1, 60, meter="M1", line="L1"),
        reading(0, 1, 40, meter="M2", line=None),
        reading(0, 1, 9, meter="M3", line="L9"),
    ]
    orders = [order("1", "A", 0, 1, 1), order("2", "B", 0, 1, 3, line="L2")]
    found = shared(readings, orders)
    assert [(one.line, one.quantity.amount) for one in found.products["A"].lines] == [
        (None, 10),
        ("L1", 60),
    ]
    assert got(found)["B"] == {"electricity": 30}
    assert left(found) == {(Reason.UNKNOWN_LINE, ""): 9}
    known = shared(readings, orders, lines=["L9"])
    assert left(known) == {(Reason.NO_PRODUCTION, ""): 9}
    site = shared(readings, orders, AllocationRule(By.MASS, Scope.SITE))
    amounts = {
        product: sum(line.quantity.amount for line in one.lines)
        for product, one in site.products.items()
    }
    assert amounts == {"A": Fraction(109, 4), "B": Fraction(327, 4)}


def test_a_product_without_weight() -> None:
    orders = [order("1", "A", 0, 1, 5, "pcs"), order("2", "B", 0, 2, 5)]
    found = shared([reading(0, 1, 100), reading(1, 2, 10)], orders)
    ((reason, detail),) = left(found)
    assert reason is Reason.NO_AMOUNT
    assert detail.startswith("product A: ")
    assert "mass per piece" in detail
    assert got(found) == {"A": {}, "B": {"electricity": 10}}
    weights = {"A": PhysicalProperties(mass_kg_per_piece=Decimal("0.5"))}
    weighed = shared([reading(0, 1, 100)], orders, products=weights)
    assert got(weighed) == {"A": {"electricity": 50}, "B": {"electricity": 50}}


@pytest.mark.parametrize(("by", "missing"), [(By.MACHINE_HOURS, "hours"), (By.VALUE, "value")])
def test_an_order_without_what_it_counts_with(by: By, missing: str) -> None:
    found = shared([reading(0, 1, 100)], [order("1", "A", 0, 1, 5)], AllocationRule(by))
    ((reason, detail),) = left(found)
    assert reason is Reason.NO_AMOUNT
    assert missing in detail


def test_shares_that_are_not_for_products() -> None:
    rule = AllocationRule(
        By.MASS,
        not_for_products=(
            NotForProducts("offices", Decimal("0.05")),
            NotForProducts("canteen", Decimal("0.1"), meters=("M2",)),
        ),
    )
    readings = [reading(0, 1, 100), reading(0, 1, 200, meter="M2", line=None)]
    found = shared(readings, [order("1", "A", 0, 1, 5)], rule)
    sums = {
        name: sum(Fraction(one.quantity.amount) for one in found.unallocated if one.detail == name)
        for name in ("offices", "canteen")
    }
    assert sums == {"offices": 15, "canteen": 20}
    amounts = [one.quantity.amount for one in found.products["A"].lines]
    assert sorted(amounts) == [95, 170]


def test_units_and_carriers() -> None:
    gas = Carrier("MJ", PhysicalProperties(energy_mj_per_m3=36))
    readings = [
        reading(0, 1, 10, unit="m3", carrier="natural gas"),
        reading(0, 1, 1, meter="M2", unit="MWh"),
        reading(1, 2, 500, meter="M2", unit="kWh"),
    ]
    found = shared(readings, [order("1", "A", 0, 2, 5)], carriers={"natural gas": gas})
    units = {one.carrier: (one.unit, one.metered) for one in found.totals}
    assert units == {"natural gas": ("MJ", 360), "electricity": ("MWh", Fraction(3, 2))}
    with pytest.raises(UnitError, match="energy per volume"):
        shared(readings, [], carriers={"natural gas": Carrier("MJ")})


def test_gaps_are_told() -> None:
    found = shared([reading(0, 1, 1), reading(3, 40, 1)], [order("1", "A", 0, 2, 5)])
    assert [(one.meter, one.start, one.end) for one in found.gaps] == [("M1", at(1), at(3))]


def test_lines_of_a_bill_of_materials() -> None:
    found = shared(
        [reading(0, 1, 500)], [order("1", "A", 0, 1, 100, "pcs")], AllocationRule(By.PIECES)
    )
    (line,) = lines_for(found.products["A"], Quantity(1, "piece"))
    assert (line.quantity, line.name, line.process) == (
        Quantity(Fraction(5), "kWh"),
        "electricity",
        "L1",
    )
    assert line.is_primary
    assert line.source is None
    properties = PhysicalProperties(mass_kg_per_piece=Decimal("0.5"))
    (line,) = lines_for(
        found.products["A"], Quantity(10, "kg"), properties=properties, yield_share=Decimal("0.96")
    )
    assert line.quantity.amount == Fraction(96)  # 20 pieces of 5 kWh; the roll-up divides by 0.96
    with pytest.raises(UnitError, match="mass per piece"):
        lines_for(found.products["A"], Quantity(10, "kg"))


def test_energy_for_nothing_has_no_lines() -> None:
    orders = [order("1", "A", 0, 1, 0, machine_hours=8)]
    found = shared([reading(0, 1, 500)], orders, AllocationRule(By.MACHINE_HOURS))
    assert got(found) == {"A": {"electricity": 500}}
    with pytest.raises(RollUpError, match="nothing was produced"):
        lines_for(found.products["A"], Quantity(1, "kg"))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (AllocationRule(By.MASS), ["mass", "line", "ran while"]),
        (AllocationRule(By.PIECES, Scope.SITE), ["number of pieces", "whole site"]),
        (AllocationRule(By.MACHINE_HOURS, over=Over.PERIOD), ["machine hours", "standby"]),
        (
            AllocationRule(
                By.VALUE, not_for_products=(NotForProducts("offices", Decimal("0.05")),)
            ),
            ["economic value", "offices (5 % of all)"],
        ),
    ],
)
def test_the_rule_in_words(rule: AllocationRule, expected: list[str]) -> None:
    text = description_of(rule)
    assert all(one in text for one in expected), text
    assert text.endswith("is not allocated to products.")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"orders": [order("1", "A", 1, 1, 5)]}, "ends before it begins"),
        ({"orders": [order("1", "A", 0, 1, 5)] * 2}, "two orders have the id '1'"),
        ({"orders": [order("1", "A", 0, 1, -5)]}, "less than nothing"),
        ({"orders": [order("1", "A", 0, 1, 5, line=None)]}, "names no line"),
        ({"readings": [reading(1, 1, 5)]}, "ends before it begins"),
        ({"readings": [reading(0, 1, -5)]}, "expected|measured -5"),
        ({"readings": [reading(0, 2, 5), reading(1, 3, 5)]}, "two values for the time"),
        ({"end": MARCH}, "reference period ends before"),
        (
            {
                "orders": [
                    order("1", "A", 0, 1, 5, value=Money(1, "EUR")),
                    order("2", "A", 0, 1, 5, value=Money(1, "HUF")),
                ],
                "rule": AllocationRule(By.VALUE),
            },
            "EUR and HUF",
        ),
        (
            {
                "orders": [order("1", "A", 0, 1, 5, machine_hours=-1)],
                "rule": AllocationRule(By.MACHINE_HOURS),
            },
            "counts with -1",
        ),
        (
            {"rule": replace(BY_MASS, not_for_products=(NotForProducts("x", Decimal("1.1")),))},
            "expected 0 to 1",
        ),
        (
            {
                "rule": replace(
                    BY_MASS,
                    not_for_products=(
                        NotForProducts("x", Decimal("0.6")),
                        NotForProducts("y", Decimal("0.6"), ("M1",)),
                    ),
                )
            },
            "add up to 6/5 of the meter 'M1'",
        ),
    ],
)
def test_refusals(changed: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {
        "readings": [],
        "orders": [],
        "rule": BY_MASS,
        "start": MARCH,
        "end": APRIL,
        **changed,
    }
    with pytest.raises(RollUpError, match=message):
        allocate(given_.pop("readings"), given_.pop("orders"), given_.pop("rule"), **given_)


# --- nothing is lost --------------------------------------------------------------------------

days = st.integers(-10, 50)
amounts = st.decimals(0, 10**6, places=3)
names = st.sampled_from(["L1", "L2", "L3"])


@st.composite
def some_readings(draw: st.DrawFn) -> list[Reading]:
    found = []
    for meter in draw(st.lists(st.sampled_from("ABCD"), unique=True)):
        line = draw(st.none() | names)
        carrier, unit = draw(
            st.sampled_from([("electricity", "kWh"), ("electricity", "MWh"), ("gas", "m3")])
        )
        ends = sorted(draw(st.sets(days, min_size=2, max_size=6)))
        found += [
            reading(start, end, draw(amounts), meter=meter, line=line, unit=unit, carrier=carrier)
            for start, end in pairwise(ends)
        ]
    return found


@st.composite
def some_orders(draw: st.DrawFn) -> list[ProductionOrder]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        start = draw(days)
        found.append(
            order(
                str(number),
                draw(st.sampled_from("PQR")),
                start,
                start + draw(st.integers(1, 30)),
                draw(amounts),
                "kg" if draw(st.booleans()) else "t",
                line=draw(names),
                machine_hours=draw(st.none() | amounts),
                value=Money(draw(amounts), "EUR"),
            )
        )
    return found


rules = st.builds(
    AllocationRule,
    st.sampled_from(By),
    st.sampled_from(Scope),
    st.sampled_from(Over),
    st.lists(
        st.builds(
            NotForProducts,
            st.sampled_from(["offices", "canteen"]),
            st.decimals(0, Decimal("0.4"), places=3),
            st.sampled_from([(), ("A",), ("B", "C")]),
        ),
        max_size=2,
    ).map(tuple),
)
GAS = {"gas": Carrier("MJ", PhysicalProperties(energy_mj_per_m3=Decimal("36.3")))}


@given(some_readings(), some_orders(), rules, st.integers(-5, 40))
def test_nothing_is_lost(
    readings: list[Reading], orders: list[ProductionOrder], rule: AllocationRule, middle: int
) -> None:
    whole = shared(readings, orders, rule, start=at(-20), end=at(60), carriers=GAS)
    assert {one.carrier: one.metered for one in whole.totals} == _metered(readings)
    for total in whole.totals:
        lines = [line for one in whole.products.values() for line in one.lines]
        assert total.allocated == sum(
            (Fraction(one.quantity.amount) for one in lines if one.carrier == total.carrier),
            Fraction(),
        )
        assert total.unallocated == sum(
            (
                Fraction(one.quantity.amount)
                for one in whole.unallocated
                if one.carrier == total.carrier
            ),
            Fraction(),
        )
    # Nor between two reference periods.
    parts = [
        shared(readings, orders, rule, start=at(start), end=at(end), carriers=GAS)
        for start, end in ((-20, middle), (middle, 60))
    ]
    both: dict[str, Fraction] = {}
    for one in parts:
        for total in one.totals:
            both[total.carrier] = both.get(total.carrier, Fraction()) + _in_kwh_or_mj(total)
    assert both == {one.carrier: _in_kwh_or_mj(one) for one in whole.totals}


def _in_kwh_or_mj(total: Any) -> Fraction:
    return Fraction(total.metered) * (1000 if total.unit == "MWh" else 1)


def _metered(readings: list[Reading]) -> dict[str, Fraction]:
    """In the unit of the first reading of the carrier."""
    found: dict[str, Fraction] = {}
    units: dict[str, str] = {}
    for one in readings:
        amount = Fraction(one.quantity.amount)
        if one.carrier == "gas":
            amount *= Fraction("36.3")
        else:
            unit = units.setdefault(one.carrier, one.quantity.unit)
            if unit != one.quantity.unit:
                amount = amount * 1000 if unit == "kWh" else amount / 1000
        found[one.carrier] = found.get(one.carrier, Fraction()) + amount
    return found


@given(some_readings(), some_orders(), rules, st.randoms())
def test_the_order_of_lists_does_not_matter(
    readings: list[Reading], orders: list[ProductionOrder], rule: AllocationRule, chance: Any
) -> None:
    first = shared(readings, orders, rule, carriers={**GAS, "electricity": Carrier("kWh")})
    chance.shuffle(readings)
    chance.shuffle(orders)
    again = shared(readings, orders, rule, carriers={**GAS, "electricity": Carrier("kWh")})
    assert got(first) == got(again)
    assert first.totals == again.totals
    assert first.unallocated == again.unallocated
