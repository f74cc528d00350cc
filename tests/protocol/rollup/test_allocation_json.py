"""What is stored comes back as it was, and the same content has the same digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import DecimalError, RollUpError
from underseal_protocol.rollup.allocation_json import (
    EnergySetup,
    digest_of,
    measured_json,
    measured_of,
    number_of,
    number_text,
    order_json,
    order_of,
    setup_json,
    setup_of,
)
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    Carrier,
    Money,
    NotForProducts,
    Over,
    ProductionOrder,
    Scope,
)
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Reading, Register
from underseal_protocol.rollup.numbers import Number
from underseal_protocol.rollup.units import PhysicalProperties

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
READING = Reading(
    meter="炉1",
    carrier="electricity",
    start=START,
    end=END,
    quantity=Quantity(Decimal("1234.5"), "kWh"),
    line="Ofen 1",
)
REGISTER = Register(meter="Z1", carrier="natural gas", at=START, value=Quantity(Decimal("7"), "m3"))
ORDER = ProductionOrder(
    id="4711",
    product="nmc811",
    start=START,
    end=END,
    quantity=Quantity(Decimal("12.5"), "t"),
    machine_hours=Decimal("100"),
    value=Money(Decimal("9.9"), "EUR"),
    line="Ofen 1",
)
SETUP = EnergySetup(
    AllocationRule(
        By.VALUE,
        Scope.SITE,
        Over.PERIOD,
        (NotForProducts("offices", Decimal("0.05"), ("Z1",)),),
    ),
    {"natural gas": Carrier("MJ", PhysicalProperties(energy_mj_per_m3=Decimal("36.3")))},
    {"nmc811": PhysicalProperties(mass_kg_per_piece=Fraction(1, 3))},
)


def through_text(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (3, "3"),
        (Decimal("1E+3"), "1000"),
        (Fraction(1, 4), "0.25"),
        (Fraction(-1, 3), "-1/3"),
        (Decimal("0.00"), "0"),
    ],
)
def test_numbers(value: Number, text: str) -> None:
    assert number_text(value) == text
    assert number_of(text) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40))
def test_a_decimal_has_the_text_of_the_same_fraction(value: Decimal) -> None:
    assert number_text(value) == number_text(Fraction(value))


@pytest.mark.parametrize("text", ["", "1e3", "1/0", "1/x", "1,5", "٣/٤x"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(DecimalError):
        number_of(text)


def test_round_trips() -> None:
    assert measured_of(through_text(measured_json(READING))) == READING
    assert measured_of(through_text(measured_json(REGISTER))) == REGISTER
    assert order_of(through_text(order_json(ORDER))) == ORDER
    assert setup_of(through_text(setup_json(SETUP))) == SETUP
    plain = ProductionOrder(
        id="1", product="A", start=START, end=END, quantity=Quantity(Decimal(1), "kg")
    )
    assert order_of(order_json(plain)) == plain


def test_what_is_something_else() -> None:
    for read in (measured_of, order_of, setup_of):
        with pytest.raises(RollUpError, match="what is stored as a"):
            read({"id": 1})
    with pytest.raises(RollUpError):
        setup_of(setup_json(SETUP) | {"rule": {"by": "guess", "scope": "", "over": ""}})


def test_the_digest_is_of_the_content() -> None:
    first = digest_of([READING, REGISTER], [ORDER], SETUP)
    assert digest_of([REGISTER, READING], [ORDER], SETUP) == first
    longer = Reading(
        meter=READING.meter,
        carrier=READING.carrier,
        start=START,
        end=END,
        quantity=Quantity(Decimal("1234.50"), "kWh"),
        line=READING.line,
    )
    assert digest_of([longer, REGISTER], [ORDER], SETUP) == first
    assert digest_of([REGISTER], [ORDER], SETUP) != first
    assert digest_of([READING, REGISTER], [], SETUP) != first
