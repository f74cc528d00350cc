"""The supplier board: who covers what we buy, how good and how old the data is, who improves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import segment
from underseal_node.console.board_charts import coverage_chart, dated, trends_chart
from underseal_node.console.board_choices import chosen, code_of, filters, period_query, weight
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.products.charts import style_ids
from underseal_node.console.tables import Column, table_of

__all__ = ["ACTIONS", "PAGES"]

BETWEEN = "\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}"
SHOWN_PLACES = Decimal("0.01")


def _address(row: Mapping[str, Any]) -> str:
    return f"/board/{segment(row['name'])}"


RANK = Column("rank", _("Rank"), "number")
NAME = Column("name", _("Supplier"), link=_address)
CHANGE = Column("change", _("Change"), "percent")
COVERAGE = Column("coverage", _("Coverage"), "percent")
MASS_SHARE = Column("massShare", _("Share of mass"), "percent")
SPEND_SHARE = Column("spendShare", _("Share of spend"), "percent")
PRIMARY = Column("primaryShare", _("Primary data"), "percent")
PRIMARY_COVERAGE = Column("primary", _("Covered with primary data"), "percent")
COLUMNS = (
    RANK,
    NAME,
    CHANGE,
    SPEND_SHARE,
    MASS_SHARE,
    COVERAGE,
    PRIMARY_COVERAGE,
    Column("linesShown", _("Lines"), "text"),
    PRIMARY,
    Column("quality", _("Data quality"), "number"),
    Column("referencePeriodEnd", _("Data until"), "date"),
    Column("validUntil", _("Valid until"), "date"),
    Column("verifications", _("Verification"), "text"),
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
    Column("spend", _("Spend"), "number"),
    Column("currency", _("Currency")),
    SPEND_SHARE,
    PRIMARY,
    PRIMARY_COVERAGE,
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
    periods = (await visit.api.get("/spend"))["data"]
    found = await visit.api.get("/suppliers", period_query(visit, periods))
    spend = found.get("spend")
    currency = None if spend is None else spend["currency"]
    everybody = [_row(visit, one, currency) for one in found["data"]]
    rows = chosen(visit, everybody)
    # Without another order, as they improve; those that nothing is known of come last.
    rows.sort(key=lambda one: (one.get("rank") is None, one.get("rank")))
    file = exported(visit, rows, IN_FILES, "suppliers", COLUMNS)
    if file is not None:
        return file
    share = weight(visit, has_spend=spend is not None)
    columns = [one for one in COLUMNS if one is not SPEND_SHARE or spend is not None]
    return visit.page(
        "board.html",
        {
            "found": found,
            "everybody": everybody,
            "table": table_of(visit, rows, columns, filters(visit)),
            "by_spend": share == "spendShare",
            "periods": [{**one, "code": code_of(one)} for one in periods],
            "chart": coverage_chart(visit, everybody, found["others"], share),
            "style_ids": style_ids(),
        },
    )


async def _show(visit: Visit) -> Response:
    found = await visit.api.get(f"/suppliers/{visit.part('name')}")
    trends = dated(found["trends"])
    return visit.page(
        "supplier.html",
        {
            "found": {**_row(visit, found, found.get("currency")), "trends": trends},
            "chart": trends_chart(visit, trends),
            "style_ids": style_ids(),
        },
    )


def _row(visit: Visit, one: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    end = one.get("referencePeriodEnd")
    age = None if end is None else (visit.now - datetime.fromisoformat(end)).days
    quality = one.get("meanDQR")
    number = visit.language.number
    covered = (number(one["linesCovered"]), number(one["lines"])) if one["lines"] else None
    return {
        **one,
        "currency": None if one.get("spend") is None else currency,
        "primary": one.get("primaryCoverage"),
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


async def _remove_spend(visit: Visit) -> Response:
    """Forget what was spent in a period."""
    form = visit.form
    query = {"from": form.one("from"), "until": form.one("until")}
    await visit.api.call("DELETE", "/spend", query)
    return visit.done("/board", visit.text(_("What was spent in the period was removed.")))


PAGES = {"/board": _list, "/board/{name}": _show}
ACTIONS = {"/board/spend/remove": _remove_spend}
