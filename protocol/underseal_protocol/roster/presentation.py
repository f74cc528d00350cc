"""Proofs of members: made one by one, checked one by one or all of a document at once.

Checked at once, they share two pairings: with random 128-bit factors `d_i`, which whoever made the
proofs cannot know, `e(sum d_i Abar_i, W) = e(sum d_i Bbar_i, P2)`. One that does not hold goes
through with a probability of 2^-128. All proofs of a document are of one roster, so of one key.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from underseal_protocol.bbs.proof import (
    Nym,
    Proof,
    proof_bytes,
    prove,
    pseudonym_of,
    require_paired,
    verify_equations,
)
from underseal_protocol.errors import ProofRefusedError, SealError
from underseal_protocol.roster.membership import Membership
from underseal_protocol.roster.roster import MEMBER, Member, Roster, pseudonym_context
from underseal_protocol.seal.group import Point, linear_combination
from underseal_protocol.seal.scalars import RandomBytes, Scalar

__all__ = [
    "HIDDEN_PROOF_BYTES",
    "NAMED_PROOF_BYTES",
    "Presentation",
    "first_refused",
    "present",
    "verify_presentation",
]

HIDDEN_PROOF_BYTES, NAMED_PROOF_BYTES = proof_bytes(3), proof_bytes(2)
FACTOR_BYTES = 16


@dataclass(frozen=True, slots=True)
class Presentation:
    """That a member of a roster stands behind something.

    Args:
        customer, context: for which footprint (`pseudonym_context`).
        bound: the hash of what it stands behind.
        pseudonym: of the member, there.
        proof: of all that.
        member: which; None if that is hidden.
    """

    customer: str
    context: bytes
    bound: bytes
    pseudonym: Point
    proof: Proof = field(repr=False)
    member: Member | None = None


def present(
    membership: Membership,
    *,
    customer: str,
    context: bytes,
    bound: bytes,
    is_named: bool,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Presentation:
    """Stand behind something as a member.

    Args:
        membership: of whoever does.
        customer, context: for which footprint.
        bound: the hash of what it stands behind, 32 bytes.
        is_named: whether it tells who it is.
        random_bytes: of the operating system, but in tests.
    """
    roster = membership.roster
    nym = pseudonym_of(
        roster.setup, pseudonym_context(roster, customer, context), membership.secret
    )
    proof = prove(
        roster.setup,
        membership.signature,
        membership.messages,
        shown=[MEMBER] if is_named else [],
        bound=bound,
        nym=nym,
        random_bytes=random_bytes,
    )
    member = membership.member if is_named else None
    return Presentation(customer, context, bound, nym.point, proof, member)


def verify_presentation(roster: Roster, presentation: Presentation) -> None:
    """Whether a member of a roster stands behind something.

    Raises:
        ProofRefusedError: none does.
        SealError: the proof does not fit.
    """
    _require_equations(roster, presentation)
    proof = presentation.proof
    require_paired(roster.setup, proof.signature, proof.blinded)


def first_refused(
    roster: Roster,
    presentations: Sequence[Presentation],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> tuple[int, SealError] | None:
    """Which of several does not hold, counted from 0, and why; None if all hold.

    Args:
        roster: of all of them.
        presentations: to be checked at once.
        random_bytes: of the operating system, but in tests: whoever knows them beforehand could
            make proofs that hold only together.
    """
    for number, one in enumerate(presentations):
        try:
            _require_equations(roster, one)
        except SealError as error:
            return number, error
    if not presentations or _are_paired(roster, presentations, random_bytes):
        return None
    for number, one in enumerate(presentations):
        try:
            require_paired(roster.setup, one.proof.signature, one.proof.blinded)
        except SealError as error:
            return number, error
    return None  # each holds: the sums were the identity by chance


def _are_paired(
    roster: Roster, presentations: Sequence[Presentation], random_bytes: RandomBytes
) -> bool:
    factors = [Scalar(int.from_bytes(random_bytes(FACTOR_BYTES), "big")) for _ in presentations]
    sums = (
        linear_combination(factors, [one.proof.signature for one in presentations]),
        linear_combination(factors, [one.proof.blinded for one in presentations]),
    )
    try:
        require_paired(roster.setup, *sums)
    except ProofRefusedError:
        return False
    return True


def _require_equations(roster: Roster, presentation: Presentation) -> None:
    context = pseudonym_context(roster, presentation.customer, presentation.context)
    member = presentation.member
    verify_equations(
        roster.setup,
        presentation.proof,
        {} if member is None else {MEMBER: member.message},
        bound=presentation.bound,
        nym=Nym(context, presentation.pseudonym),
    )
