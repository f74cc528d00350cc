"""Queries on peers and the credentials that were issued to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, SQLModel, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import requests
from underseal_node.store.audit_tables import Receipt
from underseal_node.store.database import next_change, to_change
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.product_tables import DeclarationRow, MatchRow, ReleaseRow
from underseal_node.store.tables import (
    AccessGrant,
    Alert,
    AuthMethod,
    Awaits,
    ClientCredential,
    Direction,
    InboxEvent,
    OutboxEvent,
    OutboxState,
    Peer,
    PeerState,
    PullState,
    ReceivedFootprint,
    Request,
    RequestState,
)

__all__ = [
    "add",
    "address_key",
    "any_pending",
    "approved_beforehand",
    "at_addresses",
    "by_id",
    "by_name",
    "credentials",
    "failing",
    "forget",
    "forget_pulls",
    "has_credentials",
    "is_troubled",
    "issue",
    "limit_credentials",
    "listing",
    "name_key",
    "reached",
    "remove",
    "rename",
    "require_not_removed",
    "revoke_credentials",
    "settle",
    "troubled",
    "waiting_for_them",
    "withdraw_client",
]

REMOVED = "the peer was removed"
MAX_PROBLEM_CHARACTERS = 1_000

# What shows that something happened between us and a peer; then it is not simply deleted.
HISTORY: tuple[type[SQLModel], ...] = (
    ReceivedFootprint,
    Request,
    InboxEvent,
    OutboxEvent,
    Receipt,
    ReleaseRow,
)
BELONGINGS: tuple[type[SQLModel], ...] = (
    ClientCredential,
    AccessGrant,
    PullState,
    Alert,
    Invitation,
    MatchRow,
    DeclarationRow,
)


@lru_cache(maxsize=16_384)  # each new name is compared with all that are there
def name_key(name: str) -> str:
    """What makes names equal: case does not count, nor how a letter is put together."""
    return unicodedata.normalize("NFKC", name).casefold()


def by_id(session: Session, peer_id: int) -> Peer | None:
    """One peer; held, if this transaction may change it; None if there is none with this id."""
    return session.exec(to_change(session, select(Peer).where(Peer.id == peer_id))).first()


def by_name(session: Session, name: str) -> Peer:
    """The peer of this name, in any case.

    Raises:
        NotFoundError: there is none.
    """
    wanted = name_key(name)
    for peer_id, known in session.exec(select(Peer.id, Peer.name)).all():
        if name_key(known) != wanted:
            continue
        peer = by_id(session, peer_id or 0)
        if peer is not None and name_key(peer.name) == wanted:  # not removed in between
            return peer
    raise NotFoundError(f"there is no peer {name!r}", hint="`underseal peer list` shows them all.")


def require_not_removed(peer: Peer) -> None:
    """Refuse what makes no sense with a peer that has been removed.

    Raises:
        RefusedError: it has been.
    """
    if peer.removed_at is not None:
        raise RefusedError(
            f"{peer.name} has been removed; only what was exchanged is left of it",
            hint="Register it again with `underseal peer add`.",
        )


def add(session: Session, peer: Peer) -> Peer:
    """Store a new peer.

    Raises:
        RefusedError: there is one of this name.
    """
    _require_free(session, peer.name)
    session.add(peer)
    session.flush()
    return peer


def _require_free(session: Session, name: str) -> None:
    try:
        known = by_name(session, name)
    except NotFoundError:
        return
    raise RefusedError(
        f"there is a peer {known.name!r} already",
        hint=f"Change it with `underseal peer set {known.name}`, or choose another name.",
    )


def rename(session: Session, peer: Peer, name: str) -> None:
    """Call a peer otherwise.

    Raises:
        RefusedError: there is another one of this name.
    """
    if name_key(name) != name_key(peer.name):
        _require_free(session, name)
    peer.name = name
    session.add(peer)
    session.flush()


def has_credentials(peer: Peer) -> bool:
    """Whether we can authenticate at a peer: with a secret of it, or with our client key."""
    has_proof = (
        peer.client_secret_encrypted is not None or peer.auth_method == AuthMethod.PRIVATE_KEY_JWT
    )
    return peer.client_id is not None and has_proof


def listing(session: Session) -> Sequence[Peer]:
    """All peers by name."""
    return sorted(session.exec(select(Peer)).all(), key=lambda peer: peer.name.casefold())


def at_addresses(session: Session) -> dict[str, list[str]]:
    """The names of the peers whose partnership has not ended, by `address_key`."""
    found: dict[str, list[str]] = {}
    statement = select(Peer.name, Peer.base_url).where(Peer.state != PeerState.REVOKED)
    for name, base_url in session.exec(statement.order_by(Peer.name)).all():
        if base_url is not None:
            found.setdefault(address_key(base_url), []).append(name)
    return found


def address_key(base_url: str) -> str:
    """What makes addresses of peers look equal to a person."""
    return base_url.rstrip("/").lower()


def any_pending(session: Session) -> bool:
    """Whether a partnership waits for somebody."""
    pending = select(Peer.id).where(Peer.state == PeerState.PENDING)
    return session.exec(pending.limit(1)).first() is not None


def waiting_for_them(session: Session) -> Sequence[Peer]:
    """Peers that have to approve a partnership with us."""
    return session.exec(
        select(Peer).where(Peer.state == PeerState.PENDING, Peer.awaits == Awaits.THEM)
    ).all()


def approved_beforehand(session: Session) -> Sequence[Peer]:
    """Peers that have accepted an invitation which says that accepting is enough.

    One that names no URL does not count, whatever it says: what a peer says of its company is no
    proof, and its address is not known beforehand.
    """
    return session.exec(
        select(Peer)
        .join(Invitation, col(Invitation.peer_id) == Peer.id)
        .where(
            Peer.state == PeerState.PENDING,
            Peer.awaits == Awaits.US,
            col(Invitation.is_pre_approved),
            col(Invitation.for_url).is_not(None),
            col(Invitation.used_at).is_not(None),
        )
    ).all()


def issue(
    session: Session,
    peer_id: int,
    client_id: str,
    secret_hash: str,
    now: datetime,
    *,
    expires_at: datetime | None = None,
    method: AuthMethod = AuthMethod.CLIENT_SECRET,
    is_confirmed: bool = True,
) -> ClientCredential:
    """Store credentials for a peer; of the secret only the hash.

    Args:
        secret_hash: empty for a client that proves to have a pinned key.
        expires_at: from then on they are not accepted; `None`: never.
        method: how the client authenticates.
        is_confirmed: whether the peer is known to have them.
    """
    row = ClientCredential(
        client_id=client_id,
        peer_id=peer_id,
        method=method,
        secret_hash=secret_hash,
        created_at=now,
        confirmed_at=now if is_confirmed else None,
        expires_at=expires_at,
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
    # The token endpoint issues from the next whole second on: `iat` knows no fractions.
    peer.token_not_before = now
    session.add(peer)
    session.flush()


def withdraw_client(session: Session, client_id: str) -> None:
    """Take back credentials that nobody has been told of, or is known to have."""
    session.execute(
        delete(ClientCredential).where(
            col(ClientCredential.client_id) == client_id,
            col(ClientCredential.confirmed_at).is_(None),
        )
    )
    session.flush()


def limit_credentials(session: Session, peer: Peer, ends: datetime) -> None:
    """Let the credentials of a peer end at an instant, unless they end before that."""
    unrevoked = select(ClientCredential).where(
        ClientCredential.peer_id == peer.id, col(ClientCredential.revoked_at).is_(None)
    )
    rows = session.exec(to_change(session, unrevoked)).all()
    for row in rows:
        row.expires_at = ends if row.expires_at is None else min(row.expires_at, ends)
        session.add(row)
    session.flush()


def credentials(
    session: Session, now: datetime, peer_id: int | None = None
) -> dict[int, list[ClientCredential]]:
    """What peers can authenticate with at present, oldest first, by peer.

    Args:
        peer_id: only of this one.
    """
    statement = select(ClientCredential).where(
        col(ClientCredential.revoked_at).is_(None),
        or_(col(ClientCredential.expires_at).is_(None), col(ClientCredential.expires_at) > now),
    )
    if peer_id is not None:
        statement = statement.where(ClientCredential.peer_id == peer_id)
    found: dict[int, list[ClientCredential]] = {}
    for row in session.exec(statement.order_by(col(ClientCredential.created_at))).all():
        found.setdefault(row.peer_id, []).append(row)
    return found


def is_troubled(session: Session, peer_id: int) -> bool:
    """Whether a call that works changes what is known of a peer."""
    peer = session.get(Peer, peer_id)
    return peer is not None and (peer.last_problem_at or peer.ended_by_peer_at) is not None


def reached(session: Session, peer: Peer) -> None:
    """A call has worked: what was wrong before is over."""
    peer.last_problem_at = peer.last_problem = None
    session.add(peer)
    session.flush()


def troubled(session: Session, peer: Peer, problem: str, now: datetime) -> None:
    """A call has failed.

    Args:
        problem: why, for the operator.
    """
    peer.last_problem_at, peer.last_problem = now, problem[:MAX_PROBLEM_CHARACTERS]
    session.add(peer)
    session.flush()


def failing(session: Session) -> dict[int, str | None]:
    """The peers that events cannot be delivered to at present, with the last error of each."""
    rows = session.exec(
        select(OutboxEvent.peer_id, OutboxEvent.last_error)
        .where(OutboxEvent.state == OutboxState.PENDING, OutboxEvent.attempts > 0)
        .order_by(col(OutboxEvent.id).desc())
    ).all()
    return dict(rows)


def remove(session: Session, peer: Peer, now: datetime) -> str | None:
    """End what connects us with a peer: credentials, grants, requests, events on their way.

    What was exchanged stays, under the name of the peer with a mark; a peer with which nothing was
    exchanged is forgotten altogether. Either way the name is free again.

    Returns:
        the name under which something of it stays; `None` if nothing does.

    Raises:
        RefusedError: it has been removed before.
    """
    require_not_removed(peer)
    next_change(session)  # pages that are kept in memory are no longer true
    if not any(_count(session, table, peer.id) for table in HISTORY):
        forget(session, peer)
        return None
    revoke_credentials(session, peer, now)
    for table in (AccessGrant, PullState):
        session.execute(delete(table).where(_peer_id(table) == peer.id))
    settle(session, peer, now, REMOVED)
    peer.state, peer.state_reason, peer.awaits = PeerState.REVOKED, REMOVED, None
    peer.removed_at = now
    peer.client_secret_encrypted = None
    peer.pending_token_endpoint = peer.pending_key_set = None
    peer.name = _free_name(session, f"{peer.name} (removed)")
    session.add(peer)
    session.flush()
    return peer.name


def forget(session: Session, peer: Peer) -> None:
    """Delete a peer with which nothing was exchanged, and what belongs to it."""
    for table in BELONGINGS:
        session.execute(delete(table).where(_peer_id(table) == peer.id))
    session.delete(peer)
    session.flush()


def forget_pulls(session: Session, peer_id: int) -> None:
    """The next pull is a full one: how far an earlier one came was said by another server."""
    session.execute(delete(PullState).where(col(PullState.peer_id) == peer_id))
    session.flush()


def settle(session: Session, peer: Peer, now: datetime, reason: str) -> None:
    """Nothing waits for a peer that is gone.

    Args:
        reason: stands beside what has been given up.
    """
    unsent = (OutboxState.PENDING, OutboxState.PAUSED)
    session.execute(
        update(OutboxEvent)
        .where(col(OutboxEvent.peer_id) == peer.id, col(OutboxEvent.state).in_(unsent))
        .values(state=OutboxState.DEAD, leased_until=None, last_error=reason)
    )
    session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.peer_id) == peer.id, col(InboxEvent.handled_at).is_(None))
        .values(handled_at=now, next_attempt_at=None, outcome=reason)
    )
    open_requests = select(Request).where(
        Request.peer_id == peer.id, Request.state == RequestState.PENDING
    )
    for request in session.exec(open_requests).all():
        is_incoming = request.direction == Direction.INCOMING
        outcome = RequestState.REJECTED if is_incoming else RequestState.FAILED
        requests.settle(session, request, outcome, now, error_message=reason)


def _free_name(session: Session, name: str) -> str:
    taken = {name_key(known) for known in session.exec(select(Peer.name)).all()}
    number, free = 1, name
    while name_key(free) in taken:
        number += 1
        free = f"{name[:-1]} {number})"
    return free


def _count(session: Session, table: type[SQLModel], peer_id: int | None) -> int:
    statement = select(func.count()).select_from(table).where(_peer_id(table) == peer_id)
    return int(session.exec(statement).one())


def _peer_id(table: type[SQLModel]) -> Any:
    return table.peer_id  # type: ignore[attr-defined]
