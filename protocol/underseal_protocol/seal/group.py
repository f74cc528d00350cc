"""Scalars and points of G1 of BLS12-381, as the ciphersuite of `sigma` has them.

The only importer of the curve library (docs/adr/0023-curve-library.md). What it would let pass, and
what happens here (draft-irtf-cfrg-sigma-protocols, sections BLS12-381 (G1) and NARG string
validation):

- its scalars take any integer and reduce it: here an integer outside [0, order) is refused, so that
  nothing negative and nothing that wrapped around becomes a scalar by accident;
- the identity decodes, also from bytes that are not its encoding (`e0...`, `c0...01`): here the
  identity has no encoding, it is neither written nor read;
- it takes lists and bytearrays for bytes: here bytes are bytes;
- a sum over lists of unequal length is a sum over the shorter: here it is refused;
- there are decoders that do not check, and encodings that are not compressed: neither is used. What
  is decoded is on the curve and in the subgroup, and encodes to the bytes that it was read from;
- a hash to the curve takes an empty domain: here a domain has 16 to 255 bytes.

Every refusal is a `SealError`. Nothing here runs in constant time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

from py_arkworks_bls12381 import G1Point
from py_arkworks_bls12381 import Scalar as LibraryScalar

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal.codec import EXTRA_BYTES, decode_uint

__all__ = [
    "GENERATOR",
    "IDENTITY",
    "ONE",
    "ORDER",
    "POINT_BYTES",
    "SCALAR_BYTES",
    "UNIFORM_BYTES",
    "ZERO",
    "Point",
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
    "random_scalar",
]

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
SCALAR_BYTES = 32  # `Ns`
POINT_BYTES = 48  # `Ne`, compressed
UNIFORM_BYTES = SCALAR_BYTES + EXTRA_BYTES  # of which a scalar is decoded
MIN_DOMAIN_BYTES, MAX_DOMAIN_BYTES = 16, 255  # RFC 9380 sections 3.1 and 5.3.3

_COMPRESSED, _INFINITY = 0x80, 0x40  # bits of the first byte of a point
# Below this many summands, multiplying one by one is not slower.
_FEW_SUMMANDS = 3

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Gives so many uniform bytes, which nobody else knows and which it never gives again."""


@final
@dataclass(frozen=True, slots=True)
class Scalar:
    """An integer modulo the group order. Its `repr` does not tell it: most are secrets.

    Args:
        value: in [0, order).

    Raises:
        SealError: it is not; for -5, say `-Scalar(5)`.
    """

    value: int = field(repr=False)

    def __post_init__(self) -> None:
        if type(self.value) is not int:
            raise SealError(f"a scalar is made of {type(self.value).__name__}, expected int")
        if not 0 <= self.value < ORDER:
            raise SealError("a scalar is made of an integer that is not in [0, group order)")

    def __add__(self, other: Scalar) -> Scalar:
        if type(other) is not Scalar:
            return NotImplemented
        return Scalar((self.value + other.value) % ORDER)

    def __sub__(self, other: Scalar) -> Scalar:
        if type(other) is not Scalar:
            return NotImplemented
        return Scalar((self.value - other.value) % ORDER)

    def __mul__(self, other: Scalar) -> Scalar:
        if type(other) is not Scalar:
            return NotImplemented
        return Scalar(self.value * other.value % ORDER)

    def __neg__(self) -> Scalar:
        return Scalar(-self.value % ORDER)

    def __bool__(self) -> bool:
        return self.value != 0

    def inverse(self) -> Scalar:
        """Whose product with this one is 1.

        Raises:
            SealError: this is 0.
        """
        if not self.value:
            raise SealError("the scalar 0 has no inverse")
        return Scalar(pow(self.value, -1, ORDER))

    def encode(self) -> bytes:
        """`Scalar.serialize` of one: 32 bytes, big-endian."""
        return self.value.to_bytes(SCALAR_BYTES, "big")

    @classmethod
    def decode(cls, data: bytes) -> Scalar:
        """`Scalar.deserialize` of one.

        Raises:
            SealEncodingError: there are not 32 bytes, or the integer is not below the group order.
        """
        _require_bytes(data, SCALAR_BYTES, "a scalar")
        value = int.from_bytes(data, "big")
        if value >= ORDER:
            raise SealEncodingError(f"the scalar {data.hex()} is not below the group order")
        return cls(value)

    @classmethod
    def from_uniform(cls, data: bytes) -> Scalar:
        """`DecodeField` of 48 uniform bytes: a uniform scalar.

        Raises:
            SealError: there are more bytes or fewer.
        """
        return cls(decode_uint(data, ORDER))


ZERO, ONE = Scalar(0), Scalar(1)


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
        _require_bytes(data, POINT_BYTES, "a point")
        if not data[0] & _COMPRESSED:
            raise SealEncodingError(f"the point {data.hex()} is not compressed, expected it to be")
        if data[0] & _INFINITY:
            raise SealEncodingError(f"the point {data.hex()} is the identity, expected another")
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


_IDENTITY = G1Point.identity()
IDENTITY = Point(_IDENTITY)
GENERATOR = Point(G1Point())


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
    _require_bytes(data, POINT_BYTES * count, f"{count} points")
    return tuple(
        Point.decode(data[start : start + POINT_BYTES])
        for start in range(0, len(data), POINT_BYTES)
    )


def encode_scalars(scalars: Sequence[Scalar]) -> bytes:
    """`Scalar.serialize`."""
    return b"".join(scalar.encode() for scalar in scalars)


def decode_scalars(data: bytes, count: int) -> tuple[Scalar, ...]:
    """`Scalar.deserialize` of so many scalars.

    Raises:
        SealEncodingError: there are more bytes or fewer, or one is not below the group order.
    """
    _require_bytes(data, SCALAR_BYTES * count, f"{count} scalars")
    return tuple(
        Scalar.decode(data[start : start + SCALAR_BYTES])
        for start in range(0, len(data), SCALAR_BYTES)
    )


def random_scalar(random_bytes: RandomBytes = secrets.token_bytes) -> Scalar:
    """`Group.random_scalar`: uniform, of 48 random bytes.

    Args:
        random_bytes: of the operating system, but in tests.

    Raises:
        SealError: it gave more bytes or fewer than it was asked for.
    """
    return Scalar.from_uniform(random_bytes(UNIFORM_BYTES))


def hash_to_curve(message: bytes, domain: bytes) -> Point:
    """A point of which nobody knows the discrete logarithm.

    `hash_to_curve` of the suite BLS12381G1_XMD:SHA-256_SSWU_RO_ (RFC 9380 section 8.8.1).

    Args:
        message: anything.
        domain: of this use and no other, 16 to 255 bytes.

    Raises:
        SealError: the domain is shorter or longer.
    """
    _require_domain(domain)
    return Point(G1Point.hash_to_curve(message, domain))


def hash_to_scalar(message: bytes, domain: bytes) -> Scalar:
    """A scalar that nobody chose.

    `hash_to_field` with SHA-256, one element of 48 bytes (RFC 9380 sections 5.2 and 5.3.1), as the
    suite BLS12-381-SHA-256 of draft-irtf-cfrg-bbs-signatures has it.

    Args:
        message: anything.
        domain: of this use and no other, 16 to 255 bytes.

    Raises:
        SealError: the domain is shorter or longer.
    """
    _require_domain(domain)
    uniform = _expand_message_xmd(message, domain, UNIFORM_BYTES)
    return Scalar(int.from_bytes(uniform, "big") % ORDER)


def _expand_message_xmd(message: bytes, domain: bytes, length: int) -> bytes:
    """RFC 9380 section 5.3.1 with SHA-256."""
    tagged = domain + bytes([len(domain)])
    padding = bytes(hashlib.sha256().block_size)
    first = hashlib.sha256(padding + message + length.to_bytes(2, "big") + b"\0" + tagged).digest()
    block, blocks = bytes(len(first)), b""
    for number in range(1, -(-length // len(first)) + 1):
        mixed = bytes(one ^ other for one, other in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + bytes([number]) + tagged).digest()
        blocks += block
    return blocks[:length]


def _library_scalar(scalar: Scalar) -> LibraryScalar:
    return LibraryScalar.from_be_bytes(scalar.value.to_bytes(SCALAR_BYTES, "big"))


def _require_bytes(data: bytes, length: int, what: str) -> None:
    if type(data) is not bytes:
        raise SealEncodingError(f"{what} cannot be read from {type(data).__name__}, only bytes")
    if len(data) != length:
        raise SealEncodingError(f"there are {len(data)} bytes for {what}, expected {length}")


def _require_domain(domain: bytes) -> None:
    if not MIN_DOMAIN_BYTES <= len(domain) <= MAX_DOMAIN_BYTES:
        raise SealError(
            f"a domain has {len(domain)} bytes, expected {MIN_DOMAIN_BYTES} to {MAX_DOMAIN_BYTES}"
        )


def _unpickled(data: bytes | None) -> Point:
    return IDENTITY if data is None else Point.decode(data)
