"""Queries on peers and the credentials that were issued to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, SQLModel, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store.database import next_change
from underseal_node.store.tables import (
    AccessGrant,
    Alert,
    ClientCredential,
    InboxEvent,
    OutboxEvent,
    OutboxState,
    Peer,
    PeerState,
    PullState,
    ReceivedFootprint,
    Request,
)

__all__ = [
    "add",
    "by_name",
    "client_ids",
    "credentials_of_all",
    "issue",
    "listing",
    "remove",
    "revoke_credentials",
]

# What shows that something happened between us and a peer; then it is not simply deleted.
HISTORY: tuple[type[SQLModel], ...] = (ReceivedFootprint, Request, InboxEvent, OutboxEvent)
BELONGINGS: tuple[type[SQLModel], ...] = (ClientCredential, AccessGrant, PullState, Alert)


def by_name(session: Session, name: str) -> Peer:
    """The peer of this name, in any case.

    Raises:
        NotFoundError: there is none.
    """
    wanted = name.casefold()
    for peer in session.exec(select(Peer)).all():
        if peer.name.casefold() == wanted:
            return peer
    raise NotFoundError(f"there is no peer {name!r}", hint="`underseal peer list` shows them all.")


def add(session: Session, peer: Peer) -> Peer:
    """Store a new peer.

    Raises:
        RefusedError: there is one of this name.
    """
    try:
        known = by_name(session, peer.name)
    except NotFoundError:
        session.add(peer)
        session.flush()
        return peer
    raise RefusedError(
        f"there is a peer {known.name!r} already",
        hint=f"Change it with `underseal peer set {known.name}`, or choose another name.",
    )


def listing(session: Session) -> Sequence[Peer]:
    """All peers by name."""
    return sorted(session.exec(select(Peer)).all(), key=lambda peer: peer.name.casefold())


def issue(
    session: Session, peer_id: int, client_id: str, secret_hash: str, now: datetime
) -> ClientCredential:
    """Store credentials for a peer; of the secret only the hash."""
    row = ClientCredential(
        client_id=client_id, peer_id=peer_id, secret_hash=secret_hash, created_at=now
    )
    session.add(row)
    session.flush()
    return row


def revoke_credentials(session: Session, peer: Peer, now: datetime) -> None:
    """End all credentials of a peer, and every token that was issued to them, at once."""
    session.execute(
        update(ClientCredential)
        .where(col(ClientCredential.peer_id) == peer.id, col(ClientCredential.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    # `iat` of a token has whole seconds: one of this very second is old, too.
    peer.token_not_before = now.replace(microsecond=0) + timedelta(seconds=1)
    session.add(peer)
    session.flush()


def client_ids(session: Session, peer_id: int) -> list[str]:
    """The client ids that a peer can use at present."""
    rows = session.exec(
        select(ClientCredential.client_id)
        .where(ClientCredential.peer_id == peer_id, col(ClientCredential.revoked_at).is_(None))
        .order_by(col(ClientCredential.created_at))
    )
    return list(rows.all())


def credentials_of_all(session: Session) -> dict[int, list[str]]:
    """As `client_ids`, for every peer."""
    rows = session.exec(
        select(ClientCredential.peer_id, ClientCredential.client_id).where(
            col(ClientCredential.revoked_at).is_(None)
        )
    ).all()
    found: dict[int, list[str]] = {}
    for peer_id, client_id in rows:
        found.setdefault(peer_id, []).append(client_id)
    return found


def remove(session: Session, peer: Peer, now: datetime) -> str | None:
    """End what connects us with a peer: credentials, grants, events on their way.

    What was exchanged stays, under the name of the peer with a mark; a peer with which nothing was
    exchanged is forgotten altogether. Either way the name is free again.

    Returns:
        the name under which it stays; `None` if it is forgotten.
    """
    if not any(_count(session, table, peer.id) for table in HISTORY):
        for table in BELONGINGS:
            session.execute(delete(table).where(_peer_id(table) == peer.id))
        session.delete(peer)
        next_change(session)
        session.flush()
        return None
    revoke_credentials(session, peer, now)
    for table in (AccessGrant, PullState):
        session.execute(delete(table).where(_peer_id(table) == peer.id))
    next_change(session)  # pages that are kept in memory are no longer true
    session.execute(
        update(OutboxEvent)
        .where(col(OutboxEvent.peer_id) == peer.id, col(OutboxEvent.state) == OutboxState.PENDING)
        .values(state=OutboxState.DEAD, leased_until=None, last_error="the peer was removed")
    )
    peer.state = PeerState.REVOKED
    peer.client_secret_encrypted = None
    peer.name = _free_name(session, f"{peer.name} (removed)")
    session.add(peer)
    session.flush()
    return peer.name


def _free_name(session: Session, name: str) -> str:
    taken = {peer.name.casefold() for peer in session.exec(select(Peer)).all()}
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name[:-1]} {number})"
    return free


def _count(session: Session, table: type[SQLModel], peer_id: int | None) -> int:
    statement = select(func.count()).select_from(table).where(_peer_id(table) == peer_id)
    return int(session.exec(statement).one())


def _peer_id(table: type[SQLModel]) -> Any:
    return table.peer_id  # type: ignore[attr-defined]
