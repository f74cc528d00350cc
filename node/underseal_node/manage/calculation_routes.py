"""Calculating products, publishing them, and keeping what is published true."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.product_routes import ProductId
from underseal_node.manage.product_view import (
    calculation_shape,
    failure_shapes,
    published_shape,
    refresh_shape,
    stale_shape,
)
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.products import (
    AcknowledgeInput,
    CalculationShape,
    ProductPublishedShape,
    RefreshInput,
    RefreshShape,
    StatusShape,
    WhatIfShape,
)
from underseal_node.products import calculating, refreshing, releasing
from underseal_node.products.releasing import Outcome, PublishedProduct
from underseal_node.products.status import overview
from underseal_node.publishing.results import UnpublishableError
from underseal_protocol.release.verdict import Acknowledgement
from underseal_protocol.rollup.what_if_documents import changes_of
from underseal_protocol.rounding import MAX_DIGITS

__all__ = ["Digits", "router", "said"]

Digits = Annotated[int | None, Query(alias="significantDigits", ge=1, le=MAX_DIGITS)]
Contributions = Annotated[int, Query(alias="limit", ge=0, le=100_000)]
SHOWN_CONTRIBUTIONS = 100

router = APIRouter()


@router.post("/products/calculate", **RESPONSE)
async def calculate(
    context: Context,
    product_id: ProductId,
    digits: Digits = None,
    limit: Contributions = SHOWN_CONTRIBUTIONS,
) -> CalculationShape:
    """Calculate a product; nothing is changed."""
    calculation = await calculating.calculate(context.node, product_id, digits=digits)
    try:
        prepared = await releasing.prepare_calculated(context.node, calculation)
    except UnpublishableError:
        prepared = None
    return calculation_shape(calculation, prepared, limit)


@router.post("/products/what-if", **RESPONSE)
async def what_if(
    context: Context,
    product_id: ProductId,
    body: Annotated[Any, Body()],
    limit: Contributions = SHOWN_CONTRIBUTIONS,
) -> WhatIfShape:
    """Calculate a product as it is and with changes; nothing is changed."""
    changes = changes_of(body, product_id)
    found = await calculating.what_if(context.node, product_id, changes)
    return WhatIfShape(
        product=product_id,
        **found.to_json(),
        before=found.before.to_json(limit),
        after=found.after.to_json(limit),
    )


@router.post("/products/publish", **RESPONSE)
async def publish(
    context: Context,
    product_id: ProductId,
    digits: Digits = None,
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
    body: AcknowledgeInput | None = None,
) -> ProductPublishedShape:
    """Publish the footprint of a product; it replaces the one of the same period and place."""
    node = context.node
    prepared = await releasing.prepare(node, product_id, digits=digits)
    if dry_run:
        old = prepared.old.id if prepared.old is not None else None
        is_unchanged = prepared.outcome is Outcome.UNCHANGED
        footprint_id = old if is_unchanged and old is not None else prepared.draft.id
        deprecated = None if is_unchanged else old
        return published_shape(
            PublishedProduct(footprint_id, prepared.outcome, deprecated, (), prepared),
            dry_run=True,
        )
    return published_shape(await releasing.publish(node, prepared, said(body)), dry_run=False)


@router.post("/products/refresh", **RESPONSE)
async def refresh(context: Context, body: RefreshInput) -> Listing[RefreshShape]:
    """Stale footprints beside what they would be now; publish what was confirmed."""
    found = await refreshing.refresh(
        context.node,
        body.product,
        confirmed=body.confirmed,
        below_percent=body.below_percent,
        acknowledgement=said(body),
    )
    return Listing(data=[refresh_shape(one) for one in found])


@router.get("/status", **RESPONSE)
async def status(context: Context) -> StatusShape:
    """How the node stands: what is stale and why, what is open."""
    node = context.node
    found = await node.store.read(lambda session: overview(session, node.now(), node.identity))
    return StatusShape(
        company=node.identity.company_name,
        url=node.identity.url,
        footprints=found.footprints,
        products=found.products,
        open_lines=found.open_lines,
        stale=[stale_shape(one) for one in found.stale],
        energy_failures=failure_shapes(found.failures),
        alerts=found.alerts,
    )


def said(body: AcknowledgeInput | None) -> Acknowledgement | None:
    """By what the operator answers for a release, if anything."""
    if body is None or body.acknowledge is None:
        return None
    return Acknowledgement(body.acknowledge, body.consent or "")
