"""Emission factors with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, file_name
from underseal_node.console.tables import Column, Filter, table_of

__all__ = ["PAGES"]

TOTAL = "pcfExcludingBiogenicUptake"


WORDS = (_("looked up"), _("not looked up"))

ID, NAME = Column("id", _("Id")), Column("name", _("Name"))
FIGURE = (
    Column("total", _("kg CO₂e"), "number"),
    Column("per", _("per")),
    Column("others", _("Stated besides")),
)
PLACE = Column("geography", _("Geography")), Column("year", _("Year"))
CHECKED = Column("checked", _("At its source"), "word")
COLUMNS = (
    ID,
    NAME,
    *FIGURE,
    Column("source", _("Source")),
    *PLACE,
    CHECKED,
    Column("changedAt", _("Changed"), "date"),
)
IN_FILES = (
    ID,
    NAME,
    *FIGURE,
    Column("database", _("Source")),
    Column("version", _("Version")),
    *PLACE,
    Column("licence", _("Licence")),
    CHECKED,
    Column("file", _("File")),
    Column("changedAt", _("Changed"), "time"),
)


def _row(factor: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(factor["values"])
    total = values.pop(TOTAL, None)
    source = (factor.get(name) for name in ("database", "version", "licence"))
    return {
        **factor,
        "total": total,
        "others": [f"{name} {value}" for name, value in values.items()],
        "source": ", ".join(one for one in source if one),
        "per": f"{factor['amount']} {factor['unit']}",
        "file": file_name(factor["file"]),
        "checked": "looked up" if factor["isVerified"] else "not looked up",
    }


async def _list(visit: Visit) -> Response:
    rows = [_row(one) for one in (await visit.api.get("/factors"))["data"]]
    wanted = visit.asked("checked")
    if wanted:
        rows = [one for one in rows if one["checked"] == wanted]
    file = exported(visit, rows, IN_FILES, "factors", COLUMNS)
    if file is not None:
        return file
    options = [(one, visit.text(one)) for one in WORDS]
    table = table_of(visit, rows, COLUMNS, [Filter("checked", _("At its source"), options)])
    return visit.page("products/factors.html", {"table": table})


PAGES = {"/factors": _list}
