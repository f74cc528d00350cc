"""Products made of products: in which order they are calculated, and that none contains itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.inputs import DirectEmission, Product
from underseal_protocol.rollup.sources import ProductSource

__all__ = ["order_of"]

MAX_SHOWN_NAMES = 20


def order_of(products: Mapping[str, Product], root: str) -> list[str]:
    """The ids of a product and of all that it is made of, each once, parts before the whole.

    Args:
        products: by id.
        root: the id of the product.

    Raises:
        RollUpError: a product is not there, or contains itself; with the path.
    """
    order: list[str] = []
    finished: set[str] = set()
    # No recursion: a chain may be longer than the stack of the interpreter.
    path = {root: _parts(_product(products, root, None))}
    while path:
        current, parts = next(reversed(path.items()))
        part = next(parts, None)
        if part is None:
            del path[current]
            finished.add(current)
            order.append(current)
        elif part in path:
            raise _cycle(products, list(path), part)
        elif part not in finished:
            path[part] = _parts(_product(products, part, current))
    return order


def _parts(product: Product) -> Iterator[str]:
    for line in product.lines:
        if not isinstance(line, DirectEmission) and isinstance(line.source, ProductSource):
            yield line.source.id


def _product(products: Mapping[str, Product], product_id: str, user: str | None) -> Product:
    product = products.get(product_id)
    if product is None:
        where = f", which product {user!r} uses" if user is not None else ""
        raise RollUpError(
            f"there is no product {product_id!r}{where}", hint="Import it, or match the line anew."
        )
    return product


def _cycle(products: Mapping[str, Product], path: list[str], again: str) -> RollUpError:
    names = [repr(products[one].id) for one in [*path[path.index(again) :], again]]
    if len(names) > MAX_SHOWN_NAMES:
        names = [*names[: MAX_SHOWN_NAMES // 2], "...", *names[-MAX_SHOWN_NAMES // 2 :]]
    return RollUpError(
        f"a product contains itself: {' -> '.join(names)}",
        hint="Take one of these lines out, or resolve it to a footprint or factor.",
    )
