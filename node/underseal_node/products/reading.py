"""Reading products and emission factors from JSON, a workbook or CSV.

Which it is follows from the content; the name only helps with what has none.
"""

from __future__ import annotations

from collections.abc import Callable

from underseal_node.errors import RefusedError
from underseal_node.products.json_documents import read_json_documents
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings
from underseal_node.sheets.files import Form, form_of
from underseal_node.sheets.problems import Problem

__all__ = ["read_factors", "read_products"]

PRODUCT_HINT = (
    "Rows that begin with # are ignored; clear their first cell to import them. `underseal product "
    "template FILE.xlsx` writes a workbook to fill in."
)
FACTOR_HINT = "A factor has an ID, a value, a unit and a source; see the sheet Factors of it."


def read_products(name: str, content: bytes, settings: Settings) -> ReadProducts:
    """The products in a file, and the factors that it holds beside them.

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        settings: whose limits hold.
    """
    found = _read(name, content, settings, with_products=True)
    if not found.products and not found.factors and not found.problems:
        return _with(found, "there is no product in it", PRODUCT_HINT)
    return found


def read_factors(name: str, content: bytes, settings: Settings) -> ReadProducts:
    """The emission factors in a file; products in it are left aside.

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        settings: whose limits hold.
    """
    found = _read(name, content, settings, with_products=False)
    if not found.factors and not found.problems:
        return _with(found, "there is no factor in it", FACTOR_HINT)
    return found


def _read(name: str, content: bytes, settings: Settings, *, with_products: bool) -> ReadProducts:
    try:
        form = form_of(name, content, settings)
        if form is Form.JSON:
            return read_json_documents(name, content, settings, with_products=with_products)
        # The libraries for sheets take time to load.
        from underseal_node.products.sheet_reading import read_csv, read_workbook

        read: Callable[..., ReadProducts] = read_workbook if form is Form.WORKBOOK else read_csv
        return read(name, content, settings, with_products=with_products)
    except RefusedError as error:
        return ReadProducts(name, problems=(Problem(name, "", error.message, error.hint),))


def _with(found: ReadProducts, message: str, hint: str) -> ReadProducts:
    return ReadProducts(found.file, problems=(Problem(found.file, "", message, hint),))
