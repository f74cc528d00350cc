"""Showing some of the messages, and that all are signed (draft-irtf-cfrg-bbs-signatures,
CoreProofGen and CoreProofVerify), with a pseudonym or without
(draft-irtf-cfrg-bbs-per-verifier-linkability, Core Operations).

A proof is zero-knowledge: it tells the shown messages and, with a pseudonym, `N = x O`, where O is
the hash of a context and x the last message, which is never shown. Whoever holds the same x gets
the same N in the same context; in different ones nobody can tell that two are of one holder.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.signature import Signature, signed_point
from underseal_protocol.bbs.suite import nonzero_scalars, octets, random_scalars, scalar_of
from underseal_protocol.errors import ProofRefusedError, SealEncodingError, SealError
from underseal_protocol.seal.group import (
    GENERATOR_2,
    POINT_BYTES,
    Point,
    decode_points,
    encode_points,
    hash_to_curve,
    linear_combination,
    pairings_are_equal,
)
from underseal_protocol.seal.scalars import SCALAR_BYTES, RandomBytes, Scalar, encode_scalars

__all__ = [
    "Nym",
    "Proof",
    "context_point",
    "proof_bytes",
    "prove",
    "pseudonym_of",
    "require_paired",
    "verify_equations",
    "verify_proof",
]

_POINTS, _SCALARS = 3, 4  # of a proof that hides nothing
_DRAWN = 5  # random scalars, beside one for each hidden message


def proof_bytes(hidden: int) -> int:
    """How long a proof is.

    Args:
        hidden: how many messages it does not show.
    """
    return _POINTS * POINT_BYTES + (_SCALARS + hidden) * SCALAR_BYTES


@dataclass(frozen=True, slots=True)
class Proof:
    """`(Abar, Bbar, D, e^, r1^, r3^, (m^_j), c)`."""

    signature: Point
    blinded: Point
    randomised: Point
    of_exponent: Scalar = field(repr=False)
    of_first: Scalar = field(repr=False)
    of_third: Scalar = field(repr=False)
    of_hidden: tuple[Scalar, ...] = field(repr=False)
    challenge: Scalar

    def encode(self) -> bytes:
        """`proof_to_octets`."""
        scalars = (self.of_exponent, self.of_first, self.of_third, *self.of_hidden, self.challenge)
        return encode_points([*self.points]) + encode_scalars(scalars)

    @property
    def points(self) -> tuple[Point, Point, Point]:
        """`Abar`, `Bbar`, `D`."""
        return self.signature, self.blinded, self.randomised

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """`octets_to_proof`.

        Raises:
            SealEncodingError: it is none: too short, or of points or scalars that are none, or are
                the identity or 0.
        """
        if type(data) is not bytes or len(data) < proof_bytes(0):
            raise SealEncodingError(f"a proof has at least {proof_bytes(0)} bytes")
        end = _POINTS * POINT_BYTES
        signature, blinded, randomised = decode_points(data[:end], _POINTS)
        exponent, first, third, *hidden, challenge = nonzero_scalars(data[end:], "a proof")
        return cls(signature, blinded, randomised, exponent, first, third, tuple(hidden), challenge)


@dataclass(frozen=True, slots=True)
class Nym:
    """A pseudonym that a proof goes with.

    Args:
        context: of which it is.
        point: the pseudonym.
    """

    context: bytes
    point: Point


def context_point(setup: Setup, context: bytes) -> Point:
    """`O`: of which nobody knows the logarithm."""
    return hash_to_curve(context, setup.api_id)


def pseudonym_of(setup: Setup, context: bytes, secret: Scalar) -> Nym:
    """`CalculatePseudonym`.

    Args:
        setup: of the signature.
        context: anything.
        secret: the last message.

    Raises:
        SealError: the secret is 0.
    """
    if not secret:
        raise SealError("the secret of a pseudonym is 0, expected another scalar")
    return Nym(context, secret * context_point(setup, context))


def prove(
    setup: Setup,
    signature: Signature,
    messages: Sequence[Scalar],
    *,
    shown: Sequence[int],
    bound: bytes,
    nym: Nym | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Proof:
    """`CoreProofGen`, or with a pseudonym `CoreProofGenWithNym`.

    Args:
        setup: of the signature.
        signature: verified.
        messages: all of them.
        shown: which of them are shown, counted from 0, ascending.
        bound: the presentation header: what the proof is for.
        nym: of the last message.
        random_bytes: of the operating system, but in tests.

    Raises:
        SealError: they do not fit together.
    """
    hidden = _hidden(setup, shown, nym)
    first, second, of_exponent, of_first, of_third, *of_hidden = random_scalars(
        _DRAWN + len(hidden), random_bytes
    )
    randomised = second * signed_point(setup, messages)
    blinded_signature = (first * second) * signature.point
    blinded = first * randomised - signature.exponent * blinded_signature
    points = (blinded_signature, blinded, randomised)
    commitments = [
        linear_combination([of_exponent, of_first], [blinded_signature, randomised]),
        linear_combination(
            [of_third, *of_hidden], [randomised, *(setup.points[i] for i in hidden)]
        ),
    ]
    if nym is not None:
        commitments.append(of_hidden[-1] * context_point(setup, nym.context))
    seen = {index: messages[index] for index in shown}
    challenge = _challenge(setup, seen, points, commitments, nym, bound)
    return Proof(
        *points,
        of_exponent + signature.exponent * challenge,
        of_first - first * challenge,
        of_third - second.inverse() * challenge,
        tuple(m + messages[j] * challenge for m, j in zip(of_hidden, hidden, strict=True)),
        challenge,
    )


def verify_proof(
    setup: Setup,
    proof: Proof,
    shown: Mapping[int, Scalar],
    *,
    bound: bytes,
    nym: Nym | None = None,
) -> None:
    """`CoreProofVerify`, or with a pseudonym `CoreProofVerifyWithNym`.

    Args:
        setup: of the signature.
        proof: decoded.
        shown: the messages that are shown, by their places.
        bound: the presentation header.
        nym: the pseudonym.

    Raises:
        ProofRefusedError: it does not hold.
        SealError: they do not fit together.
    """
    verify_equations(setup, proof, shown, bound=bound, nym=nym)
    require_paired(setup, proof.signature, proof.blinded)


def verify_equations(
    setup: Setup,
    proof: Proof,
    shown: Mapping[int, Scalar],
    *,
    bound: bytes,
    nym: Nym | None = None,
) -> None:
    """All of `verify_proof` but the pairings, which several proofs may share (`require_paired`).

    Raises:
        ProofRefusedError: it does not hold.
        SealError: they do not fit together.
    """
    hidden = _hidden(setup, sorted(shown), nym)
    if len(hidden) != len(proof.of_hidden):
        raise ProofRefusedError(
            f"the proof hides {len(proof.of_hidden)} messages, expected {len(hidden)}"
        )
    seen = dict(sorted(shown.items()))
    challenge = proof.challenge
    base = setup.base + linear_combination(
        list(seen.values()), [setup.points[index] for index in seen]
    )
    commitments = [
        linear_combination(
            [challenge, proof.of_exponent, proof.of_first],
            [proof.blinded, proof.signature, proof.randomised],
        ),
        linear_combination(
            [challenge, proof.of_third, *proof.of_hidden],
            [base, proof.randomised, *(setup.points[index] for index in hidden)],
        ),
    ]
    if nym is not None:
        of_context = linear_combination(
            [proof.of_hidden[-1], -challenge], [context_point(setup, nym.context), nym.point]
        )
        commitments.append(of_context)
    if any(one.is_identity for one in commitments):
        raise ProofRefusedError("a commitment of the proof is the identity")
    if _challenge(setup, seen, proof.points, commitments, nym, bound) != challenge:
        raise ProofRefusedError("the proof does not hold: its challenge is another one")


def require_paired(setup: Setup, signature: Point, blinded: Point) -> None:
    """`e(Abar, W) = e(Bbar, P2)`: what is behind a proof is signed with the key.

    Args:
        setup: whose key it is.
        signature: `Abar`, or a sum of several.
        blinded: `Bbar`, or a sum with the same factors.

    Raises:
        ProofRefusedError: it is not.
    """
    if signature.is_identity or blinded.is_identity:
        raise ProofRefusedError("the proof does not hold: a point is the identity")
    if not pairings_are_equal((signature, setup.public_key), (blinded, GENERATOR_2)):
        raise ProofRefusedError("the proof does not hold: nothing is signed by this key")


def _hidden(setup: Setup, shown: Sequence[int], nym: Nym | None) -> list[int]:
    count = len(setup.points)
    if list(shown) != sorted(set(shown)) or any(not 0 <= index < count for index in shown):
        raise SealError(f"the messages {list(shown)} are shown, expected some of {count}, in order")
    if nym is not None and count - 1 in shown:
        raise SealError("the secret of the pseudonym is shown, expected it to be hidden")
    return [index for index in range(count) if index not in shown]


def _challenge(
    setup: Setup,
    shown: Mapping[int, Scalar],
    points: Sequence[Point],
    commitments: Sequence[Point],
    nym: Nym | None,
    bound: bytes,
) -> Scalar:
    """`ProofChallengeCalculate`."""
    seen = [value for pair in shown.items() for value in pair]
    first, second, *of_context = commitments
    of_nym = [] if nym is None else [nym.point, context_point(setup, nym.context), *of_context]
    hashed = octets(len(shown), *seen, *points, first, second, *of_nym, setup.domain)
    return scalar_of(hashed + octets(len(bound)) + bound, setup.api_id)
