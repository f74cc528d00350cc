"""Generators of commitments and range proofs: points that no two of are known to be related.

| name | message | for |
|---|---|---|
| G | none: the generator of the suite | values |
| H | `H` | blindings |
| U | `U` | the inner product of a range proof |
| G_i, H_i | `G_0` to `G_16383`, `H_0` to `H_16383`, in decimal | the bits of a range proof |

All but G are hashes to the curve (`group.hash_to_curve`) of the message in ASCII, in `DOMAIN`, so
that nobody knows a relation between any of them, and none is used in two places of an equation.

A hash takes about as long as two multiplications, the 8,192 of a usual seal seconds. Hence they are
made when a size first needs them, and kept. A process that starts often can have the first 4,096
of both kinds in a quarter of the time: `encoded_vectors` gives bytes to keep anywhere,
`preload_vectors` takes them back. Where they were kept need not be trusted: they are compared with
the digest that stands here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal.fixed_base import FixedBase
from underseal_protocol.seal.group import (
    GENERATOR,
    IDENTITY,
    POINT_BYTES,
    Point,
    Scalar,
    decode_points,
    encode_points,
    hash_to_curve,
    linear_combination,
)

__all__ = [
    "DOMAIN",
    "INNER_PRODUCT_GENERATOR",
    "KEPT",
    "MAX_BITS",
    "VECTORS_SHA256",
    "H",
    "bit_generators",
    "combined",
    "encoded_vectors",
    "missing_generators",
    "pedersen_commitment",
    "preload_vectors",
]

DOMAIN = b"UNDERSEAL-SEAL-V01-generators-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
MAX_BITS = 16_384  # of one range proof
KEPT = 4_096  # of each kind: as many as a seal of up to 31 inputs needs
VECTORS_SHA256 = "114cfa05c5487f34a5f4989941c7f203f4e9ac63e8106feb22bcdcc932358ba2"
"""Of G_0 to G_4095, then H_0 to H_4095, each compressed."""

Pair: TypeAlias = tuple[tuple[Point, ...], tuple[Point, ...]]
Advance: TypeAlias = Callable[[int], None]
"""Is told how many more generators there are."""

H = hash_to_curve(b"H", DOMAIN)
_FIXED = FixedBase(GENERATOR), FixedBase(H)
# With more other points than these, one sum of all is faster.
_FEW_OTHERS = 3
INNER_PRODUCT_GENERATOR = hash_to_curve(b"U", DOMAIN)


def pedersen_commitment(value: Scalar, blinding: Scalar) -> Point:
    """`value G + blinding H`.

    Args:
        value: what is committed to.
        blinding: uniform, of this commitment only; it hides the value.
    """
    of_g, of_h = _FIXED
    return of_g.times(value) + of_h.times(blinding)


def combined(scalars: Sequence[Scalar], points: Sequence[Point]) -> Point:
    """As `group.linear_combination`, and faster where there are few points besides G and H.

    Raises:
        SealError: there are more of the ones than of the others.
    """
    others = [point for point in points if point != GENERATOR and point != H]
    if len(others) > _FEW_OTHERS or len(scalars) != len(points):
        return linear_combination(scalars, points)
    total = IDENTITY
    for scalar, point in zip(scalars, points, strict=True):
        table = next((one for one in _FIXED if one.point == point), None)
        total += scalar * point if table is None else table.times(scalar)
    return total


class _Vectors:
    """As many generators of both kinds as were needed until now.

    Without a lock, which a process that is forked meanwhile would inherit: two threads may do the
    same work, with the same result.
    """

    def __init__(self) -> None:
        self._made: Pair = ((), ())

    def __len__(self) -> int:
        return len(self._made[0])

    def first(self, count: int, advance: Advance | None) -> Pair:
        of_left, of_right = self._made
        if count > len(of_left):
            of_left = self._extended(of_left, "G", count, advance)
            of_right = self._extended(of_right, "H", count, advance)
            self._made = of_left, of_right
        return of_left[:count], of_right[:count]

    def replace(self, points: tuple[Point, ...]) -> None:
        half = len(points) // 2
        if half > len(self):
            self._made = points[:half], points[half:]

    @staticmethod
    def _extended(
        made: tuple[Point, ...], name: str, count: int, advance: Advance | None
    ) -> tuple[Point, ...]:
        found = list(made)
        for index in range(len(made), count):
            found.append(hash_to_curve(f"{name}_{index}".encode("ascii"), DOMAIN))
            if advance is not None:
                advance(1)
        return tuple(found)


_VECTORS = _Vectors()


def bit_generators(count: int, advance: Advance | None = None) -> Pair:
    """The first so many G_i and H_i; made now if they were not before in this process.

    Args:
        count: at most `MAX_BITS`.
        advance: is called for each one that is made.

    Raises:
        SealError: there are no so many.
    """
    if not 0 <= count <= MAX_BITS:
        raise SealError(f"{count} generators are asked for, there are {MAX_BITS} of each kind")
    return _VECTORS.first(count, advance)


def missing_generators(count: int) -> int:
    """How many `bit_generators` would have to make."""
    return 2 * max(0, count - len(_VECTORS))


def encoded_vectors() -> bytes:
    """The first `KEPT` G_i and H_i, for `preload_vectors`: 384 KiB. Making them takes seconds."""
    of_left, of_right = bit_generators(KEPT)
    return encode_points(of_left) + encode_points(of_right)


def preload_vectors(data: bytes) -> None:
    """The first `KEPT` G_i and H_i from what `encoded_vectors` gave, so that they need not be made.

    Args:
        data: from anywhere.

    Raises:
        SealEncodingError: these are other bytes.
    """
    expected = 2 * KEPT * POINT_BYTES
    if type(data) is not bytes or len(data) != expected:
        raise SealEncodingError(f"the generators are not the {expected} bytes that they should be")
    digest = hashlib.sha256(data).hexdigest()
    if digest != VECTORS_SHA256:
        raise SealEncodingError(
            f"the SHA-256 digest of the generators is {digest}, expected {VECTORS_SHA256}"
        )
    _VECTORS.replace(decode_points(data, 2 * KEPT))
