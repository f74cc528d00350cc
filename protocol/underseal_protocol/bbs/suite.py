"""The ciphersuite BLS12-381-SHA-256 (draft-irtf-cfrg-bbs-signatures, sections Ciphersuites and
Utility Operations).

Each interface of a draft (its `api_id`) has generators and domain strings of its own, so that
nothing made for one is anything for another. Integers are big-endian here, as that draft has them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import cache
from itertools import count as natural_numbers
from itertools import islice
from typing import TypeAlias

from underseal_protocol.errors import SealEncodingError
from underseal_protocol.seal.group import Point, hash_to_curve
from underseal_protocol.seal.scalars import (
    ORDER,
    SCALAR_BYTES,
    UNIFORM_BYTES,
    RandomBytes,
    Scalar,
    expand_message,
    hash_to_scalar,
)

__all__ = [
    "BASE",
    "CIPHERSUITE",
    "PLAIN",
    "PSEUDONYM",
    "blind_generators",
    "generators",
    "message_scalar",
    "nonzero_scalars",
    "octets",
    "random_scalars",
    "scalar_of",
]

CIPHERSUITE = b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_"
PLAIN = CIPHERSUITE + b"H2G_HM2S_"
PSEUDONYM = CIPHERSUITE + b"H2G_HM2S_PSEUDONYM_"
INTEGER_BYTES = 8

Octets: TypeAlias = Point | Scalar | int


def _points(api_id: bytes, seed: bytes) -> Iterator[Point]:
    """`create_generators`, without end."""
    domain = api_id + b"SIG_GENERATOR_SEED_"
    state = expand_message(api_id + seed, domain, UNIFORM_BYTES)
    for number in natural_numbers(1):
        message = state + number.to_bytes(INTEGER_BYTES, "big")
        state = expand_message(message, domain, UNIFORM_BYTES)
        yield hash_to_curve(state, api_id + b"SIG_GENERATOR_DST_")


@cache
def generators(count: int, api_id: bytes) -> tuple[Point, ...]:
    """`create_generators`: points of which nobody knows a relation.

    Args:
        count: how many; the first ones are the same for every count.
        api_id: of the interface.
    """
    return tuple(islice(_points(api_id, b"MESSAGE_GENERATOR_SEED"), count))


def blind_generators(count: int, api_id: bytes) -> tuple[Point, ...]:
    """Those of messages that the signer does not see; the first is that of the blinding."""
    return generators(count, b"BLIND_" + api_id)


BASE: Point = next(_points(PLAIN, b"BP_MESSAGE_GENERATOR_SEED"))
"""`P1`."""


def message_scalar(message: bytes, api_id: bytes) -> Scalar:
    """`messages_to_scalars` of one."""
    return hash_to_scalar(message, api_id + b"MAP_MSG_TO_SCALAR_AS_HASH_")


def scalar_of(data: bytes, api_id: bytes) -> Scalar:
    """`hash_to_scalar` for domains, challenges and signatures."""
    return hash_to_scalar(data, api_id + b"H2S_")


def octets(*values: Octets) -> bytes:
    """`serialize`.

    Raises:
        SealEncodingError: a point is the identity.
    """
    return b"".join(
        one.to_bytes(INTEGER_BYTES, "big") if isinstance(one, int) else one.encode()
        for one in values
    )


def random_scalars(count: int, random_bytes: RandomBytes = secrets.token_bytes) -> list[Scalar]:
    """`calculate_random_scalars`: fresh and uniform.

    Args:
        count: how many.
        random_bytes: of the operating system, but in tests.
    """
    drawn = (random_bytes(UNIFORM_BYTES) for _ in range(count))
    return [Scalar(int.from_bytes(one, "big") % ORDER) for one in drawn]


def nonzero_scalars(data: bytes, what: str) -> tuple[Scalar, ...]:
    """Scalars that a signature or a proof ends with, none of them 0.

    Raises:
        SealEncodingError: they are no scalars, or one is 0.
    """
    if len(data) % SCALAR_BYTES:
        raise SealEncodingError(f"{what} has {len(data)} bytes of scalars, expected whole ones")
    starts = range(0, len(data), SCALAR_BYTES)
    found = tuple(Scalar.decode(data[start : start + SCALAR_BYTES]) for start in starts)
    if not all(found):
        raise SealEncodingError(f"a scalar of {what} is 0, expected another")
    return found
