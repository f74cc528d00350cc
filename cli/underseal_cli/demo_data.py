"""Where the demo finds its companies and their footprints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["SEALED", "Company", "battery_chain", "energy", "factors", "find_example"]

INSTALLED = Path(__file__).parent / "demo_files"
CHECKOUT = Path(__file__).parents[2] / "examples" / "battery"
COMPANIES = "companies.json"
CALCULATED = {
    "jichuan": "lioh-spodumene",
    "wierzbolit": "nmc811",
    "tiszahajnal": "cell-nmc811",
    "harzquell": "pack-75",
}
SEALED = "pack-75-kit"  # all of its mass is from one supplier, which can endorse it


@dataclass(frozen=True)
class Company:
    """One company of the example."""

    key: str
    role: str
    name: str
    ids: tuple[str, ...]
    country: str
    files: tuple[Path, ...]
    calculated: str  # the product whose footprint it calculates; the others are ready

    @property
    def ready(self) -> tuple[Path, ...]:
        """The footprints that it has already."""
        return tuple(file for file in self.files if file.stem not in (self.calculated, SEALED))

    @property
    def bills(self) -> Path:
        """Its products with their bills of materials."""
        return find_example() / "products" / f"{self.key}.csv"

    def document(self, product: str) -> dict[str, Any]:
        """The footprint file of one of its products, by the file's name."""
        file = next(file for file in self.files if file.stem == product)
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document


def find_example() -> Path:
    """The directory of the example: of this checkout, or packed into the wheel.

    Raises:
        FileNotFoundError: it is in neither place.
    """
    for directory in (CHECKOUT, INSTALLED):
        if (directory / COMPANIES).exists():
            return directory
    raise FileNotFoundError(f"the example files are neither in {CHECKOUT} nor in {INSTALLED}")


def battery_chain() -> list[Company]:
    """The four companies, from the refiner to the pack maker."""
    directory = find_example()
    rows = json.loads((directory / COMPANIES).read_text(encoding="utf-8"))
    return [
        Company(
            key=row["key"],
            role=row["role"],
            name=row["companyName"],
            ids=tuple(row["companyIds"]),
            country=row["country"],
            files=tuple(sorted((directory / "footprints" / row["key"]).glob("*.json"))),
            calculated=CALCULATED[row["key"]],
        )
        for row in rows
    ]


def factors() -> Path:
    """The emission factors of the example, with their sources."""
    return find_example() / "sources.csv"


def energy() -> Path:
    """The directory with the meter data of the cathode maker."""
    return find_example() / "energy"
