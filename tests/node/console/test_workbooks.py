"""Workbooks that are sent while they are written: other programs read what was put in."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.console.workbooks import MAX_CELL_CHARACTERS, Book

HEADS = ["Name", "Amount"]
# What XML can write, and no spreadsheet changes: line ends become one kind of line end.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=20
).filter(lambda text: "_x" not in text)


def written(*portions: list[list[str]], max_rows: int = 1_000) -> bytes:
    book = Book("List", HEADS, max_rows=max_rows)
    return b"".join([*(book.add(rows) for rows in portions), book.end()])


def by_openpyxl(content: bytes) -> dict[str, list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def by_calamine(content: bytes) -> dict[str, list[list[object]]]:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {
        name: [list(row) for row in book.get_sheet_by_name(name).to_python()]
        for name in book.sheet_names
    }


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=5))
def test_two_programs_read_what_was_written(rows: list[list[str]]) -> None:
    content = written(rows)
    assert by_openpyxl(content) == by_calamine(content) == {"List": [HEADS, *rows]}


def test_a_full_sheet_goes_on_in_the_next_one_with_the_heads() -> None:
    rows = [[f"name {number}", str(number)] for number in range(5)]
    expected = {
        "List": [HEADS, rows[0], rows[1]],
        "List 2": [HEADS, rows[2], rows[3]],
        "List 3": [HEADS, rows[4]],
    }
    for content in (written(rows, max_rows=3), written(*([row] for row in rows), max_rows=3)):
        assert by_openpyxl(content) == by_calamine(content) == expected


def test_figures_stay_texts_with_every_digit() -> None:
    amount = "0.10000000000000000000000000000000000000001000"
    assert by_openpyxl(written([["a", amount]]))["List"][1] == ["a", amount]


def test_what_no_workbook_holds_is_left_out_or_cut() -> None:
    rows = [["a\x00b\x0bc\ufffe", ""], ["x" * (MAX_CELL_CHARACTERS + 10), ""]]
    _, (forbidden, _), (cut, _) = by_openpyxl(written(rows))["List"]
    assert forbidden == "abc"
    assert isinstance(cut, str)
    assert len(cut) == MAX_CELL_CHARACTERS
    assert cut.endswith("…")


def test_what_a_spreadsheet_would_take_for_an_escape_stays_text() -> None:
    """ECMA-376 part 1, 22.9.2.19: `_x000A_` is a line end, and `_x005F_` the underscore."""
    with zipfile.ZipFile(io.BytesIO(written([["_x000A_", ""]]))) as archive:
        assert b">_x005F_x000A_<" in archive.read("xl/worksheets/sheet1.xml")


def test_rows_are_sent_before_all_are_there() -> None:
    book = Book("List", HEADS)
    rows = [[f"name {number * 7919 % 10007}", str(number)] for number in range(20_000)]
    assert len(book.add(rows)) > 100_000
    assert len(book.end()) < 50_000
