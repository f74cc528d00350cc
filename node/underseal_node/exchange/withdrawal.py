"""Taking back an answer that waits in the outbox, when its peer may no longer see what it holds.

An event is made when a request is answered and may wait for days; a grant that is removed or
lowered meanwhile has its effect on it, too.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.exchange.errors import ROW_ERRORS, reason_of
from underseal_node.exchange.raw_json import object_member
from underseal_node.exchange.requests import reject_instead
from underseal_node.node import Node
from underseal_node.store import deliveries, outbox, requests
from underseal_node.store.outbox import Delivery
from underseal_node.store.tables import RequestState
from underseal_protocol.events import EventType
from underseal_protocol.strict_json import array_items

__all__ = ["withdraw"]


def withdraw(session: Session, node: Node, delivery: Delivery, now: datetime) -> bool:
    """Take back an answer on its way, if the peer may no longer see all of what it delivers.

    The request is rejected instead, in the words for what is not there. Should the peer have got
    the answer at an attempt of which we did not see the end, then this is a second one, which it
    ignores; none at all would be worse.

    Args:
        delivery: of the outbox, leased.

    Returns:
        whether it was taken back; then it must not be sent.
    """
    if delivery.type != EventType.REQUEST_FULFILLED:
        return False
    try:
        reason = _objection(session, delivery, now)
    except ROW_ERRORS as error:  # what cannot be checked is not sent
        reason = f"it cannot be told whether the peer may see this: {reason_of(error)}"
    if reason is None:
        return False
    row = outbox.bury(session, delivery.id, reason)
    if row.request_id is not None:
        request = requests.get(session, row.request_id)
        if request.state == RequestState.FULFILLED:  # not yet taken back
            reject_instead(session, node, request, now)
    return True


def _objection(session: Session, delivery: Delivery, now: datetime) -> str | None:
    """Why an answer must not be sent; `None` when it may."""
    request_id = outbox.get(session, delivery.id).request_id
    if request_id is None:
        return None
    ids: list[str] = json.loads(requests.get(session, request_id).footprint_ids)
    bodies = array_items(object_member(delivery.body, "data"), "pfs")
    shown = dict(zip(ids, bodies, strict=True))
    if deliveries.may_see(session, delivery.peer_id, shown, now):
        return None
    return "what it delivers is no longer granted to the peer"
