"""The way in: inputs, a product, and a moment make a draft footprint with its explanation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from underseal_protocol.errors import RollUpError
from underseal_protocol.methodology_subject import Severity
from underseal_protocol.rollup import merging
from underseal_protocol.rollup.calculated import Calculated, calculate
from underseal_protocol.rollup.checks import INPUT_CHECKS, Terms
from underseal_protocol.rollup.draft import Issue, declaration_of, draft_document, stated_figures
from underseal_protocol.rollup.explanation import Explanation
from underseal_protocol.rollup.findings import RollUpFinding, finding
from underseal_protocol.rollup.inputs import RollUpInputs
from underseal_protocol.rollup.numbers import MAX_PLACES, Number, exact, shown_text
from underseal_protocol.rollup.properties import (
    CAPTURE,
    CCU_CARBON,
    EXCLUDING,
    FOSSIL_CARBON,
    INCLUDING,
    SUMMANDS,
)

__all__ = ["DEFAULT_DIGITS", "Identity", "RollUp", "RollUpOptions", "calculate_figures", "roll_up"]

# A PCF is never known to one part in a million, and each further digit tells of the recipe.
DEFAULT_DIGITS = 6
_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class RollUpOptions:
    """How results are rounded and judged.

    Attributes:
        significant_digits: of every calculated figure, 1 to 200.
        history_ratio: above 1; a PCF is far from its history if it is more than so many times the
            median, or less than one part in so many.
        mass_tolerance_percent: by which more mass may come out than goes in, 0 or more.
    """

    significant_digits: int = DEFAULT_DIGITS
    history_ratio: Number = Decimal(2)
    mass_tolerance_percent: Number = Decimal(1)


class Identity(StrEnum):
    """Whether a total is the sum of its components, before rounding."""

    HOLDS = "holds"
    NOT_CHECKABLE = "not checkable"  # components are not known
    BROKEN = "broken"  # the figures of an input do not add up


@dataclass(frozen=True, slots=True)
class RollUp:
    """A result.

    Attributes:
        document: the draft: a footprint of PACT 3.0, rounded, neither signed nor published.
        figures: everything calculated that it states, exactly, by PACT's names.
        identities: of the two totals, by PACT's names.
        findings: what a person should look at, the severest first.
        explanation: where the total comes from.
    """

    document: dict[str, Any]
    figures: Mapping[str, Fraction]
    identities: Mapping[str, Identity]
    findings: tuple[RollUpFinding, ...]
    explanation: Explanation = field(repr=False)


def roll_up(
    inputs: RollUpInputs,
    product_id: str,
    *,
    footprint_id: str,
    created: datetime,
    preceding: tuple[str, ...] = (),
    options: RollUpOptions | None = None,
    findings: Iterable[RollUpFinding] = (),
) -> RollUp:
    """Calculate the footprint of a product.

    Args:
        inputs: everything it may need.
        product_id: the product.
        footprint_id: of the draft; a UUID.
        created: when, aware; inputs have to be valid then.
        preceding: ids of footprints that it replaces.
        options: how it is rounded and judged.
        findings: about where the inputs come from, in addition to those about the inputs.

    Raises:
        RollUpError: it cannot be calculated; with product and line.
        UnitError: a unit is none, or cannot be converted; with product and line.
        SchemaError: what is declared does not fit PACT 3.0.
    """
    chosen = options or RollUpOptions()
    _require_options(chosen, created)
    calculated = calculate(inputs, product_id)
    issue = Issue(footprint_id, created, chosen.significant_digits, preceding)
    terms = Terms(created, chosen.history_ratio, chosen.mass_tolerance_percent)
    identities = _identities(calculated)
    found = [one for check in INPUT_CHECKS for one in check(calculated, terms)]
    found += [*_about_the_result(calculated, identities), *findings]
    return RollUp(
        draft_document(calculated, issue),
        MappingProxyType(stated_figures(calculated)),
        MappingProxyType(identities),
        tuple(sorted(found, key=lambda one: _SEVERITIES[one.severity])),
        Explanation(calculated),
    )


def calculate_figures(
    inputs: RollUpInputs, product_id: str
) -> tuple[Mapping[str, Fraction], Explanation]:
    """The figures alone, exactly: also of an intermediate that has no declaration.

    Args:
        inputs: everything it may need.
        product_id: the product.

    Raises:
        RollUpError, UnitError: as `roll_up`.
    """
    calculated = calculate(inputs, product_id)
    return MappingProxyType(stated_figures(calculated)), Explanation(calculated)


def _require_options(options: RollUpOptions, created: datetime) -> None:
    if not 1 <= options.significant_digits <= MAX_PLACES:
        raise RollUpError(
            f"{options.significant_digits} significant digits", hint=f"Keep 1 to {MAX_PLACES}."
        )
    if exact(options.history_ratio) <= 1 or exact(options.mass_tolerance_percent) < 0:
        raise RollUpError(
            f"a history ratio of {options.history_ratio} and a mass tolerance of "
            f"{options.mass_tolerance_percent} %",
            hint="The ratio is above 1, the tolerance 0 or more.",
        )
    if created.tzinfo is None:
        raise RollUpError("the time of creation has no time zone", hint="Give it in UTC.")


def _identities(calculated: Calculated) -> dict[str, Identity]:
    result = calculated.result
    adds_up = result.vector.adds_up
    known = not any(name in result.lacking for name in SUMMANDS)
    excluding = Identity.HOLDS if known else Identity.NOT_CHECKABLE
    return {
        EXCLUDING: excluding if adds_up else Identity.BROKEN,
        # Where an uptake is not stated, it is the difference of the totals.
        INCLUDING: Identity.HOLDS if adds_up else Identity.BROKEN,
    }


def _about_the_result(
    calculated: Calculated, identities: Mapping[str, Identity]
) -> Iterator[RollUpFinding]:
    result, declaration = calculated.result, declaration_of(calculated.root)
    for name, identity in identities.items():
        if identity is not Identity.HOLDS:
            missing = [one for one in SUMMANDS if one in result.lacking]
            rule = "broken-sum" if identity is Identity.BROKEN else "not-checkable"
            text = f"without {', '.join(missing)}" if missing else "because an input does not"
            groups = {id(g): g for one in missing for g in result.lacking[one]}.values()
            yield finding(rule, f"{name} cannot be checked: {text}", groups, properties=(name,))
    if FOSSIL_CARBON in result.lacking:
        yield finding(
            "carbon-content-incomplete",
            f"{FOSSIL_CARBON} is {shown_text(result.sums.get(FOSSIL_CARBON, Fraction()))} kg C "
            "without the inputs that do not state it",
            result.lacking[FOSSIL_CARBON],
            properties=(FOSSIL_CARBON,),
        )
    share, rated = merging.primary_data_share(calculated), merging.rated_share(calculated)
    if share is None:
        yield finding("no-emissions", f"product {calculated.root.id!r} emits nothing")
        return
    if share < 1 and not merging.databases(calculated):
        yield finding(
            "databases-unknown", f"{shown_text(100 - share * 100)} % of the data is secondary"
        )
    if rated < 1:
        yield finding(
            "ratings-missing", f"{shown_text(rated * 100)} % of the contributions have ratings"
        )
    if merging.proposed_validity(calculated, declaration) is None:
        yield finding("no-common-validity", "there is no time at which all inputs are valid")
    yield from _about_capture(calculated)


def _about_capture(calculated: Calculated) -> Iterator[RollUpFinding]:
    result, declaration = calculated.result, declaration_of(calculated.root)
    uses_carbon = bool(result.sums.get(CCU_CARBON))
    if (result.vector.captures or uses_carbon) and declaration.capture_origin is None:
        origins = {
            str(one.document["pcf"]["technologicalCO2CaptureOrigin"])
            for one in calculated.footprints
            if one.document["pcf"].get("technologicalCO2CaptureOrigin")
        }
        said = "; ".join(sorted(origins))
        yield finding(
            "capture-origin",
            f"captured CO2 is included without its origin; the inputs say: {said or 'nothing'}",
            properties=("technologicalCO2CaptureOrigin", CAPTURE),
        )
    if uses_carbon and len(approaches := merging.common_approach(calculated)) > 1:
        yield finding(
            "capture-approach-mixed",
            f"the inputs use the approaches {' and '.join(sorted(approaches))}",
            properties=("ccuCalculationApproach",),
        )
