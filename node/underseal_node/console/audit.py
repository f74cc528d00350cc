"""The audit log: who saw what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from underseal_node.console.api import Query
from underseal_node.console.audit_values import WORDS, value_of
from underseal_node.console.audit_words import ACTS, DETAILS
from underseal_node.console.downloads import headers_of
from underseal_node.console.marks import _
from underseal_node.console.node_lists import NodeList, as_shown
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import partner_path, words_of
from underseal_node.console.tables import Column, Filter, Row
from underseal_node.console.words import LEVELS

__all__ = ["PAGES", "passed_on"]

NO_ID = "none"
SHOWN_IDS = 3
MOST_NAMES = 1_000
LINES = "application/x-ndjson"
FOOTPRINT_ID = re.compile(r"[0-9a-fA-F-]{36}")


def _peer_link(row: Row) -> str | None:
    return partner_path(row["peerName"]) if row["peerName"] else None


COLUMNS = (
    Column("number", _("Entry"), "number"),
    Column("time", _("Time"), "time"),
    Column("actor", _("By"), "word"),
    Column("what", _("What"), by="act"),
    Column("outcome", _("Outcome"), "word"),
    Column("peerName", _("Partner"), link=_peer_link, by="peer"),
    Column("footprintIds", _("Footprints"), by="footprints"),
    Column("level", _("Level"), "word"),
    Column("details", _("Details")),
)
ACT = Column("act", _("Act"))  # as the log calls it; in the file alone
ACTORS = ("operator", "peer", "node")
OUTCOMES = ("done", "refused", "failed")
LIST = NodeList(
    "/audit",
    COLUMNS,
    (*COLUMNS, ACT),
    {**as_shown(*ACTORS, *OUTCOMES, *LEVELS), **ACTS},
    "audit",
    export="/audit/entries",
    also=WORDS,
)


async def _list(visit: Visit) -> Response:
    """The entries, of all or about a partner or a footprint."""
    peer, footprint, act, outcome = (
        visit.asked(one) for one in ("peer", "footprint", "act", "outcome")
    )
    query: Query = {
        "peer": peer or None,
        # What is no id is in no entry.
        "footprintId": (footprint if FOOTPRINT_ID.fullmatch(footprint) else NO_ID)
        if footprint
        else None,
        "act": act if act in ACTS else None,
        "outcome": outcome if outcome in OUTCOMES else None,
    }

    def shown(row: Row) -> Row:
        return _row(visit, row)

    file = await LIST.file(visit, query, shown)
    if file is not None:
        return file
    table = await LIST.table(visit, query, shown, await _filters(visit, peer, footprint))
    return visit.page("audit.html", {"table": table, "peer": peer, "footprint": footprint})


async def _filters(visit: Visit, peer: str, footprint: str) -> list[Filter]:
    """What stands above the list; the log knows partners that are gone, too."""
    peers = (await visit.api.get("/peers"))["data"]
    names = {one["name"] for one in peers[:MOST_NAMES]} | ({peer} if peer else set())
    acts = sorted(((act, visit.text(text)) for act, text in ACTS.items()), key=lambda one: one[1])
    filters = [
        Filter("peer", _("Partner"), [(name, name) for name in sorted(names, key=str.casefold)]),
        Filter("act", _("What"), acts),
        Filter("outcome", _("Outcome"), words_of(visit, OUTCOMES)),
    ]
    if footprint:
        filters.append(Filter("footprint", _("Footprint"), [(footprint, footprint)]))
    return filters


def _row(visit: Visit, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the list shows it."""
    act = entry["act"]
    footprints = entry.get("footprints") or {}
    ids = footprints.get("ids") or []
    shown: list[str] | str = ids
    if footprints and not 0 < len(ids) <= SHOWN_IDS:
        shown = visit.text("%(count)s footprints", count=footprints["count"])
    details = {**(entry.get("detail") or {})}
    if entry.get("times"):
        details["times"] = entry["times"]
    return {
        **entry,
        "what": visit.text(ACTS[act]) if act in ACTS else act,
        "peerName": (entry.get("peer") or {}).get("name"),
        "footprintIds": shown,
        "details": "; ".join(
            f"{_named(visit, name)}: {value_of(visit, act, name, value)}"
            for name, value in details.items()
        ),
    }


def _named(visit: Visit, name: str) -> str:
    """What a detail is, in the language of the reader; as the log has it where we know no word."""
    return visit.text(DETAILS[name]) if name in DETAILS else name


async def _export(visit: Visit) -> Response:
    """The whole log, as it is passed on piece by piece."""
    return await passed_on(visit, "/audit/export", None, "underseal-audit.jsonl")


async def passed_on(visit: Visit, path: str, query: Query | None, name: str) -> Response:
    """A file of the node, as it comes."""
    pieces = await visit.api.pieces(path, query)
    return StreamingResponse(pieces, headers=headers_of(name), media_type=LINES)


PAGES = {
    "/audit": _list,
    "/audit/export": _export,
}
