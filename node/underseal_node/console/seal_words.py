"""Sealed sums on pages: the figures, the grades, and what whoever sees one learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underseal_node.console.marks import _
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.verdict import Grade

__all__ = ["FIGURES", "GRADES", "SEALED", "SEALED_TEXT", "seen_sums"]

SEALED = "sealed"
"""What a grant of a sealed sum has in the place of a disclosure level."""

SEALED_TEXT = _("sealed: the sealed sum of single footprints, and nothing else of them")

FIGURES = {
    SealedProperty.EXCLUDING.value: _("PCF excluding biogenic uptake"),
    SealedProperty.FOSSIL.value: _("Fossil emissions"),
}
"""By property: what can be endorsed and sealed."""

GRADES = {
    Grade.ORIGIN.value: _("Arithmetic only: which endorsed values went in, not how much of them."),
    Grade.MASS.value: _("The endorsed inputs weigh at least as much as the product."),
    Grade.ATTESTED.value: _(
        "A verifier that we know has compared the sealed quantities with the publisher’s books."
    ),
}
"""By grade: what binds the quantities."""


def seen_sums(preview: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The footprints of a preview of which the partner sees the sealed sum, too."""
    return [one for one in preview["data"] if one.get("sealedSum")]
