"""The operator's decisions about what has changed at a peer."""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.intake import reverify
from underseal_node.exchange.receiving import json_limits
from underseal_node.exchange.rejudging import withdraw_trust
from underseal_node.exchange.verification import trust_in
from underseal_node.settings import Settings
from underseal_node.store import pins
from underseal_node.store.tables import Peer
from underseal_protocol.key_log import read_entry

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


def confirm_keys(session: Session, settings: Settings, peer_id: int, now: datetime) -> list[str]:
    """Trust the new keys of a peer, and judge again what came from it.

    What the log that comes with them has revoked, or does not hold any more, counts no more, as if
    the log had been followed; what came under the new keys meanwhile does.

    Args:
        settings: with the limits of what was received.
        peer_id: whose.
        now: aware.

    Returns:
        sentences for the operator, one for each key that is trusted no more.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    peer = pins.confirm_keys(session, peer_id)
    log = json.loads(peer.key_log)
    warnings = withdraw_trust(session, peer, read_entry(log[-1]), now) if log else []
    reverify(session, peer_id, trust_in(peer), json_limits(settings))
    return warnings
