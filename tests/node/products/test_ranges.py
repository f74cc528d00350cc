"""Numbers that can be read, and that nothing can be calculated with, are refused at import."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.products.reading import read_factors
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings
from underseal_node.sheets.problems import Problem

Book = Callable[..., bytes]
Read = Callable[..., ReadProducts]

PRODUCT: dict[str, Any] = {
    "Product": "P", "Unit": "kg", "Product IDs": "urn:x:1", "Description": "d",
    "Period start": "2025-01-01", "Period end": "2026-01-01",
}  # fmt: skip
MATERIAL: dict[str, Any] = {"Name": "wire", "Quantity": 1, "Unit": "kg"}


def sheet(row: dict[str, Any]) -> list[list[Any]]:
    return [list(row), list(row.values())]


def problem_of(read: ReadProducts) -> Problem:
    assert read.problems == ()
    found = [problem for product in read.products for problem in product.problems]
    found += [problem for factor in read.factors for problem in factor.problems]
    (problem,) = found
    return problem


@pytest.mark.parametrize(
    ("column", "value", "message", "hint"),
    [
        ("Quantity", -3, "it is '-3', expected 0 or more", "not as a credit"),
        ("Loss (%)", 120, "it is '120 %', expected 0 or more, below 100 %", "4 for 4 %"),
        ("Loss (%)", 100, "it is '100 %', expected 0 or more, below 100 %", "4 for 4 %"),
        ("In the product (%)", 101, "it is '101 %', expected 0 to 100 %", "30 for 30 %"),
        ("Recycled (%)", "-1", "it is '-1 %', expected 0 to 100 %", "30 for 30 %"),
        ("Density (kg/m3)", 0, "it is '0', expected more than 0", "leave it empty"),
    ],
)
def test_of_a_material(
    book: Book, read: Read, column: str, value: Any, message: str, hint: str
) -> None:
    materials = sheet(MATERIAL | {column: value})
    problem = problem_of(read(book({"Products": sheet(PRODUCT), "Materials": materials})))
    letter = "ABCDEFG"[materials[0].index(column)]
    assert problem.place == f"sheet Materials, cell {letter}2 ({column})"
    assert problem.message == message
    assert hint in (problem.hint or "")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Quantity", 0, "it is '0', expected more than 0"),
        ("Mass (kg)", -1, "it is '-1', expected 0 or more"),
        ("Lines are for", 0, "it is '0', expected more than 0"),
        ("Yield (%)", 0, "it is '0 %', expected above 0, at most 100 %"),
        ("Yield (%)", 104, "it is '104 %', expected above 0, at most 100 %"),
        ("Exempted emissions (%)", 100, "it is '100', expected 0 or more, below 100"),
        ("Geography", "Mars", "it is 'Mars', expected a place of PACT"),
        ("Period end", "2024-01-01", "it is '2024-01-01', expected a day after the period's start, "
         "2025-01-01"),
        ("Fossil carbon content", -1, "it is '-1', expected 0 or more"),
    ],
)  # fmt: skip
def test_of_a_product(book: Book, read: Read, column: str, value: Any, message: str) -> None:
    problem = problem_of(read(book({"Products": sheet(PRODUCT | {column: value})})))
    assert problem.place.endswith(f"2 ({column})")
    assert problem.message == message
    assert problem.hint


@pytest.mark.parametrize(
    ("name", "row", "place", "message"),
    [
        ("Transport", {"Name": "truck", "Quantity": -1, "Unit": "tkm"}, "cell B2 (Quantity)", "-1"),
        (
            "Transport",
            {"Name": "truck", "Quantity": 1, "Unit": "kg", "Distance": -5},
            "cell D2 (Distance)",
            "-5",
        ),
        (
            "Direct emissions",
            {"Name": "kiln", "fossilGhgEmissions": -2},
            "cell B2 (fossilGhgEmissions)",
            "expected 0 or more",
        ),
        (
            "Waste",
            {"Name": "w", "Quantity": 1, "Unit": "kg", "Source": "left out: x",
             "Estimate of what is left out (kg CO2e)": -1},
            "cell E2 (Estimate of what is left out (kg CO2e))",
            "-1",
        ),
        (
            "Energy",
            {"Name": "e", "Quantity": 1, "Unit": "kWh", "Technological DQR": 7,
             "Geographical DQR": 1, "Temporal DQR": 1},
            "cell D2 (Technological DQR)",
            "expected a rating from 1 (best) to 5",
        ),
    ],
)  # fmt: skip
def test_of_other_lines(
    book: Book, read: Read, name: str, row: dict[str, Any], place: str, message: str
) -> None:
    problem = problem_of(read(book({"Products": sheet(PRODUCT), name: sheet(row)})))
    assert problem.place == f"sheet {name}, {place}"
    assert message in problem.message


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        ({"value": "-1"}, "value", "it is '-1', expected 0 or more"),
        ({"value": "1", "amount": "0"}, "amount", "it is '0', expected more than 0"),
        ({"value": "1", "temporalDQR": "0", "technologicalDQR": "1", "geographicalDQR": "1"},
         "temporalDQR", "it is '0', expected a rating from 1 (best) to 5"),
        ({"fossilGhgEmissions": "-1"}, "fossilGhgEmissions", "it is '-1', expected 0 or more"),
        ({"biogenicCO2Uptake": "1", "fossilGhgEmissions": "1"}, "biogenicCO2Uptake",
         "it is '1', expected 0 or less"),
        ({"pcfIncludingBiogenicUptake": "1"}, "pcfIncludingBiogenicUptake", "states"),
    ],
)  # fmt: skip
def test_of_a_factor(
    csv_of: Callable[..., bytes], cells: dict[str, str], column: str, message: str
) -> None:
    row = {"id": "F", "unit": "kWh", "database": "d"} | cells
    problem = problem_of(read_factors("f.csv", csv_of(sheet(row)), Settings()))
    assert problem.place == f"row 2, column {column}"
    assert message in problem.message


def test_all_of_a_product_at_once_with_units_that_are_none(book: Book, read: Read) -> None:
    rows = [
        ["Name", "Quantity", "Unit", "Loss (%)"],
        ["a", -3, "kg", 120],
        ["b", 1, "killogram", 4],
    ]
    found = read(book({"Products": sheet(PRODUCT), "Materials": rows}))
    assert sorted(one.place.removeprefix("sheet Materials, ") for one in found.problems) == [
        "cell B2 (Quantity)", "cell C3 (Unit)", "cell D2 (Loss (%))",
    ]  # fmt: skip


def test_json_has_pointers_and_shares_as_parts_of_1(read: Read) -> None:
    line = {
        "kind": "material",
        "id": "m",
        "name": "m",
        "quantity": {"amount": "-1/3", "unit": "kg"},
    }
    document = {"id": "P", "name": "P", "declaredUnit": {"amount": "1", "unit": "kg"}}
    content = {**document, "lines": [{**line, "loss": "1.2"}]}
    (placed,) = read(json.dumps(content).encode(), "a.json").products
    quantity, loss = placed.problems
    assert (quantity.place, loss.place) == ("/lines/0/quantity/amount", "/lines/0/loss")
    assert quantity.message == "it is '-1/3', expected 0 or more"
    assert loss.message == "it is '1.2', expected 0 or more, below 1"


def test_what_is_missing_in_json_is_said_in_a_sentence(read: Read) -> None:
    (problem,) = read(b'{"id": "P", "name": "P"}', "a.json").problems
    assert str(problem) == "a.json, /declaredUnit: it is missing, and required"
