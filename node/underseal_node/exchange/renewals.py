"""The worker that keeps the client ids of partners from running out.

The end of a client id is there so that one which nobody uses does not stay good for ever; between
partners that are there, nobody has to think of it. Each node looks after its own client ids at the
others, because it can call them also where it cannot be called.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.exchange.client_ids import renew_ours
from underseal_node.exchange.errors import ROW_ERRORS, reason_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.outbox import wait
from underseal_node.store import clients
from underseal_node.store.tables import Peer

__all__ = ["RenewalWorker"]

log = structlog.get_logger(__name__)

# Later than the warnings begin, so that an operator sees them if nothing works.
RENEWED_BEFORE = timedelta(days=14)
LOOK_SECONDS = 30.0
PAUSE = timedelta(hours=1)
CALL_SECONDS = 30.0
CALLS_AT_A_TIME = 8


class RenewalWorker:
    """Has our client ids at partners renewed in time, also after they have expired.

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
        """Ask every partner whose turn it is."""
        due = self._node.now() + RENEWED_BEFORE
        try:
            waiting = await self._node.store.read(lambda session: clients.due_there(session, due))
        except SQLAlchemyError:
            log.exception("the peers cannot be read")
            return
        await asyncio.gather(*(self._try(peer) for peer in waiting if self._is_due(peer)))

    def _is_due(self, peer: Peer) -> bool:
        tried_at = self._tried_at.get(peer.id or 0)
        return tried_at is None or self._node.now() - tried_at >= PAUSE

    async def _try(self, peer: Peer) -> None:
        async with self._slots:
            self._tried_at[peer.id or 0] = self._node.now()
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await renew_ours(self._exchange, peer.id or 0)
            except SQLAlchemyError:
                log.exception("a client id cannot be written", peer=peer.name)
            except (TimeoutError, *ROW_ERRORS) as error:
                log.info("client id not renewed", peer=peer.name, reason=reason_of(error))
