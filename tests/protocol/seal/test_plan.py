"""From a calculation to the integers of a seal: what is a quantity, what a factor, what is own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.protocol.rollup.builders import (
    DECLARATION,
    DRAFT_ID,
    energy,
    factor,
    material,
    product,
    received,
    rolled_up,
)
from tests.protocol.seal.parties import CUSTOMER, SALT, Supplier, supplier

from underseal_protocol.errors import SealNumberError, SealRefusedError
from underseal_protocol.rollup.calculation import RollUp
from underseal_protocol.rollup.inputs import DirectEmission, Direction, Mode, Quantity, Transport
from underseal_protocol.rollup.sources import FactorSource, FootprintSource, ProductSource
from underseal_protocol.seal.context import context_of
from underseal_protocol.seal.numbers import NANO, SCALE_DECIMALS, SealedProperty, Total
from underseal_protocol.seal.plan import SealPlan, plan_seal
from underseal_protocol.seal.prover import seal
from underseal_protocol.seal.sealing import EndorsedInput, SealOrder, sealable
from underseal_protocol.seal.trust import KnownNode, TrustList
from underseal_protocol.seal.verdict import Grade
from underseal_protocol.seal.verifier import verify_sealed
from underseal_protocol.times import parse_time

FOSSIL = "fossilGhgEmissions"
CELLS = "0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111"
ALUMINIUM = "1c7f6b3c-2d77-4b3e-9b6c-52a0d5f8a222"
PRODUCT = DECLARATION.product_ids[0]


def bought(footprint_id: str, figure: str, **more: Any) -> Any:
    return received(
        footprint_id,
        fossilGhgEmissions=figure,
        pcfExcludingBiogenicUptake=figure,
        pcfIncludingBiogenicUptake=figure,
        **more,
    )


def example(*more: Any, **changes: Any) -> RollUp:
    """Two materials, one of them on two lines, electricity, and something of our own."""
    lines = (
        material("cells", Decimal("0.7"), source=FootprintSource(CELLS)),
        material("spare cells", Decimal("0.05"), source=FootprintSource(CELLS)),
        material("aluminium", Decimal("0.31"), source=FootprintSource(ALUMINIUM)),
        energy("electricity", Decimal("0.4")),
        DirectEmission(
            id="welding", name="welding", emissions={"fossilGhgEmissions": Decimal("0.02")}
        ),
        *more,
    )
    return rolled_up(
        product(*lines, **changes),
        bought(CELLS, "16.7"),
        bought(ALUMINIUM, "8.2"),
        factor(values={"fossilGhgEmissions": Decimal("0.34206")}),
    )


def planned(found: RollUp, sealed: SealedProperty = SealedProperty.FOSSIL, **more: Any) -> SealPlan:
    return plan_seal(found.explanation, found.figures, sealed, **more)


def amount(plan: SealPlan, **values: int) -> Fraction:
    """What the integers sum up to, in kg."""
    endorsed = sum(plan.quantities[name] * value for name, value in values.items())
    named = sum(one.quantity * one.factor.value for one in plan.factors)
    return Fraction(endorsed + named + NANO * plan.own, 10**SCALE_DECIMALS)


@pytest.mark.parametrize("sealed", SealedProperty)
def test_what_is_what(sealed: SealedProperty) -> None:
    found = example()
    plan = planned(found, sealed, endorsed=[CELLS, ALUMINIUM], named=["EL"])
    assert plan.quantities == {CELLS: 750_000_000, ALUMINIUM: 310_000_000}
    (electricity,) = plan.factors
    assert electricity.factor.name == "EL (database 1, EL)"
    assert (electricity.factor.unit, electricity.factor.value) == ("kWh", 342_060_000)
    assert (electricity.quantity, plan.own) == (400_000_000, 20_000_000)
    assert plan.exact == found.figures[sealed.value]
    assert amount(plan, **{CELLS: 16_700_000_000, ALUMINIUM: 8_200_000_000}) == plan.exact


def test_what_is_neither_endorsed_nor_named_is_own() -> None:
    found = example()
    plan = planned(found)
    assert (plan.quantities, plan.factors) == ({}, ())
    assert plan.own == found.figures["fossilGhgEmissions"] * NANO
    less = planned(found, endorsed=[ALUMINIUM])
    assert less.own == plan.own - 310_000_000 * 82 // 10


def test_through_an_intermediate_of_ours() -> None:
    inner = product(material("cells", 2, source=FootprintSource(CELLS)), product_id="module")
    outer = product(
        material("modules", Decimal("0.5"), source=ProductSource("module"), loss=Decimal("0.2"))
    )
    found = rolled_up(outer, inner, bought(CELLS, "16.7"))
    plan = planned(found, endorsed=[CELLS])
    assert plan.quantities == {CELLS: 1_250_000_000}  # 2 x 0.5 / 0.8
    assert plan.own == 0
    assert amount(plan, **{CELLS: 16_700_000_000}) == plan.exact


def test_outbound_logistics_of_a_supplier_are_not_in_its_figure() -> None:
    line = material("cells", 2, source=FootprintSource(CELLS))
    given = bought(CELLS, "16.7", outboundLogisticsGhgEmissions="0.3")
    for sealed in SealedProperty:
        found = rolled_up(product(line), given)
        plan = planned(found, sealed, endorsed=[CELLS])
        assert amount(plan, **{CELLS: 16_700_000_000}) == plan.exact == Fraction(34)
        assert plan.own == 600_000_000


def test_what_moves_an_intermediate_counts_as_own() -> None:
    """Also where its own figure is endorsed: the fossil part is of its total."""
    truck = received(
        ALUMINIUM,
        declaredUnitOfMeasurement="ton kilometer",
        productMassPerDeclaredUnit="0",
        fossilGhgEmissions="0.1",
        landUseChangeGhgEmissions="0.02",
        pcfExcludingBiogenicUptake="0.12",
        pcfIncludingBiogenicUptake="0.12",
    )
    ride = Transport(
        id="ride", name="ride", load=Quantity(1, "t"), distance=Quantity(10, "km"),
        mode=Mode.ROAD, source=FootprintSource(ALUMINIUM), direction=Direction.OUTBOUND,
    )  # fmt: skip
    inner = product(material("cells", 1, source=FootprintSource(CELLS)), ride, product_id="module")
    outer = product(material("modules", 1, source=ProductSource("module")))
    found = rolled_up(outer, inner, bought(CELLS, "16.7"), truck)
    for sealed in SealedProperty:
        plan = planned(found, sealed, endorsed=[CELLS, ALUMINIUM])
        assert plan.quantities == {CELLS: NANO}
        assert plan.own == 1_200_000_000
        assert amount(plan, **{CELLS: 16_700_000_000}) == plan.exact


def test_a_credit_cannot_be_sealed() -> None:
    values = {"fossilGhgEmissions": Decimal(0), "technologicalCO2Removals": Decimal(-5)}
    credit = factor("credit", "kg", values)
    line = material("scrap", 1, source=FactorSource("credit"))
    with pytest.raises(SealNumberError, match="the sum of own emissions is below 0"):
        planned(rolled_up(product(line), credit), SealedProperty.EXCLUDING)
    with pytest.raises(SealNumberError, match="the value of factor credit is below 0"):
        planned(rolled_up(product(line), credit), SealedProperty.EXCLUDING, named=["credit"])


def test_factors_that_add_nothing_or_are_per_more_than_one_unit() -> None:
    waste = factor("waste", "kg", {"fossilGhgEmissions": Decimal(0)})
    bulk = factor("bulk", "kg", {"fossilGhgEmissions": Decimal(250)}, amount=1000)
    lines = [material(name, 2, source=FactorSource(name)) for name in ("waste", "bulk")]
    plan = planned(rolled_up(product(*lines), waste, bulk), named=["waste", "bulk"])
    (only,) = plan.factors
    assert (only.factor.unit, only.factor.value) == ("1000 kg", 250 * NANO)
    assert only.quantity == 2_000_000


# From the bill to the verdict


def suppliers() -> dict[str, Supplier]:
    return {CELLS: supplier("cells", "16.7", "1"), ALUMINIUM: supplier("aluminium", "8.2", "1")}


def ordered(found: RollUp, plan: SealPlan, document: dict[str, Any]) -> SealOrder:
    context = context_of(CUSTOMER, PRODUCT, DRAFT_ID, SALT)
    created = parse_time(document["created"])
    inputs = []
    for name, one in suppliers().items():
        endorsement, opening = one.endorse(
            context=context, not_before=created, not_after=created.replace(year=2029)
        )
        inputs.append(
            EndorsedInput(endorsement, one.key.public_key(), opening, plan.quantities[name])
        )
    return SealOrder(
        document=document, publisher=CUSTOMER, product_id=PRODUCT, salt=SALT,
        sealed=plan.sealed, exact=plan.exact, inputs=inputs, factors=plan.factors, own=plan.own,
        coverage=90,
    )  # fmt: skip


def test_a_calculated_product_is_sealed_with_grade_mass() -> None:
    found = example()
    plan = planned(found, endorsed=[CELLS, ALUMINIUM], named=["EL"])
    result = seal(ordered(found, plan, found.document))
    nodes = [KnownNode((one.url,), one.keys) for one in suppliers().values()]
    verdict = verify_sealed(
        result.document,
        found.document,
        publisher=CUSTOMER,
        trusted=TrustList(nodes),
        time=parse_time(found.document["created"]),
    )
    assert (verdict.grade, verdict.coverage) == (Grade.MASS, 90)
    assert verdict.total.text == found.document["pcf"]["fossilGhgEmissions"] == "15.2238"


def test_a_total_below_the_mass_bound_is_refused_with_its_reason() -> None:
    """The mass of the product is more than what its endorsed inputs weigh."""
    found = example(mass_kg=Decimal("1.2"), unit="piece")
    plan = planned(found, endorsed=[CELLS, ALUMINIUM], named=["EL"])
    said = r"mass: the endorsed inputs have less mass than the product, which has 1\.2 kg$"
    with pytest.raises(SealRefusedError, match=said):
        sealable(ordered(found, plan, found.document))


def test_a_figure_that_was_changed_after_the_calculation() -> None:
    found = example()
    plan = planned(found, endorsed=[CELLS, ALUMINIUM], named=["EL"])
    order = ordered(found, plan, found.document)
    pcf = {**found.document["pcf"], "fossilGhgEmissions": "15.2237"}
    with pytest.raises(SealRefusedError, match=r"total: the inputs sum up to 15.2238 kg CO2e"):
        sealable(replace(order, document={**found.document, "pcf": pcf}))


def test_a_half_that_the_roll_up_rounds_to_even() -> None:
    """Here a half is rounded up, so the figure has to be published as the sum has it."""
    found = example(DirectEmission(id="x", name="x", emissions={FOSSIL: Decimal("0.0000600")}))
    assert found.document["pcf"]["fossilGhgEmissions"] == "15.2239"
    half = example(DirectEmission(id="x", name="x", emissions={FOSSIL: Decimal("0.000026")}))
    assert half.figures["fossilGhgEmissions"] == Fraction("15.22385")
    assert half.document["pcf"]["fossilGhgEmissions"] == "15.2238"
    plan = planned(half, endorsed=[CELLS, ALUMINIUM], named=["EL"])
    order = ordered(half, plan, half.document)
    with pytest.raises(SealRefusedError, match=r"the inputs sum up to 15\.2239 kg"):
        sealable(order)
    total = Total.of_sum(int(plan.exact * 10**SCALE_DECIMALS), 4)
    pcf = {**half.document["pcf"], "fossilGhgEmissions": total.text}
    sealable(replace(order, document={**half.document, "pcf": pcf}))
