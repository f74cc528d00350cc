"""Queries on requests, incoming and outgoing. A request has exactly one outcome."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store.database import to_change as held
from underseal_node.store.exchange_tables import Direction, Request, RequestState
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level

__all__ = [
    "add",
    "by_event",
    "criteria_of",
    "delivered_by",
    "get",
    "note",
    "reopen",
    "settle",
]


def add(
    session: Session,
    *,
    direction: Direction,
    peer_id: int,
    event_id: str,
    criteria: Criteria,
    comment: str | None,
    now: datetime,
) -> Request:
    """Store a request that has no outcome yet.

    Args:
        direction: who asks.
        peer_id: the other side.
        event_id: of the RequestCreated event.
        criteria: what is asked for.
        comment: what the asking side wrote beside it.
    """
    row = Request(
        direction=direction,
        peer_id=peer_id,
        event_id=event_id,
        criteria=json.dumps(criteria.to_event_data(), ensure_ascii=False),
        comment=comment,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def criteria_of(request: Request) -> Criteria:
    """What a stored request asks for."""
    return Criteria.from_event_data(json.loads(request.criteria))


def by_event(session: Session, direction: Direction, peer_id: int, event_id: str) -> Request | None:
    """The request with this event id between us and one peer; never one of another peer."""
    return session.exec(
        select(Request)
        .where(
            Request.direction == direction,
            Request.peer_id == peer_id,
            Request.event_id == event_id,
        )
        .with_for_update()
    ).first()


def settle(
    session: Session,
    request: Request,
    state: RequestState,
    now: datetime,
    *,
    footprint_ids: Sequence[str] = (),
    levels: Sequence[Level] = (),
    error_code: str | None = None,
    error_message: str | None = None,
) -> None:
    """Give a request its outcome.

    Args:
        footprint_ids: what the answer delivers.
        levels: at which level each of them.

    Raises:
        RefusedError: it has one already.
    """
    if request.state != RequestState.PENDING:
        raise RefusedError(
            f"request {request.id} is {request.state} already",
            hint="A request gets exactly one answer.",
        )
    request.state = state
    request.answered_at = now
    request.footprint_ids = json.dumps(list(footprint_ids))
    request.levels = json.dumps([level.rank for level in levels])
    request.error_code = error_code
    request.error_message = error_message
    session.add(request)
    session.flush()


def delivered_by(request: Request) -> list[tuple[Level, Sequence[str]]]:
    """The footprints in the answer to a request, by the level at which they are shown."""
    found: dict[Level, list[str]] = defaultdict(list)
    ids, ranks = json.loads(request.footprint_ids), json.loads(request.levels)
    for footprint_id, rank in zip(ids, ranks, strict=True):
        found[Level.of_rank(rank)].append(footprint_id)
    return sorted(found.items(), key=lambda one: one[0].rank)


def note(session: Session, request: Request, message: str) -> None:
    """Say why a request waits for the operator; it stays open."""
    request.error_message = message
    session.add(request)
    session.flush()


def reopen(session: Session, request_id: int) -> None:
    """An outgoing request that could not be delivered is about to be sent again."""
    request = session.get(Request, request_id)
    if request is None or request.state != RequestState.FAILED:
        return
    request.state = RequestState.PENDING
    request.answered_at = None
    request.error_code = None
    request.error_message = None
    session.add(request)
    session.flush()


def get(session: Session, request_id: int, *, to_change: bool = True) -> Request:
    """One request.

    Args:
        to_change: in a transaction that writes, nobody else can change it before that ends.

    Raises:
        NotFoundError: there is none with this id.
    """
    statement = select(Request).where(Request.id == request_id)
    row = session.exec(held(session, statement) if to_change else statement).first()
    if row is None:
        raise NotFoundError(f"there is no request {request_id}")
    return row
