"""docs/how-to/import-meter-data.md works as it is written."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from fractions import Fraction
from importlib import resources
from pathlib import Path

from underseal_node.energy.export import Files
from underseal_node.energy.importing import import_energy
from underseal_node.energy.usage import energy_of_plant
from underseal_node.node import Node

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "import-meter-data.md"
BLOCK = re.compile(r"^```(csv|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example(node: Node) -> None:
    blocks = [text for _, text in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    meters, orders, mapping = (text.encode() for text in blocks)
    example = resources.files("underseal_node.energy") / "example.toml"
    assert example.read_bytes() == mapping, "what the console gives as an example is another one"
    files = Files("meters.csv", meters, "mapping.toml", mapping, {"orders.csv": orders})
    done = asyncio.run(import_energy(node, files, dry_run=False))
    assert done.problems == ()
    assert (done.readings.new, done.orders.new) == (3, 2)
    start, end = datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 31, 23, tzinfo=UTC)
    plant = node.store.read_sync(lambda session: energy_of_plant(session, start, end))
    metered = {one.carrier: one.metered for one in plant.allocation.totals}
    assert metered == {"electricity": Fraction("15500.75"), "natural gas": 900 * Fraction("35.9")}
    spring = plant.allocation.products["spring"]
    amounts = {(one.carrier, one.line): one.quantity.amount for one in spring.lines}
    assert amounts == {
        ("electricity", "Ofen 1"): Fraction("12500.5") * 2 / 3,
        ("electricity", None): Fraction("3000.25") * Fraction(9, 10) * 2 / 3,
        ("natural gas", "Ofen 1"): 900 * Fraction("35.9") * 2 / 3,
    }
    assert plant.allocation.gaps == ()
