"""Queries on acknowledgements and receipts, issued and held."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import Session, col, exists, select

from underseal_node.store.audit_tables import Receipt, ReceiptRole, ReceiptState
from underseal_node.store.batches import batches
from underseal_node.store.tables import Peer

__all__ = [
    "WAITING",
    "add",
    "by_ids",
    "count_pending",
    "find",
    "forget_refused",
    "get",
    "held",
    "is_any_pending",
    "newest",
    "newest_held",
    "of_footprint",
    "pending",
    "unanswered",
    "was_refused_alike",
]

WAITING = (ReceiptState.PENDING, ReceiptState.SETTLING)


def add(
    session: Session,
    role: ReceiptRole,
    peer_id: int,
    digest: str,
    acknowledgement: str,
    now: datetime,
) -> Receipt:
    """Store an acknowledgement, whose receipt is still to come.

    Args:
        role: who signs the receipt.
        digest: of the acknowledgement.
        acknowledgement: JWS, verified.
        now: aware.
    """
    row = Receipt(
        id=str(uuid.uuid4()),
        role=role,
        peer_id=peer_id,
        digest=digest,
        acknowledgement=acknowledgement,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def find(session: Session, role: ReceiptRole, peer_id: int, digest: str) -> Receipt | None:
    """What there is about an acknowledgement."""
    return session.exec(
        select(Receipt).where(
            Receipt.role == role, Receipt.peer_id == peer_id, Receipt.digest == digest
        )
    ).first()


def get(session: Session, receipt_id: str) -> Receipt | None:
    """One row."""
    return session.get(Receipt, receipt_id)


def unanswered(session: Session, peer_id: int) -> Receipt | None:
    """The oldest acknowledgement to a peer that it has not answered."""
    return session.exec(
        select(Receipt)
        .where(
            Receipt.role == ReceiptRole.HELD,
            Receipt.state == ReceiptState.PENDING,
            Receipt.peer_id == peer_id,
        )
        .order_by(col(Receipt.created_at), col(Receipt.id))
        .limit(1)
    ).first()


def pending(session: Session, *, limit: int) -> Sequence[Receipt]:
    """Acknowledgements of peers that wait for our receipt: new ones first, then the oldest.

    Args:
        limit: at most so many.
    """
    # Those that are settling are looked at again and again: they must not keep new ones waiting.
    is_new = col(Receipt.state) == ReceiptState.PENDING
    return session.exec(
        select(Receipt)
        .where(Receipt.role == ReceiptRole.ISSUED, col(Receipt.state).in_(WAITING))
        .order_by(is_new.desc(), col(Receipt.created_at), col(Receipt.id))
        .limit(limit)
    ).all()


def is_any_pending() -> ColumnElement[bool]:
    """Whether an acknowledgement of any peer waits for our receipt, for a statement."""
    return exists().where(col(Receipt.role) == ReceiptRole.ISSUED, col(Receipt.state).in_(WAITING))


def count_pending(session: Session, peer_id: int) -> int:
    """How many acknowledgements of a peer wait for our receipt."""
    statement = (
        select(func.count())
        .select_from(Receipt)
        .where(
            Receipt.role == ReceiptRole.ISSUED,
            col(Receipt.state).in_(WAITING),
            Receipt.peer_id == peer_id,
        )
    )
    return int(session.exec(statement).one())


def forget_refused(session: Session, peer_id: int, *, keep: int) -> None:
    """Delete acknowledgements of a peer that got no receipt, all but the newest.

    Args:
        keep: how many of them stay, so that the peer can still be told why.
    """
    without = (
        col(Receipt.role) == ReceiptRole.ISSUED,
        col(Receipt.peer_id) == peer_id,
        col(Receipt.state).in_((ReceiptState.REFUSED, ReceiptState.FAILED)),
    )
    newest = select(Receipt.id).where(*without).order_by(col(Receipt.done_at).desc()).limit(keep)
    kept = session.exec(newest).all()
    session.execute(delete(Receipt).where(*without, col(Receipt.id).not_in(kept)))


def newest_held(session: Session, peer_id: int) -> Receipt | None:
    """The receipt of a peer about the longest log that it has shown us."""
    return session.exec(
        select(Receipt)
        .where(
            Receipt.role == ReceiptRole.HELD,
            Receipt.peer_id == peer_id,
            Receipt.state == ReceiptState.DONE,
        )
        .order_by(col(Receipt.head_size).desc())
        .limit(1)
    ).first()


def was_refused_alike(session: Session, peer_id: int, reason: str) -> bool:
    """Whether the newest acknowledgement that a peer has dealt with was refused with these words.

    Args:
        reason: as it would be kept.
    """
    newest = session.exec(
        select(Receipt.state, Receipt.reason)
        .where(
            Receipt.role == ReceiptRole.HELD,
            Receipt.peer_id == peer_id,
            col(Receipt.done_at).is_not(None),
        )
        # Of several at one moment the order is unknown: rather say it once more.
        .order_by(col(Receipt.done_at).desc(), col(Receipt.state) == ReceiptState.FAILED)
        .limit(1)
    ).first()
    return newest is not None and tuple(newest) == (ReceiptState.FAILED, reason)


def held(session: Session, peer_name: str | None = None) -> Sequence[tuple[Receipt, str]]:
    """Everything that peers have signed: receipts for us, acknowledgements of theirs; oldest first.

    Args:
        peer_name: only of this peer.
    """
    statement = select(Receipt, Peer.name).join(Peer, col(Receipt.peer_id) == Peer.id)
    if peer_name is not None:
        statement = statement.where(Peer.name == peer_name)
    return session.exec(statement.order_by(col(Receipt.created_at), col(Receipt.id))).all()


def newest(
    session: Session,
    peer_id: int | None,
    *,
    role: ReceiptRole | None,
    state: ReceiptState | None,
    limit: int,
) -> Sequence[tuple[Receipt, str]]:
    """What was exchanged, with the names of the peers; newest first.

    Args:
        peer_id: only with this peer.
        role: only those that we, or peers, have signed the receipt of.
        state: only in this state.
        limit: at most so many.
    """
    statement = select(Receipt, Peer.name).join(Peer, col(Receipt.peer_id) == Peer.id)
    if peer_id is not None:
        statement = statement.where(Receipt.peer_id == peer_id)
    if role is not None:
        statement = statement.where(Receipt.role == role)
    if state is not None:
        statement = statement.where(Receipt.state == state)
    order = col(Receipt.created_at).desc(), col(Receipt.id)
    return session.exec(statement.order_by(*order).limit(limit)).all()


def by_ids(session: Session, ids: Iterable[str]) -> list[tuple[Receipt, Peer]]:
    """Those with these ids, with their peers, in the order of the ids; others are left out."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, tuple[Receipt, Peer]] = {}
    for part in batches(wanted):
        statement = select(Receipt, Peer).join(Peer, col(Receipt.peer_id) == Peer.id)
        for row, peer in session.exec(statement.where(col(Receipt.id).in_(part))):
            found[row.id] = row, peer
    return [found[one] for one in wanted if one in found]


def of_footprint(session: Session, receipt_id: str | None) -> Receipt | None:
    """The receipt that is held for a received footprint."""
    return None if receipt_id is None else session.get(Receipt, receipt_id)
