"""Endorsements: what customers ask us to stand behind for their sealed sums, and our answers."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, Query, segment
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.seal_words import FIGURES
from underseal_node.console.sharing import number_part, partner_path
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["ACTIONS", "PAGES"]

MOST = 10_000
STATES = ("open", "allowed", "endorsed", "refused", "failed")
CALLED = {"open": "waiting"}
# Of these the answer is still to be given.
UNANSWERED = ("open", "failed")
NAMED, NOT_NAMED, AS_MEMBER = _("by name"), _("without our name"), _("as a member of %(roster)s")


def _link(row: Row) -> str:
    return f"/endorsements/{row['id']}"


def _partner_link(row: Row) -> str:
    return partner_path(row["peer"])


def _footprint_link(row: Row) -> str:
    return f"/footprints/{segment(row['footprintId'])}"


COLUMNS = (
    Column("id", _("Question"), "number", link=_link),
    Column("askedAt", _("Asked"), "time"),
    Column("peer", _("Customer"), link=_partner_link),
    Column("product", _("Footprint"), link=_footprint_link),
    Column("figure", _("Figure")),
    Column("called", _("State"), "word"),
    Column("named", _("How")),
    Column("answeredAt", _("Answered"), "time"),
)


def called(state: str) -> str:
    """The word for a state: `open` is that of lines without a source."""
    return CALLED.get(state, state)


async def _list(visit: Visit) -> Response:
    state = visit.asked("state")
    query: Query = {"state": state if state in STATES else None, "limit": MOST}
    found = (await visit.api.get("/endorsements", query))["data"]
    rows = [_row(visit, one) for one in found]
    file = exported(visit, rows, COLUMNS, "endorsements")
    if file is not None:
        return file
    filters = [Filter("state", _("State"), [(one, visit.text(called(one))) for one in STATES])]
    table = table_of(visit, rows, COLUMNS, filters, MOST)
    return visit.page("endorsements.html", {"table": table})


def _row(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    how = None
    if one.get("roster"):
        how = visit.text(AS_MEMBER, roster=one["roster"])
    elif one["state"] == "endorsed":
        how = visit.text(NAMED if one["isNamed"] else NOT_NAMED)
    return {
        **one,
        "product": one.get("productNameCompany") or one["footprintId"],
        "figure": visit.text(FIGURES[one["property"]]),
        "named": how,
        "called": called(one["state"]),
    }


async def _show(visit: Visit) -> Response:
    return await _shown(visit)


async def _act(visit: Visit) -> Response:
    """Endorse the figure, or refuse to."""
    number = number_part(visit, "id")
    body: dict[str, bool] = {"allow": visit.form.one("do") == "allow"}
    if body["allow"] and visit.form.one("roster") != "yes":
        body["named"] = visit.form.one("named") == "yes"
    try:
        done = await visit.api.post(f"/endorsements/{number}/answer", body)
    except ApiRefusedError as error:
        return await _shown(visit, error)
    if done["state"] == "failed":
        message = visit.text(_("The figure cannot be endorsed."))
        visit.session.messages.append(("refused", f"{message} {visit.said(done['reason'])}"))
        return await _shown(visit)
    said = {
        "endorsed": _("The figure is endorsed. The customer gets it when it asks again."),
        "refused": _("The endorsement is refused. The customer learns that when it asks again."),
    }
    return visit.done(f"/endorsements/{number}", visit.text(said.get(done["state"], done["state"])))


async def _shown(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    found = await visit.api.get(f"/endorsements/{number_part(visit, 'id')}")
    is_named = visit.form.one("named") == "yes" if refusal else found["isNamed"]
    values = {
        "found": found,
        "figure": FIGURES[found["property"]],
        "called": called(found["state"]),
        "is_unanswered": found["state"] in UNANSWERED,
        "is_named": is_named,
        "path": partner_path(found["peer"]),
        "refusal": refusal,
    }
    return visit.page("endorsement.html", values, 200 if refusal is None else refusal.status)


PAGES = {"/endorsements": _list, "/endorsements/{id}": _show}
ACTIONS = {"/endorsements/{id}": _act}
