"""What partners and we have signed: receipts given and held, what each says, and whether it
verifies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import segment
from underseal_node.console.audit import passed_on
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import partner_path
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["PAGES"]

MOST = 5_000
MOST_NAMES = 1_000
SHOWN_FOOTPRINTS = 1_000

ROLES = {
    "held": _("for what we have received"),
    "issued": _("for what we have shown"),
}
STATES = {
    "pending": _("not answered yet"),
    "settling": _("being answered"),
    "done": _("receipt signed"),
    "refused": _("nothing of it was shown, says the other side"),
    "failed": _("no receipt that holds"),
}
HOLDS, FAILS = _("verified"), _("does not verify")


def _address(row: Row) -> str:
    return f"/audit/receipts/{segment(str(row['id']))}"


def _peer_link(row: Row) -> str:
    return partner_path(str(row["peer"]))


COLUMNS = (
    Column("createdAt", _("Acknowledged"), "time", link=_address),
    Column("about", _("Receipt")),
    Column("peer", _("Partner"), link=_peer_link),
    Column("stateText", _("State")),
    Column("number", _("Entry"), "number"),
    Column("headSize", _("Entries of the log"), "number"),
    Column("doneAt", _("Answered"), "time"),
)
VERDICT = Column("verdict", _("Now"), "word")
PROBLEM = Column("problem", _("Why"))
ALL_COLUMNS = (*COLUMNS, VERDICT, PROBLEM)
IN_FILES = (Column("id", _("ID")), *ALL_COLUMNS)
OF_VERDICT, FILES = (VERDICT.key, PROBLEM.key), ("csv", "xlsx")


async def _list(visit: Visit) -> Response:
    """The newest, each with whether it verifies; or the file of what partners have signed."""
    peer = visit.asked("peer")
    if visit.asked("as") == "jsonl":
        query = {"peer": peer} if peer else None
        return await passed_on(visit, "/audit/receipts", query, "underseal-receipts.jsonl")
    role, state = visit.asked("role"), visit.asked("state")
    found, peers = await asyncio.gather(
        visit.api.get(
            "/receipts",
            {
                "peer": peer or None,
                "role": role if role in ROLES else None,
                "state": state if state in STATES else None,
                "limit": MOST,
            },
        ),
        visit.api.get("/peers"),
    )
    rows = [_row(visit, one) for one in found["data"]]
    # All of them for a file, or to sort by it; for a page, only those that are on it.
    of_all = visit.asked("as") in FILES or visit.asked("sort").lstrip("-") in OF_VERDICT
    if of_all:
        rows = await _checked(visit, rows)
    file = exported(visit, rows, IN_FILES, "receipts", ALL_COLUMNS)
    if file is not None:
        return file
    table = table_of(visit, rows, ALL_COLUMNS, _filters(visit, peers["data"], peer), most=MOST)
    if not of_all:
        table = replace(table, rows=await _checked(visit, table.rows))
    return visit.page(
        "audit_receipts.html",
        {
            "table": table,
            "peer": peer,
            "signed": sum(bool(one["hasReceipt"]) for one in rows if one["role"] == "held"),
            "given": sum(one["role"] == "issued" for one in rows),
        },
    )


def _row(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "about": visit.text(ROLES[one["role"]]),
        "stateText": visit.text(STATES[one["state"]]),
    }


def _filters(visit: Visit, peers: Sequence[Mapping[str, Any]], peer: str) -> list[Filter]:
    names = {one["name"] for one in peers[:MOST_NAMES]} | ({peer} if peer else set())
    shown = sorted(names, key=str.casefold)
    return [
        Filter("peer", _("Partner"), [(name, name) for name in shown]),
        Filter("role", _("Receipt"), [(one, visit.text(text)) for one, text in ROLES.items()]),
        Filter("state", _("State"), [(one, visit.text(text)) for one, text in STATES.items()]),
    ]


async def _checked(visit: Visit, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows with whether each verifies with the keys that are known now."""
    ids = [row["id"] for row in rows]
    found = await visit.api.post("/receipts/check", {"ids": ids}) if ids else {"data": []}
    verdicts = {one["id"]: one for one in found["data"]}
    return [
        {
            **row,
            "verdict": _verdict(verdicts.get(row["id"])),
            "problem": (verdicts.get(row["id"]) or {}).get("problem") or row.get("reason"),
        }
        for row in rows
    ]


def _verdict(one: Mapping[str, Any] | None) -> str | None:
    return None if one is None else HOLDS if one["holds"] else FAILS


async def _show(visit: Visit) -> Response:
    """One of them, with everything that it says."""
    found = await visit.api.get(f"/receipts/{visit.part('id')}")
    footprints = found["footprints"]
    return visit.page(
        "audit_receipt.html",
        {
            "found": _row(visit, found),
            "verdict": _verdict(found),
            "shown": footprints[:SHOWN_FOOTPRINTS],
            "left_out": max(0, len(footprints) - SHOWN_FOOTPRINTS),
            "documents": _documents(found),
        },
    )


def _documents(found: Mapping[str, Any]) -> list[str]:
    """The lines that check it elsewhere."""
    kinds = ("acknowledgement", "receipt")
    return [json.dumps({"kind": kind, "token": found[kind]}) for kind in kinds if found.get(kind)]


PAGES = {"/audit/receipts": _list, "/audit/receipts/{id}": _show}
