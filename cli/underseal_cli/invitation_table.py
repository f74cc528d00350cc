"""The table of companies to invite: a CSV as Excel and others save it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from underseal_cli.errors import CliError
from underseal_cli.files import read_input

__all__ = ["Row", "Table", "name_key", "read_table"]

MAX_ROWS = 100_000
DELIMITERS = ",;\t"
SEPARATOR_LINE = re.compile(r"sep=(.)\n")  # which Excel understands, and some programs write
# What a heading may be called, folded, without anything but letters.
COLUMNS = {
    "name": "name",
    "supplier": "name",
    "company": "name",
    "for": "for",
    "url": "for",
    "lei": "for",
    "productids": "products",
    "productid": "products",
    "products": "products",
    "level": "level",
}
# Between URNs; a URN may hold a comma or a semicolon itself.
BETWEEN_URNS = re.compile(r"[\s,;|]+(?=urn:)|\s+", re.IGNORECASE)
HEADINGS = "The first line holds the headings: name, and if you like for, product ids, level."


@dataclass(frozen=True)
class Row:
    """One company.

    Attributes:
        number: of the line, as a spreadsheet shows it.
        name: of the company.
        for_whom: URL or LEI of the only one that may accept; empty for none.
        product_ids: URNs.
        level: of the grants; empty for the usual one.
        problem: why it cannot be invited; None if nothing is known against it.
    """

    number: int
    name: str
    for_whom: str = ""
    product_ids: tuple[str, ...] = ()
    level: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class Table:
    """What was read.

    Attributes:
        rows: one per company.
        unused: headings that mean nothing here.
    """

    rows: list[Row]
    unused: list[str] = field(default_factory=list)


def name_key(name: str) -> str:
    """What makes names of peers equal: case does not count, nor how a letter is put together."""
    return unicodedata.normalize("NFKC", name).casefold()


def read_table(file: Path) -> Table:
    """Read a table.

    Raises:
        CliError: it is no table with a column for the names.
    """
    text, skipped = _text(read_input(file)), 0
    separator = SEPARATOR_LINE.match(text)
    if separator is not None:
        text, skipped = text[separator.end() :], 1
    delimiter = separator[1] if separator else max(DELIMITERS, key=text.split("\n", 1)[0].count)
    rows: list[Row] = []
    first_of: dict[str, int] = {}
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        headings = [heading.strip() for heading in next(lines, [])]
        columns = [_column(heading) for heading in headings]
        _check_columns(file, columns)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(_row(lines.line_num + skipped, columns, cells, first_of))
            if len(rows) > MAX_ROWS:
                raise CliError(f"{file} has more than {MAX_ROWS} rows")
    except csv.Error as error:
        raise CliError(f"{file} is no table: {error}") from None
    if not rows:
        raise CliError(f"{file} has no rows below its headings")
    found = zip(headings, columns, strict=True)
    return Table(rows, [heading for heading, column in found if heading and column is None])


def _check_columns(file: Path, columns: list[str | None]) -> None:
    if columns.count("name") != 1:
        many = "no column" if "name" not in columns else "several columns"
        raise CliError(f"{file} has {many} for the name", hint=HEADINGS)


def _row(number: int, columns: list[str | None], cells: list[str], first_of: dict[str, int]) -> Row:
    """One row; of several columns for the same, the first that holds something counts."""
    found: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column is not None and not found.get(column):
            found[column] = cell.strip()
    name, problem = found.get("name", ""), None
    if not name:
        problem = "the name is missing"
    elif any(cell.strip() for cell in cells[len(columns) :]):
        problem = "it has more cells than there are headings; put texts with commas into quotes"
    elif name_key(name) in first_of:
        problem = f"the same name is in row {first_of[name_key(name)]}"
    first_of.setdefault(name_key(name), number)
    products = filter(None, BETWEEN_URNS.split(found.get("products", "")))
    level = found.get("level", "").lower()
    return Row(number, name, found.get("for", ""), tuple(products), level, problem)


def _text(content: bytes) -> str:
    return next(_decoded(content)).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> Iterator[str]:
    """UTF-8, or what Excel writes instead: UTF-16 as "Unicode text", else the Western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield content.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            yield content.decode(encoding)
        except UnicodeDecodeError:
            continue
    yield content.decode("latin-1")


def _column(heading: str) -> str | None:
    letters = "".join(one for one in heading.casefold() if one.isalpha())
    return COLUMNS.get(letters)
