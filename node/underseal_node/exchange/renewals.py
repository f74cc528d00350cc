"""The worker that keeps the client ids of partners from running out.

The end of a client id is there so that one which nobody uses does not stay good for ever; between
partners that are there, nobody has to think of it. Each node looks after its own client ids at the
others, because it can call them also where it cannot be called. A new client id that a partner has
not confirmed, because a call or this node broke off, is told again until it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.exchange.client_ids import renew_ours, tell_issued
from underseal_node.exchange.errors import ROW_ERRORS, reason_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.watch import wait
from underseal_node.store import clients
from underseal_node.store.tables import ClientCredential, Peer
from underseal_protocol.client_notice import IssuedClient

__all__ = ["RenewalWorker"]

log = structlog.get_logger(__name__)

# Later than the warnings begin, so that an operator sees them if nothing works.
RENEWED_BEFORE = timedelta(days=14)
LOOK_SECONDS = 30.0
# Between two calls of a partner; after a start there is none.
PAUSE = timedelta(minutes=15)
CALL_SECONDS = 30.0
CALLS_AT_A_TIME = 8


class RenewalWorker:
    """Has our client ids at partners renewed in time, also after they have expired, and tells
    partners theirs until they have confirmed them.

    Args:
        exchange: of this process.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._node = exchange.node
        self._tried_at: dict[int, datetime] = {}
        self._slots = asyncio.Semaphore(CALLS_AT_A_TIME)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            await self.step()
            await wait(stop, LOOK_SECONDS)

    async def step(self) -> None:
        """Call every partner whose turn it is."""
        now = self._node.now()
        try:
            due, untold = await self._node.store.read(
                lambda session: (
                    clients.due_there(session, now + RENEWED_BEFORE),
                    clients.untold(session, now),
                )
            )
        except SQLAlchemyError:
            log.exception("the peers cannot be read")
            return
        # Who is told has the other renewed by the same call.
        told = {peer.id for peer, _ in untold}
        await asyncio.gather(
            *(self._try(peer, partial(self._tell, row)) for peer, row in untold),
            *(self._try(peer, self._renew) for peer in due if peer.id not in told),
        )

    async def _try(self, peer: Peer, work: Callable[[int], Coroutine[None, None, None]]) -> None:
        peer_id, now = peer.id or 0, self._node.now()
        tried_at = self._tried_at.get(peer_id)
        if tried_at is not None and now - tried_at < PAUSE:
            return
        self._tried_at[peer_id] = now
        async with self._slots:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await work(peer_id)
            except SQLAlchemyError:
                log.exception("a client id cannot be written", peer=peer.name)
            except (TimeoutError, *ROW_ERRORS) as error:
                log.info("client id not settled", peer=peer.name, reason=reason_of(error))

    async def _renew(self, peer_id: int) -> None:
        await renew_ours(self._exchange, peer_id)

    async def _tell(self, row: ClientCredential, peer_id: int) -> None:
        if row.expires_at is not None:
            issued = IssuedClient(row.client_id, row.expires_at)
            await tell_issued(self._exchange, peer_id, issued)
