"""Products whose footprints tell of suppliers are published by the roll-up alone: a file with the
same figures would get round the release gate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NodeError, RefusedError
from underseal_node.node import Node
from underseal_node.products.bills import Loader
from underseal_node.store import products
from underseal_protocol.criteria import fold
from underseal_protocol.errors import ProtocolError

__all__ = ["require_not_calculated"]


def require_not_calculated(
    session: Session, node: Node, documents: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse footprints of products that are calculated here from what suppliers have sent.

    Args:
        session: to read.
        node: whose products they are.
        documents: footprints that are to be published from a file.

    Raises:
        RefusedError: one is.
    """
    confidential = _confidential(session, node)
    if not confidential:
        return
    for document in documents:
        for urn in document.get("productIds", ()):
            product = confidential.get(fold(str(urn)))
            if product is not None:
                raise RefusedError(
                    f"{urn} is the product {product!r}, which is calculated here from footprints "
                    "of suppliers",
                    hint=f"`underseal product publish {product}` asks the release gate; a file "
                    "would get round it. If it is not to be calculated any more, import it without "
                    "these lines.",
                )


def _confidential(session: Session, node: Node) -> dict[str, str]:
    """The products that use received footprints, by folded product id."""
    loader = Loader(session, node.now(), node.identity)
    found: dict[str, str] = {}
    for row in products.all_products(session):
        try:
            is_confidential = bool(loader.load(row.id).used.footprints)
        except (NodeError, ProtocolError):
            is_confidential = True  # nobody can tell
        if is_confidential:
            declared = json.loads(row.document).get("declaration", {})
            found |= dict.fromkeys(map(fold, declared.get("productIds", ())), row.id)
    return found
