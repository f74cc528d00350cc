"""Products and factors as a workbook that can be read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from underseal_node.errors import RefusedError
from underseal_node.products.checking import NAMES, normal_factor, normal_product
from underseal_node.products.columns import FACTOR, PRODUCT
from underseal_node.products.reading import read_products
from underseal_node.products.results import ReadProducts
from underseal_node.products.words import SHEETS
from underseal_node.products.workbooks import book_of, sheet_columns
from underseal_node.settings import Settings
from underseal_node.sheets.problems import CellError
from underseal_protocol.rollup.documents import factor_of, product_of
from underseal_protocol.rollup.inputs import Product
from underseal_protocol.rollup.sources import Factor

__all__ = ["workbook_of"]

Document = Mapping[str, Any]


def workbook_of(
    products: Sequence[Document], factors: Sequence[Document] = (), *, settings: Settings
) -> bytes:
    """A workbook (.xlsx) that `read_products` reads as the same products and factors.

    Lines are in sheets by their kind; within a kind they keep their order. That nothing else is
    lost is checked by reading it.

    Args:
        products: in the form of `product_json`; names of the node may be missing.
        factors: in the form of `factor_json`.
        settings: whose limits hold.

    Raises:
        BillError: one has another form.
        RefusedError: a workbook cannot hold it.
    """
    wanted = [_sorted(product_of(one, NAMES)) for one in products]
    wanted_factors = [factor_of(one) for one in factors]
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in SHEETS}
    for document in products:
        _add_product(rows, normal_product(document))
    rows[FACTOR] = [_row(normal_factor(one), FACTOR) for one in factors]
    try:
        content = book_of(rows, example=False).content()
    except CellError as error:
        raise _refusal(error.message) from error
    read = read_products("", content, settings) if products or factors else ReadProducts("")
    if read.problems:
        raise _refusal(f"{read.problems[0].place}: {read.problems[0].message}")
    _compare(wanted, [product_of(one.document, NAMES) for one in read.products])
    _compare(wanted_factors, [factor_of(one.document) for one in read.factors])
    return content


def _sorted(product: Product) -> Product:
    """The same, with its lines in the order of the sheets."""
    order = list(SHEETS)
    return replace(
        product, lines=tuple(sorted(product.lines, key=lambda line: order.index(line.kind)))
    )


def _add_product(rows: dict[str, list[dict[str, Any]]], document: Document) -> None:
    rows[PRODUCT].append(_row(document, PRODUCT))
    for line in document.get("lines", ()):
        rows[line["kind"]].append({**_row(line, line["kind"]), "product": document["id"]})


def _row(document: Document, kind: str) -> dict[str, Any]:
    """Values of columns, from the document of a row."""
    found = {}
    for column in sheet_columns(kind):
        value: Any = document
        for step in column.pointer(kind).split("/")[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            found[column.name] = value
    return found


def _compare(wanted: Sequence[Product | Factor], got: Sequence[Product | Factor]) -> None:
    """Whether everything is still there.

    Raises:
        RefusedError: it is not.
    """
    by_id = {one.id: one for one in got}
    for one in wanted:
        other = by_id.get(one.id)
        if other == one:
            continue
        what = f"{type(one).__name__.lower()} {one.id[:60]!r}"
        if isinstance(one, Product) and isinstance(other, Product):
            pairs = zip(one.lines, other.lines, strict=False)
            line = next((mine.id for mine, its in pairs if mine != its), None)
            what += f", line {line[:60]!r}" if line is not None else ""
        raise _refusal(f"{what} would be another one")
    if len(by_id) != len(wanted):
        raise _refusal("something is there twice")


def _refusal(reason: str) -> RefusedError:
    return RefusedError(f"a workbook cannot hold it: {reason}", hint="Write it as JSON instead.")
