"""What ends between us and a peer: what waits for it is settled, what was exchanged stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, SQLModel, col, select

from underseal_node.store import peers, requests
from underseal_node.store.audit_tables import Receipt
from underseal_node.store.database import next_change
from underseal_node.store.exchange_tables import (
    Alert,
    Direction,
    InboxEvent,
    OutboxEvent,
    OutboxState,
    PullState,
    ReceivedFootprint,
    Request,
    RequestState,
)
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.product_tables import DeclarationRow, MatchRow, ReleaseRow
from underseal_node.store.seal_tables import HeldEndorsement, Question, QuestionState
from underseal_node.store.tables import AccessGrant, ClientCredential, Peer, PeerState

__all__ = ["forget", "forget_pulls", "remove", "settle"]

REMOVED = "the peer was removed"

# What shows that something happened between us and a peer; then it is not simply deleted.
HISTORY: tuple[type[SQLModel], ...] = (
    ReceivedFootprint,
    Request,
    InboxEvent,
    OutboxEvent,
    Receipt,
    ReleaseRow,
    Question,
    HeldEndorsement,
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


def remove(session: Session, peer: Peer, now: datetime) -> str | None:
    """End what connects us with a peer: credentials, grants, requests, events on their way.

    What was exchanged stays, under the name of the peer with a mark; a peer with which nothing was
    exchanged is forgotten altogether. Either way the name is free again.

    Returns:
        the name under which something of it stays; `None` if nothing does.

    Raises:
        RefusedError: it has been removed before.
    """
    peers.require_not_removed(peer)
    next_change(session)  # pages that are kept in memory are no longer true
    if not any(_count(session, table, peer.id) for table in HISTORY):
        forget(session, peer)
        return None
    peers.revoke_credentials(session, peer, now)
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
    session.execute(
        update(Question)
        .where(
            col(Question.peer_id) == peer.id,
            col(Question.state).in_((QuestionState.OPEN, QuestionState.ALLOWED)),
        )
        .values(state=QuestionState.REFUSED, reason=reason, answered_at=now)
    )
    open_requests = select(Request).where(
        Request.peer_id == peer.id, Request.state == RequestState.PENDING
    )
    for request in session.exec(open_requests).all():
        is_incoming = request.direction == Direction.INCOMING
        outcome = RequestState.REJECTED if is_incoming else RequestState.FAILED
        requests.settle(session, request, outcome, now, error_message=reason)


def _free_name(session: Session, name: str) -> str:
    taken = {peers.name_key(known) for known in session.exec(select(Peer.name)).all()}
    number, free = 1, name
    while peers.name_key(free) in taken:
        number += 1
        free = f"{name[:-1]} {number})"
    return free


def _count(session: Session, table: type[SQLModel], peer_id: int | None) -> int:
    statement = select(func.count()).select_from(table).where(_peer_id(table) == peer_id)
    return int(session.exec(statement).one())


def _peer_id(table: type[SQLModel]) -> Any:
    return table.peer_id  # type: ignore[attr-defined]
