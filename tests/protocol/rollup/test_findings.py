"""What a person should look at is found, with the lines that it comes from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.protocol.rollup.builders import (
    energy,
    factor,
    inputs_of,
    material,
    product,
    received,
    rolled_up,
)

from underseal_protocol.rollup.calculation import RollUpOptions
from underseal_protocol.rollup.findings import RULES, RollUpFinding
from underseal_protocol.rollup.inputs import Packaging, Quantity, Transport, Waste
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
    Trust,
)


def documented(**members: Any) -> ReceivedFootprint:
    return ReceivedFootprint({**received().document, **members})


def packaging(**more: Any) -> Packaging:
    values: dict[str, Any] = {"source": FactorSource("EL"), **more}
    return Packaging(id="b", name="b", quantity=Quantity(1, "kWh"), **values)


CCU = {"ccuCarbonContent": "0.1", "fossilCarbonContent": "0.2"}
OTHER = FootprintSource("other")
CARRIED = Transport(
    id="t", name="t", load=Quantity(1, "tkm"), source=FactorSource("TR"), carries="m"
)
ROAD = factor("TR", "tkm")

# Rule -> what has it, and its lines.
CASES: dict[str, tuple[tuple[Any, ...], list[str]]] = {
    "not-valid": ((documented(validityPeriodEnd="2026-02-01T00:00:00Z"),), ["P/m"]),
    "deprecated": ((documented(status="Deprecated"),), ["P/m"]),
    "unsigned": ((replace(received(), trust=Trust.UNSIGNED),), ["P/m"]),
    "other-version": ((documented(specVersion="2.3.0"),), ["P/m"]),
    "does-not-add-up": ((received(pcfIncludingBiogenicUptake="0"),), ["P/m"]),
    "factor-unverified": ((product(energy()), factor(is_verified=False)), ["P/e"]),
    "component-missing": ((received(without=["landUseChangeGhgEmissions"]),), ["P/m"]),
    "fossil-assumed": (
        (product(energy()), factor(values={"pcfExcludingBiogenicUptake": 1})),
        ["P/e"],
    ),
    "carbon-content-incomplete": ((received(without=["fossilCarbonContent"]),), ["P/m"]),
    "not-checkable": ((received(without=["biogenicNonCO2Emissions"]),), ["P/m"]),
    "broken-sum": ((received(pcfExcludingBiogenicUptake="9"),), []),
    "reports-mixed": (
        (product(material(), energy()), factor(assessment_reports=("AR5",)), received()),
        ["P/e"],
    ),
    "report-unknown": ((product(energy()), factor(assessment_reports=())), ["P/e"]),
    "ratings-of-other-scale": ((documented(specVersion="2.2.0"),), ["P/m"]),
    "ratings-missing": ((received(without=["dqi"]),), []),
    "primary-share-missing": ((received(without=["primaryDataShare"]),), ["P/m"]),
    "databases-unknown": ((received(without=["secondaryEmissionFactorSources"]),), []),
    "packaging-twice": (
        (
            product(material(), packaging(packs="m")),
            received(packagingEmissionsIncluded=True),
            factor(),
        ),
        ["P/b", "P/m"],
    ),
    "transport-twice": (
        (product(material(), CARRIED), received(outboundLogisticsGhgEmissions="1"), ROAD),
        ["P/t", "P/m"],
    ),
    "mass-balance": ((product(material(amount=Decimal("0.98"))), received()), ["P/m"]),
    "far-from-history": ((replace(received(), history=(Decimal("0.9"), Decimal(5), 5)),), ["P/m"]),
    "capture-origin": ((received(**CCU, ccuCalculationApproach="Credit"),), []),
    "capture-approach-mixed": (
        (
            product(material(), material("n", source=OTHER)),
            received(**CCU, ccuCalculationApproach="Credit"),
            received("other", **CCU, ccuCalculationApproach="Cut-off"),
        ),
        [],
    ),
    "no-common-validity": ((documented(validityPeriodEnd="2025-12-01T00:00:00Z"),), []),
    "left-out": ((product(material(), material("x", source=LeftOut("."))), received()), ["P/x"]),
    "no-emissions": ((product(),), []),
}
# These are in test_allocation_findings.
OF_ENERGY = {"energy-unallocated", "energy-without-production", "meter-gaps"}


def findings(*items: Any, **more: Any) -> dict[str, RollUpFinding]:
    made = () if any(type(one).__name__ == "Product" for one in items) else (product(material()),)
    return {one.rule: one for one in rolled_up(*made, *items, **more).findings}


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() | OF_ENERGY == RULES.keys()


@pytest.mark.parametrize("rule", CASES)
def test_it_is_found_with_its_lines(rule: str) -> None:
    items, lines = CASES[rule]
    found = findings(*items)
    assert rule in found, sorted(found)
    one = found[rule]
    assert [str(line) for line in one.lines] == lines
    assert one.severity is RULES[rule].severity
    assert one.message
    assert one.to_json()["lines"] == lines


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert findings(received()) == {}


def test_the_mass_balance_knows_what_it_does_not_know() -> None:
    waste = Waste(id="w", name="w", quantity=Quantity(1, "kg"), source=FactorSource("W"))
    treated = factor("W", "kg")
    assert "mass-balance" in findings(product(material(), waste), received(), treated)
    tolerant = RollUpOptions(mass_tolerance_percent=Decimal(3))
    short = product(material(amount=Decimal("0.98")))
    assert "mass-balance" not in findings(short, received(), options=tolerant)
    by_piece = received(declaredUnitOfMeasurement="piece", productMassPerDeclaredUnit="0")
    pieces = product(material(amount=1, unit="piece"))
    assert "mass-balance" not in findings(pieces, by_piece)


def test_history_of_the_product_itself() -> None:
    assert "far-from-history" in findings(product(material(), history=(9,)), received())
    assert "far-from-history" not in findings(product(material(), history=(3,)), received())


def test_packaging_twice_by_the_same_source_or_in_an_intermediate() -> None:
    both = product(material(unit="kWh", source=FactorSource("EL")), packaging(), mass_kg=1)
    assert "packaging-twice" in findings(both, factor())
    part = product(material(), packaging(), product_id="part", declaration=None)
    whole = product(material(source=ProductSource("part")), packaging(packs="m"))
    assert "packaging-twice" in findings(whole, part, received(), factor())
    plain = product(material(), packaging(packs="m"))
    assert "packaging-twice" not in findings(plain, received(), factor())


def test_findings_of_intermediates_name_their_lines() -> None:
    part = product(material(), product_id="part", declaration=None)
    whole = product(material("n", source=ProductSource("part")))
    found = findings(whole, part, documented(status="Deprecated"))
    assert [str(one) for one in found["deprecated"].lines] == ["part/m"]
    assert inputs_of(whole).products["P"] is whole
