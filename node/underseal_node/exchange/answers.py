"""What the events about requests do: a peer asks, a peer fulfils, a peer rejects."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from sqlmodel import Session

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.intake import take_all
from underseal_node.exchange.raw_json import object_member
from underseal_node.exchange.receiving import judge, record_received, report_broken
from underseal_node.exchange.requests import accept_created
from underseal_node.exchange.verification import Classified, Trust
from underseal_node.node import Node
from underseal_node.store import pins, requests
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.exchange_tables import Direction, InboxEvent, Request, RequestState
from underseal_protocol.errors import EventError
from underseal_protocol.events import (
    PublishedEvent,
    RequestCreatedEvent,
    RequestFulfilledEvent,
    RequestRejectedEvent,
)
from underseal_protocol.strict_json import array_items

__all__ = ["Event", "Prepared", "handle_event", "prepare"]

MAX_MESSAGE_CHARACTERS = 2_000

Event: TypeAlias = (
    PublishedEvent | RequestCreatedEvent | RequestFulfilledEvent | RequestRejectedEvent
)


@dataclass(frozen=True)
class Prepared:
    """What was worked out before the transaction.

    Attributes:
        trust: in the peer.
        items: delivered footprints, classified.
        broken: why others cannot be kept.
    """

    trust: Trust
    items: list[Classified] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


async def prepare(exchange: Exchange, row: InboxEvent, event: Event) -> Prepared | None:
    """Classify the footprints that an event delivers, outside of the transaction.

    Raises:
        JsonError: the stored event is not what was accepted.
    """
    if not isinstance(event, RequestFulfilledEvent):
        return None
    items = await asyncio.to_thread(_delivered, row.body)
    return Prepared(*await judge(exchange, row.peer_id, items))


def _delivered(body: bytes) -> list[bytes]:
    return array_items(object_member(body, "data"), "pfs")


def handle_event(
    session: Session,
    node: Node,
    peer_id: int,
    event: Event,
    prepared: Prepared | None,
    now: datetime,
) -> str:
    """Let an event have its effect, in this transaction.

    Returns:
        what came of it, for the operator.

    Raises:
        EventError: it is none about a request.
    """
    if isinstance(event, RequestCreatedEvent):
        return accept_created(session, node, peer_id, event, now)
    if isinstance(event, RequestFulfilledEvent) and prepared is not None:
        return _fulfilled(session, peer_id, event, prepared, now)
    if isinstance(event, RequestRejectedEvent):
        return _rejected(session, peer_id, event, now)
    raise EventError(f"the event {event.type} is not one about a request")


def _fulfilled(
    session: Session,
    peer_id: int,
    event: RequestFulfilledEvent,
    prepared: Prepared,
    now: datetime,
) -> str:
    request = _asked(session, peer_id, event.request_event_id, now)
    if request is None:
        return "ignored: we have not asked this peer"
    ids = [item.footprint_id for item in prepared.items]
    if request.state != RequestState.PENDING:
        same = request.state == RequestState.FULFILLED and json.loads(request.footprint_ids) == ids
        return _again(session, request, peer_id, now, is_same=same)
    taken = take_all(session, peer_id, prepared.items, prepared.trust, now)
    what = "a fulfilled request brought what cannot be kept"
    report_broken(session, peer_id, what, prepared.broken, now)
    record_received(session, peer_id, taken, len(prepared.broken), now)
    requests.settle(session, request, RequestState.FULFILLED, now, footprint_ids=ids)
    states = sorted(one.state.value for one in taken)
    return f"fulfilled: {', '.join(states) or 'nothing usable'}"


def _rejected(session: Session, peer_id: int, event: RequestRejectedEvent, now: datetime) -> str:
    request = _asked(session, peer_id, event.request_event_id, now)
    if request is None:
        return "ignored: we have not asked this peer"
    if request.state != RequestState.PENDING:
        same = request.state == RequestState.REJECTED
        return _again(session, request, peer_id, now, is_same=same)
    requests.settle(
        session,
        request,
        RequestState.REJECTED,
        now,
        error_code=event.code[:100],
        error_message=event.message[:MAX_MESSAGE_CHARACTERS],
    )
    return f"rejected: {event.code}"


def _asked(session: Session, peer_id: int, request_event_id: str, now: datetime) -> Request | None:
    """Our own request to this very peer; nobody answers for another."""
    request = requests.by_event(session, Direction.OUTGOING, peer_id, request_event_id)
    if request is None:
        raise_alert(
            session,
            AlertKind.UNASKED,
            f"{pins.peer_row(session, peer_id).name} answered requests that we have not sent to it",
            now,
            peer_id=peer_id,
        )
        return None
    if request.state == RequestState.FAILED:
        # It did arrive: only its acknowledgement was lost.
        requests.reopen(session, request.id or 0)
    return request


def _again(
    session: Session, request: Request, peer_id: int, now: datetime, *, is_same: bool
) -> str:
    """The first outcome counts."""
    if not is_same:
        raise_alert(
            session,
            AlertKind.UNASKED,
            f"{pins.peer_row(session, peer_id).name} answered request {request.id} a second time, "
            "differently; the first answer counts",
            now,
            peer_id=peer_id,
        )
    return f"ignored: the request is {request.state} already"
