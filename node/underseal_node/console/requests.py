"""Requests, in and out: what is asked for, what became of it, and asking a partner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, Query
from underseal_node.console.marks import _
from underseal_node.console.node_lists import NodeList, as_shown
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import instant_of, lines_of, partner_path, words_of
from underseal_node.console.tables import Column, Filter, Row

__all__ = ["ACTIONS", "PAGES", "asked_for"]

DIRECTIONS = ("incoming", "outgoing")
STATES = ("pending", "fulfilled", "rejected", "failed")
STATUSES = ("Active", "Deprecated")


# The filters of PACT, as they are called here; times are those that are no list.
CRITERIA = {
    "productId": _("Product id"),
    "companyId": _("Company id"),
    "geography": _("Geography"),
    "classification": _("Classification"),
    "status": _("Status"),
    "validOn": _("Valid on"),
    "validAfter": _("Valid only after"),
    "validBefore": _("No longer valid by"),
}
LISTS = ("productId", "companyId", "geography", "classification")
TIMES = ("validOn", "validAfter", "validBefore")


def _link(row: Row) -> str:
    return f"/requests/{row['id']}"


def _partner_link(row: Row) -> str:
    return partner_path(row["peer"])


COLUMNS = (
    Column("id", _("Request"), "number", link=_link),
    Column("direction", _("Direction"), "word"),
    Column("peer", _("Partner"), link=_partner_link),
    Column("asked", _("Asked for"), link=_link, by="criteria"),
    Column("state", _("State"), "word"),
    Column("outcome", _("Outcome")),
    Column("createdAt", _("Asked"), "time"),
    Column("answeredAt", _("Answered"), "time"),
)


WORDS = {**as_shown(*DIRECTIONS, *STATES, "footprints"), **CRITERIA}
LIST = NodeList("/requests", COLUMNS, COLUMNS, WORDS, "requests")


async def _list(visit: Visit) -> Response:
    names = [one["name"] for one in (await visit.api.get("/peers"))["data"]]
    direction, state, peer = (visit.asked(name) for name in ("direction", "state", "peer"))
    query: Query = {
        "direction": direction if direction in DIRECTIONS else None,
        "state": state if state in STATES else None,
        "peer": {one.casefold(): one for one in names}.get(peer.casefold()),
    }

    def shown(row: Row) -> Row:
        return {**row, "asked": _line(visit, row), "outcome": _outcome(visit, row)}

    file = await LIST.file(visit, query, shown)
    if file is not None:
        return file
    filters = [
        Filter("direction", _("Direction"), words_of(visit, DIRECTIONS)),
        Filter("state", _("State"), words_of(visit, STATES)),
        Filter("peer", _("Partner"), [(name, name) for name in sorted(names, key=str.casefold)]),
    ]
    table = await LIST.table(visit, query, shown, filters)
    return visit.page("requests.html", {"table": table})


def asked_for(visit: Visit, request: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What a request asks for: the name of each filter, and its values."""
    found = []
    for name, value in request["criteria"].items():
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        if name in TIMES:
            values = [visit.language.time(one) for one in values]
        found.append((visit.text(CRITERIA[name]) if name in CRITERIA else name, values))
    return found


def _line(visit: Visit, request: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in asked_for(visit, request))


def _outcome(visit: Visit, request: Mapping[str, Any]) -> str:
    error, count = request.get("error"), len(request["footprintIds"])
    if error:
        return str(error["message"])
    if count:
        text = visit.language.translations.ngettext(
            "%(num)s footprint", "%(num)s footprints", count
        )
        return text % {"num": visit.language.number(count)}
    return str(request.get("note") or "")


async def _new(visit: Visit) -> Response:
    return await _asking(visit)


async def _ask(visit: Visit) -> Response:
    """Send a request."""
    form = visit.form
    try:
        criteria: dict[str, Any] = {name: lines_of(form.one(name)) for name in LISTS}
        criteria["status"] = form.all("status")
        times = {name: instant_of(visit, form.one(name)) for name in TIMES}
        criteria |= {name: value for name, value in times.items() if value}
        body: dict[str, Any] = {"peer": form.one("peer"), "criteria": criteria}
        if form.one("comment"):
            body["comment"] = form.one("comment")
        sent = await visit.api.post("/requests", body)
    except ApiRefusedError as error:
        return await _asking(visit, error)
    text = visit.text("The request is on its way; this page tells the answer.")
    return visit.done(f"/requests/{sent['id']}", text)


async def _asking(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    peers = (await visit.api.get("/peers"))["data"]
    given = {"peer": visit.asked("peer"), "productId": visit.asked("product")}
    values = {
        "refusal": refusal,
        "typed": visit.form.typed() if refusal else given,
        "peers": [(one["name"], one["name"]) for one in peers if _can_be_asked(one)],
        "statuses": [("", visit.text("either")), *words_of(visit, STATUSES)],
    }
    return visit.page("request_new.html", values, 200 if refusal is None else refusal.status)


def _can_be_asked(peer: Mapping[str, Any]) -> bool:
    return bool(peer["state"] == "active" and peer.get("url") and peer["hasCredentials"])


PAGES = {"/requests": _list, "/requests/new": _new}
ACTIONS = {"/requests/new": _ask}
