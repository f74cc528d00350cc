"""The operator's decisions about what has changed at a peer."""

from __future__ import annotations

from sqlmodel import Session

from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.intake import reverify
from underseal_node.exchange.receiving import json_limits
from underseal_node.exchange.verification import trust_in
from underseal_node.settings import Settings
from underseal_node.store import pins
from underseal_node.store.tables import Peer

__all__ = ["confirm_endpoint", "confirm_keys"]


def confirm_endpoint(session: Session, peer_id: int) -> Peer:
    """Trust the token endpoint that discovery found instead of the pinned one.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    pending = pins.peer_row(session, peer_id).pending_token_endpoint
    origin = "" if pending is None else str(origin_of(pending))
    return pins.confirm_endpoint(session, peer_id, origin)


def confirm_keys(session: Session, settings: Settings, peer_id: int) -> int:
    """Trust the new keys of a peer, and judge again what came from it meanwhile.

    Returns:
        how many received footprints are verified now that were not.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    peer = pins.confirm_keys(session, peer_id)
    return reverify(session, peer_id, trust_in(peer), json_limits(settings))
