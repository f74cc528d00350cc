"""Opening, for an auditor, what own footprints were calculated from."""

from __future__ import annotations

from fastapi import APIRouter

from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.openings import LineShape, OpenedShape, OpenInput
from underseal_node.publishing import opening

__all__ = ["router"]

router = APIRouter(prefix="/footprints/{footprint_id}")


@router.get("/lines", **RESPONSE)
async def list_lines(context: Context, footprint_id: str) -> Listing[LineShape]:
    """What can be opened of a footprint."""
    lines = await opening.lines_of(context.node, footprint_id)
    return Listing(
        data=[
            LineShape(
                id=one["id"],
                kind=one["kind"],
                content={name: one[name] for name in one if name not in ("id", "kind")},
            )
            for one in lines
        ]
    )


@router.post("/opening", **RESPONSE)
async def open_lines(context: Context, footprint_id: str, given: OpenInput) -> OpenedShape:
    """Open lines of a footprint for an auditor."""
    if given.everything == (given.lines is not None):
        raise RefusedError("either the lines are named, or everything is opened")
    done = await opening.open_lines(context.node, footprint_id, given.lines, given.verifier)
    return OpenedShape(
        footprint_id=done.footprint_id,
        verifier=done.verifier,
        root=done.root,
        lines=list(done.lines),
        is_whole=done.is_whole,
        sealed_quantities=done.quantities,
        opening=done.document,
    )
