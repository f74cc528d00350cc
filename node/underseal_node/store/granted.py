"""Queries on what peers have granted us: as they told it, and which terms go with what we received.

A footprint keeps the terms of the grants that covered it when they were last asked for. When no
grant covers it any more, it keeps those it had: what was promised stays promised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import update
from sqlmodel import Session, col, select

from underseal_node.store.tables import KeyKind, Peer, ReceivedFootprint, ReceivedKey
from underseal_protocol.usage_terms import GrantedToUs

__all__ = ["keep", "note_terms", "of_peer", "terms_of"]

ROWS_AT_A_TIME = 500

# Sequence number, footprint id and terms of a received footprint.
Held = tuple[int, str, str | None]


def of_peer(peer: Peer) -> list[GrantedToUs] | None:
    """What a peer has granted us, as it told it last; `None` if it never did."""
    if peer.granted_to_us is None:
        return None
    return [GrantedToUs.from_json(one) for one in json.loads(peer.granted_to_us)]


def keep(session: Session, peer: Peer, granted: Sequence[GrantedToUs]) -> None:
    """Keep what a peer has told; what was received from it gets the terms, if they are others."""
    told = json.dumps([one.to_json() for one in granted], ensure_ascii=False)
    if told == peer.granted_to_us:
        return
    peer.granted_to_us = told
    session.add(peer)
    session.flush()
    note_terms(session, peer)


def note_terms(session: Session, peer: Peer, footprint_ids: Collection[str] | None = None) -> None:
    """Write the terms of the peer's grants beside the footprints that they cover.

    Args:
        peer: from whom they were received.
        footprint_ids: only these; `None`: all.
    """
    granted = of_peer(peer)
    if granted is None:
        return
    for portion in _portions(session, peer.id or 0, footprint_ids):
        keys = _keys(session, [seq for seq, _, _ in portion])
        for seq, footprint_id, before in portion:
            found = keys[seq]
            covering = [
                one
                for one in granted
                if one.covers(footprint_id, found[KeyKind.PRODUCT], found[KeyKind.CLASSIFICATION])
            ]
            after = _written(covering) if covering else before
            if after != before:
                session.execute(
                    update(ReceivedFootprint)
                    .where(col(ReceivedFootprint.seq) == seq)
                    .values(terms=after)
                )


def terms_of(row: ReceivedFootprint) -> list[GrantedToUs]:
    """The grants with terms or a purpose under which a footprint was shown to us."""
    return [GrantedToUs.from_json(one) for one in json.loads(row.terms or "[]")]


def _written(covering: Sequence[GrantedToUs]) -> str | None:
    stated = [one.to_json() for one in covering if one.terms or one.purpose]
    return json.dumps(stated, ensure_ascii=False) if stated else None


def _portions(
    session: Session, peer_id: int, footprint_ids: Collection[str] | None
) -> Iterator[list[Held]]:
    """What is held of a peer, not all in memory."""
    columns = select(
        ReceivedFootprint.seq, ReceivedFootprint.footprint_id, ReceivedFootprint.terms
    ).where(ReceivedFootprint.peer_id == peer_id)
    if footprint_ids is not None:
        columns = columns.where(col(ReceivedFootprint.footprint_id).in_(footprint_ids))
    after = 0
    while True:
        rows = session.exec(
            columns.where(col(ReceivedFootprint.seq) > after)
            .order_by(col(ReceivedFootprint.seq))
            .limit(ROWS_AT_A_TIME)
        ).all()
        if not rows:
            return
        held = [(seq or 0, footprint_id, terms) for seq, footprint_id, terms in rows]
        yield held
        after = held[-1][0]


def _keys(session: Session, seqs: Sequence[int]) -> dict[int, dict[str, set[str]]]:
    """What received footprints can be found by: values by kind."""
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = session.exec(
        select(ReceivedKey.seq, ReceivedKey.kind, ReceivedKey.value).where(
            col(ReceivedKey.seq).in_(seqs)
        )
    )
    for seq, kind, value in rows:
        found[seq][kind].add(value)
    return found
