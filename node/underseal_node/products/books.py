"""The books behind a calculated footprint, leaf by leaf, as they are committed to (ADR 17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from underseal_node.products.bills import Bill
from underseal_protocol.rollup.documents import factor_json, product_json

__all__ = ["leaves_of"]


def leaves_of(bill: Bill) -> list[dict[str, Any]]:
    """Everything that a footprint was calculated from, one leaf each: products, their lines with
    what they resolve to, factors, and received footprints with the digest of their content.

    Args:
        bill: that was calculated.
    """
    return list(_leaves(bill))


def _leaves(bill: Bill) -> Iterator[dict[str, Any]]:
    for product in bill.inputs.products.values():
        document = product_json(product)
        lines = document.pop("lines", [])
        yield {**document, "kind": "product", "id": f"product:{product.id}"}
        for line in lines:
            # What kind of line it is goes by another name: a leaf has a kind of its own.
            members = {name: one for name, one in line.items() if name not in ("id", "kind")}
            kind = line["kind"]
            yield {**members, "kind": "line", "lineKind": kind, "id": f"{product.id}/{line['id']}"}
    for factor in bill.inputs.factors.values():
        yield {**factor_json(factor), "kind": "factor", "id": f"factor:{factor.id}"}
    for footprint_id, used in bill.used.footprints.items():
        document = dict(bill.inputs.footprints[footprint_id].document)
        yield {
            "kind": "footprint",
            "id": f"footprint:{footprint_id}",
            "peer": used.peer,
            "productName": used.product_name,
            "digest": used.digest,
            "pcfExcludingBiogenicUptake": document["pcf"].get("pcfExcludingBiogenicUptake"),
        }
    for product_id, digest in bill.used.readings.items():
        yield {"kind": "readings", "id": f"readings:{product_id}", "digest": digest}
