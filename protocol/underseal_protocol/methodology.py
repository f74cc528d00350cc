"""The reporting rules of the PACT Methodology, and what the data model asks beyond its schema.

The schema says what a footprint looks like; breaking it is an error, and nothing is signed. These
rules say what a footprint has to tell; breaking them is a finding, for the owner to judge.
`methodology_rules` lists them. Each is checked by a function of one of three modules:
`methodology_presence` (which properties have to be there), `methodology_figures` (whether the
figures fit together) and `methodology_scope` (times, places, identifiers).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from underseal_protocol.carbon import CarbonFootprint
from underseal_protocol.disclosure import Block, properties_of
from underseal_protocol.footprint import ProductFootprint, normalise
from underseal_protocol.methodology_figures import FIGURE_CHECKS
from underseal_protocol.methodology_presence import PRESENCE_CHECKS
from underseal_protocol.methodology_scope import SCOPE_CHECKS
from underseal_protocol.methodology_subject import Finding, Severity, Subject

__all__ = ["CHECKS", "Finding", "Severity", "check"]

CHECKS = (*SCOPE_CHECKS, *FIGURE_CHECKS, *PRESENCE_CHECKS)

_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}
_PCF = "/pcf"


def check(
    document: Mapping[str, Any],
    *,
    today: date,
    withheld: Collection[Block] = (),
    is_normal: bool = False,
) -> list[Finding]:
    """Everything in which a footprint does not follow the rules.

    The severest come first, equal ones in the order of the data model.

    Args:
        document: a footprint.
        today: for rules that begin on a date.
        withheld: blocks that are not shown: nothing is said about what may be in them.
        is_normal: the document comes from `footprint.normalise`, which then is not repeated.

    Raises:
        SchemaError: it does not have the form of PACT 3.0.
    """
    normal = document if is_normal else normalise(document)
    subject = Subject(normal, today, properties_of(withheld))
    for rule in CHECKS:
        rule(subject)
    return sorted(subject.findings, key=_place)


def _place(finding: Finding) -> tuple[int, int]:
    names = finding.pointer.split("/", 3)
    pointer = "/".join(names[: 3 if names[1] == "pcf" else 2])
    return _SEVERITIES[finding.severity], _POSITIONS[pointer]


def _positions() -> dict[str, int]:
    """Pointers to the properties, in the order of the data model."""
    pointers: list[str] = []
    for field in ProductFootprint.model_fields.values():
        pointers.append(f"/{field.alias}")
        if pointers[-1] == _PCF:
            members = CarbonFootprint.model_fields.values()
            pointers += [f"{_PCF}/{member.alias}" for member in members]
    return {pointer: position for position, pointer in enumerate(pointers)}


_POSITIONS = _positions()
