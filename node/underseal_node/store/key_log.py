"""Queries on the key log of this node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from underseal_node.store.identity_tables import KeyLogRow

__all__ = ["append", "entries", "newest", "newest_number"]


def append(session: Session, number: int, entry: str, now: datetime) -> None:
    """Store an entry that has been signed.

    Args:
        number: of the entry.
        entry: the JWS.
        now: aware.
    """
    session.add(KeyLogRow(number=number, entry=entry, created_at=now))
    session.flush()


def entries(session: Session) -> Sequence[str]:
    """All entries (JWS), oldest first."""
    return session.exec(select(KeyLogRow.entry).order_by(col(KeyLogRow.number))).all()


def newest(session: Session) -> str | None:
    """The entry that says what is true now; `None` in a node that has none yet."""
    statement = select(KeyLogRow.entry).order_by(col(KeyLogRow.number).desc()).limit(1)
    return session.exec(statement).first()


def newest_number(session: Session) -> int:
    """The number of the newest entry; 0 while there is none."""
    return session.exec(select(func.max(KeyLogRow.number))).one() or 0
