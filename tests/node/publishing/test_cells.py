"""From a cell to the value of a property."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from underseal_node.publishing.columns import COLUMNS
from underseal_node.sheets.cells import (
    Cell,
    Flaw,
    Percentage,
    calendar_time,
    is_empty,
    value_of,
)
from underseal_node.sheets.columns import Column
from underseal_node.sheets.problems import CellError

BY_NAME = {column.name: column for column in COLUMNS}


def value(name: str, cell: Cell, mark: str | None = None) -> Any:
    return value_of(cell, BY_NAME[name], mark)


def refused(name: str, cell: Cell) -> CellError:
    with pytest.raises(CellError) as caught:
        value(name, cell)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("2025-01-31", "2025-01-31T00:00:00Z"),
        ("31.01.2025", "2025-01-31T00:00:00Z"),
        ("1.2.2025", "2025-02-01T00:00:00Z"),
        ("31.01.2025 9:05", "2025-01-31T09:05:00Z"),
        ("2025-01-31 23:59:59", "2025-01-31T23:59:59Z"),
        ("2025-01-31T23:59", "2025-01-31T23:59:00Z"),
        ("2025/1/31", "2025-01-31T00:00:00Z"),
        ("2025.01.31", "2025-01-31T00:00:00Z"),
        ("2025年1月31日", "2025-01-31T00:00:00Z"),
        ("2025-01-31T00:00:00+01:00", "2025-01-30T23:00:00Z"),
        ("2025-01-31T00:00:00.123456789Z", "2025-01-31T00:00:00.123456789Z"),
        (date(2025, 1, 31), "2025-01-31T00:00:00Z"),
        (datetime(2025, 1, 31, 12, 30), "2025-01-31T12:30:00Z"),  # noqa: DTZ001 - as Excel has it
    ],
)
def test_dates_are_midnight_utc(cell: Cell, text: str) -> None:
    assert value("referencePeriodStart", cell) == text


@pytest.mark.parametrize(
    "cell",
    [
        "01/02/2025", "31.02.2025", "2025-13-01", "2025-01", "yesterday",
        "31.01.2025 x", 45658.0, True, time(12), timedelta(days=1), Percentage(0.5),
    ],
)  # fmt: skip
def test_what_is_no_certain_date_is_refused(cell: Cell) -> None:
    assert "2025-01-31" in (refused("referencePeriodStart", cell).hint or "")


@pytest.mark.parametrize("cell", ["yes", "YES", "true", "Ja", "WAHR", " yes ", "是", True])
def test_yes(cell: Cell) -> None:
    assert value("packagingEmissionsIncluded", cell) is True


@pytest.mark.parametrize("cell", ["no", "False", "nein", "FALSCH", "否", False])
def test_no(cell: Cell) -> None:
    assert value("packagingEmissionsIncluded", cell) is False


@pytest.mark.parametrize("cell", ["maybe", "1", 1.0, date(2025, 1, 1)])
def test_neither_yes_nor_no(cell: Cell) -> None:
    assert "yes or no" in (refused("packagingEmissionsIncluded", cell).hint or "")


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("AR6", ["AR6"]),
        ("AR5 | AR6", ["AR5", "AR6"]),
        ("AR5\nAR6\r\n", ["AR5", "AR6"]),
        ("AR5|", ["AR5"]),
    ],
)
def test_several_values(cell: str, values: list[str]) -> None:
    assert value("ipccCharacterizationFactors", cell) == values


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("ipccCharacterizationFactors", "AR5; AR6"),
        ("crossSectoralStandards", "ISO14067, PACT-3.0"),
        ("productIds", "urn:gtin:4712345060507; urn:gtin:4712345060507"),
        ("productIds", "urn:gtin:4712345060507,URN:x:1"),
        ("productIds", "urn:gtin:4712345060507 urn:x:1"),
    ],
)
def test_several_values_with_another_separator_are_not_taken_for_one(name: str, cell: str) -> None:
    assert "|" in (refused(name, cell).hint or "")


def test_a_urn_may_have_a_comma() -> None:
    assert value("productIds", "urn:x:a,b;c") == ["urn:x:a,b;c"]


@pytest.mark.parametrize(
    ("cell", "unit"),
    [
        ("kilogram", "kilogram"),
        ("Kilogram", "kilogram"),
        ("kg", "kilogram"),
        ("kWh", "kilowatt hour"),
        ("m³", "cubic meter"),
        ("pound", "pound"),  # which the schema refuses, with the choices
    ],
)
def test_units(cell: str, unit: str) -> None:
    assert value("declaredUnitOfMeasurement", cell) == unit


def test_other_choices_know_no_units() -> None:
    assert value("ccuCalculationApproach", "cut-off") == "Cut-off"
    assert value("ccuCalculationApproach", "kg") == "kg"


def test_numbers_in_text_columns_are_what_is_shown() -> None:
    assert value("verification.comments", 3.1) == "3.1"
    assert value("productIds", 4712345060507.0) == ["4712345060507"]


@pytest.mark.parametrize("cell", [True, date(2025, 1, 1), Percentage(0.1), time(1), 1e20])
def test_other_cells_in_text_columns_are_refused(cell: Cell) -> None:
    refused("comment", cell)


@pytest.mark.parametrize("cell", [True, date(2025, 1, 1), timedelta(1), "n/a"])
def test_other_cells_in_number_columns_are_refused(cell: Cell) -> None:
    refused("fossilGhgEmissions", cell)


@pytest.mark.parametrize(
    ("cell", "share"),
    [
        (Percentage(0.542), "54.2"),
        (Percentage(1), "100"),
        (Percentage(0.1 + 0.2), "30"),
        (54.2, "54.2"),
        ("54,2 %", "54.2"),
        ("54.2%", "54.2"),
    ],
)
def test_shares_in_percent(cell: Cell, share: str) -> None:
    assert value("primaryDataShare", cell) == share


def test_a_percentage_is_no_figure() -> None:
    assert "percentage" in refused("fossilGhgEmissions", Percentage(0.5)).message
    refused("fossilGhgEmissions", "50%")


def test_databases_have_versions() -> None:
    assert value("secondaryEmissionFactorSources", "ecoinvent, 3.11 | A, B, 2024") == [
        {"name": "ecoinvent", "version": "3.11"},
        {"name": "A, B", "version": "2024"},
    ]
    for cell in ("ecoinvent", "ecoinvent,", ", 3"):
        refused("secondaryEmissionFactorSources", cell)


def test_rules_have_operators() -> None:
    cell = "PEF: Batteries | Catena-X: Rulebook: v3 | pef: Packaging"
    assert value("productOrSectorSpecificRules", cell) == [
        {"operator": "PEF", "ruleNames": ["Batteries"]},
        {"operator": "Other", "otherOperatorName": "Catena-X", "ruleNames": ["Rulebook: v3"]},
        {"operator": "PEF", "ruleNames": ["Packaging"]},
    ]
    refused("productOrSectorSpecificRules", "Batteries")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_cell_without_a_value_is_refused_everywhere(column: Column) -> None:
    with pytest.raises(CellError, match="a formula") as caught:
        value_of(Flaw("a formula", "save it"), column, None)
    assert caught.value.hint == "save it"


def test_white_space_is_nothing() -> None:
    assert is_empty(" \t\n")
    assert not is_empty("0")
    assert not is_empty(0.0)
    assert not is_empty(False)


def test_a_year_of_two_digits_is_refused_with_what_to_write() -> None:
    for text, written in (("1.1.25", "1.1.2025"), ("31.12.24 08:15", "31.12.2024")):
        with pytest.raises(CellError, match="has a year of two digits") as caught:
            calendar_time(text)
        assert caught.value.hint == f"Write all four, such as {written}."
    assert calendar_time("1.1.2025") == "2025-01-01T00:00:00"
