"""A footprint as a partner sees it: one page, that partners, footprints and products lead to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Answer, segment
from underseal_node.console.downloads import JSON, attached
from underseal_node.console.json_text import laid_out
from underseal_node.console.pages import Visit
from underseal_node.console.products.seen import by_name, compared, differing
from underseal_node.console.properties import Group, figure_of, groups_of
from underseal_node.console.property_names import BLOCKS
from underseal_protocol.disclosure import Block, Level

__all__ = ["level_page", "seen_page"]

Json = Mapping[str, Any]
Crumbs = Sequence[tuple[str, str]]
RAW = {"as": "json", "raw": "1"}
"""By which names in the query the very bytes are asked for."""


async def seen_page(
    visit: Visit, footprint_id: str, peer: str, crumbs: Crumbs, raw: str
) -> Response:
    """What a partner sees of a footprint, to look at or in the very bytes that it gets.

    Args:
        visit: of the operator.
        footprint_id: which footprint.
        peer: its name.
        crumbs: address and text of the pages above, both as they are shown; an empty text stands
            for the name of the product.
        raw: the name in the query that asks for the bytes.
    """
    path = f"/footprints/{segment(footprint_id)}"
    answer = await visit.api.call("GET", f"{path}/seen", {"as": peer})
    if visit.asked(raw) == RAW[raw]:
        return _file(answer)
    found, own = await asyncio.gather(visit.api.get(path, {"as": peer}), visit.api.get(path))
    return _page(visit, answer, found, own, crumbs, raw)


async def level_page(visit: Visit, footprint_id: str, level: str, crumbs: Crumbs) -> Response:
    """What anybody sees of a footprint at a disclosure level; the same, without a partner."""
    path, raw = f"/footprints/{segment(footprint_id)}", "raw"
    answer = await visit.api.call("GET", f"{path}/seen", {"level": level})
    if visit.asked(raw) == RAW[raw]:
        return _file(answer)
    own = await visit.api.get(path)
    withheld = [one for one in Block if one not in Level(level).blocks]
    found = {**own, "footprint": answer.json, "level": level, "withheld": withheld}
    return _page(visit, answer, found, own, crumbs, raw)


def _file(answer: Answer) -> Response:
    return attached(answer.body, f"{answer.json['id']}.json", JSON)


def _page(
    visit: Visit, answer: Answer, found: Json, own: Json, crumbs: Crumbs, raw: str
) -> Response:
    shown = Level(found["level"]).blocks
    return visit.page(
        "footprint_seen.html",
        {
            "crumbs": crumbs,
            "found": found,
            "figure": figure_of(found["footprint"]),
            "groups": groups_of(found["footprint"]),
            "differences": _differences(own["footprint"], found["footprint"]),
            "shown": [BLOCKS[block] for block in Block if block in shown],
            "withheld": [BLOCKS[block] for block in found["withheld"]],
            "text": laid_out(answer.body),
            "bytes_at": {raw: RAW[raw]},
        },
    )


def _differences(own: Json, seen: Json) -> list[Group]:
    """What we state and the reader does not get, or gets otherwise, as we have it."""
    groups = differing(compared(own, [{"values": by_name(seen)}]))
    return [Group(one.label, tuple(row.own for row in one.rows)) for one in groups]
