"""Exact rational numbers: read from decimals, added without loss, rounded once, shown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from underseal_protocol.decimals import format_decimal
from underseal_protocol.errors import RollUpError

__all__ = [
    "MAX_PLACES",
    "MAX_SHOWN_PLACES",
    "SHOWN_DIGITS",
    "Number",
    "Ratio",
    "Sums",
    "added",
    "exact",
    "multiplied",
    "ratio",
    "round_exact",
    "shown",
    "shown_text",
]

Number: TypeAlias = Decimal | Fraction | int
Ratio: TypeAlias = tuple[int, int]

# Before and after the point. Nobody measures like that; whoever sends it wants to keep us busy.
MAX_PLACES = 200
MAX_BITS = 4 * MAX_PLACES
MAX_SUM_BITS = 4096
SHOWN_DIGITS = 12  # of a number that is no finite decimal
MAX_SHOWN_PLACES = 60


def ratio(value: Number) -> Ratio:
    """Numerator and denominator.

    Raises:
        RollUpError: it is a float or no number, infinite, or has more than `MAX_PLACES` digits
            before or after the point.
    """
    if type(value) is Decimal:
        if value.is_finite() and -MAX_PLACES <= value.adjusted() <= MAX_PLACES:
            found = value.as_integer_ratio()
            if found[1].bit_length() <= MAX_BITS:
                return found
    elif isinstance(value, Fraction | int) and not isinstance(value, bool):
        return value.as_integer_ratio()
    raise RollUpError(
        f"{str(value)[:MAX_SHOWN_PLACES]} ({type(value).__name__}) cannot be calculated with",
        hint=f"Give a decimal number with at most {MAX_PLACES} digits before and after the point.",
    )


def exact(value: Number) -> Fraction:
    """The same number as a fraction.

    Raises:
        RollUpError: as `ratio`.
    """
    return value if type(value) is Fraction else Fraction(*ratio(value))


class Sums:
    """Exact sums by name, over a common denominator that grows as it has to.

    Many different divisors would let it grow without end, and each addition with it. So beyond
    `MAX_SUM_BITS` the sums so far are put aside, and all are joined when they are asked for.
    """

    __slots__ = ("_aside", "_denominator", "_terms")

    def __init__(self) -> None:
        self._denominator = 1
        self._terms: dict[str, int] = {}
        self._aside: list[tuple[int, dict[str, int]]] = []

    def add(self, factor: Ratio, values: Mapping[str, int], below: int = 1) -> None:
        """Add values, multiplied by a factor.

        Args:
            factor: of all values.
            values: numerators by name.
            below: their denominator.
        """
        numerator, denominator = factor[0], factor[1] * below
        if self._denominator % denominator:
            self._make_divisible(denominator)
        scale = numerator * (self._denominator // denominator)
        terms = self._terms
        for name, value in values.items():
            terms[name] = terms.get(name, 0) + scale * value

    def totals(self) -> dict[str, Fraction]:
        """The sums."""
        parts = [*self._aside, (self._denominator, self._terms)]
        while len(parts) > 1:  # in pairs, so that most numbers stay small
            pairs = zip(parts[::2], parts[1::2], strict=False)
            odd = parts[-1:] if len(parts) % 2 else []
            parts = [_joined(one, other) for one, other in pairs] + odd
        denominator, terms = parts[0]
        return {name: Fraction(value, denominator) for name, value in terms.items()}

    def _make_divisible(self, denominator: int) -> None:
        common = lcm(self._denominator, denominator)
        if common.bit_length() > MAX_SUM_BITS and self._terms:
            self._aside.append((self._denominator, self._terms))
            self._denominator, self._terms = denominator, {}
            return
        scale = common // self._denominator
        self._terms = {name: value * scale for name, value in self._terms.items()}
        self._denominator = common


def _joined(
    one: tuple[int, dict[str, int]], other: tuple[int, dict[str, int]]
) -> tuple[int, dict[str, int]]:
    denominator = lcm(one[0], other[0])
    left, right = denominator // one[0], denominator // other[0]
    terms = {name: value * left for name, value in one[1].items()}
    for name, value in other[1].items():
        terms[name] = terms.get(name, 0) + value * right
    return denominator, terms


def added(one: Ratio, other: Ratio) -> Ratio:
    """The sum of two ratios, not reduced."""
    if one[1] == other[1]:
        return one[0] + other[0], one[1]
    denominator = lcm(one[1], other[1])
    return (
        one[0] * (denominator // one[1]) + other[0] * (denominator // other[1]),
        denominator,
    )


def multiplied(*factors: Ratio) -> Ratio:
    """The product of ratios, reduced."""
    numerator, denominator = 1, 1
    for one in factors:
        numerator, denominator = numerator * one[0], denominator * one[1]
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common


def round_exact(value: Fraction, digits: int) -> Decimal:
    """The nearest decimal with so many significant digits, half to even.

    Digits before the point are all kept, because zeros in their place would not say that they are
    rounded. A number that needs no rounding is written with the digits it has.

    Args:
        value: any.
        digits: significant ones, 1 or more.
    """
    if not value:
        return Decimal(0)
    places = max(0, digits - 1 - _magnitude(value))
    if round(value * 10**places) >= 10**digits and places:
        places -= 1  # 9.99 became 10.0 and would have a digit more
    scaled = round(value * 10**places)
    rounded = Decimal((int(scaled < 0), _digits(abs(scaled)), -places))
    return _shortened(rounded) if Fraction(scaled, 10**places) == value else rounded


def shown(value: Fraction) -> tuple[str, bool]:
    """A number as text, and whether the text is exact.

    What is no finite decimal, or a very long one, is rounded to `SHOWN_DIGITS` significant digits.
    """
    places = _places(value.denominator)
    if places is not None and abs(value.numerator) < 10**MAX_SHOWN_PLACES:
        scaled = value.numerator * (10**places // value.denominator)
        number = Decimal((int(scaled < 0), _digits(abs(scaled)), -places))
        return format_decimal(_shortened(number)), True
    return format_decimal(round_exact(value, SHOWN_DIGITS)), False


def shown_text(value: Fraction) -> str:
    """A number in a sentence: at most `SHOWN_DIGITS` significant digits."""
    return format_decimal(round_exact(value, SHOWN_DIGITS))


def _magnitude(value: Fraction) -> int:
    """The power of ten of the first digit: 1 for 12.5, -2 for 0.0125."""
    numerator, denominator = abs(value.numerator), value.denominator
    # 30103 / 100000 is log10(2) closely enough to be off by one, which is put right.
    power = (numerator.bit_length() - denominator.bit_length()) * 30103 // 100000
    while numerator >= denominator * _power(power + 1):
        power += 1
    while numerator < denominator * _power(power):
        power -= 1
    return power


def _power(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


def _places(denominator: int) -> int | None:
    """How many digits after the point a number has; None if they never end, or are too many."""
    twos = (denominator & -denominator).bit_length() - 1
    fives, rest = 0, denominator >> twos
    while rest % 5 == 0 and fives <= MAX_SHOWN_PLACES:
        fives, rest = fives + 1, rest // 5
    places = max(twos, fives)
    return places if rest == 1 and places <= MAX_SHOWN_PLACES else None


def _digits(number: int) -> tuple[int, ...]:
    return tuple(map(int, str(number)))


def _shortened(number: Decimal) -> Decimal:
    """Without zeros at the end of the fraction."""
    text = format_decimal(number)
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else number
