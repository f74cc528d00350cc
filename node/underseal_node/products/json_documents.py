"""Products and factors in JSON: one, a list, or `{"products": [...], "factors": [...]}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from underseal_node.products.checking import checked_factor, checked_product
from underseal_node.products.results import PlacedFactor, PlacedProduct, ReadProducts
from underseal_node.publishing.json_reading import problems_of, read_json
from underseal_node.settings import Settings
from underseal_node.sheets.problems import Problem
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, JsonValue

__all__ = ["read_json_documents"]

PRODUCTS, FACTORS = "products", "factors"
# What a factor has and a product has not.
OF_A_FACTOR = ("values", "database")


def read_json_documents(
    name: str, content: bytes, settings: Settings, *, with_products: bool
) -> ReadProducts:
    """What is in a JSON file.

    Args:
        name: of the file.
        content: of the file.
        settings: whose limits hold.
        with_products: whether products are looked at.
    """
    limits = JsonLimits(max_bytes=settings.max_import_bytes, max_depth=settings.max_json_depth)
    try:
        value = read_json(content, limits)
    except JsonError as error:
        return ReadProducts(name, problems=tuple(problems_of(name, content, error)))
    products: dict[str, PlacedProduct] = {}
    factors: dict[str, PlacedFactor] = {}
    problems: list[Problem] = []
    for place, kind, item in _items(value):
        if kind == PRODUCTS and not with_products:
            continue
        if not isinstance(item, dict):
            message = f"{str(item)[:60]!r} is no {kind.removesuffix('s')}"
            problems.append(Problem(name, place, message))
            continue
        is_product = kind == PRODUCTS
        of_kind: dict[str, Any] = products if is_product else factors
        check = checked_product if is_product else checked_factor
        found = check(item, name, _inside(place), in_sheet=False)
        document = found.document
        if document is None:
            problems += found.problems
        elif document["id"] in of_kind:
            message = f"{document['id'][:60]!r} is there twice"
            problems.append(Problem(name, f"{place}/id", message, "Keep one of them."))
        elif is_product:
            products[document["id"]] = PlacedProduct(document, _inside(place), found.problems)
        else:
            factors[document["id"]] = PlacedFactor(document, _inside(place), found.problems)
    return ReadProducts(name, tuple(products.values()), tuple(factors.values()), tuple(problems))


def _items(value: JsonValue) -> Iterator[tuple[str, str, Any]]:
    """The JSON pointer to each document, whether it should be a product or a factor, and it."""
    if isinstance(value, dict) and "id" not in value and {PRODUCTS, FACTORS} & value.keys():
        for kind in (PRODUCTS, FACTORS):
            listed = value.get(kind, [])
            if isinstance(listed, list):
                yield from ((f"/{kind}/{at}", kind, one) for at, one in enumerate(listed))
            else:
                yield f"/{kind}", kind, listed
        for other in value.keys() - {PRODUCTS, FACTORS}:
            yield f"/{other}", PRODUCTS, other
    elif isinstance(value, list):
        yield from ((f"/{at}", _kind_of(one), one) for at, one in enumerate(value))
    else:
        yield "", _kind_of(value), value


def _kind_of(item: Any) -> str:
    is_factor = isinstance(item, dict) and any(one in item for one in OF_A_FACTOR)
    return FACTORS if is_factor else PRODUCTS


def _inside(place: str) -> Callable[[str], str]:
    return lambda pointer: place + pointer
