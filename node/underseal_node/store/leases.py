"""Leasing events of the outbox, so that one worker at a time sends each, and what came of it.

A worker claims the oldest pending row of a peer by leasing it; later rows of that peer wait for it,
other peers do not (docs/adr/0006-outbox.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from underseal_node.store import audit, peers, requests
from underseal_node.store.audit import Act, Actor
from underseal_node.store.batches import batches
from underseal_node.store.database import to_change
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState
from underseal_node.store.outbox import MAX_ERROR_CHARACTERS
from underseal_node.store.tables import Peer
from underseal_protocol.disclosure import Level
from underseal_protocol.events import EventType

__all__ = ["Delivery", "claim", "delivered", "failed", "waiting_peers"]


@dataclass(frozen=True)
class Delivery:
    """A leased row: what a worker needs to send it.

    Attributes:
        id: of the row.
        peer_id: to whom.
        event_id: the same at every attempt, so that the peer can recognise a repetition.
        type: of the event.
        body: the CloudEvent as it is sent.
        attempts: made before this one.
        leased_until: proves that the lease is still ours when the result is written.
    """

    id: int
    peer_id: int
    event_id: str
    type: str
    body: bytes
    attempts: int
    leased_until: datetime


def waiting_peers(session: Session, now: datetime) -> list[tuple[int, bool]]:
    """The peers whose oldest pending event is due and not leased, longest due first.

    Returns:
        pairs of the peer's id and whether an attempt at this event has failed before.
    """
    # One index look-up per peer: a long line behind a dead peer costs nothing, nor does what was
    # delivered. Joined in one statement, PostgreSQL would read the whole table to compare.
    head = (
        select(OutboxEvent.id)
        .where(OutboxEvent.peer_id == Peer.id, OutboxEvent.state == OutboxState.PENDING)
        .order_by(col(OutboxEvent.id))
        .limit(1)
        .correlate(Peer)
        .scalar_subquery()
    )
    heads = session.exec(select(head).select_from(Peer).where(peers.is_called())).all()
    due: list[tuple[datetime, int | None, int, int]] = []
    for ids in batches(one for one in heads if one is not None):
        due += session.exec(
            select(
                OutboxEvent.next_attempt_at,
                OutboxEvent.id,
                OutboxEvent.peer_id,
                OutboxEvent.attempts,
            ).where(
                col(OutboxEvent.id).in_(ids),
                OutboxEvent.next_attempt_at <= now,
                or_(col(OutboxEvent.leased_until).is_(None), col(OutboxEvent.leased_until) <= now),
            )
        ).all()
    return [(peer_id, attempts > 0) for _, _, peer_id, attempts in sorted(due)]


def claim(session: Session, peer_id: int, now: datetime, lease: timedelta) -> Delivery | None:
    """Lease the oldest pending event of a peer, if it is due and nobody else has it.

    While another worker is leasing it, there is nothing to lease: not the one after it.

    Args:
        peer_id: whose line.
        lease: after this time another worker may claim it; longer than any attempt takes.
    """
    head = (
        select(func.min(OutboxEvent.id))
        .where(OutboxEvent.peer_id == peer_id, OutboxEvent.state == OutboxState.PENDING)
        .scalar_subquery()
    )
    row = session.exec(
        select(OutboxEvent)
        .where(OutboxEvent.id == head, OutboxEvent.state == OutboxState.PENDING)
        .with_for_update(skip_locked=True)  # nothing on SQLite, whose writers take turns
    ).first()
    if row is None or row.next_attempt_at > now:
        return None
    if row.leased_until is not None and row.leased_until > now:
        return None
    peer = session.get(Peer, peer_id)
    if peer is None or not peer.is_called:
        return None
    row.leased_until = now + lease
    session.add(row)
    session.flush()
    return Delivery(
        id=row.id or 0,
        peer_id=row.peer_id,
        event_id=row.event_id,
        type=row.type,
        body=row.body,
        attempts=row.attempts,
        leased_until=row.leased_until,
    )


def delivered(session: Session, delivery: Delivery, now: datetime) -> None:
    """The peer has acknowledged the event. True whoever holds the lease by now."""
    row = _held(session, delivery)
    if row is None or row.state == OutboxState.DELIVERED:
        return
    row.state = OutboxState.DELIVERED
    row.attempts += 1
    row.delivered_at = now
    row.leased_until = None
    row.last_error = None
    session.add(row)
    # An answer that was only put into the outbox has shown nothing to anybody yet.
    for level, footprint_ids in _shown_by(session, row) or [(None, ())]:
        audit.record(
            session,
            Act.EVENT_DELIVERED,
            now,
            actor=Actor.NODE,
            peer_id=row.peer_id,
            footprint_ids=footprint_ids,
            level=level,
            detail={"type": row.type, "event": row.event_id},
        )
    peer = peers.by_id(session, row.peer_id)
    if peer is not None:
        peer.last_contact_at = now
        peers.reached(session, peer)


def _shown_by(session: Session, row: OutboxEvent) -> list[tuple[Level | None, Sequence[str]]]:
    """The footprints that an event brings, by level; only the answer to a request brings any."""
    if row.type != EventType.REQUEST_FULFILLED or row.request_id is None:
        return []
    request = requests.get(session, row.request_id, to_change=False)
    return [*requests.delivered_by(request)]


def failed(
    session: Session, delivery: Delivery, *, error: str, next_attempt_at: datetime | None
) -> OutboxState | None:
    """An attempt failed: try again later or bury the event.

    Args:
        error: what happened, for the operator.
        next_attempt_at: when to try again; `None` makes it a dead letter. An instant after
            `give_up_at` makes it one too.

    Returns:
        the new state; `None` when the lease was lost meanwhile and nothing was changed.
    """
    row = _held(session, delivery)
    if row is None or row.state != OutboxState.PENDING:
        return None
    if row.leased_until != delivery.leased_until:
        return None
    row.attempts += 1
    row.leased_until = None
    row.last_error = error[:MAX_ERROR_CHARACTERS]
    if next_attempt_at is None or next_attempt_at >= row.give_up_at:
        row.state = OutboxState.DEAD
    else:
        row.next_attempt_at = next_attempt_at
    session.add(row)
    session.flush()
    return OutboxState(row.state)


def _held(session: Session, delivery: Delivery) -> OutboxEvent | None:
    """The row of a delivery as it is now; until this transaction ends, nobody else changes it."""
    return session.exec(
        to_change(session, select(OutboxEvent).where(OutboxEvent.id == delivery.id))
    ).first()
