"""Figures as pages of products show them, through `Decimal` from text to text."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from underseal_node.console.pages import Visit

__all__ = ["MAX_PRECISION", "amount_of", "difference", "short"]

# Exact sums of figures with 200 digits before and after the point.
MAX_PRECISION = 600
DIGITS = 6  # significant ones, as many as a footprint is published with
SHARE_PLACES = Decimal("0.000001")


def short(text: str) -> str:
    """A figure with as many significant digits as people compare; one with fewer stays as it is."""
    with localcontext(prec=MAX_PRECISION):
        figure = Decimal(text)
        if not figure or len(figure.as_tuple().digits) <= DIGITS:
            return format(figure, "f")
        place = Decimal(1).scaleb(figure.adjusted() - DIGITS + 1)
        return format(figure.quantize(place).normalize(), "f")


def difference(before: str, after: str) -> dict[str, Any]:
    """How much a figure has changed.

    Returns:
        `change`, as `short` writes it; `sign`, `+` if it is above 0; `share` of the old figure,
        None if that is 0.
    """
    with localcontext(prec=MAX_PRECISION):
        old, new = Decimal(before), Decimal(after)
        change = new - old
        share = (change / abs(old)).quantize(SHARE_PLACES) if old else None
        return {
            "change": short(format(change.normalize(), "f")),
            "sign": "+" if change > 0 else "",
            "share": None if share is None else format(share, "f"),
        }


def amount_of(visit: Visit, text: str) -> str:
    """The amount of a line, such as `0.4 t x 800 km`, with the figures of the reader's language."""
    parts = []
    for part in text.split(" x "):
        figure, blank, unit = part.partition(" ")
        parts.append(f"{visit.language.number(figure)}{blank}{unit}")
    return " × ".join(parts)
