"""Own products by their ids: what there is to grant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from underseal_node.console.api import Query
from underseal_node.console.pages import Visit

__all__ = ["OwnProduct", "active_footprints", "products_of"]

MOST_FOOTPRINTS = 100_000

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class OwnProduct:
    """A product of which footprints are active, or that is granted.

    Attributes:
        ids: URNs, as they are written; several if all its active footprints have just these.
        name: of it; empty if there is no footprint yet.
        footprints: the active ones.
    """

    ids: tuple[str, ...]
    name: str
    footprints: Sequence[Row]

    @property
    def id(self) -> str:
        """The first of its ids, by which it is granted."""
        return self.ids[0]

    @property
    def keys(self) -> frozenset[str]:
        """Its ids, folded."""
        return frozenset(one.casefold() for one in self.ids)


async def active_footprints(visit: Visit) -> Sequence[Row]:
    """The active own footprints, newest first."""
    query: Query = {"status": "Active", "limit": MOST_FOOTPRINTS}
    found: Sequence[Row] = (await visit.api.get("/footprints", query))["data"]
    return found


def products_of(footprints: Iterable[Row], granted: Iterable[str] = ()) -> list[OwnProduct]:
    """The products of footprints, by name and id.

    Args:
        footprints: as they are listed.
        granted: further product ids, as grants name them.
    """
    with_id: dict[str, list[Row]] = {}
    written: dict[str, str] = {}
    for one in footprints:
        for product in one["productIds"]:
            written.setdefault(product.casefold(), product)
            with_id.setdefault(product.casefold(), []).append(one)
    alike: dict[tuple[str, ...], list[str]] = {}
    for key, found in with_id.items():
        alike.setdefault(tuple(str(one["id"]) for one in found), []).append(key)
    products = [
        OwnProduct(
            tuple(written[key] for key in keys),
            str(with_id[keys[0]][0]["productNameCompany"]),
            with_id[keys[0]],
        )
        for keys in alike.values()
    ]
    new = {one.casefold(): one for one in granted if one.casefold() not in written}
    products += [OwnProduct((one,), "", ()) for one in new.values()]
    return sorted(products, key=lambda one: (not one.name, one.name.casefold(), one.id))
