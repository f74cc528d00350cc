"""What the operator has to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.manage.context import Context, Limit
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
from underseal_node.manage.shapes.base import Part
from underseal_node.manage.shapes.node import AlertShape
from underseal_node.store import exchange_lists, peers
from underseal_node.store.alerts import AlertKind
from underseal_node.store.exchange_lists import AlertWanted

__all__ = ["router"]

AlertSort = Annotated[
    str | None, AfterValidator(sorts_of(exchange_lists.ALERT_ORDER.columns)), Query()
]

router = APIRouter(prefix="/alerts")


def _wanted(
    kind: AlertKind | None = None,
    peer: str | None = None,
    search: Search = [],  # noqa: B006 - never changed
) -> Callable[[Session], AlertWanted]:
    """What is wanted; how the peer is written says the database."""

    def wanted(session: Session) -> AlertWanted:
        name = None if peer is None else peers.by_name(session, peer).name
        return AlertWanted(kind, name, words_of(search))

    return wanted


Wanted = Annotated[Callable[[Session], AlertWanted], Depends(_wanted)]


@router.get("", response_model=Part[AlertShape])
async def list_alerts(
    context: Context,
    wanted: Wanted,
    sort: AlertSort = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    count: Count = False,
) -> Response:
    """What the operator has to look at, newest first if nothing else is asked for."""
    part = part_of(sort, limit, offset, is_counted=count)

    def work(session: Session) -> Part[AlertShape]:
        numbers, total = exchange_lists.find_alerts(session, wanted(session), part)
        return Part(data=_alerts(session, numbers), total=total)

    return answered(await context.node.store.read(work))


@router.get("/export")
async def export_alerts(context: Context, wanted: Wanted, sort: AlertSort = None) -> Response:
    """All alerts that are asked for, as lines of JSON."""
    numbers, _ = await context.node.store.read(
        lambda session: exchange_lists.find_alerts(session, wanted(session), part_of(sort, None))
    )
    return streamed(context.node, numbers, _alerts)


def _alerts(session: Session, numbers: Sequence[int]) -> list[AlertShape]:
    return [
        AlertShape(
            id=alert.id or 0,
            kind=AlertKind(alert.kind),
            created_at=alert.created_at,
            message=alert.message,
            peer=peer,
            footprint_id=alert.footprint_id,
        )
        for alert, peer in exchange_lists.alerts_in_order(session, numbers)
    ]
