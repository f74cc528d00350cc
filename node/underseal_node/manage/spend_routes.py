"""What is spent on suppliers: import it, see of which periods it is known, forget one."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.manage.context import RESPONSE, Context, body_of, problem_shapes
from underseal_node.manage.footprint_routes import UPLOAD, XLSX, FileName
from underseal_node.manage.shapes.base import GivenInstant, Listing
from underseal_node.manage.shapes.suppliers import (
    SpendImportShape,
    SpendItemShape,
    SpendPeriodShape,
    SpendRemovedShape,
)
from underseal_node.spend.importing import SpendItem, import_spend, remove_spend
from underseal_node.store import spend
from underseal_node.store.spend import Period
from underseal_protocol.rollup.numbers import shown

__all__ = ["router"]

router = APIRouter(prefix="/spend")


@router.get("/template")
async def template() -> Response:
    """The workbook to fill in."""
    from underseal_node.spend.template import workbook

    return Response(await asyncio.to_thread(workbook), media_type=XLSX)


@router.post("/import", openapi_extra=UPLOAD, **RESPONSE)
async def import_file(
    request: Request,
    context: Context,
    name: FileName = "file",
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
) -> SpendImportShape:
    """Take what a file says of each of its periods, all of it or nothing."""
    content = await body_of(request, context)
    done = await import_spend(context.node, name, content, dry_run=dry_run)
    return SpendImportShape(
        dry_run=done.dry_run,
        spend=[_item(one) for one in done.items],
        problems=problem_shapes(done.problems),
    )


@router.get("", **RESPONSE)
async def show(context: Context) -> Listing[SpendPeriodShape]:
    """The periods, the newest first."""

    def work(session: Session) -> list[SpendPeriodShape]:
        return [_period(session, one) for one in spend.periods(session)]

    return Listing(data=await context.node.store.read(work))


@router.delete("", **RESPONSE)
async def remove(
    context: Context,
    start: Annotated[GivenInstant, Query(alias="from")],
    end: Annotated[GivenInstant, Query(alias="until")],
) -> SpendRemovedShape:
    """Forget what was spent in a period."""
    node = context.node
    count = await node.store.write(lambda session: remove_spend(session, node, (start, end)))
    return SpendRemovedShape(removed=count)


def _item(one: SpendItem) -> SpendItemShape:
    return SpendItemShape(
        supplier=one.spent.supplier,
        peer=one.peer,
        amount=one.spent.amount,
        currency=one.spent.currency,
        period_start=one.spent.period[0],
        period_end=one.spent.period[1],
        outcome=one.outcome.value,
    )


def _period(session: Session, period: Period) -> SpendPeriodShape:
    rows = spend.of_period(session, period)
    newest = max(rows, key=lambda row: row.changed_at)
    return SpendPeriodShape(
        period_start=period[0],
        period_end=period[1],
        currency=newest.currency,
        total=shown(sum((Fraction(row.amount) for row in rows), Fraction()))[0],
        suppliers=len(rows),
        file=newest.file,
        changed_at=newest.changed_at,
    )
