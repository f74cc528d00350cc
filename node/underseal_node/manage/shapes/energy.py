"""Metered energy: imports, and what became of it."""

from __future__ import annotations

from typing import Any

from pydantic import Base64Bytes, Field

from underseal_node.energy.importing import SetupOutcome
from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.manage.shapes.refusals import ProblemShape
from underseal_node.store.energy_tables import CorrectedKind
from underseal_protocol.rollup.allocation import Reason
from underseal_protocol.rollup.allocation_rule import By, Over, Scope

__all__ = [
    "CarrierShape",
    "CorrectionShape",
    "CountsShape",
    "EnergyFileInput",
    "EnergyImportInput",
    "EnergyImportShape",
    "EnergyShape",
    "EnergyUsedShape",
    "GapShape",
    "ProductEnergyShape",
    "QuantityShape",
    "RuleShape",
    "UnallocatedShape",
]


class EnergyFileInput(InputShape):
    """A file."""

    name: str = Field(min_length=1, max_length=1024)
    content: Base64Bytes


class EnergyImportInput(InputShape):
    """POST /energy/import: the export, the mapping, and files that the mapping names"""

    file: EnergyFileInput
    mapping: EnergyFileInput
    others: list[EnergyFileInput] = Field(default_factory=list, max_length=10)


class CountsShape(Shape):
    """How many there are of each."""

    new: int
    unchanged: int
    corrected: int


class CorrectionShape(Shape):
    """What is other than it was imported before."""

    kind: CorrectedKind
    key: str  # meter or order
    old: dict[str, Any]
    new: dict[str, Any]


class EnergyImportShape(Shape):
    """Answer of POST /energy/import (query: `name` of the export, `dryRun`)

    200 also when the export is refused: then `problems` names every error, and nothing was stored.
    `corrections` are the first 1,000. `warnings`: what was taken, and a person should know.
    """

    dry_run: bool
    file: str
    digest: str | None = None  # of what it says
    readings: CountsShape
    orders: CountsShape
    rule: SetupOutcome  # with carriers and products
    corrections: list[CorrectionShape]
    problems: list[ProblemShape]
    warnings: list[ProblemShape]


class QuantityShape(Shape):
    """An amount of a unit; the last of 12 digits is rounded where a number never ends."""

    amount: str
    unit: str


class RuleShape(Shape):
    """How energy is allocated."""

    by: By
    scope: Scope
    over: Over
    description: str  # for `allocationRulesDescription`


class CarrierShape(Shape):
    """What became of a carrier: exactly, allocated + unallocated = metered."""

    carrier: str
    unit: str
    metered: str
    allocated: str
    unallocated: str


class LineEnergyShape(Shape):
    """Energy of a product, metered on a line or, without one, for the whole site."""

    carrier: str
    line: str | None = None
    amount: str
    unit: str
    per_unit: str | None = None  # of what was produced


class ProductEnergyShape(Shape):
    """A product that was made in the period."""

    product: str
    produced: QuantityShape
    energy: list[LineEnergyShape]


class UnallocatedShape(Shape):
    """Energy that no product has got."""

    carrier: str
    line: str | None = None
    amount: str
    unit: str
    reason: Reason
    detail: str | None = None


class GapShape(Shape):
    """A time in which a meter says nothing."""

    meter: str
    start: Instant
    end: Instant


class EnergyUsedShape(Shape):
    """What it follows from: it is the same as long as `digest` is."""

    digest: str
    rule_digest: str
    readings: int
    orders: int


class EnergyShape(Shape):
    """GET /energy (query: `from`, `until`: the reference period; all that was metered by default)

    `gaps` are the first 1,000.
    """

    period_start: Instant
    period_end: Instant
    rule: RuleShape
    carriers: list[CarrierShape]
    products: list[ProductEnergyShape]
    unallocated: list[UnallocatedShape]
    gaps: list[GapShape]
    used: EnergyUsedShape
