"""One product, calculated: everything that adds up, per declared unit, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.groups import Basis, Group, VectorOf, basis_of, group_lines
from underseal_protocol.rollup.inputs import DirectEmission, Kind, Product, SourcedLine
from underseal_protocol.rollup.numbers import Sums, exact, multiplied
from underseal_protocol.rollup.properties import (
    AIRCRAFT,
    BIOGENIC_CARBON,
    CARBON,
    EXCLUDING,
    EXEMPTED,
    FOSSIL_CARBON,
    GROSS,
    OF_OUTBOUND,
    OUTBOUND,
    PACKAGING,
    PACKAGING_CARBON,
    PRIMARY,
    RATED,
    RATINGS,
    RECYCLED_CARBON,
    WEIGHT,
)
from underseal_protocol.rollup.reading import ratios_of, require_signs
from underseal_protocol.rollup.sources import LeftOut
from underseal_protocol.rollup.units import with_mass_of_unit
from underseal_protocol.rollup.vectors import (
    Figures,
    Vector,
    make_vector,
    over_common_denominator,
    set_totals,
    with_quality,
)

__all__ = [
    "DIRECT_NAMES",
    "Evaluated",
    "direct_figures",
    "evaluate",
    "figures_of_use",
    "lacking_of",
]

DIRECT_NAMES = tuple(name for name in GROSS if name != AIRCRAFT)
_NOTHING = frozenset[str]()
_GROSS = frozenset(GROSS)
_TRANSPORT_LACKS = _GROSS - {AIRCRAFT}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A product of ours, calculated.

    Attributes:
        product: what was calculated.
        basis: what amounts of its lines are multiplied by.
        groups: its lines that use a source, in groups.
        direct: its direct emissions.
        left_out: its lines that are exempted.
        sums: everything that adds up, per declared unit; what is missing is 0.
        lacking: properties that are not known -> because of which lines.
        vector: the product as a source of others.
    """

    product: Product
    basis: Basis
    groups: list[Group]
    direct: list[DirectEmission]
    left_out: list[SourcedLine]
    sums: dict[str, Fraction]
    lacking: dict[str, list[Group]]
    vector: Vector


def evaluate(product: Product, vector_of: VectorOf) -> Evaluated:
    """Calculate a product.

    Args:
        product: to be calculated.
        vector_of: gives the vector of a source; products among them are calculated already.

    Raises:
        RollUpError: something in its lines cannot be calculated; named with the line.
        UnitError: a unit cannot be converted.
    """
    basis = basis_of(product)
    groups, direct, left_out = group_lines(product, vector_of)
    sums = Sums()
    by_lack: dict[frozenset[str], list[Group]] = {}
    adds_up, captures = True, False
    for group in groups:
        group.close(basis)
        if not group.used[0]:
            continue
        figures = figures_of_use(group)
        sums.add(group.used, _used(group, figures), figures.denominator)
        if group.contained[0]:
            sums.add(group.contained, _contained(group, figures), figures.denominator)
        missing = lacking_of(group)
        if missing:
            by_lack.setdefault(missing, []).append(group)
        if not group.is_outbound:
            adds_up = adds_up and group.vector.adds_up
            captures = captures or group.vector.captures
    for emission in direct:
        figures = direct_figures(product, emission)
        sums.add(basis.started, figures.counted, figures.denominator)
    _add_left_out(sums, left_out, basis)
    totals = sums.totals()
    lacking: dict[str, list[Group]] = {}
    for missing, lacking_groups in by_lack.items():
        for name in missing:
            lacking.setdefault(name, []).extend(lacking_groups)
    _state_carbon(product, totals, lacking)
    vector = _as_source(product, totals, lacking, adds_up=adds_up, captures=captures)
    return Evaluated(product, basis, groups, direct, left_out, totals, lacking, vector)


def figures_of_use(group: Group) -> Figures:
    """The figures of a source, as these lines use it."""
    vector, line = group.vector, group.first
    figures = vector.delivered if group.is_delivered else vector.plain
    if not line.is_primary:
        figures = replace(figures, counted=_without(figures.counted, PRIMARY))
    if line.quality is not None:
        figures = _rated(figures, ratios_of(f"line {line.id!r}", line.quality))
    share = getattr(line, "recycled_share", None)
    if share is not None and RECYCLED_CARBON in vector.lacking and _filled(group):
        carbon = sum(figures.contained.get(name, 0) for name in (FOSSIL_CARBON, BIOGENIC_CARBON))
        numerator, denominator = exact(share).as_integer_ratio()
        figures = _scaled(figures, denominator)
        contained = {**figures.contained, RECYCLED_CARBON: carbon * numerator}
        figures = replace(figures, contained=contained)
    return figures


def direct_figures(product: Product, emission: DirectEmission) -> Figures:
    """The figures of a direct emission, for the basis.

    Raises:
        RollUpError: it names no property that it can state, or has the wrong sign.
    """
    what = f"line {emission.id!r} of product {product.id!r}"
    unknown = sorted(set(emission.emissions) - set(DIRECT_NAMES))
    if unknown:
        raise RollUpError(
            f"{what}: {unknown[0]!r} cannot be emitted directly",
            hint=f"Expected some of {', '.join(DIRECT_NAMES)}.",
        )
    given = {name: exact(value) for name, value in emission.emissions.items()}
    require_signs(what, given)
    values, denominator = over_common_denominator(given)
    set_totals(values, (), adds_up=True)
    quality = emission.quality
    values, denominator = with_quality(
        values,
        denominator,
        primary=(int(emission.is_primary), 1),
        ratings=None if quality is None else ratios_of(what, quality),
        exempted=(0, 1),
    )
    return Figures(values, {}, denominator)


def _used(group: Group, figures: Figures) -> Mapping[str, int]:
    """What everything that is used counts for."""
    counted = figures.counted
    if group.kind is Kind.TRANSPORT:
        total = counted.get(EXCLUDING, 0)
        if group.is_outbound:
            moved = {of_outbound: counted.get(name, 0) for name, of_outbound in OF_OUTBOUND.items()}
            return {**moved, OUTBOUND: total}
        if group.is_by_air or AIRCRAFT in counted:
            return {**counted, AIRCRAFT: total if group.is_by_air else 0}
        return counted
    if group.is_own_packaging:
        return {**counted, PACKAGING: counted.get(EXCLUDING, 0)}
    return counted


def _contained(group: Group, figures: Figures) -> Mapping[str, int]:
    """What counts as far as it is in the product."""
    if group.kind is Kind.MATERIAL:
        return figures.contained
    if group.is_own_packaging:
        return {PACKAGING_CARBON: figures.contained.get(BIOGENIC_CARBON, 0)}
    return {}


def lacking_of(group: Group) -> frozenset[str]:
    """Properties of the product that are not known because the source does not state them."""
    lacking = group.vector.lacking
    if not lacking or group.is_outbound:
        return _NOTHING
    if group.kind is Kind.MATERIAL:
        return lacking - _filled(group) if group.contained[0] else lacking & _GROSS
    if group.kind is Kind.TRANSPORT:
        return lacking & _TRANSPORT_LACKS
    if group.is_own_packaging and BIOGENIC_CARBON in lacking:
        return lacking & _GROSS | {PACKAGING_CARBON}
    return lacking & _GROSS


def _filled(group: Group) -> frozenset[str]:
    """What the line states in place of the source."""
    share = getattr(group.first, "recycled_share", None)
    if share is None or not group.vector.lacking.isdisjoint((FOSSIL_CARBON, BIOGENIC_CARBON)):
        return _NOTHING
    return frozenset({RECYCLED_CARBON})


def _add_left_out(sums: Sums, lines: list[SourcedLine], basis: Basis) -> None:
    for line in lines:
        if isinstance(line.source, LeftOut):
            estimate = exact(line.source.estimate_kg_co2e)
            if estimate < 0:
                raise RollUpError(
                    f"line {line.id!r} leaves out {estimate} kg CO2e", hint="Expected 0 or more."
                )
            sums.add(multiplied(basis.started, estimate.as_integer_ratio()), {EXEMPTED: 1})


def _state_carbon(
    product: Product, sums: dict[str, Fraction], lacking: dict[str, list[Group]]
) -> None:
    """Contents that are known from the composition go before those of the inputs."""
    for name, value in product.carbon_contents.items():
        if name not in CARBON:
            raise RollUpError(
                f"product {product.id!r} states the carbon content {name!r}",
                hint=f"Expected some of {', '.join(CARBON)}.",
            )
        sums[name] = exact(value)
        require_signs(f"product {product.id!r}", {name: sums[name]})
        lacking.pop(name, None)


def _as_source(
    product: Product,
    sums: dict[str, Fraction],
    lacking: dict[str, list[Group]],
    *,
    adds_up: bool,
    captures: bool,
) -> Vector:
    declared, properties = product.declared_unit, product.properties
    if product.mass_kg is not None:
        properties = with_mass_of_unit(properties, declared.unit, declared.amount, product.mass_kg)
    values, denominator = over_common_denominator(sums)
    return make_vector(
        values,
        denominator,
        lacking.keys() - {PACKAGING_CARBON},
        adds_up=adds_up,
        captures=captures,
        unit=declared.unit,
        amount=declared.amount,
        properties=properties,
    )


def _without(values: Mapping[str, int], name: str) -> dict[str, int]:
    return {one: value for one, value in values.items() if one != name}


def _rated(figures: Figures, ratings: tuple[tuple[int, int], ...]) -> Figures:
    """With the ratings of the line instead of those of the source."""
    common = lcm(*(denominator for _, denominator in ratings))
    scaled = _scaled(figures, common)
    weight = figures.counted.get(WEIGHT, 0)
    counted = {**scaled.counted, RATED: weight * common}
    for name, (numerator, denominator) in zip(RATINGS, ratings, strict=True):
        counted[name] = weight * numerator * (common // denominator)
    return replace(scaled, counted=counted)


def _scaled(figures: Figures, factor: int) -> Figures:
    """The same values over a larger denominator."""
    return Figures(
        {name: value * factor for name, value in figures.counted.items()},
        {name: value * factor for name, value in figures.contained.items()},
        figures.denominator * factor,
    )
