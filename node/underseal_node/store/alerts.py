"""Queries on alerts: what the operator has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from underseal_node.store import audit
from underseal_node.store.audit import Act, Actor
from underseal_node.store.exchange_tables import Alert
from underseal_node.store.tables import Peer

__all__ = ["AlertKind", "listing", "raise_alert"]


class AlertKind(StrEnum):
    """What happened."""

    CHANGED = "changed"  # other content under the same id
    TWO_CREDENTIALS = "two-credentials"  # two issuer-signed parts for one id
    CREDENTIAL_MISSING = "credential-missing"  # signed before, and now not
    INVALID = "invalid"  # a footprint failed verification
    STATUS = "status"  # a deprecated footprint became active again
    STATUS_STATEMENT = "status-statement"  # a statement of deprecation that does not verify
    ATTESTATION = "attestation"  # of a verifier, and it does not verify
    SEALED_SUM = "sealed-sum"  # of a received footprint, and it does not hold
    KEYS_CHANGED = "keys-changed"  # the peer's key set is not the pinned one
    KEYS_REVOKED = "keys-revoked"  # the peer has taken keys back
    PARTNERSHIP_ENDED = "partnership-ended"  # the peer has ended it
    MOVED = "moved"  # the peer has another address, as a key says that is pinned
    ENDPOINT_CHANGED = "endpoint-changed"  # the peer's token endpoint is at another origin
    UNASKED = "unasked"  # an answer to a request that was not made
    RECEIPT = "receipt"  # one that does not hold, or shows that the peer's log was rewritten
    AUDIT_LOG = "audit-log"  # that of this node is not the one that it signed


def raise_alert(
    session: Session,
    kind: AlertKind,
    message: str,
    now: datetime,
    *,
    peer_id: int | None = None,
    footprint_id: str | None = None,
    evidence: bytes | None = None,
) -> bool:
    """Write an alert, once: what repeats with the same words is not written again.

    Args:
        message: one sentence for the operator.
        evidence: what proves it, as received.

    Returns:
        whether it is new.
    """
    same = select(Alert.id).where(
        Alert.kind == kind,
        Alert.peer_id == peer_id,
        Alert.footprint_id == footprint_id,
        Alert.message == message,
    )
    if session.exec(same.limit(1)).first() is not None:
        return False
    session.add(
        Alert(
            created_at=now,
            kind=kind,
            peer_id=peer_id,
            footprint_id=footprint_id,
            message=message,
            evidence=evidence,
        )
    )
    # Not its message: that may repeat a figure.
    audit.record(
        session,
        Act.ALERT_RAISED,
        now,
        actor=Actor.NODE,
        peer_id=peer_id,
        footprint_ids=() if footprint_id is None else [footprint_id],
        detail={"kind": kind},
    )
    return True


def listing(session: Session, *, limit: int = 1000) -> Sequence[tuple[Alert, str | None]]:
    """Alerts with the names of the peers they are about, newest first."""
    return session.exec(
        select(Alert, Peer.name)
        .join(Peer, col(Alert.peer_id) == Peer.id, isouter=True)
        .order_by(col(Alert.id).desc())
        .limit(limit)
    ).all()
