"""The list of rosters, whichever way this node is connected with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import (
    APPLIED,
    KEPT,
    MEANINGS,
    MEMBER,
    TRUSTED,
    Partners,
    Rosters,
    page_of_joined,
    page_of_kept,
    page_of_trusted,
    partners_of,
    rosters_of,
    state_of,
)
from underseal_node.console.sharing import words_of
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["PAGES"]

WAYS = (KEPT, MEMBER, APPLIED, TRUSTED)
STATES = ("future", "active", "ended")
OURSELVES = _("this node")


def _link(row: Row) -> str:
    return str(row["page"])


COLUMNS = (
    Column("name", _("Roster"), link=_link),
    Column("way", _("Here"), "word"),
    Column("keeper", _("Kept by")),
    Column("state", _("Epoch"), "word"),
    Column("notBefore", _("Begins"), "date"),
    Column("notAfter", _("Ends"), "date"),
    Column("members", _("Members"), "number"),
    Column("entity", _("We are")),
)


async def _list(visit: Visit) -> Response:
    known, partners = await rosters_of(visit), await partners_of(visit)
    wanted = {name: visit.asked(name) for name in ("way", "state")}
    rows = [
        one
        for one in _rows(visit, known, partners)
        if all(value in ("", one.get(name)) for name, value in wanted.items())
    ]
    file = exported(visit, rows, COLUMNS, "rosters")
    if file is not None:
        return file
    filters = [
        Filter("way", _("Here"), words_of(visit, WAYS)),
        Filter("state", _("Epoch"), words_of(visit, STATES)),
    ]
    table = table_of(visit, rows, COLUMNS, filters)
    return visit.page("rosters/list.html", {"table": table, "meanings": MEANINGS})


def _rows(visit: Visit, known: Rosters, partners: Partners) -> Iterator[dict[str, Any]]:
    for one in known.kept:
        members = sum("removedAt" not in member for member in one["members"])
        yield {
            **one,
            "page": page_of_kept(one),
            "way": KEPT,
            "keeper": visit.text(OURSELVES),
            "state": state_of(visit, one),
            "members": str(members),
        }
    for one in known.memberships:
        yield {
            **one,
            "page": page_of_joined(one),
            "way": MEMBER if one["state"] == "joined" else APPLIED,
            "keeper": _keeper(visit, one["issuer"], partners),
            "state": state_of(visit, one),
        }
    for one in known.trusted:
        yield {
            **one,
            "page": page_of_trusted(one),
            "way": TRUSTED,
            "keeper": _keeper(visit, one["issuer"], partners),
        }


def _keeper(visit: Visit, issuer: str, partners: Partners) -> str:
    """Who keeps a roster: a partner by its name, another one by its address."""
    if issuer == partners.own:
        return visit.text(OURSELVES)
    return partners.name(issuer) or issuer


PAGES = {"/rosters": _list}
