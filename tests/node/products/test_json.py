"""Products as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.products.results import ReadProducts

Read = Callable[..., ReadProducts]

LINE: dict[str, Any] = {
    "kind": "energy",
    "id": "e",
    "name": "power",
    "quantity": {"amount": "1", "unit": "kWh"},
}
PRODUCT: dict[str, Any] = {
    "id": "P",
    "name": "p",
    "declaredUnit": {"amount": "1", "unit": "kg"},
    "lines": [LINE],
}
FACTOR: dict[str, Any] = {
    "id": "EL", "name": "power", "values": {"fossilGhgEmissions": "0.5"}, "unit": "kWh",
    "database": "d", "version": "1",
}  # fmt: skip


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (PRODUCT, ""),
        ([PRODUCT, FACTOR], "/0"),
        ({"factors": [FACTOR], "products": [PRODUCT]}, "/products/0"),
    ],
)
def test_one_a_list_and_both(read: Read, value: Any, place: str) -> None:
    found = read(encoded(value), "a.json")
    assert found.problems == ()
    (placed,) = found.products
    assert placed.document == PRODUCT
    assert placed.place_of("/lines/0") == f"{place}/lines/0"
    assert [one.document for one in found.factors] == ([] if value == PRODUCT else [FACTOR])


def test_what_follows_anyway_is_left_out(read: Read) -> None:
    line = {**LINE, "isPrimary": True, "withOutbound": True}
    (placed,) = read(encoded({**PRODUCT, "lines": [line], "yieldShare": "1"})).products
    assert placed.document == PRODUCT


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        ({**PRODUCT, "id": None}, "/id", "expected text"),
        ({**PRODUCT, "lines": [{**LINE, "name": ""}]}, "/lines/0/name", "it is ''"),
        (
            {**PRODUCT, "lines": [{**LINE, "quantity": {"amount": "1", "unit": "ton"}}]},
            "/lines/0/quantity/unit",
            "several meanings",
        ),
        ([PRODUCT, PRODUCT], "/1/id", "'P' is there twice"),
        ([PRODUCT, 5], "/1", "'5' is no product"),
        ({"products": [PRODUCT], "other": 1}, "/other", "no product"),
        ({"products": 5}, "/products", "no product"),
        ([], "", "there is no product in it"),
        ([{**FACTOR, "unit": "x"}], "/0/unit", "is no unit"),
        ({**PRODUCT, "massKg": "1", "basis": {"amount": "1", "unit": "y"}}, "/basis/unit", "'y'"),
    ],
)
def test_what_is_wrong_has_its_pointer(read: Read, value: Any, place: str, message: str) -> None:
    problem = read(encoded(value), "a.json").problems[0]
    assert (problem.place, message in problem.message) == (place, True), problem


def test_numbers_are_written_in_quotes(read: Read) -> None:
    (problem,) = read(encoded({**PRODUCT, "massKg": 0.5}), "a.json").problems
    assert (problem.place, "in quotes" in problem.message) == ("/massKg", True)
    (problem,) = read(b'{"id": "P", "id": "Q"}', "a.json").problems
    assert "twice" in problem.message
