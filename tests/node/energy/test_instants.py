"""Local times when clocks are changed: nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.energy.conftest import HEADER, LONG, csv_of, only_problem, problems, read

from underseal_node.energy.instants import LocalTimes, span_of, zone_of
from underseal_node.energy.mapping import ClockChange
from underseal_node.errors import RefusedError
from underseal_node.sheets.problems import CellError

BERLIN = zone_of("Europe/Berlin")
IN_ORDER = LONG.replace('"Europe/Berlin"', '"Europe/Berlin"\nclock_change = "in order"')


def quarter_hours(day: str, times: list[str]) -> list[tuple[str, ...]]:
    return [("Z1", f"{day} {start}", f"{day} {end}", "1") for start, end in pairwise(times)]


AUTUMN = ["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"]


def test_the_hour_that_there_is_twice() -> None:
    content = csv_of(HEADER, *quarter_hours("26.10.2025", AUTUMN))
    found = problems(content)
    assert {one.message for one in found[:1]} == {
        "2025-10-26 02:00 in Europe/Berlin exists twice: the clocks are put back"
    }
    assert 'clock_change = "in order"' in (found[0].hint or "")
    assert found[0].place == "cell C2 (Ende)"
    export = read(content, IN_ORDER)
    first = datetime(2025, 10, 25, 23, 45, tzinfo=UTC)
    starts = [first + timedelta(minutes=15 * number) for number in range(9)]
    assert [one.value.start for one in export.measured] == starts  # type: ignore[union-attr]
    assert [one.value.end for one in export.measured] == [  # type: ignore[union-attr]
        one + timedelta(minutes=15) for one in starts
    ]


def test_each_meter_has_an_order_of_its_own() -> None:
    rows = quarter_hours("26.10.2025", AUTUMN)
    both = [row for one in rows for row in (one, ("Z2", *one[1:]))]
    export = read(csv_of(HEADER, *both), IN_ORDER)
    starts: dict[str, list[datetime]] = {}
    for one in export.measured:
        starts.setdefault(one.value.meter, []).append(one.value.start)  # type: ignore[union-attr]
    assert starts["Z1"] == starts["Z2"]
    assert len(set(starts["Z1"])) == 9


def test_meters_side_by_side_have_the_times_of_their_row() -> None:
    times = ["01:45", "02:00", "02:15", "02:30", "02:45", *AUTUMN[5:9]]
    mapping = f"""
timezone = "Europe/Berlin"
clock_change = "in order"
readings = {{ layout = "wide", every = "15 min", unit = "kWh", columns = {{ start = "Zeit" }} }}
rule = {{ by = "mass" }}
meters = {{ {", ".join(f'{one} = {{ carrier = "electricity" }}' for one in ("A", "B", "C"))} }}
"""
    # B says nothing in the first of the two hours from two to three.
    rows = [
        (f"26.10.2025 {one}", "1", "" if 1 <= at <= 4 else "2", "3") for at, one in enumerate(times)
    ]
    export = read(csv_of(("Zeit", "A", "B", "C"), *rows), mapping)
    first = datetime(2025, 10, 25, 23, 45, tzinfo=UTC)
    quarters = [first + timedelta(minutes=15 * number) for number in range(9)]
    starts: dict[str, list[datetime]] = {}
    for one in export.measured:
        starts.setdefault(one.value.meter, []).append(one.value.start)  # type: ignore[union-attr]
    assert starts == {"A": quarters, "B": [quarters[0], *quarters[5:]], "C": quarters}


def test_rows_that_are_not_in_order() -> None:
    rows = quarter_hours("26.10.2025", ["03:00", "03:15"]) + quarter_hours(
        "26.10.2025", ["02:00", "02:15"]
    )
    assert "not in order of time" in only_problem(csv_of(HEADER, *rows), IN_ORDER).message


def test_the_hour_that_never_comes() -> None:
    content = csv_of(HEADER, ("Z1", "30.03.2025 01:45", "30.03.2025 02:00", "1"))
    problem = only_problem(content, IN_ORDER)
    assert problem.place == "cell C2 (Ende)"
    assert "does not exist: the clocks are put forward" in problem.message
    assert 'timezone = "+01:00"' in (problem.hint or "")
    standard = LONG.replace("Europe/Berlin", "+01:00")
    assert read(content, standard).measured[0].value.end == datetime(  # type: ignore[union-attr]
        2025, 3, 30, 1, tzinfo=UTC
    )


def test_an_offset_in_the_cell_goes_first() -> None:
    content = csv_of(
        HEADER,
        ("Z1", "2025-10-26T02:00+02:00", "2025-10-26T02:00+01:00", "1"),
    )
    value = read(content).measured[0].value
    assert value.start == datetime(2025, 10, 26, 0, tzinfo=UTC)  # type: ignore[union-attr]
    assert value.end == datetime(2025, 10, 26, 1, tzinfo=UTC)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "hours"), [("UTC", 0), ("Z", 0), ("+01:00", 1), ("UTC-3", -3), ("GMT+0530", 5.5)]
)
def test_zones(text: str, hours: float) -> None:
    offset = zone_of(text).utcoffset(datetime(2025, 7, 1))  # noqa: DTZ001
    assert offset == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["Europe/Atlantis", "", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(RefusedError, match="no time zone"):
        zone_of(text)
    with pytest.raises(RefusedError, match="no length"):
        span_of(text)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
def test_an_instant_has_the_local_time_that_was_written(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    times = LocalTimes(BERLIN, ClockChange.IN_ORDER)
    try:
        instant = times.instant(moment)
    except CellError:  # it never comes
        assert (moment.month, moment.hour) == (3, 2)
        return
    assert instant.astimezone(BERLIN).replace(tzinfo=None) == moment


def test_a_zone_without_changes_has_every_time_once() -> None:
    times = LocalTimes(timezone(timedelta(hours=1)), ClockChange.REFUSE)
    moment = datetime(2025, 10, 26, 2)  # noqa: DTZ001
    assert times.instant(moment) == datetime(2025, 10, 26, 1, tzinfo=UTC)
