"""What lines may resolve to, as a text that people type or choose from a list.

The same texts as those of `underseal match --to`: `factor:ID`, `footprint:ID`, `product:ID`,
`left-out:REASON`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit

__all__ = ["choices", "source_of"]

UNPROCESSABLE = 422
KINDS = ("footprint", "factor", "product")
LEFT_OUT = "left-out"
MOST = 500  # of each kind; others can be typed
ACTIVE = "Active"


def source_of(text: str) -> dict[str, Any]:
    """The source that a text names.

    Raises:
        ApiRefusedError: it names none.
    """
    kind, _, value = text.partition(":")
    if kind == LEFT_OUT and value.strip():
        return {"leftOut": {"reason": value.strip()}}
    if kind in KINDS and value.strip():
        return {kind: value}
    raise ApiRefusedError(
        UNPROCESSABLE,
        f"'{text}' names no source",
        "Choose one from the list, or type factor:ID, footprint:ID, product:ID or left-out:REASON.",
    )


async def choices(visit: Visit) -> list[tuple[str, str]]:
    """Factors, received footprints and products: text and label of each."""
    factors, received, products = await asyncio.gather(
        visit.api.get("/factors"),
        visit.api.get("/received", {"limit": MOST}),
        visit.api.get("/products"),
    )
    found = [
        (f"factor:{one['id']}", f"{one['name']} ({one['database']}), {one['unit']}")
        for one in factors["data"][:MOST]
    ]
    found += [
        (f"footprint:{one['id']}", f"{one.get('productNameCompany', '')}, {one['peer']}")
        for one in received["data"]
        if one["isUsable"] and one["status"] == ACTIVE
    ]
    found += [(f"product:{one['id']}", one["name"]) for one in products["data"][:MOST]]
    return found
