"""Mine to pack in four tiers, from tests/examples/battery_chain: an end-to-end example."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests.protocol.rollup.builders import DRAFT_ID, NOW, product

from underseal_protocol.footprint import schema_violations
from underseal_protocol.methodology import Severity, check
from underseal_protocol.rollup.calculation import calculate_figures, roll_up
from underseal_protocol.rollup.inputs import (
    Energy,
    Line,
    Material,
    Mode,
    Product,
    Quantity,
    RollUpInputs,
    Transport,
    Waste,
)
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
    Source,
)
from underseal_protocol.rollup.what_if import SwapSource, apply_changes, compare

FOLDER = Path(__file__).parents[2] / "examples" / "battery_chain"
EXCLUDING = "pcfExcludingBiogenicUptake"
# Declared unit, mass in kg, yield.
PRODUCTS = {
    "lithium hydroxide": ("kg", None, 1),
    "cathode material": ("kg", None, 1),
    "cell": ("kWh", Decimal("4.02"), Decimal("0.96")),
    "pack": ("kWh", Decimal("5.03"), 1),
}
# As they were calculated by others from the same recipe, rounded.
EXPECTED = {
    "lithium hydroxide": "14.28",
    "cathode material": "23.71",
    "cell": "67.1",
    "pack": "78.6",
}


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def factors() -> list[Factor]:
    return [
        Factor(
            id=row["id"],
            name=row["name"],
            values={EXCLUDING: Decimal(row["value"])},
            unit=row["unit"].partition("/")[2],
            database=row["source_title"] or "unverified order of magnitude",
            version=row["source_year"] or "undated",
            geography=row["geography"],
            is_verified=row["verified"] == "yes",
        )
        for row in rows("factors.csv")
    ]


def line_of(number: int, row: dict[str, str]) -> Line:
    name, quantity = row["name"], Quantity(Decimal(row["quantity"]), row["unit"])
    source: Source = LeftOut("Inert waste is not counted.")
    if row["source"]:
        own = row["source"] in PRODUCTS
        source = ProductSource(row["source"]) if own else FactorSource(row["source"])
    line_id = f"{number}"
    if row["kind"] == "material":
        return Material(id=line_id, name=name, quantity=quantity, source=source)
    if row["kind"] == "energy":
        return Energy(id=line_id, name=name, quantity=quantity, source=source)
    if row["kind"] == "waste":
        return Waste(id=line_id, name=name, quantity=quantity, source=source)
    distance = Quantity(Decimal(row["distance_km"]), "km")
    mode = Mode.ROAD if "truck" in name else Mode.SEA
    return Transport(
        id=line_id, name=name, load=quantity, distance=distance, source=source, mode=mode
    )


def products() -> list[Product]:
    lines: dict[str, list[Line]] = defaultdict(list)
    for number, row in enumerate(rows("recipe.csv"), 2):
        lines[row["product"]].append(line_of(number, row))
    return [
        product(*lines[name], product_id=name, unit=unit, mass_kg=mass, yield_share=share)
        for name, (unit, mass, share) in PRODUCTS.items()
    ]


def written(value: Fraction, like: str) -> str:
    """A number with as many places as another one."""
    places = len(like.partition(".")[2])
    return f"{Decimal(value.numerator) / value.denominator:.{places}f}"


INPUTS = RollUpInputs.of(products(), (), factors())


@pytest.mark.parametrize("name", EXPECTED)
def test_each_tier_has_the_known_total(name: str) -> None:
    total = calculate_figures(INPUTS, name)[0][EXCLUDING]
    assert written(total, EXPECTED[name]) == EXPECTED[name]


def test_the_lithium_route_and_the_graphite_change_the_result_as_known() -> None:
    by_spodumene = SwapSource(FactorSource("MA-LH-SPOD"), ProductSource("lithium hydroxide"))
    by_brine = SwapSource(FactorSource("MA-LH-BRINE"), ProductSource("lithium hydroxide"))
    graphite = SwapSource(FactorSource("MA-GRAS"), FactorSource("MA-GRAS-LOW"))
    for name, change, expected in (
        ("cathode material", by_spodumene, "24.98"),
        ("cathode material", by_brine, "20.87"),
        ("cell", graphite, "84.1"),
        ("pack", graphite, "95.6"),
    ):
        after = compare(INPUTS, name, [change]).figures[EXCLUDING].after
        assert after is not None
        assert written(after, expected) == expected


def test_the_same_chain_by_footprints_that_are_handed_on() -> None:
    """Each tier publishes a rounded footprint, and the next one uses it: four nodes."""
    chain = {one.id: one for one in products()}
    handed_on: dict[str, ReceivedFootprint] = {}
    for number, name in enumerate(PRODUCTS):
        current = chain[name]
        changes = [
            SwapSource(FootprintSource(one.id), ProductSource(part))
            for part, one in handed_on.items()
            if any(getattr(line, "source", None) == ProductSource(part) for line in current.lines)
        ]
        inputs = RollUpInputs.of([current], handed_on.values(), factors())
        result = roll_up(
            apply_changes(inputs, changes),
            name,
            footprint_id=f"{DRAFT_ID[:-1]}{number}",
            created=NOW,
        )
        assert schema_violations(result.document) == []
        found = check(result.document, today=date(2026, 3, 1))
        assert [one for one in found if one.severity is Severity.ERROR] == []
        handed_on[name] = ReceivedFootprint(result.document)
        exact = calculate_figures(INPUTS, name)[0][EXCLUDING]
        stated = Decimal(result.document["pcf"][EXCLUDING])
        assert abs(stated - Decimal(exact.numerator) / exact.denominator) < Decimal("0.001")


def test_what_is_not_verified_is_said() -> None:
    result = roll_up(INPUTS, "pack", footprint_id=DRAFT_ID, created=NOW)
    found = {one.rule: one for one in result.findings}
    assert "MA-SPODCONC" in found["factor-unverified"].message
    assert found["left-out"].lines
    assert result.explanation.contributions[0].line.name == "nickel sulphate"
