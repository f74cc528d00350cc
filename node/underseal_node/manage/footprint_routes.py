"""Own footprints: publish, look at, end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.manage.attestation_view import judged_shape
from underseal_node.manage.context import (
    RESPONSE,
    Context,
    Limit,
    body_of,
    finding,
    problem_shapes,
    with_footprint,
)
from underseal_node.manage.footprint_view import footprint_shape, signature_shape
from underseal_node.manage.lists import (
    Count,
    Offset,
    Search,
    answered,
    part_of,
    sorts_of,
    streamed,
    words_of,
)
from underseal_node.manage.seen_routes import note_on, seen_by, withheld_at
from underseal_node.manage.shapes.base import GivenInstant, Part
from underseal_node.manage.shapes.footprints import (
    ChangedShape,
    FootprintDetail,
    FootprintShape,
    ImportedShape,
    ImportShape,
    ReissuedShape,
    ReissueInput,
    RuleShape,
)
from underseal_node.publishing import changing, publish, reissuing
from underseal_node.publishing.results import Changed, Imported
from underseal_node.store import footprints, own_lists
from underseal_node.store.own_lists import OwnWanted
from underseal_node.trust.attesting import judged_own
from underseal_protocol.methodology import Finding
from underseal_protocol.rounding import MAX_DIGITS

__all__ = ["router"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUCH_AS = 3  # names of footprints that a rule has findings in
FileName = Annotated[str, Query(min_length=1, max_length=1024, description="of the file")]

Digits = Annotated[int | None, Query(alias="significantDigits", ge=1, le=MAX_DIGITS)]

OwnSort = Annotated[str | None, AfterValidator(sorts_of(own_lists.ORDER.columns)), Query()]

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
    listed: Annotated[int | None, Query(ge=0)] = None,
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
            for one in result.footprints[:listed]
        ],
        problems=problem_shapes(result.problems),
        notified=list(result.notified),
        rules=None if listed is None else await asyncio.to_thread(_rules, result.footprints),
    )


def _rules(footprints: Iterable[Imported]) -> list[RuleShape]:
    """What is found in footprints, rule by rule; what is found most often first."""
    first: dict[str, Finding] = {}
    counts: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    for one in footprints:
        for rule, found in {each.rule: each for each in one.findings}.items():
            first.setdefault(rule, found)
            counts[rule] = counts.get(rule, 0) + 1
            if counts[rule] <= SUCH_AS:
                names.setdefault(rule, []).append(one.product_name_company)
    return [
        RuleShape(
            rule=rule,
            severity=first[rule].severity,
            message=first[rule].message,
            section=first[rule].section,
            hint=first[rule].hint,
            footprints=count,
            such_as=names[rule],
        )
        for rule, count in sorted(counts.items(), key=lambda one: -one[1])
    ]


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
        unsealed=list(done.unsealed),
        restated=list(done.restated),
    )


def _wanted(
    status: str | None = None,
    product_id: Annotated[str | None, Query(alias="productId")] = None,
    ends_before: Annotated[GivenInstant | None, Query(alias="validUntilBefore")] = None,
    search: Search = [],  # noqa: B006 - never changed
) -> OwnWanted:
    return OwnWanted(status, product_id, ends_before, words_of(search))


Wanted = Annotated[OwnWanted, Depends(_wanted)]


@router.get("", response_model=Part[FootprintShape])
async def list_footprints(
    context: Context,
    wanted: Wanted,
    sort: OwnSort = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    count: Count = False,
) -> Response:
    """Own footprints, newest publication first if nothing else is asked for."""
    part = part_of(sort, limit, offset, is_counted=count)

    def work(session: Session) -> Part[FootprintShape]:
        numbers, total = own_lists.find(session, wanted, part)
        return Part(data=list(_shapes(session, numbers)), total=total)

    return answered(await context.node.store.read(work))


@router.get("/export")
async def export_footprints(context: Context, wanted: Wanted, sort: OwnSort = None) -> Response:
    """All own footprints that are asked for, as lines of JSON."""

    numbers, _ = await context.node.store.read(
        lambda session: own_lists.find(session, wanted, part_of(sort, None))
    )
    return streamed(context.node, numbers, _shapes)


def _shapes(session: Session, numbers: Iterable[int]) -> Iterator[FootprintShape]:
    return (footprint_shape(one) for one in footprints.in_order(session, numbers))


@router.get("/{footprint_id}", response_model=FootprintDetail)
async def show_footprint(
    context: Context,
    footprint_id: str,
    seen_as: Annotated[str | None, Query(alias="as")] = None,
) -> Response:
    """One own footprint; with `as`, what that peer sees of it."""

    now = context.node.now()
    own = await context.node.store.read(lambda session: footprints.get(session, footprint_id))
    body = own.body or b""
    digest = own.credential_digest or ""
    signature = signature_shape(body, digest)
    if seen_as is None:

        def work(session: Session) -> FootprintDetail:
            return FootprintDetail(
                **footprint_shape(own).model_dump(),
                footprint={},
                signature=signature,
                attestations=[
                    judged_shape(one) for one in judged_own(session, own.id, body, digest, now)
                ],
                successors=footprints.successors(session, own.id),
                status_statement=own.status_statement,
            )

        return with_footprint(await context.node.store.read(work), body)
    peer, seen = await seen_by(context, seen_as, own.id)
    detail = FootprintDetail(
        **footprint_shape(own).model_dump(),
        footprint={},
        signature=signature,
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
