"""Workbooks and CSV with products and factors.

The sheet says what its rows are: by its name (`Materials`), by a column `kind`, or because its
headings are those of factors. Sheets without known headings are for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from underseal_node.errors import RefusedError
from underseal_node.products import factor_columns, line_columns
from underseal_node.products.assembling import products_of_rows
from underseal_node.products.columns import FACTOR, RowColumn, columns_of
from underseal_node.products.examples import EXAMPLES
from underseal_node.products.factor_rows import factors_of_rows
from underseal_node.products.results import ReadProducts
from underseal_node.products.rows import ReadRow, Sheet
from underseal_node.products.words import SHEETS, kind_of_sheet
from underseal_node.settings import Settings
from underseal_node.sheets.cells import Cell
from underseal_node.sheets.headings import Headings
from underseal_node.sheets.problems import Problem
from underseal_node.sheets.tables import (
    Row,
    Table,
    header_of,
    table_of_csv,
    tables_of_workbook,
)

__all__ = ["Found", "read_csv", "read_workbook", "understood"]

IN_A_NAMED_SHEET = 2  # known headings that make a row a header
MAX_ROWS_IN_ALL = 200_000


def read_workbook(
    name: str, content: bytes, settings: Settings, *, with_products: bool
) -> ReadProducts:
    """What is in an .xlsx workbook.

    Args:
        name: of the file.
        content: of the file.
        settings: whose limits hold.
        with_products: whether products are looked at.

    Raises:
        RefusedError: it cannot be read.
    """
    tables = tables_of_workbook(content, max_bytes=settings.max_import_bytes)
    return _read(name, tables, with_products=with_products)


def read_csv(name: str, content: bytes, settings: Settings, *, with_products: bool) -> ReadProducts:
    """What is in a sheet that was saved as text; arguments as for a workbook.

    Raises:
        RefusedError: it cannot be read.
    """
    return _read(name, [table_of_csv(content, _knows)], with_products=with_products)


def _knows(cell: Cell) -> bool:
    return line_columns.HEADINGS.knows(cell) or factor_columns.HEADINGS.knows(cell)


@dataclass(frozen=True, slots=True)
class Found:
    """A table that holds something.

    Attributes:
        table: it.
        header: its row with headings.
        kind: of its rows; None if a column says it.
    """

    table: Table
    header: Row
    kind: str | None

    @property
    def headings(self) -> Headings[RowColumn]:
        """What its columns may be called."""
        of_factors = self.kind == FACTOR
        return factor_columns.HEADINGS if of_factors else line_columns.HEADINGS


def _read(name: str, tables: Iterable[Table], *, with_products: bool) -> ReadProducts:
    found, problems = _found(name, tables, with_products=with_products)
    rows: list[ReadRow] = []
    for one in found:
        read, of_table = _rows(name, one)
        rows += read
        problems += of_table
    if len(rows) > MAX_ROWS_IN_ALL:
        raise RefusedError(
            f"the workbook has {len(rows)} rows; at most {MAX_ROWS_IN_ALL} are read",
            hint="Split the file.",
        )
    factors, of_factors = factors_of_rows([row for row in rows if row.kind == FACTOR], name)
    products, of_products = products_of_rows(
        [row for row in rows if row.kind != FACTOR],
        name,
        {str(one.document["id"]) for one in factors},
    )
    problems += [*of_factors, *of_products]
    return ReadProducts(name, tuple(products), tuple(factors), tuple(problems))


def _found(
    name: str, tables: Iterable[Table], *, with_products: bool
) -> tuple[list[Found], list[Problem]]:
    """The tables that hold something, and those that seem to."""
    found: list[Found] = []
    problems: list[Problem] = []
    for table in tables:
        try:
            one = understood(table)
        except RefusedError as error:
            if with_products or not table.name:
                problems.append(Problem(name, _place(table), error.message, error.hint))
            continue
        if one is not None and (with_products or one.kind == FACTOR):
            found.append(one)
    return found, problems


def understood(table: Table) -> Found | None:
    """What a table holds; None if it is for people.

    Raises:
        RefusedError: it holds something, and it is not clear what.
    """
    kind = kind_of_sheet(table.name)
    if kind is not None:
        knows = (factor_columns if kind == FACTOR else line_columns).HEADINGS.knows
        header = header_of(table, knows, at_least=IN_A_NAMED_SHEET)
        if header is not None:
            return Found(table, header, kind)
        if not table.rows:
            return None
        raise RefusedError("there is no row with the names of the columns", hint=_hint(kind))
    header = header_of(table, line_columns.HEADINGS.knows)
    if header is not None and _names(header, line_columns.HEADINGS) >= {"kind"}:
        return Found(table, header, None)
    of_factors = header_of(table, factor_columns.HEADINGS.knows)
    if of_factors is not None and _is_of_factors(_names(of_factors, factor_columns.HEADINGS)):
        return Found(table, of_factors, FACTOR)
    if header is not None:
        raise RefusedError(
            "it is not clear what the rows are",
            hint="Add a column kind"
            + (f", or name the sheet {', '.join(SHEETS.values())}." if table.name else "."),
        )
    if not table.name:
        raise RefusedError("there is no row with the names of the columns", hint=_hint(None))
    return None


def _is_of_factors(names: set[str]) -> bool:
    figures = {"value", *(column.name for column in factor_columns.FIGURES)}
    return {"id", "unit"} <= names and bool(names & figures)


def _names(header: Row, headings: Headings[RowColumn]) -> set[str]:
    texts = (cell for cell in header.cells if isinstance(cell, str))
    return {column.name for text in texts if (column := headings.column_of(text)) is not None}


def _rows(name: str, found: Found) -> tuple[list[ReadRow], list[Problem]]:
    """The rows of a table; none if its header is wrong, as everything else would follow."""
    place = f"{_place(found.table)}, row {found.header.number}".removeprefix(", ")
    header = found.headings.header(name, found.header, place)
    problems = list(header.problems)
    sheet = Sheet(name, found.table, found.header, header, found.kind, EXAMPLES)
    if problems:
        return [], problems
    rows, of_rows = sheet.rows()
    if rows and found.kind is not None:
        names = {column.name for column in header.columns.values()}
        for title in _missing(found.kind, names):
            problems.append(
                Problem(name, place, f"the column {title} is missing", _hint(found.kind))
            )
    return ([], problems) if problems else (rows, of_rows)


def _missing(kind: str, names: set[str]) -> Iterator[str]:
    columns = factor_columns.COLUMNS if kind == FACTOR else line_columns.COLUMNS
    for column in columns_of(columns, kind):
        if column.is_required and column.name not in names:
            yield column.title


def _place(table: Table) -> str:
    return f"sheet {table.name}" if table.name else ""


def _hint(kind: str | None) -> str:
    columns = factor_columns.COLUMNS if kind == FACTOR else line_columns.COLUMNS
    needed = (
        [column.title for column in columns_of(columns, kind) if column.is_required]
        if kind
        else ["Kind", "Product", "Name", "Quantity", "Unit"]
    )
    return f"Expected are {', '.join(needed)} and others; the template has them all."
