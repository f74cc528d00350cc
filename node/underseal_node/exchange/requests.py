"""Requests: asking a peer, and answering when a peer asks.

A request and its outcome are written in the same transaction as the event that tells of it. A
request has one outcome; whatever is tried afterwards is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.exchange.access import not_called, peer_base
from underseal_node.node import Node
from underseal_node.products.gate import require_grant
from underseal_node.settings import RequestsAnswer, Settings
from underseal_node.store import audit, deliveries, grants, outbox, pins, requests
from underseal_node.store.audit import Act, Actor
from underseal_node.store.audit import Outcome as AuditOutcome
from underseal_node.store.deliveries import Deliverable
from underseal_node.store.exchange_tables import Direction, OutboxState, Request, RequestState
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ErrorCode
from underseal_protocol.events import (
    EventType,
    RequestCreatedEvent,
    request_created_event,
    request_fulfilled_event,
    request_rejected_event,
)

__all__ = [
    "NOT_AVAILABLE",
    "accept_created",
    "answer_incoming",
    "fulfil",
    "give_up_after",
    "reject",
    "reject_instead",
    "retry_delivery",
    "send_request",
]

# Said when there is nothing and when nothing is granted: the two must read alike.
NOT_AVAILABLE = "The requested footprint is not available."

# PACT conformance: a product that no one has, to see a request rejected.
NULL_PRODUCT = "urn:pact:null"
MAX_COMMENT_CHARACTERS = 10_000


@dataclass(frozen=True)
class _TooMuch:
    """What matches does not fit into the one event that may answer a request."""

    reason: str


def send_request(
    session: Session,
    node: Node,
    peer_id: int,
    criteria: Criteria,
    comment: str | None,
    now: datetime,
) -> Request:
    """Ask a peer for footprints; the event leaves with the outbox.

    Args:
        criteria: what is asked for; not empty.
        comment: for the person on the other side.

    Raises:
        NotFoundError: no such peer.
        RefusedError: the peer cannot be called, or nothing is asked for.
    """
    peer = pins.peer_row(session, peer_id)
    peer_base(peer)
    if not peer.is_called:
        raise not_called(peer)
    if peer.client_id is None:
        raise RefusedError(
            f"we hold no credentials for {peer.name}, so it cannot be asked",
            hint=f"Enter those it issued with `underseal peer set {peer.name}`.",
        )
    if criteria.is_empty:
        raise RefusedError(
            "a request has to say what is wanted",
            hint="Such as --product-id URN; `underseal pull` fetches everything there is.",
        )
    event_id = outbox.new_event_id()
    request = requests.add(
        session,
        direction=Direction.OUTGOING,
        peer_id=peer_id,
        event_id=event_id,
        criteria=criteria,
        comment=comment,
        now=now,
    )
    body = request_created_event(
        event_id=event_id,
        source=outbox.events_url(node.identity.url),
        time=now,
        criteria=criteria,
        comment=comment,
    )
    _enqueue(session, node, request, event_id, EventType.REQUEST_CREATED, body, now)
    return request


def accept_created(
    session: Session, node: Node, peer_id: int, event: RequestCreatedEvent, now: datetime
) -> str:
    """Take up the request of a peer and answer it as the settings say.

    Returns:
        what came of it, for the operator.
    """
    if requests.by_event(session, Direction.INCOMING, peer_id, event.id) is not None:
        return "this request is known already"
    comment = event.comment
    request = requests.add(
        session,
        direction=Direction.INCOMING,
        peer_id=peer_id,
        event_id=event.id,
        criteria=event.criteria,
        comment=None if comment is None else comment[:MAX_COMMENT_CHARACTERS],
        now=now,
    )
    return answer_incoming(session, node, request, now)


def answer_incoming(session: Session, node: Node, request: Request, now: datetime) -> str:
    """Answer a request of a peer, or leave it to the operator: setting `requests_answer`.

    Returns:
        what came of it, for the operator.
    """
    criteria = requests.criteria_of(request)
    mode = node.settings.requests_answer
    if any(product.casefold() == NULL_PRODUCT for product in criteria.product_ids):
        _reject(session, node, request, NOT_AVAILABLE, now)
        return "rejected: it asks for the product that does not exist"
    if mode == RequestsAnswer.MANUAL:
        return "waits for the operator"
    found = _matching(session, node.settings, request, criteria, now)
    if isinstance(found, _TooMuch):
        if mode == RequestsAnswer.AUTO:
            _reject(session, node, request, found.reason, now, code=ErrorCode.BAD_REQUEST)
            return f"rejected: {found.reason}"
        requests.note(session, request, found.reason)
        return f"waits for the operator: {found.reason}"
    if found:
        _deliver(session, node, request, found, now)
        return f"fulfilled with {len(found)} footprints"
    if mode == RequestsAnswer.AUTO:
        _reject(session, node, request, NOT_AVAILABLE, now)
        return "rejected: nothing that is granted matches"
    return "waits for the operator: nothing that is granted matches"


def fulfil(
    session: Session,
    node: Node,
    request_id: int,
    footprint_ids: Sequence[str],
    now: datetime,
    *,
    level: Level = Level.TOTAL,
) -> Request:
    """Fulfil a request as the operator decides, granting what is delivered.

    What is delivered now has to be retrievable later (PACT 3.0), so a grant is part of it.

    Args:
        footprint_ids: what to deliver; empty for what matches and is granted already.
        level: of the new grants; a higher one that exists is left alone.

    Raises:
        NotFoundError: no such request, or no such footprint.
        RefusedError: it is answered already, is our own, or nothing matches.
    """
    request = _open_incoming(session, request_id)
    if footprint_ids:
        ids = list(dict.fromkeys(footprint_id.lower() for footprint_id in footprint_ids))
        # What is granted at this level or above needs no grant of its own.
        for footprint_id in ids:
            kind = KeyKind.FOOTPRINT
            allowed = require_grant(session, node, request.peer_id, kind, footprint_id, level)
            grants.add(
                session,
                request.peer_id,
                kind,
                footprint_id,
                allowed.level,
                now,
                starts=None,  # also where such a grant was limited in time
                ends=None,
            )
        found = deliveries.named(session, request.peer_id, ids, now)
        missing = [footprint_id for footprint_id in ids if footprint_id not in found]
        if missing:
            raise NotFoundError(f"there is no own footprint {missing[0]}")
        chosen: list[Deliverable] | _TooMuch = [found[footprint_id] for footprint_id in ids]
        too_large = _check_size(node.settings, list(found.values()))
        if too_large is not None:
            chosen = too_large
    else:
        criteria = requests.criteria_of(request)
        chosen = _matching(session, node.settings, request, criteria, now)
    if isinstance(chosen, _TooMuch):
        raise RefusedError(chosen.reason, hint="Name fewer footprints with --footprint.")
    if not chosen:
        raise RefusedError(
            "nothing that is granted to the peer matches the request",
            hint="Name the footprints to deliver with --footprint; that also grants them.",
        )
    _deliver(session, node, request, chosen, now)
    return request


def reject(session: Session, node: Node, request_id: int, reason: str, now: datetime) -> Request:
    """Reject a request as the operator decides.

    Args:
        reason: is sent to the peer.

    Raises:
        NotFoundError: no such request.
        RefusedError: it is answered already, or our own.
    """
    request = _open_incoming(session, request_id)
    _reject(session, node, request, reason or NOT_AVAILABLE, now)
    return request


def retry_delivery(session: Session, node: Node, outbox_id: int, now: datetime) -> None:
    """Send a dead or paused event again; a request that failed with it is open again.

    Raises:
        NotFoundError: no such event.
        RefusedError: it is not dead or paused, or was taken back: the peer got another answer.
    """
    row = outbox.get(session, outbox_id)
    if row.type == EventType.REQUEST_FULFILLED and row.request_id is not None:
        state = requests.get(session, row.request_id).state
        if state != RequestState.FULFILLED:
            raise RefusedError(
                f"event {outbox_id} was taken back: request {row.request_id} is {state} since",
                hint="A request gets exactly one answer.",
            )
    was_dead = row.state == OutboxState.DEAD
    outbox.retry(session, outbox_id, now, give_up_after=give_up_after(node.settings))
    if was_dead and row.request_id is not None:
        requests.reopen(session, row.request_id)


def reject_instead(session: Session, node: Node, request: Request, now: datetime) -> None:
    """Reject a request whose answer is taken back, in the words for what is not there.

    Args:
        request: of a peer, fulfilled; that answer must not be sent.
    """
    request.state = RequestState.PENDING
    _reject(session, node, request, NOT_AVAILABLE, now)


def give_up_after(settings: Settings) -> timedelta:
    """How long the delivery of an event is tried."""
    return timedelta(hours=settings.outbox_give_up_hours)


def _open_incoming(session: Session, request_id: int) -> Request:
    request = requests.get(session, request_id)
    if request.direction != Direction.INCOMING:
        raise RefusedError(f"request {request_id} is our own; the peer answers it")
    if request.state != RequestState.PENDING:
        raise RefusedError(
            f"request {request_id} is {request.state} already",
            hint="A request gets exactly one answer.",
        )
    return request


def _matching(
    session: Session, settings: Settings, request: Request, criteria: Criteria, now: datetime
) -> list[Deliverable] | _TooMuch:
    limit = settings.max_event_footprints
    found = deliveries.matching(session, request.peer_id, criteria, now, limit=limit + 1)
    return _check_size(settings, found) or found


def _check_size(settings: Settings, found: Sequence[Deliverable]) -> _TooMuch | None:
    """One event answers a request; it cannot be split, and part of an answer would be a lie."""
    if len(found) > settings.max_event_footprints:
        return _TooMuch(
            f"More than {settings.max_event_footprints} footprints match; narrow the criteria, or "
            "fetch them with GET /3/footprints."
        )
    if sum(len(item.body) + 1 for item in found) > settings.max_event_bytes:
        return _TooMuch(
            f"The {len(found)} footprints that match are larger than one event may be; narrow the "
            "criteria, or fetch them with GET /3/footprints."
        )
    return None


def _deliver(
    session: Session, node: Node, request: Request, found: Sequence[Deliverable], now: datetime
) -> None:
    event_id = outbox.new_event_id()
    body = request_fulfilled_event(
        event_id=event_id,
        source=outbox.events_url(node.identity.url),
        time=now,
        request_event_id=request.event_id,
        footprints=[item.body for item in found],
    )
    requests.settle(
        session,
        request,
        RequestState.FULFILLED,
        now,
        footprint_ids=[item.id for item in found],
        levels=[item.level for item in found],
    )
    for level in sorted({item.level for item in found}, key=lambda one: one.rank):
        audit.record(
            session,
            Act.REQUEST_ANSWERED,
            now,
            actor=Actor.NODE,
            peer_id=request.peer_id,
            footprint_ids=[item.id for item in found if item.level is level],
            level=level,
            detail={"request": request.event_id, "answer": "fulfilled"},
        )
    _enqueue(session, node, request, event_id, EventType.REQUEST_FULFILLED, body, now)


def _reject(
    session: Session,
    node: Node,
    request: Request,
    message: str,
    now: datetime,
    *,
    code: ErrorCode = ErrorCode.NOT_FOUND,
) -> None:
    event_id = outbox.new_event_id()
    body = request_rejected_event(
        event_id=event_id,
        source=outbox.events_url(node.identity.url),
        time=now,
        request_event_id=request.event_id,
        code=code,
        message=message,
    )
    requests.settle(
        session, request, RequestState.REJECTED, now, error_code=code, error_message=message
    )
    audit.record(
        session,
        Act.REQUEST_ANSWERED,
        now,
        actor=Actor.NODE,
        peer_id=request.peer_id,
        outcome=AuditOutcome.REFUSED,
        detail={"request": request.event_id, "answer": "rejected"},
    )
    _enqueue(session, node, request, event_id, EventType.REQUEST_REJECTED, body, now)


def _enqueue(
    session: Session,
    node: Node,
    request: Request,
    event_id: str,
    event_type: EventType,
    body: bytes,
    now: datetime,
) -> None:
    outbox.enqueue(
        session,
        peer_id=request.peer_id,
        event_id=event_id,
        event_type=event_type,
        body=body,
        now=now,
        request_id=request.id,
        give_up_after=give_up_after(node.settings),
    )
