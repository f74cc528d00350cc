"""How suppliers stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.errors import NotFoundError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.lists import answered
from underseal_node.manage.product_view import amount_text
from underseal_node.manage.shapes.suppliers import (
    BoughtShape,
    NamedSupplierShape,
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
from underseal_node.store.tables import PeerState
from underseal_protocol.rollup.numbers import shown_text

__all__ = ["router"]

router = APIRouter(prefix="/suppliers")


@router.get("", response_model=SuppliersShape)
async def list_suppliers(context: Context) -> Response:
    """All suppliers, by name."""
    found = await context.node.store.read(lambda session: _found(session, context))
    shape = SuppliersShape(
        data=[SupplierShape(**_members(one)) for one in found.found],
        others=[
            NamedSupplierShape(name=name, lines=len(lines), mass_share=_text(found.share(lines)))
            for name, lines in sorted(found.others.items())
        ],
        **_counts(found.lines),
        products=found.products,
        coverage=_text(found.coverage),
    )
    return answered(shape)


@router.get("/{name}", **RESPONSE)
async def show_supplier(context: Context, name: str) -> SupplierDetail:
    """One supplier, with what is bought from it and how its footprints have changed."""

    def work(session: Session) -> SupplierDetail:
        peer = peers.by_name(session, name)
        found = _found(session, context)
        one = next((one for one in found.found if one.peer.id == peer.id), None)
        if one is None:
            raise NotFoundError(
                f"{peer.name} is no supplier: nothing was received from it, and no line names it",
                hint=f"`underseal pull {peer.name}` gets what it has granted.",
            )
        return SupplierDetail(
            **_members(one),
            bought=[_bought(line, found) for line in one.lines],
            trends=[_trend(trend) for trend in one.trends],
        )

    return await context.node.store.read(work)


def _found(session: Session, context: Context) -> Suppliers:
    node = context.node
    return suppliers_of(session, node.now(), defaults_of(node.identity))


def _members(one: Supplier) -> dict[str, Any]:
    peer, averages, states = one.peer, one.averages, [row.verification for row in one.sent.current]
    ratings = averages.ratings or (None, None, None)
    return {
        "name": peer.name,
        "company_name": peer.company_name or _newest_name(one),
        "state": PeerState(peer.state),
        **_counts(one.lines),
        "mass_share": _text(one.mass_share),
        "coverage": _text(one.coverage),
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
