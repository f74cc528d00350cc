"""Signing and verifying all messages (draft-irtf-cfrg-bbs-signatures, CoreSign and CoreVerify)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from underseal_protocol.bbs.keys import SecretKey
from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.suite import nonzero_scalars, octets, scalar_of
from underseal_protocol.errors import ProofRefusedError, SealError
from underseal_protocol.seal.group import (
    GENERATOR_2,
    POINT_BYTES,
    Point,
    linear_combination,
    pairings_are_equal,
)
from underseal_protocol.seal.scalars import SCALAR_BYTES, Scalar, require_bytes

__all__ = ["SIGNATURE_BYTES", "Signature", "sign", "sign_point", "signed_point", "verify"]

SIGNATURE_BYTES = POINT_BYTES + SCALAR_BYTES


@dataclass(frozen=True, slots=True)
class Signature:
    """`(A, e)`."""

    point: Point
    exponent: Scalar

    def encode(self) -> bytes:
        """80 bytes."""
        return self.point.encode() + self.exponent.encode()

    @classmethod
    def decode(cls, data: bytes) -> Signature:
        """The inverse.

        Raises:
            SealEncodingError: there are not 80 bytes, or they are not the encoding of one.
        """
        require_bytes(data, SIGNATURE_BYTES, "a signature")
        (exponent,) = nonzero_scalars(data[POINT_BYTES:], "a signature")
        return cls(Point.decode(data[:POINT_BYTES]), exponent)


def signed_point(setup: Setup, messages: Sequence[Scalar]) -> Point:
    """`B`: what stands for header and messages.

    Raises:
        SealError: there are more messages or fewer than generators.
    """
    setup.require_count(len(messages))
    return setup.base + linear_combination(list(messages), list(setup.points))


def sign(secret: SecretKey, setup: Setup, messages: Sequence[Scalar]) -> Signature:
    """`CoreSign`.

    Args:
        secret: of the public key of `setup`.
        setup: what is agreed on.
        messages: as scalars.

    Raises:
        SealError: they do not fit together.
    """
    bound = octets(secret.scalar, *messages, setup.domain)
    return sign_point(secret, setup, signed_point(setup, messages), bound)


def sign_point(secret: SecretKey, setup: Setup, point: Point, bound: bytes) -> Signature:
    """Sign a point.

    Args:
        secret: of the public key of `setup`.
        setup: what is agreed on.
        point: `B`.
        bound: secret, and of this key and point alone: `e` is made of it.

    Raises:
        SealError: the key is another one, or the point is the identity.
    """
    if secret.public_key != setup.public_key:
        raise SealError("the secret key is not that of the public key")
    if point.is_identity:
        raise SealError("what is to be signed is the identity")
    exponent = scalar_of(bound, setup.api_id)
    return Signature((secret.scalar + exponent).inverse() * point, exponent)


def verify(setup: Setup, signature: Signature, messages: Sequence[Scalar]) -> None:
    """`CoreVerify`.

    Raises:
        ProofRefusedError: it is no signature of these messages.
        SealError: there are more messages or fewer than generators.
    """
    point, exponent = signature.point, signature.exponent
    signed = signed_point(setup, messages)
    # e(A, W + e P2) = e(B, P2), without arithmetic in G2.
    if signed.is_identity or not pairings_are_equal(
        (point, setup.public_key), (_or_refused(signed - exponent * point), GENERATOR_2)
    ):
        raise ProofRefusedError("the signature is not of these messages by this key")


def _or_refused(point: Point) -> Point:
    if point.is_identity:
        raise ProofRefusedError("the signature is not of these messages by this key")
    return point
