"""The twin of a product: its footprint, where that comes from, how good it is, how it has changed,
and what has changed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, with_query
from underseal_node.console.products import charts
from underseal_node.console.products.addresses import product_of, product_page
from underseal_node.console.products.contributions import (
    KINDS,
    Contributions,
    Part,
    contributions_of,
)
from underseal_node.console.products.figures import amount_of, difference
from underseal_node.console.products.listing import state_of
from underseal_node.console.tables import Column, cut

__all__ = ["MOST_FINDINGS", "PAGES", "findings_of", "link_of"]

ALL_CONTRIBUTIONS = 100_000
MOST_FINDINGS = 50
ACTIVE = "Active"

Json = Mapping[str, Any]


EXPORTED = (
    Column("line", _("Line")),
    Column("name", _("Name")),
    Column("kind", _("Kind")),
    Column("process", _("Process")),
    Column("product", _("Product")),
    Column("source", _("Source")),
    Column("amount", _("kg CO₂e"), "number"),
    Column("share", _("Share"), "number"),
    Column("primaryDataShare", _("Primary data in %"), "number"),
)


@dataclass(frozen=True)
class _Known:
    """What the node tells of a product.

    Attributes:
        detail: with its lines.
        history: with its footprints.
        calculated: as it is now; None if it cannot be calculated.
        refusal: why not.
        published: the active footprint that was calculated last.
    """

    detail: Json
    history: Json
    calculated: Json | None
    refusal: ApiRefusedError | None
    published: Json | None


async def _read(visit: Visit) -> _Known:
    product = {"product": product_of(visit)}
    detail, history = await asyncio.gather(
        visit.api.get("/products/detail", product), visit.api.get("/products/history", product)
    )
    calculated, refusal = None, None
    try:
        calculated = await visit.api.post(
            "/products/calculate", None, {**product, "limit": ALL_CONTRIBUTIONS}
        )
    except ApiRefusedError as error:
        refusal = error
    active = next((one for one in detail["footprints"] if one["status"] == ACTIVE), None)
    published = None
    if active is not None:
        published = await visit.api.get(f"/footprints/{active['footprint']}")
    return _Known(detail, history, calculated, refusal, published)


async def _twin(visit: Visit) -> Response:
    known = await _read(visit)
    if known.calculated is not None:
        rows = [_exported_row(one) for one in known.calculated["explanation"]["contributions"]]
        file = exported(visit, rows, EXPORTED, "contributions")
        if file is not None:
            return file
    detail = known.detail
    found = None
    if known.calculated is not None:
        found = contributions_of(known.calculated["explanation"], visit.text)
    return visit.page(
        "products/twin.html",
        {
            "product": detail,
            "state": state_of(_as_listed(detail)),
            "open_lines": sum(not one.get("source") for one in detail["lines"]),
            "amount_of": lambda text: amount_of(visit, text),
            "link_of": link_of,
            "refusal": known.refusal,
            "calculated": known.calculated,
            "now": _now(known),
            "published": known.published,
            "quality": _quality(known),
            "stale": [one for one in detail["stale"] if not one["isDraft"]],
            "stale_drafts": [one for one in detail["stale"] if one["isDraft"]],
            "found": found,
            "tiers": {} if found is None else {one.key: one.label for one in found.tiers},
            "kinds": KINDS,
            "name_of": lambda part: _name(visit, part),
            "bill": cut(visit, detail["lines"], "bill"),
            "versions": cut(visit, known.history["versions"], "versions"),
            "succession": cut(visit, _succession(known.history["footprints"]), "trend"),
            "findings": {} if known.calculated is None else findings_of(known.calculated),
            "most_findings": MOST_FINDINGS,
            "charts": _charts(visit, known, found),
            "style_ids": charts.style_ids(),
        },
    )


def _as_listed(detail: Json) -> dict[str, Any]:
    """As `GET /products` has it, to tell its state in the same words."""
    active = [one["footprint"] for one in detail["footprints"] if one["status"] == ACTIVE]
    return {
        "openLines": sum(not one.get("source") for one in detail["lines"]),
        "footprint": next(iter(active), None),
        "isStale": any(not one["isDraft"] for one in detail["stale"]),
    }


def _now(known: _Known) -> Json | None:
    """What would be published now, if that is not what has been."""
    if known.calculated is None:
        return None
    pcf = known.calculated["document"]["pcf"]
    published = (known.published or {}).get("footprint", {}).get("pcf")
    now: str = pcf["pcfExcludingBiogenicUptake"]
    if published is None:
        return {"pcf": now, "document": pcf}
    change = difference(published["pcfExcludingBiogenicUptake"], now)
    names = ("declaredUnitAmount", "declaredUnitOfMeasurement")
    if any(pcf[name] != published[name] for name in names):
        return {"pcf": now, "document": pcf}
    return {"pcf": now, "document": pcf, **change} if Decimal(change["change"]) else None


def _quality(known: _Known) -> Json:
    """Primary data and ratings: of what is published, else of what would be."""
    if known.published is not None:
        pcf = known.published["footprint"]["pcf"]
    else:
        pcf = {} if known.calculated is None else known.calculated["document"]["pcf"]
    return {"primary": pcf.get("primaryDataShare"), "ratings": pcf.get("dqi") or {}}


def _succession(footprints: Sequence[Json]) -> list[dict[str, Any]]:
    """Footprints, newest first, with the change from what each has replaced."""
    known = {one["footprint"]: one for one in footprints}
    rows = []
    for one in footprints:
        old = known.get(one.get("replaces"))
        row = dict(one)
        if old and old.get("pcf") and one.get("pcf") and old["unit"] == one["unit"]:
            row |= difference(old["pcf"], one["pcf"])
        rows.append(row)
    return rows


def findings_of(calculated: Json) -> dict[str, list[Json]]:
    """What somebody should look at, by severity; first of the lines, then of the footprint."""
    found = [*calculated["findings"], *calculated["methodology"]]
    by_severity: dict[str, list[Json]] = {}
    for one in found:
        by_severity.setdefault(one["severity"], []).append(one)
    return dict(sorted(by_severity.items(), key=lambda item: item[0] == "info"))


def _name(visit: Visit, part: Part) -> str:
    if part.name is not None:
        return part.name
    text: str = visit.language.translations.ngettext(
        "%(num)s more line", "%(num)s more lines", part.count
    )
    return text % {"num": part.count}


def _charts(visit: Visit, known: _Known, found: Contributions | None) -> dict[str, Any]:
    number = visit.language.number
    made: dict[str, Any] = {}
    if found is not None and any(Decimal(one.amount) > 0 for one in found.parts):
        name = known.detail["name"]
        made["sankey"] = charts.sankey(found, name, lambda part: _name(visit, part), number)
        made["treemap"] = charts.treemap(found, name, lambda part: _name(visit, part), number)
    trend = charts.trend(known.history["footprints"], number, visit.said)
    if trend is not None:
        made["trend"] = trend
    return made


def _exported_row(one: Json) -> dict[str, Any]:
    source = one.get("source") or {}
    primary = one.get("primaryDataShare")
    return {
        "line": one["line"],
        "name": one["name"],
        "kind": one["kind"],
        "process": one.get("process"),
        "product": one["product"],
        "source": next(
            (f"{kind}:{source[kind]}" for kind in ("footprint", "factor") if kind in source), None
        ),
        "amount": one["amount"]["value"],
        "share": one["share"]["value"],
        "primaryDataShare": None if primary is None else primary["value"],
    }


def link_of(line: Json) -> str | None:
    """The page of what a line resolves to."""
    source = line.get("source")
    if not source:
        return None
    if "footprint" in source:
        # Several partners may have sent the same id.
        return with_query(f"/received/{source['footprint']}", peer=line.get("peer"))
    if "product" in source:
        return product_page("twin", source["product"])
    return with_query("/factors", q=source["factor"]) if "factor" in source else None


PAGES = {"/products/twin": _twin}
