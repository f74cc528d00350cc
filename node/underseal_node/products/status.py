"""How a node stands, for the operator: what is stale and why, what is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.products.bills import Loader
from underseal_node.products.metered import Meters
from underseal_node.products.staleness import Stale, stale, stale_drafts
from underseal_node.store import gauges, products
from underseal_node.store.identity import Identity
from underseal_protocol.rollup.inputs import DirectEmission

__all__ = ["Overview", "open_lines", "overview"]


@dataclass(frozen=True, slots=True)
class Overview:
    """How a node stands.

    Attributes:
        footprints: own ones that are active.
        products: that were imported.
        open_lines: of them, that resolve to nothing.
        stale: footprints, and then drafts, that would be others now, or may be.
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
    loader = Loader(session, now, identity)
    still_open = open_lines(session, loader.meters)
    active, alerts = gauges.of_status(session)
    return Overview(
        active,
        len(still_open),
        sum(still_open.values()),
        (*stale(session, now, loader), *stale_drafts(session, now, loader)),
        alerts,
    )


def open_lines(session: Session, meters: Meters) -> dict[str, int]:
    """How many lines of each product resolve to nothing yet, by its id.

    Args:
        session: to read.
        meters: of the same session.
    """
    decided = {(one.product_id, one.line_id) for one in products.matches(session)}
    return {
        row.id: sum(
            not isinstance(line, DirectEmission)
            and line.source is None
            and (row.id, line.id) not in decided
            for line in meters.known(row).lines
        )
        for row in products.all_products(session)
    }
