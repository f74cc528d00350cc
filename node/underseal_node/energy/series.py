"""Time series of meters in a sheet: long, with a row for each value, or wide, with a column for
each meter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from underseal_node.energy.instants import LocalTimes, Span, span_of
from underseal_node.energy.mapping import EnergyMapping, Layout, MeterPart, ReadingsPart
from underseal_node.energy.periods import end_error, local_of, period_of
from underseal_node.energy.sheets import (
    Attempts,
    ColumnError,
    InColumn,
    Problems,
    Sheet,
    folded,
    number_in,
    sheet_of,
    text_in,
)
from underseal_node.publishing.results import UnpublishableError
from underseal_node.settings import Settings
from underseal_node.sheets.cells import is_empty
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import Row
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Measured, MeterKind, Reading, Register
from underseal_protocol.rollup.units import unit_of

__all__ = ["Placed", "Placer", "read_series"]

T = TypeVar("T")
TIMES = ("start", "end", "time", "date")
VALUE, METER, UNIT = "value", "meter", "unit"
WIDE_PREFIX = "meter:"


@dataclass(frozen=True, slots=True)
class Placer:
    """Where in a sheet something is; a text is made of it only when somebody asks."""

    sheet: Sheet
    row: int
    position: int | None

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.sheet.file

    def __str__(self) -> str:
        """Sheet and cell."""
        return self.sheet.place(self.row, self.position)


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """Something that was read, and where it is."""

    value: T
    place: Placer


def read_series(
    name: str,
    content: bytes,
    mapping: EnergyMapping,
    part: ReadingsPart,
    times: LocalTimes,
    settings: Settings,
    problems: Problems,
) -> list[Placed[Measured]]:
    """The values of all meters in a file.

    Args:
        name: of the file.
        content: of the file.
        mapping: which meters there are.
        part: where they are.
        times: reads their times.
        settings: whose limits hold.
        problems: takes what is wrong with rows.

    Raises:
        UnpublishableError: nothing can be read, or there is too much.
    """
    wanted = {what: head for what in TIMES if (head := getattr(part.columns, what)) is not None}
    if part.layout is Layout.LONG:
        more = {METER: part.columns.meter, VALUE: part.columns.value, UNIT: part.columns.unit}
        wanted |= {what: head for what, head in more.items() if head is not None}
        numeric = [VALUE]
    else:
        numeric = [f"{WIDE_PREFIX}{meter}" for meter in mapping.meters]
        heads = (one.column or meter for meter, one in mapping.meters.items())
        wanted |= dict(zip(numeric, heads, strict=True))
    sheet = sheet_of(name, content, settings, wanted=wanted, numeric=numeric, part=part)
    reader = _Series(sheet, mapping, part, times, problems)
    if part.layout is Layout.WIDE:
        _require_every_column(sheet, mapping, problems)
    found: list[Placed[Measured]] = []
    for row in sheet.rows:
        found += reader.values(row)
        if len(found) > settings.max_energy_values:
            message = (
                f"there are more than {settings.max_energy_values} values of meters, which is "
                "the most that are taken at once"
            )
            hint = "Split the file by months, or raise max_energy_values."
            raise UnpublishableError([Problem(name, sheet.place(row), message, hint)])
    if not sheet.rows:
        problems.add(Problem(name, "", "there are no values in it"))
    return found


def _require_every_column(sheet: Sheet, mapping: EnergyMapping, problems: Problems) -> None:
    """No column with values is left out without a word."""
    known = {*sheet.columns.values()}
    ignored = {folded(one) for one in mapping.ignore_meters}
    for position, head in enumerate(sheet.header):
        if position in known or (head and folded(head) in ignored):
            continue
        row = next(
            (
                row
                for row in sheet.rows
                if position < len(row.cells) and not is_empty(row.cells[position])
            ),
            None,
        )
        if row is not None:
            problems.add(
                Problem(
                    sheet.file,
                    sheet.place(row, position),
                    f"the column {head!r} is not in the mapping",
                    "Add it to [meters], or to ignore_meters.",
                )
            )


class _Series:
    """Reads the rows of a sheet, one after the other."""

    def __init__(
        self,
        sheet: Sheet,
        mapping: EnergyMapping,
        part: ReadingsPart,
        times: LocalTimes,
        problems: Problems,
    ) -> None:
        self._sheet, self._part, self._times = sheet, part, times
        self._problems = problems
        self._span: Span | None = None if part.every is None else span_of(part.every)
        self._meters = {folded(name): (name, one) for name, one in mapping.meters.items()}
        self._ignored = {folded(one) for one in mapping.ignore_meters}
        self._wide = [(f"{WIDE_PREFIX}{name}", name, one) for name, one in mapping.meters.items()]
        # The last times of each meter, or of the rows where meters are side by side: what comes
        # after is later.
        self._last: dict[tuple[bool, str], datetime] = {}
        # The times of the row that is read, by whether the meter is a counter.
        self._of_row: dict[bool, tuple[datetime, datetime]] = {}
        self._units: dict[str, str] = {}

    def values(self, row: Row) -> Iterator[Placed[Measured]]:
        """The values of a row; what is wrong with it becomes a problem."""
        try:
            meters = self._meters_of(row)
        except CellError as error:
            self._problems.add(self._sheet.problem(row, error))
            return
        self._of_row = {}
        said: set[str] = set()  # times are the same for all meters of the row
        for what, name, meter in meters:
            attempts = Attempts()
            value = self._value(row, what, (name, meter), attempts)
            for found in attempts.errors:
                column = found.what if isinstance(found, ColumnError) else ""
                if column not in said:
                    self._problems.add(self._sheet.problem(row, found))
                said |= {column} & set(TIMES)
            if value is not None:
                place = Placer(self._sheet, row.number, self._sheet.columns.get(what))
                yield Placed(value, place)

    def _meters_of(self, row: Row) -> list[tuple[str, str, MeterPart]]:
        """The meters of a row, and in which columns their values are."""
        if self._part.layout is Layout.WIDE:
            # Where a cell is empty, nothing was measured; the gap is told.
            return [one for one in self._wide if not is_empty(self._sheet.cell(row, one[0]))]
        with InColumn(METER):
            text = text_in(self._sheet.cell(row, METER))
            if text is None:
                raise CellError("the row names no meter", hint="Fill it in, or delete the row.")
            if folded(text) in self._ignored:
                return []
            found = self._meters.get(folded(text))
            if found is None:
                raise CellError(
                    f"the meter {text[:60]!r} is not in the mapping",
                    hint="Add it to [meters], or to ignore_meters.",
                )
            return [(VALUE, *found)]

    def _value(
        self, row: Row, what: str, named: tuple[str, MeterPart], attempts: Attempts
    ) -> Measured | None:
        """A value; None if cells cannot be understood, and why is in the attempts."""
        name, meter = named
        amount = attempts(self._amount, row, what)
        unit = attempts(self._unit, row, name, meter)
        is_counter = (meter.kind or self._part.kind) is MeterKind.COUNTER
        period = attempts(self._times_of, row, name, is_counter)
        if period is None and not is_counter and isinstance(attempts.errors[-1], ColumnError):
            attempts.errors += end_error(self._sheet, row, self._times, attempts.errors[-1].what)
        if amount is None or unit is None or period is None:
            return None
        carrier, line, quantity = meter.carrier, meter.line, Quantity(amount, unit)
        start = period[0]
        if is_counter:
            return Register(meter=name, carrier=carrier, at=start, value=quantity, line=line)
        return Reading(
            meter=name, carrier=carrier, start=start, end=period[1], quantity=quantity, line=line
        )

    def _amount(self, row: Row, what: str) -> Decimal:
        with InColumn(what):
            amount = number_in(self._sheet.cell(row, what), self._sheet.mark)
            if amount is None:
                raise CellError(
                    "there is no value", hint="Fill it in, or delete the row if nothing is known."
                )
            return amount

    def _times_of(self, row: Row, name: str, is_counter: bool) -> tuple[datetime, datetime]:
        found = self._of_row.get(is_counter)
        if found is None:
            key = is_counter, name if self._part.layout is Layout.LONG else ""
            read = self._instant if is_counter else self._period
            found = self._of_row[is_counter] = read(row, self._last.get(key))
            self._last[key] = found[0]
        return found

    def _instant(self, row: Row, last: datetime | None) -> tuple[datetime, datetime]:
        time = "time" if "time" in self._sheet.columns else "date"
        local = local_of(self._sheet, row, self._times, time)
        with InColumn(time):
            at = self._times.instant(local, after=last)
        return at, at

    def _period(self, row: Row, last: datetime | None) -> tuple[datetime, datetime]:
        return period_of(self._sheet, row, self._times, self._span, last)

    def _unit(self, row: Row, name: str, meter: MeterPart) -> str:
        """
        Raises:
            CellError: it is none, or nothing says it.
        """
        with InColumn(UNIT):
            text = text_in(self._sheet.cell(row, UNIT)) or meter.unit or self._part.unit
            if text is None:
                raise CellError(
                    f"nothing says the unit of the meter {name!r}",
                    hint="Write it in the mapping: unit = ... of the meter or of [readings].",
                )
            known = self._units.get(text)
            if known is None:
                try:
                    known = self._units[text] = unit_of(text).symbol
                except UnitError as error:
                    raise CellError(error.message, hint=error.hint) from None
            return known
