"""Sheets that were saved as text: encodings, separators, marks, and every error with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.publishing.files import Documents
from underseal_node.publishing.results import Problem

Desk = Any
Row = Callable[..., dict[str, Any]]
Csv = Callable[..., bytes]


def only_problem(read: Documents) -> Problem:
    (problem,) = read.problems
    return problem


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings(
    desk: Desk, row: Row, make_csv: Csv, separator: str, encoding: str
) -> None:
    content = make_csv(
        row(productNameCompany="Größe 7, süß; rot"), separator=separator, encoding=encoding
    )
    read = desk.reads(content, "sheet.csv")
    assert read.problems == ()
    (placed,) = read.documents
    assert placed.is_row
    assert placed.document["productNameCompany"] == "Größe 7, süß; rot"
    assert placed.document["pcf"]["pcfExcludingBiogenicUptake"] == "0.412"
    assert placed.place_of("/pcf/dqi/temporalDQR") == "row 2, column dqi.temporalDQR"
    assert placed.place_of("/productIds/3") == "row 2, column productIds"
    assert placed.place_of("/pcf") == placed.place_of("") == "row 2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_chinese_names(desk: Desk, row: Row, make_csv: Csv, encoding: str) -> None:
    content = make_csv(row(productNameCompany="单水氢氧化锂"), encoding=encoding)
    assert desk.reads(content).documents[0].document["productNameCompany"] == "单水氢氧化锂"


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("单水氢氧化锂", "gb18030"),
        ("Пружина", "cp1251"),
        ("Wierzbołit", "cp1250"),
        ("圧縮ばね", "cp932"),
    ],
)
def test_an_encoding_that_would_turn_names_into_others_is_refused(
    desk: Desk, row: Row, make_csv: Csv, name: str, encoding: str
) -> None:
    problem = only_problem(
        desk.reads(make_csv(row(productNameCompany=name), encoding=encoding), "sheet.csv")
    )
    assert "encoding" in problem.message
    assert "CSV UTF-8" in (problem.hint or "")


def test_decimal_commas_of_a_german_spreadsheet(desk: Desk, row: Row, make_csv: Csv) -> None:
    cells = {"pcfExcludingBiogenicUptake": "1.234,5", "fossilGhgEmissions": "1,234"}
    content = make_csv(
        row(**cells, primaryDataShare="54,2", referencePeriodStart="1.1.2025"), separator=";"
    )
    # The example has `0.412`, which shows a point: nothing is certain any more.
    assert only_problem(desk.reads(content)).place == "row 2, column fossilGhgEmissions"
    content = content.replace(b"0.", b"0,").replace(b"2.5", b"2,5")
    read = desk.reads(content)
    assert read.problems == ()
    pcf = read.documents[0].document["pcf"]
    assert pcf["pcfExcludingBiogenicUptake"] == "1234.5"
    assert pcf["fossilGhgEmissions"] == "1.234"
    assert pcf["referencePeriodStart"] == "2025-01-01T00:00:00Z"


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("text", ["1,234", "1.234"])
def test_what_may_be_thousands_is_refused_with_its_place(
    desk: Desk, row: Row, make_csv: Csv, separator: str, text: str
) -> None:
    plain = dict.fromkeys(
        ("productMassPerDeclaredUnit", "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake",
         "fossilGhgEmissions", "dqi.geographicalDQR"), "1",
    )  # fmt: skip
    content = make_csv(
        {**row(), **plain}, {**row(), **plain, "fossilGhgEmissions": text}, separator=separator
    )
    problem = only_problem(desk.reads(content))
    assert problem.place == "row 3, column fossilGhgEmissions"
    assert "1.234 or 1234" in problem.message


def test_where_commas_separate_columns_the_point_is_the_mark(
    desk: Desk, row: Row, make_csv: Csv
) -> None:
    content = make_csv(row(fossilGhgEmissions="1.234"))
    assert desk.reads(content).documents[0].document["pcf"]["fossilGhgEmissions"] == "1.234"


def test_all_errors_are_named(desk: Desk, row: Row, make_csv: Csv) -> None:
    content = make_csv(
        row(fossilGhgEmissions="much", referencePeriodEnd="soon"),
        row(),
        row(packagingEmissionsIncluded="perhaps"),
    )
    assert [one.place for one in desk.reads(content).problems] == [
        "row 2, column referencePeriodEnd",
        "row 2, column fossilGhgEmissions",
        "row 4, column packagingEmissionsIncluded",
    ]


def test_rows_are_counted_as_the_spreadsheet_does(desk: Desk, row: Row, make_csv: Csv) -> None:
    header, first, second = make_csv(
        row(productDescription="two\nlines"), row(comment="x", fossilGhgEmissions="?")
    ).split(b"\r\n")[:3]
    for before in (b"", b"sep=,\r\n"):
        content = before + b"\r\n".join([b"My products,,", header, b",,,", first, b"", second])
        assert only_problem(desk.reads(content)).place == "row 6, column fossilGhgEmissions"


def test_columns_in_any_order_and_optional_ones_left_out(
    desk: Desk, row: Row, make_csv: Csv
) -> None:
    required = [name for name in row() if name not in ("geographyCountry", "primaryDataShare")]
    read = desk.reads(make_csv(row(), names=list(reversed(required))))
    assert read.problems == ()
    assert "geographyCountry" not in read.documents[0].document["pcf"]


def test_a_required_column_that_is_missing(desk: Desk, row: Row, make_csv: Csv) -> None:
    names = [name for name in row() if name not in ("productIds", "fossilGhgEmissions")]
    read = desk.reads(make_csv(row(), names=names))
    assert [one.message for one in read.problems] == [
        "the column productIds is missing",
        "the column fossilGhgEmissions is missing",
    ]
    assert {one.place for one in read.problems} == {"row 1"}


def test_an_unknown_column_is_not_dropped(desk: Desk, row: Row, make_csv: Csv) -> None:
    names = [*row(), "Primary data shares", "# my number"]
    problem = only_problem(desk.reads(make_csv(row(), names=names)))
    assert problem.message == "the column 'Primary data shares' is unknown"
    assert "Did you mean Primary data share?" in (problem.hint or "")


def test_a_column_that_is_there_twice(desk: Desk, row: Row, make_csv: Csv) -> None:
    problem = only_problem(desk.reads(make_csv(row(), names=[*row(), "pcf.fossilGhgEmissions"])))
    assert problem.message == "the column fossilGhgEmissions is there twice"


def test_columns_for_people_are_ignored(desk: Desk, row: Row, make_csv: Csv) -> None:
    names = ["# number", *row()]
    content = make_csv({**row(), "# number": "x-1"}, names=names)
    assert desk.reads(content).problems == ()


def test_a_cell_beside_the_table_is_not_dropped(desk: Desk, row: Row, make_csv: Csv) -> None:
    header, first = make_csv(row(), names=list(row())).split(b"\r\n")[:2]
    problem = only_problem(desk.reads(header + b"\r\n" + first + b",,0.5"))
    assert problem.place == "row 2, column Y"
    assert "no name" in problem.message


def test_rows_for_people_are_ignored_if_there_is_a_column_for_the_mark(
    desk: Desk, row: Row, make_csv: Csv
) -> None:
    names = ["#", *row()]
    read = desk.reads(make_csv({**row(), "#": "# old"}, row(), names=names))
    assert len(read.documents) == 1
    # Without it, a product may be called so.
    read = desk.reads(make_csv(row(productNameCompany="#7"), names=list(row())))
    assert read.documents[0].document["productNameCompany"] == "#7"


def test_only_rows_for_people(desk: Desk, row: Row, make_csv: Csv) -> None:
    problem = only_problem(desk.reads(make_csv({**row(), "#": "#"}, names=["#", *row()])))
    assert problem.message == "there is no footprint in it"
    assert "begin with #" in (problem.hint or "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "nothing in it"),
        (b"a,b,c\r\n1,2,3\r\n", "no row with the names of the columns"),
        (b"%PDF-1.7\n\x00\x01\x02\xff", "neither JSON nor a workbook nor CSV"),
        (b"\x81\x8d", "cannot be read"),
        (b"\xff\xfea\x00\xd8", "cannot be read"),
    ],
)
def test_what_is_no_sheet(desk: Desk, content: bytes, message: str) -> None:
    problem = only_problem(desk.reads(content, "sheet.csv"))
    assert message in problem.message
    assert problem.place == ""


def test_a_quotation_mark_that_is_not_closed(desk: Desk, row: Row, make_csv: Csv) -> None:
    content = make_csv(row(), row()) + b'"open, and never closed\r\n'
    problem = only_problem(desk.reads(content))
    assert problem.message.startswith("row 4 cannot be read")
    assert "quotation mark" in (problem.hint or "")


def test_a_text_that_is_too_long_for_a_cell(desk: Desk, row: Row, make_csv: Csv) -> None:
    assert (
        "row 2 cannot be read"
        in only_problem(desk.reads(make_csv(row(comment="x" * 200_000)))).message
    )


def test_more_rows_than_are_read(desk: Desk, row: Row, make_csv: Csv) -> None:
    content = make_csv(row()) + b"x\r\n" * 100_000
    problem = only_problem(desk.reads(content))
    assert "at most 100000 rows" in problem.message


def test_more_columns_than_are_read(desk: Desk, row: Row, make_csv: Csv) -> None:
    content = make_csv(row(), names=list(row())) + b"," * 400
    assert "300 columns" in only_problem(desk.reads(content)).message
