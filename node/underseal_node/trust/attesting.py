"""Verifiers: what this node attests as one, and which of those it knows attests what.

A verifier is trusted by being an active peer whose keys are pinned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.verification import STORED_LIMITS, trust_in
from underseal_node.store import attestations, identity
from underseal_node.trust import keyring
from underseal_protocol.attestation import (
    attestations_of,
    read_attestation,
    require_about,
    require_about_published,
    require_valid,
    verify_attestation,
)
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.credential import VerifiedCredential, reopen
from underseal_protocol.draft import FootprintDraft
from underseal_protocol.errors import AttestationError, AttestationExpiredError, ProtocolError
from underseal_protocol.strict_json import loads

__all__ = [
    "AttestationState",
    "Judged",
    "UnknownVerifierError",
    "checked_for_draft",
    "checked_for_published",
    "judge",
    "judged_own",
    "signed_by_peer",
]


MAX_REASON_CHARACTERS = 1000
THIS_NODE = "this node"


class AttestationState(StrEnum):
    """What an attestation is worth to this node."""

    ATTESTED = "attested"
    UNKNOWN_VERIFIER = "unknown-verifier"  # none of our peers
    EXPIRED = "expired"
    INVALID = "invalid"


class UnknownVerifierError(RefusedError):
    """The verifier is no active peer of this node, so its keys are not known."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An attestation, and what it is worth.

    Attributes:
        state: the judgement.
        claims: what it says; nothing of it is proven unless it is attested or expired. None if it
            cannot be read.
        peer: the name of the verifier among our peers.
        reason: why it is not attested.
        is_carried: it is in the footprint, rather than beside it.
    """

    state: AttestationState
    claims: Attestation | None
    peer: str | None
    reason: str | None
    is_carried: bool


def signed_by_peer(session: Session, token: str) -> tuple[Attestation, str]:
    """Check that one of our peers, or this node itself, has signed an attestation.

    Args:
        token: as received.

    Returns:
        what it says, and the name of the peer; `THIS_NODE` if it is our own.

    Raises:
        UnknownVerifierError: no active peer is this verifier.
        ProtocolError: it is malformed, of the owner of the footprint, or the signature does not
            verify with the pinned keys.
    """
    claimed = read_attestation(token)
    here = identity.load(session)
    if claimed.verifier == here.url:
        _require_another(claimed, (here.url, *here.former_urls))
        keys = keyring.public_keys(session)
        return verify_attestation(token, keys=keys, issuer=claimed.verifier), THIS_NODE
    peer = attestations.signer(session, claimed.verifier)
    pinned = None if peer is None else trust_in(peer).keys
    if peer is None or pinned is None:
        raise UnknownVerifierError(
            f"the verifier {claimed.verifier} is not an active peer of this node, so nobody "
            "vouches for its keys",
            hint="Become partners with it first (`underseal peer invite`), and compare its words.",
        )
    _require_another(claimed, trust_in(peer).issuers or ())
    return verify_attestation(token, keys=pinned, issuer=claimed.verifier), peer.name


def _require_another(claimed: Attestation, urls: Sequence[str]) -> None:
    """Refuse what a verifier says of a footprint that is its own, under another address.

    Args:
        claimed: the attestation; as it is read, its two addresses are different.
        urls: where the verifier is, and was.
    """
    verifier, owner = claimed.verifier, claimed.subject.owner
    if owner in urls:
        raise AttestationError(
            f"{verifier} attests its own footprint, of {owner}, where it is or was; a verifier is "
            "independent of the owner"
        )


def checked_for_draft(
    session: Session, draft: FootprintDraft, token: str, now: datetime
) -> Attestation:
    """Check an attestation with which a draft is to be published.

    Raises:
        RefusedError: the verifier is not known, or the attestation is not valid, or about
            something else.
    """
    try:
        found, _ = signed_by_peer(session, token)
        require_about(found, draft.subject)
        require_valid(found, now)
    except ProtocolError as error:
        raise RefusedError(
            f"the draft cannot be published with this attestation: {error.message}",
            hint=error.hint,
        ) from error
    return found


def checked_for_published(
    session: Session,
    document: Mapping[str, Any],
    proven: VerifiedCredential,
    token: str,
    now: datetime,
) -> Attestation:
    """Check an attestation that is to be served beside an own footprint.

    Raises:
        RefusedError: as `checked_for_draft`.
    """
    try:
        found, _ = signed_by_peer(session, token)
        require_about_published(found, document, proven, is_carried=False)
        require_valid(found, now)
    except ProtocolError as error:
        raise RefusedError(
            f"this attestation cannot be attached: {error.message}", hint=error.hint
        ) from error
    return found


def judge(
    session: Session,
    document: Mapping[str, Any],
    proven: VerifiedCredential,
    token: str,
    now: datetime,
    *,
    is_carried: bool,
) -> Judged:
    """What an attestation of a received footprint is worth.

    Args:
        document: the footprint as received.
        proven: what its credential proves.
        token: the attestation, in the footprint or beside it.
        now: aware.
        is_carried: it is in the footprint.
    """
    claims: Attestation | None = None
    name: str | None = None
    state, reason = AttestationState.ATTESTED, None
    try:
        claims = read_attestation(token)
        # Whoever signed it, it is about something else or not.
        require_about_published(claims, document, proven, is_carried=is_carried)
        claims, name = signed_by_peer(session, token)
        require_valid(claims, now)
    except UnknownVerifierError as error:
        state, reason = AttestationState.UNKNOWN_VERIFIER, error.message
    except AttestationExpiredError as error:
        state, reason = AttestationState.EXPIRED, error.message
    except ProtocolError as error:
        state, reason = AttestationState.INVALID, error.message
    shown = None if reason is None else reason[:MAX_REASON_CHARACTERS]
    return Judged(state, claims, name, shown, is_carried)


def judged_own(
    session: Session, footprint_id: str, body: bytes, digest: str, now: datetime
) -> list[Judged]:
    """What the attestations of an own footprint are worth, those in it and those beside it.

    Args:
        footprint_id: of the footprint.
        body: as it is served at the level `full`.
        digest: of its credential.
        now: aware.
    """
    document = loads(body, limits=STORED_LIMITS)
    tokens = [(one, True) for one in attestations_of(document)]
    tokens += [(one, False) for one in attestations.attached(session, footprint_id)]
    if not tokens:
        return []
    proven = reopen(document, digest=digest)
    return [
        judge(session, document, proven, token, now, is_carried=is_carried)
        for token, is_carried in tokens
    ]
