"""What partners see of a product's footprint, side by side: by the very queries that serve them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.pages import Visit
from underseal_node.console.products.addresses import product_of
from underseal_node.console.properties import EXTENSIONS, Member, groups_of

__all__ = ["PAGES", "by_name", "compared", "differing"]

ACTIVE = "Active"
NOT_FOUND = 404
MOST = 6  # partners side by side
DIFFERENCES = "differences"

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
    groups = [] if own is None else compared(own["footprint"], views)
    only_differences = visit.asked("only") == DIFFERENCES
    return visit.page(
        "products/seen.html",
        {
            "product": detail,
            "own": own,
            "names": names,
            "chosen": shown,
            "views": views,
            "most": MOST,
            "groups": differing(groups) if only_differences else groups,
            "only_differences": only_differences,
            "differences": DIFFERENCES,
            "address": _address(product_id, chosen),
            "address_of_differences": _address(product_id, chosen, DIFFERENCES),
        },
    )


def _address(product: str, peers: Sequence[str], only: str | None = None) -> str:
    """This page with the same partners."""
    pairs = [("product", product), *(("peer", one) for one in peers)]
    return "?" + urlencode([*pairs, ("only", only)] if only else pairs)


async def _view(visit: Visit, footprint: str, peer: str) -> dict[str, Any]:
    """What a partner sees; `level` is missing if that is nothing."""
    try:
        found = await visit.api.get(f"/footprints/{segment(footprint)}", {"as": peer})
    except ApiRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return {"peer": peer}
    values = by_name(found["footprint"])
    return {"peer": peer, "values": values, **{name: found.get(name) for name in ("level", "note")}}


@dataclass(frozen=True)
class Row:
    """Something that a footprint states, as we have it and as partners see it.

    Attributes:
        own: as we have it.
        seen: by partner; None where that is withheld.
    """

    own: Member
    seen: tuple[Member | None, ...]

    @property
    def differs(self) -> bool:
        """Whether somebody sees something else, or nothing."""
        return any(one is None or one.value != self.own.value for one in self.seen)


@dataclass(frozen=True)
class Rows:
    """Rows that belong together.

    Attributes:
        label: marked for the catalogues.
        rows: of what is stated.
    """

    label: str
    rows: tuple[Row, ...]


def compared(own: Json, views: Sequence[Json]) -> list[Rows]:
    """Each property with what it is for us and for each partner, in the groups of all pages.

    Signatures are there, or not, with the blocks that they are for, and are left out.

    Args:
        own: the footprint, with everything.
        views: of partners, with the `values` that each sees.
    """
    seen = [one.get("values") or {} for one in views]
    return [
        Rows(
            group.label,
            tuple(
                Row(member, tuple(one.get((group.label, member.name)) for one in seen))
                for member in group.members
            ),
        )
        for group in groups_of(own)
        if group.label != EXTENSIONS
    ]


def differing(groups: Sequence[Rows]) -> list[Rows]:
    """Only what somebody sees otherwise than we do."""
    found = (Rows(one.label, tuple(row for row in one.rows if row.differs)) for one in groups)
    return [one for one in found if one.rows]


def by_name(footprint: Json) -> dict[tuple[str, str], Member]:
    """What a footprint states, by group and name of PACT."""
    return {
        (group.label, member.name): member
        for group in groups_of(footprint)
        for member in group.members
    }


PAGES = {"/products/seen": _seen}
