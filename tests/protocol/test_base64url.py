"""One text per sequence of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol import base64url


@given(st.binary(max_size=80))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(st.sampled_from("AQgw-_9="), max_size=8))
def test_no_other_text_decodes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text", ["QQ==", "QR", "Q", "Q Q", "QQ\n", "+w", "/w", "QQ~", "ÄÄ", "Q\x00Q", "\ud800"]
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url.decode(text)
