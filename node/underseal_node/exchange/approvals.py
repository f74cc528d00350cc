"""Waiting for the other side to approve a partnership: asked now and then, until it has decided.

The other node calls us as soon as its operator has approved, which says so too; asking is for nodes
that it cannot call.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.exchange.errors import ROW_ERRORS, PartnershipEndedError, reason_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.outbox import wait
from underseal_node.store import peers, pins
from underseal_node.store.tables import Awaits, Peer, PeerState
from underseal_node.trust import partnerships

__all__ = ["ApprovalWorker", "look_for_approval"]

log = structlog.get_logger(__name__)

ASKED_AT_A_TIME = 8
ASK_SECONDS = 30.0
# The longer it has taken, the less often it is worth asking.
AGE_SHARE = 20
MAX_PAUSE = timedelta(minutes=15)


class ApprovalWorker:
    """Asks the peers that have to approve us.

    Args:
        exchange: of this process.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._node = exchange.node
        self._asked_at: dict[int, datetime] = {}
        self._slots = asyncio.Semaphore(ASKED_AT_A_TIME)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            await self.ask()
            await wait(stop, self._node.settings.approval_poll_seconds)

    async def ask(self) -> None:
        """Ask every peer whose turn it is."""
        try:
            waiting = await self._node.store.read(peers.waiting_for_them)
        except SQLAlchemyError:
            log.exception("the peers cannot be read")
            return
        due = [peer for peer in waiting if self._is_due(peer)]
        await asyncio.gather(*(self._ask(peer) for peer in due))

    def _is_due(self, peer: Peer) -> bool:
        """Registered with the other side, and not asked just now."""
        now = self._node.now()
        asked_at = self._asked_at.get(peer.id or 0)
        pause = min(MAX_PAUSE, (now - peer.created_at) / AGE_SHARE)
        return asked_at is None or now - asked_at >= pause

    async def _ask(self, peer: Peer) -> None:
        async with self._slots:
            self._asked_at[peer.id or 0] = self._node.now()
            try:
                await look_for_approval(self._exchange, peer.id or 0)
            except SQLAlchemyError:
                log.exception("an approval cannot be written", peer=peer.name)
            except (TimeoutError, *ROW_ERRORS) as error:
                log.info("not approved yet", peer=peer.name, reason=reason_of(error))


async def look_for_approval(exchange: Exchange, peer_id: int) -> None:
    """Ask one peer, and take up what it says.

    Raises:
        ApprovalPendingError: it has not decided yet.
        PartnershipEndedError: it has decided otherwise; then the partnership has ended here, too.
        PeerError: it cannot be reached, or refuses for another reason.
    """
    node = exchange.node
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await exchange.ask_approval(peer_id)
    except PartnershipEndedError as error:
        reason = error.message

        def work(session: Session) -> None:
            peer = pins.peer_row(session, peer_id)
            if peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM:
                partnerships.ended(session, peer, node.now(), reason)

        await node.store.write(work)
        raise
    await node.store.write(
        lambda session: partnerships.activated(session, pins.peer_row(session, peer_id))
    )
    log.info("partnership approved", peer_id=peer_id)
