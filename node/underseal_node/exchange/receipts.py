"""Receipts that peers give us: acknowledging what we received from them, and keeping their answer.

Whatever was received and verified and has no receipt yet is acknowledged: after a pull, after a
fulfilled request, after footprints that an event named were fetched. The peer is an Underseal node;
others have no such thing. An acknowledgement that was not answered is sent again, the same one, the
next time. That a receipt cannot be had is a warning; that one does not hold is an alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from sqlmodel import Session

from underseal_node.errors import AuditLogError, PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import AnswerError
from underseal_node.exchange.exchange import Exchange
from underseal_node.store import audit as recording
from underseal_node.store import pins, receipts, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.audit_tables import Receipt as ReceiptRow
from underseal_node.store.audit_tables import ReceiptRole, ReceiptState
from underseal_node.trust import audit
from underseal_node.trust.receipts import pinned_keys
from underseal_protocol.errors import ProtocolError
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.receipt import (
    MAX_FOOTPRINTS,
    Head,
    Receipt,
    Received,
    issue_acknowledgement,
    read_acknowledgement,
    read_receipt,
)

__all__ = ["acknowledge"]

log = structlog.get_logger(__name__)

# Of one call: more than that is acknowledged after the next pull.
MAX_ACKNOWLEDGEMENTS = 100


@dataclass(frozen=True)
class _Waiting:
    """An acknowledgement that has no answer yet."""

    id: str
    token: str


async def acknowledge(exchange: Exchange, access: Access) -> list[str]:
    """Acknowledge what came from a peer and keep its receipts.

    Args:
        exchange: of this process, in the role `manage`.
        access: of the peer.

    Returns:
        warnings for the operator.
    """
    if not access.is_underseal:
        return []
    node = exchange.node
    node.signing_key(KeyPurpose.RECEIPT)  # here, not in the writer thread
    for _ in range(MAX_ACKNOWLEDGEMENTS):
        try:
            waiting = await node.store.write(partial(_next, exchange, access))
        except AuditLogError as error:  # what would be signed about our own log is not known
            return [f"nothing is acknowledged to {access.name}: {error.message}"]
        if waiting is None:
            return []
        try:
            answer = await exchange.client.post_acknowledgement(access, waiting.token)
        except PeerError as error:
            log.warning("no receipt", peer=access.name, reason=error.message)
            if isinstance(error, AnswerError) and error.is_lasting:
                await node.store.write(partial(_refused, exchange, waiting, error.message))
            return [f"no receipt of {access.name}: {error.message}"]
        if answer is None:
            log.info("no receipt yet; it is asked for again the next time", peer=access.name)
            return []
        warning = await node.store.write(partial(_keep, exchange, access, waiting, answer))
        if warning is not None:
            return [warning]
    return []


def _next(exchange: Exchange, access: Access, session: Session) -> _Waiting | None:
    """What is to be sent: what was not answered before, or what has not been acknowledged yet."""
    row = receipts.unanswered(session, access.peer_id)
    if row is not None:
        return _Waiting(row.id, row.acknowledgement)
    found = received.without_receipt(session, access.peer_id, limit=MAX_FOOTPRINTS)
    peer = pins.peer_row(session, access.peer_id)
    if not found or peer.issuer is None:
        return None
    node, now = exchange.node, exchange.node.now()
    while (appended := audit.append(session, node)).has_more:
        pass
    newest = receipts.newest_held(session, access.peer_id)
    token = issue_acknowledgement(
        footprints=[Received(footprint_id, digest) for footprint_id, digest in found],
        head=Head(appended.size, appended.root) if appended.size else None,
        known_size=None if newest is None else newest.head_size,
        key=node.signing_key(KeyPurpose.RECEIPT),
        issuer=node.identity.url,
        audience=peer.issuer,
        issued_at=now,
    )
    digest = read_acknowledgement(token, keys=node.public_keys).digest
    row = receipts.add(session, ReceiptRole.HELD, access.peer_id, digest, token, now)
    recording.record(
        session,
        Act.ACKNOWLEDGEMENT_SENT,
        now,
        actor=Actor.NODE,
        peer_id=access.peer_id,
        footprint_ids=[footprint_id for footprint_id, _ in found],
        detail={"acknowledgement": digest},
    )
    return _Waiting(row.id, token)


def _refused(exchange: Exchange, waiting: _Waiting, reason: str, session: Session) -> None:
    """The peer will not answer this one; what it is about is acknowledged anew the next time."""
    row = session.get_one(ReceiptRow, waiting.id)
    row.state, row.reason, row.done_at = ReceiptState.FAILED, reason, exchange.node.now()
    session.add(row)


def _keep(
    exchange: Exchange, access: Access, waiting: _Waiting, token: str, session: Session
) -> str | None:
    """Check a receipt and keep it. Returns what is wrong with it."""
    node, now = exchange.node, exchange.node.now()
    row = session.get_one(ReceiptRow, waiting.id)
    if row.state != ReceiptState.PENDING:
        return None
    peer = pins.peer_row(session, access.peer_id)
    row.token, row.done_at = token, now
    session.add(row)
    keys = pinned_keys(peer)
    try:
        given = read_acknowledgement(row.acknowledgement, keys=audit.receipt_keys(session))
        receipt = read_receipt(token, keys=keys, acknowledgement=given)
    except ProtocolError as error:
        row.state, row.reason = ReceiptState.FAILED, error.message
        message = f"the receipt of {access.name} does not hold: {error.message}"
        return _alert(session, access, message, token, exchange)
    warning = _continues(session, exchange, access, receipt)
    row.state, row.number, row.head_size = ReceiptState.DONE, receipt.number, receipt.head.size
    ids = [one.footprint_id for one in given.footprints]
    received.set_receipt(session, access.peer_id, ids, row.id)
    recording.record(
        session,
        Act.RECEIPT_RECEIVED,
        now,
        actor=Actor.NODE,
        peer_id=access.peer_id,
        footprint_ids=[one.footprint_id for one in receipt.footprints],
        detail={"acknowledgement": given.digest, "size": receipt.head.size},
    )
    if receipt.unconfirmed and warning is None:
        message = (
            f"{access.name} does not confirm {len(receipt.unconfirmed)} footprints that came from "
            f"it, such as {receipt.unconfirmed[0][:36]}"
        )
        warning = _alert(session, access, message, token, exchange)
    session.flush()
    log.info(
        "receipt", peer=access.name, footprints=len(receipt.footprints), node=node.identity.url
    )
    return warning


def _continues(
    session: Session, exchange: Exchange, access: Access, receipt: Receipt
) -> str | None:
    """Whether the peer's log is the continuation of the one that it has shown us before."""
    newest = receipts.newest_held(session, access.peer_id)
    if newest is None or newest.token is None:
        return None
    try:
        before = read_receipt(
            newest.token, keys=pinned_keys(pins.peer_row(session, access.peer_id))
        )
        receipt.check_continues(before.head)
    except ProtocolError as error:
        message = (
            f"the audit log of {access.name} is not the one that it has shown us before: "
            f"{error.message}"
        )
        return _alert(session, access, message, receipt.token, exchange)
    return None


def _alert(session: Session, access: Access, message: str, token: str, exchange: Exchange) -> str:
    raise_alert(
        session,
        AlertKind.RECEIPT,
        message,
        exchange.node.now(),
        peer_id=access.peer_id,
        evidence=token.encode(),
    )
    return message
