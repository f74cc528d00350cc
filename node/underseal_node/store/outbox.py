"""Queries on the outbox: events to deliver, each to one peer, in their order.

A row is written in the transaction of what it tells (docs/adr/0006-outbox.md); `leases` has who
sends it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import peers
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState
from underseal_node.store.tables import Peer
from underseal_protocol.events import EventType, published_event

__all__ = [
    "GIVE_UP_AFTER",
    "bury",
    "enqueue",
    "enqueue_published",
    "events_url",
    "get",
    "listing",
    "new_event_id",
    "retry",
    "woken",
]

GIVE_UP_AFTER = timedelta(hours=72)

# A batch larger than this becomes several events, so that none exceeds what peers accept.
IDS_PER_EVENT = 10_000
FLUSHED_BYTES = 8 * 1024 * 1024

MAX_ERROR_CHARACTERS = 500
REPLAYABLE = (OutboxState.DEAD, OutboxState.PAUSED)


def new_event_id() -> str:
    """A fresh id for an event of ours."""
    return str(uuid.uuid4())


def events_url(node_url: str) -> str:
    """The `source` of the events of a node.

    Args:
        node_url: without a trailing slash.
    """
    return f"{node_url}/3/events"


def enqueue(
    session: Session,
    *,
    peer_id: int,
    event_id: str,
    event_type: str,
    body: bytes,
    now: datetime,
    request_id: int | None = None,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> OutboxEvent:
    """Write an event for one peer, to be sent once this transaction is committed.

    Args:
        peer_id: to whom.
        event_id: the `id` inside the body.
        event_type: the `type` inside the body.
        body: the CloudEvent as it is sent.
        request_id: the request that the event opens or answers.
        give_up_after: how long delivery is tried.
    """
    row = _event(peer_id, event_id, event_type, body, now, now + give_up_after)
    row.request_id = request_id
    session.add(row)
    session.flush()
    return row


def _event(
    peer_id: int, event_id: str, event_type: str, body: bytes, now: datetime, give_up_at: datetime
) -> OutboxEvent:
    """A row that is due at once."""
    return OutboxEvent(
        event_id=event_id,
        peer_id=peer_id,
        type=str(event_type),
        body=body,
        created_at=now,
        next_attempt_at=now,
        give_up_at=give_up_at,
    )


def enqueue_published(
    session: Session,
    footprint_ids: Mapping[int, Sequence[str]],
    now: datetime,
    *,
    node_url: str,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> list[int]:
    """Tell peers that footprints were published or changed: one event per peer and batch.

    Peers without a URL (they only pull) and peers that are not called at present get none.

    Args:
        footprint_ids: for each peer id what its grants cover of the batch.
        node_url: of this node.

    Returns:
        the ids of the peers that will be told.
    """
    told = [peer_id for peer_id in peers.reachable(session) if footprint_ids.get(peer_id)]
    held, held_bytes = list[OutboxEvent](), 0
    for peer_id in told:
        ids = list(dict.fromkeys(footprint_ids[peer_id]))
        for start in range(0, len(ids), IDS_PER_EVENT):
            event_id = new_event_id()
            body = published_event(
                event_id=event_id,
                source=events_url(node_url),
                time=now,
                pf_ids=ids[start : start + IDS_PER_EVENT],
            )
            row = _event(peer_id, event_id, EventType.PUBLISHED, body, now, now + give_up_after)
            session.add(row)
            held.append(row)
            held_bytes += len(body)
        # Many at once, for there may be thousands of peers; not all, for each may be told much.
        if held_bytes > FLUSHED_BYTES:
            session.flush()
            for one in held:
                session.expunge(one)
            held, held_bytes = [], 0
    session.flush()
    return told


def bury(session: Session, outbox_id: int, reason: str) -> OutboxEvent:
    """An event must not be sent any more.

    Args:
        reason: why, for the operator.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = get(session, outbox_id)
    row.state = OutboxState.DEAD
    row.leased_until = None
    row.last_error = reason[:MAX_ERROR_CHARACTERS]
    session.add(row)
    session.flush()
    return row


def retry(
    session: Session, outbox_id: int, now: datetime, *, give_up_after: timedelta = GIVE_UP_AFTER
) -> OutboxEvent:
    """Replay a dead letter or release a paused event: it is pending again, with fresh time.

    Raises:
        NotFoundError: no such event.
        RefusedError: it is pending already, or delivered.
    """
    row = get(session, outbox_id)
    if row.state not in REPLAYABLE:
        raise RefusedError(
            f"event {outbox_id} is {row.state}",
            hint="Only dead and paused events can be sent again.",
        )
    row.state = OutboxState.PENDING
    row.attempts = 0
    row.next_attempt_at = now
    row.give_up_at = now + give_up_after
    row.leased_until = None
    session.add(row)
    session.flush()
    return row


def woken(session: Session, peer_id: int, since: datetime, now: datetime) -> None:
    """Deliver again what has been at rest; that time does not count for giving up.

    Args:
        peer_id: whose events.
        since: when the rest began.
    """
    rows = session.exec(
        select(OutboxEvent).where(
            OutboxEvent.peer_id == peer_id, OutboxEvent.state == OutboxState.PENDING
        )
    ).all()
    for row in rows:
        row.give_up_at += now - max(since, row.created_at)
        row.next_attempt_at = now
        session.add(row)
    session.flush()


def get(session: Session, outbox_id: int) -> OutboxEvent:
    """One row.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = session.get(OutboxEvent, outbox_id)
    if row is None:
        raise NotFoundError(f"there is no event {outbox_id} in the outbox")
    return row


def listing(
    session: Session,
    state: str | None = None,
    *,
    request_id: int | None = None,
    limit: int = 1000,
) -> Sequence[tuple[OutboxEvent, str]]:
    """Rows with the names of their peers, newest first.

    Args:
        state: an `OutboxState`; all by default.
        request_id: only what asks or answers this request.
        limit: at most so many.
    """
    statement = select(OutboxEvent, Peer.name).join(Peer, col(OutboxEvent.peer_id) == Peer.id)
    if state is not None:
        statement = statement.where(OutboxEvent.state == state)
    if request_id is not None:
        statement = statement.where(OutboxEvent.request_id == request_id)
    return session.exec(statement.order_by(col(OutboxEvent.id).desc()).limit(limit)).all()
