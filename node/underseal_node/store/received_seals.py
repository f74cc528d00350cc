"""Queries on the sealed sums of received footprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import func
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.roster_tables import TrustedRoster
from underseal_node.store.seal_tables import ReceivedSeal, SealState
from underseal_node.store.tables import Peer

__all__ = ["circumstances", "find", "keep", "verified", "verified_rows", "wanted"]


def find(session: Session, peer_id: int, footprint_id: str) -> ReceivedSeal | None:
    """The sealed sum of a received footprint."""
    return session.get(ReceivedSeal, (peer_id, footprint_id))


def keep(session: Session, row: ReceivedSeal) -> None:
    """Keep a sealed sum with what verification said; one from before is replaced."""
    session.merge(row)
    session.flush()


def verified_rows(session: Session) -> Iterator[ReceivedSeal]:
    """Those of all peers that hold, and not all in memory."""
    for peer_id, footprint_id in verified(session):
        row = find(session, peer_id, footprint_id)
        if row is not None:
            yield row
            session.flush()
            session.expunge(row)


def verified(session: Session) -> list[tuple[int, str]]:
    """Peer and footprint of each one that holds."""
    found = session.exec(
        select(ReceivedSeal.peer_id, ReceivedSeal.footprint_id)
        .where(ReceivedSeal.state == SealState.VERIFIED)
        .order_by(col(ReceivedSeal.peer_id), col(ReceivedSeal.footprint_id))
    )
    return [(peer_id, footprint_id) for peer_id, footprint_id in found]


def circumstances(session: Session) -> list[tuple[object, ...]]:
    """What verdicts depend on: what is pinned of peers, which rosters are trusted, and what is
    attested of footprints."""
    if session.exec(select(ReceivedSeal.peer_id).limit(1)).first() is None:
        return []
    pinned = [
        (one.id, one.state, one.issuer, one.former_issuers, one.key_set, one.key_log)
        for one in session.exec(select(Peer).order_by(col(Peer.id)))
    ]
    rosters = [
        (one.issuer, one.name, one.key)
        for one in session.exec(
            select(TrustedRoster).order_by(col(TrustedRoster.issuer), col(TrustedRoster.name))
        )
    ]
    same = (col(ReceivedFootprint.peer_id) == ReceivedSeal.peer_id) & (
        col(ReceivedFootprint.footprint_id) == ReceivedSeal.footprint_id
    )
    attested = session.exec(
        select(func.count(), func.max(ReceivedFootprint.changed_at))
        .select_from(ReceivedSeal)
        .join(ReceivedFootprint, same)
    )
    return [*pinned, *rosters, *map(tuple, attested)]


def wanted(session: Session, peer_id: int, listed: Mapping[str, str]) -> list[str]:
    """Of those that a peer lists, ids of verified footprints whose sealed sum we do not hold.

    One that its publisher does not stand by any more is fetched again: it may be signed anew.

    Args:
        listed: digests by footprint.
    """
    found: list[str] = []
    for part in batches(sorted(listed)):
        verified = session.exec(
            select(ReceivedFootprint.footprint_id).where(
                ReceivedFootprint.peer_id == peer_id,
                ReceivedFootprint.verification == VerificationState.VERIFIED,
                col(ReceivedFootprint.footprint_id).in_(part),
            )
        ).all()
        held = {
            row.footprint_id: None if _is_unbound(row) else row.digest
            for row in session.exec(
                select(ReceivedSeal).where(
                    ReceivedSeal.peer_id == peer_id, col(ReceivedSeal.footprint_id).in_(part)
                )
            )
        }
        found += sorted(one for one in verified if held.get(one) != listed[one])
    return found


def _is_unbound(row: ReceivedSeal) -> bool:
    return row.state == SealState.INVALID and (row.reason or "").startswith("binding:")
