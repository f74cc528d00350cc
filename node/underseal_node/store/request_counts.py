"""How much each worker is asked by busy clients, so that a limit holds for all of them together.

Only clients that ask a worker much are written down, about once a second. What a worker that has
ended wrote is not counted any more after some seconds, and deleted later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, text
from sqlmodel import Session, col, delete, select

from underseal_node.store.identity_tables import RequestCount
from underseal_node.store.types import utc_text

__all__ = ["COUNTED_SECONDS", "others"]

# Longer than two reports are apart on a busy machine.
COUNTED_SECONDS = 5
KEPT = timedelta(minutes=1)
NOTE = text(
    "INSERT INTO request_count (client_id, worker, asked, counted_at) "
    "VALUES (:client_id, :worker, :asked, :now) "
    "ON CONFLICT (client_id, worker) DO UPDATE SET asked = :asked, counted_at = :now"
)


def others(
    session: Session, worker: str, asked: Mapping[str, int], now: datetime
) -> dict[str, int]:
    """Write down how much clients ask a worker, and read how much they ask the others.

    Args:
        session: to write.
        worker: who writes; a UUID.
        asked: requests in a second, by client id.
        now: aware.

    Returns:
        requests in a second at all other workers, of those clients that ask there, too.
    """
    session.execute(delete(RequestCount).where(col(RequestCount.counted_at) < now - KEPT))
    # In one order everywhere: two transactions that wait for each other would be a deadlock.
    values = [
        {"client_id": one, "worker": worker, "asked": asked[one], "now": utc_text(now)}
        for one in sorted(asked)
    ]
    session.execute(NOTE, values)
    statement = (
        select(RequestCount.client_id, func.sum(RequestCount.asked))
        .where(
            col(RequestCount.client_id).in_(asked),
            RequestCount.worker != worker,
            col(RequestCount.counted_at) > now - timedelta(seconds=COUNTED_SECONDS),
        )
        .group_by(RequestCount.client_id)
    )
    return {client_id: int(count) for client_id, count in session.exec(statement).all()}
