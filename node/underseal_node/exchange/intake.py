"""Taking up received footprints: what happens when something is known under the same id already.

A footprint never changes but for its status, which goes from Active to Deprecated once. So:

- the same content again: nothing, but for the status;
- more disclosed blocks of the same issuer-signed part: the fuller body replaces the other; fewer
  blocks replace nothing;
- what was invalid may be replaced by what verifies, or by the same content judged better;
- what was unsigned may be replaced by the same content with a credential;
- everything else is an alert with the evidence, and overwrites nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.exchange.attested import check_attestations
from underseal_node.exchange.verification import (
    CREDENTIAL_OMITTED,
    STORED_LIMITS,
    Classified,
    Trust,
    UnusableItemError,
    check_statement,
    classify,
    has_credential,
)
from underseal_node.store import granted, pins, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.exchange_tables import Confirmation, ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.errors import ProtocolError
from underseal_protocol.strict_json import JsonLimits

__all__ = ["Outcome", "Statements", "Taken", "reverify", "take", "take_all"]

MAX_EVIDENCE_BYTES = 1024 * 1024

RANK = {
    VerificationState.INVALID: 0,
    VerificationState.UNSIGNED: 1,
    VerificationState.VERIFIED: 2,
}

Statements = Mapping[str, str]
"""Status statements as received, by footprint id."""


class Outcome(StrEnum):
    """What became of one received footprint."""

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"  # status, more blocks, or now verified
    REFUSED = "refused"  # an alert was raised; what was known stays


@dataclass(frozen=True)
class Taken:
    """The result for one footprint.

    Attributes:
        footprint_id: which.
        state: what verification said of what came now.
        outcome: what became of it.
        alert: the message of a new alert.
    """

    footprint_id: str
    state: VerificationState
    outcome: Outcome
    alert: str | None = None


@dataclass(frozen=True)
class Objection:
    """Why what came must not replace what is known."""

    kind: AlertKind
    message: str


def take_all(
    session: Session,
    peer_id: int,
    items: Sequence[Classified],
    trust: Trust,
    now: datetime,
    statements: Statements | None = None,
) -> list[Taken]:
    """Take up several footprints of one peer in this transaction.

    Args:
        peer_id: from whom.
        items: what came.
        trust: of the peer, for the statements.
        statements: what the peer has signed about their status, unverified.
    """
    peer = pins.peer_row(session, peer_id)
    given = statements or {}
    portion = received.Portion(session, peer_id, [item.footprint_id for item in items])
    taken = [
        _take(session, portion, peer, item, trust, now, given.get(item.footprint_id))
        for item in items
    ]
    portion.write()
    accepted = [one.footprint_id for one in taken if one.outcome is not Outcome.REFUSED]
    granted.note_terms(session, peer, accepted)
    return taken


def take(
    session: Session,
    peer: Peer,
    new: Classified,
    trust: Trust,
    now: datetime,
    statement: str | None = None,
) -> Taken:
    """Take up one footprint.

    Args:
        peer: from whom.
        new: what came.
        trust: of the peer, for the statement.
        statement: what the peer has signed about the status, unverified.
    """
    portion = received.Portion(session, peer.id or 0, [new.footprint_id])
    taken = _take(session, portion, peer, new, trust, now, statement)
    portion.write()
    return taken


def _take(
    session: Session,
    portion: received.Portion,
    peer: Peer,
    new: Classified,
    trust: Trust,
    now: datetime,
    statement: str | None,
) -> Taken:
    row = portion.find(new.footprint_id)
    if new.state == VerificationState.VERIFIED:
        pins.signed(session, peer)
    if row is None:
        row = ReceivedFootprint(
            peer_id=peer.id or 0, footprint_id=new.footprint_id, received_at=now,
            **_columns(new), status=new.status, changed_at=now,
        )  # fmt: skip
        alert = _apply_statement(session, row, peer, trust, statement, now)
        portion.add(row, new.keys)
        # A broken document is plain to see in the list; one that was tampered with is an alert.
        if new.state == VerificationState.INVALID and new.index is not None:
            message = (
                f"{peer.name} sent footprint {new.footprint_id}, which is invalid: {new.reason}"
            )
            alert = _alert(session, peer, new, AlertKind.INVALID, message, now) or alert
        alert = check_attestations(session, row, peer, now) or alert
        return Taken(new.footprint_id, new.state, Outcome.NEW, alert)
    objection = None if _is_held(row, new, trust) else _objection(row, new, peer.name)
    if objection is not None:
        evidence = _evidence(row, new)
        alert = _alert(session, peer, new, objection.kind, objection.message, now, evidence)
        return Taken(new.footprint_id, new.state, Outcome.REFUSED, alert)
    return _update(session, row, peer, new, trust, statement, now)


def reverify(session: Session, peer_id: int, trust: Trust, limits: JsonLimits) -> int:
    """Judge again what was received from a peer, after its pinned keys have changed.

    What was invalid may be verified now. What was verified stays so: it was, with the keys of then.

    Returns:
        how many are verified now that were not.
    """
    peer = pins.peer_row(session, peer_id)
    better = 0
    for row in received.not_verified(session, peer_id):
        try:
            new = classify(row.body, trust, limits)
        except UnusableItemError:
            continue
        if new.state == VerificationState.VERIFIED:
            _set_body(row, new)
            received.save(session, row, new.keys)
            pins.signed(session, peer)
            better += 1
    return better


def _is_held(row: ReceivedFootprint, new: Classified, trust: Trust) -> bool:
    """Whether this is what we hold from before its key came into other hands: it stays good."""
    return (
        row.verification == VerificationState.VERIFIED
        and new.kid in trust.revoked
        and new.kid == row.kid
        and new.signed_digest == row.credential_digest
        and new.body_digest == row.body_digest
    )


def _objection(row: ReceivedFootprint, new: Classified, name: str) -> Objection | None:
    """Why `new` must not touch `row`; `None` when it may."""
    old_state = VerificationState(row.verification)
    same_body = row.body_digest == new.body_digest
    what = f"{name} sent footprint {new.footprint_id}"
    if new.state == VerificationState.INVALID:
        if same_body and old_state == VerificationState.INVALID:
            return None
        if new.reason == CREDENTIAL_OMITTED:
            if same_body and old_state == VerificationState.UNSIGNED:
                return None  # received before the peer began to sign
            return Objection(AlertKind.CREDENTIAL_MISSING, f"{what}; {CREDENTIAL_OMITTED}")
        if old_state == VerificationState.INVALID:
            return Objection(AlertKind.CHANGED, f"{what} again, invalid in another way")
        return Objection(
            AlertKind.INVALID, f"{what} again, and what came now is invalid: {new.reason}"
        )
    if old_state == VerificationState.INVALID:
        # Without its credential, what was tampered with would only look like an unsigned one.
        if new.state == VerificationState.VERIFIED or (
            same_body and not has_credential(row.body, STORED_LIMITS)
        ):
            return None
        return Objection(AlertKind.CHANGED, f"{what} with other content under the same id")
    if old_state == VerificationState.VERIFIED:
        if new.state == VerificationState.UNSIGNED:
            return Objection(AlertKind.CREDENTIAL_MISSING, f"{what}; {CREDENTIAL_OMITTED}")
        if row.credential_digest == new.credential_digest:
            return None
        return Objection(
            AlertKind.TWO_CREDENTIALS,
            f"{name} has signed footprint {new.footprint_id} twice, differently",
        )
    if not same_body:
        return Objection(AlertKind.CHANGED, f"{what} with other content under the same id")
    return None


def _update(
    session: Session,
    row: ReceivedFootprint,
    peer: Peer,
    new: Classified,
    trust: Trust,
    statement: str | None,
    now: datetime,
) -> Taken:
    """Nothing speaks against what came: take from it what is better than what is known."""
    before = (row.verification, row.withheld, row.status, row.status_statement, row.reason)
    alert = None
    if row.confirmation == Confirmation.REFUSED:
        row.confirmation = Confirmation.OPEN  # it was served again: now the peer can confirm it
    replaced = _is_better(row, new)
    if replaced:
        if row.credential_digest != new.credential_digest:
            row.received_at = now  # of this signature: what proves that it is older than a theft
        _set_body(row, new)
    if row.status != new.status:
        if row.status == DEPRECATED:
            message = (
                f"{peer.name} sent footprint {new.footprint_id} with status {new.status!r}, "
                "although it was deprecated; deprecation is final"
            )
            alert = _alert(session, peer, new, AlertKind.STATUS, message, now)
        else:
            row.status = new.status
    alert = _apply_statement(session, row, peer, trust, statement, now) or alert
    if replaced:
        alert = check_attestations(session, row, peer, now) or alert
    after = (row.verification, row.withheld, row.status, row.status_statement, row.reason)
    if before == after:
        outcome = Outcome.UNCHANGED if alert is None else Outcome.REFUSED
        return Taken(new.footprint_id, new.state, outcome, alert)
    row.changed_at = now
    received.save(session, row, new.keys if replaced else None)
    return Taken(new.footprint_id, new.state, Outcome.CHANGED, alert)


def _is_better(row: ReceivedFootprint, new: Classified) -> bool:
    """Whether the body that came is to be kept instead of the one that is there."""
    old_rank, new_rank = RANK[VerificationState(row.verification)], RANK[new.state]
    if old_rank != new_rank:
        return new_rank > old_rank
    # Same issuer-signed part: then the core and every block shown by both are equal.
    return new.withheld < frozenset(json.loads(row.withheld))


def _set_body(row: ReceivedFootprint, new: Classified) -> None:
    # The receipt was for less, or for something else.
    row.receipt_id, row.confirmation = None, Confirmation.OPEN
    for name, value in _columns(new).items():
        setattr(row, name, value)
    row.is_attested = new.is_attested or row.attestations is not None


def _columns(new: Classified) -> dict[str, Any]:
    index = new.index
    return {
        "body": new.raw,
        "body_digest": new.body_digest,
        "verification": new.state,
        "reason": new.reason,
        "credential_digest": new.credential_digest,
        "kid": new.kid,
        "withheld": json.dumps(sorted(new.withheld)),
        "valid_from": "" if index is None else utc_text(index.valid_from),
        "valid_until": "" if index is None else utc_text(index.valid_until),
        "geography": None if index is None else index.geography,
        "summary": new.summary,
        "is_attested": new.is_attested,
    }


def _apply_statement(
    session: Session,
    row: ReceivedFootprint,
    peer: Peer,
    trust: Trust,
    statement: str | None,
    now: datetime,
) -> str | None:
    """Keep a signed statement of deprecation, if it verifies. Returns the message of an alert."""
    if statement is None or row.status_statement is not None or row.credential_digest is None:
        return None
    try:
        proven = check_statement(statement, trust, row.footprint_id, row.credential_digest)
    except (ProtocolError, NodeError) as error:
        message = (
            f"the statement of {peer.name} about the status of footprint {row.footprint_id} "
            f"does not verify: {error.message}"
        )
        is_new = raise_alert(
            session,
            AlertKind.STATUS_STATEMENT,
            message,
            now,
            peer_id=peer.id,
            footprint_id=row.footprint_id,
            evidence=statement.encode()[:MAX_EVIDENCE_BYTES],
        )
        return message if is_new else None
    if proven.status == DEPRECATED:
        row.status = DEPRECATED
        row.status_statement = statement
    return None


def _alert(
    session: Session,
    peer: Peer,
    new: Classified,
    kind: AlertKind,
    message: str,
    now: datetime,
    evidence: bytes | None = None,
) -> str | None:
    is_new = raise_alert(
        session,
        kind,
        message,
        now,
        peer_id=peer.id,
        footprint_id=new.footprint_id,
        evidence=(evidence or new.raw)[:MAX_EVIDENCE_BYTES],
    )
    return message if is_new else None


def _evidence(row: ReceivedFootprint, new: Classified) -> bytes:
    """Both, as received, so that a third party can check them."""
    return b'{"before":' + row.body + b',"now":' + new.raw + b"}"
