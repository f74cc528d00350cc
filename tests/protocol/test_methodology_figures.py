"""Sums, signs, ranges, masses and carbon contents, each right and wrong."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.samples import BIOGENIC_PCF, TODAY, sample

from underseal_protocol.decimals import add, format_decimal
from underseal_protocol.disclosure import Block
from underseal_protocol.methodology import Finding, check
from underseal_protocol.methodology_figures import SUMMANDS

Pcf: TypeAlias = dict[str, Any]
Brief: TypeAlias = tuple[str, str, str]

EXCLUDING, INCLUDING = "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake"
LAND_FOSSIL = "landManagementFossilGhgEmissions"


def findings(pcf: Pcf, *withheld: Block) -> list[Finding]:
    return check(sample(pcf), today=TODAY, withheld=withheld)


def brief(pcf: Pcf, *withheld: Block) -> list[Brief]:
    return [
        (one.rule, str(one.severity), one.pointer.removeprefix("/pcf/"))
        for one in findings(pcf, *withheld)
    ]


# --- sums ---------------------------------------------------------------------------------------


def totals(excluding: str, including: str | None = None) -> Pcf:
    return {EXCLUDING: excluding, INCLUDING: including or excluding}


def test_every_part_of_the_total_counts() -> None:
    for name in SUMMANDS:
        changed = BIOGENIC_PCF | {name: "0"}
        assert ("sum-excluding-uptake", "error", EXCLUDING) in brief(changed), name
    changed = BIOGENIC_PCF | {"biogenicCO2Uptake": "-1"}
    assert brief(changed) == [("sum-including-uptake", "error", INCLUDING)]


def test_the_sums_are_told() -> None:
    (finding,) = findings(totals("2.3"))
    assert finding.message == f"{EXCLUDING} is 2.3, and its parts add up to 2.15"
    assert finding.section == "3.3.1"
    (finding,) = findings(totals("2.15", "1.15"))
    assert finding.message == (
        f"{INCLUDING} is 1.15; {EXCLUDING} and biogenicCO2Uptake add up to 2.15"
    )


# Half a unit of the last digit for every figure, 0 for a zero without fraction.
@pytest.mark.parametrize(
    ("fossil", "other", "total", "is_right"),
    [
        ("2.1", "0.05", "2.15", True),
        ("2.1", "0.05", "2.2", True),  # off by 0.05, allowed are 0.05 + 0.005 + 0.05
        ("2.1", "0.05", "2.25", False),  # off by 0.1, allowed are 0.05 + 0.005 + 0.005
        ("2.10", "0.05", "2.16", True),
        ("2.10", "0.05", "2.165", False),
        ("2.100", "0.050", "2.151", True),
        ("2.100", "0.050", "2.152", False),
        ("2", "0", "2.5", True),
        ("2", "0", "2.6", False),
        ("0", "0", "0.05", False),
        ("0", "0", "1", False),
        ("0.0", "0", "0.1", True),
        ("12345678901234567890.12345678901234567890", "0.00000000000000000001",
         "12345678901234567890.12345678901234567891", True),
        ("12345678901234567890.12345678901234567890", "0.00000000000000000001",
         "12345678901234567890.12345678901234567993", False),
    ],
)  # fmt: skip
def test_the_tolerance(fossil: str, other: str, total: str, is_right: bool) -> None:
    parts = {"fossilGhgEmissions": fossil, "landUseChangeGhgEmissions": other}
    rules = {rule for rule, *_ in brief(totals(total) | parts)}
    assert rules == (set() if is_right else {"sum-excluding-uptake"})
    written = (fossil, other, total)
    allowed = sum(half(one) for one in written)
    difference = Fraction(total) - Fraction(fossil) - Fraction(other)
    assert (abs(difference) <= allowed) == is_right, "the case itself"


def half(text: str) -> Fraction:
    places = len(text.partition(".")[2])
    return Fraction(0) if text == "0" else Fraction(1, 2 * 10**places)


amounts = st.decimals(0, 10**12, places=6).map(format_decimal)


@given(st.lists(amounts, min_size=4, max_size=4), st.lists(amounts, min_size=4, max_size=4))
def test_exact_sums_are_right_and_others_wrong(plus: list[str], minus: list[str]) -> None:
    emitted = dict(zip(SUMMANDS[:3] + SUMMANDS[6:], plus, strict=True))
    removed = {name: f"-{one}" for name, one in zip(SUMMANDS[3:6], minus, strict=False)}
    total = add(map(Decimal, (*emitted.values(), *removed.values())))
    pcf = BIOGENIC_PCF | emitted | removed | {LAND_FOSSIL: "0", "biogenicCO2Uptake": f"-{minus[3]}"}
    right = pcf | totals(format_decimal(total), format_decimal(add([total, -Decimal(minus[3])])))
    assert [one for one in brief(right) if one[0].startswith("sum")] == []
    off = format_decimal(add([total, Decimal("0.01")]))
    rules = [one[0] for one in brief(right | {EXCLUDING: off}) if one[0].startswith("sum")]
    assert rules == ["sum-excluding-uptake", "sum-including-uptake"]


def test_land_management_that_was_counted_twice_is_recognised() -> None:
    pcf = {"fossilGhgEmissions": "2.15", LAND_FOSSIL: "0.50", **totals("2.65")}
    (finding,) = findings(pcf)
    assert finding.rule == "sum-excluding-uptake"
    assert "count it once" in str(finding.hint)


@pytest.mark.parametrize(
    ("missing", "severity", "hint"),
    [
        ({"landUseChangeGhgEmissions": None}, "warning", "landUseChangeGhgEmissions is left out"),
        ({"landUseChangeGhgEmissions": None, "biogenicNonCO2Emissions": None}, "warning",
         "landUseChangeGhgEmissions and biogenicNonCO2Emissions are left out"),
        ({"landManagementBiogenicCO2Removals": None}, "error", "make up the total"),
    ],
)  # fmt: skip
def test_what_may_be_unknown_makes_it_a_warning(missing: Pcf, severity: str, hint: str) -> None:
    pcf = totals("2.30") | missing
    (finding,) = (one for one in findings(pcf) if one.rule == "sum-excluding-uptake")
    assert str(finding.severity) == severity
    assert hint in str(finding.hint)


def test_captured_carbon_may_be_unknown_where_there_is_some() -> None:
    off = BIOGENIC_PCF | {"ccsTechnologicalCO2Capture": None}
    assert ("sum-excluding-uptake", "warning", EXCLUDING) in brief(off)


def test_uptake_is_never_positive() -> None:
    assert brief({INCLUDING: "2.2"}) == [("sum-including-uptake", "error", INCLUDING)]
    (finding,) = findings({INCLUDING: "2.2", "biogenicCO2Uptake": "0"}, *Block)
    assert "lowers the footprint" in str(finding.hint)


def test_uptake_that_is_left_out_counts_as_nothing() -> None:
    left_out = {"biogenicCO2Uptake": None}
    assert ("sum-including-uptake", "error", INCLUDING) not in brief(left_out)
    (finding,) = (one for one in findings(left_out | totals("2.15", "1")) if one.rule[:3] == "sum")
    assert finding.hint == "biogenicCO2Uptake is left out and counted as 0."


def test_sums_of_withheld_parts_are_not_judged() -> None:
    core_only = {name: None for name in BIOGENIC_PCF if name not in (EXCLUDING, INCLUDING)}
    pcf = core_only | {"fossilGhgEmissions": "5", "ccsTechnologicalCO2CaptureIncluded": True}
    assert brief(pcf | totals("2", "1"), *Block) == []
    assert "sum-excluding-uptake" in {rule for rule, *_ in brief(pcf | totals("2", "1"))}


# --- parts, signs, ranges -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "is_right"),
    [
        ("2.15", "2.15", True),
        ("2.16", "2.15", True),  # 0.005 and 0.005 are allowed
        ("2.161", "2.15", False),
        ("2.2", "2.15", True),
        ("2.3", "2.15", False),
        ("0.1", "0", False),
    ],
)
def test_land_management_is_part_of_fossil(part: str, whole: str, is_right: bool) -> None:
    pcf = {LAND_FOSSIL: part, "fossilGhgEmissions": whole, **totals(whole)}
    expected = [] if is_right else [("part-of-fossil", "error", LAND_FOSSIL)]
    assert brief(pcf) == expected


def test_the_mass_is_not_negative() -> None:
    mass = "productMassPerDeclaredUnit"
    assert brief({mass: "-1"}) == [("sign", "error", mass)]
    for unit in ("liter", "piece", "hour"):
        assert brief({mass: "-1", "declaredUnitOfMeasurement": unit}) == [("sign", "error", mass)]


@pytest.mark.parametrize(
    ("pcf", "wrong"),
    [
        ({"exemptedEmissionsPercent": "0"}, []),
        ({"exemptedEmissionsPercent": "-0.1"}, ["exemptedEmissionsPercent"]),
        ({"exemptedEmissionsPercent": "100.01"}, ["exemptedEmissionsPercent"]),
        ({"primaryDataShare": "0"}, []),
        ({"primaryDataShare": "100", "secondaryEmissionFactorSources": None}, []),
        ({"primaryDataShare": "-1"}, ["primaryDataShare"]),
        ({"primaryDataShare": "101", "secondaryEmissionFactorSources": None}, ["primaryDataShare"]),
        ({"dqi": {"technologicalDQR": "1", "geographicalDQR": "5", "temporalDQR": "5.0"}}, []),
        ({"dqi": {"technologicalDQR": "0.9", "geographicalDQR": "5.1", "temporalDQR": "-1"}},
         ["dqi/technologicalDQR", "dqi/geographicalDQR", "dqi/temporalDQR"]),
        ({"dqi": {"technologicalDQR": "1", "geographicalDQR": "1", "temporalDQR": "1",
                  "coveragePercent": "90", "own": {}}}, []),
    ],
)  # fmt: skip
def test_ranges(pcf: Pcf, wrong: list[str]) -> None:
    exempted = {"exemptedEmissionsDescription": "Below the threshold"}
    assert brief(pcf | exempted) == [("range", "error", name) for name in wrong]


# --- masses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "amount", "mass", "severity"),
    [
        ("kilogram", "1", "1", None),
        ("kilogram", "80", "80.00", None),
        ("kilogram", "1", "1000", "error"),
        ("kilogram", "1", "0", "error"),
        ("kilogram", "1", "0.999", "error"),
        ("piece", "1", "0.145", None),
        ("piece", "1", "0", "warning"),
        ("square meter", "2", "0", "warning"),
        ("liter", "12.5", "9.86", None),
        ("liter", "1", "0", "warning"),
        ("liter", "1", "789", "warning"),  # grams
        ("liter", "1", "22.6", None),
        ("liter", "10", "230", None),
        ("liter", "10", "230.1", "warning"),
        ("liter", "1000", "0.05", "warning"),
        ("liter", "1", "0.00008", None),
        ("cubic meter", "1", "0.08", None),
        ("cubic meter", "1", "0.0799", "warning"),
        ("cubic meter", "1", "23000", None),
        ("cubic meter", "1", "23000.1", "warning"),
        ("cubic meter", "1", "0.00008", "warning"),
        ("cubic meter", "1", "7850000", "warning"),
        ("cubic meter", "1", "7850", None),
        ("kilowatt hour", "1", "0", None),
        ("kilowatt hour", "75", "377", "info"),
        ("megajoule", "1", "0", None),
        ("ton kilometer", "1", "0.0", None),
        ("hour", "1", "1", "info"),
        ("megabit second", "1", "0", None),
    ],
)
def test_masses(unit: str, amount: str, mass: str, severity: str | None) -> None:
    pcf = {
        "declaredUnitOfMeasurement": unit,
        "declaredUnitAmount": amount,
        "productMassPerDeclaredUnit": mass,
        **dict.fromkeys(("fossilCarbonContent", "biogenicCarbonContent"), "0"),
        "recycledCarbonContent": "0",
    }
    expected = [] if severity is None else [("mass", severity, "productMassPerDeclaredUnit")]
    assert brief(pcf) == expected


@pytest.mark.parametrize(
    ("mass", "word"), [("0.01", "light"), ("0.00001", "light"), ("99", "heavy")]
)
def test_what_no_material_is(mass: str, word: str) -> None:
    liters = {"declaredUnitOfMeasurement": "liter", "declaredUnitAmount": "1000"}
    amount = "1" if word == "heavy" else "1000"
    empty = {"fossilCarbonContent": "0", "recycledCarbonContent": "0"}
    pcf = {**liters, **empty, "declaredUnitAmount": amount, "productMassPerDeclaredUnit": mass}
    (finding,) = findings(pcf)
    assert f"no material is that {word}" in finding.message


# --- carbon -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fossil", "biogenic", "is_right"),
    [
        ("0.5", "0.5", True),
        ("1", "0", True),
        ("1.01", "0", True),  # 0.005 and 0.005 are allowed
        ("1.011", "0", False),
        ("0.60", "0.60", False),
    ],
)
def test_carbon_and_mass(fossil: str, biogenic: str, is_right: bool) -> None:
    pcf = {
        "fossilCarbonContent": fossil,
        "biogenicCarbonContent": biogenic,
        "productMassPerDeclaredUnit": "1.00",
        "declaredUnitAmount": "1.00",
    }
    expected = [] if is_right else [("carbon-content", "error", "fossilCarbonContent")]
    assert brief(pcf) == expected


def test_without_a_mass_there_is_nothing_to_compare_carbon_with() -> None:
    service = {"declaredUnitOfMeasurement": "hour", "productMassPerDeclaredUnit": "0"}
    assert brief({**service, "fossilCarbonContent": "5"}) == []


@pytest.mark.parametrize("name", ["recycledCarbonContent", "ccuCarbonContent"])
def test_no_more_recycled_or_captured_carbon_than_carbon(name: str) -> None:
    captured = {
        "ccuCalculationApproach": "Cut-off",
        "technologicalCO2CaptureOrigin": "Fossil, from a cement works",
    }
    assert brief(captured | {"ccuCarbonContent": "0.001", name: "0.007"}) == []
    too_much = captured | {"ccuCarbonContent": "0.001", name: "0.5"}
    assert brief(too_much) == [("carbon-content", "error", name)]
    # If biogenic carbon is not told, all the carbon is not known.
    unknown = captured | {"ccuCarbonContent": "0.001", name: "0.5", "biogenicCarbonContent": None}
    assert "carbon-content" not in {rule for rule, *_ in brief(unknown)}


def test_carbon_that_is_withheld_is_not_judged() -> None:
    assert brief({"fossilCarbonContent": "5", "recycledCarbonContent": None}, Block.CARBON) == []
    assert brief({"fossilCarbonContent": "5"}) != []


def test_figures_are_cut_in_messages() -> None:
    long = "1" * 10_000
    for finding in findings(totals(long)):
        assert len(finding.message) < 300
