"""Workbooks: what cells show is what is read, and what cannot be read is said."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from underseal_node.publishing.files import Documents
from underseal_node.publishing.results import Problem
from underseal_node.settings import Settings

Desk = Any
Row = Callable[..., dict[str, Any]]
Make = Callable[..., bytes]
SHEET = "xl/worksheets/sheet1.xml"


def only_problem(read: Documents) -> Problem:
    (problem,) = read.problems
    return problem


def rewritten(content: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """A workbook with other parts."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
    return written.getvalue()


def cell_of(book: openpyxl.Workbook, name: str, row: int = 2) -> Any:
    """The cell of a column, found by its title."""
    for cell in book["Footprints"][1]:
        if cell.value == name:
            return book["Footprints"].cell(row, cell.column)
    raise AssertionError(name)


def test_cells_of_every_kind(desk: Desk, row: Row, make_workbook: Make) -> None:
    read = desk.reads(
        make_workbook(
            row(
                productNameCompany="单水氢氧化锂",
                productDescription="two\nlines",
                pcfExcludingBiogenicUptake=0.1 + 0.2,
                fossilGhgEmissions=1e-7,
                declaredUnitAmount=1,
                referencePeriodStart=date(2025, 1, 1),
                referencePeriodEnd=datetime(2026, 1, 1),  # noqa: DTZ001 - as Excel has it
                packagingEmissionsIncluded=True,
                crossSectoralStandards="ISO14067\nPACT-3.0",
            )
        ),
        "sheet.xlsx",
    )
    assert read.problems == ()
    (placed,) = read.documents
    assert placed.is_row
    document, pcf = placed.document, placed.document["pcf"]
    assert document["productNameCompany"] == "单水氢氧化锂"
    assert document["productDescription"] == "two\nlines"
    assert pcf["pcfExcludingBiogenicUptake"] == "0.3"
    assert pcf["fossilGhgEmissions"] == "0.0000001"
    assert pcf["declaredUnitAmount"] == "1"
    assert pcf["referencePeriodStart"] == "2025-01-01T00:00:00Z"
    assert pcf["referencePeriodEnd"] == "2026-01-01T00:00:00Z"
    assert pcf["packagingEmissionsIncluded"] is True
    assert pcf["crossSectoralStandards"] == ["ISO14067", "PACT-3.0"]


def test_binary_noise_is_not_what_a_person_sees(desk: Desk, row: Row, make_workbook: Make) -> None:
    content = make_workbook(row(fossilGhgEmissions=0.3))
    noisy = rewritten(content, {SHEET: lambda xml: xml.replace(b">0.3<", b">0.30000000000000004<")})
    assert noisy != content
    assert desk.reads(noisy).documents[0].document["pcf"]["fossilGhgEmissions"] == "0.3"


@pytest.mark.parametrize("number_format", ["0%", "0.00%", '0.0"%"%'])
def test_percentages(desk: Desk, row: Row, make_workbook: Make, number_format: str) -> None:
    def change(book: openpyxl.Workbook) -> None:
        cell = cell_of(book, "Primary data share")
        cell.value, cell.number_format = 0.542, number_format

    read = desk.reads(make_workbook(row(), change=change))
    assert read.documents[0].document["pcf"]["primaryDataShare"] == "54.2"


def test_a_percentage_in_another_column_is_refused(
    desk: Desk, row: Row, make_workbook: Make
) -> None:
    def change(book: openpyxl.Workbook) -> None:
        cell = cell_of(book, "Fossil GHG emissions")
        cell.value, cell.number_format = 0.542, "0%"

    problem = only_problem(desk.reads(make_workbook(row(), change=change)))
    assert problem.place == "row 2, column fossilGhgEmissions"
    assert "percentage" in problem.message


def test_a_formula_without_a_result(desk: Desk, row: Row, make_workbook: Make) -> None:
    content = make_workbook(row(), row(fossilGhgEmissions="=1+1", comment="=A1"))
    problems = desk.reads(content).problems
    assert [one.place for one in problems] == [
        "row 3, column fossilGhgEmissions",
        "row 3, column comment",
    ]
    assert all("formula without a result" in one.message for one in problems)


def test_a_formula_with_a_result(desk: Desk, row: Row, make_workbook: Make) -> None:
    content = rewritten(
        make_workbook(row(fossilGhgEmissions="=1+1")),
        {SHEET: lambda xml: re.sub(rb"(<f>1\+1</f>)<v ?/?>(</v>)?", rb"\1<v>2</v>", xml)},
    )
    assert desk.reads(content).documents[0].document["pcf"]["fossilGhgEmissions"] == "2"


def test_a_cell_that_holds_an_error(desk: Desk, row: Row, make_workbook: Make) -> None:
    problem = only_problem(desk.reads(make_workbook(row(fossilGhgEmissions="#DIV/0!"))))
    assert problem.place == "row 2, column fossilGhgEmissions"
    assert "error" in problem.message


def test_merged_cells(desk: Desk, row: Row, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        cell = cell_of(book, "Fossil GHG emissions")
        book["Footprints"].merge_cells(
            start_row=2, end_row=3, start_column=cell.column, end_column=cell.column
        )

    problem = only_problem(desk.reads(make_workbook(row(), row(), change=change)))
    assert problem.place == "row 3, column fossilGhgEmissions"
    assert problem.message == "the cell is merged with one in row 2"


def test_merged_cells_above_the_table_do_no_harm(desk: Desk, row: Row, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        sheet = book["Footprints"]
        sheet.insert_rows(1, 3)
        sheet["A1"] = "Our products"
        sheet.merge_cells("A1:H2")

    read = desk.reads(make_workbook(row(), change=change))
    assert read.problems == ()
    assert read.documents[0].place_of("") == "row 5"


def test_a_table_that_does_not_begin_in_the_first_column(
    desk: Desk, row: Row, make_workbook: Make
) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Footprints"].insert_cols(1, 2)
        book["Footprints"]["A2"] = "x"

    problem = only_problem(desk.reads(make_workbook(row(), change=change)))
    assert problem.place == "row 2, column A"


def test_the_sheet_with_the_columns_is_found(desk: Desk, row: Row, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Footprints"].title = "Tabelle1"
        book.create_sheet("Notes", 0).append(["Fossil GHG emissions", "see", "below"])
        hidden = book.create_sheet("Hidden")
        hidden.append([cell.value for cell in book["Tabelle1"][1]])
        hidden.sheet_state = "hidden"

    assert len(desk.reads(make_workbook(row(), change=change)).documents) == 1


def test_no_sheet_has_the_columns(desk: Desk, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Footprints"].append(["Umsatz", "Menge"])
        book.create_sheet("Other")

    problem = only_problem(desk.reads(make_workbook({}, names=["x"], change=change)))
    assert "in 'Footprints', 'Other'" in problem.message
    assert "footprint template" in (problem.hint or "")


def test_two_sheets_have_the_columns(desk: Desk, row: Row, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book.copy_worksheet(book["Footprints"]).title = "2024"

    problem = only_problem(desk.reads(make_workbook(row(), change=change)))
    assert "several sheets: 'Footprints', '2024'" in problem.message


def test_an_empty_workbook(desk: Desk) -> None:
    content = io.BytesIO()
    openpyxl.Workbook().save(content)
    assert only_problem(desk.reads(content.getvalue())).message == "there is nothing in it"


def test_a_header_without_rows(desk: Desk, make_workbook: Make, row: Row) -> None:
    problem = only_problem(desk.reads(make_workbook(names=list(row()))))
    assert problem.message == "there is no footprint in it"


@pytest.mark.parametrize(("place", "value"), [("XFD1048576", 1), ("A1048576", "x"), ("NTP2", 1)])
def test_a_cell_far_away(desk: Desk, row: Row, make_workbook: Make, place: str, value: Any) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Footprints"][place] = value

    problem = only_problem(desk.reads(make_workbook(row(), change=change)))
    assert "at most 100000 rows and 300 columns" in problem.message
    assert "far away" in (problem.hint or "")


def test_a_format_far_away_does_no_harm(desk: Desk, row: Row, make_workbook: Make) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Footprints"]["XFD1048576"].number_format = "@"

    assert desk.reads(make_workbook(row(), change=change)).problems == ()


def test_an_old_excel_file(desk: Desk) -> None:
    problem = only_problem(desk.reads(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000), "a.xls"))
    assert "old kind" in problem.message
    assert ".xlsx" in (problem.hint or "")


def test_another_archive(desk: Desk) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "no .xlsx workbook" in only_problem(desk.reads(content.getvalue())).message


def test_a_bomb(desk: Desk, row: Row, make_workbook: Make) -> None:
    limit = 3_000_000
    desk.node.settings = Settings(max_import_bytes=limit)
    content = rewritten(make_workbook(row()), {SHEET: lambda xml: xml + b" " * limit})
    assert len(content) < limit / 100
    problem = only_problem(desk.reads(content))
    assert "when it is unpacked" in problem.message


def test_a_bomb_that_lies_about_its_size(desk: Desk, row: Row, make_workbook: Make) -> None:
    """The directory says 1,000 bytes; the reader behind would unpack them all."""
    content = bytearray(
        rewritten(make_workbook(row()), {SHEET: lambda xml: xml + b" " * 50_000_000})
    )
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        size = archive.getinfo(SHEET).file_size
    assert content.count(struct.pack("<I", size)) == 2
    lying = bytes(content).replace(struct.pack("<I", size), struct.pack("<I", 1_000))
    assert "damaged" in only_problem(desk.reads(lying)).message


def test_other_parts_are_not_unpacked(desk: Desk, row: Row, make_workbook: Make) -> None:
    limit = 3_000_000
    desk.node.settings = Settings(max_import_bytes=limit)
    content = io.BytesIO(make_workbook(row()))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(limit))
    assert desk.reads(content.getvalue()).problems == ()


def test_a_sheet_in_another_encoding(desk: Desk, row: Row, make_workbook: Make) -> None:
    content = rewritten(make_workbook(row()), {SHEET: lambda xml: xml.decode().encode("utf-16")})
    assert "UTF-8" in only_problem(desk.reads(content)).message


def test_names_with_prefixes(desk: Desk, row: Row, make_workbook: Make) -> None:
    """Some programs write every XML name with a prefix."""

    def prefixed(xml: bytes) -> bytes:
        xml = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", xml)
        return xml.replace(b"xmlns=", b"xmlns:x=", 1)

    content = rewritten(make_workbook(row(), row(fossilGhgEmissions="=1+1")), {SHEET: prefixed})
    problem = only_problem(desk.reads(content))
    assert problem.place == "row 3, column fossilGhgEmissions"
    assert len(desk.reads(content).documents) == 2


def test_cells_without_references(desk: Desk, row: Row, make_workbook: Make) -> None:
    """References may be left out; rows and cells then follow each other."""
    content = rewritten(
        make_workbook(row(), row(productNameCompany="#DIV/0!")),
        {SHEET: lambda xml: re.sub(rb'(<(?:row|c))( [^>]*?)? r="\w+"', rb"\1\2", xml)},
    )
    problem = only_problem(desk.reads(content))
    assert problem.place == "row 3, column productNameCompany"


def test_a_damaged_workbook_is_refused_whatever_is_damaged(
    desk: Desk, row: Row, make_workbook: Make
) -> None:
    content = make_workbook(row(), row())
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 3, 30))):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        damaged = damaged[: chance.choice((len(damaged), chance.randrange(4, len(damaged))))]
        read = desk.reads(bytes(damaged))  # an answer, whatever it is
        assert read.problems or len(read.documents) == 2


def test_a_part_that_is_no_xml(desk: Desk, row: Row, make_workbook: Make) -> None:
    chance = random.Random(8)
    for name in (SHEET, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"):
        for _ in range(60):

            def damage(xml: bytes) -> bytes:
                start = chance.randrange(len(xml))
                return xml[:start] + xml[start + chance.randrange(1, 40) :]

            read = desk.reads(rewritten(make_workbook(row()), {name: damage}))
            assert read.problems or read.documents


def test_the_reader_gets_no_more_than_was_counted() -> None:
    """What zlib would unpack beyond the size in the directory is cut off by `zipfile`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b" " * 5_000)
    content = packed.getvalue()
    cut = struct.pack("<I", 100)
    lying = content.replace(struct.pack("<I", 5_000), cut)
    lying = lying.replace(
        struct.pack("<I", zlib.crc32(b" " * 5_000)), struct.pack("<I", zlib.crc32(b" " * 100))
    )
    with zipfile.ZipFile(io.BytesIO(lying)) as archive:
        assert len(archive.read("a")) == 100
