"""Proofs of linear relations (draft-irtf-cfrg-sigma-protocols, from section The Sigma Protocol on).

Ciphersuite `sigma-proofs_Shake128_BLS12381`. There are two flavours of the same proof: a batchable
one holds the commitment and the response, a compact one the challenge and the response. A tag names
the flavour and the ciphersuite, so that a proof of one is none of the other.

- The prover draws a fresh secret for each scalar, answers one challenge with it, and forgets it:
  two answers would tell the witness.
- It proves nothing that is not true: the witness is checked first.
- The verifier takes the statement and the tag from what it knows itself; of the proof it first
  compares the length, then reads each value in its one encoding.
- Verification raises, and each equation is checked by itself: no sum with randomness that a prover
  could foresee (section Batch verification is not used).

Proofs are not unique: they are no protection against being used twice, and no serial numbers.
`commit`, `ProverState`, `check` and the simulator are for whoever composes protocols.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from enum import Enum

from underseal_protocol.errors import ProofRefusedError, RelationError, SealError
from underseal_protocol.seal.group import (
    POINT_BYTES,
    SCALAR_BYTES,
    Point,
    RandomBytes,
    Scalar,
    decode_scalars,
    encode_scalars,
    random_scalar,
)
from underseal_protocol.seal.relation import LinearRelation
from underseal_protocol.seal.transcript import (
    ProverTranscript,
    VerifierTranscript,
    derive_session_id,
)

__all__ = [
    "CIPHERSUITE",
    "Flavor",
    "ProverState",
    "check",
    "commit",
    "prove_batchable",
    "prove_compact",
    "simulate_commitment",
    "simulate_response",
    "verify_batchable",
    "verify_compact",
]

CIPHERSUITE = "sigma-proofs_Shake128_BLS12381"


class Flavor(Enum):
    """How a proof is written; the value is how a tag names it (section Tag)."""

    BATCHABLE = "DSFS"
    COMPACT = "CMPT"


class ProverState:
    """The secrets of a prover between its messages. Good for one challenge.

    Args:
        witness: the secret scalars.
        nonces: what hides them, as many.
    """

    def __init__(self, witness: Sequence[Scalar], nonces: Sequence[Scalar]) -> None:
        if len(witness) != len(nonces):
            raise RelationError(
                f"{len(witness)} secret scalars are hidden by {len(nonces)}, expected as many"
            )
        self._secrets: list[tuple[Scalar, Scalar]] = list(zip(witness, nonces, strict=True))
        self._has_answered = False

    def respond(self, challenge: Scalar) -> tuple[Scalar, ...]:
        """`ProverResponse`.

        Args:
            challenge: of an honest verifier, or of the Fiat-Shamir transformation.

        Raises:
            SealError: it has answered before.
        """
        if self._has_answered:
            raise SealError("a prover answers one challenge: two answers would tell its witness")
        self._has_answered = True
        response = tuple(nonce + one * challenge for one, nonce in self._secrets)
        self._secrets.clear()
        return response


def commit(
    relation: LinearRelation,
    witness: Sequence[Scalar],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> tuple[tuple[Point, ...], ProverState]:
    """`ProverCommitment`: the first message, and what answers the challenge.

    Args:
        relation: what is proved.
        witness: in the order of its scalars.
        random_bytes: of the operating system, but in tests.

    Raises:
        RelationError: the witness is none of this relation.
        SealError: the randomness repeats itself.
    """
    relation.require_witness(witness)
    nonces = [random_scalar(random_bytes) for _ in range(relation.num_scalars)]
    if len(set(nonces)) < len(nonces):
        raise SealError("the random bytes repeat themselves, expected fresh ones for each scalar")
    return relation.map(nonces), ProverState(witness, nonces)


def check(
    relation: LinearRelation,
    commitment: Sequence[Point],
    challenge: Scalar,
    response: Sequence[Scalar],
) -> None:
    """`Verifier`: do the messages of a prover show the relation?

    Raises:
        ProofRefusedError: they do not, or are more or fewer than they should be.
    """
    if len(commitment) != len(relation.equations):
        raise ProofRefusedError(
            f"{len(commitment)} points are committed to, expected {len(relation.equations)}"
        )
    if len(response) != relation.num_scalars:
        raise ProofRefusedError(
            f"the response has {len(response)} scalars, expected {relation.num_scalars}"
        )
    expected = simulate_commitment(relation, response, challenge)
    for number, (got, one) in enumerate(zip(commitment, expected, strict=True)):
        if got != one:
            raise ProofRefusedError(
                f"equation {number} of {len(expected)} does not hold: the proof is of another "
                "statement or another tag, or it was altered"
            )


def simulate_response(
    relation: LinearRelation, random_bytes: RandomBytes = secrets.token_bytes
) -> tuple[Scalar, ...]:
    """`SimulateResponse`: what nobody can tell from the response of a prover."""
    return tuple(random_scalar(random_bytes) for _ in range(relation.num_scalars))


def simulate_commitment(
    relation: LinearRelation, response: Sequence[Scalar], challenge: Scalar
) -> tuple[Point, ...]:
    """`SimulateCommitment`: the only commitment with which this response is accepted.

    Raises:
        RelationError: the response has another length than the witness.
    """
    return relation.map_less_image(response, challenge)


def prove_batchable(
    tag: bytes,
    relation: LinearRelation,
    witness: Sequence[Scalar],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> bytes:
    """`ProveBatchable`.

    Args:
        tag: names application, version, `DSFS` and the ciphersuite.
        relation, witness, random_bytes: as in `commit`.

    Raises:
        RelationError: the witness is none of this relation.
        SealError: the tag lacks a part, or the randomness repeats itself.
    """
    transcript = ProverTranscript(_session_id(tag, Flavor.BATCHABLE), relation.encode())
    commitment, state = commit(relation, witness, random_bytes)
    transcript.send_points(commitment)
    transcript.send_scalars(state.respond(transcript.challenge()))
    return transcript.proof()


def verify_batchable(tag: bytes, relation: LinearRelation, proof: bytes) -> None:
    """`VerifyBatchable`.

    Args:
        tag, relation: as the verifier makes them; never of the prover.
        proof: the NARG string.

    Raises:
        ProofRefusedError: it does not show the relation, or has another length.
        SealEncodingError: a value of it is not in its one encoding.
        SealError: the tag lacks a part.
    """
    equations, scalars = len(relation.equations), relation.num_scalars
    _require_length(proof, POINT_BYTES * equations + SCALAR_BYTES * scalars)
    session_id = _session_id(tag, Flavor.BATCHABLE)
    transcript = VerifierTranscript(session_id, relation.encode(), proof)
    commitment = transcript.receive_points(equations)
    challenge = transcript.challenge()
    response = transcript.receive_scalars(scalars)
    transcript.finish()
    check(relation, commitment, challenge, response)


def prove_compact(
    tag: bytes,
    relation: LinearRelation,
    witness: Sequence[Scalar],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> bytes:
    """`ProveCompact`.

    Args:
        tag: names application, version, `CMPT` and the ciphersuite.
        relation, witness, random_bytes: as in `commit`.

    Raises:
        RelationError: the witness is none of this relation.
        SealError: the tag lacks a part, or the randomness repeats itself.
    """
    session_id = _session_id(tag, Flavor.COMPACT)
    commitment, state = commit(relation, witness, random_bytes)
    challenge = _challenge(session_id, relation, commitment)
    return encode_scalars((challenge, *state.respond(challenge)))


def verify_compact(tag: bytes, relation: LinearRelation, proof: bytes) -> None:
    """`VerifyCompact`.

    Args:
        tag, relation: as the verifier makes them; never of the prover.
        proof: the NARG string.

    Raises:
        ProofRefusedError: it does not show the relation, or has another length.
        SealEncodingError: a value of it is not in its one encoding.
        SealError: the tag lacks a part.
    """
    _require_length(proof, SCALAR_BYTES * (relation.num_scalars + 1))
    session_id = _session_id(tag, Flavor.COMPACT)
    challenge, *response = decode_scalars(proof, relation.num_scalars + 1)
    commitment = simulate_commitment(relation, response, challenge)
    for number, point in enumerate(commitment):
        if point.is_identity:
            raise ProofRefusedError(f"commitment {number} of the proof is the identity")
    expected = _challenge(session_id, relation, commitment)
    if challenge != expected:
        raise ProofRefusedError(
            f"the challenge is {challenge.encode().hex()}, expected {expected.encode().hex()}: the "
            "proof is of another statement or another tag, or it was altered"
        )


def _challenge(session_id: bytes, relation: LinearRelation, commitment: Sequence[Point]) -> Scalar:
    """`DeriveChallenge`."""
    transcript = ProverTranscript(session_id, relation.encode())
    transcript.send_points(commitment)
    return transcript.challenge()


def _session_id(tag: bytes, flavor: Flavor) -> bytes:
    """Of a tag that names the flavour and the ciphersuite, as it must (section Tag)."""
    for part in (flavor.value, CIPHERSUITE):
        if part.encode("ascii") not in tag:
            raise SealError(f"the tag {tag!r} does not name {part}, expected it to")
    return derive_session_id(tag)


def _require_length(proof: bytes, expected: int) -> None:
    if type(proof) is not bytes:
        raise ProofRefusedError(f"the proof is {type(proof).__name__}, expected bytes")
    if len(proof) != expected:
        raise ProofRefusedError(f"the proof has {len(proof)} bytes, expected {expected}")
