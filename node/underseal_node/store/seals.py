"""Queries on seals of our own: what they are bound to, what suppliers endorsed, the documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.database import to_change
from underseal_node.store.seal_tables import HeldEndorsement, HeldState, Seal, SealContext

__all__ = [
    "context",
    "endorsement",
    "endorsements",
    "find",
    "find_many",
    "forget",
    "given_before",
    "keep",
    "keep_context",
    "keep_endorsement",
    "leaves_behind",
    "with_statement",
]


def context(session: Session, footprint_id: str) -> SealContext | None:
    """What the endorsements for a footprint of ours are bound to."""
    return session.get(SealContext, footprint_id)


def keep_context(session: Session, row: SealContext) -> SealContext:
    """Fix that, unless it is fixed; what is fixed is returned."""
    same = select(SealContext).where(SealContext.footprint_id == row.footprint_id)
    known = session.exec(to_change(session, same)).first()
    if known is not None:
        return known
    session.add(row)
    session.flush()
    return row


def endorsement(
    session: Session, footprint_id: str, peer_id: int, supplier_footprint_id: str, sealed: str
) -> HeldEndorsement | None:
    """What a supplier has answered about one figure.

    Args:
        footprint_id: of ours.
        peer_id: the supplier.
        supplier_footprint_id: of the supplier.
        sealed: the property.
    """
    same = select(HeldEndorsement).where(
        HeldEndorsement.footprint_id == footprint_id,
        HeldEndorsement.peer_id == peer_id,
        HeldEndorsement.supplier_footprint_id == supplier_footprint_id,
        HeldEndorsement.property == sealed,
    )
    return session.exec(to_change(session, same)).first()


def endorsements(session: Session, footprint_id: str, sealed: str) -> Sequence[HeldEndorsement]:
    """What suppliers have answered for a footprint of ours."""
    return session.exec(
        select(HeldEndorsement)
        .where(HeldEndorsement.footprint_id == footprint_id, HeldEndorsement.property == sealed)
        .order_by(col(HeldEndorsement.id))
    ).all()


def keep_endorsement(session: Session, row: HeldEndorsement) -> None:
    """Keep what a supplier has answered."""
    session.add(row)
    session.flush()


def given_before(session: Session, footprint_id: str) -> Sequence[HeldEndorsement]:
    """Endorsements for other footprints of ours that are sealed: their blindings are used up."""
    sealed = select(Seal.footprint_id).where(Seal.footprint_id != footprint_id)
    return session.exec(
        select(HeldEndorsement).where(
            HeldEndorsement.state == HeldState.ENDORSED,
            col(HeldEndorsement.footprint_id).in_(sealed),
        )
    ).all()


def find(session: Session, footprint_id: str) -> Seal | None:
    """The seal of a footprint of ours, or of a draft."""
    return session.get(Seal, footprint_id)


def find_many(session: Session, footprint_ids: Iterable[str]) -> dict[str, Seal]:
    """Those seals of these footprints that there are."""
    found: dict[str, Seal] = {}
    for part in batches(list(dict.fromkeys(footprint_ids))):
        rows = session.exec(select(Seal).where(col(Seal.footprint_id).in_(part)))
        found.update((one.footprint_id, one) for one in rows)
    return found


def keep(session: Session, row: Seal) -> None:
    """Keep a seal; that of a draft takes the place of the one before."""
    session.merge(row)
    session.flush()


def leaves_behind(session: Session, old_id: str | None, new_id: str) -> bool:
    """Whether a footprint that was sealed has a successor that is not.

    Args:
        old_id: of the footprint that was replaced, if one was.
        new_id: of its successor.
    """
    if old_id is None:
        return False
    found = find_many(session, (old_id, new_id))
    return old_id in found and new_id not in found


def with_statement(session: Session) -> Sequence[Seal]:
    """Those that were made after publication, so that a statement of their own is signed."""
    made_later = col(Seal.binding).contains("statement")
    return session.exec(select(Seal).where(made_later).order_by(col(Seal.footprint_id))).all()


def forget(session: Session, footprint_ids: Sequence[str]) -> None:
    """Drafts have become others, so their seals are of something else."""
    session.execute(delete(Seal).where(col(Seal.footprint_id).in_(footprint_ids)))
