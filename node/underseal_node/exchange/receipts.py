"""Receipts that peers give us: acknowledging what we received from them, and keeping their answer.

Whatever was received and verified and has no receipt yet is acknowledged: after a pull, after a
fulfilled request, after footprints that an event named were fetched. The peer is an Underseal node;
others have no such thing. An acknowledgement that was not answered is sent again, the same one, the
next time. That a receipt cannot be had is a warning; that one does not hold is an alert.

A peer that was killed may have lost the reads of its last second. So what it does not confirm is
read from it once more and acknowledged again; only what is not confirmed then is an alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlmodel import Session

from underseal_node.errors import AuditLogError, PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import AnswerError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.receiving import receive_items
from underseal_node.store import audit as recording
from underseal_node.store import pins, receipts, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.audit_tables import Receipt as ReceiptRow
from underseal_node.store.audit_tables import ReceiptRole, ReceiptState
from underseal_node.trust import audit
from underseal_node.trust.receipts import pinned_keys
from underseal_protocol.errors import ProtocolError
from underseal_protocol.jws import named_key
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
# Of one call, one by one: what a killed peer lost is about a page.
MAX_READ_AGAIN = 200
CONFLICT = 409  # nothing of what is acknowledged was served, the peer says


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
        if waiting is None and not await _read_again(exchange, access):
            return []
        if waiting is None:
            continue
        try:
            answer = await exchange.client.post_acknowledgement(access, waiting.token)
        except PeerError as error:
            warning = await _not_answered(exchange, access, waiting, error)
        else:
            if answer is None:
                log.info("no receipt yet; it is asked for again the next time", peer=access.name)
                return []
            await _look_for_key(exchange, access, answer)
            warning = await node.store.write(partial(_keep, exchange, access, waiting, answer))
        if warning is not None:
            return [warning]
    return []


async def _look_for_key(exchange: Exchange, access: Access, receipt: str) -> None:
    """Look at the peer's keys if a receipt names another than the pinned: it may be newer."""
    peer = await exchange.node.store.read(lambda session: pins.peer_row(session, access.peer_id))
    if named_key(receipt) not in {key.kid for key in pinned_keys(peer)}:
        await exchange.look_for_keys(access.peer_id)


async def _read_again(exchange: Exchange, access: Access) -> bool:
    """Read once more what the peer does not confirm. Returns whether there was any such thing."""
    store, peer_id = exchange.node.store, access.peer_id
    ids = await store.read(partial(received.denied, peer_id=peer_id, limit=MAX_READ_AGAIN))
    progress = PullProgress(access.name)  # counts for nobody
    try:
        for footprint_id in ids:
            body = await exchange.client.footprint(access, footprint_id)
            await receive_items(exchange, access, [] if body is None else [body], progress)
    except PeerError as error:
        log.warning("it cannot be read again", peer=access.name, reason=error.message)
        return False
    await store.write(partial(received.read_again, peer_id=peer_id, footprint_ids=ids))
    return bool(ids)


async def _not_answered(
    exchange: Exchange, access: Access, waiting: _Waiting, error: PeerError
) -> str | None:
    """What becomes of an acknowledgement that got no receipt. Returns a warning."""
    log.warning("no receipt", peer=access.name, reason=error.message)
    if isinstance(error, AnswerError) and error.is_lasting:
        write = exchange.node.store.write
        if error.status == CONFLICT:
            return await write(partial(_denied, exchange, access, waiting, error.message))
        if not await write(partial(_refused, exchange, access, waiting, error.message)):
            return None
    return f"no receipt of {access.name}: {error.message}"


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


def _refused(
    exchange: Exchange, access: Access, waiting: _Waiting, reason: str, session: Session
) -> bool:
    """The peer will not answer this one; what it is about is acknowledged anew the next time.

    Returns:
        whether that is new: a peer that has no keys of ours says the same after every pull.
    """
    is_new = not receipts.was_refused_alike(session, access.peer_id, reason)
    row = session.get_one(ReceiptRow, waiting.id)
    row.state, row.reason, row.done_at = ReceiptState.FAILED, reason, exchange.node.now()
    session.add(row)
    return is_new


def _denied(
    exchange: Exchange, access: Access, waiting: _Waiting, reason: str, session: Session
) -> str | None:
    """The peer says that it has served nothing of this. Returns a warning."""
    row = session.get_one(ReceiptRow, waiting.id)
    if row.state != ReceiptState.PENDING:
        return None
    row.state, row.reason, row.done_at = ReceiptState.REFUSED, reason, exchange.node.now()
    session.add(row)
    given = read_acknowledgement(row.acknowledgement, keys=audit.receipt_keys(session))
    ids = [one.footprint_id for one in given.footprints]
    return _deny(session, exchange, access, ids, None, row.acknowledgement)


def _keep(
    exchange: Exchange, access: Access, waiting: _Waiting, token: str, session: Session
) -> str | None:
    """Check a receipt and keep it. Returns what is wrong with it."""
    node, now = exchange.node, exchange.node.now()
    row = session.get_one(ReceiptRow, waiting.id)
    if row.state != ReceiptState.PENDING:
        return None
    row.token, row.done_at = token, now
    session.add(row)
    keys = pinned_keys(pins.peer_row(session, access.peer_id))
    try:
        given = read_acknowledgement(row.acknowledgement, keys=audit.receipt_keys(session))
        receipt = read_receipt(token, keys=keys, acknowledgement=given)
        receipt.check_time(given.issued_at, now)
    except ProtocolError as error:
        # Acknowledged anew the next time: this one must not stand in the way.
        row.state, row.reason = ReceiptState.FAILED, error.message
        message = f"the receipt of {access.name} does not hold: {error.message}"
        return _alert(session, access, message, token, exchange)
    warning = _continues(session, exchange, access, receipt)
    row.state, row.number = ReceiptState.DONE, receipt.number
    row.head_size, row.head_root = receipt.head.size, receipt.head.root
    ids = [one.footprint_id for one in receipt.footprints]
    received.confirm(session, access.peer_id, ids, row.id, row.created_at)
    recording.record(
        session,
        Act.RECEIPT_RECEIVED,
        now,
        actor=Actor.NODE,
        peer_id=access.peer_id,
        footprint_ids=ids,
        detail={"acknowledgement": given.digest, "size": receipt.head.size},
    )
    denied = _deny(session, exchange, access, receipt.unconfirmed, row.id, token)
    session.flush()
    log.info("receipt", peer=access.name, footprints=len(ids), node=node.identity.url)
    return warning or denied


def _deny(
    session: Session,
    exchange: Exchange,
    access: Access,
    footprint_ids: Sequence[str],
    receipt_id: str | None,
    evidence: str,
) -> str | None:
    """Note what the peer does not confirm; an alert if that was read again. Returns it.

    Args:
        receipt_id: of the receipt that leaves them out, if there is one.
        evidence: that receipt; without one, what was acknowledged.
    """
    refused = received.deny(session, access.peer_id, footprint_ids, receipt_id)
    if not refused:
        return None
    message = (
        f"{access.name} does not confirm {refused} footprints that came from it, such as "
        f"{footprint_ids[0]}"
    )
    return _alert(session, access, message, evidence, exchange)


def _continues(
    session: Session, exchange: Exchange, access: Access, receipt: Receipt
) -> str | None:
    """Whether the peer's log is the continuation of the one that it has shown us before."""
    newest = receipts.newest_held(session, access.peer_id)
    if newest is None or newest.head_size is None or newest.head_root is None:
        return None
    try:
        # As verified when it came: its key may have been revoked since, and just then it counts.
        receipt.check_continues(Head(newest.head_size, newest.head_root))
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
