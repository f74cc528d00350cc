"""Going on with a partnership that was suspended here, or ended by the other side."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.exchange.errors import reason_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.store import announcements, peers
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust import partnerships
from underseal_node.trust.partnerships import Move

__all__ = ["resume"]

CALL_SECONDS = 10.0


async def resume(exchange: Exchange, name: str) -> list[str]:
    """End a suspension; or ask a peer that has ended the partnership whether that still holds.

    Args:
        exchange: of this process.
        name: of the peer.

    Returns:
        warnings for the operator.

    Raises:
        NotFoundError: there is no such peer.
        RefusedError: neither is the case.
        PartnershipEndedError: it still holds.
        PeerError: the peer cannot be reached, or refuses for another reason.
    """
    node = exchange.node
    peer = await node.store.read(lambda session: peers.by_name(session, name))
    if peer.state == PeerState.ACTIVE and peer.ended_by_peer_at is not None:
        await exchange.ask_approval(peer.id or 0)
        return []
    warnings = await _look_at_keys(exchange, peer)

    def work(session: Session) -> None:
        current = peers.by_name(session, name)
        partnerships.move(session, current, Move.RESUME, node.now())
        give_up_after = timedelta(hours=node.settings.outbox_give_up_hours)
        announcements.enqueue_missed(session, current, node.now(), give_up_after=give_up_after)

    await node.store.write(work)
    return warnings


async def _look_at_keys(exchange: Exchange, peer: Peer) -> list[str]:
    """Look at a peer before anything is taken from it again: what it has told of its keys
    meanwhile was refused. The first call looks once more, as this look may fail."""
    if peer.state != PeerState.SUSPENDED or peer.base_url is None:
        return []
    exchange.look_again(peer.id or 0)
    try:
        async with asyncio.timeout(CALL_SECONDS):
            found = await exchange.contact(peer.id or 0)
    except (TimeoutError, NodeError) as error:
        why = reason_of(error) if isinstance(error, NodeError) else "no answer in time"
        return [f"the keys of {peer.name} could not be looked at; the next call does: {why}"]
    exchange.look_again(peer.id or 0)
    return found.warnings
