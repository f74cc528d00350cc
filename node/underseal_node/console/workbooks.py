"""Workbooks that are sent while they are written: a table of texts of any length (ECMA-376 part 1).

openpyxl keeps a sheet on the disk until all of it is there, and takes minutes for a million rows.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO
from xml.sax.saxutils import escape

__all__ = ["MAX_ROWS", "Book"]

MAX_ROWS = 1_048_576  # of a sheet, its head included
MAX_SHEET_BYTES = 2**30  # unpacked; more would need an extension that not every program reads
MAX_CELL_CHARACTERS = 32_767
CUT = "…"

# What XML has no way to write, and what a spreadsheet takes for a character that was written so.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SHEET_HEAD = f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'
SHEET_END = "</sheetData></worksheet>"


class _Written(io.RawIOBase):
    """What was written and not sent yet; nobody goes back in it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """All of it, once."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found


class Book:
    """A workbook with one table; where one sheet is full, it goes on in the next.

    Args:
        name: of the first sheet; the others have their number behind it.
        heads: of the columns, on each sheet.
        max_rows: of a sheet, its head included.
    """

    def __init__(self, name: str, heads: Sequence[str], *, max_rows: int = MAX_ROWS) -> None:
        self._name = name
        self._heads = heads
        self._max_rows = max_rows
        self._written = _Written()
        self._archive = zipfile.ZipFile(self._written, "w", zipfile.ZIP_DEFLATED, compresslevel=5)
        self._sheets = 0
        self._sheet: IO[bytes] | None = None
        self._rows = self._bytes = 0
        self._begin()

    def add(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Write rows of texts; what of the file there is to send."""
        for row in rows:
            if self._rows >= self._max_rows or self._bytes >= MAX_SHEET_BYTES:
                self._end()
                self._begin()
            self._write(row)
        return self._written.taken()

    def end(self) -> bytes:
        """The end of the file."""
        self._end()
        for path, content in self._frame():
            self._archive.writestr(path, HEAD + content)
        self._archive.close()
        return self._written.taken()

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w")
        self._sheet.write(SHEET_HEAD.encode())
        self._rows = self._bytes = 0
        self._write(self._heads)

    def _write(self, row: Sequence[str]) -> None:
        cells = "".join(map(_cell, row))
        content = f"<row>{cells}</row>".encode()
        if self._sheet is not None:
            self._sheet.write(content)
        self._rows += 1
        self._bytes += len(content)

    def _end(self) -> None:
        if self._sheet is not None:
            self._sheet.write(SHEET_END.encode())
            self._sheet.close()
            self._sheet = None

    def _frame(self) -> Iterator[tuple[str, str]]:
        """What makes sheets a workbook: path in the file, and content."""
        numbers = range(1, self._sheets + 1)
        parts = [("/xl/workbook.xml", "sheet.main")]
        parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in numbers]
        yield (
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            + "".join(
                f'<Override PartName="{path}" ContentType="{SPREADSHEET}.{kind}+xml"/>'
                for path, kind in parts
            )
            + "</Types>",
        )
        yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
        sheets = "".join(
            f'<sheet name="{escape(self._name)}{"" if number == 1 else f" {number}"}" '
            f'sheetId="{number}" r:id="rId{number}"/>'
            for number in numbers
        )
        yield (
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
        )
        yield (
            "xl/_rels/workbook.xml.rels",
            _relations([("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]),
        )


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{found}</Relationships>'


def _cell(text: str) -> str:
    """A text: never a formula, and of a figure every digit."""
    if not text:
        return "<c/>"
    shown = ESCAPED.sub("_x005F_", FORBIDDEN.sub("", text))
    if len(shown) > MAX_CELL_CHARACTERS:
        shown = shown[: MAX_CELL_CHARACTERS - 1] + CUT
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(shown)}</t></is></c>'
