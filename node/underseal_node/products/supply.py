"""How much is bought by a line of a bill of materials, and what it contributes.

The node knows neither what a company buys in a year nor what it pays. So every product counts
alike, with one kilogram of what is bought for it: materials and packaging whose mass is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from underseal_node.exchange.verification import STORED_LIMITS
from underseal_node.products.bills import PCF
from underseal_node.products.bought import BoughtLine
from underseal_node.store import held
from underseal_node.store.held import Held
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, JsonError, RollUpError, UnitError
from underseal_protocol.rollup import sources
from underseal_protocol.rollup.inputs import Material, Packaging, SourcedLine, Transport
from underseal_protocol.rollup.numbers import Number, exact
from underseal_protocol.rollup.reading import ratings_of
from underseal_protocol.rollup.units import (
    NO_PROPERTIES,
    PhysicalProperties,
    completed,
    conversion,
    with_mass_of_unit,
)
from underseal_protocol.strict_json import loads

__all__ = [
    "SCALE",
    "Stated",
    "Weighed",
    "all_stated",
    "has_mass",
    "in_units",
    "stated_of",
    "weighed",
]

# Quotients of many products have no common denominator of a bearable size: 40 places are kept.
SCALE = 10**40
MAX_REMEMBERED = 50_000
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


_REMEMBERED: dict[tuple[str, str], Stated] = {}


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


def weighed(session: Session, lines: Iterable[BoughtLine]) -> list[Weighed]:
    """Lines with their weights, in their order.

    Args:
        session: to read what their footprints state.
        lines: as `bought.bought_lines` has them.
    """
    taken = list(lines)
    used = {one.footprint.seq: one.footprint for one in taken if one.footprint and one.is_usable}
    known = all_stated(session, used.values())
    measured, totals = [], dict[str, Fraction]()
    for one in taken:
        is_stated = one.footprint is not None and one.is_usable
        stated = known[one.footprint.seq] if is_stated and one.footprint else None
        mass = _mass(one.line, stated)
        measured.append((one, stated, mass))
        totals[one.product.id] = totals.get(one.product.id, Fraction()) + (mass or 0)
    return [_weighed(one, stated, mass, totals[one.product.id]) for one, stated, mass in measured]


def all_stated(session: Session, rows: Iterable[Held]) -> dict[int, Stated]:
    """What received footprints state, by their numbers.

    A footprint with the same content states the same: it is remembered, up to a number of them.
    """
    wanted = {row.seq: (row.body_digest, row.summary) for row in rows}
    found = {seq: _REMEMBERED[key] for seq, key in wanted.items() if key in _REMEMBERED}
    for seq, body in held.bodies(session, wanted.keys() - found.keys()).items():
        found[seq] = stated_of(body)
        if len(_REMEMBERED) >= MAX_REMEMBERED:
            _REMEMBERED.clear()
        _REMEMBERED[wanted[seq]] = found[seq]
    return found


def stated_of(body: bytes) -> Stated:
    """What a received footprint states; of what cannot be used, nothing.

    Args:
        body: as it was received.
    """
    try:
        document = loads(body, limits=STORED_LIMITS)
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
        None if mass is None else _part(mass, total),
        None if emissions is None else _part(emissions, total),
    )


def _part(value: Fraction, whole: Fraction) -> Fraction:
    """A share with 40 places, rounded half to even; as `round` does, with less work."""
    numerator = value.numerator * whole.denominator * SCALE
    denominator = value.denominator * whole.numerator
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    above = 2 * rest - denominator
    return Fraction(quotient + (above > 0 or (above == 0 and quotient % 2 == 1)), SCALE)


def in_units(share: Fraction) -> int:
    """A share in units of `1 / SCALE`.

    Args:
        share: of those that are kept with 40 places, or a sum of them.
    """
    return share.numerator * (SCALE // share.denominator)


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
    if isinstance(line, Transport):
        return _transported(line, unit, properties)
    loss = line.loss if isinstance(line, Material) else None
    return _taken(line.quantity.amount, line.quantity.unit, loss, unit, properties)


def _transported(line: Transport, unit: str, properties: PhysicalProperties) -> Fraction | None:
    try:
        load = exact(line.load.amount)
        if line.distance is None:
            return load * conversion(line.load.unit, unit, properties)
        tonnes = load * conversion(line.load.unit, "t", properties)
        kilometers = exact(line.distance.amount) * conversion(line.distance.unit, "km")
        return tonnes * kilometers * conversion("tkm", unit)
    except (RollUpError, UnitError):
        return None


@lru_cache(maxsize=32_768)
def _taken(
    amount: Number, unit: str, loss: Number | None, wanted: str, properties: PhysicalProperties
) -> Fraction | None:
    """An amount with its losses in another unit; remembered, as the same is asked for often."""
    try:
        taken = exact(amount)
        if loss is not None:
            kept = 1 - exact(loss)
            if kept <= 0:
                return None
            taken /= kept
        return taken * conversion(unit, wanted, properties)
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
