"""Importing products and factors: a file is taken whole, in one transaction, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.products.bills import digest_of
from underseal_node.products.convertible import unconvertible
from underseal_node.products.existing import named_of
from underseal_node.products.reading import read_factors, read_products
from underseal_node.products.results import PlacedFactor, PlacedProduct, ReadProducts
from underseal_node.publishing.results import Problem
from underseal_node.settings import Settings
from underseal_node.store import audit, products
from underseal_node.store.audit import Act
from underseal_node.store.product_tables import FactorRow, ProductRow

__all__ = ["ImportedItem", "ItemOutcome", "ItemsImported", "import_factors", "import_products"]

Read = Callable[[str, bytes, Settings], ReadProducts]


class ItemOutcome(StrEnum):
    """What an import makes of a product or factor."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """A product or factor of a file.

    Attributes:
        id: of it.
        name: of it.
        lines: how many it has; None for a factor.
        outcome: what became of it, or would in a dry run.
    """

    id: str
    name: str
    lines: int | None
    outcome: ItemOutcome


@dataclass(frozen=True, slots=True)
class ItemsImported:
    """What came of a file.

    Attributes:
        dry_run: nothing was written.
        products: in the order of the file.
        factors: in the order of the file.
        problems: if there are any, nothing was taken.
        warnings: lines that name what is not there yet; they are open.
    """

    dry_run: bool
    products: tuple[ImportedItem, ...] = ()
    factors: tuple[ImportedItem, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


async def import_products(
    node: Node, name: str, content: bytes, *, dry_run: bool = False
) -> ItemsImported:
    """Take the products in a file, and the factors beside them. The same content changes nothing.

    Args:
        node: whose products they are.
        name: of the file.
        content: all of it.
        dry_run: write nothing, but say what would be.
    """
    return await _import(node, name, content, read_products, dry_run=dry_run)


async def import_factors(
    node: Node, name: str, content: bytes, *, dry_run: bool = False
) -> ItemsImported:
    """Take the emission factors in a file; otherwise as `import_products`."""
    return await _import(node, name, content, read_factors, dry_run=dry_run)


async def _import(
    node: Node, name: str, content: bytes, read: Read, *, dry_run: bool
) -> ItemsImported:
    found = await asyncio.to_thread(read, name, content, node.settings)
    problems = (
        *found.problems,
        *(problem for product in found.products for problem in product.problems),
        *(problem for factor in found.factors for problem in factor.problems),
        *_twice(name, found.products),
        *_twice(name, found.factors),
    )
    if problems:
        return ItemsImported(dry_run, problems=problems)

    def compare(session: Session) -> ItemsImported:
        named = named_of(session, found)
        problems = named.problems or tuple(unconvertible(session, found))
        if problems:
            return ItemsImported(dry_run, problems=problems)
        return ItemsImported(
            dry_run,
            tuple(_product(session, one.document) for one in found.products),
            tuple(_factor(session, one.document) for one in found.factors),
            warnings=named.warnings,
        )

    def store(session: Session) -> ItemsImported:
        compared = compare(session)
        if not compared.problems:
            _store(session, node, name, found, compared)
        return compared

    if dry_run:
        return await node.store.read(compare)
    return await node.store.write(store)


def _twice(file: str, items: Sequence[PlacedProduct | PlacedFactor]) -> list[Problem]:
    seen: dict[str, str] = {}
    problems = []
    for item in items:
        place = item.place_of("/id")
        first = seen.setdefault(item.document["id"], place)
        if first is not place:
            message = f"{item.document['id']!r} is there already, in {first}"
            hint = "Ids name one and no other: change it, or remove one of the two."
            problems.append(Problem(file, place, message, hint))
    return problems


def _outcome(known: ProductRow | FactorRow | None, document: Mapping[str, Any]) -> ItemOutcome:
    if known is None:
        return ItemOutcome.NEW
    return ItemOutcome.UNCHANGED if known.digest == digest_of(document) else ItemOutcome.CHANGED


def _product(session: Session, document: Mapping[str, Any]) -> ImportedItem:
    outcome = _outcome(products.find(session, document["id"]), document)
    return ImportedItem(document["id"], document["name"], len(document.get("lines", ())), outcome)


def _factor(session: Session, document: Mapping[str, Any]) -> ImportedItem:
    known = products.factors(session, [document["id"]]).get(document["id"])
    return ImportedItem(document["id"], document["name"], None, _outcome(known, document))


def _store(
    session: Session, node: Node, file: str, found: ReadProducts, compared: ItemsImported
) -> None:
    now, changed = node.now(), 0
    for product, item in zip(found.products, compared.products, strict=True):
        if item.outcome is not ItemOutcome.UNCHANGED:
            changed += 1
            products.put_product(
                session,
                ProductRow(
                    id=item.id,
                    name=item.name,
                    document=json.dumps(product.document, ensure_ascii=False),
                    digest=digest_of(product.document),
                    version=0,
                    file=file,
                    changed_at=now,
                ),
            )
    for factor, item in zip(found.factors, compared.factors, strict=True):
        if item.outcome is not ItemOutcome.UNCHANGED:
            changed += 1
            products.put_factor(
                session,
                FactorRow(
                    id=item.id,
                    document=json.dumps(factor.document, ensure_ascii=False),
                    digest=digest_of(factor.document),
                    file=file,
                    changed_at=now,
                ),
            )
    if changed:
        audit.record(session, Act.PRODUCTS_IMPORTED, now, detail={"file": file, "changed": changed})
