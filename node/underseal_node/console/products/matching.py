"""What lines of bills of materials are: proposals, decisions, and taking one back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.forms import Form
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, with_query
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.figures import amount_of
from underseal_node.console.products.sources import choices, source_of
from underseal_node.console.products.twin import link_of
from underseal_node.console.tables import cut

__all__ = ["ACTIONS", "PAGES"]

PATH = "/products/match"
MOST = 50  # open lines on a page
# Numbers of pages in the query: of open lines, and of those that resolve to something.
OPEN, RESOLVED = "page", "resolved"
OTHER = "other"
LEFT_OUT = "left-out"

Json = Mapping[str, Any]


async def _show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(
    visit: Visit, refusal: ApiRefusedError | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    product_id = product_of(visit)
    found, offered = await asyncio.gather(_lines(visit, product_id), choices(visit))
    lines = found["lines"]
    changed = visit.request.query_params.get("line")
    still_open = [one for one in lines if _is_open(one) or one["line"] == changed]
    still_open.sort(key=lambda one: bool(one["line"] != changed))  # it is what is looked at
    resolved = [one for one in lines if not _is_open(one) and one["line"] != changed]
    shown, others = cut(visit, still_open, OPEN, MOST), cut(visit, resolved, RESOLVED)
    return visit.page(
        "products/match.html",
        {
            "product": found.get("id"),
            "name": found.get("name"),
            "refusal": refusal,
            "typed": typed or {},
            "open": [
                {**one, "preferred": _preferred(one), "shown": amount_of(visit, one["amount"])}
                for one in shown.rows
            ],
            "open_pages": shown,
            "number": sum(map(_is_open, still_open)),
            "resolved": [
                {**one, "link": link_of(one), "shown": amount_of(visit, one["amount"])}
                for one in others.rows
            ],
            "resolved_pages": others,
            "here": _back(visit),
            "failures_found": found["energyFailures"],
            "choices": offered,
        },
        200 if refusal is None else refusal.status,
    )


async def _lines(visit: Visit, product_id: str) -> Json:
    """The lines of a product; without one, the open lines of all."""
    if product_id:
        detail: Json = await visit.api.get("/products/detail", {"product": product_id})
        return detail
    matches = await visit.api.get("/matches", {"open": True})
    return {"lines": matches["data"], "energyFailures": matches["energyFailures"]}


def _is_open(line: Json) -> bool:
    return not line.get("source")


def _preferred(line: Json) -> str | None:
    """The only certain proposal, which is chosen unless somebody chooses another one."""
    certain = [one["text"] for one in line["proposals"] if one["isCertain"]]
    return certain[0] if len(certain) == 1 else None


async def _decide(visit: Visit) -> Response:
    try:
        decisions = _decisions(visit.form)
        if decisions:
            await visit.api.post("/matches", {"decisions": decisions})
    except ApiRefusedError as error:
        return await _page(visit, error, visit.form.typed())
    if not decisions:
        return visit.done(
            _back(visit), visit.text(_("Nothing was chosen, so nothing was decided."))
        )
    text: str = visit.language.translations.ngettext(
        "%(num)s line was decided.", "%(num)s lines were decided.", len(decisions)
    )
    return visit.done(_back(visit), text % {"num": len(decisions)})


def _decisions(form: Form) -> list[dict[str, Any]]:
    """What the form says of each line; those that stay open are left out.

    Raises:
        ApiRefusedError: what was typed names no source.
    """
    products, lines = (form.texts.get(name, ()) for name in ("product", "line"))
    found = []
    for index, (product, line) in enumerate(zip(products, lines, strict=False)):
        chosen = _first(form.texts.get(f"source-{index}", ()))
        if not chosen:
            continue
        decision: dict[str, Any] = {"product": product, "line": line}
        other, peer, reason = (f"{name}-{index}" for name in ("other", "peer", "reason"))
        if chosen == OTHER:
            decision |= {"source": source_of(form.one(other))}
            decision |= {"peer": form.one(peer)} if form.one(peer) else {}
        elif chosen == LEFT_OUT:
            decision |= {"source": source_of(f"{LEFT_OUT}:{form.one(reason)}")}
        else:
            decision |= {"source": source_of(chosen)}
        found.append(decision)
    return found


def _first(values: Sequence[str]) -> str:
    return next(iter(values), "")


async def _take_back(visit: Visit) -> Response:
    """What the bill of materials says counts again."""
    product, line = (_first(visit.form.texts.get(name, ())) for name in ("product", "line"))
    try:
        await visit.api.post(
            "/matches", {"decisions": [{"product": product, "line": line, "source": None}]}
        )
    except ApiRefusedError as error:
        return visit.refused(_back(visit), error)
    return visit.done(_back(visit), visit.text(_("The decision was taken back.")))


def _back(visit: Visit) -> str:
    """The page, where it was left."""
    pages = {name: visit.asked(name) or None for name in (OPEN, RESOLVED)}
    return with_query(PATH, product=product_of(visit) or None, **pages)


PAGES = {PATH: _show}
ACTIONS = {PATH: _decide, f"{PATH}/back": _take_back}
