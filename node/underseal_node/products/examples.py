"""The example of the template: a spring. It is ignored when the workbook is imported."""

from __future__ import annotations

from collections.abc import Mapping

from underseal_node.products.columns import FACTOR, PRODUCT

__all__ = ["EXAMPLES", "EXAMPLE_ROWS"]

_SPRING = {"product": "EXAMPLE-316"}

# Values as JSON has them, by kind of row and column.
EXAMPLE_ROWS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    PRODUCT: (
        {
            **_SPRING,
            "name": "Compression spring 316",
            "quantity": "1",
            "unit": "piece",
            "productIds": ["urn:pact:your-domain.example:product-id:316"],
            "mass": "0.145",
            "basisQuantity": "10000",
            "basisUnit": "piece",
            "yieldShare": "0.98",
            "description": "Spring steel wire 2 mm, wound and tempered; in cartons",
            "periodStart": "2025-01-01T00:00:00Z",
            "periodEnd": "2026-01-01T00:00:00Z",
            "geography": "HU",
        },
    ),
    "material": (
        {
            **_SPRING,
            "name": "Spring steel wire",
            "quantity": "1450",
            "unit": "kg",
            "productIds": ["urn:gtin:4712345060507"],
            "supplier": "Drahtwerk Beispiel GmbH",
            "loss": "0.04",
            "recycledShare": "0.3",
        },
        {
            **_SPRING,
            "name": "Tempering oil",
            "quantity": "12",
            "unit": "liter",
            "source": {"factor": "OIL"},
            "retained": "0",
            "density": "870",
        },
    ),
    "energy": (
        {
            **_SPRING,
            "name": "electricity",
            "quantity": "2600",
            "unit": "kWh",
            "source": {"factor": "EL-HU"},
            "process": "winding and tempering",
        },
        {
            **_SPRING,
            "name": "natural gas",
            "quantity": "4.2",
            "unit": "MWh",
            "process": "tempering",
            "measured": False,
        },
    ),
    "direct": ({**_SPRING, "name": "burnt tempering oil", "fossilGhgEmissions": "35"},),
    "transport": (
        {
            **_SPRING,
            "name": "wire by truck",
            "quantity": "1.51",
            "unit": "t",
            "source": {"factor": "TR-TRUCK"},
            "distance": "640",
            "distanceUnit": "km",
            "mode": "road",
            "direction": "inbound",
            "carries": "Spring steel wire",
        },
    ),
    "packaging": (
        {**_SPRING, "name": "carton", "quantity": "50", "unit": "piece", "massPerPiece": "0.4"},
    ),
    "waste": (
        {
            **_SPRING,
            "name": "oil residues",
            "quantity": "11",
            "unit": "kg",
            "source": {"leftOut": {"reason": "burnt on site, see direct emissions"}},
        },
    ),
    FACTOR: (
        {
            "id": "EXAMPLE-EL-HU",
            "name": "Grid electricity, production mix",
            "value": "0.18282",
            "unit": "kWh",
            "database": "Ember yearly electricity data",
            "version": "2025",
            "geography": "HU",
            "year": 2024,
            "licence": "CC BY 4.0",
        },
    ),
}

EXAMPLES = tuple(row for rows in EXAMPLE_ROWS.values() for row in rows)
