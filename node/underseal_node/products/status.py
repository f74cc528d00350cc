"""How a node stands, for the operator: what is stale and why, what is open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.products.bills import Loader
from underseal_node.products.existing import missing
from underseal_node.products.matching import EnergyFailure, failures_of
from underseal_node.products.metered import Meters
from underseal_node.products.staleness import Stale, stale, stale_drafts
from underseal_node.store import gauges, products
from underseal_node.store.identity import Identity
from underseal_protocol.rollup.documents import source_of
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
        failures: why metered energy is in no product.
    """

    footprints: int
    products: int
    open_lines: int
    stale: tuple[Stale, ...]
    alerts: int
    failures: tuple[EnergyFailure, ...] = ()


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
        tuple(failures_of(loader.meters)),
    )


def open_lines(session: Session, meters: Meters) -> dict[str, int]:
    """How many lines of each product resolve to nothing yet, or to what is not there, by its id.

    Args:
        session: to read.
        meters: of the same session.
    """
    decided = {
        (one.product_id, one.line_id): source_of(json.loads(one.source))
        for one in products.matches(session)
    }
    sources = {
        row.id: [
            decided.get((row.id, line.id), line.source)
            for line in meters.known(row).lines
            if not isinstance(line, DirectEmission)
        ]
        for row in products.all_products(session)
    }
    absent = missing(session, {one for each in sources.values() for one in each if one is not None})
    return {
        product_id: sum(one is None or one in absent for one in each)
        for product_id, each in sources.items()
    }
