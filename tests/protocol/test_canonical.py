"""The canonical form is that of RFC 8785, by whichever of the two ways it is computed."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.canonical import canonical_bytes, digest
from underseal_protocol.errors import JsonError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EXACT_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
SCALARS = st.none() | st.booleans() | TEXT | EXACT_NUMBERS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_both_ways_write_the_same_bytes(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.sampled_from("a\ud7ff\ue000\uffff\U00010000\U0010ffff")), TEXT))
def test_names_are_sorted_by_utf_16_code_units(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_where_code_points_and_utf_16_differ() -> None:
    # RFC 8785 section 3.2.3: U+1F600 is D83D DE00 in UTF-16, so it comes before U+FB33.
    value: Any = {"\ufb33": 1, "\U0001f600": 2}
    assert canonical_bytes(value) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 8785 section 3.2.2, the example.
        (
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
                "literals": [None, True, False],
            },
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
        ),
        # RFC 8785 section 3.2.3, the sorting example.
        (
            {
                "\u20ac": "Euro Sign",
                "\r": "Carriage Return",
                "\ufb33": "Hebrew Letter Dalet With Dagesh",
                "1": "One",
                "\U0001f600": "Emoji: Grinning Face",
                "\u0080": "Control",
                "\u00f6": "Latin Small Letter O With Diaeresis",
            },
            '{"\\r":"Carriage Return","1":"One","\u0080":"Control",'
            '"ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",'
            '"\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
        ),
        (
            {"a": 1e16, "b": -0.0, "c": 9007199254740991},
            '{"a":10000000000000000,"b":0,"c":9007199254740991}',
        ),
        ("\x7f\x1f", '"\x7f\\u001f"'),
        ({}, "{}"),
    ],
)
def test_known_forms(value: Any, expected: str) -> None:
    assert canonical_bytes(value) == expected.encode()


def test_digest_is_base64url_sha256_without_padding() -> None:
    expected = base64.urlsafe_b64encode(hashlib.sha256(b'{"a":1}').digest()).decode().rstrip("=")
    assert digest({"a": 1}) == expected
    assert len(digest({})) == 43


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": 2**53}, "exact IEEE double"),
        ([-(2**53)], "exact IEEE double"),
        (10**30, "exact IEEE double"),
        ([float("nan")], "not finite"),
        ({"a": {"b": float("-inf")}}, "not finite"),
        ({"a": "\ud800"}, "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({"a": [1.5, "\ud800"]}, "surrogate"),
        ({"a": {1, 2}}, "no canonical JSON form"),
        ({"a": b"bytes"}, "no canonical JSON form"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(JsonError, match=reason):
        canonical_bytes(value)


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(JsonError, match="nested too deeply"):
        canonical_bytes(value)


def test_the_fast_way_is_taken_for_plain_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "underseal_protocol.canonical.rfc8785.dumps", lambda value: pytest.fail("slow way")
    )
    assert (
        canonical_bytes({"b": ["ü", True, None, 7], "a": {}})
        == '{"a":{},"b":["ü",true,null,7]}'.encode()
    )
