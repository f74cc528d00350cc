"""Requests and the outbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.errors import RefusedError
from underseal_node.exchange import requests as answering
from underseal_node.manage.context import (
    MAX_ROW_ID,
    RESPONSE,
    Context,
    Limit,
    RowId,
    criteria_of,
)
from underseal_node.manage.footprint_view import footprint_shape
from underseal_node.manage.lists import (
    Count,
    Offset,
    Search,
    answered,
    part_of,
    sorts_of,
    streamed,
    words_of,
)
from underseal_node.manage.shapes.base import Listing, Part
from underseal_node.manage.shapes.exchange import (
    ErrorShape,
    FulfilInput,
    OutboxShape,
    RejectInput,
    RequestInput,
    RequestShape,
)
from underseal_node.manage.shapes.footprints import MatchingShape
from underseal_node.store import (
    audit,
    deliveries,
    exchange_lists,
    footprints,
    outbox,
    peers,
    pins,
    requests,
)
from underseal_node.store.audit import Act
from underseal_node.store.exchange_lists import RequestWanted
from underseal_node.store.exchange_tables import (
    Direction,
    OutboxEvent,
    OutboxState,
    Request,
    RequestState,
)
from underseal_node.store.footprints import OwnFootprint

__all__ = ["router"]

RequestSort = Annotated[
    str | None, AfterValidator(sorts_of(exchange_lists.REQUEST_ORDER.columns)), Query()
]

router = APIRouter()

Row = tuple[Request, str]


@router.post("/requests", status_code=201, **RESPONSE)
async def send(context: Context, given: RequestInput) -> RequestShape:
    """Ask a peer for footprints."""
    criteria = criteria_of(given.criteria)
    node = context.node

    def work(session: Session) -> Row:
        peer = peers.by_name(session, given.peer)
        request = answering.send_request(
            session, node, peer.id or 0, criteria, given.comment, node.now()
        )
        audit.about_peer(session, Act.REQUEST_SENT, node.now(), peer, request=request.event_id)
        return request, peer.name

    return _request(*await node.store.write(work))


def _wanted(
    direction: Direction | None = None,
    state: RequestState | None = None,
    peer: str | None = None,
    search: Search = [],  # noqa: B006 - never changed
) -> Callable[[Session], RequestWanted]:
    """What is wanted; how the peer is written says the database."""

    def wanted(session: Session) -> RequestWanted:
        name = None if peer is None else peers.by_name(session, peer).name
        return RequestWanted(direction, state, name, words_of(search))

    return wanted


Wanted = Annotated[Callable[[Session], RequestWanted], Depends(_wanted)]


@router.get("/requests", response_model=Part[RequestShape])
async def list_requests(
    context: Context,
    wanted: Wanted,
    sort: RequestSort = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    count: Count = False,
) -> Response:
    """Requests, newest first if nothing else is asked for."""
    part = part_of(sort, limit, offset, is_counted=count)

    def work(session: Session) -> Part[RequestShape]:
        numbers, total = exchange_lists.find_requests(session, wanted(session), part)
        return Part(data=_shapes(session, numbers), total=total)

    return answered(await context.node.store.read(work))


@router.get("/requests/export")
async def export_requests(context: Context, wanted: Wanted, sort: RequestSort = None) -> Response:
    """All requests that are asked for, as lines of JSON."""
    numbers, _ = await context.node.store.read(
        lambda session: exchange_lists.find_requests(session, wanted(session), part_of(sort, None))
    )
    return streamed(context.node, numbers, _shapes)


def _shapes(session: Session, numbers: Sequence[int]) -> list[RequestShape]:
    return [_request(*row) for row in exchange_lists.requests_in_order(session, numbers)]


@router.get("/requests/{request_id}", **RESPONSE)
async def show(context: Context, request_id: RowId) -> RequestShape:
    """One request."""

    def work(session: Session) -> Row:
        request = requests.get(session, request_id, to_change=False)
        return request, pins.peer_row(session, request.peer_id).name

    return _request(*await context.node.store.read(work))


@router.get("/requests/{request_id}/matches", **RESPONSE)
async def matches(
    context: Context, request_id: RowId, limit: Limit = 100, granted: bool = False
) -> Listing[MatchingShape]:
    """Own footprints that meet the criteria of a request, whether they are granted or not.

    Args:
        context: of the call.
        request_id: of a peer's request.
        limit: at most so many.
        granted: just those that the peer sees already, as a fulfilment without ids delivers them.
    """
    now = context.node.now()

    def work(session: Session) -> list[MatchingShape]:
        request = requests.get(session, request_id, to_change=False)
        if request.direction != Direction.INCOMING:
            raise RefusedError(f"request {request_id} is our own; the peer answers it")
        criteria = requests.criteria_of(request)
        if granted:
            most = min(limit, context.node.settings.max_event_footprints + 1)
            given = deliveries.matching(session, request.peer_id, criteria, now, limit=most)
            found: Sequence[OwnFootprint] = footprints.of_ids(session, [one.id for one in given])
        else:
            found = footprints.meeting(session, criteria, limit=limit)
        seen = deliveries.named(session, request.peer_id, [one.id for one in found], now)
        return [
            MatchingShape(
                **footprint_shape(one).model_dump(),
                level=seen[one.id].level if one.id in seen else None,
            )
            for one in found
        ]

    return Listing(data=await context.node.store.read(work))


@router.post("/requests/{request_id}/fulfil", **RESPONSE)
async def fulfil(context: Context, request_id: RowId, given: FulfilInput) -> RequestShape:
    """Deliver footprints, granting them."""
    node = context.node

    def work(session: Session) -> Row:
        request = answering.fulfil(
            session, node, request_id, given.footprint_ids, node.now(), level=given.level
        )
        return request, pins.peer_row(session, request.peer_id).name

    return _request(*await node.store.write(work))


@router.post("/requests/{request_id}/reject", **RESPONSE)
async def reject(context: Context, request_id: RowId, given: RejectInput) -> RequestShape:
    """Say no."""
    node = context.node

    def work(session: Session) -> Row:
        request = answering.reject(session, node, request_id, given.reason, node.now())
        return request, pins.peer_row(session, request.peer_id).name

    return _request(*await node.store.write(work))


@router.get("/outbox", **RESPONSE)
async def list_outbox(
    context: Context,
    state: OutboxState | None = None,
    request: Annotated[int | None, Query(ge=1, le=MAX_ROW_ID)] = None,
    limit: Limit = 1000,
) -> Listing[OutboxShape]:
    """Outgoing events, newest first."""

    def work(session: Session) -> list[OutboxShape]:
        resting = peers.resting(session)
        rows = outbox.listing(session, state, request_id=request, limit=limit)
        return [_event(row, peer, is_at_rest=peer in resting) for row, peer in rows]

    return Listing(data=await context.node.store.read(work))


@router.post("/outbox/{outbox_id}/retry", **RESPONSE)
async def retry(context: Context, outbox_id: RowId) -> OutboxShape:
    """Send a dead or paused event again."""
    node = context.node

    def work(session: Session) -> OutboxShape:
        peer = pins.peer_row(session, outbox.get(session, outbox_id).peer_id)
        peers.require_not_removed(peer)
        answering.retry_delivery(session, node, outbox_id, node.now())
        row = outbox.get(session, outbox_id)
        act, now = Act.DELIVERY_RETRIED, node.now()
        audit.about_peer(session, act, now, peer, type=row.type, event=row.event_id)
        return _event(row, peer.name, is_at_rest=not peer.is_called)

    return await node.store.write(work)


def _request(request: Request, peer: str) -> RequestShape:
    is_open = request.state == RequestState.PENDING
    message = request.error_message
    error = None
    if not is_open and message is not None:
        error = ErrorShape(code=request.error_code or "", message=message)
    return RequestShape(
        id=request.id or 0,
        direction=Direction(request.direction),
        peer=peer,
        state=RequestState(request.state),
        criteria=json.loads(request.criteria),
        comment=request.comment,
        created_at=request.created_at,
        answered_at=request.answered_at,
        footprint_ids=json.loads(request.footprint_ids),
        error=error,
        note=message if is_open else None,
    )


def _event(row: OutboxEvent, peer: str, *, is_at_rest: bool) -> OutboxShape:
    """An event as it is shown; one for a peer that is not called has no next attempt."""
    is_due = row.state == OutboxState.PENDING and not is_at_rest
    return OutboxShape(
        id=row.id or 0,
        event_id=row.event_id,
        peer=peer,
        type=row.type,
        request_id=row.request_id,
        state=OutboxState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at if is_due else None,
        give_up_at=row.give_up_at if is_due else None,
        delivered_at=row.delivered_at,
        last_error=row.last_error,
    )
