"""Generators: what they are hashed from, and where else they may come from."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal import generators
from underseal_protocol.seal.generators import (
    DOMAIN,
    INNER_PRODUCT_GENERATOR,
    KEPT,
    MAX_BITS,
    VECTORS_SHA256,
    H,
    bit_generators,
    encoded_vectors,
    missing_generators,
    pedersen_commitment,
    preload_vectors,
)
from underseal_protocol.seal.group import (
    GENERATOR,
    IDENTITY,
    ONE,
    ZERO,
    Scalar,
    encode_points,
    hash_to_curve,
)


@pytest.fixture
def none_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr(generators, "_VECTORS", generators._Vectors())


def test_each_is_the_hash_of_its_name() -> None:
    of_left, of_right = bit_generators(12)
    assert hash_to_curve(b"H", DOMAIN) == H
    assert hash_to_curve(b"U", DOMAIN) == INNER_PRODUCT_GENERATOR
    for index in (0, 1, 9, 10, 11):
        assert of_left[index] == hash_to_curve(b"G_%d" % index, DOMAIN)
        assert of_right[index] == hash_to_curve(b"H_%d" % index, DOMAIN)


def test_all_are_different() -> None:
    of_left, of_right = bit_generators(64)
    points = [GENERATOR, H, INNER_PRODUCT_GENERATOR, *of_left, *of_right]
    assert len({point.encode() for point in points}) == 2 * 64 + 3


def test_they_are_made_once(none_made: None) -> None:
    made: list[int] = []
    assert missing_generators(4) == 8
    few = bit_generators(4, made.append)
    assert (len(made), missing_generators(4), missing_generators(6)) == (8, 0, 4)
    more = bit_generators(6, made.append)
    assert len(made) == 12
    assert (more[0][:4], more[1][:4]) == few
    assert bit_generators(2, made.append) == (few[0][:2], few[1][:2])
    assert bit_generators(0) == ((), ())
    assert len(made) == 12


@pytest.mark.parametrize("count", [-1, MAX_BITS + 1, 10**9])
def test_there_are_no_more(count: int) -> None:
    with pytest.raises(SealError, match="there are 16384 of each kind"):
        bit_generators(count)


def test_a_commitment() -> None:
    assert pedersen_commitment(Scalar(5), Scalar(7)) == Scalar(5) * GENERATOR + Scalar(7) * H
    assert pedersen_commitment(ZERO, ONE) == H
    assert pedersen_commitment(ZERO, ZERO) == IDENTITY


@pytest.mark.parametrize("data", [b"", None, bytearray(393_216), bytes(393_215), bytes(393_217)])
def test_what_cannot_be_generators(data: Any, none_made: None) -> None:
    with pytest.raises(SealEncodingError, match="not the 393216 bytes"):
        preload_vectors(data)
    assert missing_generators(1) == 2


def test_other_points_are_refused(none_made: None) -> None:
    """Also points that somebody knows the logarithms of."""
    data = (GENERATOR.encode() + H.encode()) * KEPT
    with pytest.raises(SealEncodingError, match=f"expected {VECTORS_SHA256}"):
        preload_vectors(data)
    assert missing_generators(1) == 2


def test_kept_ones_are_taken_back(none_made: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a few, as all take seconds."""
    monkeypatch.setattr(generators, "KEPT", 4)
    data = encoded_vectors()
    assert data == encode_points([*bit_generators(4)[0], *bit_generators(4)[1]])
    monkeypatch.setattr(generators, "VECTORS_SHA256", hashlib.sha256(data).hexdigest())
    expected = bit_generators(4)
    monkeypatch.setattr(generators, "_VECTORS", generators._Vectors())
    preload_vectors(data)
    assert missing_generators(4) == 0
    assert bit_generators(4) == expected
    more = bit_generators(6)
    preload_vectors(data)
    assert missing_generators(6) == 0
    assert bit_generators(6) == more
    changed = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(SealEncodingError, match="digest"):
        preload_vectors(changed)


@pytest.mark.soak
def test_all_of_them_have_the_digest(none_made: None) -> None:
    data = encoded_vectors()
    assert hashlib.sha256(data).hexdigest() == VECTORS_SHA256
    expected = bit_generators(KEPT)
    preload_vectors(data)
    assert bit_generators(KEPT) == expected
