"""The integers of a sealed sum: how they are made, and what is refused, with the reason."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.samples import BIOGENIC_PCF, sample

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import SealNumberError
from underseal_protocol.seal.numbers import (
    VALUE_BITS,
    WIDE_BITS,
    SealedProperty,
    Total,
    nano,
    require_bits,
    sealed_figure,
    total_of,
)

FOSSIL, EXCLUDING = SealedProperty.FOSSIL, SealedProperty.EXCLUDING


def pcf(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = sample(pcf=changes)["pcf"]
    return found


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        (Decimal(0), 0),
        (Decimal("14.28"), 14_280_000_000),
        (Decimal("0.0000000005"), 0),
        (Decimal("0.0000000015"), 2),
        (Decimal("0.0000000025"), 2),
        (Decimal("0.00000000250001"), 3),
        (Fraction(1, 3), 333_333_333),
        (75, 75_000_000_000),
    ],
)
def test_amounts_are_rounded_half_to_even(amount: Any, number: int) -> None:
    assert nano(amount, VALUE_BITS, "it") == number


@pytest.mark.parametrize("bits", [VALUE_BITS, WIDE_BITS])
def test_the_largest_amount_and_the_next(bits: int) -> None:
    largest = Fraction((1 << bits) - 1, 10**9)
    assert nano(largest, bits, "it") == (1 << bits) - 1
    with pytest.raises(SealNumberError, match="it is too large to be sealed"):
        nano(largest + Fraction(1, 10**9), bits, "it")


@pytest.mark.parametrize("amount", [Decimal(-1), Fraction(-1, 10**30), Decimal("-0.0000000001")])
def test_negative_amounts_are_refused_also_where_they_would_be_rounded_to_0(amount: Any) -> None:
    with pytest.raises(SealNumberError, match="it is below 0") as caught:
        nano(amount, VALUE_BITS, "it")
    assert "no negative numbers" in str(caught.value.hint)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), 1.5, True, "1"])
def test_what_is_no_number(amount: Any) -> None:
    with pytest.raises(SealNumberError, match="no number that can be calculated with"):
        nano(amount, VALUE_BITS, "it")


@pytest.mark.parametrize("number", [-1, 1 << 56, 1.0, True, None])
def test_integers_out_of_range(number: Any) -> None:
    with pytest.raises(SealNumberError, match="it "):
        require_bits(number, 56, "it")


@pytest.mark.parametrize(
    ("text", "number", "decimals", "precision"),
    [
        ("78.6012", 786_012, 4, "0.00005"),
        ("78.60", 7860, 2, "0.005"),
        ("0", 0, 0, "0.5"),
        ("5893", 5893, 0, "0.5"),
        ("+5.0", 50, 1, "0.05"),
        ("0.000000000000000001", 1, 18, "0.0000000000000000005"),
    ],
)
def test_a_total_is_the_figure_without_its_point(
    text: str, number: int, decimals: int, precision: str
) -> None:
    total = total_of(text)
    assert (total.number, total.decimals, total.precision) == (number, decimals, precision)
    assert parse_decimal(total.text) == parse_decimal(text)
    assert total.step == 10 ** (18 - decimals)
    assert total.half_step == total.step // 2


def test_tens_may_be_what_was_rounded_to() -> None:
    total = total_of("58930", -1)
    assert (total.number, total.step, total.precision) == (5893, 10**19, "5")
    assert total.text == "58930"
    for text, decimals in (("58931", -1), ("5.0", -1), ("100", -2), ("5.0", 2), ("5.00", 1)):
        with pytest.raises(SealNumberError, match=r"is sealed with|decimals, expected"):
            total_of(text, decimals)


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "-0",
        "1e3",
        "1,5",
        "",
        "0.0000000000000000001",
        "9" * 17,
        "0" * 5000,
        "1." + "0" * 5000,
    ],
)
def test_totals_that_are_not_sealed(text: str) -> None:
    with pytest.raises(SealNumberError, match="total"):
        total_of(text)


@given(st.integers(0, 10**30), st.integers(-1, 18))
def test_a_sum_rounds_to_its_total_and_to_no_other(amount: int, decimals: int) -> None:
    if amount >= 2**55 * 10 ** (18 - decimals):
        return
    total = Total.of_sum(amount, decimals)
    remainder = total.remainder(amount)
    assert 0 <= remainder < total.step < 2**64
    assert amount == total.number * total.step - total.half_step + remainder
    distance = abs(Fraction(amount, 10**18) - Fraction(total.text))
    assert distance <= Fraction(total.precision)
    for other in (total.number - 1, total.number + 1):
        if other >= 0:
            with pytest.raises(SealNumberError, match="the inputs sum up to"):
                Total(other, decimals).remainder(amount)


def test_a_half_is_rounded_up() -> None:
    assert Total.of_sum(25 * 10**16, 1).text == "0.3"
    assert Total.of_sum(25 * 10**16 - 1, 1).text == "0.2"
    assert Total.of_sum(7, 18).remainder(7) == 0


@pytest.mark.parametrize("sealed", SealedProperty)
def test_the_figure_of_a_footprint(sealed: SealedProperty) -> None:
    assert sealed_figure(pcf(), sealed) == "2.15"
    core = {name: pcf()[name] for name in (FOSSIL, EXCLUDING, "pcfIncludingBiogenicUptake")}
    assert sealed_figure(core, sealed) == "2.15"


@pytest.mark.parametrize(
    "name",
    [
        "biogenicCO2Uptake",
        "landManagementBiogenicCO2Removals",
        "technologicalCO2Removals",
        "ccsTechnologicalCO2Capture",
    ],
)
def test_removals_uptake_and_capture_are_refused_by_name(name: str) -> None:
    for text in ("-0.1", "0.1", "-0.000000000000001"):
        with pytest.raises(SealNumberError, match=f"{name} is {text}"):
            sealed_figure(pcf(**{name: text}), FOSSIL)
    assert sealed_figure(pcf(**{name: "0.0"}), FOSSIL) == "2.15"


def test_uptake_shows_in_the_totals_where_it_is_withheld_itself() -> None:
    assert sealed_figure(pcf(pcfIncludingBiogenicUptake="2.150"), FOSSIL) == "2.15"
    with pytest.raises(SealNumberError, match="differ, so there is uptake"):
        sealed_figure(pcf(pcfIncludingBiogenicUptake="2.14"), FOSSIL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fossilGhgEmissions": "-2.15"}, "fossilGhgEmissions is -2.15, below 0"),
        ({"fossilGhgEmissions": "-0"}, "fossilGhgEmissions is -0, below 0"),
        ({"fossilGhgEmissions": None}, "has no fossilGhgEmissions"),
        ({"fossilGhgEmissions": 2}, "has no fossilGhgEmissions"),
        ({"fossilGhgEmissions": "much"}, "fossilGhgEmissions is no figure"),
        ({"pcfExcludingBiogenicUptake": "-1"}, "pcfExcludingBiogenicUptake is -1, below 0"),
        ({"pcfIncludingBiogenicUptake": None}, "pcfIncludingBiogenicUptake is no figure"),
        ({"pcfIncludingBiogenicUptake": "2.15" + "0" * 97}, "IncludingBiogenicUptake has 101 char"),
        (
            {"biogenicCO2Uptake": "0" * 101},
            "biogenicCO2Uptake has 101 characters, expected at most",
        ),
        (BIOGENIC_PCF, "pcfIncludingBiogenicUptake is -1.250, below 0"),
    ],
)
def test_figures_that_are_not_sealed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SealNumberError, match=message):
        sealed_figure(pcf(**changes), FOSSIL)
