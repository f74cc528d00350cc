"""Failed authentications, counted by all workers together; the keys are digests, no names.

A row is written when an authentication fails, and deleted when its time is over or when the client
has succeeded. What is blocked is read with one query and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, delete

from underseal_node.store.identity_tables import AuthFailure
from underseal_node.store.readers import Reader
from underseal_node.store.types import from_utc_text, utc_text

__all__ = ["Blocked", "Failures", "blocked_until", "count", "forget", "read"]

# One query with a fixed number of keys, so that its plan is kept.
MAX_KEYS = 3
READ = "SELECT key, blocked_until FROM auth_failure WHERE key IN (:key0, :key1, :key2)"
COUNT = text(
    "INSERT INTO auth_failure (key, failures, blocked_until, expires_at) "
    "VALUES (:key, 1, NULL, :expires) "
    "ON CONFLICT (key) DO UPDATE SET expires_at = :expires, failures = "
    "CASE WHEN auth_failure.expires_at <= :now THEN 1 ELSE auth_failure.failures + 1 END "
    "RETURNING failures"
)
BLOCK = text("UPDATE auth_failure SET blocked_until = :until WHERE key = :key")

Blocked = dict[str, datetime | None]
"""Until when each key that has failures is blocked; `None`: it is not."""


@dataclass(frozen=True)
class Failures:
    """How failures of one kind of key are slowed.

    Attributes:
        key: a digest.
        free: so many failures have no consequence.
        max_delay_seconds: the delay is one second first, doubled with each failure up to this.
    """

    key: str
    free: int
    max_delay_seconds: float


async def read(reader: Reader, keys: Sequence[str]) -> Blocked:
    """The keys that have failures.

    Args:
        reader: runs the query.
        keys: three at most.
    """
    filled = [*keys, *[""] * (MAX_KEYS - len(keys))]
    rows = await reader.rows(READ, {f"key{number}": key for number, key in enumerate(filled)})
    return {row[0]: None if row[1] is None else from_utc_text(row[1]) for row in rows}


def count(
    session: Session, kinds: Sequence[Failures], now: datetime, expires_at: datetime
) -> list[datetime | None]:
    """Count a failure under each key.

    Args:
        kinds: the keys, and how each is slowed.
        now: aware; rows whose time is over by then are deleted.
        expires_at: when the failures are forgotten unless another one follows.

    Returns:
        until when each key is blocked now.
    """
    session.execute(delete(AuthFailure).where(col(AuthFailure.expires_at) <= now))
    until = []
    # In one order everywhere: two transactions that wait for each other would be a deadlock.
    for kind in sorted(kinds, key=lambda one: one.key):
        values = {"key": kind.key, "now": utc_text(now), "expires": utc_text(expires_at)}
        failures = int(session.execute(COUNT, values).scalar_one())
        until.append(blocked_until(kind, failures, now))
        text_of_it = None if until[-1] is None else utc_text(until[-1])
        session.execute(BLOCK, {"key": kind.key, "until": text_of_it})
    return until


def forget(session: Session, keys: Sequence[str]) -> None:
    """The client has authenticated itself."""
    session.execute(delete(AuthFailure).where(col(AuthFailure.key).in_(keys)))


def blocked_until(kind: Failures, failures: int, now: datetime) -> datetime | None:
    """When the next attempt is allowed after so many failures; `None`: at once."""
    beyond = failures - kind.free
    if beyond <= 0:
        return None
    # Bounded before it is computed: nobody counts how often a client fails in a year.
    seconds = min(2.0 ** min(beyond - 1, 32), kind.max_delay_seconds)
    return now + timedelta(seconds=seconds)
