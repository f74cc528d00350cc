"""Received footprints and factors as vectors: what they state, what they lack, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_protocol.decimals import parse_decimal, scaled_integer
from underseal_protocol.disclosure import Block, properties_of
from underseal_protocol.errors import DecimalError, RollUpError, UnitError
from underseal_protocol.methodology_figures import is_sum
from underseal_protocol.methodology_scope import MAJOR_VERSION
from underseal_protocol.rollup.numbers import MAX_PLACES, Ratio, exact, ratio
from underseal_protocol.rollup.properties import (
    CAPTURE,
    CARBON,
    CCU_CARBON,
    CONTENTS,
    EXCLUDING,
    FOSSIL,
    GROSS,
    INCLUDING,
    LAND_REMOVALS,
    NON_POSITIVE,
    OUTBOUND,
    RATINGS,
    REMOVALS,
    SUMMANDS,
    UPTAKE,
)
from underseal_protocol.rollup.sources import DataQuality, Factor, ReceivedFootprint, Trust
from underseal_protocol.rollup.units import NO_PROPERTIES, unit_of, with_mass_of_unit
from underseal_protocol.rollup.vectors import (
    Vector,
    make_vector,
    over_common_denominator,
    set_totals,
    with_quality,
)

__all__ = ["factor_vector", "footprint_vector", "ratings_of", "ratios_of", "require_signs"]

_STATED = (*GROSS, *CONTENTS, OUTBOUND)
_FACTOR_NAMES = frozenset({EXCLUDING, INCLUDING, *GROSS, *CONTENTS})
_NONE = (0, 1)
_ALL = (1, 1)
# By the schema and the reporting rules, absent means that there is none, not that it is unknown.
# An uptake that is not stated is the difference of the totals.
_ABSENT_IS_ZERO = frozenset({LAND_REMOVALS, CCU_CARBON, OUTBOUND, UPTAKE})
_CAPTURE = frozenset({CAPTURE, REMOVALS})
_READ = frozenset({EXCLUDING, INCLUDING, *_STATED})
_REQUIRED = frozenset({EXCLUDING, INCLUDING, FOSSIL})
_HIDEABLE = _ABSENT_IS_ZERO - {UPTAKE, OUTBOUND}
_MAX_CHARACTERS = 2 * MAX_PLACES


def footprint_vector(received: ReceivedFootprint) -> Vector:
    """Of a received footprint.

    Raises:
        RollUpError: it is invalid, or a figure that is needed is missing or cannot be used.
    """
    what = f"footprint {received.id}"
    if received.trust is Trust.INVALID:
        raise RollUpError(
            f"{what} is invalid: it was changed, or its signature does not hold",
            hint="Ask the supplier for it again, or use another source.",
        )
    pcf = received.document.get("pcf")
    if not isinstance(pcf, Mapping):
        raise RollUpError(f"{what} has no pcf", hint="It is no footprint of PACT 3.0.")
    unit, amount, mass_kg = _declared_unit(what, pcf)
    values, denominator, lacking = _stated(what, pcf, received.withheld)
    adds_up = _adds_up(values, pcf, lacking)
    set_totals(values, lacking, adds_up=adds_up)
    exempted, whole = _share(what, pcf, "exemptedEmissionsPercent")
    if exempted == whole:
        raise RollUpError(f"{what} exempts all of its emissions", hint="Use another source.")
    values, denominator = with_quality(
        values,
        denominator,
        primary=_share(what, pcf, "primaryDataShare"),
        ratings=ratings_of(received),
        exempted=(exempted, whole - exempted) if exempted else _NONE,
    )
    return make_vector(
        values,
        denominator,
        lacking,
        adds_up=adds_up,
        captures=pcf.get("ccsTechnologicalCO2CaptureIncluded") is True,
        unit=unit,
        amount=amount,
        properties=with_mass_of_unit(NO_PROPERTIES, unit, amount, mass_kg),
    )


def ratings_of(received: ReceivedFootprint) -> tuple[Ratio, ...] | None:
    """The three data quality ratings of a footprint; None if it has none from 1 to 5.

    Those of version 2 are from 1 to 3, by other criteria: they cannot be converted.
    """
    document = received.document
    ratings = document["pcf"].get("dqi")
    if not isinstance(ratings, Mapping):
        return None
    if not str(document.get("specVersion", MAJOR_VERSION)).startswith(MAJOR_VERSION):
        return None
    try:
        scaled = [scaled_integer(ratings[name]) for name in RATINGS]
    except (KeyError, DecimalError, TypeError):
        return None
    found = tuple((value, 10**places) for value, places in scaled)
    return found if all(one <= value <= 5 * one for value, one in found) else None


def factor_vector(factor: Factor) -> Vector:
    """Of an emission factor.

    A factor that states a total and nothing else counts as fossil, because PACT has to have that
    figure; the other components are unknown.

    Raises:
        RollUpError: a value has no name of PACT, the wrong sign, or cannot be calculated with.
        UnitError: its unit is none.
    """
    what = f"factor {factor.id}"
    given = _values_of(what, factor)
    if EXCLUDING in given:
        given.setdefault(FOSSIL, given[EXCLUDING])
        given.setdefault(INCLUDING, given[EXCLUDING] + given.get(UPTAKE, Fraction()))
        given.setdefault(UPTAKE, given[INCLUDING] - given[EXCLUDING])
        lacking = frozenset({*GROSS, *CONTENTS} - given.keys() - _CAPTURE)
    else:
        lacking = frozenset(set(CARBON) - given.keys())
    require_signs(what, given)
    unit_of(factor.unit)
    components = [given.get(name, Fraction()) for name in SUMMANDS]
    stated = given.get(EXCLUDING)
    adds_up = stated is None or bool(lacking & set(SUMMANDS)) or stated == sum(components)
    values, denominator = over_common_denominator(given)
    set_totals(values, lacking, adds_up=adds_up)
    values, denominator = with_quality(
        values,
        denominator,
        primary=_ALL if factor.is_primary else _NONE,
        ratings=None if factor.quality is None else ratios_of(what, factor.quality),
        exempted=_NONE,
    )
    return make_vector(
        values,
        denominator,
        lacking,
        adds_up=adds_up,
        captures=False,
        unit=factor.unit,
        amount=factor.amount,
        properties=factor.properties,
    )


def ratios_of(what: str, quality: DataQuality) -> tuple[Ratio, ...]:
    """The three ratings.

    Args:
        what: has them, for the message.
        quality: to be read.

    Raises:
        RollUpError: one is not from 1 to 5.
    """
    values = (quality.technological, quality.geographical, quality.temporal)
    for name, value in zip(RATINGS, values, strict=True):
        if not 1 <= exact(value) <= 5:
            raise RollUpError(
                f"{what}: {name} is {value}, expected a rating from 1 (best) to 5",
                hint="Ratings of PACT 2 (1 to 3) cannot be converted.",
            )
    return tuple(ratio(value) for value in values)


def require_signs(what: str, values: Mapping[str, Fraction]) -> None:
    """Emissions and contents are 0 or more, removals, capture and uptake 0 or less.

    Raises:
        RollUpError: one is not.
    """
    for name, value in values.items():
        if name in (EXCLUDING, INCLUDING):
            continue
        if value > 0 if name in NON_POSITIVE else value < 0:
            raise RollUpError(
                f"{what}: {name} is {value}, expected 0 or {'less' if value > 0 else 'more'}",
                hint="PACT knows no negative emissions; removals, capture and uptake are negative.",
            )


def _values_of(what: str, factor: Factor) -> dict[str, Fraction]:
    unknown = sorted(set(factor.values) - _FACTOR_NAMES)
    if unknown or not factor.values:
        raise RollUpError(
            f"{what} states {unknown[0]!r}" if unknown else f"{what} states no value",
            hint=f"It may state {EXCLUDING}, {INCLUDING}, {', '.join((*GROSS, *CONTENTS))}.",
        )
    if INCLUDING in factor.values and EXCLUDING not in factor.values:
        raise RollUpError(f"{what} states {INCLUDING} alone", hint=f"State {EXCLUDING} as well.")
    if exact(factor.amount) <= 0:
        raise RollUpError(
            f"{what} is for {factor.amount} {factor.unit}", hint="Expected more than 0."
        )
    return {name: exact(value) for name, value in factor.values.items()}


def _declared_unit(what: str, pcf: Mapping[str, Any]) -> tuple[str, Decimal, Decimal]:
    unit, amount = pcf.get("declaredUnitOfMeasurement"), _decimal(what, pcf, "declaredUnitAmount")
    if amount <= 0 or not isinstance(unit, str):
        raise RollUpError(f"{what} is for {amount} {unit}", hint="It cannot be scaled.")
    try:
        unit_of(unit)
    except UnitError as error:
        raise UnitError(f"{what}: {error.message}", hint=error.hint) from None
    name = "productMassPerDeclaredUnit"
    return unit, amount, Decimal(0) if pcf.get(name) is None else _decimal(what, pcf, name)


def _stated(
    what: str, pcf: Mapping[str, Any], withheld: frozenset[Block]
) -> tuple[dict[str, int], int, frozenset[str]]:
    """Numerators, their denominator, and the names of what is not stated."""
    present = _READ & pcf.keys()
    if None in pcf.values():  # as good as absent
        present = frozenset(name for name in present if pcf[name] is not None)
    if not present >= _REQUIRED:
        name = sorted(_REQUIRED - present)[0]
        raise RollUpError(f"{what} does not state {name}", hint="PACT 3.0 requires it.")
    lacking = _READ - present - _ABSENT_IS_ZERO
    if pcf.get("ccsTechnologicalCO2CaptureIncluded") is not True:
        lacking -= _CAPTURE
    if withheld:
        lacking |= (_HIDEABLE - present) & properties_of(withheld)
    read = {name: _number(what, name, pcf[name]) for name in present}
    places = max([own for _, own in read.values()])
    values = {
        name: value if own == places else value * 10 ** (places - own)
        for name, (value, own) in read.items()
        if value
    }
    for name in (EXCLUDING, INCLUDING):
        values.setdefault(name, 0)
    taken_up = 0 if UPTAKE in present else min(0, values[INCLUDING] - values[EXCLUDING])
    values.setdefault(UPTAKE, taken_up)
    return values, 10**places, lacking


def _number(what: str, name: str, text: Any) -> tuple[int, int]:
    """Digits and places of a figure, which has the sign that the schema asks for."""
    try:
        if len(text) > _MAX_CHARACTERS:
            raise DecimalError("too long")
        value, places = scaled_integer(text)
    except (DecimalError, TypeError):
        raise RollUpError(
            f"{what}: {name} is {str(text)[:_MAX_CHARACTERS]!r}, which cannot be calculated with",
            hint=f"Expected a decimal number in quotes, of at most {_MAX_CHARACTERS} characters.",
        ) from None
    if value and name not in (EXCLUDING, INCLUDING) and (value > 0) is (name in NON_POSITIVE):
        require_signs(what, {name: Fraction(value, 10**places)})
    return value, places


def _decimal(what: str, pcf: Mapping[str, Any], name: str) -> Decimal:
    _number(what, EXCLUDING, pcf.get(name))
    return parse_decimal(pcf[name])


def _share(what: str, pcf: Mapping[str, Any], name: str) -> Ratio:
    """A percentage as a share; 0 if it is not stated."""
    text = pcf.get(name)
    if text is None:
        return _NONE
    value, places = _number(what, EXCLUDING, text)
    whole = 100 * 10**places
    if not 0 <= value <= whole:
        raise RollUpError(f"{what}: {name} is {text}", hint="Expected 0 to 100.")
    return value, whole


def _adds_up(values: Mapping[str, int], pcf: Mapping[str, Any], lacking: frozenset[str]) -> bool:
    """Whether stated totals and components agree, as closely as they are written."""
    excluding, including = values[EXCLUDING], values[INCLUDING]
    if lacking.isdisjoint(SUMMANDS):
        added = sum([values.get(name, 0) for name in SUMMANDS])
        parts = [name for name in SUMMANDS if pcf.get(name) is not None]
        if excluding != added and not _is_sum(pcf, EXCLUDING, parts):
            return False
    if including == excluding + values[UPTAKE]:
        return True
    return pcf.get(UPTAKE) is not None and _is_sum(pcf, INCLUDING, [EXCLUDING, UPTAKE])


def _is_sum(pcf: Mapping[str, Any], total: str, parts: list[str]) -> bool:
    return is_sum(parse_decimal(pcf[total]), [parse_decimal(pcf[name]) for name in parts])
