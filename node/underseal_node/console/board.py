"""The supplier board: who covers what we buy, how good and how old the data is, who improves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import segment
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, table_of

__all__ = ["PAGES"]

BETWEEN = "\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}"
SHOWN_PLACES = Decimal("0.01")


def _address(row: Mapping[str, Any]) -> str:
    return f"/board/{segment(row['name'])}"


RANK = Column("rank", _("Rank"), "number")
NAME = Column("name", _("Supplier"), link=_address)
CHANGE = Column("change", _("Change"), "percent")
COVERAGE = Column("coverage", _("Coverage"), "percent")
MASS_SHARE = Column("massShare", _("Share of mass"), "percent")
PRIMARY = Column("primaryShare", _("Primary data"), "percent")
COLUMNS = (
    RANK,
    NAME,
    CHANGE,
    COVERAGE,
    Column("linesShown", _("Lines"), "text"),
    MASS_SHARE,
    PRIMARY,
    Column("quality", _("Data quality"), "number"),
    Column("referencePeriodEnd", _("Data until"), "date"),
    Column("validUntil", _("Valid until"), "date"),
    Column("verifications", _("Verification"), "text"),
    Column("lastContactAt", _("Last contact"), "date"),
)
IN_FILES = (
    RANK,
    NAME,
    Column("companyName", _("Company")),
    Column("state", _("State"), "word"),
    CHANGE,
    Column("compared", _("Products compared"), "number"),
    COVERAGE,
    Column("lines", _("Lines"), "number"),
    Column("linesCovered", _("Lines covered"), "number"),
    Column("linesWithoutMass", _("Lines without a known mass"), "number"),
    MASS_SHARE,
    PRIMARY,
    Column("meanDQR", _("Data quality"), "number"),
    Column("technologicalDQR", _("Technological quality"), "number"),
    Column("geographicalDQR", _("Geographical quality"), "number"),
    Column("temporalDQR", _("Temporal quality"), "number"),
    Column("weighting", _("Averages are"), "word"),
    Column("averaged", _("Footprints averaged"), "number"),
    Column("referencePeriodEnd", _("Data until"), "date"),
    Column("ageDays", _("Age of the data in days"), "number"),
    Column("validUntil", _("Valid until"), "date"),
    Column("expired", _("Not valid any more"), "number"),
    Column("footprints", _("Footprints"), "number"),
    Column("verified", _("verified"), "number"),
    Column("unsigned", _("unsigned"), "number"),
    Column("invalid", _("invalid"), "number"),
    Column("lastReceivedAt", _("Last received"), "time"),
    Column("lastContactAt", _("Last contact"), "time"),
)
WEIGHTED, EQUAL = "by contribution", "all alike"


async def _list(visit: Visit) -> Response:
    found = await visit.api.get("/suppliers")
    rows = [_row(visit, one) for one in found["data"]]
    # Without another order, as they improve; those that nothing is known of come last.
    rows.sort(key=lambda one: (one.get("rank") is None, one.get("rank")))
    file = exported(visit, rows, IN_FILES, "suppliers", COLUMNS)
    if file is not None:
        return file
    values = {"found": found, "table": table_of(visit, rows, COLUMNS)}
    return visit.page("board.html", values)


async def _show(visit: Visit) -> Response:
    found = await visit.api.get(f"/suppliers/{visit.part('name')}")
    return visit.page("supplier.html", {"found": _row(visit, found)})


def _row(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    end = one.get("referencePeriodEnd")
    age = None if end is None else (visit.now - datetime.fromisoformat(end)).days
    quality = one.get("meanDQR")
    number = visit.language.number
    covered = (number(one["linesCovered"]), number(one["lines"])) if one["lines"] else None
    return {
        **one,
        "linesShown": None if covered is None else BETWEEN.join(covered),
        "quality": None if quality is None else shortened(quality),
        "ageDays": None if age is None else str(age),
        "weighting": None if not one["averaged"] else WEIGHTED if one["isWeighted"] else EQUAL,
        "verifications": _verifications(visit, one),
    }


def _verifications(visit: Visit, one: Mapping[str, Any]) -> list[str]:
    """How many footprints are verified, and so on; what there is none of is left out."""
    counts = [(one[name], name) for name in ("verified", "unsigned", "invalid") if one[name]]
    return [f"{visit.language.number(count)} {visit.text(name)}" for count, name in counts]


def shortened(text: str) -> str:
    """A rating with two places: more of them say nothing."""
    return format(Decimal(text).quantize(SHOWN_PLACES, ROUND_HALF_EVEN), "f")


PAGES = {"/board": _list, "/board/{name}": _show}
