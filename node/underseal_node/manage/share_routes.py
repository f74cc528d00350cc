"""Pages about own footprints that are given away on paper or as a file."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.releases import ShareInput, ShareShape, VerdictShape
from underseal_node.products.paper import Page, judge_page, record_page
from underseal_protocol.disclosure import Level
from underseal_protocol.release.verdict import Acknowledgement, Verdict

__all__ = ["router"]

router = APIRouter(prefix="/footprints/{footprint_id}/share")


@router.get("", **RESPONSE)
async def judge(
    context: Context, footprint_id: str, level: Level, peer: str | None = None
) -> ShareShape:
    """What the release gate says to a page about a footprint."""
    page, node = Page(footprint_id, level, peer), context.node
    return _shape(page, await node.store.read(lambda session: judge_page(session, node, page)))


@router.post("", **RESPONSE)
async def share(context: Context, footprint_id: str, given: ShareInput) -> ShareShape:
    """Let such a page go, and write that down."""
    said = None
    if given.acknowledge is not None:
        said = Acknowledgement(given.acknowledge, given.consent or "")
    page, node = Page(footprint_id, given.level, given.peer, given.reader), context.node

    def work(session: Session) -> Verdict | None:
        return record_page(session, node, page, said)

    return _shape(page, await node.store.write(work))


def _shape(page: Page, verdict: Verdict | None) -> ShareShape:
    return ShareShape(
        level=page.level,
        peer=page.peer,
        gate=None if verdict is None else VerdictShape.model_validate(verdict.to_json()),
    )
