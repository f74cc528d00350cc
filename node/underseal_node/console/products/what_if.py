"""What would be if: other amounts and other sources, and what that changes. Nothing is stored.

The address holds all changes, each as a JSON list of texts: `a` of product, line, amount and unit,
`s` of product, line and source; both repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.forms import Form
from underseal_node.console.pages import Visit, moved
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.contributions import line_id
from underseal_node.console.products.figures import difference, short
from underseal_node.console.products.sources import choices, source_of

__all__ = ["ACTIONS", "PAGES", "compared"]

PATH = "/products/what-if"
RESULT = f"{PATH}/result"
PART = "part"  # the field that asks for the result alone
PCF = "pcfExcludingBiogenicUptake"
ALL_CONTRIBUTIONS = 100_000
MOST = 40  # lines that can be changed on the page, the largest contributions first
MOST_CHANGES = 1_000
AMOUNT_PARTS, SOURCE_PARTS = 4, 3

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


def _address(product_id: str, changes: _Changes, page: str) -> str:
    amounts = [
        ("a", json.dumps([*key, *one], ensure_ascii=False)) for key, one in changes.amounts.items()
    ]
    sources = [
        ("s", json.dumps([*key, one], ensure_ascii=False)) for key, one in changes.sources.items()
    ]
    return f"{page}?{urlencode([('product', product_id), *amounts, *sources])}"


def _asked(visit: Visit) -> _Changes:
    query = visit.request.query_params
    amounts, sources = (list(_texts(query.getlist(name))) for name in ("a", "s"))
    return _Changes(
        {(one[0], one[1]): (one[2], one[3]) for one in amounts if len(one) == AMOUNT_PARTS},
        {(one[0], one[1]): one[2] for one in sources if len(one) == SOURCE_PARTS},
    )


def _texts(values: Sequence[str]) -> Iterator[list[str]]:
    """Those that are JSON lists of texts."""
    for one in values[:MOST_CHANGES]:
        try:
            read = json.loads(one)
        except (ValueError, RecursionError):
            continue
        if isinstance(read, list) and all(map(_is_text, read)):
            yield read


def _is_text(value: object) -> bool:
    """Whether it is a text that can be shown: JSON can escape half of a character."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)


async def _show(visit: Visit) -> Response:
    product_id, changes = product_of(visit), _asked(visit)
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
    product_id, changes = product_of(visit), _asked(visit)
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
    """To the address that holds what was typed and differs."""
    page = RESULT if visit.form.one(PART) == "result" else PATH
    return moved(_address(product_of(visit), _typed(visit.form), page))


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


PAGES = {PATH: _show, RESULT: _show_result}
ACTIONS = {PATH: _change}
