"""Each property of the result follows from those of the inputs as ADR 15 says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.protocol.rollup.builders import (
    BOUGHT,
    DECLARATION,
    NOW,
    energy,
    factor,
    figures_of,
    material,
    product,
    received,
    rolled_up,
)

from underseal_protocol.disclosure import Block
from underseal_protocol.footprint import schema_violations
from underseal_protocol.methodology import Severity, check
from underseal_protocol.rollup.calculation import Identity, RollUpOptions
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Direction,
    Material,
    Mode,
    Packaging,
    Quantity,
    Transport,
    Waste,
)
from underseal_protocol.rollup.sources import (
    DataQuality,
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
)
from underseal_protocol.rollup.units import PhysicalProperties

EXCLUDING, INCLUDING = "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake"
FOSSIL, AIRCRAFT = "fossilGhgEmissions", "aircraftGhgEmissions"
OUTBOUND, PACKAGING = "outboundLogisticsGhgEmissions", "packagingGhgEmissions"
BLOCKS = frozenset({Block.EMISSIONS, Block.CARBON, Block.QUALITY})
PLANE = factor("PLANE", "tkm", {FOSSIL: Decimal("0.5")})


def transport(line_id: str = "t", **more: Any) -> Transport:
    values: dict[str, Any] = {
        "load": Quantity(1, "t"),
        "distance": Quantity(2, "km"),
        "source": FactorSource("PLANE"),
        **more,
    }
    return Transport(id=line_id, name=line_id, **values)


def box(line_id: str = "b", amount: int = 1, **more: Any) -> Packaging:
    return Packaging(
        id=line_id,
        name=line_id,
        quantity=Quantity(amount, "piece"),
        source=FactorSource("BOX"),
        **more,
    )


BOX = factor("BOX", "piece", {FOSSIL: Decimal(3), "biogenicCarbonContent": Decimal("0.4")})


def test_a_complete_result_fulfils_schema_and_methodology() -> None:
    made = product(material(), energy(), box(), transport(direction=Direction.OUTBOUND), mass_kg=1)
    result = rolled_up(made, received(), factor(), BOX, PLANE)
    assert schema_violations(result.document) == []
    found = check(result.document, today=NOW.date())
    assert [one for one in found if one.severity is not Severity.INFO] == []
    assert set(result.identities.values()) == {Identity.HOLDS}


@pytest.mark.parametrize("digits", [1, 2, 3, 6, 12])
def test_rounded_figures_still_add_up(digits: int) -> None:
    stated = {
        FOSSIL: "123456.789",
        "landUseChangeGhgEmissions": "0.0123456",
        "biogenicNonCO2Emissions": "77.7777",
        "landManagementBiogenicCO2Removals": "-3.14159",
        EXCLUDING: "123531.4374456",
        "biogenicCO2Uptake": "-9.87654",
        INCLUDING: "123521.5609056",
    }
    made = product(material(loss=Decimal("0.07")))
    result = rolled_up(made, received(**stated), options=RollUpOptions(significant_digits=digits))
    found = check(result.document, today=date(2026, 3, 1))
    assert [one for one in found if one.severity is Severity.ERROR] == []
    for name, value in result.figures.items():
        assert abs(Fraction(result.document["pcf"][name]) - value) <= Fraction(1, 2), name


def test_loss_and_yield_are_used_but_not_contained() -> None:
    bought = received(
        biogenicCarbonContent="0.5",
        biogenicCO2Uptake="-1.8",
        pcfIncludingBiogenicUptake="0.2",
        recycledCarbonContent="0.1",
    )
    made = product(material(amount=Decimal("0.9"), loss=Decimal("0.1")), yield_share=Decimal("0.5"))
    figures = figures_of(made, bought)
    assert figures[EXCLUDING] == 4
    assert figures["biogenicCarbonContent"] == Fraction("0.45")
    assert figures["recycledCarbonContent"] == Fraction("0.09")
    assert figures["biogenicCO2Uptake"] == Fraction("-1.62")
    assert figures[INCLUDING] == Fraction("2.38")


def test_what_is_burnt_is_not_contained() -> None:
    bought = received(fossilCarbonContent="0.9")
    figures = figures_of(product(material(retained=0)), bought)
    assert [figures[EXCLUDING], figures["fossilCarbonContent"]] == [2, 0]


def test_lines_may_be_for_a_batch() -> None:
    made = product(
        material(amount=500), basis=Quantity(1, "t"), declared_unit=Quantity(Decimal("2.5"), "kg")
    )
    assert figures_of(made, received())[EXCLUDING] == Fraction("2.5")


def test_a_stated_composition_goes_first() -> None:
    made = product(material(), carbon_contents={"fossilCarbonContent": Decimal("0.123")})
    figures = figures_of(made, received(without=["fossilCarbonContent"]))
    assert figures["fossilCarbonContent"] == Fraction("0.123")


def test_a_recycled_share_stands_in_for_what_the_source_does_not_state() -> None:
    bought = received(without=["recycledCarbonContent"], fossilCarbonContent="0.8")
    line = material(amount=Decimal("0.5"), recycled_share=Decimal("0.25"))
    assert figures_of(product(line), bought)["recycledCarbonContent"] == Fraction("0.1")
    assert "recycledCarbonContent" not in figures_of(product(material()), bought)
    stated = received(recycledCarbonContent="0.3")
    assert figures_of(product(line), stated)["recycledCarbonContent"] == Fraction("0.15")


def test_delivery_by_the_supplier_is_transport_to_us() -> None:
    bought = received(outboundLogisticsGhgEmissions="0.5")
    figures = figures_of(product(material(amount=2)), bought)
    assert [figures[EXCLUDING], figures[FOSSIL]] == [5, 5]
    assert OUTBOUND not in figures
    assert figures_of(product(material(amount=2, with_outbound=False)), bought)[EXCLUDING] == 4


def test_our_delivery_is_stated_beside_the_footprint() -> None:
    made = product(
        material(),
        transport(direction=Direction.OUTBOUND, mode=Mode.AIR),
        yield_share=Decimal("0.5"),
    )
    figures = figures_of(made, received(), PLANE)
    assert [figures[EXCLUDING], figures[OUTBOUND]] == [4, 1]
    assert AIRCRAFT not in figures  # the footprint of the supplier does not state it


def test_the_delivery_of_an_intermediate_is_transport_to_us() -> None:
    part = product(
        material(), transport(direction=Direction.OUTBOUND), product_id="part", declaration=None
    )
    whole = product(material(source=ProductSource("part"), amount=3))
    items = (part, whole, received(), PLANE)
    assert figures_of(*items)[EXCLUDING] == 9
    result = rolled_up(*items)
    assert sum(one.amount for one in result.explanation.contributions) == 9
    assert result.document["pcf"]["primaryDataShare"] == "26.6667"  # 40 % of 6 in 9


def test_transport_by_air_is_stated_once_more() -> None:
    bought = received(aircraftGhgEmissions="0.25")
    made = product(material(), transport(mode=Mode.AIR), transport("u", mode=Mode.ROAD))
    figures = figures_of(made, bought, PLANE)
    assert figures[AIRCRAFT] == Fraction("1.25")
    assert figures[EXCLUDING] == 4


def test_transport_may_be_given_as_work() -> None:
    made = product(transport(load=Quantity(4, "tkm"), distance=None))
    assert figures_of(made, PLANE)[EXCLUDING] == 2


def test_packaging_is_that_of_our_product() -> None:
    bought = received(packagingEmissionsIncluded=True, packagingGhgEmissions="0.3")
    made = product(material(), box(), box("drum", 2, packs="m"), yield_share=Decimal("0.5"))
    figures = figures_of(made, bought, BOX)
    assert figures[PACKAGING] == 3  # neither the supplier's nor what it comes in
    assert figures["packagingBiogenicCarbonContent"] == Fraction("0.4")
    assert figures[EXCLUDING] == 4 + 3 + 12
    assert PACKAGING not in figures_of(product(material()), bought)
    none_needed = product(material(), packaging_included=True)
    assert figures_of(none_needed, bought)[PACKAGING] == 0


def test_waste_and_own_emissions() -> None:
    burnt = Waste(id="w", name="w", quantity=Quantity(2, "kg"), source=FactorSource("W"))
    own = DirectEmission(
        id="d",
        name="calcination",
        emissions={FOSSIL: Decimal("0.7"), "biogenicNonCO2Emissions": Decimal("0.1")},
    )
    result = rolled_up(product(burnt, own, mass_kg=1), factor("W", "kg", {FOSSIL: Decimal("0.1")}))
    assert result.figures[EXCLUDING] == 1
    assert result.figures["biogenicNonCO2Emissions"] == Fraction("0.1")
    assert result.document["pcf"]["primaryDataShare"] == "80"
    assert "calcination" in result.document["pcf"]["boundaryProcessesDescription"]


def test_captured_carbon() -> None:
    bought = received(
        ccsTechnologicalCO2CaptureIncluded=True,
        ccsTechnologicalCO2Capture="-0.5",
        technologicalCO2Removals="-0.25",
        technologicalCO2CaptureOrigin="A cement works",
        pcfExcludingBiogenicUptake="1.25",
        pcfIncludingBiogenicUptake="1.25",
        ccuCarbonContent="0.1",
        ccuCalculationApproach="Cut-off",
        fossilCarbonContent="0.2",
    )
    result = rolled_up(product(material(amount=2)), bought)
    pcf = result.document["pcf"]
    assert pcf["ccsTechnologicalCO2CaptureIncluded"] is True
    assert (pcf["ccsTechnologicalCO2Capture"], pcf["technologicalCO2Removals"]) == ("-1", "-0.5")
    assert (pcf["ccuCarbonContent"], pcf["ccuCalculationApproach"]) == ("0.2", "Cut-off")
    assert "technologicalCO2CaptureOrigin" not in pcf  # words of a supplier are not copied
    found = {one.rule: one for one in result.findings}
    assert "A cement works" in found["capture-origin"].message


def test_without_capture_nothing_is_said_about_it() -> None:
    pcf = rolled_up(product(material()), received()).document["pcf"]
    assert pcf["ccsTechnologicalCO2CaptureIncluded"] is False
    assert not {"ccsTechnologicalCO2Capture", "technologicalCO2Removals", "ccuCarbonContent"} & set(
        pcf
    )


WITHHELD = [
    "landUseChangeGhgEmissions",
    "landManagementFossilGhgEmissions",
    "landManagementBiogenicCO2Emissions",
    "biogenicCO2Uptake",
    "biogenicNonCO2Emissions",
    "biogenicCarbonContent",
    "recycledCarbonContent",
    "dqi",
    "secondaryEmissionFactorSources",
]


def at_level_total() -> ReceivedFootprint:
    one = received(
        without=WITHHELD,
        pcfExcludingBiogenicUptake="3",
        pcfIncludingBiogenicUptake="1",
    )
    return ReceivedFootprint(one.document, withheld=BLOCKS)


def test_what_is_withheld_is_left_out_and_the_total_counts() -> None:
    result = rolled_up(product(material(amount=2), energy()), at_level_total(), factor())
    figures = result.figures
    assert figures[EXCLUDING] == Fraction("6.5")
    assert figures[FOSSIL] == Fraction("4.5")
    assert figures["biogenicCO2Uptake"] == -4  # the totals tell it
    assert figures[INCLUDING] == Fraction("2.5")
    assert not set(WITHHELD) - {"biogenicCO2Uptake"} & set(figures)
    assert "landUseChangeGhgEmissions" not in figures
    assert "landManagementBiogenicCO2Removals" not in figures
    assert result.identities == {EXCLUDING: Identity.NOT_CHECKABLE, INCLUDING: Identity.HOLDS}
    found = {one.rule: one for one in result.findings}
    assert "of Supplier AG does not state" in found["component-missing"].message
    assert [str(one) for one in found["component-missing"].lines] == ["P/m"]
    assert found["not-checkable"].properties == (EXCLUDING,)
    checked = check(result.document, today=date(2026, 3, 1))
    assert [one.rule for one in checked if one.severity is Severity.ERROR] == []


def test_a_line_of_nothing_makes_nothing_unknown() -> None:
    made = product(material(amount=0), energy())
    result = rolled_up(made, at_level_total(), factor())
    assert result.figures["landUseChangeGhgEmissions"] == 0
    assert "unsigned" not in {one.rule for one in result.findings}


def test_totals_count_where_components_contradict_them() -> None:
    result = rolled_up(product(material()), received(pcfExcludingBiogenicUptake="9"))
    assert result.figures[EXCLUDING] == 9
    assert result.identities[EXCLUDING] is Identity.BROKEN
    assert {"does-not-add-up", "broken-sum"} <= {one.rule for one in result.findings}


def test_components_that_are_rounded_go_before_the_total() -> None:
    bought = received(
        fossilGhgEmissions="1.33",
        landUseChangeGhgEmissions="0.67",
        pcfExcludingBiogenicUptake="2.01",
        pcfIncludingBiogenicUptake="2.01",
    )
    result = rolled_up(product(material()), bought)
    assert result.figures[EXCLUDING] == 2
    assert result.identities[EXCLUDING] is Identity.HOLDS


def test_a_factor_with_a_total_only_counts_as_fossil() -> None:
    total = factor(values={EXCLUDING: Decimal("0.5")})
    figures = figures_of(product(energy(amount=2)), total)
    assert [figures[EXCLUDING], figures[FOSSIL]] == [1, 1]
    assert "landUseChangeGhgEmissions" not in figures
    assert figures_of(product(energy()), factor())["landUseChangeGhgEmissions"] == 0


def test_quality_is_weighted_by_absolute_contributions() -> None:
    sink = received(
        "00000000-0000-4000-8000-000000000001",
        fossilGhgEmissions="0",
        landManagementBiogenicCO2Removals="-1",
        pcfExcludingBiogenicUptake="-1",
        pcfIncludingBiogenicUptake="-1",
        primaryDataShare="100",
        dqi={"technologicalDQR": "5", "geographicalDQR": "5", "temporalDQR": "5"},
    )
    made = product(material(), material("n", source=FootprintSource(sink.id)))
    pcf = rolled_up(made, received(), sink).document["pcf"]
    assert pcf["primaryDataShare"] == "60"  # (2 x 40 + 1 x 100) / 3
    assert pcf["dqi"] == {
        "technologicalDQR": "2.33333",
        "geographicalDQR": "3",
        "temporalDQR": "3.66667",
    }


def test_an_estimate_has_no_primary_data_and_a_line_can_be_rated() -> None:
    pcf = rolled_up(product(material(is_primary=False)), received()).document["pcf"]
    assert pcf["primaryDataShare"] == "0"
    rated = DataQuality(Decimal("1.5"), 4, 5)
    pcf = rolled_up(product(material(quality=rated)), received()).document["pcf"]
    assert set(pcf["dqi"].values()) == {"1.5", "4", "5"}


def test_nearly_all_primary_data_is_not_all() -> None:
    made = product(material(), energy(amount=Decimal("0.000000001")))
    pcf = rolled_up(made, received(primaryDataShare="100"), factor()).document["pcf"]
    assert pcf["primaryDataShare"] == "99.9999"
    assert {"name": "database", "version": "1"} in pcf["secondaryEmissionFactorSources"]
    all_ = rolled_up(product(material()), received(primaryDataShare="100")).document["pcf"]
    assert all_["primaryDataShare"] == "100"
    assert "secondaryEmissionFactorSources" not in all_


def test_exemptions_are_added_up() -> None:
    declared = replace(DECLARATION, exempted_percent=Decimal(1), exempted_description="Screws.")
    left_out = material("x", source=LeftOut("Paint.", Decimal("0.5")))
    made = product(material(amount=Decimal("4.75")), left_out, declaration=declared)
    pcf = rolled_up(made, received(exemptedEmissionsPercent="5")).document["pcf"]
    # 9.5 x 5/95 = 0.5 and 0.5 are left out of 10.5; 1 % of all is on top.
    assert Fraction(pcf["exemptedEmissionsPercent"]) == Fraction("10.4286")
    assert pcf["exemptedEmissionsDescription"].startswith("Screws. Paint.")


def test_standards_reports_and_databases_are_united() -> None:
    bought = received(
        crossSectoralStandards=["PEF", "ISO14067", "Other"],
        ipccCharacterizationFactors=["AR5"],
    )
    pcf = rolled_up(product(material(), energy()), bought, factor()).document["pcf"]
    assert pcf["crossSectoralStandards"] == ["ISO14067", "PEF", "PACT-3.0", "Other"]
    assert pcf["ipccCharacterizationFactors"] == ["AR5", "AR6"]
    assert [one["name"] for one in pcf["secondaryEmissionFactorSources"]] == [
        "database",
        "ecoinvent",
    ]


def test_the_validity_is_that_of_all_inputs() -> None:
    bought = received()
    document = {**bought.document, "validityPeriodEnd": "2027-01-01T00:00:00Z"}
    result = rolled_up(product(material()), ReceivedFootprint(document))
    assert result.document["validityPeriodStart"] == "2026-01-01T00:00:00Z"
    assert result.document["validityPeriodEnd"] == "2027-01-01T00:00:00Z"


def test_declared_units_and_masses() -> None:
    def declared(**more: Any) -> dict[str, Any]:
        pcf = rolled_up(product(material(), **more), received()).document["pcf"]
        return {
            name: pcf[name]
            for name in (
                "declaredUnitOfMeasurement",
                "declaredUnitAmount",
                "productMassPerDeclaredUnit",
            )
        }

    assert list(declared(unit="t").values()) == ["kilogram", "1000", "1000"]
    assert list(declared(unit="kWh").values()) == ["kilowatt hour", "1", "0"]
    thick = PhysicalProperties(density_kg_per_m3=Decimal(1200))
    assert list(declared(unit="l", properties=thick).values()) == ["liter", "1", "1.2"]


def test_the_mass_of_a_footprint_converts_its_unit() -> None:
    cell = received(declaredUnitOfMeasurement="kilowatt hour", productMassPerDeclaredUnit="4")
    assert figures_of(product(material(amount=8)), cell)[EXCLUDING] == 4
    line: Material = material(
        amount=8, properties=PhysicalProperties(energy_mj_per_kg=Decimal("1.8")), source=BOUGHT
    )
    assert figures_of(product(line), cell)[EXCLUDING] == 8
