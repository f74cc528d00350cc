"""Pulls: started here, done in the background, looked after by their id."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.pull_jobs import PullJob
from underseal_node.manage.context import RESPONSE, Context, criteria_of
from underseal_node.manage.shapes.exchange import PullInput, PullProgressShape, PullShape
from underseal_node.store import peers
from underseal_node.store.tables import Peer, PeerState

__all__ = ["router"]

router = APIRouter(prefix="/pulls")


@router.post("", status_code=202, **RESPONSE)
async def start(context: Context, given: PullInput) -> PullShape:
    """Pull from peers."""
    if given.everything == bool(given.peers):
        raise RefusedError(
            "a pull is from named peers or from all of them",
            hint="Give names, or --all.",
        )
    criteria = criteria_of(given.criteria)

    def chosen(session: Session) -> list[Peer]:
        if given.everything:
            return [peer for peer in peers.listing(session) if _can_be_pulled(peer)]
        named = [peers.by_name(session, name) for name in given.peers]
        for peer in named:
            peers.require_not_removed(peer)
        return list({peer.name: peer for peer in named}.values())

    found = await context.node.store.read(chosen)
    if not found:
        raise RefusedError(
            "there is no peer that can be pulled from",
            hint="It needs a URL and credentials: `underseal peer set`.",
        )
    return _shape(context.pulls.start([(peer.id or 0, peer.name) for peer in found], criteria))


@router.get("/{job_id}", **RESPONSE)
async def progress(context: Context, job_id: str) -> PullShape:
    """How far a pull has come."""
    return _shape(context.pulls.get(job_id))


def _can_be_pulled(peer: Peer) -> bool:
    return (
        peer.state == PeerState.ACTIVE and peer.base_url is not None and peers.has_credentials(peer)
    )


def _shape(job: PullJob) -> PullShape:
    return PullShape(
        id=job.id,
        state=job.state,
        data=[PullProgressShape(**asdict(one)) for one in job.progress],
    )
