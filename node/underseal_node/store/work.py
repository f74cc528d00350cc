"""What kinds of background work wait, asked at once: an idle node asks this several times a second.

Each answer is a look into an index. It may say yes although the worker then finds nothing for
itself (the event of a suspended peer, say), never no when there is something.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, exists, or_, select

from underseal_node.store import audit_log, inbox, receipts
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState

__all__ = ["Work", "waiting_work"]


class Work(StrEnum):
    """A kind of work that waits in the database."""

    OUTBOX = "outbox"
    INBOX = "inbox"
    AUDIT_LOG = "audit log"


def waiting_work(session: Session, now: datetime) -> set[Work]:
    """The kinds of work for which there is something to do.

    Args:
        session: reads.
        now: what is postponed or leased beyond it does not wait.
    """
    is_due = exists().where(
        col(OutboxEvent.state) == OutboxState.PENDING,
        col(OutboxEvent.next_attempt_at) <= now,
        or_(col(OutboxEvent.leased_until).is_(None), col(OutboxEvent.leased_until) <= now),
    )
    outbox, events, recorded, acknowledged = session.exec(
        select(
            is_due, inbox.is_any_due(now), audit_log.is_any_recorded(), receipts.is_any_pending()
        )
    ).one()
    found = {Work.OUTBOX: outbox, Work.INBOX: events, Work.AUDIT_LOG: recorded or acknowledged}
    return {work for work, is_waiting in found.items() if is_waiting}
