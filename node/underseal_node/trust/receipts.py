"""Receipts that this node issues: who acknowledges what it got, gets our signature on it.

The workers of the public listener have no receipt key. They store the acknowledgement; the
management process checks it against what its own log says that the peer was shown, puts it into the
log and signs the receipt. What a worker has shown is in the log within a second or two. So what
cannot be confirmed at once is looked at again until it is as old as `SETTLE`; that is final.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.store import audit as recording
from underseal_node.store import audit_log, pins, receipts, shown
from underseal_node.store.audit import Act, Actor
from underseal_node.store.audit_tables import Receipt, ReceiptState
from underseal_node.store.tables import Peer
from underseal_node.trust import audit
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet
from underseal_protocol.merkle import consistency_proof, inclusion_proof
from underseal_protocol.receipt import Acknowledgement, Head, issue_receipt, read_acknowledgement

__all__ = ["issue_pending", "pinned_keys"]

AT_A_TIME = 20
# Longer than it takes until a read is in the log, shorter than `receipt_wait_seconds`.
SETTLE = timedelta(seconds=3)
# Of one peer, so that those that nothing was served to cannot fill the database.
MAX_REFUSED = 10

_Confirmed: TypeAlias = dict[tuple[str, str], Level]
"""Levels at which footprints were shown, by id and credential digest."""


def pinned_keys(peer: Peer) -> PublicKeySet:
    """The keys that are pinned for a peer; none if it is no Underseal node."""
    return PublicKeySet.from_jwks(
        {"keys": []} if peer.key_set is None else json.loads(peer.key_set)
    )


async def issue_pending(node: Node) -> int:
    """Answer the acknowledgements that wait.

    Args:
        node: in the role `manage`.

    Returns:
        how many those were.

    Raises:
        VaultError: the receipt key cannot be opened.
    """
    settled = node.now() - SETTLE
    waiting = await node.store.read(
        lambda session: [
            (row.id, row.peer_id) for row in receipts.pending(session, limit=AT_A_TIME)
        ]
    )
    if waiting:
        node.signing_key(KeyPurpose.RECEIPT)  # here, not in the writer thread
    for receipt_id, peer_id in waiting:
        while await node.store.write(partial(shown.take_up, peer_id=peer_id)):
            pass
        await _issue(node, receipt_id, settled)
    return len(waiting)


async def _issue(node: Node, receipt_id: str, settled: datetime) -> None:
    """Answer an acknowledgement, or leave it if what it says may still come into the log."""
    looked = await node.store.read(partial(_look, receipt_id=receipt_id))

    def work(session: Session) -> None:
        row = session.get_one(Receipt, receipt_id)
        if row.state not in receipts.WAITING:
            return
        session.add(row)
        if isinstance(looked, str):
            row.state, row.reason = ReceiptState.FAILED, looked
        else:
            given, confirmed = looked
            if len(confirmed) < len(given.footprints) and row.created_at > settled:
                row.state = ReceiptState.SETTLING
                return
            if confirmed:
                _answer(session, node, row, given, confirmed)
            else:
                # No receipt, and nothing in the log: its head says how much goes on here, and that
                # is for those only who were served.
                row.state = ReceiptState.REFUSED
        row.done_at = node.now()
        session.flush()
        receipts.forget_refused(session, row.peer_id, keep=MAX_REFUSED)

    await node.store.write(work)


def _look(session: Session, receipt_id: str) -> tuple[Acknowledgement, _Confirmed] | str:
    """An acknowledgement and what of it can be confirmed, or why it does not hold."""
    row = session.get_one(Receipt, receipt_id)
    peer = pins.peer_row(session, row.peer_id)
    try:
        given = read_acknowledgement(row.acknowledgement, keys=pinned_keys(peer))
    except ProtocolError as error:  # its keys have been changed meanwhile
        return error.message
    ids = [one.footprint_id for one in given.footprints]
    levels = shown.levels(session, row.peer_id, ids)
    said = [(one.footprint_id, one.digest) for one in given.footprints]
    return given, {one: levels[one] for one in said if one in levels}


def _answer(
    session: Session,
    node: Node,
    row: Receipt,
    given: Acknowledgement,
    confirmed: _Confirmed,
) -> None:
    """Log the acknowledgement and sign the receipt, in this transaction."""
    now = node.now()
    recording.record(
        session,
        Act.ACKNOWLEDGEMENT_RECEIVED,
        now,
        actor=Actor.PEER,
        peer_id=row.peer_id,
        footprint_ids=[footprint_id for footprint_id, _ in confirmed],
        detail={
            "acknowledgement": given.digest,
            "unconfirmed": len(given.footprints) - len(confirmed),
        },
    )
    while (appended := audit.append(session, node)).has_more:
        pass
    number, leaf = audit_log.acknowledged(session, given.digest)
    nodes, known = audit_log.nodes_of(session), given.known_size
    has_grown = known is not None and known <= appended.size
    row.token = issue_receipt(
        given,
        confirmed=confirmed,
        head=Head(appended.size, appended.root),
        number=number,
        leaf=leaf,
        inclusion=inclusion_proof(number - 1, appended.size, nodes),
        consistency=consistency_proof(known, appended.size, nodes)
        if known is not None and has_grown
        else None,
        key=node.signing_key(KeyPurpose.RECEIPT),
        issued_at=now,
    )
    row.state, row.number = ReceiptState.DONE, number
    row.head_size, row.head_root = appended.size, appended.root
