"""Reading products and emission factors from JSON, a workbook or CSV."""

from __future__ import annotations

from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings

__all__ = ["read_factors", "read_products"]


def read_products(name: str, content: bytes, settings: Settings) -> ReadProducts:
    """The products in a file, and the factors that it holds beside them.

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        settings: whose limits hold.
    """
    raise NotImplementedError


def read_factors(name: str, content: bytes, settings: Settings) -> ReadProducts:
    """The emission factors in a file.

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        settings: whose limits hold.
    """
    raise NotImplementedError
