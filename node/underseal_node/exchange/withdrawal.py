"""Taking back what waits in the outbox, when its peer may no longer see what it holds.

An event is made when something is published or a request is answered, and may wait for days; a
grant that has ended or was lowered meanwhile has its effect on it, too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from underseal_node.exchange.errors import ROW_ERRORS, reason_of
from underseal_node.exchange.raw_json import object_member
from underseal_node.exchange.requests import reject_instead
from underseal_node.node import Node
from underseal_node.store import deliveries, outbox, requests
from underseal_node.store.exchange_tables import RequestState
from underseal_node.store.leases import Delivery
from underseal_protocol.events import EventType
from underseal_protocol.strict_json import array_items, dumps, loads

__all__ = ["permitted"]

NO_LONGER = "what it tells of is no longer granted to the peer"


def permitted(session: Session, node: Node, delivery: Delivery, now: datetime) -> Delivery | None:
    """What of an event on its way the peer may still see.

    An answer to a request is sent whole or not at all: the request is rejected instead, in the
    words for what is not there. Should the peer have got the answer at an attempt of which we did
    not see the end, then this is a second one, which it ignores; none at all would be worse.

    Args:
        delivery: of the outbox, leased.

    Returns:
        what to send; None: nothing, it was taken back.
    """
    try:
        if delivery.type == EventType.PUBLISHED:
            return _still_granted(session, delivery, now)
        if delivery.type != EventType.REQUEST_FULFILLED:
            return delivery
        reason = _objection(session, delivery, now)
    except ROW_ERRORS as error:  # what cannot be checked is not sent
        reason = f"it cannot be told whether the peer may see this: {reason_of(error)}"
    if reason is None:
        return delivery
    row = outbox.bury(session, delivery.id, reason)
    if row.request_id is not None:
        request = requests.get(session, row.request_id)
        if request.state == RequestState.FULFILLED:  # not yet taken back
            reject_instead(session, node, request, now)
    return None


def _still_granted(session: Session, delivery: Delivery, now: datetime) -> Delivery | None:
    """A Published event, about what is granted at this moment only.

    Raises:
        JsonError: the event is not what it was made as.
    """
    event = loads(delivery.body)
    ids = event["data"]["pfIds"]
    granted = deliveries.visible(session, delivery.peer_id, ids, now)
    if len(granted) == len(set(ids)):
        return delivery
    if not granted:
        outbox.bury(session, delivery.id, NO_LONGER)
        return None
    event["data"]["pfIds"] = [one for one in ids if one in granted]
    return replace(delivery, body=dumps(event))


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
    return NO_LONGER
