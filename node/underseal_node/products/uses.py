"""What a received footprint is used in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.products.bought import BoughtLine, bought_lines
from underseal_node.products.calculating import used_of
from underseal_node.store import footprints, pins, products
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_node.store.product_tables import RollUpRow

__all__ = ["Uses", "uses_of"]


@dataclass(frozen=True, slots=True)
class Uses:
    """What a received footprint is used in.

    Attributes:
        lines: that resolve to it now.
        calculated: own footprints that were calculated from it, newest first, with their status;
            also by products that are made of others.
    """

    lines: tuple[BoughtLine, ...]
    calculated: tuple[tuple[RollUpRow, str], ...]


def uses_of(
    session: Session, now: datetime, defaults: Mapping[str, Any], row: ReceivedFootprint
) -> Uses:
    """What a received footprint is used in.

    Args:
        session: to read.
        now: aware.
        defaults: of declarations, see `bills.defaults_of`.
        row: the footprint.
    """
    lines = tuple(
        one
        for one in bought_lines(session, now, defaults)
        if one.footprint is not None and one.footprint.seq == row.seq
    )
    peer = pins.peer_row(session, row.peer_id)
    calculated = []
    for one in products.roll_ups(session):
        if row.footprint_id not in one.used:  # a text, quicker than what it says
            continue
        used = used_of(one).footprints.get(row.footprint_id)
        # Peers are renamed, and footprints are shown more of.
        if used is not None and (used.digest == row.body_digest or used.peer == peer.name):
            calculated.append(one)
    published = footprints.find_many(session, [one.footprint_id for one in calculated])
    return Uses(
        lines,
        tuple(
            (one, published[one.footprint_id].status)
            for one in calculated
            if one.footprint_id in published
        ),
    )
