"""Decimals keep every digit, and are added without a rounding."""

from __future__ import annotations

import re
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import decimals

from underseal_protocol.decimals import (
    MAX_CACHED_CHARACTERS,
    add,
    format_decimal,
    half_unit,
    multiply,
    parse_decimal,
    subtract,
)
from underseal_protocol.errors import DecimalError

numbers = decimals().map(Decimal)


@given(decimals())
def test_what_is_read_is_written(text: str) -> None:
    value = parse_decimal(text)
    assert format_decimal(value) == text
    assert Fraction(value) == Fraction(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**60), max_value=10**60))
def test_what_is_written_has_no_exponent_and_is_read(value: Decimal) -> None:
    text = format_decimal(value)
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)
    assert parse_decimal(text) == value


@pytest.mark.parametrize("text", ["0", "-0", "+1", "007", "1.50", "9" * 40, "0." + "0" * 39 + "1"])
def test_decimals(text: str) -> None:
    assert parse_decimal(text) == Decimal(text)
    long = text + "0" * MAX_CACHED_CHARACTERS if "." in text else "0" * 30 + text.lstrip("+-")
    assert abs(parse_decimal(long)) == abs(Decimal(text))


WRONG: list[Any] = [
    "", " ", "1 ", " 1", "1\n", "1,5", "1.234,5", ".5", "5.", "1e3", "1E3", "--1", "+-1", "1_000",
    "NaN", "Infinity", "inf", "0x10", "1abc", "x0.1", "٣", "１", "½", "\N{MINUS SIGN}1", "1.2.3",
    1, 1.5, True, None, [], Decimal(1), b"1",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_refusals(text: Any) -> None:
    with pytest.raises(DecimalError, match="is not a decimal number") as caught:
        parse_decimal(text)
    assert caught.value.hint is not None
    if isinstance(text, str):  # long ones are read in another way
        with pytest.raises(DecimalError):
            parse_decimal("1" * MAX_CACHED_CHARACTERS + text + "x")


def test_refused_texts_are_cut() -> None:
    with pytest.raises(DecimalError) as caught:
        parse_decimal("x" * 100_000)
    assert len(caught.value.message) < 120


@given(st.text())
def test_a_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        value = parse_decimal(text)
    except DecimalError:
        assert not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text, re.ASCII)
    else:
        assert Fraction(value) == Fraction(text)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_not_written(value: str) -> None:
    with pytest.raises(DecimalError):
        format_decimal(Decimal(value))
    with pytest.raises(DecimalError):
        half_unit(Decimal(value))


@given(st.lists(numbers, max_size=8))
def test_sums_are_exact(values: list[Decimal]) -> None:
    assert Fraction(add(values)) == sum(map(Fraction, values))


@given(numbers, numbers)
def test_differences_and_products_are_exact(left: Decimal, right: Decimal) -> None:
    assert Fraction(subtract(left, right)) == Fraction(left) - Fraction(right)
    assert Fraction(multiply(left, right)) == Fraction(left) * Fraction(right)


def test_the_usual_operators_would_round() -> None:
    """Why there are functions for it."""
    assert getcontext().prec == 28
    large, small = Decimal("1" + "0" * 38), Decimal("0.1")
    assert large + small == large
    assert add([large, small]) != large


@pytest.mark.parametrize(
    ("text", "half"),
    [("1.20", "0.005"), ("12", "0.5"), ("120", "0.5"), ("-0.1", "0.05"), ("0", "0.5")],
)
def test_half_a_unit_of_the_last_digit(text: str, half: str) -> None:
    assert half_unit(Decimal(text)) == Decimal(half)
