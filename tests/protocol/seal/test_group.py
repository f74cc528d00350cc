"""The group: what the curve library lets pass, and we do not."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point
from py_arkworks_bls12381 import Scalar as LibraryScalar
from tests.protocol.seal import second
from tests.protocol.seal.relations import SCALARS

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal import group
from underseal_protocol.seal.group import (
    GENERATOR,
    IDENTITY,
    ONE,
    ORDER,
    POINT_BYTES,
    ZERO,
    Point,
    Scalar,
    decode_points,
    decode_scalars,
    encode_points,
    encode_scalars,
    hash_to_curve,
    linear_combination,
    long_linear_combination,
)

G = GENERATOR.encode()
FIELD = second.P
POINTS = st.binary(max_size=20).map(lambda message: hash_to_curve(message, bytes(16)))
QUUX = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"


def with_flags(flags: int, x: int) -> bytes:
    data = x.to_bytes(POINT_BYTES, "big")
    return bytes([data[0] | flags]) + data[1:]


def test_the_parameters_of_the_ciphersuite() -> None:
    assert ORDER == second.R
    assert G == second.G_BYTES
    assert linear_combination([-ONE], [GENERATOR]) + GENERATOR == IDENTITY
    assert (len(G), len(ONE.encode())) == (48, 32)
    assert ONE.encode() == bytes(31) + b"\x01"


# Scalars


@pytest.mark.parametrize("value", [-1, ORDER, ORDER + 1, 2**256, -ORDER])
def test_an_integer_is_not_reduced(value: int) -> None:
    """The library would: nothing negative and nothing that wrapped around becomes a scalar."""
    with pytest.raises(SealError, match="not in \\[0, group order\\)"):
        Scalar(value)


@pytest.mark.parametrize("value", [True, 1.0, "1", b"\x01", None])
def test_a_scalar_is_made_of_an_integer(value: Any) -> None:
    with pytest.raises(SealError, match="expected int"):
        Scalar(value)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_scalar_of_another_length(length: int) -> None:
    with pytest.raises(SealEncodingError, match=f"{length} bytes for a scalar, expected 32"):
        Scalar.decode(bytes(length))


@pytest.mark.parametrize("value", [ORDER, ORDER + 1, 2**256 - 1])
def test_a_scalar_that_is_not_reduced(value: int) -> None:
    with pytest.raises(SealEncodingError, match="not below the group order"):
        Scalar.decode(value.to_bytes(32, "big"))


@pytest.mark.parametrize("data", [bytearray(32), memoryview(bytes(32)), [0] * 32, "0" * 32, None])
def test_bytes_are_bytes(data: Any) -> None:
    """The library takes lists of integers for bytes, too."""
    with pytest.raises(SealEncodingError, match="only bytes"):
        Scalar.decode(data)
    with pytest.raises(SealEncodingError, match="only bytes"):
        Point.decode(data)


@given(st.binary(min_size=32, max_size=32))
def test_a_scalar_has_one_encoding(data: bytes) -> None:
    try:
        scalar = Scalar.decode(data)
    except SealEncodingError:
        assert int.from_bytes(data, "big") >= ORDER
    else:
        assert scalar.encode() == data


@given(SCALARS, SCALARS)
def test_scalars_are_integers_modulo_the_order(one: Scalar, other: Scalar) -> None:
    assert (one + other).value == (one.value + other.value) % ORDER
    assert (one - other).value == (one.value - other.value) % ORDER
    assert (one * other).value == one.value * other.value % ORDER
    assert (-one).value == -one.value % ORDER
    assert bool(one) == (one.value != 0)
    if one:
        assert one * one.inverse() == ONE


def test_zero_has_no_inverse() -> None:
    with pytest.raises(SealError, match="0 has no inverse"):
        ZERO.inverse()


@pytest.mark.parametrize("other", [1, 1.5, "1"])
def test_a_scalar_is_not_a_number(other: Any) -> None:
    """So that no float and no integer beyond the order comes in by arithmetic."""
    for operation in ("__add__", "__sub__", "__mul__"):
        assert getattr(ONE, operation)(other) is NotImplemented
    for operation in ("__add__", "__sub__", "__rmul__"):
        assert getattr(GENERATOR, operation)(other) is NotImplemented
    assert other != ONE
    assert other != GENERATOR


def test_a_scalar_does_not_show_itself() -> None:
    secret = Scalar(123456789)
    assert "123456789" not in f"{secret!r} {secret} {[secret]}"


def test_scalars_and_points_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        ONE.value = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        GENERATOR._inner = IDENTITY._inner  # type: ignore[misc]


# Points


@pytest.mark.parametrize("length", [0, 1, 47, 49, 96])
def test_a_point_of_another_length(length: int) -> None:
    with pytest.raises(SealEncodingError, match=f"{length} bytes for a point, expected 48"):
        Point.decode((G * 2)[:length])


def test_a_point_that_is_not_compressed() -> None:
    assert G1Point.from_xy_bytes_be(GENERATOR._inner.to_xy_bytes_be()) == GENERATOR._inner
    with pytest.raises(SealEncodingError, match="96 bytes for a point"):
        Point.decode(GENERATOR._inner.to_xy_bytes_be())
    with pytest.raises(SealEncodingError, match="not compressed"):
        Point.decode(bytes([G[0] & 0x7F]) + G[1:])


IDENTITIES = {
    "its encoding": with_flags(0xC0, 0),
    "with a sign": with_flags(0xE0, 0),
    "with an x": with_flags(0xC0, 1),
    "with the x of the generator": bytes([G[0] | 0x40]) + G[1:],
}


@pytest.mark.parametrize("data", IDENTITIES.values(), ids=IDENTITIES)
def test_the_identity_is_not_read(data: bytes) -> None:
    with pytest.raises(SealEncodingError, match="is the identity"):
        Point.decode(data)


def test_the_library_reads_the_identity_from_what_is_not_its_encoding() -> None:
    """If it no longer does, this test may go; the guard stays."""
    for data in IDENTITIES.values():
        assert G1Point.from_compressed_bytes(data) == G1Point.identity()


def test_the_identity_is_not_written() -> None:
    for identity in (IDENTITY, GENERATOR - GENERATOR, ZERO * GENERATOR):
        assert identity.is_identity
        with pytest.raises(SealEncodingError, match="the identity has no encoding"):
            identity.encode()
        with pytest.raises(SealEncodingError, match="the identity has no encoding"):
            encode_points([GENERATOR, identity])
    assert not GENERATOR.is_identity


NO_POINTS = {
    "not on the curve": with_flags(0x80, 1),
    "on the curve, not in the subgroup": with_flags(0x80, 0),
    "on the curve, not in the subgroup, the other sign": with_flags(0xA0, 0),
    "x not reduced": with_flags(0x80, 4 + FIELD),
    "x is the characteristic": with_flags(0x80, FIELD),
    "the largest x": with_flags(0x80, 2**381 - 1),
}


@pytest.mark.parametrize("data", NO_POINTS.values(), ids=NO_POINTS)
def test_no_point_of_the_subgroup(data: bytes) -> None:
    with pytest.raises(SealEncodingError, match="no point of the curve"):
        Point.decode(data)
    with pytest.raises(second.RefusedError):
        second.decode(data)


def test_decoders_that_do_not_check_are_not_used() -> None:
    """They would take the points above; see what they are called."""
    data = NO_POINTS["on the curve, not in the subgroup"]
    assert not G1Point.from_compressed_bytes_unchecked(data).is_in_subgroup()
    attributes = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(group)))
        if isinstance(node, ast.Attribute)
    }
    unchecked = {name for name in attributes if "unchecked" in name}
    assert unchecked == {"multiexp_unchecked"}
    assert not {name for name in attributes if name.startswith(("from_xy", "map_from"))}


@settings(deadline=None)
@given(st.binary(min_size=POINT_BYTES, max_size=POINT_BYTES), st.booleans())
def test_any_bytes_are_a_point_or_refused(data: bytes, is_flagged: bool) -> None:
    """With the flags of a point, one in two is on the curve, and hardly any in the subgroup."""
    if is_flagged:
        data = bytes([data[0] & 0x1F | 0x80]) + data[1:]
    try:
        point = Point.decode(data)
    except SealEncodingError:
        with pytest.raises(second.RefusedError):
            second.decode(data)
    else:
        assert point.encode() == data


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_a_point_has_one_encoding(point: Point) -> None:
    data = point.encode()
    assert Point.decode(data) == point
    assert Point.decode(data).encode() == data
    assert second.encode(second.decode(data)) == data
    assert (-point).encode() == bytes([data[0] ^ 0x20]) + data[1:]


@settings(max_examples=25, deadline=None)
@given(POINTS, POINTS, SCALARS)
def test_arithmetic_is_that_of_the_second_implementation(
    one: Point, other: Point, scalar: Scalar
) -> None:
    plain, plain_other = second.decode(one.encode()), second.decode(other.encode())
    for got, expected in (
        (one + other, second.add(plain, plain_other)),
        (one + one, second.add(plain, plain)),
        (one - other, second.add(plain, second.multiply(ORDER - 1, plain_other))),
        (scalar * one, second.multiply(scalar.value, plain)),
    ):
        assert got.is_identity if expected is None else got.encode() == second.encode(expected)


def test_equal_points_are_one_in_a_set() -> None:
    assert len({GENERATOR + GENERATOR, Scalar(2) * GENERATOR, Point.decode(G) + GENERATOR}) == 1
    assert len({ONE, Scalar(1), -Scalar(ORDER - 1)}) == 1


@pytest.mark.parametrize("value", [GENERATOR, GENERATOR + GENERATOR, IDENTITY, ZERO, Scalar(5)])
def test_values_travel_between_processes(value: Point | Scalar) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


def test_what_is_read_is_compared_with_what_it_encodes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a later version of the library takes, a point has one encoding."""

    class Lenient:
        @staticmethod
        def from_compressed_bytes(data: bytes) -> G1Point:
            return G1Point.from_compressed_bytes(bytes([data[0] ^ 0x20]) + data[1:])

    monkeypatch.setattr(group, "G1Point", Lenient)
    with pytest.raises(SealEncodingError, match="not in its one encoding"):
        Point.decode(G)


# Sums


@pytest.mark.parametrize(("scalars", "points"), [(1, 2), (2, 1), (0, 1), (1, 0), (5, 4), (3, 9)])
def test_lists_of_unequal_length_are_refused(scalars: int, points: int) -> None:
    with pytest.raises(SealError, match=f"{scalars} scalars .* {points} points"):
        linear_combination([ONE] * scalars, [GENERATOR] * points)
    with pytest.raises(SealError, match=f"{scalars} integers .* {points} points"):
        long_linear_combination([1] * scalars, [GENERATOR] * points)


@pytest.mark.parametrize("wrong", [-1, ORDER, ORDER + 1, 2**256, 2**300])
def test_integers_that_are_no_scalars(wrong: int) -> None:
    with pytest.raises(SealError, match=r"not in \[0, group order\)"):
        long_linear_combination([1, wrong, 2], [GENERATOR] * 3)


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None, ONE])
def test_what_is_no_integer(wrong: Any) -> None:
    with pytest.raises(SealError, match="what is no integer"):
        long_linear_combination([1, wrong, 2], [GENERATOR] * 3)


def test_the_library_sums_over_the_shorter_list() -> None:
    """If it no longer does, this test may go; the guard stays."""
    one, point = LibraryScalar(1), G1Point()
    assert G1Point.multiexp_unchecked([point, point], [one]) == point


@settings(deadline=None)
@given(st.lists(st.tuples(SCALARS, POINTS), max_size=6))
def test_a_sum_is_the_sum_of_products(summands: list[tuple[Scalar, Point]]) -> None:
    expected = IDENTITY
    for scalar, point in summands:
        expected += scalar * point
    scalars, points = [one for one, _ in summands], [point for _, point in summands]
    assert linear_combination(scalars, points) == expected
    assert long_linear_combination([one.value for one in scalars], points) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 4, 33, 300])
def test_sums_that_come_to_nothing(count: int) -> None:
    """Zeros, the identity, points that cancel, the same point again and again."""
    points = [GENERATOR, -GENERATOR, IDENTITY, GENERATOR + GENERATOR] * count
    scalars = [Scalar(5), Scalar(5), Scalar(7), ZERO] * count
    assert linear_combination(scalars, points).is_identity
    same = linear_combination([Scalar(ORDER - 1)] * count, [GENERATOR] * count)
    assert same == -(Scalar(count) * GENERATOR)


def test_the_sum_of_nothing() -> None:
    assert linear_combination([], []) == IDENTITY


# Lists


@settings(deadline=None)
@given(st.lists(SCALARS, max_size=5), st.lists(POINTS, max_size=3))
def test_lists_are_read_as_written(scalars: list[Scalar], points: list[Point]) -> None:
    assert decode_scalars(encode_scalars(scalars), len(scalars)) == tuple(scalars)
    assert decode_points(encode_points(points), len(points)) == tuple(points)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_lists_of_another_length(count: int) -> None:
    with pytest.raises(SealEncodingError, match="64 bytes"):
        decode_scalars(encode_scalars([ONE, ONE]), count)
    with pytest.raises(SealEncodingError, match="96 bytes"):
        decode_points(encode_points([GENERATOR, GENERATOR]), count)
    with pytest.raises(SealEncodingError):
        decode_scalars(bytes(32 * count + 1), count)
