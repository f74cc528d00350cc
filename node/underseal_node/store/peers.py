"""Queries on peers and the credentials that were issued to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, delete, not_, or_, update
from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store.database import to_change
from underseal_node.store.exchange_tables import (
    OutboxEvent,
    OutboxState,
)
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.tables import (
    AuthMethod,
    Awaits,
    ClientCredential,
    Peer,
    PeerState,
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
    "has_credentials",
    "is_called",
    "is_troubled",
    "issue",
    "limit_credentials",
    "listing",
    "name_key",
    "reachable",
    "reached",
    "rename",
    "require_not_removed",
    "resting",
    "revoke_credentials",
    "troubled",
    "waiting_for_them",
    "withdraw_client",
]

MAX_PROBLEM_CHARACTERS = 1_000


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


def is_called() -> ColumnElement[bool]:
    """`Peer.is_called` as a condition of a query."""
    return and_(col(Peer.state) == PeerState.ACTIVE, col(Peer.ended_by_peer_at).is_(None))


def reachable(session: Session) -> list[int]:
    """The peers that can be told something: they are called, and have a URL."""
    rows = session.exec(select(Peer.id).where(is_called(), col(Peer.base_url).is_not(None))).all()
    return [peer_id for peer_id in rows if peer_id is not None]


def resting(session: Session) -> set[str]:
    """The names of the peers that nothing is delivered to at present."""
    return set(session.exec(select(Peer.name).where(not_(is_called()))).all())
