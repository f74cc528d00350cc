"""Texts of a footprint that would fill a page are refused, with their place and the limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from tests.protocol.samples import sample, set_at
from tests.strategies import footprints

from underseal_protocol.rollup.document_models import MAX_CHARACTERS
from underseal_protocol.text_limits import (
    MAX_ITEMS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_URN_CHARACTERS,
    excesses,
)

LIMITS = [
    ("/productNameCompany", MAX_NAME_CHARACTERS),
    ("/companyName", MAX_NAME_CHARACTERS),
    ("/productIds/0", MAX_URN_CHARACTERS),
    ("/productDescription", MAX_TEXT_CHARACTERS),
    ("/comment", MAX_TEXT_CHARACTERS),
    ("/pcf/boundaryProcessesDescription", MAX_TEXT_CHARACTERS),
    ("/ours", MAX_TEXT_CHARACTERS),
]


@pytest.mark.parametrize(("pointer", "most"), LIMITS)
def test_a_text_as_long_as_it_may_be_and_one_longer(pointer: str, most: int) -> None:
    assert excesses(set_at(sample(), pointer, "x" * most)) == []
    (found,) = excesses(set_at(sample(), pointer, "x" * (most + 1)))
    assert found.pointer == pointer
    assert found.expected == f"at most {most} characters; it has {most + 1}"
    assert len(str(found)) < 400


def test_a_list_with_too_many_items() -> None:
    ids = [f"urn:gtin:{number}" for number in range(MAX_ITEMS + 1)]
    assert excesses(set_at(sample(), "/productIds", ids[:-1])) == []
    (found,) = excesses(set_at(sample(), "/productIds", ids))
    assert (found.pointer, found.expected) == ("/productIds", "at most 1000 items; there are 1001")


def test_however_deep_a_text_is() -> None:
    deep: dict[str, Any] = {"a/b": [{"c": "x" * (MAX_TEXT_CHARACTERS + 1)}]}
    (found,) = excesses(set_at(sample(), "/pcf/ours", deep))
    assert found.pointer == "/pcf/ours/a~1b/0/c"


def test_extensions_have_their_own_form() -> None:
    data = {"x": "x" * 99_999}
    entry = {"specVersion": "2.0.0", "dataSchema": "https://a.example/s", "data": data}
    assert excesses(set_at(sample(), "/extensions", [entry])) == []


@given(footprints())
def test_what_people_write_is_within(document: dict[str, Any]) -> None:
    assert excesses(document) == []


def test_what_a_bill_of_materials_may_hold_can_be_published() -> None:
    assert MAX_CHARACTERS <= MAX_TEXT_CHARACTERS
