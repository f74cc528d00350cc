"""Points of G1 and G2 of BLS12-381 and their pairing; `scalars` are re-exported.

The only importer of the curve library (docs/adr/0023-curve-library.md). What it would let pass, and
what happens here (draft-irtf-cfrg-sigma-protocols, sections BLS12-381 (G1) and NARG string
validation):

- its scalars take any integer and reduce it: here only `Scalar` multiplies a point;
- the identity decodes, also from bytes that are not its encoding (`e0...`, `c0...01`): here the
  identity has no encoding, it is neither written nor read;
- it takes lists and bytearrays for bytes: here bytes are bytes;
- a sum over lists of unequal length is a sum over the shorter: here it is refused;
- there are decoders that do not check, and encodings that are not compressed: neither is used. What
  is decoded is on the curve and in the subgroup, and encodes to the bytes that it was read from;
- a hash to the curve takes an empty domain: here a domain has 16 to 255 bytes;
- a pairing of lists of unequal length is one of the shorter, and one with the identity says
  nothing: here both are refused. Whether products of pairings are equal is all that is asked.

Every refusal is a `SealError`. Nothing here runs in constant time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from py_arkworks_bls12381 import GT, G1Point, G2Point
from py_arkworks_bls12381 import Scalar as LibraryScalar

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal.scalars import (
    ONE,
    ORDER,
    SCALAR_BYTES,
    UNIFORM_BYTES,
    ZERO,
    RandomBytes,
    Scalar,
    decode_scalars,
    encode_scalars,
    hash_to_scalar,
    random_scalar,
    require_bytes,
    require_domain,
)

__all__ = [
    "GENERATOR",
    "GENERATOR_2",
    "IDENTITY",
    "ONE",
    "ORDER",
    "POINT_2_BYTES",
    "POINT_BYTES",
    "SCALAR_BYTES",
    "UNIFORM_BYTES",
    "ZERO",
    "Point",
    "Point2",
    "RandomBytes",
    "Scalar",
    "decode_points",
    "decode_scalars",
    "encode_points",
    "encode_scalars",
    "hash_to_curve",
    "hash_to_scalar",
    "linear_combination",
    "long_linear_combination",
    "pairings_are_equal",
    "random_scalar",
]

POINT_BYTES = 48  # `Ne`, compressed
POINT_2_BYTES = 96  # of G2, compressed

_COMPRESSED, _INFINITY = 0x80, 0x40  # bits of the first byte of a point
# Below this many summands, multiplying one by one is not slower.
_FEW_SUMMANDS = 3


@final
@dataclass(frozen=True, slots=True)
class Point:
    """An element of G1. Made by `decode`, by arithmetic, or by `hash_to_curve`."""

    _inner: G1Point

    def __add__(self, other: Point) -> Point:
        if type(other) is not Point:
            return NotImplemented
        return Point(self._inner + other._inner)

    def __sub__(self, other: Point) -> Point:
        if type(other) is not Point:
            return NotImplemented
        return Point(self._inner - other._inner)

    def __neg__(self) -> Point:
        return Point(-self._inner)

    def __rmul__(self, scalar: Scalar) -> Point:
        if type(scalar) is not Scalar:
            return NotImplemented
        return Point(self._inner * _library_scalar(scalar))

    def __reduce__(self) -> tuple[Callable[[bytes | None], Point], tuple[bytes | None]]:
        """Points travel between processes."""
        return (_unpickled, (None if self.is_identity else self.encode(),))

    @property
    def is_identity(self) -> bool:
        """Whether it is the neutral element, which has no encoding."""
        return self._inner == _IDENTITY

    def encode(self) -> bytes:
        """`Group.serialize` of one: 48 bytes, compressed.

        Raises:
            SealEncodingError: it is the identity.
        """
        if self.is_identity:
            raise SealEncodingError("the identity has no encoding")
        return self._inner.to_compressed_bytes()

    @classmethod
    def decode(cls, data: bytes) -> Point:
        """`Group.deserialize` of one.

        Raises:
            SealEncodingError: there are not 48 bytes, or they are not the compressed encoding of a
                point of the subgroup, or they are that of the identity.
        """
        require_bytes(data, POINT_BYTES, "a point")
        _require_flags(data)
        try:
            inner = G1Point.from_compressed_bytes(data)
        except ValueError:
            raise SealEncodingError(
                f"{data.hex()} is no point of the curve and the subgroup G1 with x reduced"
            ) from None
        point = cls(inner)
        if point.encode() != data:
            raise SealEncodingError(f"the point {data.hex()} is not in its one encoding")
        return point


@final
@dataclass(frozen=True, slots=True)
class Point2:
    """An element of G2 other than the identity: a public key. Made by `decode` or by arithmetic."""

    _inner: G2Point

    def __rmul__(self, scalar: Scalar) -> Point2:
        if type(scalar) is not Scalar:
            return NotImplemented
        if not scalar:
            raise SealError("a point of G2 is multiplied by 0, expected another scalar")
        return Point2(self._inner * _library_scalar(scalar))

    def __reduce__(self) -> tuple[Callable[[bytes], Point2], tuple[bytes]]:
        """Points travel between processes."""
        return (Point2.decode, (self.encode(),))

    def encode(self) -> bytes:
        """96 bytes, compressed."""
        return self._inner.to_compressed_bytes()

    @classmethod
    def decode(cls, data: bytes) -> Point2:
        """As `Point.decode`.

        Raises:
            SealEncodingError: there are not 96 bytes, or they are not the compressed encoding of a
                point of the subgroup, or they are that of the identity.
        """
        require_bytes(data, POINT_2_BYTES, "a point of G2")
        _require_flags(data)
        try:
            inner = G2Point.from_compressed_bytes(data)
        except ValueError:
            raise SealEncodingError(
                f"{data.hex()} is no point of the curve and the subgroup G2 with x reduced"
            ) from None
        point = cls(inner)
        if inner == G2Point.identity() or point.encode() != data:
            raise SealEncodingError(f"the point {data.hex()} is not in its one encoding")
        return point


_IDENTITY = G1Point.identity()
IDENTITY = Point(_IDENTITY)
GENERATOR = Point(G1Point())
GENERATOR_2 = Point2(G2Point())


def linear_combination(scalars: Sequence[Scalar], points: Sequence[Point]) -> Point:
    """The sum of products of each scalar with the point at its place; the identity of none.

    Raises:
        SealError: there are more of the ones than of the others.
    """
    if len(scalars) != len(points):
        raise SealError(
            f"{len(scalars)} scalars are combined with {len(points)} points, expected as many"
        )
    inner = [point._inner for point in points]
    if len(inner) >= _FEW_SUMMANDS:
        return Point(G1Point.multiexp_unchecked(inner, [_library_scalar(one) for one in scalars]))
    total = _IDENTITY
    for scalar, point in zip(scalars, inner, strict=True):
        total = total + (point if scalar == ONE else point * _library_scalar(scalar))
    return Point(total)


def long_linear_combination(integers: Sequence[int], points: Sequence[Point]) -> Point:
    """As `linear_combination`, of scalars that are plain integers: thousands of objects less.

    Raises:
        SealError: there are more of the ones than of the others, or an integer is none or is not in
            [0, group order).
    """
    if len(integers) != len(points):
        raise SealError(
            f"{len(integers)} integers are combined with {len(points)} points, expected as many"
        )
    if not integers:
        return IDENTITY
    if set(map(type, integers)) != {int}:
        raise SealError("points are combined with what is no integer, expected only integers")
    if min(integers) < 0 or max(integers) >= ORDER:
        raise SealError("points are combined with an integer that is not in [0, group order)")
    scalars = [LibraryScalar.from_be_bytes(one.to_bytes(SCALAR_BYTES, "big")) for one in integers]
    return Point(G1Point.multiexp_unchecked([point._inner for point in points], scalars))


def pairings_are_equal(left: tuple[Point, Point2], right: tuple[Point, Point2]) -> bool:
    """Whether `e(P, Q) = e(R, S)`.

    Raises:
        SealError: a point of G1 is the identity, of which both would be 1.
    """
    (first, second), (third, fourth) = left, right
    if first.is_identity or third.is_identity:
        raise SealError("the identity is paired, expected another point")
    pairs = [first._inner, -third._inner], [second._inner, fourth._inner]
    return GT.pairing_check(*pairs)


def encode_points(points: Sequence[Point]) -> bytes:
    """`Group.serialize`.

    Raises:
        SealEncodingError: one is the identity.
    """
    return b"".join(point.encode() for point in points)


def decode_points(data: bytes, count: int) -> tuple[Point, ...]:
    """`Group.deserialize` of so many points.

    Raises:
        SealEncodingError: there are more bytes or fewer, or one is none of the group or the
            identity.
    """
    require_bytes(data, POINT_BYTES * count, f"{count} points")
    return tuple(
        Point.decode(data[start : start + POINT_BYTES])
        for start in range(0, len(data), POINT_BYTES)
    )


def hash_to_curve(message: bytes, domain: bytes) -> Point:
    """A point of which nobody knows the discrete logarithm.

    `hash_to_curve` of the suite BLS12381G1_XMD:SHA-256_SSWU_RO_ (RFC 9380 section 8.8.1).

    Args:
        message: anything.
        domain: of this use and no other, 16 to 255 bytes.

    Raises:
        SealError: the domain is shorter or longer.
    """
    require_domain(domain)
    return Point(G1Point.hash_to_curve(message, domain))


def _library_scalar(scalar: Scalar) -> LibraryScalar:
    return LibraryScalar.from_be_bytes(scalar.value.to_bytes(SCALAR_BYTES, "big"))


def _require_flags(data: bytes) -> None:
    if not data[0] & _COMPRESSED:
        raise SealEncodingError(f"the point {data.hex()} is not compressed, expected it to be")
    if data[0] & _INFINITY:
        raise SealEncodingError(f"the point {data.hex()} is the identity, expected another")


def _unpickled(data: bytes | None) -> Point:
    return IDENTITY if data is None else Point.decode(data)
