"""What changes of grants come to: which footprints a partner sees more or less of.

The node says so, by the rule that it serves by. A test compares what is told with what is served
afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from underseal_node.console.api import Api
from underseal_node.console.grant_bodies import body_of
from underseal_node.console.own_products import OwnProduct
from underseal_node.console.words import LEVELS

__all__ = [
    "NONE",
    "Effect",
    "Plan",
    "direct_grants",
    "direct_level",
    "effects_of",
    "plan_of",
]

NONE = "none"
AT_A_TIME = 5_000  # footprints that the node is asked about
KEPT = ("value", "starts", "ends", "terms", "purpose", "state")


@dataclass(frozen=True)
class Effect:
    """What a partner sees of a footprint, before and after.

    Attributes:
        id: of the footprint.
        name: of its product.
        before: a level, or `none`.
        after: a level, or `none`.
    """

    id: str
    name: str
    before: str
    after: str

    @property
    def direction(self) -> str:
        """`more`, `less` or `same`."""
        before, after = _rank(self.before), _rank(self.after)
        return "same" if before == after else "more" if after > before else "less"


@dataclass(frozen=True)
class Plan:
    """How one cell of the matrix is changed.

    Attributes:
        partner: its name.
        product: which.
        was: the level of its own grants before, or `none`.
        level: after it, or `none`.
        removed: grants that go.
        added: the grant that comes, if one does; with `peer`, `kind`, `value`, `level`, `state`.
        effects: on active footprints of the product, when all changes are made.
    """

    partner: str
    product: OwnProduct
    was: str
    level: str
    removed: Sequence[Mapping[str, Any]]
    added: Mapping[str, Any] | None
    effects: list[Effect] = field(default_factory=list)


def direct_grants(
    grants: Iterable[Mapping[str, Any]], product: OwnProduct
) -> list[Mapping[str, Any]]:
    """The grants of just this product that have not ended, the highest level first."""
    found = [
        one
        for one in grants
        if one["kind"] == "product"
        and one["value"].casefold() in product.keys
        and one["state"] != "ended"
    ]
    return sorted(found, key=lambda one: -_rank(one["level"]))


def direct_level(grants: Iterable[Mapping[str, Any]], product: OwnProduct) -> str:
    """The highest level of the grants of just this product, or `none`."""
    return next((str(one["level"]) for one in direct_grants(grants, product)), NONE)


def plan_of(
    grants: Sequence[Mapping[str, Any]], partner: str, product: OwnProduct, level: str
) -> Plan | None:
    """What has to be done for a cell to show a level; `None` if it does already.

    To show less, a grant goes and a lower one comes, with its dates, terms and purpose; the node
    refuses a lower grant beside a higher one, since that would change nothing.

    Args:
        grants: of the partner.
        partner: its name.
        product: which.
        level: that is wanted, or `none`.
    """
    direct = direct_grants(grants, product)
    was = direct_level(grants, product)
    if level == was:
        return None
    removed = [one for one in direct if _rank(one["level"]) > _rank(level)]
    is_there = any(one["level"] == level for one in direct)
    added: dict[str, Any] | None = None
    if level != NONE and not is_there:
        model = direct[0] if direct else {"state": "active", "value": product.id}
        kept = {name: model[name] for name in KEPT if model.get(name)}
        added = {"peer": partner, "kind": "product", "level": level, **kept}
    return Plan(partner, product, was, level, removed, added)


async def effects_of(api: Api, partner: str, plans: Sequence[Plan]) -> dict[str, Effect]:
    """What the changes for one partner come to, all together, by the id of the footprint.

    Args:
        api: the management endpoints.
        partner: its name.
        plans: all of this partner.

    Raises:
        ApiRefusedError: a grant is refused, whatever else there is.
    """
    rows = {str(one["id"]): one for plan in plans for one in plan.product.footprints}
    removed = list(dict.fromkeys(one["id"] for plan in plans for one in plan.removed))
    added = [body_of(plan.added) for plan in plans if plan.added is not None]
    found: dict[str, Effect] = {}
    ids = list(rows)
    for first in range(0, len(ids), AT_A_TIME):
        some = ids[first : first + AT_A_TIME]
        asked = {"peer": partner, "removed": removed, "added": added, "footprintIds": some}
        for one in (await api.post("/grants/effects", asked))["data"]:
            before, after = one.get("before", NONE), one.get("after", NONE)
            name = str(rows[one["id"]]["productNameCompany"])
            found[one["id"]] = Effect(one["id"], name, before, after)
    return found


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else -1
