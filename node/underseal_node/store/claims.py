"""Which peers say that an address is theirs.

Peers say themselves where they are, and where they were before they moved. So one can say that it
is, or was, where another one is. Nobody here can tell who of them is right; what matters is to see
that there are several.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlmodel import Session, col, or_, select

from underseal_node.store.tables import Peer, PeerState

__all__ = ["PARTNERS", "claimants", "is_one"]

PARTNERS = (PeerState.ACTIVE, PeerState.SUSPENDED)
"""Not those that were only invited, or whose partnership was ended: nobody vouches for them."""


def claimants(session: Session, url: str, states: Collection[PeerState] = PARTNERS) -> list[Peer]:
    """The peers with pinned keys that sign under a URL, or did before they moved, by id.

    Args:
        session: reads.
        url: of a node; a slash at its end does not count.
        states: of the peers.
    """
    wanted = url.rstrip("/")
    statement = select(Peer).where(
        col(Peer.state).in_(states),
        col(Peer.key_set).is_not(None),
        or_(
            col(Peer.issuer).startswith(wanted, autoescape=True),
            col(Peer.former_issuers).contains(wanted, autoescape=True),
        ),
    )
    return [
        peer
        for peer in session.exec(statement.order_by(col(Peer.id)))
        if wanted in {one.rstrip("/") for one in (peer.issuer or "", *_former(peer))}
    ]


def _former(peer: Peer) -> list[str]:
    found: list[str] = json.loads(peer.former_issuers)
    return found


def is_one(found: Collection[Peer]) -> bool:
    """Whether they are one company: they have the same keys, or there is only one of them."""
    return len({peer.key_set for peer in found}) == 1
