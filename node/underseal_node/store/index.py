"""What is stored beside the bytes of a footprint, own or received: to find it and to list it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from underseal_node.store.tables import KeyKind
from underseal_node.store.types import NUL
from underseal_protocol.criteria import FootprintIndex
from underseal_protocol.text_limits import MAX_ITEMS, MAX_URN_CHARACTERS

__all__ = ["index_keys", "naming", "summary_of"]

MEMBERS = (
    "productNameCompany",
    "productIds",
    "companyName",
    "created",
    "validityPeriodStart",
    "validityPeriodEnd",
    "precedingPfIds",
)
PCF_MEMBERS = (
    "pcfExcludingBiogenicUptake",
    "declaredUnitAmount",
    "declaredUnitOfMeasurement",
    "referencePeriodEnd",
)


def index_keys(index: FootprintIndex) -> list[tuple[KeyKind, str]]:
    """What a footprint can be found by: kind and folded value.

    A value with the character NUL is left out: peers may send one, nobody can ask for it
    (`criteria`), and PostgreSQL has no text that holds it.
    """
    by_kind: tuple[tuple[KeyKind, Iterable[str]], ...] = (
        (KeyKind.PRODUCT, index.product_ids),
        (KeyKind.COMPANY, index.company_ids),
        (KeyKind.CLASSIFICATION, index.classifications),
    )
    return [(kind, value) for kind, values in by_kind for value in values if NUL not in value]


def summary_of(document: Mapping[str, Any]) -> str:
    """What lists show of a footprint, as JSON; of a broken one, what there is, of usual length."""
    pcf = document.get("pcf")
    summary = {name: _bounded(document[name]) for name in MEMBERS if name in document}
    if isinstance(pcf, Mapping):
        summary |= {name: _bounded(pcf[name]) for name in PCF_MEMBERS if name in pcf}
    return json.dumps(summary, ensure_ascii=False)


def _bounded(value: Any) -> Any:
    """Cut where it is longer than what a footprint may hold, which only a broken one does."""
    if isinstance(value, str):
        return value[:MAX_URN_CHARACTERS]
    if isinstance(value, list):
        return [_bounded(one) for one in value[:MAX_ITEMS]]
    return value


def naming(found: Iterable[tuple[str, str]], footprint_id: str) -> list[str]:
    """The ids of footprints that name another one as preceding.

    Args:
        found: ids and summaries, such as of all whose summary has this id anywhere.
        footprint_id: of the other one, in lower case.
    """
    ids = []
    for one, summary in found:
        named = json.loads(summary).get("precedingPfIds")
        if isinstance(named, list) and footprint_id in {str(each).lower() for each in named}:
            ids.append(one)
    return ids
