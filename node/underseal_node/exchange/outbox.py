"""The worker that delivers events: at least once, in order per peer, for at most 72 hours.

Each peer has a lane: the oldest event is leased, sent, and its result is written together with the
lease of the next. Lanes run side by side, so a slow or dead peer delays nobody else; those whose
last attempt failed get half of the places at most (docs/adr/0006-outbox.md).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange import contacts
from underseal_node.exchange.errors import (
    ROW_ERRORS,
    AnswerError,
    UnreachableError,
    reason_of,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.lanes import Lanes
from underseal_node.exchange.watch import Watch
from underseal_node.exchange.withdrawal import permitted
from underseal_node.settings import Settings
from underseal_node.store import leases, outbox, requests
from underseal_node.store.announcements import KEY_LOG_EVENT
from underseal_node.store.exchange_tables import OutboxState, Request, RequestState
from underseal_node.store.leases import Delivery
from underseal_node.store.work import Work
from underseal_protocol.events import EventType

__all__ = ["OutboxWorker", "next_attempt"]

log = structlog.get_logger(__name__)

# A lane gives its place to others after so many events.
EVENTS_PER_TURN = 20

# Peers that do not answer keep a connection and little else; there may be hundreds of them.
WAITING_FOR_EACH_PLACE = 16

# The part of a lease in which an attempt has to be over: another worker may take the event then.
LEASE_SHARE = 0.8

MAX_DOUBLINGS = 40

# What was refused waits so many times the first pause before it is tried again: minutes.
REFUSED_PAUSE = 12


class OutboxWorker:
    """Delivers what is in the outbox.

    Several may run on one database: a lease keeps two from sending the same event at a time.

    Args:
        exchange: of this process.
        chance: a number in 0..1, for the jitter.
    """

    def __init__(self, exchange: Exchange, *, chance: Callable[[], float] = random.random) -> None:
        self._exchange = exchange
        self._node = exchange.node
        self._chance = chance
        places = self._node.settings.outbox_concurrency
        self._lanes = Lanes(places, self._lane, waiting=WAITING_FOR_EACH_PLACE)

    async def run(self, stop: asyncio.Event, *, watch: Watch | None = None) -> None:
        """Work until told to stop; then finish what is being sent.

        Args:
            stop: set it to end the work.
            watch: tells when there is something to do; shared by the workers of a process.
        """
        watch = watch or Watch(self._node)
        try:
            while not stop.is_set():
                await self.start_lanes()
                await watch.until_due(Work.OUTBOX, stop)
        finally:
            # After the grace time the leases free what was cut off.
            await self._lanes.finish(self._node.settings.shutdown_grace_seconds)

    async def drain(self) -> None:
        """Deliver what is due now and return when nothing is."""
        while await self.start_lanes():
            await self._lanes.wait()

    async def start_lanes(self) -> bool:
        """Start a lane for each peer that has something due, as far as there are places.

        Returns:
            whether there is anything to do.
        """
        now = self._node.now()
        try:
            waiting = await self._node.store.read(
                lambda session: leases.waiting_peers(session, now)
            )
        except SQLAlchemyError:
            log.exception("the outbox cannot be read")
            return False
        self._lanes.start(waiting)
        return bool(self._lanes)

    async def _lane(self, peer_id: int) -> None:
        lease = timedelta(seconds=self._node.settings.outbox_lease_seconds)

        try:
            delivery = await self._node.store.write_together(
                lambda session: self._claim(session, peer_id, lease), order=peer_id
            )
            for turn in range(EVENTS_PER_TURN):
                if delivery is None:
                    return
                delivery = await self._attempt(delivery, lease, is_last=turn + 1 == EVENTS_PER_TURN)
        except SQLAlchemyError:
            log.exception("the result of a delivery cannot be written", peer_id=peer_id)

    def _claim(self, session: Session, peer_id: int, lease: timedelta) -> Delivery | None:
        """Lease the next event of a peer; what it may no longer see is taken back on the way."""
        now = self._node.now()
        while (delivery := leases.claim(session, peer_id, now, lease)) is not None:
            allowed = permitted(session, self._node, delivery, now)
            if allowed is not None:
                return allowed
        return None

    async def _attempt(
        self, delivery: Delivery, lease: timedelta, *, is_last: bool
    ) -> Delivery | None:
        """Send one event and write down the result; returns the next one, leased."""
        store, peer_id = self._node.store, delivery.peer_id
        try:
            async with asyncio.timeout(lease.total_seconds() * LEASE_SHARE):
                access = await self._exchange.access(peer_id)
                if delivery.type == KEY_LOG_EVENT:
                    await self._exchange.client.post_key_log(access, delivery.body)
                else:
                    await self._exchange.client.post_event(access, delivery.body)
        except TimeoutError:
            late = UnreachableError("the peer took longer than the lease of the event")
            await store.write_together(self._failure(delivery, late), order=peer_id)
            return None
        except ROW_ERRORS as error:
            await store.write_together(self._failure(delivery, error), order=peer_id)
            return None
        now = self._node.now()

        def done(session: Session) -> Delivery | None:
            leases.delivered(session, delivery, now)
            return None if is_last else self._claim(session, peer_id, lease)

        return await store.write_together(done, order=peer_id)

    def _failure(self, delivery: Delivery, error: Exception) -> Callable[[Session], None]:
        settings, now, reason = self._node.settings, self._node.now(), reason_of(error)
        at = next_attempt(settings, delivery.attempts + 1, error, now, self._chance())
        if isinstance(error, AnswerError) and error.status == 404:
            self._exchange.look_again(delivery.peer_id)  # perhaps it has moved
        log.warning(
            "delivery failed",
            event_id=delivery.event_id,
            peer_id=delivery.peer_id,
            attempt=delivery.attempts + 1,
            reason=reason,
            next_attempt_at=None if at is None else at.isoformat(),
        )

        def work(session: Session) -> None:
            state = leases.failed(session, delivery, error=reason, next_attempt_at=at)
            if isinstance(error, PeerError):
                contacts.note_failure(session, delivery.peer_id, error, now)
            if state == OutboxState.DEAD:
                _give_up(session, delivery, reason, now)

        return work


def next_attempt(
    settings: Settings, attempts: int, error: Exception, now: datetime, chance: float
) -> datetime | None:
    """When to try a delivery again: exponential back-off with full jitter.

    Args:
        settings: first and longest wait.
        attempts: made so far, this one included.
        error: what went wrong.
        now: aware.
        chance: a number in 0..1.

    Returns:
        the instant; `None` when the peer has refused this event for good.
    """
    is_lasting = isinstance(error, AnswerError) and error.is_lasting
    if is_lasting and attempts >= settings.outbox_refused_attempts:
        return None
    doublings = min(attempts - 1, MAX_DOUBLINGS)
    ceiling = min(
        settings.outbox_first_retry_seconds * 2**doublings, settings.outbox_max_retry_seconds
    )
    seconds = ceiling * chance
    if is_lasting:
        # Not at once: a server that is being set up answers 404 for a while.
        seconds = max(seconds, settings.outbox_first_retry_seconds * REFUSED_PAUSE * attempts)
    asked = error.retry_after_seconds if isinstance(error, AnswerError) else None
    if asked is not None:
        # Bounded, so that a peer cannot push its events beyond the time they are kept.
        seconds = max(seconds, min(asked, settings.outbox_max_retry_seconds))
    return now + timedelta(seconds=seconds)


def _give_up(session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
    """A request that could not be delivered will never be answered."""
    row = outbox.get(session, delivery.id)
    if delivery.type != EventType.REQUEST_CREATED or row.request_id is None:
        return
    request = session.get(Request, row.request_id)
    if request is not None and request.state == RequestState.PENDING:
        requests.settle(
            session,
            request,
            RequestState.FAILED,
            now,
            error_message=f"The request could not be delivered: {reason}",
        )
