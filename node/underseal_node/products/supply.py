"""How much is bought by a line of a bill of materials, and what it contributes.

The node knows neither what a company buys in a year nor what it pays. So every product counts
alike, with one kilogram of what is bought for it: materials and packaging whose mass is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from underseal_node.exchange.verification import STORED_LIMITS
from underseal_node.products.bills import PCF
from underseal_node.products.bought import BoughtLine
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, JsonError, RollUpError, UnitError
from underseal_protocol.rollup import sources
from underseal_protocol.rollup.inputs import Material, Packaging, SourcedLine, Transport
from underseal_protocol.rollup.numbers import exact
from underseal_protocol.rollup.reading import ratings_of
from underseal_protocol.rollup.units import (
    NO_PROPERTIES,
    PhysicalProperties,
    completed,
    conversion,
    with_mass_of_unit,
)
from underseal_protocol.strict_json import loads

__all__ = ["Stated", "Weighed", "has_mass", "stated_of", "weighed"]

# Quotients of many products have no common denominator of a bearable size: 40 places are kept.
SCALE = 10**40
_UNUSABLE = (DecimalError, RollUpError, UnitError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a received footprint states.

    Attributes:
        pcf: kg CO2e, excluding biogenic uptake, per one `unit`; None if it cannot be calculated
            with.
        unit: of what it is declared for.
        properties: what the mass of the declared unit tells.
        primary_share: a share of 1.
        ratings: technological, geographical, temporal, 1 (best) to 5.
    """

    pcf: Fraction | None = None
    unit: str = ""
    properties: PhysicalProperties = NO_PROPERTIES
    primary_share: Fraction | None = None
    ratings: tuple[Fraction, Fraction, Fraction] | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A line, and how much of what is bought it is.

    Attributes:
        bought: the line.
        stated: by the footprint that it resolves to, if it does.
        mass_kg: that is taken for what the bill is for, losses included; None if it is not known,
            and of what has none.
        share: of the mass that is bought for the product; None as well if no mass is known there.
        emissions: kg CO2e by the footprint, per kilogram of what is bought for the product.
    """

    bought: BoughtLine
    stated: Stated | None
    mass_kg: Fraction | None
    share: Fraction | None
    emissions: Fraction | None

    @property
    def is_covered(self) -> bool:
        """Whether it resolves to a footprint that may be used."""
        return self.stated is not None

    @property
    def lacks_mass(self) -> bool:
        """Whether it should have a mass, and that is not known."""
        return has_mass(self.bought.line) and self.mass_kg is None


def has_mass(line: SourcedLine) -> bool:
    """Whether what is bought is weighed: energy, transport and the treatment of waste are not."""
    return isinstance(line, Material | Packaging)


def weighed(lines: Iterable[BoughtLine]) -> list[Weighed]:
    """Lines with their weights, in their order."""
    known: dict[int, Stated] = {}
    measured, totals = [], dict[str, Fraction]()
    for one in lines:
        stated = None
        if one.footprint is not None and one.is_usable:
            key = one.footprint.seq or 0
            if key not in known:
                known[key] = stated_of(one.footprint)
            stated = known[key]
        mass = _mass(one.line, stated)
        measured.append((one, stated, mass))
        totals[one.product.id] = totals.get(one.product.id, Fraction()) + (mass or 0)
    return [_weighed(one, stated, mass, totals[one.product.id]) for one, stated, mass in measured]


def stated_of(row: ReceivedFootprint) -> Stated:
    """What a received footprint states; of what cannot be used, nothing."""
    try:
        document = loads(row.body, limits=STORED_LIMITS)
        pcf: Mapping[str, Any] = document["pcf"]
        unit = str(pcf["declaredUnitOfMeasurement"])
        amount = exact(parse_decimal(pcf["declaredUnitAmount"]))
    except (JsonError, *_UNUSABLE):
        return Stated()
    if amount <= 0:
        return Stated()
    total, mass = _number(pcf, PCF), _number(pcf, "productMassPerDeclaredUnit")
    share = _number(pcf, "primaryDataShare")
    return Stated(
        pcf=None if total is None else total / amount,
        unit=unit,
        properties=_properties(unit, amount, mass),
        primary_share=share / 100 if share is not None and 0 <= share <= 100 else None,
        ratings=_ratings(document),
    )


def _weighed(
    one: BoughtLine, stated: Stated | None, mass: Fraction | None, total: Fraction
) -> Weighed:
    if not total:
        return Weighed(one, stated, mass, None, None)
    emissions = None if stated is None else _emissions(one.line, stated)
    return Weighed(
        one,
        stated,
        mass,
        None if mass is None else _kept(mass / total),
        None if emissions is None else _kept(emissions / total),
    )


def _kept(value: Fraction) -> Fraction:
    return Fraction(round(value * SCALE), SCALE)


def _mass(line: SourcedLine, stated: Stated | None) -> Fraction | None:
    return _amount(line, "kg", stated) if has_mass(line) else None


def _emissions(line: SourcedLine, stated: Stated) -> Fraction | None:
    """What a line contributes; removals weigh like emissions."""
    if stated.pcf is None:
        return None
    amount = _amount(line, stated.unit, stated)
    return None if amount is None else abs(amount * stated.pcf)


def _amount(line: SourcedLine, unit: str, stated: Stated | None) -> Fraction | None:
    """What is taken, in a unit; None if it cannot be converted."""
    told = NO_PROPERTIES if stated is None else stated.properties
    properties = completed(line.properties, told)
    try:
        if isinstance(line, Transport):
            if line.distance is None:
                return exact(line.load.amount) * conversion(line.load.unit, unit, properties)
            tonnes = exact(line.load.amount) * conversion(line.load.unit, "t", properties)
            kilometers = exact(line.distance.amount) * conversion(line.distance.unit, "km")
            return tonnes * kilometers * conversion("tkm", unit)
        taken = exact(line.quantity.amount)
        if isinstance(line, Material):
            kept = 1 - exact(line.loss)
            if kept <= 0:
                return None
            taken /= kept
        return taken * conversion(line.quantity.unit, unit, properties)
    except (RollUpError, UnitError):
        return None


def _number(pcf: Mapping[str, Any], name: str) -> Fraction | None:
    try:
        return exact(parse_decimal(pcf[name]))
    except _UNUSABLE:
        return None


def _properties(unit: str, amount: Fraction, mass: Fraction | None) -> PhysicalProperties:
    try:
        return with_mass_of_unit(NO_PROPERTIES, unit, amount, mass or 0)
    except _UNUSABLE:
        return NO_PROPERTIES


def _ratings(document: Mapping[str, Any]) -> tuple[Fraction, Fraction, Fraction] | None:
    found = ratings_of(sources.ReceivedFootprint(document))
    if found is None:
        return None
    technological, geographical, temporal = (Fraction(*one) for one in found)
    return technological, geographical, temporal
