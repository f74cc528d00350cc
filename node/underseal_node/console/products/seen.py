"""What partners see of a product's footprint, side by side: by the very queries that serve them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.pages import Visit
from underseal_node.console.products.addresses import product_of

__all__ = ["PAGES"]

ACTIVE = "Active"
NOT_FOUND = 404
MOST = 6  # partners side by side
# What everybody sees and is the same for all stands on the page of the footprint.
FIRST = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "primaryDataShare", "dqi")
# Signatures and the like are there, or not, with the blocks that they are for.
LEFT_OUT = frozenset({"extensions", "pcf"})

Json = Mapping[str, Any]


async def _seen(visit: Visit) -> Response:
    product_id = product_of(visit)
    detail, grants = await asyncio.gather(
        visit.api.get("/products/detail", {"product": product_id}), visit.api.get("/grants")
    )
    active = next((one for one in detail["footprints"] if one["status"] == ACTIVE), None)
    names = sorted({one["peer"] for one in grants["data"] if one["state"] == "active"})
    chosen = [one for one in visit.request.query_params.getlist("peer") if one in names]
    shown = (chosen or names)[:MOST]
    views: list[dict[str, Any]] = []
    own = None
    if active is not None:
        own = await visit.api.get(f"/footprints/{active['footprint']}")
        views = list(
            await asyncio.gather(*(_view(visit, active["footprint"], one) for one in shown))
        )
    return visit.page(
        "products/seen.html",
        {
            "product": detail,
            "own": own,
            "names": names,
            "chosen": shown,
            "views": views,
            "most": MOST,
            "rows": [] if own is None else _rows(own["footprint"], views),
        },
    )


async def _view(visit: Visit, footprint: str, peer: str) -> dict[str, Any]:
    """What a partner sees; `level` is missing if that is nothing."""
    try:
        found = await visit.api.get(f"/footprints/{segment(footprint)}", {"as": peer})
    except ApiRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return {"peer": peer}
    values = dict(_values(found["footprint"]))
    return {"peer": peer, "values": values, **{name: found.get(name) for name in ("level", "note")}}


def _rows(own: Json, views: Sequence[Json]) -> list[dict[str, Any]]:
    """Each property with what it is for us and for each partner; the important ones first."""
    values = dict(_values(own))
    first = [name for one in FIRST for name in values if name.partition(".")[0] == one]
    rest = [name for name in values if name not in first]
    return [
        {
            "name": name,
            "value": values[name],
            "seen": [(one.get("values") or {}).get(name) for one in views],
        }
        for name in (*first, *rest)
    ]


def _values(footprint: Json) -> Iterator[tuple[str, str]]:
    """The properties of a footprint with their values in one line each."""
    for name, value in footprint.get("pcf", {}).items():
        yield from _flat(name, value)
    for name, value in footprint.items():
        if name not in LEFT_OUT:
            yield from _flat(name, value)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _flat(f"{name}.{inner}", one)
    elif isinstance(value, list):
        yield name, "; ".join(_text(one) for one in value)
    elif value is not None:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_text(one) for one in value.values())
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


PAGES = {"/products/seen": _seen}
