"""Drafts of own footprints; attesting footprints of others."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session

from underseal_node.manage.attestation_view import attestation_members
from underseal_node.manage.calculation_routes import Digits, said
from underseal_node.manage.context import RESPONSE, Context, Limit, body_of, finding
from underseal_node.manage.footprint_routes import UPLOAD, FileName
from underseal_node.manage.product_routes import ProductId
from underseal_node.manage.product_view import findings_shape, stale_shape, verdict_shape
from underseal_node.manage.shapes.attestations import (
    AttachedShape,
    AttestationMadeShape,
    AttestInput,
    DraftDetail,
    DraftedShape,
    DraftPublishedShape,
    DraftShape,
    ProductDraftedShape,
    PublishInput,
    TokenInput,
)
from underseal_node.manage.shapes.base import Listing
from underseal_node.node import Node
from underseal_node.products.drafting import draft_product
from underseal_node.publishing.attaching import Attesting, attach, attest
from underseal_node.publishing.drafting import Drafted, draft_file, publish_draft
from underseal_node.publishing.results import Outcome
from underseal_node.store import attestations, seals
from underseal_node.store.attestation_tables import DraftRow
from underseal_protocol.attestation_claims import Statement
from underseal_protocol.draft import read_draft
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.times import format_time

__all__ = ["router"]

router = APIRouter()


@router.post("/drafts", openapi_extra=UPLOAD, **RESPONSE)
async def make_draft(
    request: Request,
    context: Context,
    name: FileName = "file",
    supersedes: Annotated[str | None, Query(max_length=36)] = None,
) -> DraftedShape:
    """Fix the footprint in a file, so that it can be attested."""
    content = await body_of(request, context)
    made = await draft_file(context.node, (name, content), supersedes=supersedes)
    return DraftedShape(**await _drafted(context.node, made))


@router.post("/products/draft", **RESPONSE)
async def draft_calculated(
    context: Context, product_id: ProductId, digits: Digits = None
) -> ProductDraftedShape:
    """Calculate a product and fix its footprint, so that it can be attested."""
    done = await draft_product(context.node, product_id, digits=digits)
    calculation, judged = done.prepared.calculation, done.prepared.judged
    return ProductDraftedShape(
        **await _drafted(context.node, done.drafted),
        product=product_id,
        line_findings=findings_shape(calculation.result.findings),
        gate=None if judged is None else verdict_shape(judged),
    )


@router.get("/drafts", **RESPONSE)
async def list_drafts(context: Context, limit: Limit = 1000) -> Listing[DraftShape]:
    """Drafts, newest first."""

    def work(session: Session) -> list[DraftShape]:
        rows = attestations.drafts(session, limit=limit)
        return [DraftShape(**_members(row, json.loads(row.document))) for row in rows]

    return Listing(data=await context.node.store.read(work))


@router.get("/drafts/{footprint_id}", **RESPONSE)
async def show_draft(
    context: Context, footprint_id: Annotated[str, Path(min_length=36, max_length=36)]
) -> DraftDetail:
    """One draft, as its file holds it."""
    return await context.node.store.read(
        lambda session: DraftDetail(**_detail(attestations.draft(session, footprint_id)))
    )


@router.post("/drafts/publish", **RESPONSE)
async def publish(context: Context, given: PublishInput) -> DraftPublishedShape:
    """Publish exactly what is in a draft."""
    settings = context.node.settings
    limits = JsonLimits(max_bytes=settings.max_import_bytes, max_depth=settings.max_json_depth)
    draft = read_draft(loads(given.draft.encode(), limits=limits, exact_numbers=True))
    done = await publish_draft(context.node, draft, given.attestation, said(given))
    drops_seal = await context.node.store.read(
        lambda session: seals.leaves_behind(session, done.deprecated, done.id)
    )
    return DraftPublishedShape(
        id=done.id,
        outcome=Outcome.PUBLISHED if done.is_new else Outcome.UNCHANGED,
        deprecated=done.deprecated,
        notified=list(done.notified),
        findings=[finding(one) for one in done.findings],
        gate=None if done.judged is None else verdict_shape(done.judged),
        stale=None if done.stale is None else stale_shape(done.stale),
        drops_seal=drops_seal,
    )


@router.post("/attestations", **RESPONSE)
async def make_attestation(context: Context, given: AttestInput) -> AttestationMadeShape:
    """Attest a draft, or a published footprint of a peer."""
    verification = {
        "coverage": given.coverage,
        "providerName": given.provider_name,
        "completedAt": format_time(given.completed_at),
        "standardName": given.standard_name,
        "comments": given.comments,
    }
    said = given.statement
    made = await attest(
        context.node,
        given.document,
        Attesting(
            verification={name: one for name, one in verification.items() if one is not None},
            level=given.level,
            statement=Statement(said.text, said.url, said.sha256, said.file_name),
            valid_until=given.valid_until,
            opening=given.opening,
            completeness=given.completeness,
            names_seal=given.names_seal,
        ),
    )
    return AttestationMadeShape(**attestation_members(made), attestation=made.token)


@router.post("/attestations/attach", **RESPONSE)
async def attach_attestation(context: Context, given: TokenInput) -> AttachedShape:
    """Serve an attestation beside an own footprint."""
    done = await attach(context.node, given.attestation)
    return AttachedShape(
        **attestation_members(done.attestation), is_new=done.is_new, notified=list(done.notified)
    )


async def _drafted(node: Node, made: Drafted) -> dict[str, Any]:
    """The members of `DraftedShape`."""
    row = await node.store.read(lambda session: attestations.draft(session, made.draft.id))
    return {
        **_detail(row),
        "is_new": made.is_new,
        "replaced": made.replaced,
        "findings": [finding(one) for one in made.findings],
    }


def _detail(row: DraftRow) -> dict[str, Any]:
    draft = json.loads(row.document)
    return _members(row, draft) | {"draft": draft}


def _members(row: DraftRow, draft: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "product_name_company": draft["footprint"]["productNameCompany"],
        "created_at": row.created_at,
        "published_at": row.published_at,
        "supersedes": row.supersedes,
    }
