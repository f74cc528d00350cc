"""What the rows say that the statements of `requester_sql` return."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from underseal_node.errors import NotFoundError
from underseal_node.store.audit_buffer import GRANT_BITS, Shown
from underseal_node.store.readers import Row
from underseal_node.store.requester_sql import WHO_COLUMNS
from underseal_node.store.served import (
    Bearer,
    Partner,
    PeerSuspendedError,
    RequesterUnknownError,
)
from underseal_node.store.tables import KeyKind, PeerState
from underseal_node.store.types import from_utc_text, utc_text
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import GrantedToUs

__all__ = [
    "LEVELS",
    "InstantText",
    "asking",
    "check_requester",
    "grant_of",
    "instant",
    "known_peer",
    "level_of",
    "levelled",
    "partner_of",
    "shown_on",
    "summary_of_grants",
    "the_footprint",
]

LEVELS = tuple(Level.of_rank(rank) for rank in range(4))


class InstantText:
    """`utc_text` of the present, which is mostly in the same second as the time before."""

    def __init__(self) -> None:
        self._second = self._next = datetime.min.replace(tzinfo=UTC)
        self._text = ""

    def __call__(self, now: datetime) -> str:
        if not self._second <= now < self._next:
            self._second = now.replace(microsecond=0)
            self._next = self._second + timedelta(seconds=1)
            self._text = utc_text(self._second)[:20]
        return f"{self._text}{now.microsecond:06d}Z"


def instant(text: str | None) -> datetime | None:
    """An instant as it is stored."""
    return None if text is None else from_utc_text(text)


def partner_of(row: Row, now_text: str) -> Partner:
    """A row of `CLIENT` about a client with keys.

    Args:
        row: as it was read.
        now_text: the present as `utc_text`.
    """
    peer_id, revoked_at, expires_at, state, not_before = row[:5]
    awaits, reason, key_set, has_ended_it = row[WHO_COLUMNS + 2 :]
    has_ended = revoked_at is not None or (expires_at is not None and expires_at <= now_text)
    return Partner(
        peer_id,
        key_set,
        PeerState(state),
        awaits,
        reason,
        has_ended,
        instant(not_before),
        bool(has_ended_it),
    )


def check_requester(rows: Sequence[Row], issued_at: datetime | None, now_text: str) -> Row:
    """Refuse who may not call; return the first row, which begins with the columns `_WHO`."""
    if not rows:
        raise RequesterUnknownError("the client is not known here")
    row = rows[0]
    _, revoked_at, expires_at, state, token_not_before, key_revoked, _, _ = row[:WHO_COLUMNS]
    if revoked_at is not None or (expires_at is not None and expires_at <= now_text):
        raise RequesterUnknownError("the client's credentials are no longer valid")
    if state in (PeerState.REVOKED, PeerState.INVITED, PeerState.PENDING):
        raise RequesterUnknownError("the client is not known here")
    if state != PeerState.ACTIVE:
        raise PeerSuspendedError("access is suspended")
    is_old = (
        issued_at is not None
        and token_not_before is not None
        and utc_text(issued_at) < token_not_before
    )
    if is_old or key_revoked is not None:
        raise RequesterUnknownError("the access token has been revoked")
    return row


def summary_of_grants(grants: Sequence[Row]) -> tuple[int | None, int, int, int]:
    """What `GRANTS_SUMMARY` selects, of grants that have been read."""
    all_level, all_changed, levels = None, 0, []
    for kind, _, level, changed, _ in grants:
        levels.append(level)
        if kind == KeyKind.ALL:
            all_level = level if all_level is None else max(all_level, level)
            all_changed = max(all_changed, changed)
    return all_level, all_changed, max(levels), min(levels)


def known_peer(rows: Sequence[Row]) -> Sequence[Row]:
    if not rows:
        raise NotFoundError("there is no such peer")
    return rows


def the_footprint(row: Row, footprint_id: str) -> tuple[Any, str, int]:
    """The value and status that `Statements.footprint` has found, and by which level and grant.

    Raises:
        NotFoundError: it does not exist, or no grant covers it: the two look the same.
    """
    value, status, granted, found_id = row[WHO_COLUMNS : WHO_COLUMNS + 4]
    if found_id != footprint_id or granted is None or value is None:
        raise NotFoundError("there is no such footprint")
    return value, status, granted


def level_of(granted: int) -> Level:
    """The level in what `the_footprint` returns."""
    return LEVELS[granted >> GRANT_BITS]


def levelled(found: Sequence[Row], rank: int | None) -> list[tuple[bytes, Level, str]]:
    """Packed bytes, level and status of each row.

    Args:
        rank: the one that holds for all, or `None` if it is in the rows.
    """
    if rank is None:
        return [(row[1], LEVELS[row[4]], row[2]) for row in found]
    uniform = LEVELS[rank]
    return [(row[1], uniform, row[2]) for row in found]


def shown_on(found: Sequence[Row], rank: int | None) -> Shown | None:
    """Which footprints a page shows at which level, for the audit log.

    Args:
        rank: as for `levelled`.
    """
    if not found:
        return None
    if rank is not None:
        return Shown(((rank, tuple([row[3] for row in found])),))
    ranks = sorted({row[4] for row in found})
    return Shown(tuple((one, tuple(r[3] for r in found if r[4] == one)) for one in ranks))


def grant_of(row: Row) -> GrantedToUs:
    _, kind, value, rank, starts, ends, terms, purpose = row
    return GrantedToUs(
        kind=kind,
        value=value,
        level=LEVELS[rank],
        starts=None if starts is None else from_utc_text(starts),
        ends=None if ends is None else from_utc_text(ends),
        terms=terms,
        purpose=purpose,
    )


def asking(bearer: Bearer) -> dict[str, Any]:
    """The parameters that stand for a requester."""
    return {"asker": bearer.client_id, "kid": bearer.kid}
