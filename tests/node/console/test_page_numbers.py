"""Numbers that stand in addresses and forms may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.console.tables import page_of, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("12345678", 12345678), ("123456789", None), ("", None), ("-1", None)]
    + [(odd, None) for odd in ("²", "١", "1.0", "1e3", " 1", "1\0", "x", "½")],
)
def test_what_a_whole_number_is(text: str, number: int | None) -> None:
    assert whole(text) == number


@given(st.text(), st.integers(0, 10_000), st.integers(1, 100))
def test_every_address_is_one_of_a_page_that_there_is(text: str, count: int, size: int) -> None:
    page, pages = page_of(text, count, size)
    assert 1 <= page <= pages
    assert (pages - 1) * size < max(count, 1) <= pages * size
