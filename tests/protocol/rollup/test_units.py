"""Conversions are exact, and what cannot be converted says what is missing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.carbon import UNITS
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup import units
from underseal_protocol.rollup.units import (
    Dimension,
    PhysicalProperties,
    aliases_of,
    conversion,
    unit_of,
    with_mass_of_unit,
)

NAMES = [row[0] for rows in units._TABLE.values() for row in rows]


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("kWh", "MJ", "3.6"),
        ("MWh", "kilowatt hour", "1000"),
        ("BTU", "J", "1055.05585262"),
        ("therm", "BTU", "100000"),
        ("GJ", "kWh", "2500/9"),
        ("lb", "kg", "0.45359237"),
        ("oz", "lb", "1/16"),
        ("short ton", "lb", "2000"),
        ("long ton", "lb", "2240"),
        ("mg", "t", "1/1000000000"),
        ("US gallon", "l", "3.785411784"),
        ("imperial gallon", "l", "4.54609"),
        ("barrel of oil", "US gallon", "42"),
        ("US gallon", "US fluid ounce", "128"),
        ("ft3", "liter", "28.316846592"),
        ("ml", "cm3", "1"),
        ("ha", "m2", "10000"),
        ("ft2", "m2", "0.09290304"),
        ("day", "s", "86400"),
        ("mile", "km", "1.609344"),
        ("kgkm", "tkm", "1/1000"),
        ("千瓦时", "兆焦", "3.6"),
        ("Stück", "piece", "1"),
    ],
)
def test_sizes_are_the_legal_ones(one: str, other: str, factor: str) -> None:
    assert conversion(one, other) == Fraction(factor)
    assert conversion(other, one) == 1 / Fraction(factor)


def test_the_ten_units_of_pact_are_there_under_their_names() -> None:
    assert {unit_of(name).name for name in UNITS} == set(UNITS)


def test_no_spelling_means_two_units() -> None:
    spellings = [
        (text, row[0])
        for rows in units._TABLE.values()
        for row in rows
        for text in set(units._spellings(row[0], row[1], row[3]))
    ]
    assert len({text for text, _ in spellings}) == len(spellings)


def test_aliases_are_for_the_units_that_were_asked_for() -> None:
    assert aliases_of(["piece"])["pcs"] == "piece"
    assert "kg" not in aliases_of(["piece"])


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_conversions_can_be_chained(one: str, two: str, three: str) -> None:
    if len({unit_of(name).dimension for name in (one, two, three)}) == 1:
        assert conversion(one, two) * conversion(two, three) == conversion(one, three)


@pytest.mark.parametrize(
    ("one", "other", "given_", "factor"),
    [
        ("l", "kg", {"density_kg_per_m3": Decimal(789)}, "0.789"),
        ("piece", "t", {"mass_kg_per_piece": Decimal("2.5")}, "0.0025"),
        ("kg", "pcs", {"mass_kg_per_piece": Decimal("2.5")}, "0.4"),
        ("m2", "g", {"mass_kg_per_m2": Decimal("0.08")}, "80"),
        ("kg", "kWh", {"energy_mj_per_kg": Decimal(45)}, "12.5"),
        ("m3", "MJ", {"energy_mj_per_m3": Decimal(36)}, "36"),
        (
            "l",
            "piece",
            {"density_kg_per_m3": Decimal(1000), "mass_kg_per_piece": Decimal(4)},
            "0.25",
        ),
    ],
)
def test_properties_lead_from_one_dimension_to_another(
    one: str, other: str, given_: dict[str, Decimal], factor: str
) -> None:
    assert conversion(one, other, PhysicalProperties(**given_)) == Fraction(factor)


def test_the_direct_way_goes_first() -> None:
    properties = PhysicalProperties(
        density_kg_per_m3=Decimal(1), energy_mj_per_kg=Decimal(50), energy_mj_per_m3=Decimal(36)
    )
    assert conversion("m3", "MJ", properties) == 36


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            "liter",
            "kg",
            "liter cannot be converted into kilogram: the density (kg per m3) is missing",
        ),
        (
            "l",
            "piece",
            "liter cannot be converted into piece: the density (kg per m3) and the mass per piece "
            "(kg) is missing",
        ),
        (
            "hour",
            "kg",
            "hour cannot be converted into kilogram: the one measures time, the other mass",
        ),
        ("parsec", "kg", "'parsec' is no unit that can be calculated with"),
        ("ton", "kg", "the unit 'ton' has several meanings"),
        ("Mg", "kg", "the unit 'Mg' may be milligram or megagram"),
    ],
)
def test_what_cannot_be_converted_names_both_units_and_what_is_missing(
    one: str, other: str, message: str
) -> None:
    with pytest.raises(UnitError) as caught:
        conversion(one, other)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_property_has_to_be_positive() -> None:
    with pytest.raises(UnitError, match=r"density \(kg per m3\) is 0, expected more than 0"):
        conversion("l", "kg", PhysicalProperties(density_kg_per_m3=Decimal(0)))


def test_what_is_no_text_is_no_unit() -> None:
    with pytest.raises(UnitError, match="None is no unit"):
        unit_of(None)  # type: ignore[arg-type]


def test_a_typing_error_is_recognised() -> None:
    with pytest.raises(UnitError) as caught:
        unit_of("kilogrm")
    assert caught.value.hint == "Did you mean kilogram?"


def test_the_mass_of_a_declared_unit_is_a_property() -> None:
    pack = with_mass_of_unit(PhysicalProperties(), "kWh", Decimal(75), Decimal(377))
    assert conversion("kg", "kWh", pack) == Fraction(75, 377)
    door = with_mass_of_unit(PhysicalProperties(), "piece", Decimal(2), Decimal(80))
    assert conversion("piece", "kg", door) == 40
    known = PhysicalProperties(mass_kg_per_piece=Decimal(3))
    assert with_mass_of_unit(known, "piece", 1, 5) is known
    assert with_mass_of_unit(known, "kg", 1, 1) is known
    assert unit_of("kg").dimension is Dimension.MASS
