"""What the release gate takes peers to know, and the ledger of what was released."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.releases import (
    DeclarationInput,
    DeclarationShape,
    PriorShape,
    ReleaseShape,
)
from underseal_node.products.declared import declare as declare_peer
from underseal_node.store import audit, peers, releases
from underseal_node.store.audit import Act
from underseal_node.store.tables import Peer
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.knowledge import NOTHING, Knowledge, Prior
from underseal_protocol.rollup.numbers import exact, shown_text
from underseal_protocol.rollup.properties import CONTENTS, EXCLUDING, GROSS

__all__ = ["router"]

PROTECTABLE = (EXCLUDING, *GROSS, *CONTENTS)  # figures of sources that the gate calculates with

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
            priors=_priors(given.priors),
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


def _priors(given: Sequence[PriorShape]) -> dict[str, dict[str, Prior]]:
    """By source and figure.

    Raises:
        ReleaseError: there are two of one figure of a source, there is no such figure, or the lower
            end is above the higher one.
    """
    found: dict[str, dict[str, Prior]] = {}
    for one in given:
        if one.figure not in PROTECTABLE:
            raise ReleaseError(
                f"{one.figure!r} is no figure that adds up",
                hint=f"Known: {', '.join(PROTECTABLE)}.",
            )
        figures = found.setdefault(one.source, {})
        if one.figure in figures:
            raise ReleaseError(
                f"two priors of {one.figure} of {one.source} are declared",
                hint="Declare the range that is in both.",
            )
        figures[one.figure] = Prior(
            Decimal(one.low), None if one.high is None else Decimal(one.high)
        )
    return found


def _shape(session: Session, peer: Peer) -> DeclarationShape:
    row = releases.declaration(session, peer.id or 0)
    known = NOTHING if row is None else Knowledge.from_json(json.loads(row.knowledge))
    return DeclarationShape(
        peer=peer.name,
        group=None if row is None else row.legal_group,
        components=sorted(known.components),
        quantities=sorted(known.quantities),
        footprints=sorted(known.footprints),
        priors=[
            PriorShape(
                source=source,
                figure=figure,
                low=shown_text(exact(one.low)),
                high=None if one.high is None else shown_text(exact(one.high)),
            )
            for source, figures in sorted(known.priors.items())
            for figure, one in sorted(figures.items())
        ],
    )
