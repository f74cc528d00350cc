"""The worker that handles accepted events, each once per (peer, event id).

What an event changes is written in the transaction that marks it as handled: a kill comes before
both or after both. The footprints that a Published event names are fetched first, peer by peer, so
that a slow peer delays nobody else; fetching twice does no harm.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session

from underseal_node.errors import NodeError, RefusedError
from underseal_node.exchange.answers import Event, handle_event, prepare
from underseal_node.exchange.errors import ROW_ERRORS, reason_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.fetching import Fetched, fetch
from underseal_node.exchange.lanes import Lanes
from underseal_node.exchange.outbox import next_attempt
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.receipts import acknowledge
from underseal_node.exchange.requests import give_up_after
from underseal_node.exchange.watch import Watch
from underseal_node.store import inbox, pins
from underseal_node.store.exchange_tables import InboxEvent
from underseal_node.store.work import Work
from underseal_protocol.errors import EventError, JsonError
from underseal_protocol.events import PublishedEvent, RequestFulfilledEvent, parse_event
from underseal_protocol.strict_json import loads

__all__ = ["InboxWorker"]

log = structlog.get_logger(__name__)

PEERS_AT_A_TIME = 16
# A lane gives its place to others after so many events.
EVENTS_PER_TURN = 20


class InboxWorker:
    """Handles what is in the inbox.

    Args:
        exchange: of this process.
        chance: a number in 0..1, for the jitter.
    """

    def __init__(self, exchange: Exchange, *, chance: Callable[[], float] = random.random) -> None:
        self._exchange = exchange
        self._node = exchange.node
        self._chance = chance
        self._lanes = Lanes(PEERS_AT_A_TIME, self._lane)
        self._receipts = Lanes(PEERS_AT_A_TIME, self._acknowledge)
        # Of events whose other footprints could not be fetched yet.
        self._fetched: dict[int, Fetched] = {}

    async def run(self, stop: asyncio.Event, *, watch: Watch | None = None) -> None:
        """Work until told to stop.

        Args:
            stop: set it to end the work.
            watch: tells when there is something to do; shared by the workers of a process.
        """
        watch = watch or Watch(self._node)
        try:
            while not stop.is_set():
                await self.handle_due()
                await watch.until_due(Work.INBOX, stop)
        finally:
            # What was not fetched or acknowledged is so the next time.
            await self._lanes.finish(grace_seconds=0)
            await self._receipts.finish(grace_seconds=0)

    async def drain(self) -> None:
        """Handle what is due now and return when nothing is."""
        while await self.handle_due():
            await self._lanes.wait()
        await self._receipts.wait()

    async def handle_due(self) -> bool:
        """Handle the events that need no peer, and start a lane per peer for those that do.

        Returns:
            whether there was anything to do.
        """
        now = self._node.now()
        try:
            rows, publishers = await self._node.store.read(
                lambda session: (inbox.due(session, now), inbox.publishers(session, now))
            )
        except SQLAlchemyError:
            log.exception("the inbox cannot be read")
            return False
        self._lanes.start(publishers)
        for row in rows:
            await self._guarded(row, self._answer)
        return bool(rows or self._lanes)

    async def _lane(self, peer_id: int) -> None:
        """Handle the Published events of one peer, in their order."""

        def oldest(session: Session) -> InboxEvent | None:
            return inbox.next_published(session, peer_id, self._node.now())

        for _ in range(EVENTS_PER_TURN):
            try:
                row = await self._node.store.read(oldest)
            except SQLAlchemyError:
                log.exception("the inbox cannot be read")
                return
            if row is None or not await self._guarded(row, self._fetch):
                return

    async def _guarded(
        self, row: InboxEvent, work: Callable[[InboxEvent], Awaitable[None]]
    ) -> bool:
        """Handle a row; one that cannot be handled is postponed, and marked in the end.

        Returns:
            whether the row was handled.
        """
        try:
            await work(row)
        except OperationalError:
            log.exception("the database failed", seq=row.seq)
            return False
        except (*ROW_ERRORS, SQLAlchemyError) as error:
            await self._postpone(row, error)
            return False
        return True

    async def _answer(self, row: InboxEvent) -> None:
        """Events about requests."""
        event = await asyncio.to_thread(_event, row)
        while not await self._answered(row, event):
            log.info("judged again with other keys", seq=row.seq)
        if isinstance(event, RequestFulfilledEvent):
            self._receipts.start([(row.peer_id, False)])

    async def _answered(self, row: InboxEvent, event: Event) -> bool:
        """Handle an event; not when other keys were confirmed while footprints were judged."""
        node = self._node
        prepared = await prepare(self._exchange, row, event)
        now = node.now()

        def work(session: Session) -> bool:
            current = inbox.open_row(session, row.seq or 0)
            if current is None:
                return True
            peer = pins.peer_row(session, row.peer_id)
            if prepared is not None and not prepared.trust.holds(peer):
                return False
            outcome = handle_event(session, node, row.peer_id, event, prepared, now)
            inbox.handled(session, current, now, outcome)
            return True

        return await node.store.write(work)

    async def _fetch(self, row: InboxEvent) -> None:
        """Published events."""
        event = await asyncio.to_thread(_event, row)
        if not isinstance(event, PublishedEvent):
            raise EventError(f"the event is stored as {row.type} and is none")
        if not self._node.settings.pull_on_published:
            await self._handled(row, "not fetched: pull_on_published is off")
            return
        try:
            access = await self._exchange.access(row.peer_id)
        except RefusedError as error:
            await self._handled(row, f"not fetched: {error.message}")
            return
        fetched = self._fetched.setdefault(row.seq or 0, Fetched(PullProgress(access.name)))
        await fetch(self._exchange, access, event.pf_ids, fetched)
        outcome = f"fetched {fetched.progress.received} of {len(event.pf_ids)} footprints"
        if fetched.missing:
            outcome += f"; {fetched.missing} are not there for us"
        if fetched.progress.invalid:
            outcome += f"; {fetched.progress.invalid} are invalid"
        await self._handled(row, outcome)
        await self._acknowledge(row.peer_id)  # in the lane of this peer: it delays nobody else

    async def _acknowledge(self, peer_id: int) -> None:
        """Acknowledge what a peer has delivered, beside everything else."""
        try:
            await acknowledge(self._exchange, await self._exchange.access(peer_id))
        except NodeError as error:
            log.info("not acknowledged", peer_id=peer_id, reason=error.message)
        except SQLAlchemyError:
            log.exception("a receipt cannot be written", peer_id=peer_id)

    async def _handled(self, row: InboxEvent, outcome: str) -> None:
        now = self._node.now()

        def work(session: Session) -> None:
            current = inbox.open_row(session, row.seq or 0)
            if current is not None:
                inbox.handled(session, current, now, outcome)

        await self._node.store.write(work)
        self._fetched.pop(row.seq or 0, None)

    async def _postpone(self, row: InboxEvent, error: Exception) -> None:
        """Try later; when that has no prospect, mark the row so that it is left alone."""
        settings, now = self._node.settings, self._node.now()
        reason = reason_of(error)
        log.warning("an event was not handled", seq=row.seq, type=row.type, reason=reason)
        attempts = row.attempts + 1
        at = next_attempt(settings, attempts, error, now, self._chance())
        # A peer may be down for days; anything else does not mend itself.
        if isinstance(error, NodeError) and not isinstance(error, RefusedError):
            hopeless = now >= row.received_at + give_up_after(settings)
        else:
            hopeless = attempts >= settings.inbox_attempts

        def work(session: Session) -> None:
            current = inbox.open_row(session, row.seq or 0)
            if current is None:
                return
            if hopeless or at is None:
                current.attempts = attempts
                inbox.handled(session, current, now, f"given up: {reason}")
            else:
                inbox.postponed(session, current, at, reason)

        if hopeless or at is None:
            self._fetched.pop(row.seq or 0, None)
        try:
            await self._node.store.write(work)
        except SQLAlchemyError:
            log.exception("the database failed", seq=row.seq)


def _event(row: InboxEvent) -> Event:
    """What was accepted; it may be large, so this is not done in the event loop."""
    document = loads(row.body)
    if not isinstance(document, dict):
        raise JsonError("the stored event is no JSON object")
    return parse_event(document)
