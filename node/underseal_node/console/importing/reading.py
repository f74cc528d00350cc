"""What a file holds: its sheets with their first rows, its headings, and what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from underseal_node.console.importing.columns import column_names, columns_of_rows, folded
from underseal_node.console.importing.kinds import (
    ENERGY,
    FACTORS,
    FOOTPRINTS,
    MIXED,
    PRODUCTS,
    SPEND,
)
from underseal_node.console.importing.words import METER_WORDS
from underseal_node.errors import RefusedError
from underseal_node.products.columns import FACTOR
from underseal_node.products.sheet_reading import Found, understood
from underseal_node.publishing.columns import HEADINGS
from underseal_node.settings import Settings
from underseal_node.sheets.cells import Cell, Flaw, Percentage, is_empty
from underseal_node.sheets.files import Form, form_of
from underseal_node.sheets.headings import letters_of
from underseal_node.sheets.numbers import text_of_number
from underseal_node.sheets.problems import CellError
from underseal_node.sheets.tables import Row, Table, header_of, table_of_csv, tables_of_workbook
from underseal_node.spend.columns import HEADINGS as SPEND_HEADINGS

__all__ = [
    "SheetView",
    "is_ours",
    "kind_of_json",
    "kind_of_tables",
    "rows_of",
    "tables_of",
    "text_shown",
    "view_of",
]

HEADS_WITHIN = 20  # rows from the top
FIRST_ROWS = 8
SHOWN_COLUMNS = 300
SHOWN_CHARACTERS = 200
HEADING_CHARACTERS = 80
SAMPLES = 3
OTHER_SEPARATORS = ";\t,"
JSON_BEGINNING = 100_000
KNOWN_FOR_A_KIND = 2  # headings that say what it is


@dataclass(frozen=True)
class SheetView:
    """A sheet as it is shown before anything is done with it.

    Attributes:
        name: of it; empty for CSV.
        rows: how many have something in them.
        width: how many columns they have.
        heads_row: number of the row that seems to have the headings; 0 if there is none.
        heads: their texts, by position; empty where there is none.
        first: numbers and texts of the first rows.
        samples: by position, what stands first below the headings.
    """

    name: str
    rows: int
    width: int
    heads_row: int
    heads: tuple[str, ...]
    first: tuple[tuple[int, tuple[str, ...]], ...]
    samples: tuple[tuple[str, ...], ...]

    @property
    def letters(self) -> list[str]:
        """What spreadsheets call its columns."""
        return [letters_of(position) for position in range(self.width)]


def tables_of(name: str, content: bytes, max_bytes: int) -> list[Table]:
    """The sheets of a file; none of JSON.

    Args:
        name: of the file.
        content: of it.
        max_bytes: of it, also when it is unpacked.

    Raises:
        RefusedError: it cannot be read.
    """
    form = form_of(name, content, Settings(max_import_bytes=max_bytes))
    if form is Form.JSON:
        return []
    if form is Form.WORKBOOK:
        tables = [one for one in tables_of_workbook(content, max_bytes=max_bytes) if one.rows]
    else:
        table = table_of_csv(content, _knows)
        if header_of(table, _knows) is None:
            table = table_of_csv(content, _head_like(content))
        tables = [table]
    if not any(table.rows for table in tables):
        raise RefusedError("there is nothing in it", hint="Fill it in, and save it.")
    return tables


def view_of(table: Table, heads_row: int | None = None) -> SheetView:
    """A sheet as it is shown.

    Args:
        table: all of it.
        heads_row: the number of the row with the headings, if somebody has said it.
    """
    header = _header(table, heads_row)
    width = min(max((len(row.cells) for row in table.rows), default=0), SHOWN_COLUMNS)
    below = [row for row in table.rows if header is None or row.number > header.number]
    return SheetView(
        table.name,
        len(table.rows),
        width,
        0 if header is None else header.number,
        tuple(_texts(header, width)) if header is not None else ("",) * width,
        tuple((row.number, tuple(_texts(row, width))) for row in table.rows[:FIRST_ROWS]),
        tuple(_samples(below[: 10 * FIRST_ROWS], position) for position in range(width)),
    )


def text_shown(cell: Cell) -> str:
    """A cell for people, not too long."""
    if isinstance(cell, str):
        text = cell.strip()
    elif isinstance(cell, bool):
        text = "TRUE" if cell else "FALSE"
    elif isinstance(cell, Percentage):
        text = f"{_number(cell.value * 100)} %"
    elif isinstance(cell, int | float):
        text = _number(cell)
    elif isinstance(cell, datetime):
        text = cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    elif isinstance(cell, date | time):
        text = cell.isoformat()
    elif isinstance(cell, Flaw):
        text = "#!"
    else:
        text = str(cell)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def rows_of(kind: str, table: Table) -> str:
    """What the rows of a sheet are by our own headings and names; empty if they do not say it."""
    if kind == FOOTPRINTS:
        return "footprints" if header_of(table, HEADINGS.knows) is not None else ""
    if kind == SPEND:
        return SPEND if header_of(table, SPEND_HEADINGS.knows) is not None else ""
    found = _understood(table)
    if found is None or (kind == FACTORS) != (found.kind == FACTOR):
        return ""
    return found.kind or MIXED


def is_ours(kind: str, tables: Sequence[Table]) -> bool:
    """Whether the node understands the headings of a file as they are."""
    if not tables or kind in ("", ENERGY):
        return True
    if kind == FOOTPRINTS:
        headers = [row for one in tables if (row := header_of(one, HEADINGS.knows)) is not None]
        return len(headers) == 1 and not HEADINGS.header("", headers[0], "").problems
    if kind == SPEND:
        return any(map(_is_of_spend, tables))
    founds = [found for one in tables if (found := _understood(one)) is not None]
    wanted = [one for one in founds if kind == PRODUCTS or one.kind == FACTOR]
    return bool(wanted) and not any(
        one.headings.header("", one.header, "").problems for one in wanted
    )


def kind_of_tables(tables: Sequence[Table]) -> str:
    """What sheets seem to hold; empty if nothing tells."""
    if is_ours(SPEND, tables):
        return SPEND
    if is_ours(FOOTPRINTS, tables) and not is_ours(PRODUCTS, tables):
        return FOOTPRINTS
    founds = [found for one in tables if (found := _understood(one)) is not None]
    if founds:
        return FACTORS if all(one.kind == FACTOR for one in founds) else PRODUCTS
    heads = {folded(one) for table in tables for one in view_of(table).heads if one}
    if heads & {folded(one) for one in METER_WORDS}:
        return ENERGY
    scores = {
        kind: len(heads & {folded(one) for row in rows for one in _names(row)})
        for kind, rows in (
            (FOOTPRINTS, ("footprints",)),
            (PRODUCTS, (MIXED,)),
            (FACTORS, ("factor",)),
            (SPEND, (SPEND,)),
        )
    }
    best = max(scores, key=lambda kind: scores[kind])
    return best if scores[best] >= KNOWN_FOR_A_KIND else ""


def kind_of_json(content: bytes) -> str:
    """What a JSON file seems to hold."""
    beginning = content[:JSON_BEGINNING]
    if b'"pcf"' in beginning:
        return FOOTPRINTS
    if any(name in beginning for name in (b'"products"', b'"lines"', b'"declaredUnit"')):
        return PRODUCTS
    return FACTORS if b'"database"' in beginning or b'"factors"' in beginning else FOOTPRINTS


def _names(rows: str) -> list[str]:
    return [name for column in columns_of_rows(rows) for name in column_names(column)]


def _is_of_spend(table: Table) -> bool:
    """Whether the headings are those of spend: all of them, and no others."""
    header = header_of(table, SPEND_HEADINGS.knows)
    if header is None:
        return False
    columns = SPEND_HEADINGS.header("", header, "")
    return not columns.problems and len(columns.columns) == len(SPEND_HEADINGS.titles)


def _understood(table: Table) -> Found | None:
    try:
        return understood(table)
    except RefusedError:
        return None


def _knows(cell: Cell) -> bool:
    return isinstance(cell, str) and folded(cell) in _KNOWN


def _head_like(content: bytes) -> _HeadLike:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _HeadLike(is_certain=False)
    return _HeadLike(is_certain=True)


@dataclass(frozen=True)
class _HeadLike:
    """Whether a cell looks like the heading of any column.

    Attributes:
        is_certain: whether letters beyond ASCII are what they seem: of other encodings, only known
            words say which one it is.
    """

    is_certain: bool

    def __call__(self, cell: Cell) -> bool:
        if not isinstance(cell, str) or not any(map(str.isalpha, cell)):
            return False
        if len(cell) > HEADING_CHARACTERS or any(one in cell for one in OTHER_SEPARATORS):
            return False
        return self.is_certain or cell.isascii() or _knows(cell)


def _header(table: Table, heads_row: int | None) -> Row | None:
    if heads_row is not None:
        return next((row for row in table.rows if row.number == heads_row), None)
    found = _understood(table)
    if found is not None:
        return found.header
    known = header_of(table, HEADINGS.knows) or header_of(table, _knows)
    if known is not None:
        return known
    counts = [(sum(map(_is_text, row.cells)), row) for row in table.rows[:HEADS_WITHIN]]
    most = max((count for count, _ in counts), default=0)
    return next((row for count, row in counts if count == most), None) if most else None


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and any(map(str.isalpha, cell))


def _texts(row: Row, width: int) -> list[str]:
    cells = [text_shown(cell) for cell in row.cells[:width]]
    return [*cells, *[""] * (width - len(cells))]


def _samples(rows: Sequence[Row], position: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for row in rows:
        if position < len(row.cells) and not is_empty(row.cells[position]):
            found[text_shown(row.cells[position])] = None
            if len(found) == SAMPLES:
                break
    return tuple(found)


def _number(value: float) -> str:
    try:
        return text_of_number(value)
    except CellError:
        return repr(value)


_KNOWN = frozenset(
    folded(name) for rows in ("footprints", MIXED, "factor", SPEND) for name in _names(rows)
)
