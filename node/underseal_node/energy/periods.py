"""The period of a row, from the columns that say it."""

from __future__ import annotations

from datetime import datetime, timedelta

from underseal_node.energy.instants import DAY, LocalTimes, Span
from underseal_node.energy.sheets import Attempts, InColumn, Sheet
from underseal_node.sheets.cells import is_empty
from underseal_node.sheets.problems import CellError
from underseal_node.sheets.tables import Row

__all__ = ["end_error", "local_of", "period_of"]


def local_of(sheet: Sheet, row: Row, times: LocalTimes, what: str) -> datetime:
    """A time of a row as it is written.

    Args:
        sheet: of the row.
        row: to be read.
        times: of the export.
        what: which column; with a column `date`, the others hold times of day.

    Raises:
        CellError: it is empty, or no time.
    """
    cell = sheet.cell(row, what)
    has_day = "date" in sheet.columns and what != "date"
    day = sheet.cell(row, "date") if has_day else None
    if day is not None:
        with InColumn("date"):
            if is_empty(day):
                raise _no_time()
            day = times.local(day)
    with InColumn(what):
        if is_empty(cell):
            raise _no_time()
        return times.local(cell, day)


def period_of(
    sheet: Sheet, row: Row, times: LocalTimes, span: Span | None, last: datetime | None = None
) -> tuple[datetime, datetime]:
    """The period of a row as instants.

    Args:
        sheet: of the row.
        row: to be read.
        times: of the export.
        span: how long it is, if only one of its ends is written.
        last: the beginning of the period before, for times that there are twice.

    Raises:
        CellError: it cannot be read, or ends before it begins.
    """
    columns = sheet.columns
    if "start" in columns or "end" not in columns:
        what = "start" if "start" in columns else "date"
        local = local_of(sheet, row, times, what)
        with InColumn(what):
            start = times.instant(local, after=last)
            if what == "date" or "end" not in columns:
                return start, _after(local, start, span, times)
        end = _end(sheet, row, times, local, start)
    else:
        start, end = _before(sheet, row, times, span, last)
    if start >= end:
        with InColumn("end"):
            raise CellError(
                f"the period ends at {end:%Y-%m-%d %H:%M} UTC, which is not after its beginning",
                hint="Correct one of the two.",
            )
    return start, end


def end_error(sheet: Sheet, row: Row, times: LocalTimes, wrong: str) -> list[CellError]:
    """What is wrong with the end of a period besides its beginning.

    Args:
        sheet: of the row.
        row: to be read.
        times: of the export.
        wrong: the column that was said to be wrong.
    """
    if wrong != "start" or "end" not in sheet.columns:
        return []
    attempts = Attempts()
    attempts(local_of, sheet, row, times, "end")
    return attempts.errors


def _after(local: datetime, start: datetime, span: Span | None, times: LocalTimes) -> datetime:
    if span is not None:
        return span.end(local, start, times)
    return times.instant(local + DAY, after=start)


def _before(
    sheet: Sheet, row: Row, times: LocalTimes, span: Span | None, last: datetime | None
) -> tuple[datetime, datetime]:
    with InColumn("end"):
        if span is None or not span.minutes:
            raise CellError(
                "the end alone does not say when a day or month began",
                hint="Name the column of its start in the mapping.",
            )
    length = timedelta(minutes=span.minutes)
    local = local_of(sheet, row, times, "end")
    with InColumn("end"):
        end = times.instant(local, after=None if last is None else last + length)
    return end - length, end


def _end(sheet: Sheet, row: Row, times: LocalTimes, local: datetime, start: datetime) -> datetime:
    until = local_of(sheet, row, times, "end")
    same_kind = (until.tzinfo is None) == (local.tzinfo is None)
    if "date" in sheet.columns and same_kind and until <= local:  # over midnight
        until += DAY
    with InColumn("end"):
        return times.instant(until, after=start)


def _no_time() -> CellError:
    return CellError("there is no time", hint="Fill it in, or delete the row.")
