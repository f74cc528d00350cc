"""Queries on rosters: those that are kept here, memberships of ours, and those that are trusted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from underseal_node.errors import RefusedError
from underseal_node.store.database import to_change
from underseal_node.store.roster_tables import (
    Admitted,
    Joined,
    JoinedState,
    RosterEpoch,
    RosterKey,
    TrustedRoster,
)

__all__ = [
    "admitted",
    "all_admitted",
    "all_admitted_to",
    "all_epochs",
    "epochs",
    "forget_trusted",
    "joined",
    "keep",
    "key",
    "membership",
    "memberships",
    "save",
    "trusted",
]


def save(
    session: Session, row: RosterKey | RosterEpoch | Admitted | Joined | TrustedRoster
) -> None:
    """Keep what is new or changed.

    Raises:
        RefusedError: another process has kept the same a moment earlier.
    """
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise _meanwhile() from None


def keep(session: Session, row: Joined) -> Joined:
    """Keep a membership of ours; it takes the place of the one with its id.

    Raises:
        RefusedError: another process has kept one of this epoch a moment earlier.
    """
    try:
        with session.begin_nested():
            kept = session.merge(row)
            session.flush()
    except IntegrityError:
        raise _meanwhile() from None
    return kept


def key(session: Session, name: str) -> RosterKey | None:
    """A roster of ours, as it is until the end of this transaction."""
    same = select(RosterKey).where(RosterKey.name == name)
    return session.exec(to_change(session, same)).first()


def epochs(session: Session, name: str) -> Sequence[RosterEpoch]:
    """The epochs of a roster of ours, the oldest first."""
    statement = select(RosterEpoch).where(RosterEpoch.name == name)
    return session.exec(statement.order_by(col(RosterEpoch.not_before))).all()


def all_epochs(session: Session) -> Sequence[RosterEpoch]:
    """The epochs of all rosters of ours, by name, the newest first."""
    ordered = col(RosterEpoch.name), col(RosterEpoch.not_before).desc()
    return session.exec(select(RosterEpoch).order_by(*ordered)).all()


def admitted(session: Session, epoch_id: int) -> Sequence[Admitted]:
    """All that have a credential of an epoch, as they were admitted."""
    statement = select(Admitted).where(Admitted.epoch_id == epoch_id)
    return session.exec(statement.order_by(col(Admitted.id))).all()


def all_admitted(session: Session) -> Sequence[Admitted]:
    """The same of all epochs."""
    return session.exec(select(Admitted).order_by(col(Admitted.id))).all()


def all_admitted_to(session: Session, name: str) -> Sequence[Admitted]:
    """All that were ever admitted to a roster, in whichever epoch, as they were admitted."""
    statement = (
        select(Admitted)
        .join(RosterEpoch, col(Admitted.epoch_id) == RosterEpoch.id)
        .where(RosterEpoch.name == name)
    )
    return session.exec(statement.order_by(col(Admitted.id))).all()


def membership(session: Session, header: str) -> Joined | None:
    """A membership of ours, as it is until the end of this transaction.

    Args:
        header: digest of roster and epoch.
    """
    same = select(Joined).where(Joined.header == header)
    return session.exec(to_change(session, same)).first()


def memberships(session: Session) -> Sequence[Joined]:
    """All of ours, by name, the newest first."""
    ordered = col(Joined.name), col(Joined.not_before).desc()
    return session.exec(select(Joined).order_by(*ordered)).all()


def joined(session: Session, name: str) -> Sequence[Joined]:
    """Memberships that we have in the epochs of all rosters of a name, the newest first."""
    statement = select(Joined).where(Joined.name == name, Joined.state == JoinedState.JOINED)
    return session.exec(statement.order_by(col(Joined.not_before).desc())).all()


def trusted(session: Session) -> Sequence[TrustedRoster]:
    """The rosters that are trusted, by name."""
    ordered = col(TrustedRoster.name), col(TrustedRoster.issuer)
    return session.exec(select(TrustedRoster).order_by(*ordered)).all()


def forget_trusted(session: Session, row: TrustedRoster) -> None:
    """Trust a roster no more."""
    session.delete(row)
    session.flush()


def _meanwhile() -> RefusedError:
    """PostgreSQL: several hosts, on each of which an operator does the same."""
    return RefusedError(
        "somebody has done the same at this moment", hint="Look at `underseal roster list`."
    )
