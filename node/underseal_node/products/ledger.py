"""The ledger of releases at this node: what was shown to whom, as the release gate goes by it."""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.products.declared import read_declared, with_groups
from underseal_node.store import audit, grants, releases
from underseal_node.store.audit import Act
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.verdict import Acknowledgement

__all__ = ["Ledger", "audience", "note_release"]


class Ledger:
    """Everything that was released, with legal groups as they are declared now.

    Args:
        session: to read.

    Attributes:
        declared: of everybody.
        exposures: by id of the footprint.
    """

    def __init__(self, session: Session) -> None:
        self.declared = read_declared(session)
        self.exposures = {
            row.footprint_id: self.as_declared(Exposure.from_json(json.loads(row.document)))
            for row in releases.exposures(session)
        }
        self._entries = [
            (row.footprint_id, self.declared.peers[row.peer_id].id, Level.of_rank(row.level))
            for row, _ in releases.ledger(session)
        ]
        self._links = {name: one.links for name, one in self.exposures.items()}

    def as_declared(self, exposure: Exposure) -> Exposure:
        """An exposure with the legal groups of suppliers in place of their keys."""
        return with_groups(exposure, self.declared.supplier_groups)

    def related(self, exposure: Exposure) -> list[Release]:
        """The releases that have to do with an exposure: they share sources, or what sources were
        before, directly or by others, the oldest first."""
        related, links = set[str](), set(exposure.links)
        grown = True
        while grown:
            more = {
                name
                for name, one in self._links.items()
                if name not in related and not links.isdisjoint(one)
            }
            related |= more
            links = links.union(*(self._links[name] for name in more))
            grown = bool(more)
        return [
            Release(name, frozenset(level.blocks), self.exposures[footprint_id])
            for footprint_id, name, level in self._entries
            if footprint_id in related
        ]


def audience(session: Session, keys: set[tuple[KeyKind, str]], now: datetime) -> dict[int, Level]:
    """The highest level at which each peer is granted something with one of these keys."""
    found: dict[int, Level] = {}
    for peer_id, kind, value, level in grants.levels_in_force(session, now):
        if (kind, value) in keys:
            found[peer_id] = max(found.get(peer_id, level), level, key=lambda one: one.rank)
    return found


def note_release(
    session: Session,
    peer_id: int,
    footprint_id: str,
    level: Level,
    now: datetime,
    said: Acknowledgement | None,
) -> None:
    """Put into the ledger that a peer can read a footprint at a level.

    Args:
        said: by which the operator answers for it; None: nothing speaks against it.
    """
    if said is not None:
        audit.record(
            session,
            Act.RELEASE_ACKNOWLEDGED,
            now,
            peer_id=peer_id,
            footprint_ids=[footprint_id],
            detail={"reason": said.reason, "consent": said.consent},
        )
    releases.release(
        session,
        peer_id,
        footprint_id,
        level,
        now,
        reason=None if said is None else said.reason,
        consent=None if said is None else said.consent,
    )
