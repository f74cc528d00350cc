"""Scalars: integers modulo the order of the groups of BLS12-381, and byte strings hashed to them.

Plain integers of Python, with a type of their own (docs/adr/0023-curve-library.md); `group` has the
points. An integer outside [0, order) is refused, so that nothing negative and nothing that wrapped
around becomes a scalar by accident. Nothing here runs in constant time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal.codec import EXTRA_BYTES, decode_uint

__all__ = [
    "ONE",
    "ORDER",
    "SCALAR_BYTES",
    "UNIFORM_BYTES",
    "ZERO",
    "RandomBytes",
    "Scalar",
    "decode_scalars",
    "encode_scalars",
    "expand_message",
    "hash_to_scalar",
    "random_scalar",
    "require_bytes",
    "require_domain",
]

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
SCALAR_BYTES = 32  # `Ns`
UNIFORM_BYTES = SCALAR_BYTES + EXTRA_BYTES  # of which a scalar is decoded
MIN_DOMAIN_BYTES, MAX_DOMAIN_BYTES = 16, 255  # RFC 9380 sections 3.1 and 5.3.3

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
        require_bytes(data, SCALAR_BYTES, "a scalar")
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


def encode_scalars(scalars: Sequence[Scalar]) -> bytes:
    """`Scalar.serialize`."""
    return b"".join(scalar.encode() for scalar in scalars)


def decode_scalars(data: bytes, count: int) -> tuple[Scalar, ...]:
    """`Scalar.deserialize` of so many scalars.

    Raises:
        SealEncodingError: there are more bytes or fewer, or one is not below the group order.
    """
    require_bytes(data, SCALAR_BYTES * count, f"{count} scalars")
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
    require_domain(domain)
    uniform = expand_message(message, domain, UNIFORM_BYTES)
    return Scalar(int.from_bytes(uniform, "big") % ORDER)


def expand_message(message: bytes, domain: bytes, length: int) -> bytes:
    """`expand_message_xmd` with SHA-256 (RFC 9380 section 5.3.1).

    Args:
        message: anything.
        domain: at most 255 bytes.
        length: of the result, in bytes, at most 8,160.
    """
    tagged = domain + bytes([len(domain)])
    padding = bytes(hashlib.sha256().block_size)
    first = hashlib.sha256(padding + message + length.to_bytes(2, "big") + b"\0" + tagged).digest()
    block, blocks = bytes(len(first)), b""
    for number in range(1, -(-length // len(first)) + 1):
        mixed = bytes(one ^ other for one, other in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + bytes([number]) + tagged).digest()
        blocks += block
    return blocks[:length]


def require_bytes(data: bytes, length: int, what: str) -> None:
    """Whether there are so many bytes, and bytes.

    Raises:
        SealEncodingError: there are not; the message says of what.
    """
    if type(data) is not bytes:
        raise SealEncodingError(f"{what} cannot be read from {type(data).__name__}, only bytes")
    if len(data) != length:
        raise SealEncodingError(f"there are {len(data)} bytes for {what}, expected {length}")


def require_domain(domain: bytes) -> None:
    """Whether a domain separates.

    Raises:
        SealError: it is shorter or longer than domains are.
    """
    if not MIN_DOMAIN_BYTES <= len(domain) <= MAX_DOMAIN_BYTES:
        raise SealError(
            f"a domain has {len(domain)} bytes, expected {MIN_DOMAIN_BYTES} to {MAX_DOMAIN_BYTES}"
        )
