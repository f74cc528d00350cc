"""Texts that would do something if a page took them for more than text, and footprints full of
them."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["CANARIES", "ODD_VALUES", "broken", "full_of", "require_text"]

CANARIES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "100%(x)s%",
    "{{ 7 * 7 }}",
)
CANARY = " ".join(CANARIES)
ODD_VALUES = ("", "-1", "zzz", "\0", "%00", "\u2028", "x" * 3000, "9" * 30, *CANARIES)

# Members whose text is free.
FREE = ("productDescription", "productNameCompany", "comment", "companyName")
FREE_IN_PCF = (
    "boundaryProcessesDescription",
    "allocationRulesDescription",
    "exemptedEmissionsDescription",
    "technologicalCO2CaptureOrigin",
)


def full_of(document: dict[str, Any]) -> dict[str, Any]:
    """A footprint of the right form, with such texts wherever the form allows them."""
    pcf = document["pcf"] | dict.fromkeys(FREE_IN_PCF, CANARY)
    pcf |= {
        "crossSectoralStandards": [CANARY],
        "secondaryEmissionFactorSources": [{"name": CANARY, "version": CANARY}],
        "productOrSectorSpecificRules": [
            {"operator": "Other", "otherOperatorName": CANARY, "ruleNames": [CANARY]}
        ],
        "verification": dict.fromkeys(("providerName", "standardName", "comments"), CANARY),
        CANARY: CANARY,
    }
    made = document | dict.fromkeys((name for name in FREE if name in document), CANARY)
    return made | {"pcf": pcf, CANARY: {CANARY: [CANARY]}}


def broken(value: Any) -> Any:
    """A footprint in which each text but its id is such a text."""
    if isinstance(value, dict):
        return {name: one if name == "id" else broken(one) for name, one in value.items()}
    if isinstance(value, list):
        return [broken(one) for one in value]
    return CANARY if isinstance(value, str) else value


def require_text(html: str, *, shown: bool = True) -> None:
    """Require that all of these texts are shown, and are text."""
    for canary in CANARIES[:2]:
        assert canary not in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    if shown:
        html = html.replace("<wbr>", "")  # between the parts of what is long
        assert escape(CANARIES[0]) in html
        assert CANARIES[2] in html
        assert CANARIES[3] in html
