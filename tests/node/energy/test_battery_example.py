"""The export of the cathode maker in examples/battery gives the energy that its recipe uses."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from underseal_node.energy.export import Files
from underseal_node.energy.importing import import_energy
from underseal_node.energy.usage import EnergyOfPlant, energy_of_plant
from underseal_node.node import Node
from underseal_protocol.rollup.allocation import lines_for
from underseal_protocol.rollup.inputs import Quantity

BATTERY = Path(__file__).parents[3] / "examples" / "battery"
ENERGY = BATTERY / "energy"
START, END = datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC)


def take(node: Node) -> None:
    files = Files(
        "meters.csv",
        (ENERGY / "meters.csv").read_bytes(),
        "mapping.toml",
        (ENERGY / "mapping.toml").read_bytes(),
        {"orders.csv": (ENERGY / "orders.csv").read_bytes()},
    )
    assert asyncio.run(import_energy(node, files, dry_run=False)).problems == ()


def recipe(product: str) -> dict[str, tuple[Fraction, str]]:
    """Carrier -> amount per kg, with its unit."""
    inputs = {"electricity": "electricity", "natural gas heat": "natural gas heat"}
    inputs["electricity of the second calcination"] = "electricity"
    with (BATTERY / "recipes.csv").open(encoding="utf-8", newline="") as file:
        return {
            inputs[row["input"]]: (Fraction(row["quantity"]), row["unit"])
            for row in csv.DictReader(file)
            if product in row["product"].split() and row["input"] in inputs
        }


def of_plant(node: Node) -> EnergyOfPlant:
    return node.store.read_sync(lambda session: energy_of_plant(session, START, END))


def test_the_energy_is_that_of_the_recipe(node: Node) -> None:
    take(node)
    found = of_plant(node).allocation
    assert found.gaps == ()
    assert found.products.keys() == {"nmc811", "nmc811-brine", "nmc811-single-crystal"}
    for product, energy in found.products.items():
        amounts: dict[str, tuple[Fraction, str]] = {}
        for line in lines_for(energy, Quantity(1, "kg")):
            before, _ = amounts.get(line.name, (Fraction(), ""))
            amounts[line.name] = before + Fraction(line.quantity.amount), line.quantity.unit
        assert amounts == recipe(product)


def test_what_is_not_allocated(node: Node) -> None:
    take(node)
    plant = of_plant(node)
    (rest,) = plant.allocation.unallocated
    assert (rest.detail, rest.quantity) == (
        "offices and laboratory",
        Quantity(Fraction(90_000), "kWh"),
    )


def test_the_readme_says_the_same() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ENERGY / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| nmc811")
    ]
    for product, carrier, amount in rows:
        value, unit = amount.split()
        assert recipe(product)[carrier] == (Fraction(value), unit)
    assert len(rows) == 5
