"""Register values, intervals, what contradicts, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import (
    Gap,
    Reading,
    Register,
    clashes_of,
    gaps_of,
    readings_of,
    require_no_clash,
)

MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def at(day: int) -> datetime:
    return MARCH + timedelta(days=day)


def register(day: int, value: Any, *, meter: str = "Z1", unit: str = "kWh") -> Register:
    quantity = Quantity(Decimal(str(value)), unit)
    return Register(meter=meter, carrier="electricity", at=at(day), value=quantity, line="L1")


def reading(start: int, end: int, amount: int = 1, *, meter: str = "M1") -> Reading:
    return Reading(
        meter=meter,
        carrier="electricity",
        start=at(start),
        end=at(end),
        quantity=Quantity(amount, "kWh"),
    )


def test_differences() -> None:
    registers = [
        register(31, "1250.75"),
        register(0, "1000.5"),
        register(59, "1.3", unit="MWh"),
        register(0, 7, meter="Z2"),
    ]
    assert readings_of(registers) == [
        Reading(
            meter="Z1",
            carrier="electricity",
            start=at(0),
            end=at(31),
            quantity=Quantity(Fraction("250.25"), "kWh"),
            line="L1",
        ),
        Reading(
            meter="Z1",
            carrier="electricity",
            start=at(31),
            end=at(59),
            quantity=Quantity(Fraction("49.25"), "kWh"),
            line="L1",
        ),
    ]


def test_a_register_that_goes_back() -> None:
    with pytest.raises(RollUpError, match=r"goes back from 99990 at .* to 12 kWh at ") as raised:
        readings_of([register(0, 99990), register(1, 12)])
    assert "exchanged or has rolled over" in (raised.value.hint or "")
    (clash,) = clashes_of([register(0, 99990), register(1, 12)])
    assert (clash.first, clash.second) == (register(0, 99990), register(1, 12))


def test_two_values_at_once() -> None:
    with pytest.raises(RollUpError, match="two values at 2025-03-01T00:00:00Z"):
        readings_of([register(0, 1), register(0, 1)])


def test_units_that_cannot_be_compared() -> None:
    with pytest.raises(UnitError):
        readings_of([register(0, 1), register(1, 1, unit="kg")])


def test_periods_that_overlap() -> None:
    require_no_clash([reading(0, 1), reading(1, 2), reading(0, 2, meter="M2")])
    (clash,) = clashes_of([reading(1, 3), reading(0, 2)])
    assert clash.message == (
        "the meter 'M1' has two values for the time from 2025-03-02T00:00:00Z "
        "until 2025-03-03T00:00:00Z"
    )


def test_registers_and_periods_of_one_meter() -> None:
    with pytest.raises(RollUpError, match="register values and amounts"):
        require_no_clash([reading(0, 1), register(0, 5, meter="M1")])


def test_gaps() -> None:
    readings = [reading(2, 4), reading(6, 8), reading(8, 9)]
    assert gaps_of(readings, at(0), at(10)) == [
        Gap("M1", "electricity", at(0), at(2)),
        Gap("M1", "electricity", at(4), at(6)),
        Gap("M1", "electricity", at(9), at(10)),
    ]
    assert gaps_of(readings, at(2), at(4)) == []
    assert gaps_of(readings, at(9), at(10)) == [Gap("M1", "electricity", at(9), at(10))]
    assert gaps_of([], at(0), at(10)) == []


@given(st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=30))
def test_differences_add_up_to_the_last_value(steps: list[Decimal]) -> None:
    total = Decimal(0)
    registers = [register(0, 0)]
    for day, step in enumerate(steps, 1):
        total += step
        registers.append(register(day, total))
    found = readings_of(reversed(registers))
    assert [one.quantity.amount for one in found] == [Fraction(step) for step in steps]
    assert sum(Fraction(one.quantity.amount) for one in found) == Fraction(total)
