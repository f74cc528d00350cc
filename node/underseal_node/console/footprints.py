"""Own footprints: all of them; of one, what each partner sees of it, its correction, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, Query, segment
from underseal_node.console.documents import chain_of, downloaded, unit_text
from underseal_node.console.marks import _
from underseal_node.console.node_lists import NodeList, as_shown, end_of
from underseal_node.console.pages import Visit
from underseal_node.console.properties import figure_of, filled_blocks, groups_of
from underseal_node.console.property_names import BLOCKS
from underseal_node.console.seal_words import FIGURES
from underseal_node.console.seen_pages import level_page, seen_page
from underseal_node.console.tables import Column, Filter, Row, page_of
from underseal_node.console.words import LEVELS, UNITS

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

NOT_FOUND = 404
AT_A_TIME = 8  # partners whose view is asked for at once
PAGE_PARTNERS = 30
DIGITS = "digits"


STATUSES = (("Active", _("Active")), ("Deprecated", _("Deprecated")))
COLUMNS = (
    Column(
        "productNameCompany",
        _("Product"),
        link=lambda row: f"/footprints/{segment(row['id'])}",
    ),
    Column("productIds", _("Product ids")),
    Column("pcfExcludingBiogenicUptake", _("kg CO₂e"), "number"),
    Column("unit", _("per"), by="declaredUnitOfMeasurement"),
    Column("status", _("Status"), "word"),
    Column("validUntil", _("Valid until"), "date"),
    Column("publishedAt", _("Published"), "time"),
)
IN_FILES = (
    *COLUMNS,
    Column("id", _("Footprint id"), is_sorted=False),
    Column("validFrom", _("Valid from"), "date", is_sorted=False),
)


LIST = NodeList("/footprints", COLUMNS, IN_FILES, as_shown(*dict(STATUSES), *UNITS), "footprints")


async def _list(visit: Visit) -> Response:
    wanted, product, ends = visit.asked("status"), visit.asked("product"), end_of(visit)
    query: Query = {
        "status": wanted if wanted in dict(STATUSES) else None,
        "productId": product or None,
        "validUntilBefore": ends,
    }

    def shown(row: Row) -> Row:
        return {**row, "unit": unit_text(row, visit.text)}

    file = await LIST.file(visit, query, shown)
    if file is not None:
        return file
    filters = [
        Filter("status", _("Status"), [(one, visit.text(text)) for one, text in STATUSES]),
    ]
    table = await LIST.table(visit, query, shown, filters, is_narrowed=bool(product or ends))
    return visit.page("footprints.html", {"table": table, "product": product, "ends": ends})


async def _show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    """One footprint; with what was refused, if something was."""

    async def fetch(footprint_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await visit.api.get(f"/footprints/{segment(footprint_id)}")
        return found

    found = await fetch(visit.request.path_params["id"])
    chain, views, seal = await asyncio.gather(
        chain_of(found, fetch), _views(visit, found["id"]), _seal(visit, found["id"])
    )
    values = {
        "found": found,
        "figure": figure_of(found["footprint"]),
        "groups": groups_of(found["footprint"]),
        "chain": chain,
        **views,
        "seal": seal,
        "seal_figures": FIGURES,
        "blocks": BLOCKS,
        "levels": LEVELS,
        "refusal": refusal,
        "typed": visit.form.typed(),
        "address": "/footprints",
        "peer": None,
    }
    return visit.page("footprint.html", values, 200 if refusal is None else refusal.status)


async def _seal(visit: Visit, footprint_id: str) -> Mapping[str, Any] | None:
    """The seal of a footprint, if it has one."""
    try:
        found: Mapping[str, Any] = await visit.api.get(f"/seals/{segment(footprint_id)}")
    except ApiRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return None
    return found


async def _views(visit: Visit, footprint_id: str) -> dict[str, Any]:
    """What active partners see of a footprint, those of one page of them."""
    found = (await visit.api.get("/peers"))["data"]
    peers = [one for one in found if one["state"] == "active"]
    count = len(peers)
    page, pages = page_of(visit.asked("partners"), count, PAGE_PARTNERS)
    peers = peers[(page - 1) * PAGE_PARTNERS : page * PAGE_PARTNERS]
    slots = asyncio.Semaphore(AT_A_TIME)

    async def view(peer: Mapping[str, Any]) -> dict[str, Any]:
        async with slots:
            return {"peer": peer, **await _view(visit, footprint_id, peer["name"])}

    views = await asyncio.gather(*(view(one) for one in peers))
    first = sorted(views, key=lambda one: one["level"] is None)
    return {"views": first, "page": page, "pages": pages, "partners": count}


async def _view(visit: Visit, footprint_id: str, peer: str) -> dict[str, Any]:
    """Level and blocks of one partner; without a level it sees nothing."""
    try:
        seen = await visit.api.get(f"/footprints/{segment(footprint_id)}", {"as": peer})
    except ApiRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return {"level": None, "blocks": {}}
    filled = filled_blocks(seen["footprint"])
    states = {
        block: "withheld"
        if block in seen["withheld"]
        else ("shown" if block in filled else "nothing stated")
        for block in BLOCKS
    }
    return {"level": seen["level"], "blocks": states}


async def _seen(visit: Visit) -> Response:
    """A footprint as a partner sees it, or anybody at a `level`; with `raw`, in the very bytes."""
    crumbs = (
        ("/footprints", visit.text("Own footprints")),
        (f"/footprints/{visit.part('id')}#seen", ""),
    )
    footprint_id = visit.request.path_params["id"]
    level = visit.asked("level")
    if level and not visit.asked("as"):
        return await level_page(visit, footprint_id, level, crumbs)
    return await seen_page(visit, footprint_id, visit.asked("as"), crumbs, "raw")


async def _raw(visit: Visit) -> Response:
    answer = await visit.api.call("GET", f"/footprints/{visit.part('id')}")
    return downloaded(answer, answer.json["id"])


async def _deprecate(visit: Visit) -> Response:
    path = f"/footprints/{visit.part('id')}"
    try:
        done = await visit.api.post(f"{path}/deprecate")
    except ApiRefusedError as error:
        if error.status == NOT_FOUND:
            raise
        return await _page(visit, error)
    said = visit.text(_("The footprint is deprecated."))
    return visit.done(path, f"{said} {_told(visit, done)}")


async def _supersede(visit: Visit) -> Response:
    """Publish what is in a file instead of a footprint."""
    path = f"/footprints/{visit.part('id')}"
    file, digits = visit.form.file("file"), visit.form.one(DIGITS)
    if file is None:
        message = visit.text(_("Choose the file with the corrected footprint."))
        return await _page(visit, ApiRefusedError(422, message))
    try:
        done = await visit.api.upload(
            f"{path}/supersede",
            file.content,
            {"name": file.name[:1024], "significantDigits": digits or None},
        )
    except ApiRefusedError as error:
        if error.status == NOT_FOUND:
            raise
        return await _page(visit, error)
    said = visit.text(_("It is published, and the footprint before it is deprecated."))
    return visit.done(f"/footprints/{segment(done['published'])}", f"{said} {_told(visit, done)}")


def _told(visit: Visit, done: Mapping[str, Any]) -> str:
    names = done["notified"]
    if not names:
        return visit.text(_("No partner has to be told."))
    return visit.text(_("These partners are told: %(names)s."), names=", ".join(names))


PAGES = {
    "/footprints": _list,
    "/footprints/{id}": _show,
    "/footprints/{id}/seen": _seen,
    "/footprints/{id}/raw": _raw,
}
ACTIONS = {"/footprints/{id}/deprecate": _deprecate}
UPLOADS = {"/footprints/{id}/supersede": _supersede}
