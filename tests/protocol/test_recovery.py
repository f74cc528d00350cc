"""The recovery key as text: what is typed in again is the same key, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import KeySetError
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.recovery import recovery_key_of, recovery_text

KEY = SigningKey.from_scalar(bytes(range(32)), KeyPurpose.RECOVERY)
TEXT = recovery_text(KEY)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@given(st.integers(min_value=1, max_value=ORDER - 1))
def test_what_was_written_is_read(number: int) -> None:
    key = SigningKey.from_scalar(number.to_bytes(32, "big"), KeyPurpose.RECOVERY)
    again = recovery_key_of(recovery_text(key))
    assert (again.kid, again.to_scalar()) == (key.kid, key.to_scalar())


def test_its_form() -> None:
    groups = TEXT.split("-")
    assert groups[0] == "usrk1"
    assert [len(group) for group in groups[1:]] == [4] * 14


@pytest.mark.parametrize(
    "typed",
    [
        TEXT.upper(),
        f"  {TEXT}\n",
        TEXT.replace("-", " "),
        TEXT.replace("-", ""),
        "usrk1" + TEXT.removeprefix("usrk1").replace("o", "0").replace("l", "1").replace("b", "8"),
    ],
)
def test_how_it_is_typed_does_not_matter(typed: str) -> None:
    assert recovery_key_of(typed).kid == KEY.kid


@given(st.data())
def test_a_typing_error_is_found(data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=6, max_value=len(TEXT) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
    if TEXT[place] in ("-", other):
        return
    with pytest.raises(KeySetError, match="typing error") as caught:
        recovery_key_of(TEXT[:place] + other + TEXT[place + 1 :])
    assert TEXT[6:10] not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "usrk1-", TEXT[:-1], TEXT + "a", TEXT[6:], "x" * 5000, "ü" + TEXT[5:]]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(KeySetError, match="no recovery key"):
        recovery_key_of(text)


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_a_number_that_is_no_key_is_refused(number: int) -> None:
    with pytest.raises(KeySetError, match="not a private key"):
        SigningKey.from_scalar(number.to_bytes(32, "big"), KeyPurpose.RECOVERY)


def test_another_key_is_not_written_so() -> None:
    with pytest.raises(KeySetError, match="no recovery key"):
        recovery_text(SigningKey.generate(KeyPurpose.IDENTITY))
