"""Queries on the invitations that this node has issued."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from underseal_node.store.database import to_change
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.tables import Peer

__all__ = ["accepted", "add", "by_id", "unused", "used", "withdraw"]


def add(session: Session, row: Invitation) -> None:
    """Store an invitation; it takes the place of an earlier one to the same peer."""
    withdraw(session, row.peer_id)
    session.add(row)
    session.flush()


def by_id(session: Session, invitation_id: str) -> Invitation | None:
    """One invitation."""
    named = select(Invitation).where(Invitation.id == invitation_id)
    return session.exec(to_change(session, named)).first()


def unused(session: Session, peer_id: int | None = None) -> dict[int, Invitation]:
    """Invitations that nobody has accepted yet, expired or not, by peer.

    Args:
        peer_id: only of this one.
    """
    statement = select(Invitation).where(col(Invitation.used_at).is_(None))
    if peer_id is not None:
        statement = statement.where(Invitation.peer_id == peer_id)
    return {row.peer_id: row for row in session.exec(to_change(session, statement)).all()}


def accepted(session: Session, invitation_id: str) -> Peer | None:
    """The peer whose invitation we have accepted under this id, which that peer has chosen."""
    return session.exec(
        select(Peer).where(Peer.invitation_id == invitation_id, col(Peer.removed_at).is_(None))
    ).first()


def used(session: Session, row: Invitation, reply_digest: str, now: datetime) -> None:
    """An invitation counts once; the same reply may come again."""
    row.used_at, row.reply_digest = now, reply_digest
    session.add(row)
    session.flush()


def withdraw(session: Session, peer_id: int) -> None:
    """Nobody can accept the invitation of this peer any more."""
    session.execute(delete(Invitation).where(col(Invitation.peer_id) == peer_id))
    session.flush()
