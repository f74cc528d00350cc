"""Whether the figures fit together: sums, signs, ranges, masses.

The tolerance of sums is `methodology_rules.TOLERANCE`, in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from underseal_protocol.decimals import add, half_unit, multiply, parse_decimal, subtract
from underseal_protocol.methodology_presence import BIO, BIO_2027, CCS
from underseal_protocol.methodology_subject import Severity, Subject, shown

__all__ = ["EXCLUDING", "FIGURE_CHECKS", "INCLUDING", "SUMMANDS", "UPTAKE", "is_sum"]

EXCLUDING, INCLUDING = "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake"
UPTAKE = "biogenicCO2Uptake"
# Of the PCF excluding uptake. Fossil emissions of land management are part of the fossil ones.
SUMMANDS = (
    "fossilGhgEmissions",
    "landUseChangeGhgEmissions",
    "landManagementBiogenicCO2Emissions",
    "landManagementBiogenicCO2Removals",
    "technologicalCO2Removals",
    "ccsTechnologicalCO2Capture",
    "biogenicNonCO2Emissions",
)
TOTAL_SECTION = "3.3.1"
CARBON_SECTION = "3.3.2.4"
UNIT_SECTION = "3.2.4"
QUALITY_SECTION = "4.2.3"
RATINGS = frozenset({"technologicalDQR", "geographicalDQR", "temporalDQR"})

# If one of these is left out, it may be unknown rather than zero.
_MAYBE_UNKNOWN = frozenset({*BIO, *BIO_2027})
_HUNDRED, _ZERO, _ONE, _FIVE = Decimal(100), Decimal(0), Decimal(1), Decimal(5)

# Units of energy, transport and services, whose products have no mass (Methodology, table 4).
_MASSLESS_UNITS = frozenset(
    {"kilowatt hour", "megajoule", "ton kilometer", "hour", "megabit second"}
)
# In kg per unit: a little less than hydrogen, a little more than osmium.
_DENSITIES = {
    "liter": (Decimal("0.00008"), Decimal(23)),
    "cubic meter": (Decimal("0.08"), Decimal(23000)),
}
_CARBON_CONTENTS = ("fossilCarbonContent", "biogenicCarbonContent")


def check_total_excluding(subject: Subject) -> None:
    """The PCF excluding uptake is the sum of its parts."""
    if not subject.is_shown(*SUMMANDS):
        return
    total = subject.number(EXCLUDING)
    numbers = {name: subject.number(name) for name in SUMMANDS}
    values = [value for value in numbers.values() if value is not None]
    if total is None or is_sum(total, values):
        return
    expected = add(values)
    maybe_unknown = _MAYBE_UNKNOWN
    if subject.pcf.get("ccsTechnologicalCO2CaptureIncluded"):
        maybe_unknown = maybe_unknown.union(CCS)
    unknown = [name for name, value in numbers.items() if value is None and name in maybe_unknown]
    hint = "Emissions, minus removals and captured CO2, make up the total."
    land = subject.number("landManagementFossilGhgEmissions")
    if land and is_sum(total, [*values, land]):
        hint = "landManagementFossilGhgEmissions is part of fossilGhgEmissions: count it once."
    elif unknown:
        verb = "is" if len(unknown) == 1 else "are"
        hint = f"{' and '.join(unknown)} {verb} left out and counted as 0."
    subject.add(
        "sum-excluding-uptake",
        Severity.WARNING if unknown else Severity.ERROR,
        f"/pcf/{EXCLUDING}",
        f"{EXCLUDING} is {shown(total)}, and its parts add up to {shown(expected)}",
        TOTAL_SECTION,
        hint,
    )


def check_total_including(subject: Subject) -> None:
    """The PCF including uptake is the other one and the uptake, which is never positive."""
    excluding, including = subject.number(EXCLUDING), subject.number(INCLUDING)
    if excluding is None or including is None:
        return
    if including > excluding:
        subject.add(
            "sum-including-uptake",
            Severity.ERROR,
            f"/pcf/{INCLUDING}",
            f"{INCLUDING} is {shown(including)}, more than {EXCLUDING}, which is "
            f"{shown(excluding)}",
            TOTAL_SECTION,
            "An uptake of CO2 lowers the footprint: it is negative.",
        )
    elif subject.is_shown(UPTAKE):
        uptake = subject.number(UPTAKE)
        values = [excluding] if uptake is None else [excluding, uptake]
        if not is_sum(including, values):
            subject.add(
                "sum-including-uptake",
                Severity.ERROR,
                f"/pcf/{INCLUDING}",
                f"{INCLUDING} is {shown(including)}; {EXCLUDING} and {UPTAKE} add up to "
                f"{shown(add(values))}",
                TOTAL_SECTION,
                f"{UPTAKE} is left out and counted as 0." if uptake is None else None,
            )


def check_parts(subject: Subject) -> None:
    """What is part of something is not larger than it."""
    land = "landManagementFossilGhgEmissions"
    part, fossil = subject.number(land), subject.number("fossilGhgEmissions")
    if part and fossil is not None and _exceed([part], [fossil]):
        subject.add(
            "part-of-fossil",
            Severity.ERROR,
            f"/pcf/{land}",
            f"{land} is {shown(part)}, more than fossilGhgEmissions, which include it and are "
            f"{shown(fossil)}",
            CARBON_SECTION,
        )


def check_signs(subject: Subject) -> None:
    """Signs that the schema leaves open."""
    mass = subject.number("productMassPerDeclaredUnit")
    if mass is not None and mass < _ZERO:
        subject.add(
            "sign",
            Severity.ERROR,
            "/pcf/productMassPerDeclaredUnit",
            f"productMassPerDeclaredUnit is {shown(mass)}, expected 0 or more",
            UNIT_SECTION,
        )


def check_ranges(subject: Subject) -> None:
    """Percentages are 0 to 100, data quality ratings 1 to 5."""
    for name, section in (("exemptedEmissionsPercent", "3.3.1.2"), ("primaryDataShare", "4.2.2")):
        value = subject.number(name)
        if value is not None and not _ZERO <= value <= _HUNDRED:
            subject.add(
                "range",
                Severity.ERROR,
                f"/pcf/{name}",
                f"{name} is {shown(value)}, expected a percentage from 0 to 100",
                section,
            )
    ratings = subject.pcf.get("dqi") or {}
    for name, rating in ratings.items():
        if name not in RATINGS:
            continue
        value = parse_decimal(rating)
        if not _ONE <= value <= _FIVE:
            subject.add(
                "range",
                Severity.ERROR,
                f"/pcf/dqi/{name}",
                f"{name} is {shown(value)}, expected a rating from 1 (best) to 5",
                QUALITY_SECTION,
            )


def check_mass(subject: Subject) -> None:
    """The mass fits the declared unit."""
    mass, amount = (
        subject.number("productMassPerDeclaredUnit"),
        subject.number("declaredUnitAmount"),
    )
    unit = subject.pcf["declaredUnitOfMeasurement"]
    if mass is None or amount is None or mass < _ZERO:
        return
    if unit == "kilogram":
        if mass != amount:
            _add_mass(
                subject,
                Severity.ERROR,
                f"the declared unit is {shown(amount)} kilogram, and its mass {shown(mass)} kg",
                "They are the same thing: without packaging, a kilogram has the mass of one.",
            )
    elif unit in _MASSLESS_UNITS:
        if mass:
            _add_mass(
                subject,
                Severity.INFO,
                f"the declared unit is {shown(amount)} {unit}, and its mass {shown(mass)} kg",
                "Energy, transport and services have the mass 0; what is only measured by them, "
                "as a battery by its capacity, has one.",
            )
    elif not mass:
        _add_mass(
            subject,
            Severity.WARNING,
            f"the declared unit is {shown(amount)} {unit}, and its mass is 0",
            "State the mass of the product without packaging, in kg.",
        )
    elif unit in _DENSITIES:
        _check_density(subject, unit, amount, mass)


def _check_density(subject: Subject, unit: str, amount: Decimal, mass: Decimal) -> None:
    """What is off by a factor of a thousand: grams or tonnes, taken for kilograms."""
    lightest, heaviest = (multiply(density, amount) for density in _DENSITIES[unit])
    if not lightest <= mass <= heaviest:
        _add_mass(
            subject,
            Severity.WARNING,
            f"the declared unit is {shown(amount)} {unit}, and its mass {shown(mass)} kg; "
            f"no material is that {'light' if mass < lightest else 'heavy'}",
            "State the mass of the whole declared unit, in kg.",
        )


def check_carbon(subject: Subject) -> None:
    """A product does not hold more carbon than it weighs, and no part more than the whole."""
    if not subject.is_shown(*_CARBON_CONTENTS):
        return
    contents = [
        value for value in (subject.number(name) for name in _CARBON_CONTENTS) if value is not None
    ]
    mass = subject.number("productMassPerDeclaredUnit")
    if mass is not None and mass > _ZERO and _exceed(contents, [mass]):
        subject.add(
            "carbon-content",
            Severity.ERROR,
            "/pcf/fossilCarbonContent",
            f"the product holds {shown(add(contents))} kg of carbon and weighs {shown(mass)} kg",
            CARBON_SECTION,
            "Carbon content is the mass of the carbon atoms, not of CO2.",
        )
    if subject.pcf.get("biogenicCarbonContent") is None:
        return
    for name, section in (("recycledCarbonContent", "3.3.2.2"), ("ccuCarbonContent", "3.3.2.5")):
        part = subject.number(name)
        if part and _exceed([part], contents):
            subject.add(
                "carbon-content",
                Severity.ERROR,
                f"/pcf/{name}",
                f"{name} is {shown(part)}, and all the carbon in the product "
                f"{shown(add(contents))} kg",
                section,
            )


def _add_mass(subject: Subject, severity: Severity, message: str, hint: str) -> None:
    subject.add("mass", severity, "/pcf/productMassPerDeclaredUnit", message, UNIT_SECTION, hint)


def _slack(values: Iterable[Decimal]) -> Decimal:
    """How far a sum may be off because its summands are rounded."""
    return add(half_unit(value) for value in values if value or value.as_tuple().exponent)


def is_sum(total: Decimal, values: list[Decimal]) -> bool:
    """Whether figures add up to a total, as closely as they are written
    (`methodology_rules.TOLERANCE`)."""
    difference = subtract(total, add(values))
    return not difference or difference.copy_abs() <= _slack([total, *values])


def _exceed(parts: list[Decimal], whole: list[Decimal]) -> bool:
    """Whether the parts are more than the whole, by more than they may be rounded."""
    return subtract(add(parts), add(whole)) > _slack([*parts, *whole])


FIGURE_CHECKS = (
    check_total_excluding,
    check_total_including,
    check_parts,
    check_signs,
    check_ranges,
    check_mass,
    check_carbon,
)
