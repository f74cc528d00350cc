"""Lists as files, CSV and XLSX: all pages of what is shown, figures as the node writes them."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from starlette.responses import Response, StreamingResponse

from underseal_node.console.downloads import CSV, XLSX, attached, headers_of
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, Row, found_rows, text_of
from underseal_node.console.workbooks import Book

__all__ = ["exported", "file_kind", "sent"]

KINDS = {"csv": CSV, "xlsx": XLSX}
SHEET = "Underseal"
# A spreadsheet takes a text of a CSV file that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FIGURE = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


class _Writer(Protocol):
    """Writes a file piece by piece."""

    def add(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Write rows; what of the file there is to send."""

    def end(self) -> bytes:
        """The rest of the file."""


class _Csv:
    """A CSV file."""

    def __init__(self, heads: Sequence[str]) -> None:
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)
        self._text.write("\N{ZERO WIDTH NO-BREAK SPACE}")  # or Excel takes it for another code
        self._writer.writerow(heads)

    def add(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Write rows; what of the file there is to send."""
        self._writer.writerows(rows)
        return self.end()

    def end(self) -> bytes:
        """The rest of the file."""
        found = self._text.getvalue().encode("utf-8", "replace")
        self._text.seek(0)
        self._text.truncate()
        return found


def file_kind(visit: Visit) -> str | None:
    """Which kind of file is asked for (`as=csv` or `as=xlsx`), if one is."""
    wanted = visit.asked("as")
    return wanted if wanted in KINDS else None


def exported(
    visit: Visit,
    rows: Sequence[Row],
    columns: Sequence[Column],
    name: str,
    shown: Sequence[Column] | None = None,
) -> Response | None:
    """A list as a file, if the request asks for one.

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
    kind = file_kind(visit)
    if kind is None:
        return None
    found = found_rows(visit, rows, columns if shown is None else shown)
    writer = _writer(visit, kind, columns)
    content = writer.add(_texts(found, columns)) + writer.end()
    return attached(content, f"{name}.{kind}", KINDS[kind])


def sent(
    visit: Visit,
    kind: str,
    portions: AsyncIterator[Sequence[Row]],
    columns: Sequence[Column],
    name: str,
) -> Response:
    """A list as a file that is written while it is sent.

    Args:
        visit: for the language.
        kind: as `file_kind` says.
        portions: of its rows.
        columns: of the file.
        name: of the file, without its extension.
    """
    writer = _writer(visit, kind, columns)

    async def pieces() -> AsyncIterator[bytes]:
        async for rows in portions:
            # In a thread: others are served meanwhile.
            yield await asyncio.to_thread(writer.add, _texts(rows, columns))
        yield await asyncio.to_thread(writer.end)

    headers = headers_of(f"{name}.{kind}")
    return StreamingResponse(pieces(), headers=headers, media_type=KINDS[kind])


def _writer(visit: Visit, kind: str, columns: Sequence[Column]) -> _Writer:
    heads = [visit.text(column.label) for column in columns]
    return _Csv(heads) if kind == "csv" else Book(SHEET, heads)


def _texts(rows: Iterable[Row], columns: Sequence[Column]) -> list[list[str]]:
    # Of a workbook, too: it may be saved as CSV.
    return [[_harmless(text_of(row, column)) for column in columns] for row in rows]


def _harmless(text: str) -> str:
    """A text that no spreadsheet calculates; what a partner calls a figure need not be one."""
    return f"'{text}" if text.startswith(FORMULA) and not FIGURE.fullmatch(text) else text
