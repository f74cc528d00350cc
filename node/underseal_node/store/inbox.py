"""Queries on the inbox: accepted events, each handled once per (peer, event id)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, exists, or_, select

from underseal_node.store.exchange_tables import InboxEvent
from underseal_protocol.events import EventType

__all__ = [
    "Waiting",
    "accept",
    "due",
    "handled",
    "is_any_due",
    "next_published",
    "open_row",
    "postponed",
    "publishers",
    "waiting",
]

MAX_OUTCOME_CHARACTERS = 1000


@dataclass(frozen=True)
class Waiting:
    """What is accepted from a peer and not handled.

    Attributes:
        events: how many.
        bytes: of all of them.
    """

    events: int
    bytes: int


def waiting(session: Session, peer_id: int) -> Waiting:
    """How much of a peer waits to be handled; the postponed is part of it."""
    statement = select(
        func.count(), func.coalesce(func.sum(func.length(col(InboxEvent.body))), 0)
    ).where(InboxEvent.peer_id == peer_id, col(InboxEvent.handled_at).is_(None))
    events, size = session.exec(statement).one()
    return Waiting(events, size)


def accept(
    session: Session, peer_id: int, event_id: str, event_type: str, body: bytes, now: datetime
) -> bool:
    """Keep an event for the worker.

    Args:
        peer_id: the authenticated peer that sent it.
        event_id: the `id` of the CloudEvent, an opaque string.
        event_type: its `type`.
        body: as received.

    Returns:
        whether it is new; a repetition changes nothing, and is to be acknowledged like the first.
    """
    known = select(InboxEvent.seq).where(
        InboxEvent.peer_id == peer_id, InboxEvent.event_id == event_id
    )
    if session.exec(known).first() is not None:
        return False
    row = InboxEvent(
        peer_id=peer_id, event_id=event_id, type=str(event_type), body=body, received_at=now
    )
    try:
        # PostgreSQL: two deliveries at the same time both get here, and one loses.
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def due(session: Session, now: datetime, *, limit: int = 50) -> Sequence[InboxEvent]:
    """Events about requests that are not handled and not postponed, oldest first."""
    return session.exec(
        select(InboxEvent)
        .where(*_due(now), InboxEvent.type != EventType.PUBLISHED)
        .order_by(col(InboxEvent.seq))
        .limit(limit)
    ).all()


def is_any_due(now: datetime) -> ColumnElement[bool]:
    """Whether any event is not handled and not postponed, for a statement."""
    return exists().where(*_due(now))


def publishers(session: Session, now: datetime) -> list[tuple[int, bool]]:
    """The peers with Published events that are not handled and not postponed, oldest event first.

    Returns:
        pairs of the peer's id and whether an attempt at one of these events has failed before.
    """
    rows = session.exec(
        select(InboxEvent.peer_id, func.max(InboxEvent.attempts))
        .where(*_due(now), InboxEvent.type == EventType.PUBLISHED)
        .group_by(col(InboxEvent.peer_id))
        .order_by(func.min(InboxEvent.seq))
    ).all()
    return [(peer_id, attempts > 0) for peer_id, attempts in rows]


def next_published(session: Session, peer_id: int, now: datetime) -> InboxEvent | None:
    """The oldest Published event of a peer that is not handled and not postponed."""
    return session.exec(
        select(InboxEvent)
        .where(*_due(now), InboxEvent.type == EventType.PUBLISHED, InboxEvent.peer_id == peer_id)
        .order_by(col(InboxEvent.seq))
        .limit(1)
    ).first()


def open_row(session: Session, seq: int) -> InboxEvent | None:
    """The event to handle in this transaction; `None` when that has been done meanwhile."""
    row = session.exec(select(InboxEvent).where(InboxEvent.seq == seq).with_for_update()).first()
    return None if row is None or row.handled_at is not None else row


def handled(session: Session, row: InboxEvent, now: datetime, outcome: str) -> None:
    """The event has had its effect.

    Args:
        outcome: what came of it, for the operator.
    """
    row.handled_at = now
    row.body = b""  # the effect is elsewhere; the id stays, so that a repetition is known
    row.next_attempt_at = None
    row.outcome = outcome[:MAX_OUTCOME_CHARACTERS]
    session.add(row)
    session.flush()


def postponed(session: Session, row: InboxEvent, next_attempt_at: datetime, reason: str) -> None:
    """The event could not be handled now.

    Args:
        next_attempt_at: when to try again.
        reason: why, for the operator.
    """
    row.attempts += 1
    row.next_attempt_at = next_attempt_at
    row.outcome = reason[:MAX_OUTCOME_CHARACTERS]
    session.add(row)
    session.flush()


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(InboxEvent.handled_at).is_(None),
        or_(col(InboxEvent.next_attempt_at).is_(None), col(InboxEvent.next_attempt_at) <= now),
    )
