"""Acknowledgements and receipts, those that partners have signed and our own, one by one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import Session

from underseal_node.errors import NotFoundError
from underseal_node.manage.context import RESPONSE, Context, Limit
from underseal_node.manage.shapes.audit import (
    ReceiptCheckInput,
    ReceiptCheckShape,
    ReceiptDetail,
    ReceiptFootprintShape,
    ReceiptShape,
)
from underseal_node.manage.shapes.base import Listing
from underseal_node.store import peers, receipts
from underseal_node.store.audit_tables import Receipt, ReceiptRole, ReceiptState
from underseal_node.store.tables import Peer
from underseal_node.trust import statements

__all__ = ["router"]

router = APIRouter(prefix="/receipts")


@router.get("", **RESPONSE)
async def listing(
    context: Context,
    peer: str | None = None,
    role: Annotated[ReceiptRole | None, Query(description="who has signed the receipt")] = None,
    state: ReceiptState | None = None,
    limit: Limit = 1_000,
) -> Listing[ReceiptShape]:
    """What there is, newest first; nothing is verified here."""

    def work(session: Session) -> list[ReceiptShape]:
        of = None if peer is None else peers.by_name(session, peer)
        rows = receipts.newest(
            session, None if of is None else of.id, role=role, state=state, limit=limit
        )
        return [_shape(row, name) for row, name in rows]

    return Listing(data=await context.node.store.read(work))


@router.post("/check", **RESPONSE)
async def check(context: Context, body: ReceiptCheckInput) -> Listing[ReceiptCheckShape]:
    """Whether some of them verify now. Changes nothing."""

    def work() -> list[statements.Checked]:
        return context.node.store.read_sync(
            lambda session: statements.check(session, receipts.by_ids(session, body.ids))
        )

    return Listing(
        data=[
            ReceiptCheckShape(id=one.receipt_id, holds=one.holds, problem=one.problem)
            for one in await asyncio.to_thread(work)
        ]
    )


@router.get("/{receipt_id}", **RESPONSE)
async def show(context: Context, receipt_id: str) -> ReceiptDetail:
    """One of them, with what it says."""

    def work(session: Session) -> ReceiptDetail:
        found = receipts.by_ids(session, [receipt_id])
        if not found:
            raise NotFoundError(
                f"there is no receipt {receipt_id!r}",
                hint="`underseal audit receipts FILE` writes all that peers have signed.",
            )
        row, peer = found[0]
        return _detail(row, peer, statements.said(session, row, peer))

    return await context.node.store.read(work)


def _shape(row: Receipt, peer: str) -> ReceiptShape:
    return ReceiptShape(**_members(row, peer))


def _members(row: Receipt, peer: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": ReceiptRole(row.role),
        "state": ReceiptState(row.state),
        "peer": peer,
        "has_receipt": row.token is not None,
        "number": row.number,
        "head_size": row.head_size,
        "reason": row.reason,
        "created_at": row.created_at,
        "done_at": row.done_at,
    }


def _detail(row: Receipt, peer: Peer, said: statements.Said) -> ReceiptDetail:
    return ReceiptDetail(
        **_members(row, peer.name),
        holds=said.checked.holds,
        problem=said.checked.problem,
        acknowledged_at=said.acknowledged_at,
        issued_at=said.issued_at,
        kid=said.kid,
        footprints=[
            ReceiptFootprintShape(id=one.footprint_id, level=one.level) for one in said.footprints
        ],
        acknowledgement=row.acknowledgement,
        receipt=row.token,
    )
