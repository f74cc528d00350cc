"""Time series as people have them: encodings, layouts, kinds of meters, and every error's cell."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from tests.node.energy.conftest import (
    HEADER,
    LONG,
    csv_of,
    only_problem,
    problems,
    read,
    workbook_of,
)

from underseal_node.energy.export import Export
from underseal_node.settings import Settings
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Reading, Register

WIDE = """
timezone = "Europe/Berlin"
ignore_meters = ["Temperatur"]

[readings]
layout = "wide"
every = "15 min"
unit = "kWh"
columns = { start = "Zeit" }

[meters]
"1号炉" = { carrier = "electricity", line = "1号炉" }
"Halle" = { carrier = "electricity", column = "Halle [kWh]" }

[rule]
by = "pieces"
"""
COUNTER = """
timezone = "UTC"

[readings]
kind = "counter"
columns = { meter = "meter", value = "reading", time = "at", unit = "unit" }

[meters]
M1 = { carrier = "electricity" }

[rule]
by = "mass"
"""


def values(export: Export) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for placed in export.measured:
        one = placed.value
        if isinstance(one, Register):
            found.append((one.meter, one.at, one.value.amount, one.value.unit))
        else:
            found.append((one.meter, one.start, one.end, one.quantity.amount, one.quantity.unit))
    return found


JANUARY = (datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 31, 23, tzinfo=UTC))


def test_a_german_csv() -> None:
    """Semicolons, decimal commas, thousands with points, Windows-1252, an empty row, a total."""
    content = csv_of(
        ("Lastgang Werk Süd", "", "", ""),
        (),
        HEADER,
        ("Z1", "01.01.2025", "01.02.2025", "1.234.567,5"),
        ("", "", "", ""),
        ("z2", "01.01.2025 00:00", "31.01.2025 24:00", "12,25"),
        ("Summe", "", "", "9"),
        encoding="cp1252",
    )
    mapping = LONG.replace("[readings]\n", '[readings]\nignore_rows = ["Summe"]\n')
    export = read(content, mapping)
    assert values(export) == [
        ("Z1", *JANUARY, Decimal("1234567.5"), "kWh"),
        ("Z2", *JANUARY, Decimal("12.25"), "m3"),
    ]
    assert export.measured[0].value.line == "Ofen 1"
    assert str(export.measured[1].place) == "cell D6 (Verbrauch)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_chinese_names_and_the_wide_layout(encoding: str, separator: str) -> None:
    content = csv_of(
        ("Zeit", "1号炉", "Halle [kWh]", "Temperatur"),
        ("2025年1月1日 00:00", "1,5", "0,25", "21"),
        ("2025-01-01 00:15", "", "0,5", "22"),
        encoding=encoding,
        separator=separator,
    )
    at = [datetime(2024, 12, 31, 23, minute, tzinfo=UTC) for minute in (0, 15, 30)]
    assert values(read(content, WIDE)) == [
        ("1号炉", at[0], at[1], Decimal("1.5"), "kWh"),
        ("Halle", at[0], at[1], Decimal("0.25"), "kWh"),
        ("Halle", at[1], at[2], Decimal("0.5"), "kWh"),
    ]


def test_a_column_that_is_not_in_the_mapping_is_not_left_out_without_a_word() -> None:
    content = csv_of(
        ("Zeit", "1号炉", "Halle [kWh]", "Büro", ""),
        ("2025-01-01 00:00", "1,5", "0,25", "21", ""),
    )
    problem = only_problem(content, WIDE)
    assert problem.place == "cell D2 (Büro)"
    assert "'Büro' is not in the mapping" in problem.message


def test_a_workbook_with_dates_and_numbers() -> None:
    content = workbook_of(
        ("Zähler", "Beginn", "Ende", "Verbrauch"),
        ("Z1", date(2025, 1, 1), datetime(2025, 2, 1), 0.1 + 0.2),  # noqa: DTZ001 - as Excel
        (None, None, None, None),
        ("Z2", "01.01.2025", "01.02.2025", "1 234,5"),
    )
    assert values(read(content)) == [
        ("Z1", *JANUARY, Decimal("0.3"), "kWh"),
        ("Z2", *JANUARY, Decimal("1234.5"), "m3"),
    ]


def test_dates_since_1904() -> None:
    def change(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    rows = [HEADER, ("Z1", datetime(2025, 1, 1), datetime(2025, 2, 1), 1)]  # noqa: DTZ001
    content = workbook_of(*rows, change=change)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b'date1904="1"' in archive.read("xl/workbook.xml")
    assert values(read(content)) == [("Z1", *JANUARY, Decimal(1), "kWh")]


def test_quarter_hours_of_a_workbook_are_whole_minutes() -> None:
    """A spreadsheet keeps 08:15 as 0.34375, and sums of it with binary noise."""
    step = 1 / 96
    rows = [(45658 + sum([step] * number), number) for number in range(96)]

    def change(book: Any) -> None:
        for at, value in rows:
            book.active.append(["Z1", at, value])
            book.active.cell(book.active.max_row, 2).number_format = "dd.mm.yyyy hh:mm"

    mapping = LONG.replace('end = "Ende"', "").replace(
        "[readings]\n", '[readings]\nevery = "15 min"\n'
    )
    export = read(workbook_of(("Zähler", "Beginn", "Verbrauch"), change=change), mapping)
    assert [one[1].minute for one in values(export)] == [0, 15, 30, 45] * 24
    assert {one[1].second + one[1].microsecond for one in values(export)} == {0}


def test_merged_cells() -> None:
    def change(book: Any) -> None:
        book.active.insert_rows(1)
        book.active["A1"] = "Werk Süd, Lastgänge 2025"
        book.active.merge_cells("A1:D1")
        book.active.merge_cells("A3:A4")  # a meter
        book.active.merge_cells("B5:B7")  # a date, also of a row in which nothing else is
        book.active.merge_cells("C5:C7")

    content = workbook_of(
        HEADER,
        ("Z1", "01.01.2025", "01.02.2025", 1),
        ("Z1", "01.02.2025", "01.03.2025", 2),
        ("Z1", date(2025, 3, 1), date(2025, 4, 1), 3),
        ("Z2", date(2025, 3, 1), date(2025, 4, 1), 4),
        (None, None, None, None),
        change=change,
    )
    found = [(one[0], one[1].month, one[3]) for one in values(read(content))]
    assert found == [("Z1", 12, 1), ("Z1", 1, 2), ("Z1", 2, 3), ("Z2", 2, 4)]


def test_a_value_that_is_merged_may_be_of_all_rows_together() -> None:
    content = workbook_of(
        HEADER,
        ("Z1", "01.01.2025", "01.02.2025", 1),
        ("Z1", "01.02.2025", "01.03.2025", 1),
        change=lambda book: book.active.merge_cells("D2:D3"),
    )
    problem = only_problem(content)
    assert problem.place == "sheet 'Daten', cell D3 (Verbrauch)"
    assert problem.message == "the cell is merged with one in row 2"
    assert "fill in every cell" in (problem.hint or "")


def test_the_right_sheet_is_found_or_named() -> None:
    def change(book: Any) -> None:
        book.create_sheet("Notizen", 0).append(["Zähler", "Verbrauch"])
        book.copy_worksheet(book["Daten"]).title = "2024"

    content = workbook_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", 1), change=change)
    assert "several sheets have the columns: 'Daten', '2024'" in only_problem(content).message
    named = LONG.replace("[readings]\n", '[readings]\nsheet = "daten"\n')
    assert len(read(content, named).measured) == 1
    other = LONG.replace("[readings]\n", '[readings]\nsheet = "2023"\n')
    assert "no sheet '2023', but 'Notizen', 'Daten', '2024'" in only_problem(content, other).message


def test_columns_that_are_missing_or_twice() -> None:
    row = ("Z1", "01.01.2025", "01.02.2025", 1)
    problem = only_problem(workbook_of(("Zähler", "Beginn", "Ende", "Verbrauch kWh"), row))
    assert "no row has the column 'Verbrauch'" in problem.message
    assert "Did you mean 'Verbrauch kWh'?" in (problem.hint or "")
    twice = only_problem(workbook_of((*HEADER, "Verbrauch"), row))
    assert "more than once: D and E" in twice.message
    assert only_problem(b"  ").message == "the file is empty"
    assert "no values" in only_problem(csv_of(HEADER)).message


def test_every_error_has_its_cell_its_value_and_what_to_do() -> None:
    content = csv_of(
        HEADER,
        ("Z9", "01.01.2025", "01.02.2025", "1"),
        ("", "01.01.2025", "01.02.2025", "1"),
        ("Z1", "1/2/2025", "01.03.2025", "1"),
        ("Z1", "30.02.2025", "01.03.2025", "1"),
        ("Z1", "01.02.2025", "", "1"),
        ("Z1", "01.02.2025", "01.01.2025", "1"),
        ("Z1", "31.12.9999", "31.12.9999 24:00", "1"),
        ("Z1", "01.01.0025", "01.02.0025", "1"),
        ("Z" * 300, "01.01.2025", "01.02.2025", "1"),
        ("Z1", "01.03.2025", "01.04.2025", "viel"),
        ("Z1", "01.03.2025", "01.04.2025", "-5"),
        ("Z1", "01.03.2025", "01.04.2025", ""),
        ("Z1", "01.03.2025", "01.04.2025", "1" * 40),
    )
    found = problems(content)
    assert [(one.place, one.message.split(":")[0]) for one in found] == [
        ("cell A2 (Zähler)", "the meter 'Z9' is not in the mapping"),
        ("cell A3 (Zähler)", "the row names no meter"),
        ("cell B4 (Beginn)", "'1/2/2025' is not a date, or may be one of two"),
        ("cell B5 (Beginn)", "'30.02.2025' is no day of the calendar"),
        ("cell C6 (Ende)", "there is no time"),
        ("cell C7 (Ende)", "the period ends at 2024-12-31 23"),
        ("cell B8 (Beginn)", "the year 9999 is none in which anything was metered"),
        ("cell C8 (Ende)", "'31.12.9999 00"),
        ("cell B9 (Beginn)", "the year 25 is none in which anything was metered"),
        ("cell C9 (Ende)", "the year 25 is none in which anything was metered"),
        ("cell A10 (Zähler)", f"{'Z' * 60!r}... is no name"),
        ("cell D11 (Verbrauch)", "'viel' is not a number"),
        ("cell D12 (Verbrauch)", "-5 is negative, expected 0 or more"),
        ("cell D13 (Verbrauch)", "there is no value"),
        ("cell D14 (Verbrauch)", f"{'1' * 40!r} has more than 30 digits"),
    ]
    assert all(one.hint for one in found[:-1])


def test_all_errors_of_a_row_are_said_at_once() -> None:
    found = problems(csv_of(HEADER, ("Z1", "30.02.2025", "32.03.2025", "viel")))
    assert [one.place for one in found] == [
        "cell D2 (Verbrauch)",
        "cell B2 (Beginn)",
        "cell C2 (Ende)",
    ]


def test_formulas_are_never_executed() -> None:
    row = ("Z1", "01.01.2025", "01.02.2025", "=1+1")
    problem = only_problem(workbook_of(HEADER, row))
    assert problem.place == "sheet 'Daten', cell D2 (Verbrauch)"
    assert "formula without a result" in problem.message
    assert "'=1+1' is not a number" in only_problem(csv_of(HEADER, row)).message


def test_thousands_or_decimals_that_nothing_tells_apart() -> None:
    content = csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", "1.234"))
    assert "may be 1.234 or 1234" in only_problem(content).message
    said = LONG.replace("[readings]\n", '[readings]\ndecimal_mark = "."\n')
    assert values(read(content, said))[0][3] == Decimal("1.234")


def test_units() -> None:
    mapping = LONG.replace('unit = "kWh"\n', "", 1)
    content = csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", "1"))
    assert "nothing says the unit of the meter 'Z1'" in only_problem(content, mapping).message
    in_column = mapping.replace("[meters]", 'unit = "Einheit"\n[meters]')
    rows = [
        (*HEADER, "Einheit"),
        ("Z1", "01.01.2025", "01.02.2025", "1", "MWh"),
        ("Z1", "01.02.2025", "01.03.2025", "1", "Kohle"),
    ]
    problem = only_problem(csv_of(*rows), in_column)
    assert problem.place == "cell E3 (Einheit)"
    assert values(read(csv_of(*rows[:2]), in_column))[0][4] == "MWh"


def test_counters() -> None:
    content = csv_of(
        ("meter", "at", "reading", "unit"),
        ("M1", "2025-01-01", "100.5", "MWh"),
        ("M1", "2025-02-01T00:00:00+01:00", "102", "MWh"),
    )
    assert values(read(content, COUNTER)) == [
        ("M1", datetime(2025, 1, 1, tzinfo=UTC), Decimal("100.5"), "MWh"),
        ("M1", datetime(2025, 1, 31, 23, tzinfo=UTC), Decimal(102), "MWh"),
    ]


def test_a_register_that_goes_back() -> None:
    content = csv_of(
        ("meter", "at", "reading", "unit"),
        ("M1", "2025-01-01", "99990", "kWh"),
        ("M1", "2025-02-01", "12", "kWh"),
    )
    problem = only_problem(content, COUNTER)
    assert problem.place == "cell C3 (reading)"
    assert "goes back from 99990" in problem.message
    assert "the other one is in cell C2 (reading)" in problem.message
    assert "exchanged" in (problem.hint or "")


def test_the_same_period_twice() -> None:
    row = ("Z1", "01.01.2025", "01.02.2025", "1")
    problem = only_problem(csv_of(HEADER, row, row))
    assert problem.place == "cell D3 (Verbrauch)"
    assert "two values for the time" in problem.message


def test_days_and_times_in_columns_of_their_own() -> None:
    mapping = LONG.replace('start = "Beginn"', 'date = "Datum"\nstart = "Beginn"')
    content = csv_of(
        ("Datum", *HEADER),
        ("01.01.2025", "Z1", "22:00", "23:00", "1"),
        ("01.01.2025", "Z1", "23:00", "24:00", "1"),
        ("02.01.2025", "Z1", "23:00", "00:00", "1"),
        ("03.01.2025", "Z1", "25:00", "00:00", "1"),
    )
    problem = only_problem(content, mapping)
    assert (problem.place, problem.message) == (
        "cell C5 (Beginn)",
        "'25:00' is no time of day",
    )
    good = content.rsplit(b"03.01.2025", 1)[0]
    ends = [one[2] for one in values(read(good, mapping))]
    assert ends == [
        datetime(2025, 1, 1, 22, tzinfo=UTC),
        datetime(2025, 1, 1, 23, tzinfo=UTC),
        datetime(2025, 1, 2, 23, tzinfo=UTC),
    ]


def test_days_and_months_of_the_calendar() -> None:
    for every, start, expected in (
        ("month", "01.02.2025", datetime(2025, 2, 28, 23, tzinfo=UTC)),
        ("day", "30.03.2025", datetime(2025, 3, 30, 22, tzinfo=UTC)),  # of 23 hours
        ("1 h", "01.02.2025", datetime(2025, 2, 1, 0, tzinfo=UTC)),
    ):
        mapping = LONG.replace('end = "Ende"', "").replace(
            "[readings]\n", f'[readings]\nevery = "{every}"\n'
        )
        export = read(csv_of(HEADER, ("Z1", start, "", "1")), mapping)
        assert values(export)[0][2] == expected, every
    content = csv_of(HEADER, ("Z1", "02.02.2025", "", "1"))
    monthly = mapping.replace("1 h", "month")
    assert "not the first day of a month" in only_problem(content, monthly).message


def test_a_format_of_times() -> None:
    mapping = LONG.replace("[readings]\n", '[readings]\ntime_format = "%m/%d/%Y %I:%M %p"\n')
    content = csv_of(HEADER, ("Z1", "01/02/2025 12:00 AM", "01/02/2025 01:00 PM", "1"))
    start, end = values(read(content, mapping))[0][1:3]
    assert (start, end) == (
        datetime(2025, 1, 1, 23, tzinfo=UTC),
        datetime(2025, 1, 2, 12, tzinfo=UTC),
    )
    wrong = csv_of(HEADER, ("Z1", "2.1.2025", "01/02/2025 01:00 PM", "1"))
    assert "does not have the form" in only_problem(wrong, mapping).message


# --- limits -----------------------------------------------------------------------------------


def test_a_million_rows_are_refused_clearly() -> None:
    row = b"Z1;01.01.2025;01.02.2025;1\n"
    content = ";".join(HEADER).encode() + b"\n" + row * 1_000_000
    problem = only_problem(content)
    assert "row 500001" in problem.message
    assert "at most 500000 rows" in problem.message
    assert problem.hint == "Split the file."


def test_a_year_of_quarter_hours() -> None:
    first = datetime(2025, 1, 1)  # noqa: DTZ001 - local times
    times = [first + timedelta(minutes=15 * one) for one in range(365 * 96 + 1)]
    texts = [f"{one:%d.%m.%Y %H:%M}" for one in times]
    rows = [
        ("Z1", start, end, f"{number / 100:.2f}".replace(".", ","))
        for number, (start, end) in enumerate(pairwise(texts))
    ]
    content = csv_of(HEADER, *rows, encoding="cp1252")
    begun = process_time()
    export = read(content, LONG.replace('"Europe/Berlin"', '"+01:00"'))
    assert process_time() - begun < 15  # it takes 2
    amounts = [one.value.quantity.amount for one in export.measured]  # type: ignore[union-attr]
    assert len(amounts) == 35_040
    assert sum(amounts) * 100 == sum(range(35_040))


def test_a_workbook_with_too_many_rows() -> None:
    content = workbook_of(HEADER, *(("Z1", "01.01.2025", "01.02.2025", 1) for _ in range(30)))
    problem = only_problem(content, settings=Settings(max_energy_values=20))
    assert "at most 20 rows" in problem.message


def test_too_many_values_in_few_rows() -> None:
    content = csv_of(
        ("Zeit", "1号炉", "Halle [kWh]"),
        *((f"2025-01-01 {hour:02}:00", "1", "1") for hour in range(12)),
    )
    problem = only_problem(content, WIDE, settings=Settings(max_energy_values=20))
    assert "more than 20 values" in problem.message
    assert "max_energy_values" in (problem.hint or "")


def test_too_many_problems_end_in_a_list_that_can_be_read() -> None:
    content = csv_of(HEADER, *(("Z9", "", "", "") for _ in range(5000)))
    found = problems(content)
    assert len(found) == 1001
    assert "more than 1000 problems" in found[-1].message


def test_a_bomb() -> None:
    content = workbook_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", 1))
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part + b" " * 5_000_000 if "sheet1" in name else part)
    assert len(bomb.getvalue()) < 50_000
    problem = only_problem(bomb.getvalue(), settings=Settings(max_import_bytes=3_000_000))
    assert "when it is unpacked" in problem.message


def test_other_files() -> None:
    assert "old kind" in only_problem(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100)).message
    big = only_problem(b"x" * 2000, settings=Settings(max_import_bytes=1000))
    assert "2000 bytes, at most 1000" in big.message
    assert re.search("neither JSON nor", only_problem(b"a\0b").message)


def test_the_reading_of_a_meter() -> None:
    (placed,) = read(csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", "1"))).measured
    assert placed.value == Reading(
        meter="Z1",
        carrier="electricity",
        start=JANUARY[0],
        end=JANUARY[1],
        quantity=Quantity(Decimal(1), "kWh"),
        line="Ofen 1",
    )
