"""What a line of a bill of materials can resolve to: a received footprint, a factor, a product of
our own, or the decision to leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from underseal_protocol.disclosure import Block
from underseal_protocol.rollup.numbers import Number
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties

__all__ = [
    "DataQuality",
    "Factor",
    "FactorSource",
    "FootprintSource",
    "LeftOut",
    "ProductSource",
    "ReceivedFootprint",
    "Source",
    "Supply",
    "Trust",
]


class Trust(StrEnum):
    """What is known about where a received footprint comes from."""

    VERIFIED = "verified"  # its credential is of the key that the peer is known by
    UNSIGNED = "unsigned"  # no credential; the peer was authenticated, or a person imported it
    INVALID = "invalid"  # never used


@dataclass(frozen=True, slots=True)
class DataQuality:
    """Data quality ratings of one source, 1 (best) to 5 (PACT 3.0, DataQualityIndicators).

    Attributes:
        technological: whether the data is of this technology.
        geographical: whether it is of this place.
        temporal: whether it is of this time.
    """

    technological: Number
    geographical: Number
    temporal: Number


@dataclass(frozen=True, slots=True)
class ReceivedFootprint:
    """A footprint of a supplier.

    Attributes:
        document: a PACT 3.0 footprint at any disclosure level, as it was received. Its `id` is the
            key.
        trust: what is known about where it comes from.
        withheld: blocks that are known to be withheld, so that what is missing is not zero.
        history: earlier PCFs (excluding uptake) of the product, in kg CO2e per one
            `declaredUnitOfMeasurement`.
    """

    document: Mapping[str, Any] = field(repr=False)
    trust: Trust = Trust.VERIFIED
    withheld: frozenset[Block] = frozenset()
    history: tuple[Number, ...] = ()

    @property
    def id(self) -> str:
        """Of the footprint."""
        return str(self.document.get("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """An emission factor: emissions per amount of something.

    With `pcfExcludingBiogenicUptake` among the values, what is not named is unknown. Without it
    the factor is complete: what is not named is 0.

    Attributes:
        id: the key, such as a number in the database.
        name: of what it is for.
        values: kg CO2e (contents: kg C; land: m2/year) per `amount` of `unit`, by the names of
            PACT's properties.
        unit: that `rollup.units.unit_of` reads.
        amount: of units that the values are for, greater than 0.
        database: its name, for `secondaryEmissionFactorSources`.
        version: of the database.
        geography: a region, country or subdivision as in PACT; None: the world.
        year: that the data is of.
        licence: under which it may be used.
        is_primary: measured by us or the supplier, not taken from a database.
        is_verified: somebody has looked it up at its source.
        assessment_reports: of the IPCC whose characterization factors it uses, such as `AR6`; empty
            if nobody knows.
        quality: its ratings, if there are any.
        properties: of the material, for conversions; those of a line go first.
    """

    id: str
    name: str
    values: Mapping[str, Number]
    unit: str
    amount: Number = 1
    database: str
    version: str
    geography: str | None = None
    year: int | None = None
    licence: str | None = None
    is_primary: bool = False
    is_verified: bool = True
    assessment_reports: tuple[str, ...] = ()
    quality: DataQuality | None = None
    properties: PhysicalProperties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class FootprintSource:
    """A received footprint, by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class FactorSource:
    """A factor, by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class ProductSource:
    """Another product of ours, by its id: an intermediate."""

    id: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Nothing: the line is exempted (PACT Methodology 3.3.1.2).

    Attributes:
        reason: for `exemptedEmissionsDescription`, where customers read it.
        estimate_kg_co2e: emissions that are left out, for the basis of the product; counts towards
            `exemptedEmissionsPercent`.
    """

    reason: str
    estimate_kg_co2e: Number = 0


# What has figures.
Supply: TypeAlias = FootprintSource | FactorSource | ProductSource
Source: TypeAlias = Supply | LeftOut
