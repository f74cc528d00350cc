"""How a node stands, for the operator: what is stale and why, what is open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from underseal_node.products.staleness import ACTIVE, Stale, stale
from underseal_node.store import products
from underseal_node.store.identity import Identity
from underseal_node.store.tables import Alert, Footprint

__all__ = ["Overview", "open_lines", "overview"]


@dataclass(frozen=True, slots=True)
class Overview:
    """How a node stands.

    Attributes:
        footprints: own ones that are active.
        products: that were imported.
        open_lines: of them, that resolve to nothing.
        stale: footprints and drafts that would be others now, or may be.
        alerts: that were raised.
    """

    footprints: int
    products: int
    open_lines: int
    stale: tuple[Stale, ...]
    alerts: int


def overview(session: Session, now: datetime, identity: Identity) -> Overview:
    """How a node stands at a moment.

    Args:
        session: to read.
        now: aware.
        identity: of the node.
    """
    active = select(func.count()).select_from(Footprint).where(col(Footprint.status) == ACTIVE)
    rows = products.all_products(session)
    return Overview(
        session.exec(active).one(),
        len(rows),
        sum(open_lines(session).values()),
        tuple(stale(session, now, identity)),
        session.exec(select(func.count()).select_from(Alert)).one(),
    )


def open_lines(session: Session) -> dict[str, int]:
    """How many lines of each product resolve to nothing yet, by its id."""
    decided = {(one.product_id, one.line_id) for one in products.matches(session)}
    return {
        row.id: sum(
            line["kind"] != "direct"
            and line.get("source") is None
            and (row.id, line["id"]) not in decided
            for line in json.loads(row.document).get("lines", ())
        )
        for row in products.all_products(session)
    }
