"""Points in time are read as other systems write them, and written in UTC with `Z`."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import times

from underseal_protocol.errors import TimeError
from underseal_protocol.times import (
    Timestamp,
    format_time,
    parse_filter_time,
    parse_time,
    years_later,
)

moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)


@given(times())
def test_what_is_read_is_written(text: str) -> None:
    moment = parse_time(text)
    assert moment.tzinfo is UTC
    assert format_time(moment) == text


@given(moments, offsets)
def test_offsets(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    local = moment.replace(tzinfo=zone)
    read = parse_time(local.isoformat())
    assert read == local
    assert read.tzinfo is UTC
    assert parse_time(format_time(read)) == local
    assert format_time(read).endswith("Z")


@given(moments)
def test_moments_are_written_in_utc(moment: datetime) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert datetime.fromisoformat(format_time(aware)) == aware


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025-04-30T00:00:00Z", "2025-04-30T00:00:00Z"),
        ("2025-04-30T00:00:00+00:00", "2025-04-30T00:00:00Z"),
        ("2025-04-30T00:00:00-00:00", "2025-04-30T00:00:00Z"),
        ("2025-04-30T02:00:00+02:00", "2025-04-30T00:00:00Z"),
        ("2025-04-30T02:00:00+0200", "2025-04-30T00:00:00Z"),
        ("2025-04-30T02:00:00+02", "2025-04-30T00:00:00Z"),
        ("2025-04-30t00:00:00z", "2025-04-30T00:00:00Z"),
        ("2025-04-30 00:00:00Z", "2025-04-30T00:00:00Z"),
        ("2025-04-30T00:00Z", "2025-04-30T00:00:00Z"),
        ("2025-04-30T00:00:00.500Z", "2025-04-30T00:00:00.500Z"),
        ("2025-04-30T00:00:00.123456789Z", "2025-04-30T00:00:00.123456789Z"),
        ("2025-04-30T01:00:00.123456789+01:00", "2025-04-30T00:00:00.123456789Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_spellings(text: str, written: str) -> None:
    assert format_time(parse_time(text)) == written


def test_a_fraction_is_not_rounded_up() -> None:
    moment = parse_time("2025-04-30T23:59:59.9999999Z")
    assert moment == datetime(2025, 4, 30, 23, 59, 59, 999999, UTC)
    assert moment.text == "2025-04-30T23:59:59.9999999Z"


WRONG: list[Any] = [
    "", "2025-04-30", "2025-04-30T00:00:00", "30.04.2025", "2025-4-30T00:00:00Z", "yesterday",
    "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-10T00:00:00Z", "0000-01-01T00:00:00Z",
    "2025-04-30T24:00:00Z", "2025-04-30T23:60:00Z", "2025-04-30T23:59:60Z", "2025-04-30T1:00:00Z",
    "2025-04-30T00:00:00+24:00", "2025-04-30T00:00:00+01:60", "2025-04-30T00:00:00 Z",
    "2025-04-30T00:00:00.Z", "2025-04-30T00:00:00,5Z", "2025-04-30T00:00:00Z\n", "20250430T000000Z",
    "2025-W18-3T00:00:00Z", "٢٠٢٥-04-30T00:00:00Z", "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00", 0, None, datetime(2025, 1, 1, tzinfo=UTC), b"2025-04-30T00:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_refusals(text: Any) -> None:
    with pytest.raises(TimeError, match="is not a point in time") as caught:
        parse_time(text)
    assert "zone" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["2025-04-30", "2025-04-30T00:00:00"])
def test_a_missing_zone_is_named(text: str) -> None:
    with pytest.raises(TimeError, match="time or zone is missing"):
        parse_time(text)


def test_refused_texts_are_cut() -> None:
    with pytest.raises(TimeError) as caught:
        parse_time("2" * 100_000)
    assert len(caught.value.message) < 120


@given(st.text() | st.text("0123456789-:TZ.+ ", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_time, parse_filter_time):
        try:
            moment = read(text)
        except TimeError:
            continue
        assert moment.tzinfo is UTC
        assert parse_time(format_time(moment)) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-04-30T00:00:00Z", datetime(2025, 4, 30, tzinfo=UTC)),
        ("2025-04-30T02:00:00 02:00", datetime(2025, 4, 30, tzinfo=UTC)),  # the plus got lost
        ("2025-04-30T02:00:00+02:00", datetime(2025, 4, 30, tzinfo=UTC)),
        ("2025-04-30T00:00:00", datetime(2025, 4, 30, tzinfo=UTC)),
        ("2025-04-30T00:00", datetime(2025, 4, 30, tzinfo=UTC)),
        ("2025-04-30", datetime(2025, 4, 30, tzinfo=UTC)),
        ("2025-04-30 10:15", datetime(2025, 4, 30, 10, 15, tzinfo=UTC)),
    ],
)
def test_filters_are_understood(text: str, expected: datetime) -> None:
    assert parse_filter_time(text) == expected


@pytest.mark.parametrize("text", ["", "x", "2025", "2025-13-01", "2025-02-30", "1714435200"])
def test_filters_that_are_no_time(text: str) -> None:
    with pytest.raises(TimeError):
        parse_filter_time(text)


def test_a_naive_moment_is_not_written() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_time(datetime(2025, 4, 30))  # noqa: DTZ001


def test_copies_keep_their_digits() -> None:
    moment = parse_time("2025-04-30T00:00:00.1000000Z")
    for same in (copy.copy(moment), copy.deepcopy(moment), pickle.loads(pickle.dumps(moment))):
        assert type(same) is Timestamp
        assert same.text == moment.text


def test_what_is_calculated_has_digits_of_its_own() -> None:
    later = parse_time("2025-04-30T00:00:00.1000000Z") + timedelta(seconds=1)
    assert format_time(later) == "2025-04-30T00:00:01.1Z"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-12-31T10:00:00Z", "2028-12-31T10:00:00Z"),
        ("2024-02-29T00:00:00Z", "2027-02-28T00:00:00Z"),
        ("2025-02-28T00:00:00Z", "2028-02-28T00:00:00Z"),
        ("9996-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
        ("9998-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_three_years_later(moment: str, expected: str) -> None:
    assert format_time(years_later(parse_time(moment), 3)) == expected
