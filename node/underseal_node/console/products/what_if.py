"""What would be if: other amounts and other sources, and what that changes. Nothing is stored.

What is tried stays in the memory of the session, so that a page that is loaded again shows it.
Amounts of a bill of materials are secret: no address holds them, which browsers write down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.forms import Form
from underseal_node.console.pages import Visit, moved, with_query
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.contributions import line_id
from underseal_node.console.products.figures import difference, short
from underseal_node.console.products.sources import choices, source_of

__all__ = ["ACTIONS", "PAGES", "compared"]

PATH = "/products/what-if"
PART = "part"  # the field that asks for the result alone
TRIED = "what-if"  # in what the session keeps
MOST_TRIED = 20  # products
PCF = "pcfExcludingBiogenicUptake"
ALL_CONTRIBUTIONS = 100_000
MOST = 40  # lines that can be changed on the page, the largest contributions first

Json = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class _Changes:
    """What somebody wants to be otherwise, as it was typed, by product and line.

    Attributes:
        amounts: amount and unit.
        sources: as `sources.source_of` reads them.
    """

    amounts: Mapping[Key, tuple[str, str]]
    sources: Mapping[Key, str]

    def __bool__(self) -> bool:
        return bool(self.amounts or self.sources)

    def amount(self, key: Key, otherwise: str) -> str:
        """The amount of a line, as it is to be shown."""
        return self.amounts.get(key, (otherwise, ""))[0]


def _tried(visit: Visit) -> _Changes:
    """What is being tried with a product."""
    tried: Mapping[str, _Changes] = visit.session.kept.get(TRIED, {})
    return tried.get(product_of(visit), _Changes({}, {}))


def _keep(visit: Visit, changes: _Changes) -> None:
    tried: dict[str, _Changes] = visit.session.kept.setdefault(TRIED, {})
    tried.pop(product_of(visit), None)
    if changes:
        tried[product_of(visit)] = changes
    while len(tried) > MOST_TRIED:
        del tried[next(iter(tried))]


async def _show(visit: Visit) -> Response:
    product_id, changes = product_of(visit), _tried(visit)
    query = {"product": product_id, "limit": str(ALL_CONTRIBUTIONS)}
    detail, offered = await asyncio.gather(
        visit.api.get("/products/detail", {"product": product_id}), choices(visit)
    )
    lines: list[dict[str, Any]] = []
    refusal = None
    try:
        calculated = await visit.api.post("/products/calculate", None, query)
        lines = list(_lines(detail, calculated["explanation"]))
    except ApiRefusedError as error:
        refusal = error
    is_possible, result = refusal is None, None
    if is_possible:
        result, refusal = await _compared_with(visit, product_id, changes)
    keys = {*changes.amounts, *changes.sources}
    shown = [one for index, one in enumerate(lines) if index < MOST or one["key"] in keys]
    return visit.page(
        "products/what_if.html",
        {
            "product": detail,
            "is_possible": is_possible,
            "refusal": refusal,
            "lines": shown,
            "further": len(lines) - len(shown),
            "changes": changes,
            "choices": offered,
            "result": result,
        },
        200 if refusal is None else refusal.status,
    )


async def _show_result(visit: Visit) -> Response:
    """The result alone, which the script of the page puts into it."""
    product_id, changes = product_of(visit), _tried(visit)
    result, refusal = await _compared_with(visit, product_id, changes)
    values = {
        "product": {"id": product_id},
        "is_possible": True,
        "refusal": refusal,
        "changes": changes,
        "result": result,
    }
    status = 200 if refusal is None else refusal.status
    return visit.page("products/what_if_result.html", values, status)


async def _compared_with(
    visit: Visit, product_id: str, changes: _Changes
) -> tuple[dict[str, Any] | None, ApiRefusedError | None]:
    """What changes, or why that cannot be said; neither if there is nothing to change."""
    if not changes:
        return None, None
    query = {"product": product_id, "limit": str(ALL_CONTRIBUTIONS)}
    try:
        wanted = {"changes": list(_documents(product_id, changes))}
        return _result(await visit.api.post("/products/what-if", wanted, query)), None
    except ApiRefusedError as error:
        return None, error


def _lines(detail: Json, explanation: Json) -> Iterator[dict[str, Any]]:
    """What can be changed: our intermediates, then everything else, the largest first."""
    root = detail["id"]
    written = {one["id"]: one for one in detail["document"].get("lines", ())}
    for one in detail["lines"]:
        quantity = _quantity_of(written.get(one["line"], {}))
        if "product" in (one.get("source") or {}) and quantity is not None:
            yield _line(
                root, one["line"], one["name"], quantity, f"product:{one['source']['product']}"
            )
    for one in explanation["contributions"]:
        quantity = _quantity_of(one)
        source = one.get("source") or {}
        if quantity is None or not source:
            continue  # direct emissions have neither
        kind = "footprint" if "footprint" in source else "factor"
        text = f"{kind}:{source[kind]}"
        line = line_id(one)
        own = written.get(line) if one["product"] == root else None
        exact = _quantity_of(own or {}) or quantity
        label = source.get("company") or f"{source.get('name')} ({source.get('database')})"
        yield {**_line(one["product"], line, one["name"], exact, text), "label": label}


def _line(product: str, line: str, name: str, quantity: Json, source: str) -> dict[str, Any]:
    amount = str(quantity.get("amount", quantity.get("value")))
    return {
        "key": (product, line),
        "name": name,
        "amount": amount,
        "unit": quantity["unit"],
        "source": source,
        "label": source.partition(":")[2],
        # A fraction is no number to a browser.
        "is_decimal": _decimal(amount) is not None,
    }


def _quantity_of(line: Json) -> Json | None:
    found: Json | None = line.get("quantity") or line.get("load")
    return found


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _documents(product_id: str, changes: _Changes) -> Iterator[dict[str, Any]]:
    """The changes as the endpoint takes them.

    Raises:
        ApiRefusedError: what was typed names no source.
    """
    for key, text in changes.sources.items():
        yield {"swap": {"line": _reference(product_id, key), "new": source_of(text)}}
    for key, (amount, unit) in changes.amounts.items():
        quantity = {"amount": amount, "unit": unit}
        yield {"amount": {"line": _reference(product_id, key), "quantity": quantity}}


def _reference(product_id: str, key: Key) -> str | dict[str, str]:
    product, line = key
    return line if product == product_id else {"product": product, "line": line}


def _result(found: Json) -> dict[str, Any]:
    contributions = [*found["before"]["contributions"], *found["after"]["contributions"]]
    names = {one["line"]: one["name"] for one in contributions}
    unit = found["before"]["declaredUnit"]
    figures = {name: compared(one) for name, one in found["figures"].items()}
    return {
        "unit": (unit["value"], unit["unit"]),
        "main": figures[PCF],
        "figures": {
            name: figures[name]
            for name, one in found["figures"].items()
            if name != PCF and not _is_same(one)
        },
        "lines": [
            {"line": line, "name": names.get(line, line), **compared(one)}
            for line, one in found["lines"].items()
        ],
    }


def _is_same(one: Json) -> bool:
    change = one.get("change")
    return change is not None and not Decimal(change["value"])


def compared(one: Json) -> dict[str, Any]:
    """Before, after and change as texts; a share where it makes sense."""
    before, after = ((one.get(name) or {}).get("value") for name in ("before", "after"))
    found = {
        name: None if figure is None else short(figure)
        for name, figure in (("before", before), ("after", after))
    }
    if before is None or after is None:
        return found
    return {**found, **difference(before, after)}


async def _change(visit: Visit) -> Response:
    """Take what was typed and differs; the script of the page gets the result alone."""
    _keep(visit, _typed(visit.form))
    if visit.form.one(PART) == "result":
        return await _show_result(visit)
    return moved(with_query(PATH, product=product_of(visit)))


def _typed(form: Form) -> _Changes:
    names = ("product", "line", "amount", "old-amount", "unit", "source")
    amounts: dict[Key, tuple[str, str]] = {}
    sources: dict[Key, str] = {}
    columns = [form.texts.get(name, ()) for name in names]
    for product, line, amount, old, unit, source in zip(*columns, strict=False):
        if amount.strip() and amount.strip() != old:
            amounts[product, line] = amount.strip(), unit
        if source.strip():
            sources[product, line] = source.strip()
    return _Changes(amounts, sources)


PAGES = {PATH: _show}
ACTIONS = {PATH: _change}
