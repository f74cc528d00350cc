"""The result written as a footprint of PACT 3.0: rounded once, complete as far as the data goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_protocol.carbon import REGIONS, UNITS
from underseal_protocol.decimals import format_decimal
from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.fields import COUNTRY, SUBDIVISION
from underseal_protocol.footprint import normalise
from underseal_protocol.rollup import merging
from underseal_protocol.rollup.calculated import Calculated
from underseal_protocol.rollup.inputs import (
    Declaration,
    DirectEmission,
    Energy,
    Kind,
    Packaging,
    Product,
    Transport,
)
from underseal_protocol.rollup.numbers import exact, round_exact, shown
from underseal_protocol.rollup.properties import (
    CAPTURE,
    CCU_CARBON,
    CONTENTS,
    EXCLUDING,
    FOSSIL_CARBON,
    GROSS,
    INCLUDING,
    OUTBOUND,
    PACKAGING,
    PACKAGING_CARBON,
    REMOVALS,
    TAKEN_UP,
)
from underseal_protocol.rollup.sources import LeftOut
from underseal_protocol.rollup.units import Dimension, Unit, conversion, unit_of
from underseal_protocol.times import format_time

__all__ = [
    "Issue",
    "declaration_of",
    "draft_document",
    "geography_of",
    "percentage_text",
    "stated_figures",
]

SPEC_VERSION = "3.0.0"
_MASSLESS = frozenset({Dimension.ENERGY, Dimension.TRANSPORT, Dimension.TIME, Dimension.DATA})
_HUNDRED = Fraction(100)


@dataclass(frozen=True, slots=True)
class Issue:
    """What a draft gets from whoever makes it.

    Attributes:
        footprint_id: a UUID.
        created: aware.
        digits: significant ones, of everything that is calculated.
        preceding: ids of footprints that it replaces.
    """

    footprint_id: str
    created: datetime
    digits: int
    preceding: tuple[str, ...] = ()


def draft_document(calculated: Calculated, issue: Issue) -> dict[str, Any]:
    """The draft footprint.

    Args:
        calculated: the result.
        issue: what else it needs.

    Raises:
        RollUpError: the product has no declaration, or a figure cannot be stated.
        SchemaError: the declaration does not fit PACT 3.0.
    """
    product, declaration = calculated.root, declaration_of(calculated.root)
    validity = merging.proposed_validity(calculated, declaration)
    document = {
        "id": issue.footprint_id,
        "specVersion": SPEC_VERSION,
        "precedingPfIds": list(issue.preceding) or None,
        "created": format_time(issue.created),
        "status": "Active",
        "validityPeriodStart": format_time(validity.start) if validity else None,
        "validityPeriodEnd": format_time(validity.end) if validity else None,
        "companyName": declaration.company_name,
        "companyIds": list(declaration.company_ids),
        "productDescription": declaration.description,
        "productIds": list(declaration.product_ids),
        "productClassifications": list(declaration.classifications) or None,
        "productNameCompany": declaration.product_name,
        "comment": declaration.comment,
        "pcf": {
            **_scope(product, declaration),
            **_rounded(stated_figures(calculated), issue.digits),
            **_flags(calculated, declaration),
            **_quality(calculated, declaration, issue.digits),
            **_method(calculated, declaration),
        },
    }
    return normalise(document)


def declaration_of(product: Product) -> Declaration:
    """What a footprint of the product says besides its figures.

    Raises:
        RollUpError: there is nothing.
    """
    if product.declaration is None:
        raise RollUpError(
            f"product {product.id!r} has no declaration: company, ids, reference period",
            hint="Fill in product IDs, description and period. Without them it is an intermediate, "
            "which is calculated together with the products that it is in.",
        )
    return product.declaration


def stated_figures(calculated: Calculated) -> dict[str, Fraction]:
    """Everything calculated that the footprint states, exactly, by PACT's names.

    Components that are not known are not there; see docs/adr/0015-roll-up.md for the others.
    """
    result = calculated.result
    sums, lacking, zero = result.sums, result.lacking, Fraction()
    excluding = sums.get(EXCLUDING, zero)
    figures = {
        EXCLUDING: excluding,
        INCLUDING: excluding + sums.get(TAKEN_UP, zero),
        FOSSIL_CARBON: sums.get(FOSSIL_CARBON, zero),
    }
    for name in (*GROSS, *CONTENTS):
        if name not in lacking:
            figures[name] = sums.get(name, zero)
    if not result.vector.captures:
        for name in (CAPTURE, REMOVALS):
            figures.pop(name, None)
    if not figures.get(CCU_CARBON):
        figures.pop(CCU_CARBON, None)
    if _packaging_included(calculated.root):
        figures[PACKAGING] = sums.get(PACKAGING, zero)
        if PACKAGING_CARBON not in lacking:
            figures[PACKAGING_CARBON] = sums.get(PACKAGING_CARBON, zero)
    if any(group.is_outbound for group in result.groups):
        figures[OUTBOUND] = sums.get(OUTBOUND, zero)
    return figures


def _scope(product: Product, declaration: Declaration) -> dict[str, Any]:
    unit, amount = _declared_unit(product)
    start, end = declaration.period_start, declaration.period_end
    if start.tzinfo is None or end.tzinfo is None:
        raise RollUpError(
            f"the reference period of product {product.id!r} has no time zone",
            hint="Give its ends in UTC.",
        )
    return {
        "declaredUnitOfMeasurement": unit,
        "declaredUnitAmount": amount,
        "productMassPerDeclaredUnit": _finite(product, "the mass", _mass_of(product)),
        "referencePeriodStart": format_time(start),
        "referencePeriodEnd": format_time(end),
        **_geography(product, declaration.geography),
    }


def _declared_unit(product: Product) -> tuple[str, str]:
    """A unit of PACT and the amount of it; a tonne is 1000 kilograms."""
    declared = product.declared_unit
    unit = unit_of(declared.unit)
    name = unit.name if unit.name in UNITS else _unit_of_pact(unit)
    amount = exact(declared.amount) * conversion(unit.name, name)
    return name, _finite(product, "the declared amount", amount)


def _unit_of_pact(unit: Unit) -> str:
    found = next((one for one in UNITS if unit_of(one).dimension is unit.dimension), None)
    if found is None:
        raise UnitError(
            f"no footprint is declared per {unit.name}", hint=f"PACT has {', '.join(UNITS)}."
        )
    return found


def _mass_of(product: Product) -> Fraction:
    """The mass of the declared unit in kg; 0 for energy, transport, services and data."""
    declared = product.declared_unit
    if product.mass_kg is not None:
        return exact(product.mass_kg)
    try:
        return exact(declared.amount) * conversion(declared.unit, "kg", product.properties)
    except UnitError as error:
        if unit_of(declared.unit).dimension in _MASSLESS:
            return Fraction()
        raise RollUpError(
            f"the mass of product {product.id!r} is not known: {error.message}",
            hint="State its mass per declared unit in kg.",
        ) from None


def _finite(product: Product, what: str, value: Fraction) -> str:
    text, is_exact = shown(value)
    if not is_exact:
        raise RollUpError(
            f"{what} of product {product.id!r} is {value}, no finite decimal",
            hint="Choose another amount.",
        )
    return text


def geography_of(place: str) -> str | None:
    """The property of PACT that a place is stated in; None if it is no place."""
    if place in REGIONS:
        return "geographyRegionOrSubregion"
    if COUNTRY.fullmatch(place):
        return "geographyCountry"
    return "geographyCountrySubdivision" if SUBDIVISION.fullmatch(place) else None


def _geography(product: Product, place: str | None) -> dict[str, str]:
    if place is None:
        return {}
    name = geography_of(place)
    if name is not None:
        return {name: place}
    raise RollUpError(
        f"product {product.id!r} is made in {place!r}, which is no place of PACT",
        hint="Give a country (DE), a part of one (DE-BW), or a UN region (Europe).",
    )


def _rounded(figures: Mapping[str, Fraction], digits: int) -> dict[str, str]:
    return {name: format_decimal(round_exact(value, digits)) for name, value in figures.items()}


def _packaging_included(product: Product) -> bool:
    has_any = any(isinstance(one, Packaging) and one.packs is None for one in product.lines)
    if has_any and product.packaging_included is False:
        raise RollUpError(
            f"product {product.id!r} has packaging, and says that none is included",
            hint="Take the lines out, or let packaging_included be true.",
        )
    return has_any if product.packaging_included is None else product.packaging_included


def _flags(calculated: Calculated, declaration: Declaration) -> dict[str, Any]:
    captures = calculated.result.vector.captures
    uses_carbon = bool(calculated.result.sums.get(CCU_CARBON))
    approaches = merging.common_approach(calculated) if uses_carbon else set()
    approach = next(iter(approaches)) if len(approaches) == 1 else None
    return {
        "packagingEmissionsIncluded": _packaging_included(calculated.root),
        "ccsTechnologicalCO2CaptureIncluded": captures,
        "technologicalCO2CaptureOrigin": declaration.capture_origin
        if captures or uses_carbon
        else None,
        "ccuCalculationApproach": approach,
        "ccuCreditCertification": declaration.ccu_credit_certification
        if approach == "Credit"
        else None,
    }


def _quality(calculated: Calculated, declaration: Declaration, digits: int) -> dict[str, Any]:
    exempted = merging.exempted_percent(calculated, declaration)
    share, ratings = merging.primary_data_share(calculated), merging.data_quality(calculated)
    found = merging.databases(calculated) if share is None or share < 1 else []
    return {
        "exemptedEmissionsPercent": percentage_text(exempted, digits),
        "exemptedEmissionsDescription": _exemptions(calculated, declaration, exempted),
        "secondaryEmissionFactorSources": found or None,
        "primaryDataShare": None if share is None else percentage_text(share * 100, digits),
        "dqi": None if ratings is None else _rounded(ratings, digits),
    }


def percentage_text(value: Fraction, digits: int) -> str:
    """A percentage, rounded, but never to 100 what is less: that would say that there is nothing
    else.

    Args:
        value: 0 to 100.
        digits: significant ones.
    """
    rounded = round_exact(value, digits)
    if rounded == 100 and value < _HUNDRED:
        kept = max(digits, 2)
        rounded = Decimal((0, (9,) * kept, 2 - kept))  # the largest number below it
    return format_decimal(rounded)


def _exemptions(calculated: Calculated, declaration: Declaration, percent: Fraction) -> str | None:
    texts = [declaration.exempted_description or ""]
    for evaluated, _ in calculated.used_products():
        for line in evaluated.left_out:
            if isinstance(line.source, LeftOut):
                texts.append(line.source.reason)
    if any(
        received.document["pcf"].get("exemptedEmissionsPercent") not in (None, "0")
        for received in calculated.footprints
    ):
        texts.append("Exemptions of suppliers are included in the percentage.")
    stated = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return " ".join(stated) or (None if percent else "None.")


def _method(calculated: Calculated, declaration: Declaration) -> dict[str, Any]:
    return {
        "boundaryProcessesDescription": declaration.boundary or _boundary(calculated),
        "allocationRulesDescription": declaration.allocation,
        "ipccCharacterizationFactors": merging.assessment_reports(calculated, declaration),
        "crossSectoralStandards": merging.standards(calculated, declaration),
        "productOrSectorSpecificRules": [dict(one) for one in declaration.specific_rules] or None,
    }


def _boundary(calculated: Calculated) -> str:
    """Kinds, energy carriers, modes and processes: no names of materials, which are the recipe."""
    lines = [line for one, _ in calculated.used_products() for line in one.product.lines]
    kinds = {line.kind for line in lines}
    parts = ["production of materials"] if Kind.MATERIAL in kinds else []
    parts += _with("energy", (one.name for one in lines if isinstance(one, Energy)))
    inbound = (one for one in lines if isinstance(one, Transport))
    parts += _with("transport", (one.mode.value for one in inbound))
    parts += _with("processes", (one.name for one in lines if isinstance(one, DirectEmission)))
    parts += ["packaging"] if Kind.PACKAGING in kinds else []
    parts += ["treatment of waste"] if Kind.WASTE in kinds else []
    return f"Cradle to gate: {'; '.join(parts)}." if parts else "Cradle to gate."


def _with(what: str, names: Iterable[str]) -> Iterator[str]:
    found = sorted(set(names))
    if found:
        yield f"{what} ({', '.join(found)})"
