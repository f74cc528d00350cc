"""What can be imported."""

from __future__ import annotations

from dataclasses import dataclass

from underseal_node.console.marks import _

__all__ = ["ENERGY", "FACTORS", "FOOTPRINTS", "KINDS", "MIXED", "PRODUCTS", "ROWS", "SPEND", "Kind"]

FOOTPRINTS, PRODUCTS, FACTORS, ENERGY = "footprints", "products", "factors", "energy"
SPEND = "spend"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        label: for people, marked for the catalogues.
        path: of the endpoint that takes such files.
        list_path: the page that shows what was taken; nothing if there is none.
    """

    label: str
    path: str
    list_path: str | None


KINDS = {
    FOOTPRINTS: Kind(_("Footprints"), "/footprints/import", "/footprints"),
    PRODUCTS: Kind(_("Products and bills of materials"), "/products/import", "/products"),
    FACTORS: Kind(_("Emission factors"), "/factors/import", None),
    ENERGY: Kind(_("Energy exports"), "/energy/import", None),
    SPEND: Kind(_("Spend on suppliers"), "/spend/import", "/board"),
}

MIXED = "mixed"
# What the rows of a sheet are, by the kind of file.
ROWS: dict[str, dict[str, str]] = {
    FOOTPRINTS: {"footprints": _("footprints, one in each row")},
    FACTORS: {"factor": _("emission factors, one in each row")},
    PRODUCTS: {
        "product": _("products, one in each row"),
        "material": _("materials of bills of materials"),
        "energy": _("energy that is used"),
        "transport": _("transport to or from you"),
        "packaging": _("packaging"),
        "waste": _("waste"),
        "direct": _("direct emissions"),
        MIXED: _("rows of all kinds: a column says which"),
    },
    ENERGY: {},
    SPEND: {"spend": _("what is spent, a supplier in each row")},
}
