"""Grants as they are sent to the node, and how one takes the place of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from underseal_node.console.api import Api, ApiRefusedError

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
    api: Api, old: Sequence[Mapping[str, Any]], body: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Take grants away and make another one; if that is refused, they are made again.

    For the moment in between, the partner sees less.

    Args:
        api: the management endpoints.
        old: what is taken away.
        body: of the new grant.

    Raises:
        ApiRefusedError: the new one is refused; says so if the old ones could not be made again.
    """
    for one in old:
        await api.delete(f"/grants/{one['id']}")
    try:
        made: list[dict[str, Any]] = (await api.post("/grants", body))["data"]
    except ApiRefusedError as error:
        lost = [one["id"] for one in old if not await _is_restored(api, one)]
        if not lost:
            raise
        numbers = ", ".join(map(str, lost))
        message = f"{error.message}; and what was taken away could not be made again: {numbers}"
        raise ApiRefusedError(error.status, message, error.hint) from error
    return made


async def _is_restored(api: Api, grant: Mapping[str, Any]) -> bool:
    try:
        await api.post("/grants", body_of(grant))
    except ApiRefusedError:
        return False
    return True
