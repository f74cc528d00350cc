"""Queries on the commitments of own footprints."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from underseal_node.errors import RefusedError
from underseal_node.store.batches import batches
from underseal_node.store.commitment_tables import CommitmentRow
from underseal_protocol.commitment import Commitment, read_commitment
from underseal_protocol.strict_json import dumps, loads

__all__ = ["add", "find_many", "get"]


def add(session: Session, footprint_id: str, record: Commitment, now: datetime) -> None:
    """Keep the secret side of a commitment, in the transaction that stores the footprint.

    Args:
        footprint_id: of an own footprint whose credential bears this root.
        record: with salts and padding.
        now: aware.
    """
    text = dumps(record.to_json()).decode()
    session.add(CommitmentRow(footprint_id=footprint_id.lower(), record=text, created_at=now))
    session.flush()


def get(session: Session, footprint_id: str) -> Commitment:
    """The commitment of an own footprint.

    Args:
        footprint_id: as it is stored.

    Raises:
        RefusedError: it has none: it was imported, not calculated.
        CommitmentError: what is stored was altered.
    """
    kept = session.get(CommitmentRow, footprint_id)
    if kept is None:
        raise RefusedError(
            f"the footprint {footprint_id} was published without a commitment, so there are no "
            "lines to open",
            hint="Only what this node has calculated is committed to.",
        )
    return read_commitment(loads(kept.record))


def find_many(session: Session, footprint_ids: Iterable[str]) -> dict[str, Commitment]:
    """Those commitments of these footprints that exist, by the id of the footprint.

    Raises:
        CommitmentError: what is stored was altered.
    """
    found: dict[str, Commitment] = {}
    for part in batches(footprint_ids):
        rows = session.exec(select(CommitmentRow).where(col(CommitmentRow.footprint_id).in_(part)))
        found.update((one.footprint_id, read_commitment(loads(one.record))) for one in rows)
    return found
