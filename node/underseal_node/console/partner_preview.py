"""Preview as a partner: what it sees, found by the very queries that serve it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.seal_words import FIGURES, seen_sums
from underseal_node.console.seen_pages import seen_page
from underseal_node.console.sharing import instant_of, partner_path
from underseal_node.console.tables import Column, whole
from underseal_node.console.words import LEVELS
from underseal_protocol.disclosure import Block, Level

__all__ = ["PAGES", "blocks_at"]

PAGE_FOOTPRINTS = 50
AT_A_TIME = 1_000
MOST_EXPORTED = 100_000
MAX_DIGITS = 18


COLUMNS = (
    Column("id", _("Footprint")),
    Column("productNameCompany", _("Product")),
    Column("productIds", _("Product ids")),
    Column("pcfExcludingBiogenicUptake", _("kg CO₂e, without biogenic uptake"), "number"),
    Column("declaredUnitAmount", _("per"), "number"),
    Column("declaredUnitOfMeasurement", _("Unit")),
    Column("status", _("Status"), "word"),
    Column("level", _("Level"), "word"),
    Column("withheld", _("Withheld")),
)


def blocks_at(level: str) -> list[tuple[str, bool]]:
    """The blocks of a footprint, and whether a level shows them."""
    shown = Level(level).blocks
    return [(block, block in shown) for block in Block]


async def _preview(visit: Visit) -> Response:
    """A page of what it sees, now or at another moment."""
    name, refusal = visit.request.path_params["name"], None
    try:
        at = instant_of(visit, visit.asked("at"))
    except ApiRefusedError as error:
        at, refusal = None, error
    if visit.asked("as") in ("csv", "xlsx"):
        rows = await _all(visit, name, at)
        file = exported(visit, rows, COLUMNS, "preview")
        if file is not None:
            return file
    query = {
        "peer": name,
        "at": at,
        "after": whole(visit.asked("after"), MAX_DIGITS) or 0,
        "limit": PAGE_FOOTPRINTS,
    }
    product = visit.asked("product").replace("\0", "") or None
    found = await visit.api.get("/grants/preview", {**query, "productId": product})
    values = {
        "found": found,
        "path": partner_path(found["peer"]),
        "levels": [(one, found["levels"].get(one, 0)) for one in LEVELS],
        "sums": seen_sums(found),
        "seal_figures": FIGURES,
        "refusal": refusal,
        "is_now": at is None,
        "is_first": query["after"] == 0,
        "product": product,
    }
    return visit.page("partner_preview.html", values, 200 if refusal is None else refusal.status)


async def _all(visit: Visit, name: str, at: str | None) -> list[dict[str, Any]]:
    """All pages, those of the moment of the first one."""
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None and len(rows) < MOST_EXPORTED:
        query = {"peer": name, "at": at, "after": after, "limit": AT_A_TIME}
        found = await visit.api.get("/grants/preview", query)
        rows += found["data"]
        at, after = found["at"], found.get("next")
    return rows


async def _footprint(visit: Visit) -> Response:
    """One footprint as it gets it, to look at or (`as=json`) in the very bytes."""
    name, footprint_id = visit.request.path_params["name"], visit.request.path_params["footprint"]
    path = partner_path(name)
    crumbs = (
        ("/partners", visit.text(_("Partners"))),
        (path, name),
        (f"{path}/preview", visit.text(_("What it sees"))),
    )
    return await seen_page(visit, footprint_id, name, crumbs, "as")


PAGES = {
    "/partners/{name}/preview": _preview,
    "/partners/{name}/preview/{footprint}": _footprint,
}
