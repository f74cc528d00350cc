"""Queries on how far the pulls from peers have come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from underseal_node.store.exchange_tables import PullState

__all__ = ["abandoned", "advance", "begin", "completed", "state_of"]


def state_of(session: Session, peer_id: int, criteria: str) -> PullState | None:
    """How far the pull with these criteria has come.

    Args:
        criteria: canonical query string of the filters.
    """
    return session.exec(_of(peer_id, criteria)).first()


def _of(peer_id: int, criteria: str) -> SelectOfScalar[PullState]:
    return select(PullState).where(PullState.peer_id == peer_id, PullState.criteria == criteria)


def begin(session: Session, peer_id: int, criteria: str, now: datetime) -> PullState:
    """The state of this pull, made when there is none; an interrupted walk is kept."""
    state = state_of(session, peer_id, criteria) or _made(session, peer_id, criteria)
    if state.next_link is None:
        state.started_at = now
        state.pending_watermark = None
    session.add(state)
    session.flush()
    return state


def _made(session: Session, peer_id: int, criteria: str) -> PullState:
    """A new state, or the one that another host makes at this very moment."""
    state = PullState(peer_id=peer_id, criteria=criteria)
    try:
        with session.begin_nested():
            session.add(state)
    except IntegrityError:
        return session.exec(_of(peer_id, criteria)).one()
    return state


def advance(
    session: Session, peer_id: int, criteria: str, *, next_link: str | None, watermark: str | None
) -> None:
    """A page has been stored in this transaction.

    Args:
        next_link: of the page; `None` on the last one.
        watermark: what the first page of the walk said; kept until the walk is complete.
    """
    state = state_of(session, peer_id, criteria) or _made(session, peer_id, criteria)
    state.next_link = next_link
    # Another host may have begun the same walk: what has changed since the first of both counts.
    if watermark is not None and state.pending_watermark is None:
        state.pending_watermark = watermark
    session.add(state)
    session.flush()


def completed(session: Session, peer_id: int, criteria: str, now: datetime) -> None:
    """The walk has reached its end: what it began with is now seen."""
    state = state_of(session, peer_id, criteria)
    if state is None:
        return
    if state.pending_watermark is not None:
        state.watermark = state.pending_watermark
    state.pending_watermark = None
    state.next_link = None
    state.completed_at = now
    session.add(state)
    session.flush()


def abandoned(session: Session, peer_id: int, criteria: str) -> None:
    """The walk cannot go on where it stopped: the next one starts at the first page."""
    state = state_of(session, peer_id, criteria)
    if state is None:
        return
    state.next_link = None
    state.pending_watermark = None
    session.add(state)
    session.flush()
