"""Whether a requester may still do what it has begun.

Between the first look at a requester and the end of its request as much time may pass as its body
takes, and what an operator has revoked meanwhile must not have an effect any more.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from underseal_node.store import peers
from underseal_node.store.requester_sql import BY_CLIENT
from underseal_node.store.served import Requester, RequesterUnknownError
from underseal_node.store.served_rows import asking, check_requester
from underseal_node.store.tables import Peer
from underseal_node.store.types import utc_text

__all__ = ["standing_peer"]


def standing_peer(session: Session, requester: Requester, now: datetime) -> Peer:
    """The peer behind a request, checked again in the transaction that writes for it.

    Args:
        session: writes; a revocation comes before this transaction, or after it.
        requester: as it was at the beginning of the request.
        now: aware; the present, not the beginning.

    Raises:
        RequesterUnknownError: its credentials or its token are not accepted any more.
        PeerSuspendedError: it may not call at present.
    """
    peer = peers.by_id(session, requester.peer_id)
    bearer = requester.bearer
    asked = session.execute(text(BY_CLIENT.requester), asking(bearer))
    check_requester([tuple(one) for one in asked], bearer.issued_at, utc_text(now))
    if peer is None:
        raise RequesterUnknownError("the client is not known here")
    return peer
