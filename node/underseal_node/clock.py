"""What time it is, as a function that tests can replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "utc_now"]

Clock = Callable[[], datetime]
"""Returns the present instant as an aware UTC datetime."""


def utc_now() -> datetime:
    """The present instant by the clock of this machine, aware, in UTC."""
    return datetime.now(UTC)
