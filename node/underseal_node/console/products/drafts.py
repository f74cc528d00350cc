"""Drafts: made of a product, handed to a verifier, published with what that attests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.downloads import JSON, attached
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.products.addresses import product_of, product_page
from underseal_node.console.products.publishing import acknowledgement, said_of
from underseal_node.console.tables import Column, Row, table_of

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

LIMIT = 10_000
ATTESTATION = "attestation"  # the field for its text

Json = Mapping[str, Any]


def _page_of(row: Row) -> str:
    return f"/drafts/{row['id']}"


def _footprint_of(row: Row) -> str | None:
    return f"/footprints/{row['id']}" if row.get("publishedAt") else None


def _replaced_by(row: Row) -> str | None:
    return f"/footprints/{row['supersedes']}" if row.get("supersedes") else None


COLUMNS = (
    Column("productNameCompany", _("Product"), link=_page_of),
    Column("id", _("Id"), link=_page_of),
    Column("createdAt", _("Made"), "time"),
    Column("publishedAt", _("Published"), "time", link=_footprint_of),
    Column("supersedes", _("Will replace"), link=_replaced_by),
)


async def _list(visit: Visit) -> Response:
    rows = (await visit.api.get("/drafts", {"limit": LIMIT}))["data"]
    file = exported(visit, rows, COLUMNS, "drafts")
    if file is not None:
        return file
    return visit.page("products/drafts.html", {"table": table_of(visit, rows, COLUMNS, most=LIMIT)})


async def _show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, refusal: ApiRefusedError | None = None, token: str = "") -> Response:
    draft = await visit.api.get(f"/drafts/{visit.part('id')}")
    footprint = draft["draft"].get("footprint", {})
    return visit.page(
        "products/draft.html",
        {
            "draft": draft,
            "pcf": footprint.get("pcf", {}),
            "refusal": refusal,
            "typed": {**visit.form.typed(), ATTESTATION: token},
        },
        200 if refusal is None else refusal.status,
    )


async def _file(visit: Visit) -> Response:
    """The draft as a file, for the verifier."""
    draft = await visit.api.get(f"/drafts/{visit.part('id')}")
    content = json.dumps(draft["draft"], ensure_ascii=False, indent=2).encode()
    return attached(content, f"draft-{draft['id']}.json", JSON)


async def _make(visit: Visit) -> Response:
    product_id = product_of(visit)
    try:
        made = await visit.api.post("/products/draft", None, {"product": product_id})
    except ApiRefusedError as error:
        return visit.refused(product_page("twin", product_id), error)
    if made["isNew"] or made["replaced"]:
        message = _("The draft was made. Hand its file to the verifier.")
    else:
        message = _("There was this very draft already.")
    return visit.done(f"/drafts/{made['id']}", visit.text(message))


async def _publish(visit: Visit) -> Response:
    """Publish what is in the draft, with the attestation that was given."""
    sent = visit.form.file("file")
    token = visit.form.one(ATTESTATION)
    if sent is not None:
        token = sent.content.decode("utf-8", "replace").strip()
    draft = await visit.api.get(f"/drafts/{visit.part('id')}")
    body = {"draft": json.dumps(draft["draft"]), **acknowledgement(visit.form)}
    try:
        done = await visit.api.post(
            "/drafts/publish", body | ({ATTESTATION: token} if token else {})
        )
    except ApiRefusedError as error:
        return await _page(visit, error, token)
    answer = visit.done(f"/footprints/{done['id']}", said_of(visit, done))
    if done["dropsSeal"]:
        message = visit.text(_("What it replaces is sealed. This one is not."))
        visit.session.messages.append(("warning", message))
    return answer


PAGES = {"/drafts": _list, "/drafts/{id}": _show, "/drafts/{id}/file": _file}
ACTIONS = {"/products/draft": _make}
UPLOADS = {"/drafts/{id}/publish": _publish}
