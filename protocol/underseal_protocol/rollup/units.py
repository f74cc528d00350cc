"""Units of measurement and exact conversions between them.

The ten units of PACT 3.0 (`declaredUnitOfMeasurement`) and those that bills of materials and energy
bills use. Sizes are the legal definitions: pound and yard of 1959, the BTU of the International
Table (1055.05585262 J, ISO 31-4) and the therm made of it, gallons and barrel by the cubic inch.
Between dimensions, a property of the material has to be given (`PhysicalProperties`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache, lru_cache
from types import MappingProxyType

from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.numbers import Number, exact

__all__ = [
    "NO_PROPERTIES",
    "Dimension",
    "PhysicalProperties",
    "Unit",
    "aliases_of",
    "all_units",
    "completed",
    "conversion",
    "unit_of",
    "with_mass_of_unit",
]

SHOWN_CHARACTERS = 40


class Dimension(StrEnum):
    """What is measured."""

    MASS = "mass"
    VOLUME = "volume"
    ENERGY = "energy"
    AREA = "area"
    LENGTH = "length"
    TIME = "time"
    TRANSPORT = "transport work"
    COUNT = "number of pieces"
    DATA = "amount of data"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Attributes:
        name: that of PACT, if PACT has the unit.
        symbol: how it is written beside a number.
        dimension: what it measures.
        size: in the first unit of its dimension in the table: kilogram, cubic meter, megajoule,
            square meter, kilometer, hour, ton kilometer, piece, megabit second.
    """

    name: str
    symbol: str
    dimension: Dimension
    size: Fraction


# Name, symbol, size, and how people write it otherwise, in lower case. Everything is looked up in
# lower case: nobody means a milliwatt hour or a millijoule.
_Row = tuple[str, str, str, str]
_TABLE: dict[Dimension, tuple[_Row, ...]] = {
    Dimension.MASS: (
        ("kilogram", "kg", "1", "kgs|kilo|kilogramm|kilogramme|kilograms|千克|公斤"),
        ("tonne", "t", "1000", "to|tonnes|tonnen|metric ton|metric tons|metric tonne|吨"),
        ("gram", "g", "1/1000", "grams|gramm|gramme|克"),
        ("milligram", "mg", "1/1000000", "milligrams|milligramm|毫克"),
        ("pound", "lb", "0.45359237", "lbs|pounds"),
        ("ounce", "oz", "0.028349523125", "ounces"),
        ("short ton", "short ton", "907.18474", "us ton|us tons|short tons"),
        ("long ton", "long ton", "1016.0469088", "long tons|imperial ton"),
    ),
    Dimension.VOLUME: (
        ("cubic meter", "m3", "1", "m³|m^3|cbm|cubic metre|cubic meters|kubikmeter|立方米"),
        ("liter", "l", "1/1000", "litre|liters|litres|ltr|升"),
        ("milliliter", "ml", "1/1000000", "millilitre|cm3|cm³|ccm|毫升"),
        ("hectoliter", "hl", "1/10", "hectolitre"),
        ("cubic foot", "ft3", "0.028316846592", "ft³|cu ft|cubic feet"),
        ("US gallon", "gal (US)", "0.003785411784", "us gal|us gallons|gallon (us)"),
        ("imperial gallon", "gal (imp)", "0.00454609", "imp gal|imperial gal|uk gallon|uk gal"),
        ("US fluid ounce", "fl oz (US)", "0.0000295735295625", "us fl oz"),
        ("barrel of oil", "bbl", "0.158987294928", "barrel|barrels|oil barrel"),
    ),
    Dimension.ENERGY: (
        ("megajoule", "MJ", "1", "megajoules|兆焦"),
        ("kilowatt hour", "kWh", "3.6", "kw h|kilowatt hours|kilowattstunde|千瓦时|度"),
        ("watt hour", "Wh", "0.0036", "watt hours"),
        ("megawatt hour", "MWh", "3600", "megawatt hours|megawattstunde|兆瓦时"),
        ("gigawatt hour", "GWh", "3600000", "gigawatt hours"),
        ("joule", "J", "1/1000000", "joules"),
        ("kilojoule", "kJ", "1/1000", "kilojoules"),
        ("gigajoule", "GJ", "1000", "gigajoules|吉焦"),
        ("terajoule", "TJ", "1000000", "terajoules"),
        ("British thermal unit", "BTU", "0.00105505585262", "btus"),
        ("million British thermal units", "MMBTU", "1055.05585262", "million btu|mm btu"),
        ("therm", "thm", "105.505585262", "therms"),
    ),
    Dimension.AREA: (
        ("square meter", "m2", "1", "m²|m^2|qm|sqm|square metre|square meters|平方米"),
        ("square centimeter", "cm2", "1/10000", "cm²|square centimetre"),
        ("square kilometer", "km2", "1000000", "km²|square kilometre"),
        ("hectare", "ha", "10000", "hectares|hektar"),
        ("square foot", "ft2", "0.09290304", "ft²|sq ft|square feet"),
    ),
    Dimension.LENGTH: (
        ("kilometer", "km", "1", "kilometre|kilometers|kilometres|公里"),
        ("meter", "m", "1/1000", "metre|meters|metres"),
        ("mile", "mi", "1.609344", "miles"),
        ("nautical mile", "nmi", "1.852", "nautical miles|sm|seemeile"),
    ),
    Dimension.TIME: (
        ("hour", "h", "1", "hr|hrs|hours|std|stunde|stunden|小时"),
        ("minute", "min", "1/60", "minutes|minuten"),
        ("second", "s", "1/3600", "sec|seconds|sekunde"),
        ("day", "d", "24", "days|tag"),
    ),
    Dimension.TRANSPORT: (
        (
            "ton kilometer",
            "tkm",
            "1",
            "t km|tonne kilometre|tonne kilometer|tonnenkilometer|吨公里",
        ),
        ("kilogram kilometer", "kgkm", "1/1000", "kg km|kilogram kilometre"),
    ),
    Dimension.COUNT: (
        ("piece", "pc", "1", "pcs|pieces|each|ea|unit|units|st|stk|stück|stueck|db|szt|件|个"),
        ("thousand pieces", "1000 pcs", "1000", "thousand pcs|tsd. stück|千件"),
    ),
    Dimension.DATA: (("megabit second", "Mbit s", "1", "mbit·s|megabit seconds"),),
}
# What means different things to different people, and what to write instead.
_AMBIGUOUS = MappingProxyType(
    {
        "ton": "tonne (1000 kg), short ton (2000 lb) or long ton (2240 lb)",
        "tons": "tonne (1000 kg), short ton (2000 lb) or long ton (2240 lb)",
        "mt": "tonne; a million of them is 1000000 tonne",
        "gal": "US gallon or imperial gallon",
        "gallon": "US gallon or imperial gallon",
        "gallons": "US gallon or imperial gallon",
    }
)
# In capitals, a million times a million of it by the SI: no spelling to guess from.
_MEGAGRAM = re.compile(r"M[gG]")


@dataclass(frozen=True, slots=True)
class PhysicalProperties:
    """What a material has to be known by, to convert between dimensions. Each is greater than 0.

    Attributes:
        density_kg_per_m3: mass per volume.
        mass_kg_per_piece: mass of a piece.
        mass_kg_per_m2: mass per area, of foils, sheets and textiles.
        energy_mj_per_kg: calorific value, or the capacity of a battery.
        energy_mj_per_m3: calorific value of a gas or liquid.
    """

    density_kg_per_m3: Number | None = None
    mass_kg_per_piece: Number | None = None
    mass_kg_per_m2: Number | None = None
    energy_mj_per_kg: Number | None = None
    energy_mj_per_m3: Number | None = None


NO_PROPERTIES = PhysicalProperties()

# Property -> what it is an amount of, per what, and its name for people.
_LINKS: dict[str, tuple[Dimension, Dimension, str]] = {
    "density_kg_per_m3": (Dimension.MASS, Dimension.VOLUME, "density (kg per m3)"),
    "mass_kg_per_piece": (Dimension.MASS, Dimension.COUNT, "mass per piece (kg)"),
    "mass_kg_per_m2": (Dimension.MASS, Dimension.AREA, "mass per area (kg per m2)"),
    "energy_mj_per_kg": (Dimension.ENERGY, Dimension.MASS, "energy per mass (MJ per kg)"),
    "energy_mj_per_m3": (Dimension.ENERGY, Dimension.VOLUME, "energy per volume (MJ per m3)"),
}
# By which property a dimension is linked with mass.
_MASS_LINKS = {
    Dimension.VOLUME: "density_kg_per_m3",
    Dimension.COUNT: "mass_kg_per_piece",
    Dimension.AREA: "mass_kg_per_m2",
    Dimension.ENERGY: "energy_mj_per_kg",
}


def unit_of(text: str) -> Unit:
    """The unit that a text names, by its name, its symbol or how people write it.

    Raises:
        UnitError: there is none, or it may be one of several.
    """
    if not isinstance(text, str):
        raise UnitError(f"{text!r} is no unit", hint="Write its name or symbol, as text.")
    return _unit_of(text)


@lru_cache(maxsize=1024)
def _unit_of(text: str) -> Unit:
    folded = _folded(text)
    unit = _known().get(folded)
    if unit is not None and not _MEGAGRAM.fullmatch(text.strip()):
        return unit
    shown = repr(text)[:SHOWN_CHARACTERS]
    if unit is not None:
        raise UnitError(
            f"the unit {shown} may be milligram or megagram", hint="Write mg, or t for tonnes."
        )
    if folded in _AMBIGUOUS:
        raise UnitError(
            f"the unit {shown} has several meanings", hint=f"Write {_AMBIGUOUS[folded]}."
        )
    close = difflib.get_close_matches(folded[:SHOWN_CHARACTERS], _known(), 1)
    hint = f"Did you mean {_known()[close[0]].name}?" if close else "Such as kg, kWh, m3 or tkm."
    raise UnitError(f"{shown} is no unit that can be calculated with", hint=hint)


def all_units() -> tuple[Unit, ...]:
    """Every unit that can be calculated with, dimension by dimension."""
    return tuple(dict.fromkeys(_known().values()))


def aliases_of(names: Iterable[str]) -> dict[str, str]:
    """How people write some units, in lower case -> the name of the unit.

    Args:
        names: of the units, such as the ten of PACT.
    """
    wanted = set(names)
    return {text: unit.name for text, unit in _known().items() if unit.name in wanted}


@lru_cache(maxsize=4096)
def conversion(
    source: str, target: str, properties: PhysicalProperties = NO_PROPERTIES
) -> Fraction:
    """How many of one unit another one is, exactly: 18/5 for `kWh` in `MJ`.

    If several ways lead from one dimension to the other, the shortest is taken.

    Args:
        source: of which there is one, as `unit_of` reads it.
        target: how many of these.
        properties: of the material, for different dimensions.

    Raises:
        UnitError: a unit is none, a property is not positive, or one that is needed is missing.
    """
    one, other = unit_of(source), unit_of(target)
    factor = one.size / other.size
    if one.dimension is other.dimension:
        return factor
    path = _path(one.dimension, other.dimension, _given(properties))
    if path is None:
        raise _impossible(one, other, properties)
    for name, step in path:
        value = exact(getattr(properties, name))
        if value <= 0:
            raise UnitError(
                f"the {_LINKS[name][2]} is {value}, expected more than 0",
                hint="Without it, leave it empty.",
            )
        factor = factor * value if step is _LINKS[name][0] else factor / value
    return factor


def with_mass_of_unit(
    properties: PhysicalProperties, unit: str, amount: Number, mass_kg: Number
) -> PhysicalProperties:
    """The properties, and what the mass of a declared unit tells, where nothing is given.

    Args:
        properties: that are given.
        unit: of the declared unit.
        amount: how many units it is, greater than 0.
        mass_kg: of the whole declared unit; 0 tells nothing.
    """
    name = _MASS_LINKS.get(unit_of(unit).dimension)
    if name is None or mass_kg <= 0 or getattr(properties, name) is not None:
        return properties
    size, mass = exact(amount) * unit_of(unit).size, exact(mass_kg)
    value = mass / size if _LINKS[name][0] is Dimension.MASS else size / mass
    return replace(properties, **{name: value})


def completed(properties: PhysicalProperties, by: PhysicalProperties) -> PhysicalProperties:
    """The properties, and from others what they leave open."""
    if by == NO_PROPERTIES:
        return properties
    more = {one: getattr(by, one) for one in _LINKS if getattr(properties, one) is None}
    return replace(properties, **more)


def _given(properties: PhysicalProperties) -> list[str]:
    return [one.name for one in fields(properties) if getattr(properties, one.name) is not None]


_Step = tuple[str, Dimension]


def _path(start: Dimension, end: Dimension, names: Iterable[str]) -> list[_Step] | None:
    """The shortest way between dimensions: which property, and to which dimension it leads."""
    usable, queue = list(names), [(start, list[_Step]())]
    seen = {start}
    for dimension, steps in queue:
        for name in usable:
            reached = _other_end(name, dimension)
            if reached is None or reached in seen:
                continue
            way = [*steps, (name, reached)]
            if reached is end:
                return way
            seen.add(reached)
            queue.append((reached, way))
    return None


def _other_end(name: str, dimension: Dimension) -> Dimension | None:
    whole, part, _ = _LINKS[name]
    if dimension is part:
        return whole
    return part if dimension is whole else None


def _impossible(one: Unit, other: Unit, properties: PhysicalProperties) -> UnitError:
    way = _path(one.dimension, other.dimension, _LINKS)
    message = f"{one.name} cannot be converted into {other.name}"
    if way is None:
        return UnitError(
            f"{message}: the one measures {one.dimension}, the other {other.dimension}",
            hint="Choose a source that is measured in the same way.",
        )
    given = _given(properties)
    missing = " and the ".join(_LINKS[name][2] for name, _ in way if name not in given)
    return UnitError(f"{message}: the {missing} is missing", hint=f"Give the {missing}.")


@cache
def _known() -> dict[str, Unit]:
    known: dict[str, Unit] = {}
    for dimension, rows in _TABLE.items():
        for name, symbol, size, aliases in rows:
            unit = Unit(name, symbol, dimension, Fraction(size))
            for text in _spellings(name, symbol, aliases):
                known[text] = unit
    return known


def _spellings(name: str, symbol: str, aliases: str) -> Iterator[str]:
    yield from (_folded(text) for text in (name, symbol, *aliases.split("|")) if text)


def _folded(text: str) -> str:
    """In lower case, with single spaces and without the dots of a product."""
    plain = re.sub("[\N{MIDDLE DOT}\N{DOT OPERATOR}*]", " ", text.strip().lower())
    return " ".join(plain.split())
