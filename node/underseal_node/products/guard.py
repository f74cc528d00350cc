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
    named = {fold(str(urn)) for one in documents for urn in one.get("productIds", ())}
    loader = Loader(session, node.now(), node.identity)
    for row in products.all_products(session):
        declared = json.loads(row.document).get("declaration", {})
        urns = [urn for urn in declared.get("productIds", ()) if fold(urn) in named]
        if urns and _is_confidential(loader, row.id):
            raise RefusedError(
                f"{urns[0]} is the product {row.id!r}, which is calculated here from footprints of "
                "suppliers",
                hint=f"`underseal product publish {row.id}` asks the release gate; a file would "
                "get round it. If it is not to be calculated any more, import it without these "
                "lines.",
            )


def _is_confidential(loader: Loader, product_id: str) -> bool:
    """Whether it is made of received footprints, as far as anybody can tell."""
    try:
        return bool(loader.load(product_id).used.footprints)
    except (NodeError, ProtocolError):
        return True
