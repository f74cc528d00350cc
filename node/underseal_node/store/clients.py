"""Queries on the client ids that partners have here, and on when they end."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from underseal_node.store.tables import AuthMethod, ClientCredential, Peer, PeerState

__all__ = ["due_there", "in_force", "newest", "renew"]


def newest(session: Session, peer_id: int) -> ClientCredential | None:
    """The client id that was issued to a peer last, expired or not; none that was revoked."""
    return session.exec(
        select(ClientCredential)
        .where(ClientCredential.peer_id == peer_id, col(ClientCredential.revoked_at).is_(None))
        .order_by(col(ClientCredential.created_at).desc())
        .limit(1)
    ).first()


def in_force(session: Session, client_id: str) -> ClientCredential | None:
    """A client id that was not revoked, expired or not."""
    row = session.get(ClientCredential, client_id)
    return None if row is None or row.revoked_at is not None else row


def renew(session: Session, row: ClientCredential, due: datetime, ends: datetime) -> bool:
    """Let a client id be good for longer, if it is the newest of its peer and ends soon, or has.

    Args:
        row: of a client that has just proved to have its key.
        due: what ends later stays as it is.
        ends: its new end.

    Returns:
        whether it has another end now.
    """
    if row.expires_at is None or row.expires_at > due:
        return False
    last = newest(session, row.peer_id)
    if last is None or last.client_id != row.client_id:  # another one has taken its place
        return False
    row.expires_at = ends
    session.add(row)
    session.flush()
    return True


def due_there(session: Session, due: datetime) -> list[Peer]:
    """The partners at which our client id ends soon, or has, or nobody knows when it does.

    Args:
        due: what ends later is left out.
    """
    partners = session.exec(
        select(Peer).where(
            Peer.state == PeerState.ACTIVE,
            Peer.auth_method == AuthMethod.PRIVATE_KEY_JWT,
            col(Peer.base_url).is_not(None),
        )
    ).all()
    return [
        peer for peer in partners if peer.client_expires_at is None or peer.client_expires_at <= due
    ]
