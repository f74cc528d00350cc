"""Short ways to inputs, for the tests of the roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_protocol.rollup.calculation import RollUp, RollUpOptions, calculate_figures, roll_up
from underseal_protocol.rollup.inputs import (
    Declaration,
    Energy,
    Line,
    Material,
    Product,
    Quantity,
    RollUpInputs,
)
from underseal_protocol.rollup.numbers import Number
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    ReceivedFootprint,
    Source,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DRAFT_ID = "f4b1225a-bd44-4c8e-861d-079e4e1dfd69"
SUPPLIED = "0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111"

BOUGHT, GRID = FootprintSource(SUPPLIED), FactorSource("EL")

DECLARATION = Declaration(
    company_name="Harzquell GmbH",
    company_ids=("urn:lei:529900T8BM49AURSDO55",),
    product_name="Wire 2",
    product_ids=("urn:gtin:4712345060507",),
    description="Spring steel wire",
    comment="A test.",
    period_start=datetime(2025, 1, 1, tzinfo=UTC),
    period_end=datetime(2026, 1, 1, tzinfo=UTC),
    geography="DE",
    allocation="By mass",
)

_COMPLETE: dict[str, Any] = {
    "declaredUnitOfMeasurement": "kilogram",
    "declaredUnitAmount": "1",
    "productMassPerDeclaredUnit": "1",
    "referencePeriodStart": "2025-01-01T00:00:00Z",
    "referencePeriodEnd": "2026-01-01T00:00:00Z",
    "pcfExcludingBiogenicUptake": "2",
    "pcfIncludingBiogenicUptake": "2",
    "fossilCarbonContent": "0",
    "biogenicCarbonContent": "0",
    "recycledCarbonContent": "0",
    "fossilGhgEmissions": "2",
    "landUseChangeGhgEmissions": "0",
    "landManagementFossilGhgEmissions": "0",
    "landManagementBiogenicCO2Emissions": "0",
    "biogenicCO2Uptake": "0",
    "biogenicNonCO2Emissions": "0",
    "packagingEmissionsIncluded": False,
    "ccsTechnologicalCO2CaptureIncluded": False,
    "ipccCharacterizationFactors": ["AR6"],
    "crossSectoralStandards": ["PACT-3.0"],
    "exemptedEmissionsPercent": "0",
    "primaryDataShare": "40",
    "secondaryEmissionFactorSources": [{"name": "ecoinvent", "version": "3.11"}],
    "dqi": {"technologicalDQR": "1", "geographicalDQR": "2", "temporalDQR": "3"},
}


def received(
    footprint_id: str = SUPPLIED, without: Iterable[str] = (), **pcf: Any
) -> ReceivedFootprint:
    """A footprint of a supplier that states everything, with other members of `pcf`."""
    members = {name: one for name, one in {**_COMPLETE, **pcf}.items() if name not in set(without)}
    return ReceivedFootprint(
        {
            "id": footprint_id,
            "specVersion": "3.0.0",
            "status": "Active",
            "companyName": "Supplier AG",
            "pcf": members,
        }
    )


def factor(
    factor_id: str = "EL",
    unit: str = "kWh",
    values: Mapping[str, Number] | None = None,
    **more: Any,
) -> Factor:
    """A factor; complete unless a total is among the values."""
    given = {"fossilGhgEmissions": Decimal("0.5")} if values is None else values
    defaults: dict[str, Any] = {
        "name": factor_id,
        "database": "database",
        "version": "1",
        "assessment_reports": ("AR6",),
    }
    return Factor(id=factor_id, unit=unit, values=given, **{**defaults, **more})


def material(
    line_id: str = "m",
    amount: Number = 1,
    unit: str = "kg",
    source: Source | None = BOUGHT,
    **more: Any,
) -> Material:
    """A line of a bill of materials."""
    return Material(
        id=line_id, name=line_id, quantity=Quantity(amount, unit), source=source, **more
    )


def energy(
    line_id: str = "e",
    amount: Number = 1,
    unit: str = "kWh",
    source: Source | None = GRID,
    **more: Any,
) -> Energy:
    """A line of energy."""
    return Energy(id=line_id, name=line_id, quantity=Quantity(amount, unit), source=source, **more)


def product(*lines: Line, product_id: str = "P", unit: str = "kg", **more: Any) -> Product:
    """A product, declared per one unit."""
    declared = more.pop("declared_unit", Quantity(1, unit))
    declaration = more.pop("declaration", DECLARATION)
    return Product(
        id=product_id,
        name=product_id,
        declared_unit=declared,
        lines=lines,
        declaration=declaration,
        **more,
    )


def inputs_of(*items: Product | ReceivedFootprint | Factor) -> RollUpInputs:
    """Inputs of all kinds in one list."""
    return RollUpInputs.of(
        [one for one in items if isinstance(one, Product)],
        [one for one in items if isinstance(one, ReceivedFootprint)],
        [one for one in items if isinstance(one, Factor)],
    )


def rolled_up(
    *items: Product | ReceivedFootprint | Factor,
    product_id: str = "P",
    options: RollUpOptions | None = None,
) -> RollUp:
    """The roll-up of a product of these items."""
    return roll_up(
        inputs_of(*items), product_id, footprint_id=DRAFT_ID, created=NOW, options=options
    )


def figures_of(
    *items: Product | ReceivedFootprint | Factor, product_id: str = "P"
) -> dict[str, Fraction]:
    """The exact figures of a product of these items."""
    return dict(calculate_figures(inputs_of(*items), product_id)[0])
