"""docs/explanation/energy-allocation.md is calculated: its tables are inputs and results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tests.protocol.rollup.test_worked_examples import tables

from underseal_protocol.rollup.allocation import Allocation, Reason, allocate
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    NotForProducts,
    Over,
    ProductionOrder,
    Scope,
    description_of,
)
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Reading

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "energy-allocation.md"
READINGS, ORDERS, RESULT, LEFT, RULE, REASONS = tables(PAGE)
OFFICES = NotForProducts("offices", Decimal("0.1"), ("M3",))
BY_MASS = AllocationRule(By.MASS, not_for_products=(OFFICES,))


def day(text: str) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=int(text))


def allocated() -> Allocation:
    readings = [
        Reading(
            meter=row["Meter"],
            carrier="electricity",
            start=day(row["From day"]),
            end=day(row["Until day"]),
            quantity=Quantity(Decimal(row["kWh"]), "kWh"),
            line=row["Line"] or None,
        )
        for row in READINGS
    ]
    orders = [
        ProductionOrder(
            id=row["Order"],
            product=row["Product"],
            start=day(row["From day"]),
            end=day(row["Until day"]),
            quantity=Quantity(Decimal(row["kg"]), "kg"),
            line=row["Line"],
        )
        for row in ORDERS
    ]
    return allocate(readings, orders, BY_MASS, start=day("0"), end=day("2"))


def test_the_products() -> None:
    found = allocated()
    for row in RESULT:
        one = found.products[row["Product"]]
        energy = sum(Fraction(line.quantity.amount) for line in one.lines)
        assert (energy, one.produced.amount) == (
            Fraction(row["kWh"]),
            Fraction(row["kg in the period"]),
        )
        assert energy / Fraction(one.produced.amount) == Fraction(row["kWh per kg"])
    assert len(found.products) == len(RESULT)


def test_what_is_not_allocated() -> None:
    found = allocated()
    assert {one.reason.value: one.quantity.amount for one in found.unallocated} == {
        row["Not allocated"]: Fraction(row["kWh"]) for row in LEFT
    }
    assert found.totals[0].metered == sum(Fraction(row["kWh"]) for row in READINGS) == 1350


def test_the_page_names_every_rule_and_reason() -> None:
    written = {row["In the mapping"] for row in RULE}
    for member, kind in (("by", By), ("scope", Scope), ("over", Over)):
        values = {f'{member} = "{one.value}"' for one in kind}
        assert values == {one for one in written if one.startswith(f"{member} =")}
    assert {row["Reason"] for row in REASONS} == {one.value for one in Reason}


def test_the_rule_in_words() -> None:
    assert f"> {description_of(BY_MASS)}\n" in PAGE.read_text(encoding="utf-8")
