"""`POST /3/events` (PACT 3.0, Action Events): store it, answer 200; the worker does the rest."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import BadRequestError, TooManyRequestsError
from underseal_node.pact.sources import check_source
from underseal_node.store import audit, inbox, pins
from underseal_node.store.audit import Act, Actor
from underseal_node.store.serving import Requester
from underseal_node.store.standing import standing_peer
from underseal_protocol.events import (
    AnyEvent,
    PublishedEvent,
    RequestFulfilledEvent,
    parse_event,
)
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["EventsEndpoint"]

# CloudEvents 1.0, HTTP binding, section 3.2; many send plain JSON.
CONTENT_TYPES = ("application/cloudevents+json", "application/json")
MAX_EVENT_ID_CHARACTERS = 1024
# Of JSON: what takes no time to count takes memory to read.
MAX_JSON_PARTS = 1_000_000
READ_AT_ONCE_BYTES = 256 * 1024
MAX_PUBLISHED_IDS = 50_000
INBOX_RETRY_SECONDS = 60


class EventsEndpoint:
    """Takes events of peers into the inbox, each once.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        settings = context.node.settings
        self._max_bytes = settings.max_request_body_bytes
        self._max_footprints = settings.max_event_footprints
        self._one_at_a_time = asyncio.Semaphore(1)
        self._limits = JsonLimits(
            max_bytes=settings.max_request_body_bytes, max_depth=settings.max_json_depth
        )

    async def handle(self, request: Request) -> Response:
        """Handle one request: 200 with an empty body when the event is on disk.

        Raises:
            ProtocolError: the body is not JSON, or not an event of PACT 3.
            BadRequestError: content type, source or size are not acceptable.
            TooManyRequestsError: more of the peer waits to be handled than may.
        """
        context = self._context
        now = context.node.now()
        requester = await context.requester(request.scope, now)
        await self._check_quota(requester.peer_id)
        check_content_type(request.headers.get("content-type"))
        body = await read_body(request.scope, request.receive, self._max_bytes)
        document = await self._read(body)
        if not isinstance(document, dict):
            raise BadRequestError("the event is not a JSON object")
        event = parse_event(document)
        if len(event.id) > MAX_EVENT_ID_CHARACTERS:
            raise BadRequestError(f"the id is longer than {MAX_EVENT_ID_CHARACTERS} characters")
        if "\0" in event.id:
            raise BadRequestError("the id holds a character that no database takes as a text")
        await self._check_source(event.source, requester)
        self._check_count(event)
        await self._accept(requester, event.id, event.type, body, now)
        return Response(status_code=200)

    async def _check_quota(self, peer_id: int) -> None:
        """Refuse, before reading it, what would not be accepted.

        Raises:
            TooManyRequestsError: more of this peer waits already than may.
        """
        store = self._context.node.store
        waiting = await store.read(lambda session: inbox.waiting(session, peer_id))
        self._refuse_beyond(waiting)

    def _refuse_beyond(self, waiting: inbox.Waiting, more_bytes: int = 0) -> None:
        settings = self._context.node.settings
        is_full = waiting.events >= settings.max_inbox_events_per_peer or (
            waiting.bytes + more_bytes > settings.max_inbox_bytes_per_peer
        )
        # The first one is always taken: otherwise a large one could never be delivered.
        if is_full and waiting.events:
            raise TooManyRequestsError(
                "too many of your events are waiting to be handled",
                retry_after_seconds=INBOX_RETRY_SECONDS,
            )

    async def _check_source(self, source: str, requester: Requester) -> None:
        """Refuse an event in another's name; the names that the peer had before it moved are its
        own: what waited in its outbox meanwhile was written under them.

        Raises:
            BadRequestError: the source is not the requester's.
        """
        try:
            check_source(source, requester.base_url)
        except BadRequestError:
            issuers = await self._context.node.store.read(
                lambda session: pins.issuers(session, requester.peer_id)
            )
            if requester.base_url is None or not any(_is_from(source, one) for one in issuers):
                raise

    def _check_count(self, event: AnyEvent) -> None:
        """Refuse what would keep everybody else waiting.

        Raises:
            BadRequestError: it names or holds too many footprints.
        """
        if isinstance(event, PublishedEvent) and len(event.pf_ids) > MAX_PUBLISHED_IDS:
            raise BadRequestError(f"pfIds holds more than {MAX_PUBLISHED_IDS} ids; send several")
        is_too_many = isinstance(event, RequestFulfilledEvent) and (
            len(event.footprints) > self._max_footprints
        )
        if is_too_many:
            raise BadRequestError(f"pfs holds more than {self._max_footprints} footprints")

    async def _read(self, body: bytes) -> object:
        """Read JSON; what is large beside the event loop, and one at a time.

        Raises:
            ProtocolError: it is not JSON.
            BadRequestError: it has more parts than any event.
        """
        if sum(body.count(mark) for mark in (b"[", b"{", b",")) > MAX_JSON_PARTS:
            raise BadRequestError(f"the event has more than {MAX_JSON_PARTS} parts")
        if len(body) <= READ_AT_ONCE_BYTES:
            return loads(body, limits=self._limits)
        async with self._one_at_a_time:
            return await asyncio.to_thread(loads, body, limits=self._limits)

    async def _accept(
        self, requester: Requester, event_id: str, event_type: str, body: bytes, now: datetime
    ) -> None:
        node, peer_id = self._context.node, requester.peer_id

        def accept(session: Session) -> bool:
            standing_peer(session, requester, node.now())
            # Again, because several come at the same time.
            self._refuse_beyond(inbox.waiting(session, peer_id), len(body))
            is_new = inbox.accept(session, peer_id, event_id, event_type, body, now)
            if is_new:
                audit.record(
                    session,
                    Act.EVENT_RECEIVED,
                    now,
                    actor=Actor.PEER,
                    peer_id=peer_id,
                    detail={"type": event_type, "event": event_id},
                )
            return is_new

        # An event that is there already is answered alike: the sender did not see our answer.
        await node.store.write_together(accept, order=peer_id)


def _is_from(source: str, url: str) -> bool:
    try:
        check_source(source, url)
    except BadRequestError:
        return False
    return True


def check_content_type(value: str | None) -> None:
    """Refuse what is not a structured CloudEvent; parameters such as the charset do not matter.

    Raises:
        BadRequestError: another content type, or none.
    """
    if (value or "").split(";")[0].strip().lower() not in CONTENT_TYPES:
        raise BadRequestError(f"the content type must be {CONTENT_TYPES[0]}")
