"""How suppliers stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.lists import answered
from underseal_node.manage.product_view import amount_text
from underseal_node.manage.shapes.base import GivenInstant
from underseal_node.manage.shapes.suppliers import (
    BoughtShape,
    NamedSupplierShape,
    SpendLookedAtShape,
    SupplierDetail,
    SupplierShape,
    SuppliersShape,
    TrendPointShape,
    TrendShape,
)
from underseal_node.products.bills import defaults_of
from underseal_node.products.suppliers import Supplier, Suppliers, suppliers_of
from underseal_node.products.supply import Weighed
from underseal_node.products.trends import Trend, summary_texts
from underseal_node.store import peers
from underseal_node.store.exchange_tables import VerificationState
from underseal_node.store.spend import Period
from underseal_node.store.tables import PeerState
from underseal_protocol.criteria import fold
from underseal_protocol.rollup.numbers import shown, shown_text

__all__ = ["router"]

router = APIRouter(prefix="/suppliers")


Start = Annotated[GivenInstant | None, Query(alias="from", description="of the spend")]
End = Annotated[GivenInstant | None, Query(alias="until", description="of the spend")]


@router.get("", response_model=SuppliersShape)
async def list_suppliers(context: Context, start: Start = None, end: End = None) -> Response:
    """All suppliers, by name."""
    period = _period(start, end)
    found = await context.node.store.read(lambda session: _found(session, context, period))
    shape = SuppliersShape(
        data=[SupplierShape(**_members(one, found)) for one in found.found],
        others=_others(found),
        **_counts(found.lines),
        products=found.products,
        coverage=_text(found.coverage),
        primary_coverage=_text(found.primary_coverage),
        spend=_spend(found),
    )
    return answered(shape)


@router.get("/{name}", **RESPONSE)
async def show_supplier(
    context: Context, name: str, start: Start = None, end: End = None
) -> SupplierDetail:
    """One supplier, with what is bought from it and how its footprints have changed."""
    period = _period(start, end)

    def work(session: Session) -> SupplierDetail:
        peer = peers.by_name(session, name)
        found = _found(session, context, period)
        one = next((one for one in found.found if one.peer.id == peer.id), None)
        if one is None:
            raise NotFoundError(
                f"{peer.name} is no supplier: nothing was received from it, and no line names it",
                hint=f"`underseal pull {peer.name}` gets what it has granted.",
            )
        return SupplierDetail(
            **_members(one, found),
            currency=None if found.spending is None else found.spending.currency,
            bought=[_bought(line, found) for line in one.lines],
            trends=[_trend(trend) for trend in one.trends],
        )

    return await context.node.store.read(work)


def _period(start: datetime | None, end: datetime | None) -> Period | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise RefusedError(
            "a period of spend has two ends, and one is missing", hint="Give `from` and `until`."
        )
    return start, end


def _found(session: Session, context: Context, period: Period | None) -> Suppliers:
    node = context.node
    return suppliers_of(session, node.now(), defaults_of(node.identity), period)


def _others(found: Suppliers) -> list[NamedSupplierShape]:
    """Those that are no partners; what a bill of materials and spend call alike is the same."""
    paid = {} if found.spending is None else dict(found.spending.others)
    spelled = {fold(name): name for name in paid}
    shapes = []
    for name, lines in found.others.items():
        amount = paid.pop(spelled.get(fold(name), name), None)
        shapes.append(_named(name, lines, amount, found))
    shapes += [_named(name, (), amount, found) for name, amount in paid.items()]
    return sorted(shapes, key=lambda one: one.name)


def _named(
    name: str, lines: Sequence[Weighed], spent: Fraction | None, found: Suppliers
) -> NamedSupplierShape:
    return NamedSupplierShape(
        name=name,
        lines=len(lines),
        mass_share=_text(found.share(lines)),
        spend=_amount(spent),
        spend_share=_text(_spend_share(spent, found)),
    )


def _spend(found: Suppliers) -> SpendLookedAtShape | None:
    spending, covered = found.spending, found.covered_spend
    if spending is None:
        return None
    return SpendLookedAtShape(
        period_start=spending.period[0],
        period_end=spending.period[1],
        currency=spending.currency,
        total=shown(spending.total)[0],
        covered=None if covered is None else _text(covered.covered),
        primary=None if covered is None else _text(covered.primary),
        unknown=None if covered is None else _text(covered.unknown),
    )


def _spend_share(spent: Fraction | None, found: Suppliers) -> Fraction | None:
    if spent is None or found.spending is None or not found.spending.total:
        return None
    return spent / found.spending.total


def _members(one: Supplier, found: Suppliers) -> dict[str, Any]:
    peer, averages, states = one.peer, one.averages, [row.verification for row in one.sent.current]
    ratings = averages.ratings or (None, None, None)
    return {
        "name": peer.name,
        "company_name": peer.company_name or _newest_name(one),
        "state": PeerState(peer.state),
        **_counts(one.lines),
        "mass_share": _text(one.mass_share),
        "coverage": _text(one.coverage),
        "primary_coverage": _text(one.primary_coverage),
        "spend": _amount(one.spend),
        "spend_share": _text(_spend_share(one.spend, found)),
        "footprints": len(states),
        "verified": states.count(VerificationState.VERIFIED),
        "unsigned": states.count(VerificationState.UNSIGNED),
        "invalid": one.sent.invalid,
        "is_in_use": one.is_in_use,
        "expired": one.expired,
        "is_weighted": averages.is_weighted,
        "averaged": averages.footprints,
        "primary_share": _text(averages.primary_share),
        "without_primary_share": averages.without_primary_share,
        "technological_dqr": _text(ratings[0]),
        "geographical_dqr": _text(ratings[1]),
        "temporal_dqr": _text(ratings[2]),
        "mean_dqr": _text(_mean(averages.ratings)),
        "without_ratings": averages.without_ratings,
        "reference_period_end": one.reference_period_end,
        "valid_until": one.valid_until,
        "last_received_at": max((row.changed_at for row in one.sent.rows), default=None),
        "last_contact_at": peer.last_contact_at,
        "last_problem": peer.last_problem,
        "compared": sum(trend.change is not None for trend in one.trends),
        "change": _text(one.change),
        "rank": one.rank,
    }


def _counts(lines: Sequence[Weighed]) -> dict[str, int]:
    return {
        "lines": len(lines),
        "lines_covered": sum(one.is_covered for one in lines),
        "lines_without_mass": sum(one.lacks_mass for one in lines),
    }


def _newest_name(one: Supplier) -> str | None:
    rows = one.sent.current[-1:]
    return summary_texts(rows[0]).get("companyName") if rows else None


def _bought(one: Weighed, found: Suppliers) -> BoughtShape:
    bought = one.bought
    return BoughtShape(
        product=bought.product.id,
        product_name=bought.product.name,
        line=bought.line.id,
        name=bought.line.name,
        amount=amount_text(bought.line),
        footprint=None if bought.footprint is None else bought.footprint.footprint_id,
        is_covered=one.is_covered,
        mass_kg=_text(one.mass_kg),
        mass_share=_text(found.share([one])),
        emissions=_text(one.emissions),
    )


def _trend(trend: Trend) -> TrendShape:
    return TrendShape(
        product_name=summary_texts(trend.points[-1].row).get("productNameCompany"),
        unit=trend.unit,
        points=[
            TrendPointShape(
                footprint=point.row.footprint_id,
                status=point.row.status,
                created=summary_texts(point.row).get("created"),
                pcf=shown_text(point.pcf),
            )
            for point in trend.points
        ],
        change=_text(trend.change),
    )


def _mean(ratings: Iterable[Fraction] | None) -> Fraction | None:
    return None if ratings is None else sum(ratings, Fraction()) / 3


@lru_cache(maxsize=16_384)
def _text(value: Fraction | None) -> str | None:
    return None if value is None else shown_text(value)


def _amount(value: Fraction | None) -> str | None:
    """Of money: every digit of it."""
    return None if value is None else shown(value)[0]
