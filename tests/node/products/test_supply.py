"""Shares are kept with 40 places: as fractions would be rounded, and added without a loss."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from underseal_node.products.supply import SCALE, _part, in_units

parts = st.fractions(min_value=-1000, max_value=1000)
wholes = parts.filter(bool)


@given(parts, wholes)
def test_a_share_is_rounded_half_to_even(value: Fraction, whole: Fraction) -> None:
    assert _part(value, whole) == Fraction(round(value / whole * SCALE), SCALE)


def test_halves_go_to_the_even_neighbour() -> None:
    half = Fraction(1, 2 * SCALE)
    assert [in_units(_part(count * half, Fraction(1))) for count in (1, 3, 5, -1, -3)] == [
        0, 2, 2, 0, -2,
    ]  # fmt: skip


@given(st.lists(st.tuples(parts, wholes), max_size=20))
def test_units_add_up_exactly(items: list[tuple[Fraction, Fraction]]) -> None:
    shares = [_part(*one) for one in items]
    assert Fraction(sum(map(in_units, shares)), SCALE) == sum(shares, Fraction())
    assert in_units(sum(shares, Fraction())) == sum(map(in_units, shares))
