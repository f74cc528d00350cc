"""Sealing footprints of our own: asking suppliers, proving, and what there is."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.seals import (
    PreparedSealShape,
    SealInput,
    SealJobShape,
    SealRefusalShape,
    SealShape,
    SealShows,
    SuppliedShape,
)
from underseal_node.sealing.asking import ask_suppliers
from underseal_node.sealing.held import Supplied
from underseal_node.sealing.jobs import SealJob
from underseal_node.sealing.keeping import statement_in
from underseal_node.sealing.ordering import Ordered, Wanted, membership_of, order
from underseal_node.sealing.subject import subject_of
from underseal_node.store import seals
from underseal_node.store.seal_tables import HeldState, Seal
from underseal_protocol.errors import ProtocolError
from underseal_protocol.seal.document import COVERAGE_STEPS
from underseal_protocol.seal.sealed_sum import SealedSum

__all__ = ["router", "seal_shape"]

router = APIRouter(prefix="/seals")

UNANSWERED = (HeldState.WANTED, HeldState.PENDING)


@router.post("/prepare", **RESPONSE)
async def prepare(context: Context, given: SealInput) -> PreparedSealShape:
    """Ask suppliers for endorsements, and look at what could be sealed with those there are."""
    wanted = _wanted(given)
    subject = await subject_of(context.node, given.name)
    membership = await membership_of(context.node, subject, wanted)
    roster = None if membership is None else membership.roster
    found = await ask_suppliers(context.exchange, subject, wanted.sealed, roster)
    made: Ordered | None = None
    refusal = None
    try:
        made = await order(context.node, subject, wanted)
    except (RefusedError, ProtocolError) as error:
        refusal = SealRefusalShape(message=error.message, hint=error.hint)
    return PreparedSealShape(
        footprint_id=subject.footprint_id,
        product=subject.product_id,
        is_draft=subject.is_draft,
        suppliers=[_supplied(one) for one in found],
        waiting=sum(one.state in UNANSWERED for one in found),
        shows=None if made is None else SealShows.model_validate(made.shows),
        largest_coverage=0 if made is None else made.largest_step,
        refusal=refusal,
    )


@router.post("", status_code=202, **RESPONSE)
async def seal(context: Context, given: SealInput) -> SealJobShape:
    """Seal a footprint with the endorsements that are there."""
    subject = await subject_of(context.node, given.name)
    ordered = await order(context.node, subject, _wanted(given))
    return _job(context.seals.start(ordered))


@router.get("/jobs/{job_id}", **RESPONSE)
async def progress(context: Context, job_id: str) -> SealJobShape:
    """How far a seal has come."""
    return _job(context.seals.get(job_id))


@router.get("/{footprint_id}", **RESPONSE)
async def show(context: Context, footprint_id: str) -> SealShape:
    """The seal of an own footprint, or of a draft."""

    def work(session: Session) -> Seal:
        found = seals.find(session, footprint_id.lower())
        if found is None:
            raise NotFoundError(
                f"there is no seal of {footprint_id}",
                hint="`underseal product seal` makes one.",
            )
        return found

    return seal_shape(await context.node.store.read(work))


def seal_shape(row: Seal) -> SealShape:
    """A seal, with what can be given to a reader."""
    statement = statement_in(row)
    return SealShape(
        footprint_id=row.footprint_id,
        digest=row.digest,
        created_at=row.created_at,
        is_in_credential=statement is None,
        shows=SealShows.model_validate(json.loads(row.shows)),
        sealed_sum=SealedSum(row.document, statement).to_json(),
    )


def _wanted(given: SealInput) -> Wanted:
    if given.coverage not in COVERAGE_STEPS:
        raise RefusedError(
            f"the coverage is {given.coverage} %, expected one of "
            f"{', '.join(map(str, COVERAGE_STEPS))}"
        )
    return Wanted(given.property, given.coverage, given.name_factors, given.roster)


def _supplied(one: Supplied) -> SuppliedShape:
    return SuppliedShape(
        footprint_id=one.footprint_id,
        peer=one.peer,
        product_name=one.product_name,
        state=one.state,
        reason=one.reason,
        is_listed=one.is_listed,
    )


def _job(job: SealJob) -> SealJobShape:
    members: dict[str, Any] = {"error": job.error}
    if job.seal is not None:
        members["seal"] = seal_shape(job.seal)
    return SealJobShape(
        id=job.id,
        footprint_id=job.footprint_id,
        state=job.state,
        step=job.step,
        done=job.done,
        total=job.total,
        **members,
    )
