"""The books behind a calculated footprint, leaf by leaf, as they are committed to (ADR 17)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.energy.leaves import energy_leaves
from underseal_node.energy.usage import Records
from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.products.bills import Bill, defaults_of
from underseal_node.products.metered import Meters
from underseal_node.store.identity import Identity
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.errors import JsonError
from underseal_protocol.rollup.documents import factor_json, product_json

__all__ = ["leaves_of"]

MAX_DOCUMENT_BYTES = 48 * 1024  # of a received footprint in one leaf; a leaf has 64 KiB
PIECE_CHARACTERS = 10_000  # of a longer one


def leaves_of(session: Session, bill: Bill, identity: Identity) -> list[dict[str, Any]]:
    """Everything that a footprint was calculated from, one leaf each: products, their lines with
    what they resolve to, factors, received footprints and their contents, meter readings,
    production orders and the rule of allocation.

    Nothing of it is a digest: who is shown one could try what it is of.

    Args:
        session: to read.
        bill: that was calculated.
        identity: of the node.

    Raises:
        RefusedError: readings or orders have been corrected since it was calculated.
    """
    records = _records(session, bill, identity)
    return [*_of_products(bill), *_of_sources(bill), *(energy_leaves(records) if records else ())]


def _of_products(bill: Bill) -> Iterator[dict[str, Any]]:
    for product in bill.inputs.products.values():
        document = product_json(product)
        lines = document.pop("lines", [])
        yield {**document, "kind": "product", "id": f"product:{product.id}"}
        for line in lines:
            # What kind of line it is goes by another name: a leaf has a kind of its own.
            members = {name: one for name, one in line.items() if name not in ("id", "kind")}
            kind = line["kind"]
            yield {**members, "kind": "line", "lineKind": kind, "id": f"{product.id}/{line['id']}"}


def _of_sources(bill: Bill) -> Iterator[dict[str, Any]]:
    for factor in bill.inputs.factors.values():
        yield {**factor_json(factor), "kind": "factor", "id": f"factor:{factor.id}"}
    for footprint_id, used in bill.used.footprints.items():
        document = dict(bill.inputs.footprints[footprint_id].document)
        yield {
            "kind": "footprint",
            "id": f"footprint:{footprint_id}",
            "peer": used.peer,
            "productName": used.product_name,
            "pcfExcludingBiogenicUptake": document["pcf"].get("pcfExcludingBiogenicUptake"),
        }
        yield from _contents(footprint_id, document)


def _contents(footprint_id: str, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A received footprint, whole, in a leaf of its own; in pieces of its text if it is long."""
    name = f"content:{footprint_id}"
    try:
        if len(canonical_bytes(dict(document))) <= MAX_DOCUMENT_BYTES:
            yield {"kind": "content", "id": name, "document": dict(document)}
            return
    except JsonError:  # numbers that are no doubles, in an extension
        pass
    text = json.dumps(document)
    for first in range(0, len(text), PIECE_CHARACTERS):
        piece = text[first : first + PIECE_CHARACTERS]
        number = first // PIECE_CHARACTERS + 1
        yield {"kind": "content", "id": f"{name}/{number}", "text": piece}


def _records(session: Session, bill: Bill, identity: Identity) -> list[Records]:
    """Those of the reference periods of all products with metered energy.

    Raises:
        RefusedError: they are not those any more that it was calculated from.
    """
    meters = Meters(session, defaults_of(identity))
    found: dict[tuple[datetime, datetime], tuple[Records, str]] = {}
    for product_id, digest in bill.used.readings.items():
        declared = bill.inputs.products[product_id].declaration
        assert declared is not None  # noqa: S101 - without one, nothing is metered
        period = declared.period_start, declared.period_end
        if period not in found:
            try:
                records = meters.records(*period)
                found[period] = records, records.digest
            except NotFoundError:
                pass
        if period not in found or found[period][1] != digest:
            raise RefusedError(
                "meter readings or orders have been corrected since this was calculated",
                hint="Try again.",
            )
    return [records for records, _ in found.values()]
