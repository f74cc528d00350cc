"""How suppliers stand, and what received footprints are used in."""

from __future__ import annotations

from pydantic import Field

from underseal_node.manage.shapes.base import Instant, Shape
from underseal_node.manage.shapes.refusals import ProblemShape
from underseal_node.store.tables import PeerState

__all__ = [
    "BoughtShape",
    "NamedSupplierShape",
    "SpendImportShape",
    "SpendItemShape",
    "SpendLookedAtShape",
    "SpendPeriodShape",
    "SpendRemovedShape",
    "SupplierDetail",
    "SupplierShape",
    "SuppliersShape",
    "TrendPointShape",
    "TrendShape",
    "UseShape",
    "UsedInShape",
    "UsesShape",
]


class SupplierShape(Shape):
    """A partner that we buy from, or have received something of.

    Shares are of 1, as decimals in text, rounded to 12 digits. What is not known is left out.
    """

    name: str  # of the peer
    company_name: str | None = None
    state: PeerState
    lines: int  # of bills of materials, that are bought from it
    lines_covered: int  # of them, by its footprints
    lines_without_mass: int  # of them, of materials and packaging whose mass is not known
    mass_share: str | None = None  # of all that is bought, as far as its mass is known
    coverage: str | None = None  # of the mass that is bought from it, by its footprints
    primary_coverage: str | None = None  # of it, with primary data: at least
    spend: str | None = None  # in the currency of the period that is looked at
    spend_share: str | None = None  # of all that is spent in it
    footprints: int  # that count now: usable, active and not replaced
    verified: int  # of them
    unsigned: int  # of them
    invalid: int  # received, and never used
    is_in_use: bool  # whether lines resolve to its footprints: then these are looked at
    expired: int  # of those that are looked at, not valid any more
    is_weighted: bool  # the averages are by contribution; otherwise all footprints count alike
    averaged: int  # footprints that the averages are of
    primary_share: str | None = None
    without_primary_share: int
    technological_dqr: str | None = Field(default=None, alias="technologicalDQR")
    geographical_dqr: str | None = Field(default=None, alias="geographicalDQR")
    temporal_dqr: str | None = Field(default=None, alias="temporalDQR")
    mean_dqr: str | None = Field(default=None, alias="meanDQR")  # of the three
    without_ratings: int
    reference_period_end: Instant | None = None  # the oldest
    valid_until: Instant | None = None  # the earliest
    last_received_at: Instant | None = None
    last_contact_at: Instant | None = None
    last_problem: str | None = None
    compared: int  # products whose footprints have replaced others
    change: str | None = None  # the average of theirs; below 0 is a reduction
    rank: int | None = None  # by change, the largest reduction is 1


class NamedSupplierShape(Shape):
    """A supplier that bills of materials or spend name, and that is no partner."""

    name: str
    lines: int
    mass_share: str | None = None
    spend: str | None = None
    spend_share: str | None = None


class SpendPeriodShape(Shape):
    """What is spent in a period: GET /spend -> Listing, the newest first."""

    period_start: Instant
    period_end: Instant  # the first instant after it
    currency: str  # ISO 4217
    total: str
    suppliers: int
    file: str
    changed_at: Instant


class SpendLookedAtShape(Shape):
    """The spend that the board goes by. Shares are of its total."""

    period_start: Instant
    period_end: Instant
    currency: str
    total: str
    covered: str | None = None  # by footprints of suppliers, as far as that is known
    primary: str | None = None  # with primary data, at least
    unknown: str | None = None  # where it is not known how much of the mass is covered


class SpendItemShape(Shape):
    """What is spent on a supplier."""

    supplier: str  # as the file names it
    peer: str | None = None  # the partner that is meant
    amount: str
    currency: str
    period_start: Instant
    period_end: Instant
    outcome: str  # "new", "changed", "unchanged", or "removed": it is not in the file


class SpendImportShape(Shape):
    """POST /spend/import (the body is the file, as it is; query: `name`, `dryRun`)

    200 also when the file is refused: then `problems` names every error, and nothing was taken.
    """

    dry_run: bool
    spend: list[SpendItemShape]
    problems: list[ProblemShape]


class SpendRemovedShape(Shape):
    """DELETE /spend (query: `from`, `until`)"""

    removed: int  # suppliers of the period


class SuppliersShape(Shape):
    """GET /suppliers"""

    data: list[SupplierShape]
    others: list[NamedSupplierShape]
    lines: int  # of all bills of materials but those that are products of our own
    lines_covered: int
    lines_without_mass: int
    products: int  # for which a mass is known that is bought
    coverage: str | None = None  # of the known mass of all that is bought, by footprints
    primary_coverage: str | None = None  # of it, with primary data: at least
    spend: SpendLookedAtShape | None = None


class BoughtShape(Shape):
    """A line that is bought from a supplier."""

    product: str
    product_name: str
    line: str
    name: str
    amount: str  # for people
    footprint: str | None = None  # id, of the supplier's one that it resolves to
    is_covered: bool  # by a footprint that may be used
    mass_kg: str | None = None  # per what the bill is for, losses included
    mass_share: str | None = None  # of all that is bought
    emissions: str | None = None  # kg CO2e per kg of what is bought for the product


class TrendPointShape(Shape):
    """A footprint of a chain."""

    footprint: str
    status: str
    created: str | None = None
    pcf: str  # kg CO2e per one unit


class TrendShape(Shape):
    """A product whose footprint has replaced another one that was received, oldest first."""

    product_name: str | None = None
    unit: str
    points: list[TrendPointShape]
    change: str | None = None  # from the first to the last


class SupplierDetail(SupplierShape):
    """GET /suppliers/{name}"""

    currency: str | None = None  # of `spend`
    bought: list[BoughtShape]
    trends: list[TrendShape]


class UseShape(Shape):
    """A line that resolves to a received footprint."""

    product: str
    product_name: str
    line: str
    name: str
    amount: str


class UsedInShape(Shape):
    """An own footprint that was calculated from a received one."""

    footprint: str
    product: str
    status: str
    calculated_at: Instant


class UsesShape(Shape):
    """GET /received/{id}/uses (query `peer`, as for GET /received/{id})"""

    lines: list[UseShape]
    footprints: list[UsedInShape]
