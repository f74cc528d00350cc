"""Queries on the client ids that partners have here: who has which, and when they end.

A client id that a partner was told counts as its own once it has confirmed that, or has signed
something with it. Until then the one before it stays as it is, and what is shown and warned of is
that one: nobody uses the other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from underseal_node.store.database import to_change
from underseal_node.store.tables import AuthMethod, ClientCredential, Peer, PeerState

__all__ = [
    "confirm",
    "due_there",
    "in_force",
    "in_use",
    "newest",
    "renew",
    "unconfirmed",
    "untold",
]


def newest(session: Session, peer_id: int) -> ClientCredential | None:
    """The client id that was issued to a peer last, expired or not; none that was revoked."""
    newest_first = _unrevoked().order_by(col(ClientCredential.created_at).desc()).limit(1)
    of_peer = newest_first.where(ClientCredential.peer_id == peer_id)
    return session.exec(to_change(session, of_peer)).first()


def in_force(session: Session, client_id: str) -> ClientCredential | None:
    """A client id that was not revoked, expired or not."""
    named = _unrevoked().where(ClientCredential.client_id == client_id)
    return session.exec(to_change(session, named)).first()


def in_use(session: Session, peer_id: int | None = None) -> dict[int, ClientCredential]:
    """What peers are known to authenticate with, expired or not; the newest of each, by peer.

    Args:
        peer_id: only of this one.
    """
    statement = _unrevoked().where(col(ClientCredential.confirmed_at).is_not(None))
    if peer_id is not None:
        statement = statement.where(ClientCredential.peer_id == peer_id)
    oldest_first = statement.order_by(col(ClientCredential.created_at))
    rows = session.exec(to_change(session, oldest_first)).all()
    return {row.peer_id: row for row in rows}


def unconfirmed(session: Session, peer_id: int, ends_after: datetime) -> ClientCredential | None:
    """The newest client id of a peer, if it is not known to have it.

    Args:
        ends_after: an earlier end makes it not worth telling.
    """
    row = newest(session, peer_id)
    if row is None or row.confirmed_at is not None:
        return None
    return None if row.expires_at is None or row.expires_at <= ends_after else row


def untold(session: Session, now: datetime) -> list[tuple[Peer, ClientCredential]]:
    """The partners that have to be told a client id, with it.

    Args:
        now: aware; one that has ended meanwhile is not told any more.
    """
    waiting = session.exec(
        _partners()
        .join(ClientCredential, col(ClientCredential.peer_id) == Peer.id)
        .where(
            col(ClientCredential.confirmed_at).is_(None),
            col(ClientCredential.revoked_at).is_(None),
        )
        .distinct()
    ).all()
    found = ((peer, unconfirmed(session, peer.id or 0, now)) for peer in waiting)
    return [(peer, row) for peer, row in found if row is not None]


def confirm(session: Session, row: ClientCredential, now: datetime, old_until: datetime) -> None:
    """A partner has a client id: those before it end.

    Args:
        row: the client id.
        now: aware.
        old_until: when they end, unless they do before.
    """
    row.confirmed_at = now
    session.add(row)
    others = _unrevoked().where(
        ClientCredential.peer_id == row.peer_id,
        col(ClientCredential.created_at) < row.created_at,
    )
    for old in session.exec(to_change(session, others)).all():
        old.expires_at = old_until if old.expires_at is None else min(old.expires_at, old_until)
        session.add(old)
    session.flush()


def renew(session: Session, row: ClientCredential, due: datetime, ends: datetime) -> bool:
    """Let a client id be good for longer, if it ends soon, or has.

    A partner that still uses one before the one that it has confirmed has been restored from a
    backup: the newer one is to be told again instead.

    Args:
        row: of a client that has just proved to have its key.
        due: what ends later stays as it is.
        ends: its new end.

    Returns:
        whether it has another end now.
    """
    last = in_use(session, row.peer_id)[row.peer_id]
    if last.client_id != row.client_id:
        last.confirmed_at = None
        session.add(last)
    elif row.expires_at is not None and row.expires_at <= due:
        row.expires_at = ends
        session.add(row)
        session.flush()
        return True
    session.flush()
    return False


def due_there(session: Session, due: datetime) -> list[Peer]:
    """The partners at which our client id ends soon, or has, or nobody knows when it does.

    Args:
        due: what ends later is left out.
    """
    ends = col(Peer.client_expires_at)
    return list(session.exec(_partners().where(or_(ends.is_(None), ends <= due))).all())


def _unrevoked() -> SelectOfScalar[ClientCredential]:
    return select(ClientCredential).where(col(ClientCredential.revoked_at).is_(None))


def _partners() -> SelectOfScalar[Peer]:
    """Those that can be called with a client key."""
    return select(Peer).where(
        Peer.state == PeerState.ACTIVE,
        Peer.auth_method == AuthMethod.PRIVATE_KEY_JWT,
        col(Peer.base_url).is_not(None),
        col(Peer.ended_by_peer_at).is_(None),
    )
