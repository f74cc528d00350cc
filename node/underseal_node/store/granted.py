"""Queries on what peers have granted us: as they told it, and which terms go with what we received.

A footprint keeps the terms of the grants that covered it when they were last asked for. When no
grant covers it any more, it keeps those it had: what was promised stays promised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import update
from sqlmodel import Session, col, select

from underseal_node.store import listed
from underseal_node.store.exchange_tables import ReceivedFootprint, ReceivedKey
from underseal_node.store.tables import KeyKind, Peer
from underseal_protocol.criteria import fold
from underseal_protocol.usage_terms import GrantedToUs

__all__ = ["Coverage", "as_told", "keep", "note_next", "note_terms", "of_peer", "terms_of"]

ROWS_AT_A_TIME = 500
REMEMBERED = 8  # peers whose grants are understood only once

# Sequence number, footprint id and terms of a received footprint.
Held = tuple[int, str, str | None]
HELD = select(ReceivedFootprint.seq, ReceivedFootprint.footprint_id, ReceivedFootprint.terms)
Keys = set[tuple[str, str]]


class Coverage:
    """Which of a peer's grants cover a footprint, found without looking at each of them.

    Args:
        granted: in the order in which the peer told them.
    """

    def __init__(self, granted: Iterable[GrantedToUs]) -> None:
        self._by_key: dict[tuple[str, str], list[tuple[int, GrantedToUs]]] = defaultdict(list)
        for number, one in enumerate(granted):
            self._by_key[one.kind, fold(one.value)].append((number, one))

    def of(self, footprint_id: str, keys: Keys) -> list[GrantedToUs]:
        """The grants that cover a footprint.

        Args:
            footprint_id: in lower case.
            keys: kind and folded value of what it can be found by.
        """
        everything = {(KeyKind.ALL.value, ""), (KeyKind.FOOTPRINT.value, footprint_id)}
        found = [one for key in keys | everything for one in self._by_key.get(key, ())]
        return [one for _, one in sorted(found, key=lambda numbered: numbered[0])]


def as_told(granted: Sequence[GrantedToUs]) -> str:
    """As it is kept with the peer."""
    return json.dumps([one.to_json() for one in granted], ensure_ascii=False)


def of_peer(peer: Peer) -> list[GrantedToUs] | None:
    """What a peer has granted us, as it told it last; `None` if it never did."""
    return None if peer.granted_to_us is None else _read(peer.granted_to_us)


def keep(session: Session, peer: Peer, told: str, now: datetime) -> None:
    """Keep what a peer has told, as `as_told` wrote it, and when that was."""
    peer.granted_to_us, peer.granted_to_us_at = told, now
    session.add(peer)
    session.flush()


def note_terms(session: Session, peer: Peer, footprint_ids: Collection[str]) -> None:
    """Write the terms of the peer's grants beside footprints that have just come from it."""
    if peer.granted_to_us is None or not footprint_ids:
        return
    rows = session.exec(
        select(
            ReceivedFootprint.seq, ReceivedFootprint.footprint_id, ReceivedFootprint.terms
        ).where(
            ReceivedFootprint.peer_id == peer.id,
            col(ReceivedFootprint.footprint_id).in_(footprint_ids),
        )
    ).all()
    _note(session, [(seq or 0, *rest) for seq, *rest in rows], _coverage(peer.granted_to_us))


def note_next(session: Session, peer_id: int, coverage: Coverage, after: int) -> int | None:
    """Write the terms beside the next few hundred footprints of a peer, after others were told.

    Args:
        coverage: of the grants that were told.
        after: where the ones before ended; 0 for the first.

    Returns:
        where these ended; `None` when there are no more.
    """
    rows = session.exec(
        HELD.where(ReceivedFootprint.peer_id == peer_id, col(ReceivedFootprint.seq) > after)
        .order_by(col(ReceivedFootprint.seq))
        .limit(ROWS_AT_A_TIME)
    ).all()
    held = [(seq or 0, *rest) for seq, *rest in rows]
    _note(session, held, coverage)
    return held[-1][0] if len(held) == ROWS_AT_A_TIME else None


def terms_of(row: ReceivedFootprint) -> list[GrantedToUs]:
    """The grants with terms or a purpose under which a footprint was shown to us."""
    return [GrantedToUs.from_json(one) for one in json.loads(row.terms or "[]")]


def _read(told: str) -> list[GrantedToUs]:
    return [GrantedToUs.from_json(one) for one in json.loads(told)]


@lru_cache(maxsize=REMEMBERED)
def _coverage(told: str) -> Coverage:
    return Coverage(_read(told))


def _note(session: Session, held: Sequence[Held], coverage: Coverage) -> None:
    keys = _keys(session, [seq for seq, _, _ in held])
    changed: dict[str | None, list[int]] = defaultdict(list)
    for seq, footprint_id, before in held:
        covering = coverage.of(footprint_id, keys[seq])
        after = _written(covering) if covering else before
        if after != before:
            changed[after].append(seq)
    for terms, seqs in changed.items():
        session.execute(
            update(ReceivedFootprint)
            .where(col(ReceivedFootprint.seq).in_(seqs))
            .values(terms=terms)
        )
        listed.refresh(session, seqs)


def _written(covering: Sequence[GrantedToUs]) -> str | None:
    stated = [one for one in covering if one.terms or one.purpose]
    return as_told(stated) if stated else None


def _keys(session: Session, seqs: Sequence[int]) -> dict[int, Keys]:
    """What received footprints can be found by: kind and value."""
    found: dict[int, Keys] = defaultdict(set)
    rows = session.exec(
        select(ReceivedKey.seq, ReceivedKey.kind, ReceivedKey.value).where(
            col(ReceivedKey.seq).in_(seqs)
        )
    )
    for seq, kind, value in rows:
        found[seq].add((kind, value))
    return found
