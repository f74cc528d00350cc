"""Received footprints, with what verification said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from underseal_node.errors import NodeError, NotFoundError, RefusedError
from underseal_node.exchange.attested import ask, judged_of
from underseal_node.exchange.receiving import json_limits
from underseal_node.exchange.sealed import fetch_sealed_sum
from underseal_node.exchange.verification import check_statement, trust_in
from underseal_node.manage.attestation_view import judged_shape
from underseal_node.manage.context import (
    RESPONSE,
    Context,
    Limit,
    finding,
    with_footprint,
)
from underseal_node.manage.footprint_view import signature_shape
from underseal_node.manage.product_view import amount_text
from underseal_node.manage.sealed_view import sealed_shape
from underseal_node.manage.shapes.attested import JudgedShape
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.footprints import (
    FindingShape,
    ReceivedDetail,
    ReceivedReceipt,
    ReceivedShape,
    SignatureShape,
    UsageTermsShape,
)
from underseal_node.manage.shapes.sealed import ReceivedSealShape
from underseal_node.manage.shapes.suppliers import UsedInShape, UseShape, UsesShape
from underseal_node.products.bills import defaults_of
from underseal_node.products.bought import is_usable
from underseal_node.products.uses import uses_of
from underseal_node.store import granted, peers, pins, receipts, received
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer
from underseal_protocol import methodology
from underseal_protocol.criteria import fold
from underseal_protocol.disclosure import Block
from underseal_protocol.errors import ProtocolError
from underseal_protocol.receipt import footprints_of
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.usage_terms import GrantedToUs

__all__ = ["router"]

router = APIRouter(prefix="/received")


@router.get("", **RESPONSE)
async def list_received(
    context: Context,
    peer: str | None = None,
    verification: VerificationState | None = None,
    product_id: Annotated[str | None, Query(alias="productId")] = None,
    limit: Limit = 1000,
) -> Listing[ReceivedShape]:
    """Received footprints, newest first."""
    now = context.node.now()

    def work(session: Session) -> list[ReceivedShape]:
        rows = received.listing(
            session,
            peer_name=None if peer is None else peers.by_name(session, peer).name,
            verification=verification,
            product_id=None if product_id is None else fold(product_id),
            limit=limit,
        )
        return [ReceivedShape(**_members(session, row, now)) for row, _ in rows]

    return Listing(data=await context.node.store.read(work))


@router.get("/{footprint_id}", response_model=ReceivedDetail)
async def show_received(context: Context, footprint_id: str, peer: str | None = None) -> Response:
    """One received footprint, as it came."""
    limits, now = json_limits(context.node.settings), context.node.now()

    def work(session: Session) -> tuple[ReceivedDetail, bytes]:
        row = _the_one(session, footprint_id, peer)
        detail = ReceivedDetail(
            **_members(session, row, now),
            footprint={},
            signature=_signature(row),
            successors=received.successors(session, row.peer_id, row.footprint_id),
            status_statement=row.status_statement,
            receipt=_receipt(session, row),
            sealed_sum=sealed_shape(session, row),
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


@router.post("/{footprint_id}/sealed-sum", **RESPONSE)
async def ask_for_sealed_sum(
    context: Context, footprint_id: str, peer: str | None = None
) -> ReceivedSealShape:
    """Fetch the sealed sum of a received footprint, and judge it by whom we know now."""
    store = context.node.store
    row = await store.read(lambda session: _the_one(session, footprint_id, peer))
    access = await context.exchange.access(row.peer_id)
    if access.is_underseal:
        await fetch_sealed_sum(context.exchange, access, row.footprint_id)
    found = await store.read(lambda session: sealed_shape(session, row))
    if found is None:
        raise NotFoundError(
            f"{access.name} shows us no sealed sum of {row.footprint_id}",
            hint="Ask it to grant that, with the level `sealed`.",
        )
    return found


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


def _members(session: Session, row: ReceivedFootprint, now: datetime) -> dict[str, Any]:
    peer = pins.peer_row(session, row.peer_id)  # read once in a session
    return {
        "id": row.footprint_id,
        "peer": peer.name,
        "verification": VerificationState(row.verification),
        "is_usable": is_usable(row, peer),
        "reason": row.reason,
        "status": row.status,
        "status_proven_at": _proven_at(row, peer),
        "withheld": json.loads(row.withheld),
        "attestations": [judged_shape(one) for one in judged_of(session, row, now)],
        "received_at": row.received_at,
        "changed_at": row.changed_at,
        **_shown(json.loads(row.summary)),
        "usage_terms": [_terms(one) for one in granted.terms_of(row)],
    }


def _terms(one: GrantedToUs) -> UsageTermsShape:
    return UsageTermsShape(
        kind=one.kind, value=one.value, terms=one.terms, purpose=one.purpose, until=one.ends
    )


def _shown(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The members for lists; of an invalid footprint they may be of any kind."""
    texts = {
        "product_name_company": "productNameCompany",
        "company_name": "companyName",
        "pcf_excluding_biogenic_uptake": "pcfExcludingBiogenicUptake",
        "declared_unit_amount": "declaredUnitAmount",
        "declared_unit_of_measurement": "declaredUnitOfMeasurement",
    }
    shown: dict[str, Any] = {
        ours: str(summary[theirs]) for ours, theirs in texts.items() if theirs in summary
    }
    ids = summary.get("productIds")
    shown["product_ids"] = [str(one) for one in ids] if isinstance(ids, list) else []
    before = summary.get("precedingPfIds")
    shown["preceding_pf_ids"] = [str(one) for one in before] if isinstance(before, list) else []
    return shown


def _proven_at(row: ReceivedFootprint, peer: Peer) -> datetime | None:
    """When the peer signed that the footprint is deprecated."""
    if row.status_statement is None or row.credential_digest is None:
        return None
    try:
        statement = check_statement(
            row.status_statement, trust_in(peer), row.footprint_id, row.credential_digest
        )
    except (NodeError, ProtocolError):  # signed with keys that are no longer trusted
        return None
    return statement.issued_at
