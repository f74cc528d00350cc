"""Changes of the matrix: what each partner will see more or less of, and then, confirmed, done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.grant_bodies import body_of, replaced
from underseal_node.console.grant_effects import (
    NONE,
    Effect,
    Plan,
    effects_of,
    plan_of,
)
from underseal_node.console.grant_matrix import granted_products, order_and_page, show_matrix
from underseal_node.console.own_products import OwnProduct, active_footprints, products_of
from underseal_node.console.pages import Visit, moved, with_query
from underseal_node.console.sharing import RefusedHereError, done_with, partner_path
from underseal_node.console.words import LEVELS

__all__ = ["ACTIONS", "PAGES"]

NOTHING, CHANGED, NOT_UNDERSTOOD = 422, 409, 400

Wanted = tuple[str, str, str]  # partner, product, level


@dataclass(frozen=True)
class Share:
    """What is changed for one partner.

    Attributes:
        partner: its name.
        plans: its cells.
        effects: on footprints, each once.
        grants: that it has now.
    """

    partner: str
    plans: Sequence[Plan]
    effects: Sequence[Effect]
    grants: Sequence[Mapping[str, Any]]

    @property
    def path(self) -> str:
        """The address of its page."""
        return partner_path(self.partner)

    def count(self, direction: str) -> int:
        """How many footprints it sees more or less of, or the same."""
        return sum(one.direction == direction for one in self.effects)


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        done: how many cells.
        refused: what the node did not do, with the plan.
        warnings: what it says of what it did.
    """

    done: int = 0
    refused: list[tuple[Plan, ApiRefusedError]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def _act(visit: Visit) -> Response:
    """The preview of what was chosen in the matrix; or, confirmed there, the changes."""
    if visit.form.one("do") == "back":
        chosen = {(partner, product): level for partner, product, level in _of_preview(visit)}
        return await show_matrix(visit, chosen)
    if visit.form.one("do") == "apply":
        return await _apply(visit, await _shares(visit, _of_preview(visit)))
    if visit.form.one("sort_to") or visit.form.one("page_to"):
        return await _arranged(visit)
    shares = await _shares(visit, _of_matrix(visit))
    if not shares:
        text = visit.text("Nothing is changed: choose other levels first.")
        return visit.refused(_back(visit), ApiRefusedError(NOTHING, text))
    return _preview(visit, shares)


async def _arranged(visit: Visit) -> Response:
    """The matrix in another order, or another page of it, with what was chosen before."""
    wanted = _of_matrix(visit)
    if not wanted:  # then it has an address
        sort, page = order_and_page(visit)
        return moved(_back(visit, sort=sort, page=page))
    return await show_matrix(
        visit, {(partner, product): level for partner, product, level in wanted}
    )


def _of_matrix(visit: Visit) -> list[Wanted]:
    """The cells whose level was changed, also on pages that were looked at before."""
    typed = visit.form.typed()
    found = []
    for name, level in typed.items():
        kind, _, place = name.partition(".")
        row, _, column = place.partition(".")
        if kind == "level" and level != typed.get(f"was.{place}"):
            found.append(
                (typed.get(f"partner.{column}", ""), typed.get(f"product.{row}", ""), level)
            )
    return found + _of_lists(visit, "kept.partner", "kept.product", "kept.level")


def _of_preview(visit: Visit) -> list[Wanted]:
    return _of_lists(visit, "partner", "product", "level")


def _of_lists(visit: Visit, *names: str) -> list[Wanted]:
    columns = [visit.form.texts.get(name, ()) for name in names]
    return list(zip(*columns, strict=False))


async def _shares(visit: Visit, wanted: Sequence[Wanted]) -> list[Share]:
    """What has to be done, and what it comes to, by partner.

    Raises:
        ApiRefusedError: a level is none, or there is no such partner.
    """
    if any(level not in (NONE, *LEVELS) for _, _, level in wanted):
        raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
    footprints = await active_footprints(visit)
    shares = []
    for partner in dict.fromkeys(one[0] for one in wanted):
        grants = (await visit.api.get("/grants", {"peer": partner}))["data"]
        levels = {product: level for name, product, level in wanted if name == partner}
        by_id = _by_id(products_of(footprints, [*granted_products([grants]), *levels]))
        chosen = {by_id[one.casefold()]: level for one, level in levels.items()}
        found = [plan_of(grants, partner, product, level) for product, level in chosen.items()]
        plans = [one for one in found if one is not None]
        if plans:
            shares.append(await _share(visit, partner, grants, plans))
    return shares


def _by_id(products: Sequence[OwnProduct]) -> dict[str, OwnProduct]:
    return {key: one for one in products for key in one.keys}


async def _share(
    visit: Visit,
    partner: str,
    grants: Sequence[Mapping[str, Any]],
    plans: Sequence[Plan],
) -> Share:
    effects = await effects_of(visit.api, partner, plans)
    for plan in plans:
        plan.effects.extend(effects[str(one["id"])] for one in plan.product.footprints)
    return Share(partner, plans, list(effects.values()), grants)


def _preview(
    visit: Visit,
    shares: Sequence[Share],
    refusal: ApiRefusedError | None = None,
    outcome: Outcome | None = None,
) -> Response:
    refused = [] if outcome is None else outcome.refused
    values = {
        "shares": shares,
        "seen": _digest(shares),
        "typed": visit.form.typed(),
        "back": _back(visit),
        "refusal": refusal,
        "outcome": outcome,
        "refusals": {(plan.partner, plan.product.id): error for plan, error in refused},
    }
    return visit.page("grant_changes.html", values, 200 if refusal is None else refusal.status)


async def _apply(visit: Visit, shares: Sequence[Share]) -> Response:
    """Do what was shown, if it is still what it would come to."""
    if not shares:
        text = visit.text("Nothing had to be changed any more.")
        return visit.done(_back(visit), text)
    if visit.form.one("seen") != _digest(shares):
        message = visit.text("Grants have changed since this was shown; nothing was done.")
        hint = visit.text("Look at it once more, as it is now.")
        return _preview(visit, shares, RefusedHereError(CHANGED, message, hint))
    outcome = Outcome()
    for share in shares:
        for plan in share.plans:
            await _do(visit, plan, outcome)
    if outcome.refused:
        wanted = [(one.partner, one.product.id, one.level) for one, _ in outcome.refused]
        left = await _shares(visit, wanted)
        first = outcome.refused[0][1]
        message = visit.text("The node has refused some of the changes.")
        refusal = RefusedHereError(first.status, message)
        return _preview(visit, left, refusal, outcome)
    text = visit.language.translations.ngettext(
        "%(num)s level is changed.", "%(num)s levels are changed.", outcome.done
    ) % {"num": visit.language.number(outcome.done)}
    return done_with(visit, _back(visit), text, outcome.warnings)


async def _do(visit: Visit, plan: Plan, outcome: Outcome) -> None:
    said = {
        name: visit.form.one(name) for name in ("acknowledge", "consent") if visit.form.one(name)
    }
    try:
        body = None if plan.added is None else {**body_of(plan.added), **said}
        made: Sequence[Mapping[str, Any]]
        if plan.removed:
            made = await replaced(visit.api, plan.removed, body)
        else:
            made = (await visit.api.post("/grants", body))["data"]
    except ApiRefusedError as error:
        outcome.refused.append((plan, error))
        return
    outcome.done += 1
    outcome.warnings += [
        f"{plan.partner}, {plan.product.id}: {one['warning']}" for one in made if one.get("warning")
    ]


def _digest(shares: Sequence[Share]) -> str:
    """Of all that what is shown rests on."""
    shown = [
        {
            "grants": one.grants,
            "plans": [(plan.partner, plan.product.ids, plan.level) for plan in one.plans],
            "effects": [(each.id, each.before, each.after) for each in one.effects],
        }
        for one in shares
    ]
    text = json.dumps(shown, sort_keys=True)
    return sha256(text.encode()).hexdigest()


def _back(visit: Visit, **changes: str) -> str:
    """Where the matrix was left; or in another order, or at another page."""
    given = {name: visit.form.one(name) for name in ("partners", "q", "sort", "page")} | changes
    return with_query("/grants/matrix", **{name: text or None for name, text in given.items()})


PAGES: dict[str, Any] = {}
ACTIONS = {"/grants/matrix": _act}
