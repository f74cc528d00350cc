"""Points in time as text (RFC 3339), read liberally and written with `Z`.

The digits of a fraction of a second survive, also beyond the microseconds of `datetime`.
"""

from __future__ import annotations

import re
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from underseal_protocol.errors import TimeError

__all__ = ["Timestamp", "format_time", "parse_filter_time", "parse_time", "years_later"]

# Without seconds (as in an example of the specification), in lower case, with a space or with an
# offset is how other systems write; without an offset it would not be a point in time.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?:[01][0-9]|2[0-3]):[0-5][0-9])"
    r"(?::([0-5][0-9])(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
)
_LOST_PLUS = re.compile(r"(.*[0-9]) ([0-9]{2}:?[0-9]{2})")
_NO_OFFSET = re.compile(r"[0-9-]{10}(?:[Tt ][0-9:.]+)?")

MAX_CACHED_CHARACTERS = 40
SHOWN_CHARACTERS = 60
HINT = "Write date, time and zone, as in 2025-04-30T00:00:00Z."


class Timestamp(datetime):
    """A point in time in UTC that remembers the digits it was written with."""

    _text: str | None = None

    @property
    def text(self) -> str:
        """As it is written, with `Z`."""
        return _written(self) if self._text is None else self._text

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copying and pickling keep the digits."""
        return (parse_time, (self.text,))


def parse_time(text: str) -> Timestamp:
    """Read a point in time.

    Args:
        text: RFC 3339 `date-time`; the seconds may be missing.

    Raises:
        TimeError: it is none, or its zone is missing.
    """
    if not isinstance(text, str):
        raise TimeError(f"{text!r} is not a point in time", hint=HINT)
    # Most footprints of a company share their few dates.
    return _cached(text) if len(text) <= MAX_CACHED_CHARACTERS else _parse(text)


def parse_filter_time(text: str) -> datetime:
    """Read the value of a filter: as `parse_time`, and what people and clients make of it.

    A plus that a client did not encode arrives as a space; without a zone it is UTC; a date alone
    is its first moment.

    Raises:
        TimeError: it is no point in time.
    """
    lost = _LOST_PLUS.fullmatch(text) if "T" in text.upper() else None
    if lost is not None:
        return parse_time("+".join(lost.groups()))
    if _NO_OFFSET.fullmatch(text):
        text = f"{text}Z" if len(text) > len("2025-01-01") else f"{text}T00:00Z"
    return parse_time(text)


def format_time(moment: datetime) -> str:
    """Write a point in time in UTC with `Z`, with no more digits than it has.

    Args:
        moment: aware.

    Raises:
        ValueError: it is naive.
    """
    if isinstance(moment, Timestamp):
        return moment.text
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return _written(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


def years_later(moment: datetime, years: int) -> datetime:
    """The same day and time some years later; 28 February where there is no 29th.

    The end of time is the limit.
    """
    year = moment.year + years
    if year > MAXYEAR:
        return datetime.max.replace(tzinfo=UTC)
    plain = datetime.combine(moment.date(), moment.timetz())
    try:
        return plain.replace(year=year)
    except ValueError:
        return plain.replace(year=year, day=28)


@lru_cache(maxsize=4096)
def _cached(text: str) -> Timestamp:
    return _parse(text)


def _parse(text: str) -> Timestamp:
    found = _TIME.fullmatch(text)
    if found is None:
        raise _refusal(text)
    date, clock, seconds, fraction, sign, hours, minutes = found.groups()
    try:
        moment = Timestamp.fromisoformat(f"{date}T{clock}:{seconds or '00'}+00:00")
        if fraction is not None:
            moment = moment.replace(microsecond=int(f"{fraction[:6]:0<6}"))
        if sign is not None:
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            zone = timezone(offset if sign == "+" else -offset)
            moment = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or before the year 1
        raise _refusal(text) from None
    whole = moment.replace(tzinfo=None, microsecond=0).isoformat()
    moment._text = f"{whole}.{fraction}Z" if fraction is not None else f"{whole}Z"
    return moment


def _refusal(text: str) -> TimeError:
    shown = repr(text[:SHOWN_CHARACTERS])
    if _NO_OFFSET.fullmatch(text):
        return TimeError(f"{shown} is not a point in time: time or zone is missing", hint=HINT)
    return TimeError(f"{shown} is not a point in time", hint=HINT)


def _written(moment: datetime) -> str:
    text = moment.replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"
