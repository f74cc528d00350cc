"""Own footprints: publish, look at, end."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from underseal_node.manage.context import (
    RESPONSE,
    Context,
    Limit,
    body_of,
    finding,
    problem_shapes,
    with_footprint,
)
from underseal_node.manage.seen_routes import note_on, seen_by, withheld_at
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.footprints import (
    ChangedShape,
    FootprintDetail,
    FootprintShape,
    ImportedShape,
    ImportShape,
    ReissuedShape,
    ReissueInput,
)
from underseal_node.publishing import changing, publish, reissuing
from underseal_node.publishing.results import Changed
from underseal_node.store import footprints
from underseal_node.store.footprints import OwnFootprint
from underseal_protocol.rounding import MAX_DIGITS

__all__ = ["router"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FileName = Annotated[str, Query(min_length=1, max_length=1024, description="of the file")]

Digits = Annotated[int | None, Query(alias="significantDigits", ge=1, le=MAX_DIGITS)]

UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/footprints")


@router.post("/import", openapi_extra=UPLOAD, **RESPONSE)
async def import_file(
    request: Request,
    context: Context,
    name: FileName = "file",
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
    digits: Digits = None,
) -> ImportShape:
    """Publish what is in a file, all of it or nothing."""
    content = await body_of(request, context)
    result = await publish.import_files(
        context.node, [(name, content)], dry_run=dry_run, significant_digits=digits
    )
    return ImportShape(
        dry_run=result.dry_run,
        published=result.published,
        unchanged=result.unchanged,
        refused=result.refused,
        footprints=[
            ImportedShape(
                id=one.id,
                product_name_company=one.product_name_company,
                file=one.file,
                outcome=one.outcome,
                findings=[finding(each) for each in one.findings],
            )
            for one in result.footprints
        ],
        problems=problem_shapes(result.problems),
        notified=list(result.notified),
    )


@router.get("/template")
async def template() -> Response:
    """The workbook to fill in."""
    from underseal_node.publishing.template import workbook

    return Response(workbook(), media_type=XLSX)


@router.post("/reissue", **RESPONSE)
async def reissue(context: Context, given: ReissueInput) -> ReissuedShape:
    """Publish successors of the footprints that a revoked key has signed."""
    done = await reissuing.reissue(context.node, given.signed_by, dry_run=given.dry_run)
    return ReissuedShape(
        dry_run=given.dry_run,
        found=done.found,
        successors=dict(done.successors),
        notified=list(done.notified),
        unattested=list(done.unattested),
    )


@router.get("", **RESPONSE)
async def list_footprints(
    context: Context,
    status: str | None = None,
    product_id: Annotated[str | None, Query(alias="productId")] = None,
    limit: Limit = 1000,
) -> Listing[FootprintShape]:
    """Own footprints, newest publication first."""
    found = await context.node.store.read(
        lambda session: footprints.listing(
            session, status=status, product_id=product_id, limit=limit
        )
    )
    return Listing(data=[_shape(one) for one in found])


@router.get("/{footprint_id}", response_model=FootprintDetail)
async def show_footprint(
    context: Context,
    footprint_id: str,
    seen_as: Annotated[str | None, Query(alias="as")] = None,
) -> Response:
    """One own footprint; with `as`, what that peer sees of it."""

    own = await context.node.store.read(lambda session: footprints.get(session, footprint_id))
    if seen_as is None:
        detail = FootprintDetail(
            **_shape(own).model_dump(), footprint={}, status_statement=own.status_statement
        )
        return with_footprint(detail, own.body or b"")
    peer, seen = await seen_by(context, seen_as, own.id)
    detail = FootprintDetail(
        **_shape(own).model_dump(),
        footprint={},
        seen_as=peer.name,
        level=seen.level,
        withheld=withheld_at(seen.level),
        note=note_on(peer),
        status_statement=own.status_statement,
    )
    return with_footprint(detail, seen.body)


@router.post("/{footprint_id}/deprecate", **RESPONSE)
async def deprecate(context: Context, footprint_id: str) -> ChangedShape:
    """End a footprint, for good."""
    return _changed(await changing.deprecate(context.node, footprint_id))


@router.post("/{footprint_id}/supersede", openapi_extra=UPLOAD, **RESPONSE)
async def supersede(
    request: Request,
    context: Context,
    footprint_id: str,
    name: FileName = "file",
    digits: Digits = None,
) -> ChangedShape:
    """Replace a footprint by the one in the file."""
    content = await body_of(request, context)
    change = await changing.supersede(
        context.node, footprint_id, (name, content), significant_digits=digits
    )
    return _changed(change)


def _changed(change: Changed) -> ChangedShape:
    return ChangedShape(
        deprecated=change.deprecated,
        published=change.published,
        notified=list(change.notified),
        findings=[finding(one) for one in change.findings],
    )


def _shape(own: OwnFootprint) -> FootprintShape:
    summary = own.summary
    return FootprintShape(
        id=own.id,
        status=own.status,
        product_name_company=summary["productNameCompany"],
        product_ids=summary["productIds"],
        pcf_excluding_biogenic_uptake=summary["pcfExcludingBiogenicUptake"],
        declared_unit_amount=summary["declaredUnitAmount"],
        declared_unit_of_measurement=summary["declaredUnitOfMeasurement"],
        created=summary["created"],
        published_at=own.published_at,
        valid_from=own.valid_from,
        valid_until=own.valid_until,
        preceding_pf_ids=summary.get("precedingPfIds"),
    )
