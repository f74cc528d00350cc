"""Receipts that this node issues: who acknowledges what it got, gets our signature on it.

The workers of the public listener have no receipt key. They store the acknowledgement; the
management process checks what it says, puts it into the audit log and signs the receipt.
"""

from __future__ import annotations

import json

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.store import audit as recording
from underseal_node.store import audit_log, deliveries, pins, receipts
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
    waiting = await node.store.read(
        lambda session: [row.id for row in receipts.pending(session, limit=AT_A_TIME)]
    )
    if waiting:
        node.signing_key(KeyPurpose.RECEIPT)  # here, not in the writer thread
    for receipt_id in waiting:
        await _issue(node, receipt_id)
    return len(waiting)


async def _issue(node: Node, receipt_id: str) -> None:
    def look(session: Session) -> tuple[Acknowledgement, dict[tuple[str, str], Level]] | str:
        row = session.get_one(Receipt, receipt_id)
        peer = pins.peer_row(session, row.peer_id)
        try:
            given = read_acknowledgement(row.acknowledgement, keys=pinned_keys(peer))
        except ProtocolError as error:  # its keys have been changed meanwhile
            return error.message
        shown = deliveries.levels(
            session, row.peer_id, [one.footprint_id for one in given.footprints], node.now()
        )
        confirmed = {
            (one.footprint_id, one.digest): shown[one.footprint_id][1]
            for one in given.footprints
            if one.footprint_id in shown and shown[one.footprint_id][0] == one.digest
        }
        return given, confirmed

    looked = await node.store.read(look)

    def work(session: Session) -> None:
        row = session.get_one(Receipt, receipt_id)
        if row.state != ReceiptState.PENDING:
            return
        if isinstance(looked, str):
            row.state, row.reason = ReceiptState.FAILED, looked
        else:
            _answer(session, node, row, *looked)
        row.done_at = node.now()
        session.add(row)

    await node.store.write(work)


def _answer(
    session: Session,
    node: Node,
    row: Receipt,
    given: Acknowledgement,
    confirmed: dict[tuple[str, str], Level],
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
    row.state, row.number, row.head_size = ReceiptState.DONE, number, appended.size
