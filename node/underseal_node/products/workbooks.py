"""The workbook of products: its sheets, and rows in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pycountry
from openpyxl.worksheet.worksheet import Worksheet

from underseal_node.products import factor_columns, line_columns
from underseal_node.products.columns import FACTOR, PRODUCT, RowColumn, columns_of
from underseal_node.products.examples import EXAMPLE_ROWS
from underseal_node.products.sources import text_of_source
from underseal_node.products.words import SHEETS
from underseal_node.sheets.cell_writing import Written, set_cell, written
from underseal_node.sheets.columns import Kind
from underseal_node.sheets.writing import FIRST_COLUMN, Book
from underseal_protocol.carbon import REGIONS, UNITS
from underseal_protocol.rollup.units import Dimension, all_units

__all__ = ["book_of", "sheet_columns"]

Row = Mapping[str, Any]


@cache
def sheet_columns(kind: str) -> tuple[RowColumn, ...]:
    """The columns of the sheet for rows of a kind."""
    columns = factor_columns.COLUMNS if kind == FACTOR else line_columns.COLUMNS
    return tuple(
        column
        for column in columns_of(columns, kind)
        if column.name not in ("kind", *factor_columns.NOT_KEPT)
    )


def book_of(rows: Mapping[str, Iterable[Row]], *, example: bool) -> Book:
    """A workbook with all sheets.

    Args:
        rows: by kind; values as JSON has them, by the names of columns.
        example: whether each sheet has examples.

    Raises:
        CellError: a workbook cannot hold something.
    """
    book = Book()
    for kind, name in SHEETS.items():
        columns = sheet_columns(kind)
        examples = [_cells(row, columns) for row in EXAMPLE_ROWS[kind]] if example else []
        sheet = book.add_table(name, columns, [one.title for one in columns], examples)
        _add_choices(book, sheet, kind, columns)
        for number, row in enumerate(rows.get(kind, ()), sheet.max_row + 1):
            for at, value in enumerate(_cells(row, columns), FIRST_COLUMN):
                if value is not None:
                    set_cell(sheet.cell(number, at), value)
    return book


def _cells(row: Row, columns: Sequence[RowColumn]) -> list[Written | None]:
    return [
        written(_in_words(row[one.name]), one) if row.get(one.name) is not None else None
        for one in columns
    ]


def _in_words(value: Any) -> Any:
    return text_of_source(value) if isinstance(value, Mapping) else value


# --- drop-downs -----------------------------------------------------------------------------------


def _add_choices(book: Book, sheet: Worksheet, kind: str, columns: Sequence[RowColumn]) -> None:
    for number, column in enumerate(columns, FIRST_COLUMN):
        if column.name == "product" and kind != PRODUCT:
            book.add_reference(sheet, number, SHEETS[PRODUCT], FIRST_COLUMN)
        choices = _choices(column, kind)
        if choices:
            strict = column.kind is Kind.CHOICE
            book.add_choices(sheet, number, column.title, choices, strict=strict)


def _choices(column: RowColumn, kind: str) -> tuple[str, ...]:
    if column.kind is Kind.FLAG:
        return ("yes", "no")
    if column.name == "unit":
        return UNITS if kind == PRODUCT else _unit_names()
    if column.kind is Kind.UNIT:
        is_distance = column.name == "distanceUnit"
        return _unit_names(Dimension.LENGTH if is_distance else None)
    if column.name == "geography":
        countries = sorted(country.alpha_2 for country in pycountry.countries)
        return (*countries, *REGIONS)
    return column.choices


def _unit_names(dimension: Dimension | None = None) -> tuple[str, ...]:
    """Symbols; those of the units of PACT first."""
    units = [one for one in all_units() if dimension in (None, one.dimension)]
    return tuple(one.symbol for one in sorted(units, key=lambda one: one.name not in UNITS))
