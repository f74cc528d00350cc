"""The audit log: who saw what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from underseal_node.console.api import Query
from underseal_node.console.audit_words import ACTS
from underseal_node.console.downloads import headers_of
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import partner_path
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["PAGES", "passed_on"]

MOST = 5_000
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
    Column("what", _("What")),
    Column("outcome", _("Outcome"), "word"),
    Column("peerName", _("Partner"), link=_peer_link),
    Column("footprintIds", _("Footprints")),
    Column("level", _("Level"), "word"),
    Column("details", _("Details")),
)
ACT = Column("act", _("Act"))  # as the log calls it; in the file alone


async def _list(visit: Visit) -> Response:
    """The newest entries, of all or about a partner or a footprint."""
    peer, footprint = visit.asked("peer"), visit.asked("footprint")
    found: list[dict[str, Any]] = []
    if not footprint or FOOTPRINT_ID.fullmatch(footprint):
        query: Query = {"peer": peer or None, "footprintId": footprint or None, "limit": MOST}
        found = (await visit.api.get("/audit", query))["data"]
    rows = [_row(visit, one) for one in found]
    file = exported(visit, rows, (*COLUMNS, ACT), "audit")
    if file is not None:
        return file
    peers = (await visit.api.get("/peers"))["data"]
    names = {one["name"] for one in peers[:MOST_NAMES]} | ({peer} if peer else set())
    shown = sorted(names, key=str.casefold)
    filters = [Filter("peer", _("Partner"), [(name, name) for name in shown])]
    if footprint:
        filters.append(Filter("footprint", _("Footprint"), [(footprint, footprint)]))
    table = table_of(visit, rows, COLUMNS, filters, most=MOST)
    return visit.page("audit.html", {"table": table, "peer": peer, "footprint": footprint})


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
        "details": "; ".join(f"{name}: {_shown(value)}" for name, value in details.items()),
    }


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


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
