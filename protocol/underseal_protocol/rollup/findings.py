"""What a calculation has to tell besides its result. `RULES` lists all kinds of findings;
docs/explanation/roll-up.md explains them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from underseal_protocol.methodology_subject import Severity
from underseal_protocol.rollup.groups import Group, LineRef

__all__ = ["RULES", "RollUpFinding", "RollUpRule", "finding", "lines_of"]

_ERROR, _WARNING, _INFO = Severity


@dataclass(frozen=True, slots=True)
class RollUpRule:
    """A kind of finding.

    Attributes:
        id: what findings name.
        severity: how much it matters.
        meaning: when it is found.
        hint: what usually helps.
    """

    id: str
    severity: Severity
    meaning: str
    hint: str


@dataclass(frozen=True, slots=True)
class RollUpFinding:
    """Something that a person should look at.

    Attributes:
        rule: the id of the kind, in `RULES`.
        severity: how much it matters.
        message: one sentence with the figures.
        hint: what to do.
        lines: that it comes from; none if it is about the product as a whole.
        properties: of PACT that it is about.
    """

    rule: str
    severity: Severity
    message: str
    hint: str
    lines: tuple[LineRef, ...] = ()
    properties: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is shown to programs."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "lines": [str(line) for line in self.lines],
            "properties": list(self.properties),
        }


_ALL = (
    RollUpRule(
        "not-valid",
        _WARNING,
        "A received footprint is used outside of its validity period.",
        "Ask the supplier for a current footprint.",
    ),
    RollUpRule(
        "deprecated",
        _WARNING,
        "A received footprint is deprecated.",
        "Pull its successor and match the lines to it.",
    ),
    RollUpRule(
        "unsigned",
        _WARNING,
        "A received footprint has no credential: nothing proves that the supplier has made it.",
        "Ask the supplier for a signed footprint, or check the figures with the supplier.",
    ),
    RollUpRule(
        "other-version",
        _WARNING,
        "A received footprint follows another version of the Tech Specs than 3.",
        "Ask the supplier for a footprint of PACT 3.0.",
    ),
    RollUpRule(
        "does-not-add-up",
        _WARNING,
        "The totals of an input differ from the sum of its components. Its totals count.",
        "Ask the supplier to correct the footprint, or correct the factor.",
    ),
    RollUpRule(
        "factor-unverified",
        _INFO,
        "Nobody has looked up a factor at its source.",
        "Look it up, or use a factor with a source.",
    ),
    RollUpRule(
        "component-missing",
        _WARNING,
        "An input does not state components of its total. They are left out of the result; the "
        "total counts as it is stated.",
        "Ask the supplier for the level breakdown, or complete the factor with 0 where it applies.",
    ),
    RollUpRule(
        "fossil-assumed",
        _INFO,
        "A factor states a total only, and counts as fossil.",
        "State the components of the factor if they are known.",
    ),
    RollUpRule(
        "carbon-content-incomplete",
        _WARNING,
        "The fossil carbon content, which PACT requires, counts only the inputs that state it.",
        "State the carbon content of the product from its composition.",
    ),
    RollUpRule(
        "not-checkable",
        _INFO,
        "A total cannot be checked against its components, because some are not known.",
        "It needs no action; customers see the total, and components as far as they are known.",
    ),
    RollUpRule(
        "broken-sum",
        _WARNING,
        "A total differs from the sum of its components, because that of an input does.",
        "See the input that does not add up.",
    ),
    RollUpRule(
        "reports-mixed",
        _WARNING,
        "Characterization factors of several IPCC assessment reports are mixed.",
        "Use inputs with the factors of AR6; CH4 and N2O weigh differently before.",
    ),
    RollUpRule(
        "report-unknown",
        _INFO,
        "It is not known which characterization factors a factor uses.",
        "Look it up and state it with the factor.",
    ),
    RollUpRule(
        "ratings-of-other-scale",
        _WARNING,
        "Data quality ratings are not on the scale from 1 to 5, such as those of PACT 2 from 1 to "
        "3. They are not used.",
        "Rate the lines yourself, or ask for a footprint of PACT 3.0.",
    ),
    RollUpRule(
        "ratings-missing",
        _WARNING,
        "Inputs have no data quality ratings. The averages are over the others.",
        "Rate the factors, and the lines whose sources have no ratings.",
    ),
    RollUpRule(
        "primary-share-missing",
        _WARNING,
        "A received footprint does not state its primary data share. It counts as 0 %.",
        "Ask the supplier for it; PACT requires it.",
    ),
    RollUpRule(
        "databases-unknown",
        _INFO,
        "Secondary data was used, and it is not known from which database.",
        "Ask the suppliers for the level quality.",
    ),
    RollUpRule(
        "packaging-twice",
        _WARNING,
        "Packaging is probably counted twice.",
        "Take the packaging line out if the footprint of what it packs includes it.",
    ),
    RollUpRule(
        "transport-twice",
        _WARNING,
        "Transport is probably counted twice: by a line, and by the outbound logistics of what it "
        "carries.",
        "If both are the same journey, set with_outbound of the carried line to false.",
    ),
    RollUpRule(
        "mass-balance",
        _WARNING,
        "More mass comes out than goes in.",
        "Look for a missing material, a wrong unit or a wrong basis. Water and air count as well.",
    ),
    RollUpRule(
        "far-from-history",
        _WARNING,
        "A PCF per unit is far from what it was before.",
        "Look for a wrong unit or declared amount, or ask the supplier what has changed.",
    ),
    RollUpRule(
        "capture-origin",
        _WARNING,
        "Captured CO2 is included, and its origin is not stated.",
        "State the origin in the declaration, if need be in the words of the inputs.",
    ),
    RollUpRule(
        "capture-approach-mixed",
        _WARNING,
        "Inputs with captured carbon use different approaches. None is stated.",
        "Ask for footprints with one approach.",
    ),
    RollUpRule(
        "no-common-validity",
        _WARNING,
        "There is no time at which all inputs are valid. No validity period is proposed.",
        "Ask the suppliers for current footprints.",
    ),
    RollUpRule(
        "left-out",
        _INFO,
        "A line is left out.",
        "Estimate what is left out, so that the exempted percentage is right.",
    ),
    RollUpRule(
        "no-emissions",
        _WARNING,
        "Nothing contributes, so that there is no primary data share and no data quality.",
        "Look for lines that are missing.",
    ),
    RollUpRule(
        "energy-unallocated",
        _WARNING,
        "Metered energy could not be allocated to any product: it is in no footprint.",
        "Correct the line of the meter or of the orders, or give the products a weight.",
    ),
    RollUpRule(
        "energy-without-production",
        _INFO,
        "Energy was metered while nothing was made. It is in no footprint.",
        "If standby and cleaning belong to the products, allocate over the whole period.",
    ),
    RollUpRule(
        "meter-gaps",
        _WARNING,
        "A meter says nothing for a part of the reference period. That energy is missing.",
        "Import what is missing, or an estimate of it.",
    ),
)
RULES = MappingProxyType({rule.id: rule for rule in _ALL})


def finding(
    rule: str,
    message: str,
    groups: Iterable[Group] = (),
    *,
    lines: tuple[LineRef, ...] = (),
    properties: Iterable[str] = (),
    hint: str | None = None,
) -> RollUpFinding:
    """A finding of a kind.

    Args:
        rule: the id of the kind.
        message: one sentence with the figures.
        groups: whose lines it comes from.
        lines: further lines.
        properties: of PACT that it is about.
        hint: in place of that of the kind.
    """
    kind = RULES[rule]
    found = (*lines, *lines_of(groups))
    return RollUpFinding(rule, kind.severity, message, hint or kind.hint, found, tuple(properties))


def lines_of(groups: Iterable[Group]) -> tuple[LineRef, ...]:
    """The lines of several groups, sorted."""
    return tuple(sorted({ref for group in groups for ref in group.refs}))
