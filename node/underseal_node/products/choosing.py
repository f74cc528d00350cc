"""Which received footprint counts: of a supplier's product, and for a line that was matched to one.

What a peer has sent of one product may be much, and may have thousands of product ids: each summary
is read once for a choice, and once for all choices where `read` remembers it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import DEPRECATED

__all__ = ["Read", "best_of", "newest_of", "preceding_of", "read_summary"]

Read: TypeAlias = Callable[[ReceivedFootprint], Mapping[str, Any]]
"""Gives what is stored to list a received footprint."""


def read_summary(row: ReceivedFootprint) -> Mapping[str, Any]:
    """What is stored to list a received footprint."""
    found: Mapping[str, Any] = json.loads(row.summary)
    return found


def newest_of(
    matched: ReceivedFootprint,
    rows: Sequence[ReceivedFootprint],
    now: datetime,
    read: Read = read_summary,
) -> ReceivedFootprint:
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


def best_of(
    rows: Sequence[ReceivedFootprint], now: datetime, read: Read = read_summary
) -> ReceivedFootprint | None:
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

    def rank(row: ReceivedFootprint) -> tuple[bool, bool, bool, bool, str, int]:
        return (
            row.status != DEPRECATED,
            row.valid_from <= moment <= row.valid_until,
            row.footprint_id not in replaced,
            row.verification == VerificationState.VERIFIED,
            str(summaries[row.footprint_id].get("created", "")),
            row.seq or 0,
        )

    return max(usable, key=rank, default=None)
