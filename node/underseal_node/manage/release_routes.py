"""What the release gate takes peers to know, and the ledger of what was released."""

from __future__ import annotations

import json
from dataclasses import replace

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.releases import (
    DeclarationInput,
    DeclarationShape,
    ReleaseShape,
)
from underseal_node.products.declared import declare as declare_peer
from underseal_node.store import audit, peers, releases
from underseal_node.store.audit import Act
from underseal_node.store.tables import Peer
from underseal_protocol.disclosure import Level
from underseal_protocol.release.knowledge import NOTHING, Knowledge

__all__ = ["router"]

router = APIRouter()


@router.get("/peers/{name}/declaration", **RESPONSE)
async def declaration(context: Context, name: str) -> DeclarationShape:
    """What the release gate takes a peer to know."""

    def work(session: Session) -> DeclarationShape:
        return _shape(session, peers.by_name(session, name))

    return await context.node.store.read(work)


@router.post("/peers/{name}/declaration", **RESPONSE)
async def declare(context: Context, name: str, given: DeclarationInput) -> DeclarationShape:
    """Declare what a peer knows; it takes the place of what was declared before."""
    node = context.node

    def work(session: Session) -> DeclarationShape:
        peer = peers.by_name(session, name)
        known = replace(
            NOTHING,
            components=frozenset(given.components),
            quantities=frozenset(given.quantities),
            footprints=frozenset(given.footprints),
        )
        declare_peer(session, peer, given.group, known)
        audit.record(session, Act.PEER_DECLARED, node.now(), peer_id=peer.id)
        return _shape(session, peer)

    return await node.store.write(work)


@router.get("/releases", **RESPONSE)
async def ledger(context: Context, peer: str | None = None) -> Listing[ReleaseShape]:
    """What was released to whom: everything that the gate goes by."""

    def work(session: Session) -> list[ReleaseShape]:
        wanted = None if peer is None else peers.by_name(session, peer).name
        return [
            ReleaseShape(
                peer=name,
                footprint=row.footprint_id,
                level=Level.of_rank(row.level),
                released_at=row.released_at,
                reason=row.reason,
                consent=row.consent,
            )
            for row, name in releases.ledger(session)
            if wanted in (None, name)
        ]

    return Listing(data=await context.node.store.read(work))


def _shape(session: Session, peer: Peer) -> DeclarationShape:
    row = releases.declaration(session, peer.id or 0)
    known = NOTHING if row is None else Knowledge.from_json(json.loads(row.knowledge))
    return DeclarationShape(
        peer=peer.name,
        group=None if row is None else row.legal_group,
        components=sorted(known.components),
        quantities=sorted(known.quantities),
        footprints=sorted(known.footprints),
    )
