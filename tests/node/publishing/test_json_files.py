"""JSON files: what they may look like, and why they cannot be signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.settings import Settings

Desk = Any
Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ("@", ""),
        ("[@]", "/0"),
        ('{"data": @}', "/data"),
        ('{"data": [@]}', "/data/0"),
        ('{"links": [], "data": [@]}', "/data/0"),
        ("\ufeff \n@", ""),
    ],
)
def test_one_footprint_a_list_and_responses(
    desk: Desk, document: Make, form: str, place: str
) -> None:
    content = form.replace("@", json.dumps(document())).encode()
    read = desk.reads(content, "footprints")
    assert read.problems == ()
    (placed,) = read.documents
    assert placed.document == document()
    assert placed.place_of("/pcf") == f"{place}/pcf"
    assert not placed.is_row


def test_a_footprint_with_a_property_named_data(desk: Desk, document: Make) -> None:
    content = json.dumps(document(data=[1])).encode()
    assert desk.reads(content).documents[0].document["data"] == [1]


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"[]", "", "no footprint in it"),
        (b'{"data": []}', "/data", "no footprint in it"),
        (b'{"data": 7}', "/data", "'7' is no footprint"),
        (b'[{"id": 1}, "x"]', "/1", "'x' is no footprint"),
        (b"{", "", "not JSON"),
        (b"[1,]", "", "not JSON"),
        (b"[" * 500 + b"]" * 500, "", "nested more than 64 levels"),
        (b'{"id": "\xff"}', "", "is not UTF-8"),
        ('{"id": "é"}'.encode("utf-16"), "", "not JSON"),
        (b"7", "", "'7' is no footprint"),
    ],
)
def test_what_is_no_footprint(desk: Desk, content: bytes, place: str, message: str) -> None:
    (problem,) = desk.reads(content, "file.json").problems
    assert (problem.file, problem.place) == ("file.json", place)
    assert message in problem.message


def test_everything_that_cannot_be_signed_is_named_with_its_place(desk: Desk) -> None:
    content = rb"""[
        {"extensions": [{"data": {"a": 0.1000000000000000055, "b": 0.1, "c~/": 9007199254740993}}]},
        {"comment": "\ud800", "id": "1", "id": "2", "pcf": {"x": NaN, "\udfff": 1}},
        {"n": 1e400}
    ]"""
    problems = desk.reads(content).problems
    assert [(one.place, one.message) for one in problems] == [
        (
            "/0/extensions/0/data/a",
            "the number 0.1000000000000000055 is not exact as an IEEE double, which is 0.1",
        ),
        (
            "/0/extensions/0/data/c~0~1",
            "the integer 9007199254740993 is beyond 2^53 - 1, so it is not exact as an IEEE double",
        ),
        ("/1/comment", "the JSON holds a lone surrogate, which is not a character"),
        ("/1/id", "the name occurs twice in this object"),
        ("/1/pcf/x", "not JSON: NaN is not a number"),
        ("/1/pcf", "the JSON holds a lone surrogate, which is not a character"),
        ("/2/n", "the number 1e400 is too large"),
    ]
    assert problems[0].hint == "Write it as text, in quotes."


def test_a_file_larger_than_the_limit(desk: Desk, document: Make) -> None:
    content = json.dumps(document()).encode()
    desk.node.settings = Settings(max_import_bytes=len(content))
    assert desk.reads(content).problems == ()
    (problem,) = desk.reads(content + b" ").problems
    assert problem.message == (
        f"the file has {len(content) + 1} bytes, at most {len(content)} are taken"
    )
    assert "max_import_bytes" in (problem.hint or "")


@pytest.mark.parametrize("name", ["file.json", "file.csv", "file.xlsx", "file"])
def test_the_content_says_what_it_is_not_the_name(
    desk: Desk, document: Make, name: str, row: Make, make_csv: Any, make_workbook: Any
) -> None:
    assert len(desk.reads(json.dumps(document()).encode(), name).documents) == 1
    assert len(desk.reads(make_workbook(row()), name.replace(".json", "")).documents) == 1
    assert len(desk.reads(make_csv(row()), name.replace(".json", "")).documents) == 1
