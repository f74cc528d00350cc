"""How a node stands, for the operator: what is stale and why, what is open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.products.staleness import Stale, stale
from underseal_node.store import gauges, products
from underseal_node.store.identity import Identity

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
    still_open = open_lines(session)
    active, alerts = gauges.of_status(session)
    return Overview(
        active,
        len(still_open),
        sum(still_open.values()),
        tuple(stale(session, now, identity)),
        alerts,
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
