"""There is a column for every property, and a header means one column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from underseal_node.publishing.columns import COLUMNS, EXAMPLES, Column, column_of, title_of
from underseal_node.sheets.cells import value_of
from underseal_node.sheets.columns import Kind
from underseal_protocol.carbon import DataQualityIndicators, Verification
from underseal_protocol.footprint import ProductFootprint

NODE_KNOWS = {"id", "specVersion", "created", "status", "companyName", "companyIds"}


def properties(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Pointers to the properties that a column can hold, and whether they are required."""
    for field in model.model_fields.values():
        here = (*path, str(field.alias))
        inner = next(
            (
                one
                for one in (field.annotation, *get_args(field.annotation))
                if isinstance(one, type) and issubclass(one, BaseModel)
            ),
            None,
        )
        if inner is None:
            yield "/" + "/".join(here), field.is_required()
        else:
            yield from properties(inner, here)


def test_every_property_but_extensions_has_a_column() -> None:
    assert {pointer for pointer, _ in properties(ProductFootprint)} - {"/extensions"} == {
        column.pointer for column in COLUMNS
    }


def test_columns_are_required_where_the_schema_says_so() -> None:
    # A member of an optional object is required only if the object is there.
    optional = {f"/pcf/dqi/{field.alias}" for field in DataQualityIndicators.model_fields.values()}
    optional |= {f"/{name}" for name in NODE_KNOWS}
    required = {pointer for pointer, needed in properties(ProductFootprint) if needed} - optional
    assert required == {column.pointer for column in COLUMNS if column.is_required}
    assert not any(field.is_required() for field in Verification.model_fields.values())


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_header_may_be_the_name_or_the_title(column: Column) -> None:
    title = title_of(column)
    for header in (
        column.name, title, f"{title} *", f" {title.upper()} (kg CO2e)", title.lower(),
        title.replace(" ", "_"), ".".join(column.path),
    ):  # fmt: skip
        assert column_of(header) == column, header


def test_titles_are_readable() -> None:
    titles = {column.name: title_of(column) for column in COLUMNS}
    assert titles["pcfExcludingBiogenicUptake"] == "PCF excluding biogenic uptake"
    assert titles["ccsTechnologicalCO2CaptureIncluded"] == "CCS technological CO2 capture included"
    assert titles["dqi.temporalDQR"] == "Temporal DQR"
    assert titles["productIds"] == "Product IDs"
    assert len(set(titles.values())) == len(COLUMNS)


@pytest.mark.parametrize("header", ["", "#", "pcf", "Remarks", "comments", "总量"])
def test_other_headers_mean_nothing(header: str) -> None:
    assert column_of(header) is None


def test_the_example_can_be_read() -> None:
    names = {column.name: column for column in COLUMNS}
    assert (
        {column.name for column in COLUMNS if column.is_required} <= EXAMPLES.keys() <= set(names)
    )
    for name, text in EXAMPLES.items():
        assert value_of(text, names[name], ".") is not None
    assert all(column.choices for column in COLUMNS if column.kind is Kind.CHOICE)
