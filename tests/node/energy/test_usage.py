"""The energy of products from what was imported: for the roll-up, with what it follows from."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import pytest
from tests.node.energy.conftest import Plant, csv_of

from underseal_node.energy.usage import EnergyOfPlant, energy_of_plant
from underseal_node.errors import NotFoundError, RefusedError
from underseal_protocol.rollup.allocation import lines_for
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.units import PhysicalProperties

MAPPING = """
timezone = "UTC"

[readings]
kind = "counter"
unit = "MWh"
columns = { meter = "meter", value = "value", time = "at" }

[meters]
Z1 = { carrier = "electricity", line = "L1" }

[orders]
sheet = "x"
file = "orders.csv"
unit = "pcs"
columns = { order = "id", product = "what", start = "from", end = "to", quantity = "n" }
line = "L1"

[rule]
by = "mass"
"""
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
Weights: TypeAlias = dict[str, PhysicalProperties]
WEIGHTS: Weights = {"A": PhysicalProperties(mass_kg_per_piece=Decimal("0.5"))}


def imports(plant: Plant, registers: list[tuple[str, str]], *orders: tuple[str, ...]) -> None:
    alone = MAPPING[: MAPPING.index("[orders]")] + MAPPING[MAPPING.index("[rule]") :]
    readings = csv_of(("meter", "at", "value"), *(("Z1", *one) for one in registers))
    plant.takes(readings, alone)
    only = MAPPING.replace('file = "orders.csv"\n', "")
    only = only[: only.index("[readings]")] + only[only.index("[orders]") :]
    plant.takes(csv_of(("id", "what", "from", "to", "n"), *orders), only)


def of_plant(plant: Plant, *period: datetime, **more: Any) -> EnergyOfPlant:
    return plant.node.store.read_sync(lambda session: energy_of_plant(session, *period, **more))


def weighed(plant: Plant, weights: Weights = WEIGHTS) -> EnergyOfPlant:
    return of_plant(plant, START, END, products=lambda: weights)


def test_before_anything_was_imported(plant: Plant) -> None:
    with pytest.raises(NotFoundError, match="no energy was imported yet") as raised:
        of_plant(plant)
    assert "energy import" in (raised.value.hint or "")


def test_the_lines_of_a_product(plant: Plant) -> None:
    imports(
        plant,
        [("2024-12-01", "0"), ("2025-02-01", "62"), ("2025-04-01", "121")],
        ("1", "A", "2025-01-01", "2025-03-01", "1000"),
    )
    found = weighed(plant)
    assert found.allocation.products.keys() == {"A"}
    energy = found.allocation.products["A"]
    # 62 MWh in 62 days, then 59 in 59: 1 MWh a day.
    (line,) = lines_for(energy, Quantity(1, "piece"))
    assert line.quantity == Quantity(Fraction(59), "kWh")
    assert line.process == "L1"
    (by_mass,) = lines_for(energy, Quantity(1, "kg"))
    assert by_mass.quantity.amount == 118
    assert "by the mass of what they made" in found.description
    assert (found.used.readings, found.used.orders) == (3, 1)
    assert found.allocation.gaps == ()
    assert found.allocation.unallocated == ()


def test_without_a_weight_nothing_is_allocated(plant: Plant) -> None:
    imports(
        plant,
        [("2025-01-01", "0"), ("2025-03-01", "59")],
        ("1", "A", "2025-01-01", "2025-03-01", "1000"),
    )
    found = of_plant(plant)
    (rest,) = found.allocation.unallocated
    assert "mass per piece" in rest.detail
    assert found.allocation.totals[0].unallocated == 59_000


def test_what_was_used_changes_with_what_it_is(plant: Plant) -> None:
    registers = [("2025-01-01", "0"), ("2025-03-01", "59")]
    order = ("1", "A", "2025-01-01", "2025-03-01", "1000")
    imports(plant, registers, order)
    first = weighed(plant).used
    imports(plant, registers, order)
    assert weighed(plant).used == first
    imports(plant, [("2026-01-01", "100")], order)  # not in the period, but the next register
    assert weighed(plant).used == first
    imports(plant, registers, (*order[:4], "1001"))
    assert weighed(plant).used.digest != first.digest


def test_a_product_that_was_not_made_does_not_matter(plant: Plant) -> None:
    order = ("1", "A", "2025-01-01", "2025-03-01", "1000")
    imports(plant, [("2025-01-01", "0"), ("2025-03-01", "59")], order)
    first = weighed(plant).used
    heavy = PhysicalProperties(mass_kg_per_piece=Decimal(7))
    assert weighed(plant, {**WEIGHTS, "B": heavy}).used == first
    assert weighed(plant, {"A": heavy}).used.digest != first.digest


def test_a_line_without_orders_in_the_period(plant: Plant) -> None:
    imports(
        plant,
        [("2025-01-01", "0"), ("2025-03-01", "59")],
        ("1", "A", "2026-01-01", "2026-03-01", "1000"),
    )
    (rest,) = of_plant(plant).allocation.unallocated
    assert rest.reason == "no production in the period"


def test_a_period_that_ends_before_it_begins(plant: Plant) -> None:
    order = ("1", "A", "2025-01-01", "2025-03-01", "1000")
    imports(plant, [("2025-01-01", "0"), ("2025-03-01", "59")], order)
    with pytest.raises(RefusedError, match="ends before it begins"):
        of_plant(plant, END, START)
    found = of_plant(plant)
    assert (found.allocation.start, found.allocation.end) == (START, END)
