"""Queries on how drafts were calculated."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from underseal_node.store.attestation_tables import DraftRow
from underseal_node.store.product_tables import DraftRollUpRow
from underseal_node.store.tables import Footprint
from underseal_protocol.criteria import ACTIVE

__all__ = ["find", "forget", "keep", "unpublished"]


def keep(session: Session, row: DraftRollUpRow) -> None:
    """Keep how a draft was calculated."""
    session.merge(row)
    session.flush()


def find(session: Session, footprint_id: str) -> DraftRollUpRow | None:
    """How a draft was calculated; None if it was not."""
    return session.get(DraftRollUpRow, footprint_id)


def forget(session: Session, footprint_id: str) -> None:
    """A draft is no longer what was calculated."""
    session.execute(delete(DraftRollUpRow).where(col(DraftRollUpRow.footprint_id) == footprint_id))


def unpublished(session: Session, product_id: str | None = None) -> Sequence[DraftRollUpRow]:
    """How those drafts were calculated that can still be published, newest first, of one product or
    all: not those whose footprint was published without them, or replaces what was replaced."""
    statement = (
        select(DraftRollUpRow)
        .join(DraftRow, col(DraftRow.id) == col(DraftRollUpRow.footprint_id))
        .where(
            col(DraftRow.published_at).is_(None),
            col(DraftRow.id).not_in(select(Footprint.id)),
            or_(
                col(DraftRow.supersedes).is_(None),
                col(DraftRow.supersedes).in_(
                    select(Footprint.id).where(Footprint.status == ACTIVE)
                ),
            ),
        )
        .order_by(col(DraftRollUpRow.calculated_at).desc(), col(DraftRollUpRow.footprint_id))
    )
    if product_id is not None:
        statement = statement.where(DraftRollUpRow.product_id == product_id)
    return session.exec(statement).all()
