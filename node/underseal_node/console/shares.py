"""A page about one own footprint, to be printed and given away: what it states, who has signed it,
what a signature proves, and how to check it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from underseal_node.console.pages import Visit
from underseal_node.console.properties import figure_of, groups_of, seen_at
from underseal_node.console.property_names import BLOCKS
from underseal_node.console.qr import picture_of
from underseal_node.console.words import LEVELS
from underseal_protocol.disclosure import Level

__all__ = ["PAGES", "reference_to"]

KEY_LOG_PATH = "/.well-known/underseal-key-log"
DEFAULT_LEVEL = Level.QUALITY


async def _share(visit: Visit) -> Response:
    found = await visit.api.get(f"/footprints/{visit.part('id')}")
    node = await visit.api.get("/node")
    wanted = visit.asked("level")
    level = Level(wanted) if wanted in LEVELS else DEFAULT_LEVEL
    shown = seen_at(found["footprint"], level)
    signature = found["signature"]
    reference = reference_to(node["url"], found["id"], signature)
    return visit.page(
        "footprint_share.html",
        {
            "found": found,
            "node": node,
            "signature": signature,
            "level": level,
            "levels": LEVELS,
            "shown_blocks": [BLOCKS[one] for one in level.blocks],
            "withheld": [text for one, text in BLOCKS.items() if one not in level.blocks],
            "figure": figure_of(shown),
            "groups": groups_of(shown),
            "reference": reference,
            "picture": picture_of(reference),
            "key_log": f"{node['url']}{KEY_LOG_PATH}",
            "is_valid": _is_valid(found, visit.now),
            "now": visit.now.isoformat(),
        },
    )


def reference_to(url: str, footprint_id: str, signature: Mapping[str, Any]) -> str:
    """What the QR code of a footprint holds.

    The address of the key log of the node: what `underseal verify` checks with, and public. Behind
    it, in a fragment that browsers send to nobody, which footprint and which credential are meant.
    The credential itself is too long for a code that can be printed.

    Args:
        url: of the node.
        footprint_id: of the footprint.
        signature: with the digest of its credential and the name of the key.
    """
    return (
        f"{url}{KEY_LOG_PATH}#footprint={footprint_id}"
        f"&credential={signature['digest']}&key={signature['kid']}"
    )


def _is_valid(found: Mapping[str, Any], now: datetime) -> bool:
    begin, end = (datetime.fromisoformat(found[name]) for name in ("validFrom", "validUntil"))
    return begin <= now <= end


PAGES = {"/footprints/{id}/share": _share}
