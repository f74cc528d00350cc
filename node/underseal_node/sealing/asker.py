"""Whether whoever asks us to endorse is at the address that it says is its own.

An endorsement is made out to an address, and the pseudonym of a member of a roster is calculated
from it. Whoever could say that it is where another customer of ours is would learn our pseudonym in
the sealed sums of that customer, and so whether we stand in them.
"""

from __future__ import annotations

import structlog
from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.store.claims import claimants, is_one
from underseal_node.store.tables import Assurance, Peer, PeerState

__all__ = ["NOT_FOR_YOU", "NeverEndorsedError", "is_at_left_address", "require_own_address"]

log = structlog.get_logger(__name__)

NOT_FOR_YOU = "this node does not endorse figures for you"


class NeverEndorsedError(RefusedError):
    """This node endorses nothing for whoever asks."""


def require_own_address(session: Session, peer: Peer) -> None:
    """Refuse a customer at whose address another partner is, too, or was.

    Args:
        session: reads.
        peer: who asks; its keys are pinned.

    Raises:
        NeverEndorsedError: in the words of a customer for whom nothing is endorsed: whom else we
            know, it is not told.
    """
    others = [one for one in claimants(session, peer.issuer or "") if one.id != peer.id]
    if _are_it(others, peer):
        return
    names = sorted(one.name for one in others)
    log.warning("nothing is endorsed: others have this address, too", peer=peer.name, others=names)
    raise NeverEndorsedError(NOT_FOR_YOU)


def is_at_left_address(session: Session, peer: Peer) -> bool:
    """Whether a customer is where a peer was whose partnership has ended: a person has to say
    whether it is the same company."""
    return not _are_it(claimants(session, peer.issuer or "", [PeerState.REVOKED]), peer)


def _are_it(others: list[Peer], peer: Peer) -> bool:
    """Whether all of them are the same company as this one.

    The same keys say so only if the peer has shown that it holds them: anybody can show a public
    key of somebody else at first contact.
    """
    if not others:
        return True
    return is_one([*others, peer]) and peer.assurance != Assurance.FIRST_CONTACT
