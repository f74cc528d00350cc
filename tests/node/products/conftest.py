"""Sheets of products, as people make them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl
import pytest

from underseal_node.products.reading import read_products
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings

Rows = Sequence[Sequence[Any]]


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def book() -> Callable[..., bytes]:
    """`book({"Products": rows, ...}, change=function of the workbook)`"""

    def make(
        sheets: Mapping[str, Rows], change: Callable[[openpyxl.Workbook], object] | None = None
    ) -> bytes:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for name, rows in sheets.items():
            sheet = made.create_sheet(name)
            for row in rows:
                sheet.append(list(row))
        if change is not None:
            change(made)
        content = io.BytesIO()
        made.save(content)
        return content.getvalue()

    return make


@pytest.fixture
def read(settings: Settings) -> Callable[..., ReadProducts]:
    """`read(content, name)`"""

    def reads(content: bytes, name: str = "file.xlsx") -> ReadProducts:
        return read_products(name, content, settings)

    return reads


def csv_of(rows: Rows, separator: str = ",", encoding: str = "utf-8") -> bytes:
    """A sheet saved as text."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.fixture(name="csv_of")
def _csv_of() -> Callable[..., bytes]:
    """`csv_of(rows, separator, encoding)`"""
    return csv_of
