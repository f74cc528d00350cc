"""`record`: the one way by which something gets into the audit log.

Call it in the transaction of what is done; the sequencer of the management process puts it into the
log within a second (`store.audit_log`). Reads of peers come by way of `store.audit_buffer`.

Never pass a secret, nor a figure of a footprint: the log is shown to auditors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlmodel import Session

from underseal_node.store.audit_tables import AuditPending
from underseal_node.store.tables import Peer
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import Level

__all__ = ["SHOWING", "Act", "Actor", "Detail", "Outcome", "about_peer", "members_of", "record"]

MAX_TEXT_CHARACTERS = 500

Detail: TypeAlias = Mapping[str, str | int | bool | None]


class Actor(StrEnum):
    """Who did something."""

    OPERATOR = "operator"  # through the management API
    PEER = "peer"
    NODE = "node"  # by itself: a worker, a schedule


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Act(StrEnum):
    """What was done. `docs/reference/audit-log.md` describes each; a test compares the two."""

    # What peers do here.
    TOKEN_ISSUED = "token-issued"
    TOKEN_REFUSED = "token-refused"
    FOOTPRINTS_READ = "footprints-read"
    STATUS_READ = "status-read"
    ATTESTATIONS_READ = "attestations-read"
    GRANTS_READ = "grants-read"
    ASSERTION_REFUSED = "assertion-refused"
    CALL_REFUSED = "call-refused"
    REGISTRATION_RECEIVED = "registration-received"
    CLIENT_ID_RECEIVED = "client-id-received"
    CREDENTIALS_RENEWED = "credentials-renewed"
    KEY_LOG_RECEIVED = "key-log-received"
    EVENT_RECEIVED = "event-received"
    ACKNOWLEDGEMENT_RECEIVED = "acknowledgement-received"
    ENDORSEMENT_ASKED = "endorsement-asked"
    SEALED_SUMS_READ = "sealed-sums-read"
    # What this node does towards peers.
    EVENT_DELIVERED = "event-delivered"
    FOOTPRINTS_RECEIVED = "footprints-received"
    FOOTPRINTS_PULLED = "footprints-pulled"
    ACKNOWLEDGEMENT_SENT = "acknowledgement-sent"
    RECEIPT_RECEIVED = "receipt-received"
    KEY_LOG_FOLLOWED = "key-log-followed"
    ATTESTATIONS_RECEIVED = "attestations-received"
    ENDORSEMENT_RECEIVED = "endorsement-received"
    SEALED_SUM_RECEIVED = "sealed-sum-received"
    CLIENT_ID_TOLD = "client-id-told"
    CLIENT_ID_RENEWED = "client-id-renewed"
    PARTNERSHIP_ACTIVATED = "partnership-activated"
    PARTNERSHIP_ENDED = "partnership-ended"
    # What the operator does.
    FOOTPRINTS_PUBLISHED = "footprints-published"
    FOOTPRINT_SUPERSEDED = "footprint-superseded"
    FOOTPRINT_DEPRECATED = "footprint-deprecated"
    FOOTPRINTS_REISSUED = "footprints-reissued"
    PRODUCTS_IMPORTED = "products-imported"
    LINES_MATCHED = "lines-matched"
    DRAFT_MADE = "draft-made"
    DRAFT_PUBLISHED = "draft-published"
    ATTESTATION_MADE = "attestation-made"
    ATTESTATION_ATTACHED = "attestation-attached"
    FOOTPRINT_SHARED = "footprint-shared"
    LINES_OPENED = "lines-opened"
    ENDORSEMENT_GIVEN = "endorsement-given"
    ENDORSEMENT_REFUSED = "endorsement-refused"
    FOOTPRINT_SEALED = "footprint-sealed"
    ROSTER_CREATED = "roster-created"
    ROSTER_ADMITTED = "roster-admitted"
    ROSTER_REMOVED = "roster-removed"
    ROSTER_APPLIED = "roster-applied"
    ROSTER_JOINED = "roster-joined"
    ROSTER_TRUSTED = "roster-trusted"
    ROSTER_DISTRUSTED = "roster-distrusted"
    ENERGY_IMPORTED = "energy-imported"
    SPEND_IMPORTED = "spend-imported"
    SPEND_REMOVED = "spend-removed"
    GRANT_ADDED = "grant-added"
    GRANT_CHANGED = "grant-changed"
    GRANT_REMOVED = "grant-removed"
    PEER_ADDED = "peer-added"
    PEER_CHANGED = "peer-changed"
    PEER_REMOVED = "peer-removed"
    PEER_CONFIRMED = "peer-confirmed"
    PEER_DECLARED = "peer-declared"
    RELEASE_ACKNOWLEDGED = "release-acknowledged"
    PRIVATE_NETWORK_SET = "private-network-set"
    INVITATION_MADE = "invitation-made"
    INVITATION_WITHDRAWN = "invitation-withdrawn"
    INVITATION_ACCEPTED = "invitation-accepted"
    PARTNERSHIP_APPROVED = "partnership-approved"
    PARTNERSHIP_REJECTED = "partnership-rejected"
    PARTNERSHIP_SUSPENDED = "partnership-suspended"
    PARTNERSHIP_RESUMED = "partnership-resumed"
    PARTNERSHIP_REVOKED = "partnership-revoked"
    CREDENTIALS_ISSUED = "credentials-issued"
    CREDENTIALS_ROTATED = "credentials-rotated"
    KEYS_CONFIRMED = "keys-confirmed"
    ENDPOINT_CONFIRMED = "endpoint-confirmed"
    REQUEST_SENT = "request-sent"
    REQUEST_ANSWERED = "request-answered"
    DELIVERY_RETRIED = "delivery-retried"
    KEYS_ROTATED = "keys-rotated"
    KEYS_REVOKED = "keys-revoked"
    RECOVERY_KEY_CHANGED = "recovery-key-changed"
    NODE_MOVED = "node-moved"
    BACKUP_MADE = "backup-made"
    RESTORED = "restored"
    # What the node noticed.
    ALERT_RAISED = "alert-raised"


SHOWING = frozenset({Act.FOOTPRINTS_READ, Act.EVENT_DELIVERED})
"""By these a peer gets footprints, when the entry names some and the level."""


def record(
    session: Session,
    act: Act,
    now: datetime,
    *,
    actor: Actor = Actor.OPERATOR,
    peer_id: int | None = None,
    peer_name: str | None = None,
    footprint_ids: Iterable[str] = (),
    level: Level | None = None,
    grants: Iterable[int] = (),
    outcome: Outcome = Outcome.DONE,
    detail: Detail | None = None,
) -> None:
    """Put something into the audit log, if this transaction is committed.

    Args:
        session: writes; of the transaction of what is done.
        act: what.
        now: aware.
        actor: who.
        peer_id: the peer that it is about.
        peer_name: its name, if it is not (any more) that of `peer_id`.
        footprint_ids: the footprints that it is about.
        level: how much of them was shown.
        grants: the grants that allowed it.
        outcome: how it ended.
        detail: a few short texts and numbers more; no secrets, no figures. `None` is left out.
    """
    members = members_of(
        act, now, actor=actor, level=level, grants=grants, outcome=outcome, detail=detail
    )
    if peer_name is None and peer_id is not None:
        # Now, because the peer may be removed, or called otherwise, before this is in the log.
        peer = session.get(Peer, peer_id)
        peer_name = None if peer is None else peer.name
    if peer_name is not None:
        members["peer"] = {"name": _short(peer_name)}
    session.add(
        AuditPending(
            created_at=now,
            peer_id=peer_id,
            members=json.dumps(members),
            footprint_ids=" ".join(footprint_ids),
        )
    )
    session.flush()


def about_peer(
    session: Session,
    act: Act,
    now: datetime,
    peer: Peer,
    *,
    actor: Actor = Actor.OPERATOR,
    outcome: Outcome = Outcome.DONE,
    **detail: str | int | bool | None,
) -> None:
    """`record` what is about a peer, under the name that it has at this moment."""
    record(
        session,
        act,
        now,
        actor=actor,
        peer_id=peer.id,
        peer_name=peer.name,
        outcome=outcome,
        detail=detail,
    )


def members_of(
    act: Act,
    now: datetime,
    *,
    actor: Actor,
    level: Level | None = None,
    grants: Iterable[int] = (),
    outcome: Outcome = Outcome.DONE,
    detail: Detail | None = None,
) -> dict[str, Any]:
    """The members of an entry; see `record`."""
    members: dict[str, Any] = {
        "act": act.value,
        "actor": actor.value,
        "outcome": outcome.value,
        "time": utc_text(now),
    }
    if level is not None:
        members["level"] = level.value
    allowed = sorted(set(grants))
    if allowed:
        members["grants"] = allowed
    said = {
        name: _short(value) if isinstance(value, str) else value
        for name, value in (detail or {}).items()
        if value is not None
    }
    if said:
        members["detail"] = said
    return members


def _short(text: str) -> str:
    """Not too long, and without halves of characters, which have no canonical form."""
    return text[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
