"""What meters say: amounts of energy in periods, and register values at instants.

A register value (what a counter shows) says nothing alone: energy is the difference to the one
before. Nothing is guessed about a register that goes back: it may have rolled over, or somebody has
put in another meter, and then only a person knows how much was used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import groupby, pairwise
from typing import TypeAlias

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.numbers import exact, shown_text
from underseal_protocol.rollup.units import conversion
from underseal_protocol.times import format_time

__all__ = [
    "Clash",
    "Gap",
    "Measured",
    "MeterKind",
    "Reading",
    "Register",
    "clashes_of",
    "gaps_of",
    "readings_of",
    "require_no_clash",
]


class MeterKind(StrEnum):
    """What the values of a meter are."""

    INTERVAL = "interval"  # the amount in a period, such as kWh per quarter hour
    COUNTER = "counter"  # what a register shows at an instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An amount of energy or fuel that was used in a period.

    Attributes:
        meter: that measured it.
        carrier: such as electricity or natural gas.
        start: first moment of the period, aware.
        end: first moment after it, aware.
        quantity: energy, or an amount of fuel; 0 or more.
        line: that the meter belongs to, such as a production line or a cost centre; None: the
            whole site.
    """

    meter: str
    carrier: str
    start: datetime
    end: datetime
    quantity: Quantity
    line: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What a counter showed at an instant.

    Attributes:
        meter: that showed it.
        carrier: as in `Reading`.
        at: the instant, aware.
        value: what it showed.
        line: as in `Reading`.
    """

    meter: str
    carrier: str
    at: datetime
    value: Quantity
    line: str | None = None


Measured: TypeAlias = Reading | Register


@dataclass(frozen=True, slots=True)
class Clash:
    """Two values of a meter that cannot both be right.

    Attributes:
        first: the earlier one.
        second: the later one.
        message: one sentence.
        hint: what to do.
    """

    first: Measured
    second: Measured
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a meter says nothing.

    Attributes:
        meter: that is silent.
        carrier: that it measures.
        start: first moment without a value.
        end: first moment after it.
    """

    meter: str
    carrier: str
    start: datetime
    end: datetime


def clashes_of(measured: Iterable[Measured]) -> Iterator[Clash]:
    """Periods of a meter that overlap, instants with two values, registers that go back.

    Raises:
        UnitError: the units of a register cannot be compared.
    """
    for _, of_meter in groupby(sorted(measured, key=_order), key=lambda one: one.meter):
        readings: list[Measured] = []
        registers: list[Register] = []
        for one in of_meter:
            if isinstance(one, Register):
                registers.append(one)
            else:
                readings.append(one)
        yield from _overlaps(readings)
        yield from _steps_back(registers)
        if readings and registers:
            yield Clash(
                readings[0],
                registers[0],
                f"the meter {_shown(readings[0].meter)} has register values and amounts of periods",
                "Import one of the two; both would count the same energy twice.",
            )


def require_no_clash(measured: Iterable[Measured]) -> None:
    """Check that values do not contradict each other.

    Raises:
        RollUpError: two of them do.
    """
    for clash in clashes_of(measured):
        raise RollUpError(clash.message, hint=clash.hint)


def readings_of(registers: Iterable[Register]) -> list[Reading]:
    """The amounts between the register values of each meter, in order of time.

    Args:
        registers: of any number of meters, in any order.

    Raises:
        RollUpError: a register goes back, or shows two values at once.
        UnitError: the units of a register cannot be compared.
    """
    known = sorted(registers, key=_order)
    require_no_clash(known)
    return [
        Reading(
            meter=one.meter,
            carrier=later.carrier,
            start=one.at,
            end=later.at,
            quantity=_difference(one.value, later.value),
            line=later.line,
        )
        for one, later in pairwise(known)
        if one.meter == later.meter
    ]


def gaps_of(readings: Iterable[Reading], start: datetime, end: datetime) -> list[Gap]:
    """When meters say nothing.

    Args:
        readings: that do not overlap for a meter.
        start: first moment that is looked at, aware.
        end: first moment after it, aware.
    """
    found: list[Gap] = []
    for _, of_meter in groupby(sorted(readings, key=_order), key=lambda one: one.meter):
        rows = list(of_meter)
        reached = start
        for one in rows:
            if one.start > reached and reached < end:
                found.append(Gap(one.meter, one.carrier, reached, min(one.start, end)))
            reached = max(reached, one.end)
        if reached < end:
            found.append(Gap(rows[-1].meter, rows[-1].carrier, reached, end))
    return found


def _order(one: Measured) -> tuple[str, datetime]:
    return one.meter, one.at if isinstance(one, Register) else one.start


def _overlaps(readings: Sequence[Measured]) -> Iterator[Clash]:
    for one, later in pairwise(readings):
        if isinstance(one, Reading) and isinstance(later, Reading) and later.start < one.end:
            yield Clash(
                one,
                later,
                f"the meter {_shown(one.meter)} has two values for the time from "
                f"{format_time(later.start)} until {format_time(min(one.end, later.end))}",
                "Each moment may be measured once: remove one, or give both the same period to "
                "correct a value.",
            )


def _steps_back(registers: Sequence[Register]) -> Iterator[Clash]:
    for one, later in pairwise(registers):
        before, after = exact(one.value.amount), _in_unit(later.value, one.value.unit)
        if one.at == later.at:
            yield Clash(
                one,
                later,
                f"the meter {_shown(one.meter)} shows two values at {format_time(one.at)}",
                "Remove one of them.",
            )
        elif after < before:
            yield Clash(
                one,
                later,
                f"the register of the meter {_shown(one.meter)} goes back from "
                f"{shown_text(before)} at {format_time(one.at)} to {shown_text(after)} "
                f"{one.value.unit} at {format_time(later.at)}",
                "If the meter was exchanged or has rolled over, give the values from then on as "
                "another meter, with the value that it began with.",
            )


def _difference(one: Quantity, later: Quantity) -> Quantity:
    return Quantity(_in_unit(later, one.unit) - exact(one.amount), one.unit)


def _in_unit(quantity: Quantity, unit: str) -> Fraction:
    return exact(quantity.amount) * conversion(quantity.unit, unit)


def _shown(meter: str) -> str:
    return repr(meter[:60])
