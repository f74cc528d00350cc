"""Messages that the signer does not see: a commitment, and that its sender knows what is in it
(draft-irtf-cfrg-bbs-blind-signatures, Commitment Operations)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from underseal_protocol.bbs.suite import (
    blind_generators,
    nonzero_scalars,
    octets,
    random_scalars,
    scalar_of,
)
from underseal_protocol.errors import ProofRefusedError, SealEncodingError, SealError
from underseal_protocol.seal.group import POINT_BYTES, Point, linear_combination
from underseal_protocol.seal.scalars import SCALAR_BYTES, RandomBytes, Scalar, encode_scalars

__all__ = ["Commitment", "commit", "commitment_bytes", "verify_commitment"]


def commitment_bytes(unseen: int) -> int:
    """How long a commitment with its proof is.

    Args:
        unseen: how many messages are in it.
    """
    return POINT_BYTES + (2 + unseen) * SCALAR_BYTES


@dataclass(frozen=True, slots=True)
class Commitment:
    """`C` with its proof `(s^, (m^_i), c)`."""

    point: Point
    of_blinding: Scalar = field(repr=False)
    of_messages: tuple[Scalar, ...] = field(repr=False)
    challenge: Scalar

    def encode(self) -> bytes:
        """`commitment_with_proof_to_octets`."""
        scalars = (self.of_blinding, *self.of_messages, self.challenge)
        return self.point.encode() + encode_scalars(scalars)

    @classmethod
    def decode(cls, data: bytes) -> Commitment:
        """`octets_to_commitment_with_proof`.

        Raises:
            SealEncodingError: it is none.
        """
        if type(data) is not bytes or len(data) < commitment_bytes(0):
            raise SealEncodingError(f"a commitment has at least {commitment_bytes(0)} bytes")
        blinding, *messages, challenge = nonzero_scalars(data[POINT_BYTES:], "a commitment")
        return cls(Point.decode(data[:POINT_BYTES]), blinding, tuple(messages), challenge)


def commit(
    messages: Sequence[Scalar], api_id: bytes, random_bytes: RandomBytes = secrets.token_bytes
) -> tuple[Commitment, Scalar]:
    """`CoreCommit`: the commitment, and its blinding, which stays secret.

    Args:
        messages: as scalars; the secret of the pseudonym is the last.
        api_id: of the interface.
        random_bytes: of the operating system, but in tests.

    Raises:
        SealError: the commitment would be the identity.
    """
    points = list(blind_generators(len(messages) + 1, api_id))
    blinding, *drawn = random_scalars(len(messages) + 2, random_bytes)
    secret = [blinding, *messages]
    point = linear_combination(secret, points)
    challenge = _challenge(point, linear_combination(drawn, points), points, api_id)
    of_blinding, *of_messages = (
        one + value * challenge for one, value in zip(drawn, secret, strict=True)
    )
    return Commitment(point, of_blinding, tuple(of_messages), challenge), blinding


def verify_commitment(commitment: Commitment, unseen: int, api_id: bytes) -> None:
    """`CoreCommitVerify`: whoever made it knew what is in it.

    Args:
        commitment: decoded.
        unseen: how many messages have to be in it.
        api_id: of the interface.

    Raises:
        ProofRefusedError: the proof does not hold.
        SealError: there are more messages or fewer.
    """
    if len(commitment.of_messages) != unseen:
        raise SealError(
            f"the commitment is to {len(commitment.of_messages)} messages, expected {unseen}"
        )
    points = list(blind_generators(unseen + 1, api_id))
    proven = linear_combination(
        [commitment.of_blinding, *commitment.of_messages, -commitment.challenge],
        [*points, commitment.point],
    )
    if (
        proven.is_identity
        or _challenge(commitment.point, proven, points, api_id) != commitment.challenge
    ):
        raise ProofRefusedError("the proof of the commitment does not hold")


def _challenge(point: Point, proven: Point, points: Sequence[Point], api_id: bytes) -> Scalar:
    """`calculate_blind_challenge`."""
    return scalar_of(octets(len(points) - 1, *points, point, proven), api_id)
