"""Integers, field elements and byte strings: one encoding each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal import codec

MODULI = st.integers(2, 2**400)


@given(st.integers(0, 2**64), st.integers(0, 12))
def test_little_endian(number: int, width: int) -> None:
    if number < 256**width:
        assert codec.from_little_endian(codec.little_endian(number, width)) == number
    else:
        with pytest.raises(SealError, match=f"does not fit in {width} bytes"):
            codec.little_endian(number, width)


def test_negative_integers_have_no_encoding() -> None:
    with pytest.raises(SealError):
        codec.little_endian(-1, 4)
    with pytest.raises(SealError, match="below its modulus"):
        codec.write_uint(-1, 7)


@pytest.mark.parametrize(
    ("modulus", "expected"), [(2, 1), (255, 1), (256, 1), (257, 2), (65536, 2), (65537, 3)]
)
def test_the_bytes_of_a_modulus(modulus: int, expected: int) -> None:
    """The smallest Ns with 256^Ns >= M."""
    assert codec.uint_bytes(modulus) == expected
    assert 256**expected >= modulus > 256 ** (expected - 1)


@pytest.mark.parametrize("modulus", [-5, 0, 1])
def test_a_modulus_that_leaves_no_bytes(modulus: int) -> None:
    for attempt in (codec.uint_bytes, lambda one: codec.read_field(b"", one, 1 << 60)):
        with pytest.raises(SealError, match="expected at least 2"):
            attempt(modulus)


@given(MODULI, st.data(), st.binary(max_size=4))
def test_integers_are_read_as_written(modulus: int, data: st.DataObject, rest: bytes) -> None:
    number = data.draw(st.integers(0, modulus - 1))
    written = codec.write_uint(number, modulus)
    assert codec.read_uint(written + rest, modulus) == (number, rest)
    with pytest.raises(SealEncodingError, match="expected at least"):
        codec.read_uint(written[:-1], modulus)


@given(MODULI, st.data())
def test_integers_that_are_not_reduced(modulus: int, data: st.DataObject) -> None:
    highest = 256 ** codec.uint_bytes(modulus) - 1
    number = data.draw(st.integers(min(modulus, highest), highest))
    if number >= modulus:
        with pytest.raises(SealEncodingError, match="not below its modulus"):
            codec.read_uint(codec.little_endian(number, codec.uint_bytes(modulus)), modulus)
        with pytest.raises(SealError, match="not below its modulus"):
            codec.write_uint(number, modulus)


@given(MODULI, st.data(), st.binary(max_size=4))
def test_field_elements_are_read_as_written(modulus: int, data: st.DataObject, rest: bytes) -> None:
    coordinates = tuple(data.draw(st.lists(st.integers(0, modulus - 1), max_size=4)))
    written = codec.write_field(coordinates, modulus)
    assert codec.read_field(written + rest, modulus, len(coordinates)) == (coordinates, rest)


def test_more_coordinates_than_bytes_are_refused_at_once() -> None:
    with pytest.raises(SealEncodingError, match="3 bytes, expected 1152921504606846976 coord"):
        codec.read_field(bytes(3), 251, 1 << 60)


@given(st.binary(max_size=40), st.binary(max_size=4))
def test_strings_are_read_as_written(data: bytes, rest: bytes) -> None:
    assert codec.read_string(codec.write_string(data) + rest) == (data, rest)


@pytest.mark.parametrize("data", [b"", b"\1\0\0", b"\1\0\0\0", b"\xff\xff\xff\xff1234"])
def test_strings_that_are_shorter_than_they_say(data: bytes) -> None:
    with pytest.raises(SealEncodingError):
        codec.read_string(data)


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_no_encoding_is_the_front_of_another(one: bytes, other: bytes) -> None:
    if one != other:
        assert not codec.write_string(other).startswith(codec.write_string(one))


@pytest.mark.parametrize("length", [0, 47, 49])
def test_decoding_takes_as_many_bytes_as_its_modulus_says(length: int) -> None:
    with pytest.raises(SealError, match=f"{length} bytes, expected 48"):
        codec.decode_uint(bytes(length), 2**255)


@given(st.binary(min_size=17, max_size=17))
def test_decoding_reduces(data: bytes) -> None:
    assert codec.decode_uint(data, 251) == int.from_bytes(data, "little") % 251
