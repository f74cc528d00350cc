"""Everything that adds up, per declared unit of one source, as integers over one denominator.

A received footprint, a factor and a product of ours all become the same kind of vector. What a
source does not state is in `lacking`; its total then counts as it is stated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from underseal_protocol.rollup.numbers import Number, Ratio
from underseal_protocol.rollup.properties import (
    AVERAGED,
    CAPTURE,
    CONTENTS,
    EXCLUDING,
    EXEMPTED,
    FOSSIL,
    GROSS,
    INCLUDING,
    OF_OUTBOUND,
    OUTBOUND,
    PRIMARY,
    RATED,
    RATINGS,
    REMOVALS,
    SUMMANDS,
    TAKEN_UP,
    UPTAKE,
    WEIGHT,
)
from underseal_protocol.rollup.units import PhysicalProperties

__all__ = [
    "Figures",
    "Vector",
    "make_vector",
    "over_common_denominator",
    "set_totals",
    "with_quality",
]

_COUNTED = frozenset({EXCLUDING, *GROSS, *AVERAGED, EXEMPTED})
_CONTAINED = frozenset({*CONTENTS, TAKEN_UP})


@dataclass(frozen=True, slots=True)
class Figures:
    """Numerators over one denominator; what is 0 is left out.

    Attributes:
        counted: what counts for everything that is used.
        contained: what counts for what is in the product.
        denominator: of all.
    """

    counted: Mapping[str, int]
    contained: Mapping[str, int]
    denominator: int


@dataclass(frozen=True, slots=True)
class Vector:
    """A source, ready to be multiplied.

    Attributes:
        plain: its figures.
        delivered: the same with its outbound logistics, which bring it to us.
        outbound: its outbound logistics, over the denominator of `plain`.
        lacking: names of properties that it does not state.
        adds_up: its stated totals agree with its stated components.
        captures: it includes captured CO2.
        unit: of its declared unit.
        amount: of units, greater than 0.
        properties: for conversions, with what its mass tells.
    """

    plain: Figures
    delivered: Figures
    outbound: int
    lacking: frozenset[str]
    adds_up: bool
    captures: bool
    unit: str
    amount: Number
    properties: PhysicalProperties


def make_vector(
    values: Mapping[str, int],
    denominator: int,
    lacking: Collection[str],
    *,
    adds_up: bool,
    captures: bool,
    unit: str,
    amount: Number,
    properties: PhysicalProperties,
) -> Vector:
    """A vector of numerators by name.

    Args:
        values: everything that adds up, per declared unit.
        denominator: of all values.
        lacking, adds_up, captures, unit, amount, properties: as in `Vector`.
    """
    counted = {name: value for name, value in values.items() if value and name in _COUNTED}
    contained = {name: value for name, value in values.items() if value and name in _CONTAINED}
    plain = delivered = Figures(counted, contained, denominator)
    outbound = values.get(OUTBOUND, 0)
    if outbound:
        # Stated as one figure, without components; transport burns fuel.
        moved = {name: counted.get(name, 0) + outbound for name in (EXCLUDING, FOSSIL)}
        for name, of_outbound in OF_OUTBOUND.items():
            moved[name] = counted.get(name, 0) + values.get(of_outbound, 0)
        delivered = Figures({**counted, **moved}, contained, denominator)
    return Vector(
        plain,
        delivered,
        outbound,
        frozenset(lacking),
        adds_up,
        captures or bool(values.get(CAPTURE) or values.get(REMOVALS)),
        unit,
        amount,
        properties,
    )


def set_totals(values: dict[str, int], lacking: Collection[str], *, adds_up: bool) -> None:
    """Put the totals to the components: their sum where they are all known, otherwise as stated.

    Args:
        values: with the stated totals, if there are any; changed.
        lacking: names that are not known.
        adds_up: the stated totals agree with the components.
    """
    stated = values.get(EXCLUDING, 0)
    taken_up = values.pop(INCLUDING, 0) - stated
    if adds_up and not any(name in lacking for name in SUMMANDS):
        values[EXCLUDING] = sum(values.get(name, 0) for name in SUMMANDS)
    if adds_up and UPTAKE not in lacking:
        taken_up = values.get(UPTAKE, 0)
    values[TAKEN_UP] = taken_up


def with_quality(
    values: Mapping[str, int],
    denominator: int,
    *,
    primary: Ratio,
    ratings: tuple[Ratio, ...] | None,
    exempted: Ratio,
) -> tuple[dict[str, int], int]:
    """The same values, and the sums that averages are made of, over a new denominator.

    Args:
        values: with totals.
        denominator: of the values.
        primary: the share of primary data, 0 to 1.
        ratings: the three data quality ratings; None if there are none.
        exempted: emissions left out, per emissions counted.
    """
    rated = ratings or ()
    common = lcm(primary[1], exempted[1], *(one[1] for one in rated))
    result = {name: value * common for name, value in values.items() if value}
    weight = abs(values.get(EXCLUDING, 0))
    if weight:
        result.update(_weighed(weight, common, primary, rated))
        if exempted[0]:
            result[EXEMPTED] = weight * exempted[0] * (common // exempted[1])
    outbound = abs(values.get(OUTBOUND, 0))
    if outbound:
        weighed = _weighed(outbound, common, primary, rated)
        result.update({OF_OUTBOUND[name]: value for name, value in weighed.items()})
    return result, denominator * common


def _weighed(weight: int, common: int, primary: Ratio, rated: tuple[Ratio, ...]) -> dict[str, int]:
    sums = {WEIGHT: weight * common, PRIMARY: weight * primary[0] * (common // primary[1])}
    if rated:
        sums[RATED] = weight * common
        for name, (numerator, one) in zip(RATINGS, rated, strict=True):
            sums[name] = weight * numerator * (common // one)
    return sums


def over_common_denominator(sums: Mapping[str, Fraction]) -> tuple[dict[str, int], int]:
    """Sums over their common denominator."""
    denominator = lcm(*(value.denominator for value in sums.values()))
    scaled = {n: value.numerator * (denominator // value.denominator) for n, value in sums.items()}
    return scaled, denominator
