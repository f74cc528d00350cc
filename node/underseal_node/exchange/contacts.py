"""What calls to a peer show of how it stands with us, noted with the peer.

Its token endpoint is the place where it says so, and whoever calls it comes by there: pulls, the
outbox, receipts, and everything else.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.errors import PartnershipEndedError, advice_of
from underseal_node.node import Node
from underseal_node.store import peers
from underseal_node.store.audit import Actor
from underseal_node.store.tables import PeerState
from underseal_node.trust import partnerships

__all__ = ["failed", "note_failure", "worked"]


async def worked(node: Node, peer_id: int) -> None:
    """The peer has issued a token to us: it has not ended the partnership, or not for good.

    Args:
        node: whose peer.
        peer_id: who.
    """
    # Nearly always there is nothing to write.
    if not await node.store.read(lambda session: peers.is_troubled(session, peer_id)):
        return

    def work(session: Session) -> None:
        peer = peers.by_id(session, peer_id)
        if peer is not None:
            partnerships.readmitted(session, peer, node.now(), Actor.NODE, node.settings)
            peers.reached(session, peer)

    await node.store.write(work)


async def failed(node: Node, peer_id: int, error: PeerError) -> None:
    """The peer has not issued a token to us.

    Args:
        node: whose peer.
        peer_id: who.
        error: why.
    """
    now = node.now()
    await node.store.write(lambda session: note_failure(session, peer_id, error, now))


def note_failure(session: Session, peer_id: int, error: PeerError, now: datetime) -> None:
    """A call to the peer has failed; that it has ended the partnership is noted as that, once.

    Args:
        session: writes.
        peer_id: who.
        error: why.
        now: aware.
    """
    peer = peers.by_id(session, peer_id)
    if peer is None:  # removed meanwhile
        return
    if isinstance(error, PartnershipEndedError):
        partnerships.ended_by_peer(session, peer, now, error.reason)
    elif peer.state != PeerState.PENDING:  # such a peer is asked again and again
        peers.troubled(session, peer, advice_of(error), now)
