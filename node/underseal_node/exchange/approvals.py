"""Approvals that need no person here: those that the other side gives, and those given beforehand.

A peer that has to approve us is asked now and then. It calls us as soon as its operator has
approved, which says so too; asking is for nodes that cannot be called.

A company whose invitation was approved beforehand is a partner as soon as the address that it has
registered shows the keys that it has registered: whoever has only read the invitation on its way
cannot be somebody else.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.exchange.approving import approve
from underseal_node.exchange.errors import (
    ROW_ERRORS,
    ApprovalPendingError,
    ClientUnknownError,
    CredentialsRefusedError,
    PartnershipEndedError,
    reason_of,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.watch import wait
from underseal_node.store import audit, peers, pins
from underseal_node.store.audit import Act, Actor
from underseal_node.store.tables import Awaits, Peer, PeerState
from underseal_node.trust import partnerships

__all__ = ["ApprovalWorker", "look_for_approval"]

log = structlog.get_logger(__name__)

ASKED_AT_A_TIME = 8
ASK_SECONDS = 30.0
LOOK_SECONDS = 1.0
# The longer it has taken, the less often it is worth asking.
AGE_SHARE = 20
MAX_PAUSE = timedelta(minutes=15)


class ApprovalWorker:
    """Asks the peers that have to approve us, and approves those that were approved beforehand.

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
            if await self._has_work():
                await self.ask()
                await self.approve()
                await self.look()
            await wait(stop, min(LOOK_SECONDS, self._node.settings.approval_poll_seconds))

    async def _has_work(self) -> bool:
        """One look for everything, because nearly always there is nothing to do."""
        try:
            return await self._node.store.read(
                lambda session: peers.any_pending(session) or pins.any_look_wanted(session)
            )
        except SQLAlchemyError:
            log.exception("the peers cannot be read")
            return False

    async def ask(self) -> None:
        """Ask every peer that has to approve us and whose turn it is."""
        await self._each(peers.waiting_for_them, self._ask)

    async def approve(self) -> None:
        """Approve what was approved beforehand, as far as it is who it says."""
        await self._each(peers.approved_beforehand, self._approve)

    async def look(self) -> None:
        """Look at the peers that have signed with keys that are not pinned."""
        try:
            if await self._node.store.read(pins.any_look_wanted):
                for peer_id in await self._node.store.write(pins.taken_looks):
                    await self._exchange.look_for_keys(peer_id)
        except SQLAlchemyError:
            log.exception("the peers cannot be read")

    async def _each(
        self,
        read: Callable[[Session], Sequence[Peer]],
        work: Callable[[Peer], Coroutine[None, None, None]],
    ) -> None:
        try:
            waiting = await self._node.store.read(read)
        except SQLAlchemyError:
            log.exception("the peers cannot be read")
            return
        await asyncio.gather(*(self._try(peer, work) for peer in waiting if self._is_due(peer)))

    def _is_due(self, peer: Peer) -> bool:
        """Registered with the other side, and not asked just now."""
        now = self._node.now()
        asked_at = self._asked_at.get(peer.id or 0)
        least = timedelta(seconds=self._node.settings.approval_poll_seconds)
        pause = max(least, min(MAX_PAUSE, (now - peer.created_at) / AGE_SHARE))
        return asked_at is None or now - asked_at >= pause

    async def _try(self, peer: Peer, work: Callable[[Peer], Coroutine[None, None, None]]) -> None:
        async with self._slots:
            self._asked_at[peer.id or 0] = self._node.now()
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    await work(peer)
            except SQLAlchemyError:
                log.exception("an approval cannot be written", peer=peer.name)
            except (TimeoutError, *ROW_ERRORS) as error:
                log.info("not approved yet", peer=peer.name, reason=reason_of(error))

    async def _ask(self, peer: Peer) -> None:
        await look_for_approval(self._exchange, peer.id or 0)

    async def _approve(self, peer: Peer) -> None:
        peer_id = peer.id or 0
        await approve(self._exchange, peer_id, actor=Actor.NODE)
        log.info("approved, as said beforehand", peer=peer.name)
        await self._exchange.ask_approval(peer_id)  # by which the peer learns of it


async def look_for_approval(exchange: Exchange, peer_id: int) -> None:
    """Ask one peer, and take up what it says.

    Raises:
        ApprovalPendingError: it has not decided yet.
        PartnershipEndedError: it has decided otherwise, or has forgotten our registration; then the
            partnership has ended here, too.
        ClientUnknownError: it has not heard of our registration yet.
        PeerError: it cannot be reached, or refuses for another reason.
    """
    node = exchange.node
    # Before the question: our registration may arrive while it is being answered.
    before = await node.store.read(lambda session: pins.peer_row(session, peer_id))
    had_arrived = before.is_registered_there
    try:
        await exchange.approved(peer_id)
    except ApprovalPendingError:
        await node.store.write(lambda session: _known_there(session, peer_id, node.now()))
        raise
    except ClientUnknownError as error:
        said, now = error, node.now()
        raise await node.store.write(
            lambda session: _unknown_there(session, peer_id, said, now, had_arrived=had_arrived)
        ) from None
    log.info("partnership approved", peer_id=peer_id)


def _known_there(session: Session, peer_id: int, now: datetime) -> None:
    """Remember that our registration has arrived; a file may take its time."""
    peer = pins.peer_row(session, peer_id)
    if not peer.is_registered_there:
        peer.is_registered_there = True
        pins.contacted(session, peer, now)


def _unknown_there(
    session: Session,
    peer_id: int,
    error: ClientUnknownError,
    now: datetime,
    *,
    had_arrived: bool,
) -> CredentialsRefusedError:
    """What it means that a peer does not know us: it has removed us, or has not heard of us yet.

    Whoever removes a peer with which nothing was exchanged keeps nothing of it, so it cannot say
    that the partnership has ended. It had our registration, if it has said so once.
    """
    peer = pins.peer_row(session, peer_id)
    if peer.state != PeerState.PENDING or peer.awaits != Awaits.THEM:
        return error
    name = shlex.quote(peer.name)
    if not had_arrived:
        return ClientUnknownError(
            f"{peer.name} does not have our registration yet",
            status=error.status,
            hint="If the reply went as a file, it has to run `underseal peer complete`; otherwise "
            "run `underseal peer accept` again. If the invitation counts no more: `underseal peer "
            f"remove {name}`, and ask for a new one.",
        )
    reason = f"{peer.name} has removed our registration"
    audit.about_peer(session, Act.PARTNERSHIP_ENDED, now, peer, actor=Actor.PEER, reason=reason)
    partnerships.ended(session, peer, now, reason)
    return PartnershipEndedError(
        reason,
        status=error.status,
        reason=reason,
        hint=f"Ask it for a new invitation, run `underseal peer remove {name}`, and accept that.",
    )
