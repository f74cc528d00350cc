"""What the fast reader of workbooks does not tell: sizes, formulas without result, percentages.

An .xlsx file is a ZIP archive of XML. It is unpacked here, within a limit, and packed again without
compression, so that the reader behind never unpacks more than was counted. Its cells are looked at
as text, because the reader gives nothing for a formula without a result or for an error, and
reserves memory up to the most distant cell.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from html import unescape

from underseal_node.errors import RefusedError
from underseal_node.sheets.cells import Flaw

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "Marks", "Unpacked", "marks_of", "unpack"]

MAX_ROWS = 100_000
MAX_COLUMNS = 300
MAX_CELLS = 10_000_000  # the reader reserves memory for empty ones too
MAX_PARTS = 2_000

# What reading damaged archives raises: also names that are no UTF-8, and offsets before the start.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    RuntimeError, ValueError,
)  # fmt: skip
NOT_A_WORKBOOK = "Save it as .xlsx or as CSV UTF-8 and try again."
FORMULA_HINT = "Open the file in a spreadsheet program and save it, or paste the values."
ERROR_HINT = "Correct the formula or type the value."
SHOWN_CHARACTERS = 60

_NEEDED = re.compile(r"\[Content_Types\]\.xml|_rels/\.rels|xl/.*\.(?:xml|rels)")
_SKIPPED = re.compile(r"xl/(?:theme|drawings|charts|media|comments)")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\s([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s([^>]*)>")
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?row(?=[\s/>])([^>]*)>"
    rb"|<(?:\w+:)?c(?=[\s/>])([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)",
    re.DOTALL,
)
_REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})?([0-9]{1,7})["']""")
_TYPE_ERROR = re.compile(rb"""\st=["']e["']""")
_STYLE = re.compile(rb"""\ss=["']([0-9]+)["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*))")
_RESULT = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)")
_FORMATS = re.compile(rb"<(?:\w+:)?numFmt\s([^>]*)>")
_CELL_STYLES = re.compile(rb"<(?:\w+:)?cellXfs[\s>](.*?)</(?:\w+:)?cellXfs>", re.DOTALL)
_CELL_STYLE = re.compile(rb"<(?:\w+:)?xf\s([^>]*)>")

PERCENT_FORMATS = (b"9", b"10")  # ECMA-376 part 1, section 18.8.30


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A workbook within the limits.

    Attributes:
        archive: the same workbook, packed without compression.
        sheets: the XML of each sheet, in the order of the workbook.
        percent_styles: numbers of the cell styles that show a percentage.
    """

    archive: bytes = field(repr=False)
    sheets: tuple[bytes, ...] = field(repr=False)
    percent_styles: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is special about cells, by row and column from 0.

    Attributes:
        flaws: cells without a value to go by.
        percentages: numbers that are shown as percentages.
    """

    flaws: dict[tuple[int, int], Flaw]
    percentages: frozenset[tuple[int, int]]


def unpack(content: bytes, *, max_bytes: int) -> Unpacked:
    """Unpack a workbook.

    Args:
        content: of the .xlsx file.
        max_bytes: of everything in it, unpacked.

    Raises:
        RefusedError: it is none, is damaged, or is too large.
    """
    try:
        parts = _parts(content, max_bytes)
    except DAMAGED as error:
        raise RefusedError("the workbook is damaged", hint=NOT_A_WORKBOOK) from error
    if "xl/workbook.xml" not in parts:
        raise RefusedError("it is a ZIP archive, but no .xlsx workbook", hint=NOT_A_WORKBOOK)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    styles = parts.get("xl/styles.xml", b"")
    return Unpacked(packed.getvalue(), _sheets(parts), _percent_styles(styles))


def marks_of(sheet: bytes, percent_styles: frozenset[bytes], *, max_rows: int = MAX_ROWS) -> Marks:
    """Look through the cells of a sheet.

    Args:
        sheet: its XML.
        percent_styles: as in `Unpacked`.
        max_rows: that are read.

    Raises:
        RefusedError: it has more rows or columns than are read.
    """
    flaws: dict[tuple[int, int], Flaw] = {}
    percentages: set[tuple[int, int]] = set()
    row, column, rows, columns = -1, -1, 0, 0
    for found in _ROW_OR_CELL.finditer(sheet):
        row_attributes, attributes, inside = found.groups()
        if row_attributes is not None:
            at = _REFERENCE.search(row_attributes)
            row, column = (row + 1 if at is None else int(at[2]) - 1), -1
            continue
        at = _REFERENCE.search(attributes)
        column = column + 1 if at is None or at[1] is None else _column_number(at[1])
        if not inside:
            continue
        if row >= rows or column >= columns:
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            _check_extent(rows, columns, max_rows)
        if _TYPE_ERROR.search(attributes):
            shown = _shown(_RESULT.search(inside))
            flaws[row, column] = Flaw(f"the cell holds an error{shown}", ERROR_HINT)
        elif (formula := _FORMULA.search(inside)) and not _RESULT.search(inside):
            shown = _shown(formula, "=")
            flaws[row, column] = Flaw(
                f"the cell has a formula without a result{shown}", FORMULA_HINT
            )
        elif percent_styles:
            style = _STYLE.search(attributes)
            if style is not None and style[1] in percent_styles:
                percentages.add((row, column))
    return Marks(flaws, frozenset(percentages))


def _shown(found: re.Match[bytes] | None, sign: str = "") -> str:
    """What is written in a cell, for a message; the formula that others share is in one of them."""
    text = "" if found is None or not found[1] else unescape(found[1].decode("utf-8", "replace"))
    text = text[:SHOWN_CHARACTERS] + ("..." if len(text) > SHOWN_CHARACTERS else "")
    return f": {sign}{text}" if text else ""


def _parts(content: bytes, max_bytes: int) -> dict[str, bytes]:
    """The parts that are needed, by name; of each no more than it is said to have."""
    parts: dict[str, bytes] = {}
    left = max_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_PARTS:
            raise RefusedError(
                f"the workbook has {len(entries)} parts, at most {MAX_PARTS} are read"
            )
        for entry in entries:
            name = entry.filename.lstrip("/")
            if not _NEEDED.fullmatch(name) or _SKIPPED.match(name):
                continue
            left -= entry.file_size
            if left < 0:
                raise RefusedError(
                    f"the workbook has more than {max_bytes} bytes when it is unpacked",
                    hint="Copy the rows into a new workbook, or raise max_import_bytes.",
                )
            parts[name] = archive.read(entry)
            if b"\0" in parts[name][:200]:  # UTF-16, which no spreadsheet program writes
                raise RefusedError("the workbook is not written in UTF-8", hint=NOT_A_WORKBOOK)
    return parts


def _sheets(parts: dict[str, bytes]) -> tuple[bytes, ...]:
    """The XML of each sheet, in the order of the workbook; empty for one that is not there."""
    targets = {
        _attribute(found[1], rb"Id"): _attribute(found[1], rb"Target").decode("utf-8", "replace")
        for found in _RELATION.finditer(parts.get("xl/_rels/workbook.xml.rels", b""))
    }
    sheets = []
    for found in _SHEET.finditer(parts["xl/workbook.xml"]):
        target = targets.get(_attribute(found[1], rb"\w+:id"), "")
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        sheets.append(parts.get(name, b""))
    return tuple(sheets)


def _percent_styles(styles: bytes) -> frozenset[bytes]:
    formats = set(PERCENT_FORMATS)
    for found in _FORMATS.finditer(styles):
        if b"%" in _attribute(found[1], rb"formatCode"):
            formats.add(_attribute(found[1], rb"numFmtId"))
    section = _CELL_STYLES.search(styles)
    listed = () if section is None else _CELL_STYLE.finditer(section[1])
    return frozenset(
        str(number).encode()
        for number, found in enumerate(listed)
        if _attribute(found[1], rb"numFmtId") in formats
    )


def _attribute(attributes: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?:^|\s)" + name + rb"""=(?:"([^"]*)"|'([^']*)')""", attributes)
    return b"" if found is None else found[1] or found[2] or b""


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _check_extent(rows: int, columns: int, max_rows: int) -> None:
    if rows > max_rows or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise RefusedError(
            f"the sheet has {rows} rows and {columns} columns; at most {max_rows} rows and "
            f"{MAX_COLUMNS} columns are read",
            hint="Split the file, or delete what is far away from the table.",
        )
