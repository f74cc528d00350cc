"""Products with their bills of materials, factors, and what lines resolve to."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.manage.context import RESPONSE, Context, body_of
from underseal_node.manage.footprint_routes import UPLOAD, XLSX, FileName
from underseal_node.manage.product_view import (
    failure_shapes,
    imported_shape,
    line_shape,
    roll_up_shapes,
    stale_shape,
    succession_shapes,
)
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.products import (
    ConfirmInput,
    FactorShape,
    ItemsImportedShape,
    LinesShape,
    ProductDetail,
    ProductHistoryShape,
    ProductShape,
    VersionShape,
)
from underseal_node.node import Node
from underseal_node.products import importing, matching
from underseal_node.products.bills import PCF, Loader, defaults_of
from underseal_node.products.matching import Decision
from underseal_node.products.staleness import in_use, stale, stale_drafts
from underseal_node.products.status import open_lines
from underseal_node.store import footprints, products
from underseal_node.store.product_tables import FactorRow, ProductRow, ProductVersion
from underseal_node.store.tables import Footprint
from underseal_protocol.rollup.documents import source_of

__all__ = ["ProductId", "router"]

ProductId = Annotated[str, Query(alias="product", min_length=1, max_length=200)]
OneProduct = Annotated[str | None, Query(alias="product", min_length=1, max_length=200)]
DryRun = Annotated[bool, Query(alias="dryRun")]

router = APIRouter()


@router.get("/products/template")
async def template() -> Response:
    """The workbook to fill in."""
    from underseal_node.products.template import workbook

    return Response(workbook(), media_type=XLSX)


@router.post("/products/import", openapi_extra=UPLOAD, **RESPONSE)
async def import_products(
    request: Request, context: Context, name: FileName = "file", dry_run: DryRun = False
) -> ItemsImportedShape:
    """Take the products in a file, all of them or none."""
    content = await body_of(request, context)
    found = await importing.import_products(context.node, name, content, dry_run=dry_run)
    return imported_shape(found)


@router.post("/factors/import", openapi_extra=UPLOAD, **RESPONSE)
async def import_factors(
    request: Request, context: Context, name: FileName = "file", dry_run: DryRun = False
) -> ItemsImportedShape:
    """Take the emission factors in a file, all of them or none."""
    content = await body_of(request, context)
    found = await importing.import_factors(context.node, name, content, dry_run=dry_run)
    return imported_shape(found)


@router.get("/products/workbook")
async def workbook(
    context: Context,
    product_ids: Annotated[list[str] | None, Query(alias="product", max_length=1_000)] = None,
) -> Response:
    """Products, those that are named or all, and every factor, as a workbook to import again."""
    from underseal_node.products.export import workbook_of

    node = context.node

    def work(session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        rows = (
            products.all_products(session)
            if product_ids is None
            else [products.product(session, one) for one in product_ids]
        )
        return (
            [json.loads(row.document) for row in rows],
            [json.loads(row.document) for row in products.all_factors(session)],
        )

    bills, factors = await node.store.read(work)
    content = await asyncio.to_thread(workbook_of, bills, factors, settings=node.settings)
    return Response(content, media_type=XLSX)


@router.get("/products", **RESPONSE)
async def listing(context: Context) -> Listing[ProductShape]:
    """Every product."""
    node = context.node
    return Listing(data=await node.store.read(lambda session: _products(session, node)))


@router.get("/products/detail", **RESPONSE)
async def detail(context: Context, product_id: ProductId) -> ProductDetail:
    """One product with its lines, its footprints, and what has changed since."""
    node = context.node
    return await node.store.read(lambda session: _detail(session, node, product_id))


@router.get("/products/history", **RESPONSE)
async def history(context: Context, product_id: ProductId) -> ProductHistoryShape:
    """What a product was, and what was calculated from it."""

    def work(session: Session) -> ProductHistoryShape:
        row = products.product(session, product_id)
        versions: list[ProductRow | ProductVersion] = [row, *products.history(session, product_id)]
        return ProductHistoryShape(
            product=product_id,
            versions=[
                VersionShape(
                    version=one.version,
                    file=one.file,
                    changed_at=one.changed_at,
                    digest=one.digest,
                )
                for one in versions
            ],
            footprints=succession_shapes(session, product_id),
        )

    return await context.node.store.read(work)


@router.get("/factors", **RESPONSE)
async def factors(context: Context) -> Listing[FactorShape]:
    """Every factor."""
    rows = await context.node.store.read(products.all_factors)
    return Listing(data=[_factor_shape(row) for row in rows])


@router.get("/matches", **RESPONSE)
async def matches(
    context: Context,
    product_id: OneProduct = None,
    only_open: Annotated[bool, Query(alias="open")] = False,
) -> LinesShape:
    """Lines of bills of materials: what they resolve to, and what open ones may."""
    node = context.node
    states = await node.store.read(
        lambda session: matching.lines_of(
            session,
            node.now(),
            defaults_of(node.identity),
            None if product_id is None else [product_id],
            only_open=only_open,
        )
    )
    return LinesShape(
        data=[line_shape(one) for one in states.lines],
        energy_failures=failure_shapes(states.failures),
    )


@router.post("/matches", **RESPONSE)
async def decide(context: Context, body: ConfirmInput) -> LinesShape:
    """Decide what lines resolve to, all of them or none; returns these lines."""
    node = context.node
    decisions = [
        Decision(
            one.product, one.line, None if one.source is None else source_of(one.source), one.peer
        )
        for one in body.decisions
    ]

    def work(session: Session) -> LinesShape:
        now, defaults = node.now(), defaults_of(node.identity)
        matching.decide(session, now, defaults, decisions)
        wanted = {(one.product, one.line) for one in body.decisions}
        states = matching.lines_of(session, now, defaults, {one.product for one in body.decisions})
        decided = [one for one in states.lines if (one.product_id, one.line.id) in wanted]
        return LinesShape(
            data=[line_shape(one) for one in decided],
            energy_failures=failure_shapes(states.failures),
        )

    return await node.store.write(work)


def _products(session: Session, node: Node) -> list[ProductShape]:
    now = node.now()
    loader = Loader(session, now, node.identity)
    stale_ids = {one.product_id for one in stale(session, now, loader)}
    still_open = open_lines(session, loader.meters)
    newest = {row.product_id: row.footprint_id for row in reversed(in_use(session))}
    published = footprints.find_many(session, list(newest.values()))
    return [
        _product_shape(
            row, published.get(newest.get(row.id, "")), row.id in stale_ids, still_open[row.id]
        )
        for row in products.all_products(session)
    ]


def _product_shape(
    row: ProductRow, footprint: Footprint | None, is_stale: bool, still_open: int
) -> ProductShape:
    summary = {} if footprint is None else json.loads(footprint.summary)
    unit = (summary.get("declaredUnitAmount"), summary.get("declaredUnitOfMeasurement"))
    return ProductShape(
        id=row.id,
        name=row.name,
        version=row.version,
        lines=len(json.loads(row.document).get("lines", ())),
        open_lines=still_open,
        file=row.file,
        changed_at=row.changed_at,
        footprint=None if footprint is None else footprint.id,
        pcf=summary.get(PCF),
        unit=None if None in unit else " ".join(map(str, unit)),
        is_stale=is_stale,
    )


def _detail(session: Session, node: Node, product_id: str) -> ProductDetail:
    row = products.product(session, product_id)
    now, defaults = node.now(), defaults_of(node.identity)
    loader = Loader(session, now, node.identity)
    states = matching.lines_of(session, now, defaults, [product_id])
    changed = [found(session, now, loader, product_id) for found in (stale, stale_drafts)]
    return ProductDetail(
        id=row.id,
        name=row.name,
        version=row.version,
        file=row.file,
        changed_at=row.changed_at,
        document=json.loads(row.document),
        lines=[line_shape(one) for one in states.lines],
        energy_failures=failure_shapes(states.failures),
        footprints=roll_up_shapes(session, product_id),
        stale=[stale_shape(one) for part in changed for one in part],
    )


def _factor_shape(row: FactorRow) -> FactorShape:
    factor = json.loads(row.document)
    return FactorShape(
        id=row.id,
        name=factor["name"],
        unit=factor["unit"],
        database=factor["database"],
        version=factor["version"],
        geography=factor.get("geography"),
        year=factor.get("year"),
        licence=factor.get("licence"),
        is_verified=factor.get("isVerified", True),
        values=factor["values"],
        amount=factor.get("amount", "1"),
        file=row.file,
        changed_at=row.changed_at,
    )
