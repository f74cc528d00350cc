"""Decimal numbers as text, without a rounding anywhere (PACT 3.0, Basic Types).

Only `add`, `subtract`, `multiply` and comparison are exact. The default context of `decimal` rounds
to 28 digits: never use the operators on what others have sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, Overflow
from functools import lru_cache

from underseal_protocol.errors import DecimalError

__all__ = [
    "add",
    "format_decimal",
    "half_unit",
    "multiply",
    "parse_decimal",
    "scaled_integer",
    "subtract",
]

# The published pattern ends a text that it should not: `1abc` matches `^...|...$` by its first
# half. Here the whole text has to match, in ASCII digits.
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
SHOWN_CHARACTERS = 60
MAX_CACHED_CHARACTERS = 24

# Sums of texts without exponent are finite decimals, so this precision is never used up; should
# something inexact happen all the same, it is an error instead of a wrong figure.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, Overflow])


def parse_decimal(text: str) -> Decimal:
    """Read a decimal number: digits, optionally a sign in front and a fraction after a point.

    Raises:
        DecimalError: it is anything else: an exponent, a comma, a space, a number that is no text.
    """
    if isinstance(text, str):
        if len(text) <= MAX_CACHED_CHARACTERS:
            return _parse_short(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)  # of a text, the constructor is exact
    raise _refusal(text)


@lru_cache(maxsize=4096)
def _parse_short(text: str) -> Decimal:
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    raise _refusal(text)


def scaled_integer(text: str) -> tuple[int, int]:
    """A decimal number as an integer and the number of its places: (1250, 2) for `12.50`.

    Raises:
        DecimalError: as `parse_decimal`.
    """
    if not isinstance(text, str):
        raise _refusal(text)
    return _scale_short(text) if len(text) <= MAX_CACHED_CHARACTERS else _scale(text)


@lru_cache(maxsize=4096)
def _scale_short(text: str) -> tuple[int, int]:
    return _scale(text)


def _scale(text: str) -> tuple[int, int]:
    if _DECIMAL.fullmatch(text) is None:
        raise _refusal(text)
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), len(fraction)


def _refusal(text: object) -> DecimalError:
    shown = repr(text)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return DecimalError(
        f"{shown} is not a decimal number",
        hint='Write digits with a point, as text: "12.5"; no comma, no unit, no exponent.',
    )


def format_decimal(value: Decimal) -> str:
    """Write a decimal number with all its digits and without exponent.

    Raises:
        DecimalError: it is infinite or not a number.
    """
    if not value.is_finite():
        raise DecimalError(f"{value} is not a finite number")
    return format(value, "f")


def add(values: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference."""
    return _EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """The exact product."""
    return _EXACT.multiply(left, right)


def half_unit(value: Decimal) -> Decimal:
    """Half a unit in the last place as it is written: 0.005 for `1.20`, 0.5 for `12`.

    By that much at most, a rounded figure differs from what was rounded.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise DecimalError(f"{value} is not a finite number")
    return Decimal((0, (5,), exponent - 1))
