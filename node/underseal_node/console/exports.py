"""Lists as files, CSV and XLSX: all pages of what is shown, figures as the node writes them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from starlette.responses import Response

from underseal_node.console.downloads import CSV, XLSX, attached
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, Row, found_rows, text_of

__all__ = ["exported"]

# A spreadsheet takes a text of a CSV file that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FIGURE = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def exported(
    visit: Visit,
    rows: Sequence[Row],
    columns: Sequence[Column],
    name: str,
    shown: Sequence[Column] | None = None,
) -> Response | None:
    """A list as a file, if the request asks for one (`as=csv` or `as=xlsx`).

    Decimals are written with all their digits and a point, instants in RFC 3339, whatever the
    language is: programs read them, too.

    Args:
        visit: with `as`, and what a list is searched and sorted by.
        rows: all.
        columns: of the file.
        name: of the file, without its extension.
        shown: columns of the page, by which it is searched and sorted; those of the file by
            default.
    """
    wanted = visit.asked("as")
    if wanted not in ("csv", "xlsx"):
        return None
    heads = [visit.text(column.label) for column in columns]
    found = found_rows(visit, rows, columns if shown is None else shown)
    content = _csv(heads, found, columns) if wanted == "csv" else _xlsx(heads, found, columns)
    return attached(content, f"{name}.{wanted}", CSV if wanted == "csv" else XLSX)


def _csv(heads: Sequence[str], rows: Sequence[Row], columns: Sequence[Column]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_harmless(text_of(row, column)) for column in columns])
    return text.getvalue().encode("utf-8-sig")  # without the mark, Excel takes it for another code


def _harmless(text: str) -> str:
    """A text that no spreadsheet calculates; what a partner calls a figure need not be one."""
    return f"'{text}" if text.startswith(FORMULA) and not FIGURE.fullmatch(text) else text


def _xlsx(heads: Sequence[str], rows: Sequence[Row], columns: Sequence[Column]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Underseal")
    sheet.append(list(heads))
    for row in rows:
        cells = []
        for column in columns:
            text = ILLEGAL_CHARACTERS_RE.sub("", text_of(row, column))
            cell = WriteOnlyCell(sheet, _harmless(text))  # it may be saved as CSV
            cell.data_type = "s"  # never a formula, and of a figure every digit
            cells.append(cell)
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
