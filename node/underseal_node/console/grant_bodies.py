"""Grants as they are sent to the node, and how one takes the place of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from underseal_node.console.api import Api

__all__ = ["NAMED", "body_of", "replaced"]

NAMED = {
    "product": "productIds",
    "classification": "classifications",
    "footprint": "footprintIds",
}
"""By kind: the member that names what is granted."""

KEPT = ("starts", "ends", "terms", "purpose")


def body_of(grant: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """What makes a grant like another one.

    Args:
        grant: with `peer`, `kind`, `value`, `level`, and what else it says.
        changes: of its members.
    """
    kind = grant["kind"]
    what = {"everything": True} if kind == "all" else {NAMED[kind]: [grant["value"]]}
    kept = {name: grant[name] for name in KEPT if grant.get(name)}
    return {"peer": grant["peer"], "level": grant["level"], **what, **kept, **changes}


async def replaced(
    api: Api, old: Sequence[Mapping[str, Any]], body: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Put a grant in the place of others, in one step; what was made.

    Args:
        api: the management endpoints.
        old: what goes.
        body: of the new grant, if one comes.

    Raises:
        ApiRefusedError: it is refused; then everything is as it was.
    """
    numbers = [one["id"] for one in old]
    answer = await api.post("/grants/replace", {"replaced": numbers, "grant": body})
    made: list[dict[str, Any]] = answer["data"]
    return made
