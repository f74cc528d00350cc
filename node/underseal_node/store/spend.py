"""Queries on what is spent on suppliers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from underseal_node.store.spend_tables import SpendRow

__all__ = ["Period", "of_period", "periods", "remove", "replace"]

Period = tuple[datetime, datetime]
"""First instant, and the first one after it; both aware."""


def periods(session: Session) -> list[Period]:
    """The periods that there is something of: by their ends, the newest first; of those that end
    together, the longest first."""
    found = session.exec(
        select(SpendRow.period_start, SpendRow.period_end)
        .distinct()
        .order_by(col(SpendRow.period_end).desc(), col(SpendRow.period_start))
    )
    return [(start, end) for start, end in found]


def of_period(session: Session, period: Period) -> Sequence[SpendRow]:
    """What is spent in one period, by supplier."""
    start, end = period
    return session.exec(
        select(SpendRow)
        .where(SpendRow.period_start == start, SpendRow.period_end == end)
        .order_by(col(SpendRow.supplier), col(SpendRow.id))
    ).all()


def replace(session: Session, period: Period, rows: Iterable[SpendRow]) -> None:
    """What is spent in a period is these rows, and nothing else."""
    remove(session, period)
    session.add_all(rows)


def remove(session: Session, period: Period) -> int:
    """Forget what is spent in a period; returns how many rows that were."""
    start, end = period
    found = session.execute(
        delete(SpendRow).where(col(SpendRow.period_start) == start, col(SpendRow.period_end) == end)
    )
    return int(getattr(found, "rowcount", 0))
