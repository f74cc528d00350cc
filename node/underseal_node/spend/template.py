"""The workbook that spend is filled into."""

from __future__ import annotations

from datetime import datetime

from underseal_node.products.columns import columns_of
from underseal_node.sheets.writing import Book
from underseal_node.spend.columns import COLUMNS, SPEND

__all__ = ["SHEET", "workbook"]

SHEET = "Spend"
_EXAMPLE = (
    "Drahtwerk Beispiel GmbH",
    184250,
    "EUR",
    datetime(2025, 1, 1),  # noqa: DTZ001 - sheets know no zones
    datetime(2026, 1, 1),  # noqa: DTZ001
)


def workbook() -> bytes:
    """An empty workbook (.xlsx) with explanations and an example, which are ignored."""
    book = Book()
    columns = columns_of(COLUMNS, SPEND)
    book.add_table(SHEET, columns, [one.title for one in columns], [_EXAMPLE])
    return book.content()
