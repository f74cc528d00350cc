"""Emission factors with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, Filter, table_of

__all__ = ["PAGES"]

TOTAL = "pcfExcludingBiogenicUptake"


WORDS = (_("looked up"), _("not looked up"))

COLUMNS = (
    Column("id", _("Id")),
    Column("name", _("Name")),
    Column("total", _("kg CO₂e"), "number"),
    Column("per", _("per")),
    Column("others", _("Stated besides")),
    Column("database", _("Source")),
    Column("version", _("Version")),
    Column("geography", _("Geography")),
    Column("year", _("Year")),
    Column("licence", _("Licence")),
    Column("checked", _("At its source"), "word"),
    Column("file", _("File")),
    Column("changedAt", _("Changed"), "time"),
)


def _row(factor: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(factor["values"])
    total = values.pop(TOTAL, None)
    return {
        **factor,
        "total": total,
        "others": [f"{name} {value}" for name, value in values.items()],
        "per": f"{factor['amount']} {factor['unit']}",
        "checked": "looked up" if factor["isVerified"] else "not looked up",
    }


async def _list(visit: Visit) -> Response:
    rows = [_row(one) for one in (await visit.api.get("/factors"))["data"]]
    wanted = visit.asked("checked")
    if wanted:
        rows = [one for one in rows if one["checked"] == wanted]
    file = exported(visit, rows, COLUMNS, "factors")
    if file is not None:
        return file
    options = [(one, visit.text(one)) for one in WORDS]
    table = table_of(visit, rows, COLUMNS, [Filter("checked", _("At its source"), options)])
    return visit.page("products/factors.html", {"table": table})


PAGES = {"/factors": _list}
