"""URLs by RFC 3986; other scripts are encoded."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import uris

from underseal_protocol.uris import as_uri

ORACLE = jsonschema_rs.validator_for(
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "format": "uri"},
    validate_formats=True,
)


@given(uris())
def test_uris_stay_as_they_are(text: str) -> None:
    assert as_uri(text) == text


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text("htps:/?#[]@%Fé漢 a.1", max_size=20).map("http://{}".format)
)
def test_what_we_take_for_a_uri_is_one(text: str) -> None:
    uri = as_uri(text)
    if uri is None:
        # A scheme alone is one by the grammar.
        assert not ORACLE.is_valid(text) or text.rstrip("#?").endswith(":") or ":?" in text
    else:
        assert ORACLE.is_valid(uri)
        assert as_uri(uri) == uri
        assert uri == text or not text.isascii()


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://bücher.example/ä?ö#ü", "https://b%C3%BCcher.example/%C3%A4?%C3%B6#%C3%BC"),
        ("https://例え.example/文", "https://%E4%BE%8B%E3%81%88.example/%E6%96%87"),
        ("https://a.example/🔋", "https://a.example/%F0%9F%94%8B"),
        ("https://a.example/%C3%A4é", "https://a.example/%C3%A4%C3%A9"),
    ],
)
def test_other_scripts(text: str, uri: str) -> None:
    assert as_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a/b", "//a.example", "http:", "https://a b", "https://a\u00a0b", "https://a\u3000b",
        "https://a.example/%zz", "https://a.example/%4", "https://a.example/a|b", "https://[::1",
        "https://[:::1]/", "https://[1]/", "https://a.example:port/", "https://a.example/#a#b",
        "https://a.example/\n", "https://a.example/\x7f", "https://a.example/\ue000", "1a:b",
        "https://a.example/\ud800",
    ],
)  # fmt: skip
def test_refusals(text: str) -> None:
    assert as_uri(text) is None
