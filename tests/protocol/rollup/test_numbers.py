"""Exact numbers are read without loss, rounded once, and say when they are rounded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup import numbers
from underseal_protocol.rollup.numbers import Sums, exact, round_exact, shown
from underseal_protocol.rounding import round_significant


@pytest.mark.parametrize(
    "value", [0.5, True, "1", None, Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999999")]
)
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(RollUpError, match="cannot be calculated with"):
        exact(value)  # type: ignore[arg-type]


def test_very_long_numbers_are_refused() -> None:
    with pytest.raises(RollUpError, match="cannot be calculated with"):
        exact(Decimal("0." + "3" * 5000))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        ("2/3", 3, "0.667"),
        ("1/8", 2, "0.12"),
        ("3/8", 2, "0.38"),
        ("9999/1000", 3, "10.0"),
        ("99999/100000", 2, "1.0"),
        ("12345678/1", 3, "12345678"),
        ("1234567/10", 3, "123457"),
        ("215/100", 6, "2.15"),
        ("-1/3", 4, "-0.3333"),
        ("1/3000000", 2, "0.00000033"),
        ("0", 6, "0"),
        ("100", 2, "100"),
    ],
)
def test_rounding(value: str, digits: int, text: str) -> None:
    assert format(round_exact(Fraction(value), digits), "f") == text


@given(st.decimals("-99", "99", places=8), st.integers(3, 10))
def test_decimals_are_rounded_as_at_publication(value: Decimal, digits: int) -> None:
    assert round_exact(Fraction(value), digits) == round_significant(value, digits)


@given(st.fractions())
def test_what_is_shown_as_exact_is_exact(value: Fraction) -> None:
    text, is_exact = shown(value)
    assert not is_exact or Fraction(text) == value
    assert is_exact or abs(Fraction(text) - value) <= abs(value) / 10**11


def test_a_number_without_end_is_rounded_and_says_so() -> None:
    assert shown(Fraction(1, 3)) == ("0.333333333333", False)
    assert shown(Fraction(1, 4)) == ("0.25", True)
    assert shown(Fraction(1, 2**100))[1] is False


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(1, 10**40)), max_size=200))
def test_sums_are_exact_also_when_they_are_put_aside(terms: list[tuple[int, int]]) -> None:
    sums = Sums()
    for numerator, denominator in terms:
        sums.add((numerator, denominator), {"x": 2, "y": -1}, 3)
    expected = sum((Fraction(n, 3 * d) for n, d in terms), Fraction())
    totals = sums.totals()
    assert totals.get("x", 0) == 2 * expected
    assert totals.get("y", 0) == -expected
    assert numbers.MAX_SUM_BITS < 200 * 133  # so that it happens here
