"""Which received footprint counts: of a supplier's product, and for a line that was matched to one.

What a peer has sent of one product may be much, and may have thousands of product ids: each summary
is read once for a choice, and once for all choices where `read` remembers it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar

from underseal_node.store.exchange_tables import VerificationState
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import DEPRECATED

__all__ = ["Known", "Read", "best_of", "newest_of", "preceding_of", "read_summary"]


class Known(Protocol):
    """What of a received footprint decides; a row of the store, or less than that."""

    @property
    def seq(self) -> int | None:
        """Its number: the newest has the highest."""

    @property
    def footprint_id(self) -> str:
        """Its id."""

    @property
    def status(self) -> str:
        """`Active` or `Deprecated`."""

    @property
    def verification(self) -> str:
        """A `VerificationState`."""

    @property
    def valid_from(self) -> str:
        """The beginning of its validity."""

    @property
    def valid_until(self) -> str:
        """The end of its validity."""

    @property
    def geography(self) -> str | None:
        """The place that it is for, folded."""

    @property
    def summary(self) -> str:
        """What is stored to list it, as JSON."""


K = TypeVar("K", bound=Known)

Read: TypeAlias = Callable[[K], Mapping[str, Any]]
"""Gives what is stored to list a received footprint."""


def read_summary(row: Known) -> Mapping[str, Any]:
    """What is stored to list a received footprint."""
    found: Mapping[str, Any] = json.loads(row.summary)
    return found


def newest_of(
    matched: K,
    rows: Sequence[K],
    now: datetime,
    read: Read[K] = read_summary,
) -> K:
    """Which footprint counts for a line that was matched to one: its newest good successor.

    A successor names it as preceding, or is for the same place and unit and no older period. What
    is for another place or an older period is another decision, and the operator's.

    Args:
        matched: that was decided for.
        rows: what the supplier has sent of the product, newest first.
        now: aware.
        read: their summaries.
    """
    summaries = {row.seq: read(row) for row in (*rows, matched)}
    preceding = {row.seq: frozenset(preceding_of(summaries[row.seq])) for row in rows}
    chain, grown = {matched.footprint_id}, True
    while grown:
        more = {row.footprint_id for row in rows if chain & preceding[row.seq]} - chain
        chain |= more
        grown = bool(more)
    like = [
        row
        for row in rows
        if row.footprint_id in chain
        or (
            row.geography == matched.geography
            and _is_like(summaries[row.seq], summaries[matched.seq])
        )
    ]
    candidates = [*like, *([] if matched in like else [matched])]
    return best_of(candidates, now, lambda row: summaries[row.seq]) or matched


def preceding_of(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the footprints that one says it replaces."""
    return tuple(str(one) for one in summary.get("precedingPfIds", ()))


def _is_like(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("declaredUnitOfMeasurement") == other.get("declaredUnitOfMeasurement") and str(
        one.get("referencePeriodEnd", "")
    ) >= str(other.get("referencePeriodEnd", ""))


def best_of(rows: Sequence[K], now: datetime, read: Read[K] = read_summary) -> K | None:
    """Which footprint of a supplier's product counts: valid ones first, then the newest.

    Args:
        rows: what the supplier has sent of it, newest first.
        now: aware.
        read: their summaries.

    Returns:
        None if there is none that could be used at all.
    """
    usable = [row for row in rows if row.verification != VerificationState.INVALID]
    summaries = {row.footprint_id: read(row) for row in usable}
    replaced = {one for summary in summaries.values() for one in preceding_of(summary)}
    moment = utc_text(now)

    def rank(row: K) -> tuple[bool, bool, bool, bool, str, int]:
        return (
            row.status != DEPRECATED,
            row.valid_from <= moment <= row.valid_until,
            row.footprint_id not in replaced,
            row.verification == VerificationState.VERIFIED,
            str(summaries[row.footprint_id].get("created", "")),
            row.seq or 0,
        )

    return max(usable, key=rank, default=None)
