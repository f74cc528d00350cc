"""How the node is: alerts, and what the doctor finds."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Query
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.node_lists import NodeList
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import partner_path
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["ALERTS", "PAGES"]

ALERTS = {
    "changed": _("other content under the same id"),
    "two-credentials": _("two credentials for one footprint"),
    "sealed-sum": _("a sealed sum that does not hold"),
    "credential-missing": _("a credential is missing"),
    "invalid": _("a footprint failed verification"),
    "status": _("a footprint became active again"),
    "status-statement": _("a statement of deprecation does not hold"),
    "attestation": _("an attestation does not hold"),
    "keys-changed": _("other keys"),
    "keys-revoked": _("keys were taken back"),
    "partnership-ended": _("a partnership was ended"),
    "moved": _("a partner has moved"),
    "endpoint-changed": _("another token endpoint"),
    "unasked": _("an answer that nobody asked for"),
    "receipt": _("a receipt does not hold"),
    "audit-log": _("the audit log is not whole"),
}
"""By kind of an alert: what it is about."""


def _peer_link(row: Row) -> str | None:
    return partner_path(row["peer"]) if row.get("peer") else None


COLUMNS = (
    Column("createdAt", _("Time"), "time"),
    Column("about", _("What"), by="kind"),
    Column("message", _("Message")),
    Column("peer", _("Partner"), link=_peer_link),
    Column("footprintId", _("Footprint")),
)


CHECKS = (
    Column("result", _("Result"), "word"),
    Column("check", _("Check")),
    Column("message", _("What was found")),
    Column("hint", _("What to do")),
)
ORDER = {"problem": 0, "warning": 1}
RESULTS = (_("problem"), _("warning"), _("ok"))

LIST = NodeList("/alerts", COLUMNS, COLUMNS, ALERTS, "alerts")


async def _alerts(visit: Visit) -> Response:
    """What the operator has to look at."""
    names = [one["name"] for one in (await visit.api.get("/peers"))["data"]]
    kind, peer = visit.asked("kind"), visit.asked("peer")
    query: Query = {
        "kind": kind if kind in ALERTS else None,
        "peer": peer if peer in names else None,
    }

    def shown(row: Row) -> Row:
        return {**row, "about": _about(visit, row["kind"])}

    file = await LIST.file(visit, query, shown)
    if file is not None:
        return file
    filters = [
        Filter("kind", _("What"), [(one, _about(visit, one)) for one in ALERTS]),
        Filter("peer", _("Partner"), [(name, name) for name in sorted(names, key=str.casefold)]),
    ]
    return visit.page("alerts.html", {"table": await LIST.table(visit, query, shown, filters)})


def _about(visit: Visit, kind: str) -> str:
    return visit.text(ALERTS[kind]) if kind in ALERTS else kind


async def _doctor(visit: Visit) -> Response:
    """What was looked at just now, what needs something first."""
    found: list[dict[str, Any]] = (await visit.api.get("/doctor"))["data"]
    counts = {name: sum(one["result"] == name for one in found) for name in ORDER}
    result = visit.asked("result")
    rows = [
        {**one, "check": one["name"]}
        for one in sorted(found, key=lambda one: ORDER.get(one["result"], len(ORDER)))
        if result not in RESULTS or one["result"] == result
    ]
    file = exported(visit, rows, CHECKS, "doctor")
    if file is not None:
        return file
    filters = [Filter("result", _("Result"), [(one, visit.text(one)) for one in RESULTS])]
    table = table_of(visit, rows, CHECKS, filters)
    return visit.page("doctor.html", {"table": table, "counts": counts})


PAGES = {"/alerts": _alerts, "/doctor": _doctor}
