"""All products, with what their footprints are and what they need."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.downloads import XLSX, attached
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.products.addresses import product_page
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["PAGES", "state_of"]


STATES = (_("open lines"), _("not published"), _("stale"), _("current"))


def _twin_of(row: Row) -> str:
    return product_page("twin", row["id"])


def _matching_of(row: Row) -> str | None:
    return product_page("match", row["id"]) if row["openLines"] else None


def _footprint_of(row: Row) -> str | None:
    return f"/footprints/{row['footprint']}" if row.get("footprint") else None


COLUMNS = (
    Column("name", _("Product"), link=_twin_of),
    Column("id", _("Id")),
    Column("state", _("State"), "word"),
    Column("pcf", _("kg CO₂e"), "number", link=_footprint_of),
    Column("unit", _("per")),
    Column("lines", _("Lines"), "number"),
    Column("openLines", _("Open lines"), "number", link=_matching_of),
    Column("changedAt", _("Changed"), "time"),
)


def state_of(product: Row) -> str:
    """What a product needs, in one of our words: what keeps it from being calculated goes first."""
    if product["openLines"]:
        return "open lines"
    if not product.get("footprint"):
        return "not published"
    return "stale" if product["isStale"] else "current"


async def _list(visit: Visit) -> Response:
    listed = (await visit.api.get("/products"))["data"]
    rows: list[dict[str, Any]] = [one | {"state": state_of(one)} for one in listed]
    wanted = visit.asked("state")
    if wanted:
        rows = [one for one in rows if one["state"] == wanted]
    file = exported(visit, rows, COLUMNS, "products")
    if file is not None:
        return file
    states = [(one, visit.text(one)) for one in STATES]
    table = table_of(visit, rows, COLUMNS, [Filter("state", _("State"), states)])
    stale = sum(state_of(one) == "stale" for one in listed)
    return visit.page("products/list.html", {"table": table, "stale": stale})


async def _workbook(visit: Visit) -> Response:
    """Products as a workbook that can be imported again: one, or all."""
    chosen = visit.request.query_params.getlist("product")
    answer = await visit.api.call("GET", "/products/workbook", {"product": chosen})
    return attached(answer.body, "products.xlsx", XLSX)


PAGES = {"/products": _list, "/products/workbook": _workbook}
