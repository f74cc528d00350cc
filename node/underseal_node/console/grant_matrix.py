"""Levels by product: own products as rows, partners as columns, a level to choose in each cell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Query
from underseal_node.console.exports import file_kind, sent
from underseal_node.console.grant_effects import NONE, direct_grants, direct_level
from underseal_node.console.marks import _
from underseal_node.console.own_products import OwnProduct, active_footprints, products_of
from underseal_node.console.pages import Visit, moved, with_query
from underseal_node.console.sharing import GRANTEES
from underseal_node.console.tables import Column, Row, page_of
from underseal_node.console.words import LEVELS

__all__ = ["PAGES", "granted_products", "order_and_page", "show_matrix"]

PAGE_PRODUCTS = 50
USUAL_PARTNERS, MAX_PARTNERS = 5, 8
MOST_SEEN = 1_000
BETWEEN = "/"  # names of partners in an address: none has a slash
# What rows are sorted by: the name of the product, or the level of a partner, with `-`: downwards.
PRODUCT, OF_PARTNER = "product", "at/"
DOWN = "-"
NOTHING = _("nothing")
IN_FILES = (
    Column("product", _("Product")),
    Column("ids", _("Product ids")),
    Column("partner", _("Partner")),
    Column("level", _("Level"), "word"),
    Column("seen", _("What it sees")),
)


@dataclass(frozen=True)
class Cell:
    """What a partner may see of a product.

    Attributes:
        level: the highest of the grants of just this product, or `none`.
        limited: those of them that begin or end at some time.
        seen: the levels at which it sees active footprints of the product now, from the lowest;
            by the queries that serve it, so that every grant counts.
    """

    level: str
    limited: Sequence[Mapping[str, Any]]
    seen: Sequence[str]

    @property
    def is_plain(self) -> bool:
        """Whether what it sees is what the grants of just this product say."""
        return list(self.seen) in ([], [self.level]) and (bool(self.seen) or self.level == NONE)


async def _matrix(visit: Visit) -> Response:
    chosen = [one for one in visit.request.query_params.getlist("partner") if one]
    if chosen:  # the form sends them one by one; the address of the page has them in one
        kept = {name: visit.asked(name) or None for name in ("q", "sort")}
        query = {**kept, "partners": BETWEEN.join(chosen)}
        return moved(with_query("/grants/matrix", **query))
    return await show_matrix(visit, {})


async def show_matrix(visit: Visit, chosen: Mapping[tuple[str, str], str]) -> Response:
    """The table.

    Args:
        visit: with the partners, the search, the order and the page, in its query or its form.
        chosen: by partner and product id: levels that were chosen before; those of products that
            are on another page now are kept in the form.
    """
    peers = (await visit.api.get("/peers"))["data"]
    partners = _partners(visit, peers)
    grants = await asyncio.gather(
        *(visit.api.get("/grants", {"peer": one["name"]}) for one in partners)
    )
    by_partner = {one["name"]: found["data"] for one, found in zip(partners, grants, strict=True)}
    footprints = await active_footprints(visit)
    found = _searched(visit, products_of(footprints, granted_products(by_partner.values())))
    sort, wanted = order_and_page(visit)
    products = _sorted(found, sort, by_partner)
    kind = file_kind(visit)
    if kind is not None:
        return sent(visit, kind, _portions(visit, by_partner, products), IN_FILES, "levels")
    page, pages = page_of(wanted, len(products), PAGE_PRODUCTS)
    shown = products[(page - 1) * PAGE_PRODUCTS : page * PAGE_PRODUCTS]
    seen = await asyncio.gather(*(_seen(visit, one["name"], shown) for one in partners))
    names = [one["name"] for one in partners]
    here = {(name, one.id) for name in names for one in shown}
    values = {
        "partners": partners,
        "rows": [
            (one, [_cell(by_partner[name], one, at) for name, at in zip(names, seen, strict=True)])
            for one in shown
        ],
        "choices": [one for one in peers if one["state"] in GRANTEES],
        "levels": [NONE, *LEVELS],
        "chosen": chosen,
        "elsewhere": [(*cell, level) for cell, level in chosen.items() if cell not in here],
        "search": _given(visit, "q"),
        "sort": sort,
        "sort_of": lambda name: f"{OF_PARTNER}{name}",
        "names": BETWEEN.join(names),
        "page": page,
        "pages": pages,
        "found": len(products),
        "most": MAX_PARTNERS,
    }
    return visit.page("grant_matrix.html", values)


async def _portions(
    visit: Visit, grants: Mapping[str, Sequence[Mapping[str, Any]]], products: Sequence[OwnProduct]
) -> AsyncIterator[list[Row]]:
    """The cells of all products, a row for each."""
    for start in range(0, len(products), PAGE_PRODUCTS):
        portion = products[start : start + PAGE_PRODUCTS]
        seen = await asyncio.gather(*(_seen(visit, one, portion) for one in grants))
        yield [
            {
                "product": product.name,
                "ids": list(product.ids),
                "partner": partner,
                "level": NOTHING if cell.level == NONE else cell.level,
                "seen": [visit.text(one) for one in cell.seen] or [visit.text(NOTHING)],
            }
            for product in portion
            for partner, at in zip(grants, seen, strict=True)
            for cell in [_cell(grants[partner], product, at)]
        ]


def order_and_page(visit: Visit) -> tuple[str, str]:
    """What rows are sorted by, and the page; a button of the form may ask for another of either."""
    form = visit.form
    if form.one("sort_to"):
        return form.one("sort_to"), ""
    return _given(visit, "sort"), form.one("page_to") or _given(visit, "page")


def _sorted(
    products: Sequence[OwnProduct], sort: str, grants: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Sequence[OwnProduct]:
    """Products in an order; those that are alike in it, and all without one, by their name."""
    name, is_down = sort.removeprefix(DOWN), sort.startswith(DOWN)
    if name == PRODUCT:
        return products[::-1] if is_down else products
    partner = name.removeprefix(OF_PARTNER)
    if not name.startswith(OF_PARTNER) or partner not in grants:
        return products
    ranks: dict[str, int] = {}
    for one in grants[partner]:
        if one["kind"] == "product" and one["state"] != "ended" and one["level"] in LEVELS:
            key = one["value"].casefold()
            ranks[key] = max(ranks.get(key, 0), 1 + LEVELS.index(one["level"]))

    def rank(product: OwnProduct) -> int:
        return max(ranks.get(key, 0) for key in product.keys)

    return sorted(products, key=lambda one: -rank(one) if is_down else rank(one))


def _given(visit: Visit, name: str) -> str:
    return visit.asked(name) or visit.form.one(name)


def _partners(visit: Visit, peers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that were chosen; else the first active ones."""
    can = [one for one in peers if one["state"] in GRANTEES]
    chosen = [name.casefold() for name in _given(visit, "partners").split(BETWEEN) if name]
    if chosen:
        by_name = {one["name"].casefold(): one for one in can}
        return [by_name[name] for name in dict.fromkeys(chosen) if name in by_name][:MAX_PARTNERS]
    active = [one for one in can if one["state"] == GRANTEES[0]]
    return (active or can)[:USUAL_PARTNERS]


def granted_products(grants: Iterable[Sequence[Mapping[str, Any]]]) -> list[str]:
    """The product ids that grants name which have not ended."""
    return [
        one["value"]
        for found in grants
        for one in found
        if one["kind"] == "product" and one["state"] != "ended"
    ]


def _searched(visit: Visit, products: Sequence[OwnProduct]) -> list[OwnProduct]:
    words = _given(visit, "q").casefold().split()
    return [one for one in products if _has(one, words)]


def _has(product: OwnProduct, words: Sequence[str]) -> bool:
    text = " ".join((product.name, *product.ids)).casefold()
    return all(word in text for word in words)


async def _seen(visit: Visit, partner: str, products: Sequence[OwnProduct]) -> dict[str, set[str]]:
    """By product id, folded: the levels at which a partner sees active footprints of it."""
    levels: dict[str, set[str]] = {}
    if not any(one.footprints for one in products):
        return levels
    after: int | None = 0
    while after is not None:
        query: Query = {
            "peer": partner,
            "productId": [one.id for one in products if one.footprints],
            "after": after,
            "limit": MOST_SEEN,
        }
        found = await visit.api.get("/grants/preview", query)
        for one in found["data"]:
            if one["status"] == "Active":
                for product in one["productIds"]:
                    levels.setdefault(product.casefold(), set()).add(one["level"])
        after = found.get("next")
    return levels


def _cell(
    grants: Sequence[Mapping[str, Any]], product: OwnProduct, seen: Mapping[str, set[str]]
) -> Cell:
    direct = direct_grants(grants, product)
    return Cell(
        direct_level(grants, product),
        [one for one in direct if one.get("starts") or one.get("ends")],
        sorted(seen.get(product.id.casefold(), ()), key=LEVELS.index),
    )


PAGES = {"/grants/matrix": _matrix}
