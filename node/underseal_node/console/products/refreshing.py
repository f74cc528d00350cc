"""Stale footprints beside what they would be now; publishing the successors that were confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, with_query
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.publishing import acknowledgement
from underseal_node.console.products.what_if import compared

__all__ = ["ACTIONS", "PAGES"]

PATH = "/products/refresh"
CONFLICT = 409
HUNDRED = Decimal(100)

Json = Mapping[str, Any]


async def _show(visit: Visit) -> Response:
    return await _page(visit, await _refreshed(visit))


async def _refreshed(visit: Visit, **more: Any) -> list[Json]:
    product = product_of(visit)
    body = {**({"product": product} if product else {}), **more}
    found: list[Json] = (await visit.api.post("/products/refresh", body))["data"]
    return found


async def _page(
    visit: Visit,
    found: Sequence[Json],
    refusal: ApiRefusedError | None = None,
    problems: Sequence[Json] = (),
) -> Response:
    """The list.

    Args:
        found: what is stale.
        refusal: why nothing was published.
        problems: what was to be published, and was not.
    """
    failed = {one["stale"]["footprint"]: one["problem"] for one in problems}
    status = CONFLICT if problems else 200
    return visit.page(
        "products/refresh.html",
        {
            "product": product_of(visit),
            "rows": [_row(one, failed) for one in found],
            "chosen": visit.form.all("digest"),
            "typed": visit.form.typed(),
            "refusal": refusal,
            "has_problems": bool(problems),
        },
        status if refusal is None else refusal.status,
    )


def _row(one: Json, failed: Mapping[str, str]) -> dict[str, Any]:
    percent = one.get("changePercent")
    return {
        **one,
        "figures": {name: compared(figure) for name, figure in one["figures"].items()},
        "share": None if percent is None else format(Decimal(percent) / HUNDRED, "f"),
        "failed": failed.get(one["stale"]["footprint"]),
    }


async def _publish(visit: Visit) -> Response:
    chosen = visit.form.all("digest")
    if not chosen:
        message = visit.text(_("Nothing was chosen, so nothing was published."))
        return visit.done(_back(visit), message)
    try:
        done = await _refreshed(visit, confirmed=chosen, **acknowledgement(visit.form))
    except ApiRefusedError as error:
        return await _page(visit, await _refreshed(visit), error)
    published = [one for one in done if one.get("published") and one["outcome"] != "unchanged"]
    problems = [one for one in done if one.get("problem") and one.get("figures")]
    if problems:
        return await _page(visit, await _refreshed(visit), problems=problems)
    text: str = visit.language.translations.ngettext(
        "%(num)s successor was published.", "%(num)s successors were published.", len(published)
    )
    return visit.done(_back(visit), text % {"num": len(published)})


def _back(visit: Visit) -> str:
    return with_query(PATH, product=product_of(visit) or None)


PAGES = {PATH: _show}
ACTIONS = {PATH: _publish}
