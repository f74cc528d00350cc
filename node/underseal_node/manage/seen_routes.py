"""What a peer sees, for the operator: by the very queries that serve the peer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.manage.context import JSON, RESPONSE, Context
from underseal_node.manage.sealed_view import sealed_for
from underseal_node.manage.shapes.base import GivenInstant
from underseal_node.manage.shapes.footprints import PreviewShape, SeenShape
from underseal_node.manage.shapes.seals import SealShows
from underseal_node.store import footprints, peers
from underseal_node.store.served import PageQuery, Seen
from underseal_node.store.tables import Peer, PeerState
from underseal_node.store.viewing import Viewing
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.segments import render
from underseal_protocol.strict_json import loads

__all__ = ["note_on", "router", "seen_by", "withheld_at"]

MAX_POSITION = 2**62

router = APIRouter()

PeerName = Annotated[str, Query(alias="peer")]


@router.get("/grants/preview", **RESPONSE)
async def preview(
    context: Context,
    peer: PeerName,
    at: GivenInstant | None = None,
    after: Annotated[int, Query(ge=0, le=MAX_POSITION)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
    product_id: Annotated[list[str] | None, Query(alias="productId")] = None,
) -> PreviewShape:
    """What a peer sees now, or at another moment."""
    criteria = Criteria.from_query([("productId", one) for one in product_id or ()])
    node = context.node
    known = await node.store.read(lambda session: peers.by_name(session, peer))
    peer_id, moment = known.id or 0, at or node.now()
    viewing = Viewing(node.store.read_engine)
    levels = await viewing.count_seen_by(peer_id, moment)
    view = await viewing.seen_by(peer_id, PageQuery(criteria, after, limit), moment)
    sealed = await node.store.read(lambda session: sealed_for(session, peer_id, moment))
    return PreviewShape(
        peer=known.name,
        at=moment,
        note=note_on(known),
        total=sum(levels.values()),
        levels=levels,
        data=[_shape(one, sealed) for one in view.seen],
        next=view.next_seq,
    )


@router.get("/footprints/{footprint_id}/seen")
async def seen(
    context: Context,
    footprint_id: str,
    seen_as: Annotated[str | None, Query(alias="as")] = None,
    level: Level | None = None,
) -> Response:
    """One own footprint in the very bytes that a peer gets, or would get at a level."""
    if (seen_as is None) == (level is None):
        raise RefusedError("a footprint is seen by a peer, or at a level", hint="Give one of both.")
    if seen_as is not None:
        _, found = await seen_by(context, seen_as, footprint_id.lower())
        return Response(found.body, media_type=JSON)
    row = await context.node.store.read(lambda session: footprints.row(session, footprint_id))
    return Response(render(row.segments, level or Level.TOTAL, row.status), media_type=JSON)


async def seen_by(context: Context, peer_name: str, footprint_id: str) -> tuple[Peer, Seen]:
    """One own footprint as a peer sees it at this moment.

    Args:
        peer_name: of the peer.
        footprint_id: in lower case.

    Raises:
        NotFoundError: there is no such peer, or it does not see such a footprint.
    """
    node = context.node
    peer = await node.store.read(lambda session: peers.by_name(session, peer_name))
    viewing = Viewing(node.store.read_engine)
    try:
        return peer, await viewing.footprint_seen_by(peer.id or 0, footprint_id, node.now())
    except NotFoundError:
        raise NotFoundError(
            f"{peer.name} sees no footprint {footprint_id}: for this peer it does not exist",
            hint=f"`underseal grant preview {peer.name}` lists what it sees, `underseal grant add` "
            "shows it more.",
        ) from None


def note_on(peer: Peer) -> str | None:
    """Why a peer sees nothing at present, whatever it is granted; `None` if it may call."""
    if peer.state == PeerState.ACTIVE:
        return None
    return (
        f"{peer.name} is {peer.state}, so it sees nothing at present; this is what it would see if "
        "it were active"
    )


def withheld_at(level: Level) -> list[str]:
    """The blocks that a level does not show."""
    return [block for block in Block if block not in level.blocks]


def _shape(found: Seen, sealed: Mapping[str, SealShows]) -> SeenShape:
    document: dict[str, Any] = loads(found.body)
    pcf = document["pcf"]
    return SeenShape(
        id=document["id"],
        status=document["status"],
        product_name_company=document["productNameCompany"],
        product_ids=document["productIds"],
        pcf_excluding_biogenic_uptake=pcf["pcfExcludingBiogenicUptake"],
        declared_unit_amount=pcf["declaredUnitAmount"],
        declared_unit_of_measurement=pcf["declaredUnitOfMeasurement"],
        level=found.level,
        withheld=withheld_at(found.level),
        sealed_sum=sealed.get(document["id"]),
    )
