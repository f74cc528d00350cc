"""Which product a request is about. Ids may have any character, so they stand in the query."""

from __future__ import annotations

from underseal_node.console.pages import Visit, with_query

__all__ = ["product_of", "product_page"]


def product_of(visit: Visit) -> str:
    """The id of the product, as it was sent: blanks belong to it."""
    return visit.request.query_params.get("product", "")


def product_page(page: str, product_id: str) -> str:
    """An address of one of the pages of a product."""
    return with_query(f"/products/{page}", product=product_id)
