"""Queries on what one peer may be sent in answer to a request. Like everything that peers read,
they start from the grants of that peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlmodel import Session

from underseal_node.store.batches import batches
from underseal_node.store.page_sql import IS_VISIBLE, LEVEL, Reach, page_statement
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import ACTIVE, Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.segments import render

__all__ = ["Deliverable", "levels_of", "matching", "may_see", "named", "visible"]


# Whatever the grants are: the query looks each of them up.
ANY_REACH = Reach(everything=False, level=None, grants=None)
NAMED = text(
    f"SELECT f.id, f.segments, f.status, {LEVEL} FROM footprint f "  # noqa: S608 - constants
    "WHERE f.id = :id"
)

LEVELS = text(
    f"SELECT f.id, {LEVEL} FROM footprint f WHERE f.id IN :ids"  # noqa: S608 - constants
).bindparams(bindparam("ids", expanding=True))
VISIBLE = text(
    f"SELECT f.id FROM footprint f WHERE f.id IN :ids AND {IS_VISIBLE}"  # noqa: S608 - constants
).bindparams(bindparam("ids", expanding=True))


@dataclass(frozen=True)
class Deliverable:
    """A footprint as one peer may see it.

    Attributes:
        id: of the footprint.
        body: its JSON at the disclosure level of the peer.
        level: that level.
    """

    id: str
    body: bytes = field(repr=False)
    level: Level


def matching(
    session: Session, peer_id: int, criteria: Criteria, now: datetime, *, limit: int
) -> list[Deliverable]:
    """What is granted to a peer and meets the criteria, oldest publication first.

    Args:
        limit: at most so many.
    """
    statement = page_statement(ANY_REACH, criteria, only_changed=False)
    parameters: dict[str, Any] = dict(statement.parameters)
    parameters |= {"after": 0, "count": limit, "peer": peer_id, "now": utc_text(now)}
    rows = session.connection().execute(text(statement.sql), parameters).fetchall()
    return [
        Deliverable(row[3], _rendered(row[1], row[2], row[4]), Level.of_rank(row[4]))
        for row in sorted(rows, key=lambda row: int(row[0]))[:limit]
    ]


def named(
    session: Session, peer_id: int, footprint_ids: Iterable[str], now: datetime
) -> Mapping[str, Deliverable]:
    """What is granted to a peer of these footprints, by id."""
    found: dict[str, Deliverable] = {}
    for footprint_id in footprint_ids:
        row = _granted(session, peer_id, footprint_id, now)
        if row is not None:
            body = _rendered(row[1], row[2], row[3])
            found[footprint_id] = Deliverable(row[0], body, Level.of_rank(row[3]))
    return found


def levels_of(
    session: Session, peer_id: int, footprint_ids: Sequence[str], now: datetime
) -> dict[str, Level]:
    """At which level a peer is shown these own footprints, by id; without those it is not shown."""
    found: dict[str, Level] = {}
    for ids in batches(footprint_ids):
        parameters = {"ids": ids, "peer": peer_id, "now": utc_text(now)}
        rows = session.connection().execute(LEVELS, parameters)
        found.update((key, Level.of_rank(rank)) for key, rank in rows if rank is not None)
    return found


def visible(
    session: Session, peer_id: int, footprint_ids: Sequence[str], now: datetime
) -> set[str]:
    """Which of these own footprints are granted to a peer."""
    found: set[str] = set()
    for ids in batches(footprint_ids):
        parameters = {"ids": ids, "peer": peer_id, "now": utc_text(now)}
        found.update(row[0] for row in session.connection().execute(VISIBLE, parameters))
    return found


def may_see(session: Session, peer_id: int, bodies: Mapping[str, bytes], now: datetime) -> bool:
    """Whether a peer may see all of these own footprints, as they were once rendered for it.

    Args:
        bodies: by id. The level of each is no higher than what is granted now; its status may be
            that of an earlier time.
    """
    for footprint_id, body in bodies.items():
        row = _granted(session, peer_id, footprint_id, now)
        if row is None:
            return False
        segments, status, highest = row[1:4]
        forms = (
            _rendered(segments, one, rank)
            for rank in range(highest, -1, -1)
            for one in {status, ACTIVE}  # what every footprint was once
        )
        if body not in forms:
            return False
    return True


def _granted(
    session: Session, peer_id: int, footprint_id: str, now: datetime
) -> Sequence[Any] | None:
    """Id, segments, status and rank of a footprint; `None` if the peer may not see it."""
    parameters = {"id": footprint_id, "peer": peer_id, "now": utc_text(now)}
    row: Sequence[Any] | None = session.connection().execute(NAMED, parameters).fetchone()
    return None if row is None or row[3] is None else row


def _rendered(segments: bytes, status: str, rank: int) -> bytes:
    return render(segments, Level.of_rank(rank), status)
