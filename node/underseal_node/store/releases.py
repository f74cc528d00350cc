"""Queries on the ledger of releases, and on what peers are declared to be and to know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from underseal_node.store.product_tables import DeclarationRow, ExposureRow, ReleaseRow
from underseal_node.store.tables import Footprint, FootprintKey, KeyKind, Peer
from underseal_protocol.criteria import fold
from underseal_protocol.disclosure import Level

__all__ = [
    "add_exposure",
    "covered",
    "declaration",
    "declarations",
    "declare",
    "exposure",
    "exposures",
    "inherit",
    "ledger",
    "mark",
    "release",
]


def add_exposure(session: Session, footprint_id: str, document: str) -> None:
    """Keep what a footprint tells of its sources."""
    session.merge(ExposureRow(footprint_id=footprint_id, document=document))
    session.flush()


def exposure(session: Session, footprint_id: str) -> ExposureRow | None:
    """What a footprint tells of its sources; None if it was not calculated."""
    return session.get(ExposureRow, footprint_id)


def exposures(session: Session) -> Sequence[ExposureRow]:
    """Of every footprint that was calculated from what suppliers have sent."""
    return session.exec(select(ExposureRow)).all()


def covered(session: Session, kind: KeyKind, value: str) -> list[str]:
    """Ids of the footprints with an exposure that a grant would cover, oldest first: also of those
    that are deprecated, because they are served as well.

    Args:
        kind: of the grant.
        value: of the grant.
    """
    statement = (
        select(Footprint.id)
        .join(ExposureRow, col(ExposureRow.footprint_id) == Footprint.id)
        .join(FootprintKey, col(FootprintKey.seq) == Footprint.seq)
        .where(
            FootprintKey.kind == kind,
            FootprintKey.value == fold(value),
        )
        .order_by(col(Footprint.seq))
    )
    return list(session.exec(statement))


def release(
    session: Session,
    peer_id: int,
    footprint_id: str,
    level: Level,
    now: datetime,
    *,
    reason: str | None = None,
    consent: str | None = None,
) -> None:
    """Put into the ledger that a peer can read a footprint; what is there already stays.

    Args:
        reason: why, although the gate advised against it.
        consent: reference to the consent of the supplier.
    """
    known = session.exec(
        select(ReleaseRow).where(
            ReleaseRow.peer_id == peer_id,
            ReleaseRow.footprint_id == footprint_id,
            ReleaseRow.level >= level.rank,
        )
    ).first()
    if known is None:
        session.add(
            ReleaseRow(
                peer_id=peer_id,
                footprint_id=footprint_id,
                level=level.rank,
                released_at=now,
                reason=reason,
                consent=consent,
            )
        )
        session.flush()


def ledger(session: Session) -> Sequence[tuple[ReleaseRow, str]]:
    """Every release with the name of the peer, the oldest first."""
    return session.exec(
        select(ReleaseRow, Peer.name)
        .join(Peer, col(Peer.id) == col(ReleaseRow.peer_id))
        .order_by(col(ReleaseRow.id))
    ).all()


def inherit(session: Session, old_id: str, new_id: str) -> None:
    """A footprint that is signed anew tells what the old one told, and has told it to the same.

    Args:
        old_id: of the footprint that it replaces.
        new_id: of the new one.
    """
    known = exposure(session, old_id)
    if known is None:
        return
    document = json.loads(known.document) | {"footprint": new_id}
    add_exposure(session, new_id, json.dumps(document))
    rows = session.exec(select(ReleaseRow).where(ReleaseRow.footprint_id == old_id)).all()
    for row in rows:
        session.add(ReleaseRow(**row.model_dump(exclude={"id"}) | {"footprint_id": new_id}))
    session.flush()


def mark(session: Session) -> tuple[int, int]:
    """How many entries the ledger has, and how many exposures: it only grows."""
    counts = (select(func.count()).select_from(one) for one in (ReleaseRow, ExposureRow))
    of_releases, of_exposures = (session.exec(one).one() for one in counts)
    return of_releases, of_exposures


def declaration(session: Session, peer_id: int) -> DeclarationRow | None:
    """What a peer is declared to be and to know; None if nothing is."""
    return session.get(DeclarationRow, peer_id)


def declarations(session: Session) -> Sequence[tuple[DeclarationRow, Peer]]:
    """Of every peer with a declaration, with the peer."""
    return session.exec(
        select(DeclarationRow, Peer).join(Peer, col(Peer.id) == col(DeclarationRow.peer_id))
    ).all()


def declare(session: Session, row: DeclarationRow) -> None:
    """Write what a peer is declared to be and to know."""
    session.merge(row)
    session.flush()
