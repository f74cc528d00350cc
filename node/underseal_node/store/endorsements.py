"""Queries on what customers ask us to endorse, and on what we have answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, exists, select

from underseal_node.errors import NotFoundError
from underseal_node.store.database import to_change
from underseal_node.store.seal_tables import Question, QuestionState
from underseal_node.store.tables import Peer

__all__ = [
    "add",
    "allowed",
    "asked_since",
    "count",
    "count_open",
    "find",
    "get",
    "is_any_allowed",
    "listing",
    "of_peer",
    "save",
    "to_answer",
]


def find(
    session: Session, peer_id: int, context: str, footprint_id: str, sealed: str
) -> Question | None:
    """What a peer has asked before.

    Args:
        context: base64url.
        footprint_id: own, in lower case.
        sealed: the property.
    """
    same = select(Question).where(
        Question.peer_id == peer_id,
        Question.context == context,
        Question.footprint_id == footprint_id,
        Question.property == sealed,
    )
    return session.exec(to_change(session, same)).first()


def add(session: Session, question: Question) -> Question | None:
    """Keep a question that is new; None if somebody was faster with the same one."""
    try:
        # PostgreSQL: the same one twice at a time gets here twice, and one loses.
        with session.begin_nested():
            session.add(question)
            session.flush()
    except IntegrityError:
        return None
    return question


def save(session: Session, question: Question) -> None:
    """Keep what has become of a question."""
    session.add(question)
    session.flush()


def get(session: Session, question_id: int) -> Question:
    """One question.

    Raises:
        NotFoundError: there is none with this id.
    """
    found = session.get(Question, question_id)
    if found is None:
        raise _unknown(question_id)
    return found


def to_answer(session: Session, question_id: int) -> Question:
    """One question, as it is now and until the end of this transaction.

    Raises:
        NotFoundError: there is none with this id.
    """
    named = select(Question).where(Question.id == question_id)
    found = session.exec(to_change(session, named)).first()
    if found is None:
        raise _unknown(question_id)
    return found


def of_peer(session: Session, peer_id: int, question_id: int) -> Question:
    """A question of this peer.

    Raises:
        NotFoundError: it has asked none with this id.
    """
    found = get(session, question_id)
    if found.peer_id != peer_id:
        raise _unknown(question_id)
    return found


def listing(
    session: Session, *, state: QuestionState | None = None, limit: int = 1000
) -> Sequence[tuple[Question, str]]:
    """Questions with the names of who asks, newest first.

    Args:
        state: only in this one.
        limit: at most so many.
    """
    statement = select(Question, Peer.name).join(Peer, col(Question.peer_id) == Peer.id)
    if state is not None:
        statement = statement.where(Question.state == state)
    return session.exec(statement.order_by(col(Question.id).desc()).limit(limit)).all()


def count(session: Session, state: QuestionState | None = None) -> int:
    """How many questions there are.

    Args:
        state: only in this one.
    """
    statement = select(func.count()).select_from(Question)
    if state is not None:
        statement = statement.where(Question.state == state)
    return int(session.exec(statement).one())


def allowed(session: Session, *, limit: int) -> Sequence[int]:
    """Ids of the oldest questions that are to be signed.

    Args:
        limit: at most so many.
    """
    statement = select(Question.id).where(Question.state == QuestionState.ALLOWED)
    found = session.exec(statement.order_by(col(Question.id)).limit(limit)).all()
    return [one for one in found if one is not None]


def is_any_allowed() -> ColumnElement[bool]:
    """Whether a question is to be signed, for a statement."""
    return exists().where(col(Question.state) == QuestionState.ALLOWED)


def count_open(session: Session, peer_id: int) -> int:
    """How many questions of a peer wait for the operator."""
    statement = (
        select(func.count())
        .select_from(Question)
        .where(Question.peer_id == peer_id, Question.state == QuestionState.OPEN)
    )
    return int(session.exec(statement).one())


def asked_since(session: Session, peer_id: int, now: datetime, ago: timedelta) -> int:
    """How many questions of a peer are not older than this.

    Args:
        now: aware.
        ago: how long.
    """
    statement = (
        select(func.count())
        .select_from(Question)
        .where(Question.peer_id == peer_id, col(Question.asked_at) > now - ago)
    )
    return int(session.exec(statement).one())


def _unknown(question_id: int) -> NotFoundError:
    return NotFoundError(
        f"there is no question {question_id} for an endorsement",
        hint="`underseal endorsement list` shows them.",
    )
