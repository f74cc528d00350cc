"""Where the demo finds its companies and their footprints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Company", "battery_chain", "correction", "find_example"]

INSTALLED = Path(__file__).parent / "demo_files"
CHECKOUT = Path(__file__).parents[2] / "examples" / "battery"
COMPANIES = "companies.json"


@dataclass(frozen=True)
class Company:
    """One company of the example."""

    key: str
    role: str
    name: str
    ids: tuple[str, ...]
    country: str
    files: tuple[Path, ...]

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
        )
        for row in rows
    ]


def correction(company: str, product: str) -> Path:
    """The file that corrects a footprint of the example."""
    return find_example() / "footprints" / "corrections" / company / f"{product}.json"
