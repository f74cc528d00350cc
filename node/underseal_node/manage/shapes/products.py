"""Products, factors, matches and calculations."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Instant, Listing, Shape
from underseal_node.manage.shapes.footprints import FindingShape
from underseal_node.manage.shapes.refusals import ProblemShape
from underseal_node.manage.shapes.releases import VerdictShape

__all__ = [
    "AcknowledgeInput",
    "CalculationShape",
    "CauseShape",
    "ConfirmInput",
    "EnergyFailureShape",
    "FactorShape",
    "ImportedItemShape",
    "ItemsImportedShape",
    "LineFindingShape",
    "LineShape",
    "LinesShape",
    "MatchInput",
    "ProductDetail",
    "ProductHistoryShape",
    "ProductPublishedShape",
    "ProductShape",
    "ProposalShape",
    "RefreshInput",
    "RefreshShape",
    "RollUpShape",
    "StaleShape",
    "StatusShape",
    "SuccessionShape",
    "VersionShape",
    "WhatIfShape",
]

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class ImportedItemShape(Shape):
    """One product or factor of a file."""

    id: str
    name: str
    lines: int | None = None
    outcome: str  # "new", "changed" or "unchanged"


class ItemsImportedShape(Shape):
    """POST /products/import, POST /factors/import (the body is the file, as it is; query: `name`,
    `dryRun`)

    200 also when the file is refused: then `problems` names every error, and nothing was taken.
    `warnings` are lines that name a product or footprint that is not there yet: they are open.
    """

    dry_run: bool
    products: list[ImportedItemShape]
    factors: list[ImportedItemShape]
    problems: list[ProblemShape]
    warnings: list[ProblemShape]


class ProductShape(Shape):
    """GET /products -> Listing"""

    id: str
    name: str
    version: int
    lines: int
    open_lines: int  # that resolve to nothing yet
    file: str
    changed_at: Instant
    footprint: str | None = None  # the active one that was calculated last
    pcf: str | None = None  # of it: kg CO2e excluding biogenic uptake, per declared unit
    unit: str | None = None  # of it: amount and unit that are declared
    is_stale: bool = False


class EnergyFailureShape(Shape):
    """Why the metered energy of products cannot be allocated; its lines are missing."""

    products: list[str]
    message: str
    hint: str | None = None


class RollUpShape(Shape):
    """A footprint that was calculated from a product."""

    footprint: str
    calculated_at: Instant
    pcf: str | None = None  # kg CO2e excluding biogenic uptake, per declared unit, rounded
    unit: str
    status: str  # "Active" or "Deprecated"


class CauseShape(Shape):
    """One thing that has changed since a footprint was calculated."""

    cause: str
    message: str
    path: list[str]  # from the product to what has changed


class SuccessionShape(RollUpShape):
    """A calculated footprint beside the calculated one that it replaced."""

    replaces: str | None = None  # id of that one
    causes: list[CauseShape]  # what was different when it was calculated


class StaleShape(Shape):
    """A footprint or draft that would be another one now, or may be."""

    footprint: str
    product: str
    calculated_at: Instant
    is_draft: bool = False
    causes: list[CauseShape]


class ProductDetail(Shape):
    """GET /products/detail?product=ID"""

    id: str
    name: str
    version: int
    file: str
    changed_at: Instant
    document: dict[str, Any]
    lines: list[LineShape]
    energy_failures: list[EnergyFailureShape]
    footprints: list[RollUpShape]
    stale: list[StaleShape]


class VersionShape(Shape):
    """A product as it was imported once."""

    version: int
    file: str
    changed_at: Instant
    digest: str


class ProductHistoryShape(Shape):
    """GET /products/history?product=ID"""

    product: str
    versions: list[VersionShape]  # newest first
    footprints: list[SuccessionShape]  # newest first


class FactorShape(Shape):
    """GET /factors -> Listing"""

    id: str
    name: str
    unit: str
    database: str
    version: str
    geography: str | None = None
    year: int | None = None
    licence: str | None = None
    is_verified: bool
    values: dict[str, str]
    amount: str
    file: str
    changed_at: Instant


class ProposalShape(Shape):
    """What a line may resolve to."""

    source: dict[str, Any]
    text: str  # as `match --to` takes it
    label: str
    reasons: list[str]
    is_certain: bool


class LineShape(Shape):
    """A line of a bill of materials and what it resolves to."""

    product: str
    line: str
    name: str
    kind: str
    amount: str  # for people, metered energy included
    supplier: str | None = None
    source: dict[str, Any] | None = None
    label: str | None = None  # the source for people
    peer: str | None = None  # of a received footprint, whose it is
    missing: str | None = None  # why it is open though something is named: that is not there
    is_decided: bool = False
    proposals: list[ProposalShape]


class LinesShape(Listing[LineShape]):
    """GET /matches (query: product, open); of decisions, without failures"""

    energy_failures: list[EnergyFailureShape] = Field(default_factory=list)


class MatchInput(InputShape):
    """One decision: what a line resolves to."""

    product: Id
    line: Id
    source: dict[str, Any] | None  # null takes the decision back
    peer: Text | None = None  # whose footprint, if several have sent one with the id


class ConfirmInput(InputShape):
    """POST /matches"""

    decisions: Annotated[list[MatchInput], Field(min_length=1, max_length=10_000)]


class LineFindingShape(Shape):
    """What a person should look at in a calculation."""

    rule: str
    severity: str
    message: str
    hint: str
    lines: list[str]


class CalculationShape(Shape):
    """POST /products/calculate?product=ID (query: `significantDigits`, `limit` of contributions)

    `document` is the footprint as it would be published, but for id and time. Figures are exact:
    decimals, or rounded ones marked so.
    """

    product: str
    document: dict[str, Any]
    figures: dict[str, Any]
    identities: dict[str, str]
    findings: list[LineFindingShape]
    methodology: list[FindingShape]
    explanation: dict[str, Any]


class WhatIfShape(Shape):
    """POST /products/what-if?product=ID (the body is JSON: docs/reference/what-if.md)"""

    product: str
    figures: dict[str, Any]  # by name: before, after, change
    lines: dict[str, Any]
    before: dict[str, Any]  # explanation
    after: dict[str, Any]


class ProductPublishedShape(Shape):
    """POST /products/publish?product=ID (query: `dryRun`, `significantDigits`)"""

    product: str
    footprint: str
    outcome: str  # "new", "successor" or "unchanged"
    deprecated: str | None = None
    notified: list[str]
    dry_run: bool
    pcf: str
    unit: str
    findings: list[LineFindingShape]
    methodology: list[FindingShape]
    gate: VerdictShape | None = None  # what the release gate says


class AcknowledgeInput(InputShape):
    """POST /products/publish (body; it may be empty): where the release gate advises against it"""

    acknowledge: Text | None = None  # why all the same
    consent: Text | None = None  # reference to the consent of the supplier


class StatusShape(Shape):
    """GET /status"""

    company: str
    url: str
    footprints: int
    products: int
    open_lines: int
    stale: list[StaleShape]
    energy_failures: list[EnergyFailureShape]
    alerts: int


class RefreshInput(AcknowledgeInput):
    """POST /products/refresh

    Without `confirmed` and `belowPercent`, nothing is published.
    """

    product: Id | None = None
    # `digest` of what was shown
    confirmed: Annotated[list[Text], Field(max_length=10_000, default_factory=list)]
    below_percent: Annotated[Decimal | None, Field(gt=0, le=100)] = None


class RefreshShape(Shape):
    """A stale footprint beside what it would be now."""

    stale: StaleShape
    figures: dict[str, Any]  # what differs, by name: before, after, change
    change_percent: str | None = None
    digest: str | None = None
    problem: str | None = None
    published: str | None = None  # id of the successor
    outcome: str | None = None
    notified: list[str]
