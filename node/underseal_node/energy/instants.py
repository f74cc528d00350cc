"""From local times in an export to instants: no time that there is twice, or never, is guessed.

When clocks are put back, the times of one hour come twice; when they are put forward, those of one
hour never come.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from underseal_node.energy.mapping import ClockChange
from underseal_node.errors import RefusedError
from underseal_node.sheets.cells import Cell, Flaw, calendar_time, text_of_cell
from underseal_node.sheets.problems import CellError
from underseal_protocol.errors import TimeError
from underseal_protocol.times import parse_time

__all__ = ["LocalTimes", "Span", "span_of", "zone_of"]

_OFFSET = re.compile(
    r"(?:UTC|GMT)?([+-])([01]?[0-9])(?::?([0-5][0-9]))?|(Z|UTC|GMT)", re.IGNORECASE
)
_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?: *(?:Uhr|h))?", re.IGNORECASE)
_WITH_YEAR_FIRST = re.compile("[0-9]{4}-")
_MIDNIGHT = re.compile(r"([ T]+)24:00(?::00)?$")
_SPAN = re.compile(r"([0-9]{1,5}) *(min|minutes?|h|hours?)|(?:1 *)?(day|month)", re.IGNORECASE)
DAY = timedelta(days=1)
YEARS = range(1990, 2200)
TIME_HINT = "Write it as 31.01.2025 08:15 or 2025-01-31 08:15, or say time_format in the mapping."


def zone_of(text: str) -> tzinfo:
    """A time zone by its name (`Europe/Berlin`) or its offset (`+01:00`, `UTC`).

    Raises:
        RefusedError: there is none of that name on this machine.
    """
    found = _OFFSET.fullmatch(text.strip())
    if found is not None:
        if found[4]:
            return UTC
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(offset if found[1] == "+" else -offset)
    try:
        return ZoneInfo(text.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RefusedError(
            f"{text[:60]!r} is no time zone that this machine knows",
            hint="Write Europe/Berlin, or an offset such as +01:00. If no name works, "
            "`pip install tzdata` brings the list.",
        ) from None


class Span:
    """How long the period of a value is: so many minutes, or a day or month of the calendar.

    Args:
        minutes: that have passed; 0 for one of the calendar.
        is_month: of the calendar, else a day.
    """

    __slots__ = ("_is_month", "minutes")

    def __init__(self, minutes: int, *, is_month: bool = False) -> None:
        self.minutes, self._is_month = minutes, is_month

    def end(self, local: datetime, start: datetime, times: LocalTimes) -> datetime:
        """The end of a period.

        Args:
            local: when it begins, as it is written.
            start: the same as an instant.
            times: of the export.

        Raises:
            CellError: a month does not begin on its first day.
        """
        if self.minutes:
            return start + timedelta(minutes=self.minutes)
        if not self._is_month:
            return times.instant(local + DAY, after=start)
        if local.day != 1:
            raise CellError(
                f"{local:%Y-%m-%d} is not the first day of a month",
                hint="Write the first day of each month.",
            )
        return times.instant((local + 32 * DAY).replace(day=1), after=start)


def span_of(text: str) -> Span:
    """A length such as `15 min`, `1 h`, `day`, `month`.

    Raises:
        RefusedError: it is none.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None or found[1] == "0":
        raise RefusedError(
            f"{text[:60]!r} is no length of a period", hint="Write 15 min, 1 h, day or month."
        )
    if found[3]:
        return Span(0, is_month=found[3].lower() == "month")
    return Span(int(found[1]) * (60 if found[2].lower().startswith("h") else 1))


class LocalTimes:
    """Reads the times of an export.

    Args:
        zone: of times without one.
        change: what to do with times that there are twice.
        time_format: as for `strptime`.
    """

    def __init__(self, zone: tzinfo, change: ClockChange, time_format: str | None = None) -> None:
        self.zone, self._change, self._format = zone, change, time_format
        self._read = lru_cache(maxsize=4096)(self._moment)
        # The end of a period is the beginning of the next one, and of other meters.
        self._instants = lru_cache(maxsize=4096)(self._candidates)

    def local(self, cell: Cell, day: datetime | None = None) -> datetime:
        """A time as it is written: naive in the zone of the export, or aware.

        Args:
            cell: a date and a time, or a time of day if there is a day.
            day: the day, as it is written.

        Raises:
            CellError: it is no time, or may be one of two.
        """
        found = self._local(cell) if day is None else _with_clock(day, cell)
        if found.year not in YEARS:
            raise CellError(
                f"the year {found.year} is none in which anything was metered",
                hint="Correct the date, or how the cell is formatted.",
            )
        return found

    def _local(self, cell: Cell) -> datetime:
        if isinstance(cell, Flaw):
            raise CellError(cell.message, hint=cell.hint)
        if isinstance(cell, datetime):  # of a double: 08:14:59.9995 is 08:15
            return (cell + timedelta(microseconds=500_000)).replace(microsecond=0)
        if isinstance(cell, date):
            return datetime.combine(cell, time())
        if not isinstance(cell, str):
            raise CellError(
                f"{text_of_cell(cell)!r} is not formatted as a date",
                hint="Format the cells of this column as date and time.",
            )
        return self._read(cell.strip())

    def instant(self, moment: datetime, *, after: datetime | None = None) -> datetime:
        """The instant of a time as it is written, in UTC.

        Args:
            moment: of `local`.
            after: an instant that it comes after, if that is known.

        Raises:
            CellError: there is no such local time, or there are two and nothing tells which.
        """
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        found = self._instants(moment)
        if len(found) == 1:
            return found[0]
        shown = f"{moment:%Y-%m-%d %H:%M} in {self.zone}"
        if not found:
            raise CellError(
                f"{shown} does not exist: the clocks are put forward",
                hint="If the export has standard time all year, write its offset as the "
                'timezone in the mapping, such as timezone = "+01:00".',
            )
        if self._change is ClockChange.IN_ORDER:
            later = [one for one in found if after is None or one > after]
            if later:
                return later[0]
            raise CellError(
                f"{shown} exists twice, and the rows are not in order of time",
                hint="Sort the rows by time, or export with an offset such as +02:00.",
            )
        raise CellError(
            f"{shown} exists twice: the clocks are put back",
            hint='If the rows are in order of time, write clock_change = "in order" in the '
            "mapping; if the export has standard time all year, its offset as the timezone.",
        )

    def _candidates(self, moment: datetime) -> list[datetime]:
        """The instants that have this local time, earliest first: none, one or two."""
        try:
            if isinstance(self.zone, timezone):  # an offset: each time is there once
                return [moment.replace(tzinfo=self.zone).astimezone(UTC)]
            instants = {
                moment.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
            }
        except (OverflowError, ValueError):
            return []
        return sorted(
            one for one in instants if one.astimezone(self.zone).replace(tzinfo=None) == moment
        )

    def _moment(self, text: str) -> datetime:
        if self._format is not None:
            try:
                return datetime.strptime(text, self._format)  # noqa: DTZ007 - local times
            except ValueError:
                raise CellError(
                    f"{text[:60]!r} does not have the form {self._format!r}",
                    hint="Correct it, or time_format in the mapping.",
                ) from None
        if _WITH_YEAR_FIRST.match(text):  # else it is no point in time, which takes long to say
            try:
                return parse_time(text)
            except TimeError:
                pass
        midnight, later = _MIDNIGHT.search(text), timedelta()
        if midnight is not None:
            text, later = f"{text[: midnight.start()]}{midnight[1]}00:00", DAY
        try:
            return datetime.fromisoformat(calendar_time(text)) + later
        except (ValueError, OverflowError):
            raise CellError(f"{text[:60]!r} is no day of the calendar", hint=TIME_HINT) from None


def _with_clock(day: datetime, cell: Cell) -> datetime:
    """A day, and a time of day on it; 24:00 is the end of the day."""
    if isinstance(cell, timedelta):
        return datetime.combine(day.date(), time()) + cell
    if isinstance(cell, datetime):
        cell = cell.time()
    if isinstance(cell, date) and not isinstance(cell, datetime):  # midnight of a spreadsheet
        cell = time()
    if isinstance(cell, time):
        return datetime.combine(day.date(), cell.replace(microsecond=0))
    text = text_of_cell(cell)
    found = _CLOCK.fullmatch(text)
    hours, minutes, seconds = (int(one or 0) for one in found.groups()) if found else (99, 0, 0)
    if (hours, minutes, seconds) > (24, 0, 0) or minutes > 59 or seconds > 59:
        raise CellError(f"{text[:60]!r} is no time of day", hint="Write 08:15.")
    return datetime.combine(day.date(), time()) + timedelta(
        hours=hours, minutes=minutes, seconds=seconds
    )
