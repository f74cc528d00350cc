"""Tables of cells from workbooks and CSV: what the two have in common."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import python_calamine

from underseal_node.errors import RefusedError
from underseal_node.sheets.cells import Cell, Flaw, Percentage, is_blank, is_empty
from underseal_node.sheets.workbook_parts import (
    MAX_COLUMNS,
    MAX_ROWS,
    NOT_A_WORKBOOK,
    Marks,
    marks_of,
    unpack,
)

__all__ = ["Knows", "Row", "Table", "header_of", "table_of_csv", "tables_of_workbook"]

_Place: TypeAlias = tuple[int, int]
Knows: TypeAlias = Callable[[Cell], bool]

_EMPTY: Cell = ""
HEADER_WITHIN = 20  # rows from the top
HEADER_COLUMNS = 3  # known ones, that make a row a header
SEPARATORS = ",;\t"
BEGINNING_CHARACTERS = 1_000_000

_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# Letters of other scripts follow each other; in Western text, letters beyond ASCII stand alone or
# in pairs.
_OTHER_SCRIPT = re.compile(rb"[\x80-\xff]{4}")
# A sign between letters is a letter of Central Europe, read by the wrong table.
_OTHER_TABLE = re.compile("[A-Za-z][¥¹³£¿¼¾]{1,2}[a-z]")
_HAN = re.compile("[\u3400-\u9fff]")
UNMERGE_HINT = "Undo the merging and fill in every cell."
ENCODING_HINT = "Save it as `CSV UTF-8`, or as .xlsx."


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        number: as the spreadsheet counts.
        cells: from the first column on.
    """

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a sheet.

    Attributes:
        name: of the sheet; empty for CSV.
        rows: those in which something is written that is not of a row above.
        separator: between columns, for CSV.
    """

    name: str
    rows: Sequence[Row]
    separator: str | None = None


def header_of(table: Table, knows: Knows, *, at_least: int = HEADER_COLUMNS) -> Row | None:
    """The row with the names of the columns; None if there is none.

    Args:
        table: from which.
        knows: whether a cell is the heading of a column.
        at_least: how many headings make a row a header.
    """
    for row in table.rows[:HEADER_WITHIN]:
        if _known_columns(row.cells, knows) >= at_least:
            return row
    return None


def _known_columns(cells: Iterable[Cell], knows: Knows) -> int:
    return sum(map(knows, cells))


# --- workbooks --------------------------------------------------------------------------------


def tables_of_workbook(content: bytes, *, max_bytes: int, max_rows: int = MAX_ROWS) -> list[Table]:
    """The sheets of an .xlsx workbook that people can see.

    Args:
        content: of the file.
        max_bytes: of everything in it, unpacked.
        max_rows: of a sheet.

    Raises:
        RefusedError: it is damaged, or too large.
    """
    unpacked = unpack(content, max_bytes=max_bytes)
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(unpacked.archive))
        sheets = workbook.sheets_metadata
        if len(sheets) != len(unpacked.sheets):
            raise RefusedError("the workbook is damaged", hint=NOT_A_WORKBOOK)
        return [
            _table(workbook, number, marks_of(xml, unpacked.percent_styles, max_rows=max_rows))
            for number, (sheet, xml) in enumerate(zip(sheets, unpacked.sheets, strict=True))
            if sheet.typ is python_calamine.SheetTypeEnum.WorkSheet
            and sheet.visible is python_calamine.SheetVisibleEnum.Visible
        ]
    except python_calamine.CalamineError as error:
        raise RefusedError(f"the workbook cannot be read: {error}", hint=NOT_A_WORKBOOK) from error


def _table(workbook: python_calamine.CalamineWorkbook, number: int, marks: Marks) -> Table:
    sheet = workbook.get_sheet_by_index(number)
    merged = _merged(sheet)
    first_column = 0 if sheet.start is None else sheet.start[1]
    special = {row for row, _ in (*marks.flaws, *merged, *marks.percentages)}
    anchors = dict.fromkeys(merged.values(), _EMPTY)
    special |= {row for row, _ in anchors}
    rows = []
    for at, values in enumerate(sheet.iter_rows()):
        cells: list[Cell] = [*[""] * first_column, *values]
        if at in special:
            _mark(cells, at, marks)
            _cover(cells, at, merged, anchors)
        if not all(map(is_blank, cells)):
            rows.append(Row(at + 1, cells))
    return Table(sheet.name, rows)


def _merged(sheet: python_calamine.CalamineSheet) -> dict[_Place, _Place]:
    """The cells that are covered by another one, and which one that is."""
    covered: dict[_Place, _Place] = {}
    end = sheet.end
    if end is None:
        return covered
    for anchor, (bottom, right) in sheet.merged_cell_ranges or ():
        for row in range(anchor[0], min(bottom, end[0]) + 1):
            for column in range(anchor[1], min(right, end[1]) + 1):
                if (row, column) != anchor:
                    covered[row, column] = anchor
    return covered


def _mark(cells: list[Cell], row: int, marks: Marks) -> None:
    for column, cell in enumerate(cells):
        flaw = marks.flaws.get((row, column))
        if flaw is not None:
            cells[column] = flaw
        elif (row, column) in marks.percentages and type(cell) in (int, float):
            cells[column] = Percentage(float(cell))  # type: ignore[arg-type]


def _cover(
    cells: list[Cell], row: int, merged: dict[_Place, _Place], anchors: dict[_Place, Cell]
) -> None:
    for column, cell in enumerate(cells):
        place = (row, column)
        if place in anchors:
            anchors[place] = cell
        anchor = merged.get(place)
        if anchor is not None:
            message = f"the cell is merged with one in row {anchor[0] + 1}"
            above = anchors[anchor] if anchor[1] == column else None
            cells[column] = Flaw(message, UNMERGE_HINT, is_covered=True, covered_by=above)


# --- CSV --------------------------------------------------------------------------------------


def table_of_csv(content: bytes, knows: Knows, *, max_rows: int = MAX_ROWS) -> Table:
    """The rows of a text with separated columns: by comma, semicolon or tab.

    Args:
        content: of the file, in UTF-8, UTF-16 or, as older programs write, Windows-1252, or
            GB18030 if the headings are Chinese.
        knows: whether a cell is the heading of a column.
        max_rows: that are read.

    Raises:
        RefusedError: it is something else, or too large.
    """
    encoding = _encoding(content, knows)
    try:
        beginning = _text(content, encoding).read(BEGINNING_CHARACTERS)
        if "\0" in beginning:
            raise RefusedError("this is neither JSON nor a workbook nor CSV", hint=ENCODING_HINT)
        _refuse_other_table(beginning, encoding)
        named = _SEPARATOR_LINE.match(beginning)
        text = _text(content, encoding)
        if named is not None:
            text.readline()  # spreadsheets do not count it
        separator = named[1] if named is not None else _separator(beginning, knows)
        return Table("", list(_csv_rows(text, separator, max_rows)), separator)
    except UnicodeDecodeError as error:
        raise RefusedError(f"it cannot be read as {error.encoding}", hint=ENCODING_HINT) from None


def _encoding(content: bytes, knows: Knows) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if _has_chinese_headings(content, knows):
            return "gb18030"
        if _OTHER_SCRIPT.search(content):
            raise RefusedError(
                f"the encoding is unknown: byte {error.start} is not UTF-8, and neither "
                "Windows-1252 nor GB18030 is certain",
                hint=ENCODING_HINT,
            ) from None
        return "cp1252"
    return "utf-8-sig"


def _has_chinese_headings(content: bytes, knows: Knows) -> bool:
    """Whether it makes sense in GB18030. That it can be decoded says little: Korean and Japanese
    texts can, too, and become other words; that these are the names of columns is no accident."""
    try:
        beginning = content.decode("gb18030")[:BEGINNING_CHARACTERS]
    except UnicodeDecodeError:
        return False
    foreign = sum(not one.isascii() for one in beginning)
    if 2 * len(_HAN.findall(beginning)) < foreign:
        return False
    return any(
        _columns_by(beginning, one, lambda cell: not str(cell).isascii() and knows(cell))
        for one in SEPARATORS
    )


def _refuse_other_table(beginning: str, encoding: str) -> None:
    strange = _OTHER_TABLE.search(beginning) if encoding == "cp1252" else None
    if strange is not None:
        raise RefusedError(f"the encoding is unknown: it reads {strange[0]!r}", hint=ENCODING_HINT)


def _text(content: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding, newline="")


def _separator(beginning: str, knows: Knows) -> str:
    """The separator by which most columns are known."""
    return max(SEPARATORS, key=lambda separator: _columns_by(beginning, separator, knows))


def _columns_by(beginning: str, separator: str, knows: Knows) -> int:
    """How many columns are known in the best of the first rows."""
    best = 0
    try:
        for cells in islice(csv.reader(io.StringIO(beginning), delimiter=separator), HEADER_WITHIN):
            best = max(best, _known_columns(cells, knows))
    except csv.Error:  # a quotation mark at the wrong place; reading it all says where
        pass
    return best


def _csv_rows(text: io.TextIOWrapper, separator: str, max_rows: int) -> Iterator[Row]:
    number = 0
    try:
        for number, cells in enumerate(csv.reader(text, delimiter=separator, strict=True), 1):
            if number > max_rows or len(cells) > MAX_COLUMNS:
                has = f"has {len(cells)} columns" if number <= max_rows else "is one too many"
                raise RefusedError(
                    f"row {number} {has}; at most {max_rows} rows and {MAX_COLUMNS} columns are "
                    "read",
                    hint="Split the file.",
                )
            if not all(map(is_empty, cells)):
                yield Row(number, cells)
    except csv.Error as error:
        raise RefusedError(
            f"row {number + 1} cannot be read: {error}",
            hint="Look for a quotation mark that is opened and not closed.",
        ) from error
