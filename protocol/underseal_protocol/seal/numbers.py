"""The numbers of a sealed sum: integers, each with bounds, and what is refused.

| number | is | unit | bits |
|---|---|---|---|
| v | the figure that a supplier endorses | 10^-9 kg CO2e per declared unit of its product | 56 |
| q | a quantity | 10^-9 declared units of the supplier per declared unit of ours | 56 |
| f | the value of a public factor | 10^-9 kg CO2e per unit of the factor | 56 |
| e | own emissions, and all that nobody endorsed | 10^-9 kg CO2e per declared unit of ours | 64 |
| w, m | the mass of a declared unit of a supplier, and of ours | 10^-9 kg | 64 |
| T | the published figure without its point | 10^-d kg CO2e, with d decimals | 56 |

- What goes in is rounded once, half to even (`nano`). Nothing is rounded later.
- A declared unit is `declaredUnitAmount` of `declaredUnitOfMeasurement`, both together.
- `sum q v + 10^9 e = T S - h + rem`, with `S = 10^(18 - d)`, `h = floor(S / 2)`, `0 <= rem < S`:
  both sides are in 10^-18 kg CO2e, and T is the sum rounded as one rounds, a half upwards.
- d is the number of decimals as the figure is published, at most 18. A figure without decimals that
  ends in 0 may have been rounded to tens: then d may be -1, and the sum is shown to within 5 kg.
- All sums stay below 2^128, far below the group order, so nothing ever wraps around.
- Version 1 has no negative numbers. It refuses a footprint with any that is negative, and one with
  removals, uptake or capture, since those are negative parts of a sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from underseal_protocol.decimals import format_decimal, parse_decimal, scaled_integer
from underseal_protocol.errors import DecimalError, RollUpError, SealNumberError
from underseal_protocol.rollup.numbers import Number, exact
from underseal_protocol.rollup.properties import EXCLUDING, FOSSIL, INCLUDING, NON_POSITIVE

__all__ = [
    "MAX_DECIMALS",
    "MIN_DECIMALS",
    "NANO",
    "SCALE_DECIMALS",
    "VALUE_BITS",
    "WIDE_BITS",
    "SealedProperty",
    "Total",
    "figure",
    "nano",
    "require_bits",
    "require_sealable",
    "sealed_figure",
    "total_of",
]

NANO = 10**9
"""`U`: of the unit of most numbers."""

SCALE_DECIMALS = 18  # of the unit of sums: 10^-18 kg CO2e
MIN_DECIMALS, MAX_DECIMALS = -1, SCALE_DECIMALS
VALUE_BITS, WIDE_BITS = 56, 64
MAX_FIGURE_CHARACTERS = 100
SHOWN_CHARACTERS = 60

_NO_NEGATIVES = "Version 1 of sealed sums has no negative numbers."


class SealedProperty(StrEnum):
    """The properties of PACT that version 1 seals."""

    FOSSIL = FOSSIL
    EXCLUDING = EXCLUDING


@dataclass(frozen=True, slots=True)
class Total:
    """The published figure, or what it would be.

    Args:
        number: `T`.
        decimals: `d`.

    Raises:
        SealNumberError: either is out of range.
    """

    number: int
    decimals: int

    def __post_init__(self) -> None:
        if not MIN_DECIMALS <= self.decimals <= MAX_DECIMALS:
            raise SealNumberError(
                f"the total has {self.decimals} decimals, expected {MIN_DECIMALS} to {MAX_DECIMALS}"
            )
        require_bits(self.number, VALUE_BITS, "the total")

    @property
    def step(self) -> int:
        """`S`: a unit of the last digit, in 10^-18 kg CO2e."""
        return int(10 ** (SCALE_DECIMALS - self.decimals))

    @property
    def half_step(self) -> int:
        """`h`."""
        return self.step // 2

    @property
    def text(self) -> str:
        """As it is published, in kg CO2e."""
        digits = tuple(map(int, str(self.number)))
        return format_decimal(Decimal((0, digits, -self.decimals)))

    @property
    def precision(self) -> str:
        """Half a unit of the last digit: by so much, in kg CO2e, the sum may differ."""
        return format_decimal(Decimal((0, (5,), -self.decimals - 1)))

    @classmethod
    def of_sum(cls, amount: int, decimals: int) -> Total:
        """A sum, rounded; a half is rounded up.

        Args:
            amount: in 10^-18 kg CO2e, at least 0.
            decimals: that are kept.

        Raises:
            SealNumberError: it is out of range.
        """
        found = cls(0, decimals)
        return cls((amount + found.half_step) // found.step, decimals)

    def remainder(self, amount: int) -> int:
        """`rem` of a sum that rounds to this total.

        Args:
            amount: in 10^-18 kg CO2e.

        Raises:
            SealNumberError: it rounds to another one.
        """
        found = amount - (self.number * self.step - self.half_step)
        if not 0 <= found < self.step:
            rounded = Total.of_sum(amount, self.decimals)
            raise SealNumberError(
                f"the inputs sum up to {rounded.text} kg CO2e, the footprint says {self.text}",
                hint="Calculate the footprint anew, or publish it with the figure of the sum.",
            )
        return found


def total_of(text: str, decimals: int | None = None) -> Total:
    """The total of a figure as it is published.

    Args:
        text: a decimal number.
        decimals: `d` where it is stated; the number of decimals of the text by default.

    Raises:
        SealNumberError: it is negative or out of range, or cannot have so many decimals.
    """
    _require_short(text, "the total")
    try:
        number, places = scaled_integer(text)
    except DecimalError as error:
        raise SealNumberError(f"the total is no figure: {error.message}") from None
    if number < 0 or "-" in text:
        raise SealNumberError(f"the total is {_shown(text)}, below 0", hint=_NO_NEGATIVES)
    if decimals is None or decimals == places:
        return Total(number, places)
    if (decimals, places, number % 10) == (-1, 0, 0):
        return Total(number // 10, decimals)
    raise SealNumberError(
        f"the total {_shown(text)} is sealed with {decimals} decimals, expected {places}"
    )


def nano(amount: Number, bits: int, what: str) -> int:
    """An amount in units of 10^-9, rounded half to even.

    Args:
        amount: exact.
        bits: that the result has at most.
        what: it is, for messages, which do not tell the amount.

    Raises:
        SealNumberError: it is negative, no number, or has more bits.
    """
    try:
        found = exact(amount)
    except RollUpError:
        raise SealNumberError(f"{what} is no number that can be calculated with") from None
    if found < 0:
        raise SealNumberError(f"{what} is below 0", hint=_NO_NEGATIVES)
    number = round(found * NANO)  # of a fraction: half to even
    if number >> bits:
        most = Fraction((1 << bits) - 1, NANO)
        raise SealNumberError(
            f"{what} is too large to be sealed: {bits} bits hold less than {round(most) + 1}",
            hint="Choose a smaller declared unit.",
        )
    return number


def require_bits(number: int, bits: int, what: str) -> None:
    """Whether an integer is in [0, 2^bits).

    Args:
        number: perhaps a secret: messages do not tell it.
        bits: that it has at most.
        what: it is, for messages.

    Raises:
        SealNumberError: it is not.
    """
    if type(number) is not int:
        raise SealNumberError(f"{what} is {type(number).__name__}, expected an integer")
    if number < 0:
        raise SealNumberError(f"{what} is below 0", hint=_NO_NEGATIVES)
    if number >> bits:
        raise SealNumberError(f"{what} has {number.bit_length()} bits, expected at most {bits}")


def sealed_figure(pcf: Mapping[str, Any], sealed: SealedProperty) -> str:
    """The figure of a footprint that is sealed, as it is published.

    Args:
        pcf: of a footprint; blocks may be withheld.
        sealed: which property.

    Raises:
        SealNumberError: it is not there or negative, or the footprint is none that version 1 seals.
    """
    require_sealable(pcf)
    text = pcf.get(sealed.value)
    if not isinstance(text, str):
        raise SealNumberError(f"the footprint has no {sealed.value}")
    if figure(text, sealed.value) < 0 or "-" in text:
        raise SealNumberError(f"{sealed.value} is {_shown(text)}, below 0", hint=_NO_NEGATIVES)
    return text


def require_sealable(pcf: Mapping[str, Any]) -> None:
    """Whether a footprint has nothing that version 1 does not seal, as far as it is shown.

    Args:
        pcf: of a footprint; blocks may be withheld.

    Raises:
        SealNumberError: a total is negative, or there are removals, uptake or capture.
    """
    for name in (EXCLUDING, INCLUDING):
        if figure(pcf.get(name), name) < 0:
            raise SealNumberError(f"{name} is {_shown(pcf[name])}, below 0", hint=_NO_NEGATIVES)
    for name in sorted(NON_POSITIVE):
        if pcf.get(name) is not None and figure(pcf[name], name):
            raise SealNumberError(
                f"{name} is {_shown(pcf[name])}, and a footprint with removals, uptake or capture "
                "is not sealed",
                hint=_NO_NEGATIVES,
            )
    if figure(pcf.get(EXCLUDING), EXCLUDING) != figure(pcf.get(INCLUDING), INCLUDING):
        raise SealNumberError(
            f"{EXCLUDING} and {INCLUDING} differ, so there is uptake, and a footprint with uptake "
            "is not sealed",
            hint=_NO_NEGATIVES,
        )


def figure(text: Any, what: str) -> Decimal:
    """A figure of a footprint, exact.

    Args:
        text: a decimal number of at most 100 characters.
        what: it is, for messages.

    Raises:
        SealNumberError: it is none.
    """
    _require_short(text, what)
    try:
        return parse_decimal(text)
    except DecimalError as error:
        raise SealNumberError(f"{what} is no figure: {error.message}") from None


def _require_short(text: Any, what: str) -> None:
    if isinstance(text, str) and len(text) > MAX_FIGURE_CHARACTERS:
        raise SealNumberError(
            f"{what} has {len(text)} characters, expected at most {MAX_FIGURE_CHARACTERS}"
        )


def _shown(text: object) -> str:
    return str(text)[:SHOWN_CHARACTERS]
