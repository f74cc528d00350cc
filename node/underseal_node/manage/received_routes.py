"""Received footprints, with what verification said of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator
from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.exchange.attested import ask, judged_of
from underseal_node.exchange.receiving import json_limits
from underseal_node.manage.attestation_view import judged_shape
from underseal_node.manage.context import (
    RESPONSE,
    Context,
    Limit,
    finding,
    with_footprint,
)
from underseal_node.manage.footprint_view import signature_shape
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
from underseal_node.manage.product_view import amount_text
from underseal_node.manage.received_view import received_members, received_shape
from underseal_node.manage.shapes.attested import JudgedShape
from underseal_node.manage.shapes.base import GivenInstant, Listing, Part
from underseal_node.manage.shapes.footprints import (
    FindingShape,
    ReceivedDetail,
    ReceivedReceipt,
    ReceivedShape,
    SignatureShape,
)
from underseal_node.manage.shapes.suppliers import UsedInShape, UseShape, UsesShape
from underseal_node.products.bills import defaults_of
from underseal_node.products.bought import in_use_now
from underseal_node.products.uses import uses_of
from underseal_node.store import peers, pins, receipts, received, received_lists
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.received_lists import ReceivedWanted
from underseal_protocol import methodology
from underseal_protocol.criteria import STATUS_BY_FOLDED, fold
from underseal_protocol.disclosure import Block
from underseal_protocol.errors import ProtocolError
from underseal_protocol.receipt import footprints_of
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["router"]

ReceivedSort = Annotated[
    str | None, AfterValidator(sorts_of(received_lists.ORDER.columns)), Query()
]

router = APIRouter(prefix="/received")


def _wanted(
    context: Context,
    peer: str | None = None,
    verification: VerificationState | None = None,
    status: str | None = None,
    usable: bool | None = None,
    footprint_id: Annotated[str | None, Query(alias="id")] = None,
    in_use: Annotated[bool, Query(alias="inUse")] = False,
    product_id: Annotated[str | None, Query(alias="productId")] = None,
    ends_before: Annotated[GivenInstant | None, Query(alias="validUntilBefore")] = None,
    search: Search = [],  # noqa: B006 - never changed
) -> Callable[[Session], ReceivedWanted]:
    """What is wanted; which peer that is, and what is in use, says the database."""
    node = context.node

    def wanted(session: Session) -> ReceivedWanted:
        return ReceivedWanted(
            peer_id=None if peer is None else peers.by_name(session, peer).id,
            verification=verification,
            status=None if status is None else STATUS_BY_FOLDED.get(fold(status), status),
            is_usable=usable,
            numbers=in_use_now(session, node.now(), defaults_of(node.identity)) if in_use else None,
            footprint_id=None if footprint_id is None else footprint_id.lower(),
            product_id=product_id,
            ends_before=ends_before,
            words=words_of(search),
        )

    return wanted


Wanted = Annotated[Callable[[Session], ReceivedWanted], Depends(_wanted)]


@router.get("", response_model=Part[ReceivedShape])
async def list_received(
    context: Context,
    wanted: Wanted,
    sort: ReceivedSort = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    count: Count = False,
) -> Response:
    """Received footprints, newest first if nothing else is asked for."""
    now, part = context.node.now(), part_of(sort, limit, offset, is_counted=count)

    def work(session: Session) -> Part[ReceivedShape]:
        numbers, total = received_lists.find(session, wanted(session), part)
        found = received.in_order(session, numbers)
        return Part(data=[received_shape(session, *one, now) for one in found], total=total)

    return answered(await context.node.store.read(work))


@router.get("/export")
async def export_received(context: Context, wanted: Wanted, sort: ReceivedSort = None) -> Response:
    """All received footprints that are asked for, as lines of JSON."""
    now = context.node.now()

    def shapes(session: Session, numbers: Iterable[int]) -> Iterator[ReceivedShape]:
        found = received.in_order(session, numbers)
        return (received_shape(session, *one, now) for one in found)

    numbers, _ = await context.node.store.read(
        lambda session: received_lists.find(session, wanted(session), part_of(sort, None))
    )
    return streamed(context.node, numbers, shapes)


@router.get("/{footprint_id}", response_model=ReceivedDetail)
async def show_received(context: Context, footprint_id: str, peer: str | None = None) -> Response:
    """One received footprint, as it came."""
    limits, now = json_limits(context.node.settings), context.node.now()

    def work(session: Session) -> tuple[ReceivedDetail, bytes]:
        row = _the_one(session, footprint_id, peer)
        detail = ReceivedDetail(
            **received_members(session, row, pins.peer_row(session, row.peer_id), now),
            footprint={},
            signature=_signature(row),
            successors=received.successors(session, row.peer_id, row.footprint_id),
            status_statement=row.status_statement,
            receipt=_receipt(session, row),
            findings=_findings(row, limits, now.date()),
        )
        return detail, row.body

    return with_footprint(*await context.node.store.read(work))


@router.post("/{footprint_id}/attestations", **RESPONSE)
async def ask_for_attestations(
    context: Context, footprint_id: str, peer: str | None = None
) -> Listing[JudgedShape]:
    """Ask the peer for what verifiers attest beside a received footprint; all that is held now."""
    store, now = context.node.store, context.node.now()
    row = await store.read(lambda session: _the_one(session, footprint_id, peer))
    access = await context.exchange.access(row.peer_id)
    if access.is_underseal:
        await ask(context.exchange, access, [row.footprint_id])

    def work(session: Session) -> list[JudgedShape]:
        again = _the_one(session, footprint_id, peer)
        found = judged_of(session, again, now)
        return [judged_shape(one) for one in found]

    return Listing(data=await store.read(work))


@router.get("/{footprint_id}/uses", **RESPONSE)
async def uses(context: Context, footprint_id: str, peer: str | None = None) -> UsesShape:
    """What a received footprint is used in."""
    node = context.node

    def work(session: Session) -> UsesShape:
        row = _the_one(session, footprint_id, peer)
        found = uses_of(session, node.now(), defaults_of(node.identity), row)
        return UsesShape(
            lines=[
                UseShape(
                    product=one.product.id,
                    product_name=one.product.name,
                    line=one.line.id,
                    name=one.line.name,
                    amount=amount_text(one.line),
                )
                for one in found.lines
            ],
            footprints=[
                UsedInShape(
                    footprint=one.footprint_id,
                    product=one.product_id,
                    status=status,
                    calculated_at=one.calculated_at,
                )
                for one, status in found.calculated
            ],
        )

    return await node.store.read(work)


def _the_one(session: Session, footprint_id: str, peer: str | None) -> ReceivedFootprint:
    """What was received under an id.

    Raises:
        NotFoundError: nothing, or not from this peer.
        RefusedError: several peers sent it, and none is named.
    """
    rows = received.listing(
        session,
        peer_name=None if peer is None else peers.by_name(session, peer).name,
        footprint_id=footprint_id.lower(),
    )
    if not rows:
        whom = "" if peer is None else f" from {peer}"
        raise NotFoundError(
            f"no footprint {footprint_id} was received{whom}",
            hint="`underseal received list` shows them all.",
        )
    if len(rows) > 1:
        names = ", ".join(sorted(name for _, name in rows))
        raise RefusedError(
            f"several peers sent a footprint {footprint_id}: {names}",
            hint="Say which with --peer.",
        )
    return rows[0][0]


def _receipt(session: Session, row: ReceivedFootprint) -> ReceivedReceipt | None:
    held = receipts.of_footprint(session, row.receipt_id)
    if held is None or held.token is None or held.done_at is None:
        return None
    levels = {one.footprint_id: one.level for one in footprints_of(held.token)}
    return ReceivedReceipt(
        id=held.id,
        received_at=held.done_at,
        is_confirmed=row.footprint_id in levels,
        level=levels.get(row.footprint_id),
        token=held.token,
    )


def _signature(row: ReceivedFootprint) -> SignatureShape | None:
    """As it was verified when it came; of what is not verified, nobody has signed anything."""
    if row.credential_digest is None or row.verification != VerificationState.VERIFIED:
        return None
    return signature_shape(row.body, row.credential_digest)


def _findings(row: ReceivedFootprint, limits: JsonLimits, today: date) -> list[FindingShape]:
    withheld = [Block(one) for one in json.loads(row.withheld)]
    try:
        found = methodology.check(loads(row.body, limits=limits), today=today, withheld=withheld)
    except ProtocolError:  # the reason why it is invalid says it
        return []
    return [finding(one) for one in found]
