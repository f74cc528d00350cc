"""What is calculated: products with their bills of materials. Plain data, checked when calculated.

Amounts of all lines are for the `basis` of their product. Numbers are exact: `Decimal` (from text)
or `Fraction` (from an allocation), never `float`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.numbers import Number
from underseal_protocol.rollup.sources import DataQuality, Factor, ReceivedFootprint, Source
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties

__all__ = [
    "Declaration",
    "DirectEmission",
    "Direction",
    "Energy",
    "Kind",
    "Line",
    "Material",
    "Mode",
    "Packaging",
    "Product",
    "Quantity",
    "RollUpInputs",
    "SourcedLine",
    "Transport",
    "Waste",
]


class Kind(StrEnum):
    """What a line is about."""

    MATERIAL = "material"
    ENERGY = "energy"
    TRANSPORT = "transport"
    PACKAGING = "packaging"
    WASTE = "waste"
    DIRECT = "direct"


class Mode(StrEnum):
    """How goods are transported."""

    ROAD = "road"
    RAIL = "rail"
    SEA = "sea"
    INLAND_WATERWAY = "inland waterway"
    AIR = "air"
    PIPELINE = "pipeline"
    OTHER = "other"


class Direction(StrEnum):
    """Whether something is brought to us, or our product to the customer."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a unit.

    Attributes:
        amount: 0 or more.
        unit: that `rollup.units.unit_of` reads.
    """

    amount: Number
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What every line has.

    Attributes:
        id: unique within the product.
        name: for people.
        is_primary: the amount was measured or is known, not estimated.
        quality: ratings of this use of the source; go before those of the source.
    """

    id: str
    name: str
    is_primary: bool = True
    quality: DataQuality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sourced(_Named):
    """What every line has that resolves to something.

    Attributes:
        source: None until it is matched; then nothing can be calculated.
        properties: of the material, for conversions.
        with_outbound: whether the source's `outboundLogisticsGhgEmissions` are transport to us.
    """

    source: Source | None
    properties: PhysicalProperties = NO_PROPERTIES
    with_outbound: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Material(_Sourced):
    """A line of the bill of materials: raw material, component, auxiliary or own intermediate.

    Attributes:
        quantity: as the bill says, without what is lost.
        loss: the share of what is taken that is lost, 0 or more, below 1: `quantity / (1 - loss)`
            is taken.
        retained: the share of `quantity` that is in the product when it leaves the gate, 0 to 1; 0
            for auxiliaries and for what is burnt.
        recycled_share: the share of recycled material, 0 to 1; used for the recycled carbon
            content where the source does not state it.
        supplier: who delivers it.
        product_ids: URNs that the supplier or we know it by.
    """

    kind: ClassVar[Kind] = Kind.MATERIAL
    quantity: Quantity
    loss: Number = 0
    retained: Number = 1
    recycled_share: Number | None = None
    supplier: str | None = None
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(_Sourced):
    """Energy that a process uses; `name` is the carrier, such as electricity or natural gas.

    Attributes:
        quantity: energy, or an amount of fuel.
        process: that uses it.
    """

    kind: ClassVar[Kind] = Kind.ENERGY
    quantity: Quantity
    process: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport(_Sourced):
    """Transport to us, or to the customer as far as we answer for it.

    Attributes:
        load: what is carried; without distance, the transport work (tkm).
        distance: how far.
        mode: how; air is also counted as `aircraftGhgEmissions`.
        direction: inbound is part of the PCF; outbound is stated beside it.
        carries: the id of the material line that is carried, if it is known.
    """

    kind: ClassVar[Kind] = Kind.TRANSPORT
    load: Quantity
    distance: Quantity | None = None
    mode: Mode = Mode.OTHER
    direction: Direction = Direction.INBOUND
    carries: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging(_Sourced):
    """Packaging.

    Attributes:
        quantity: for multi-use packaging, the share that one delivery wears out.
        packs: the id of the material line that comes in it; None: the product leaves in it.
    """

    kind: ClassVar[Kind] = Kind.PACKAGING
    quantity: Quantity
    packs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste(_Sourced):
    """Waste or waste water, and its treatment.

    Attributes:
        quantity: that is treated.
    """

    kind: ClassVar[Kind] = Kind.WASTE
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectEmission(_Named):
    """What a process of ours emits or removes itself; `name` is the process.

    Attributes:
        emissions: kg CO2e by the names of PACT's properties (`rollup.properties.GROSS` but
            aircraft); what is not named is 0.
    """

    kind: ClassVar[Kind] = Kind.DIRECT
    emissions: Mapping[str, Number]


SourcedLine: TypeAlias = Material | Energy | Transport | Packaging | Waste
Line: TypeAlias = SourcedLine | DirectEmission


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a footprint says besides its figures. An intermediate that is not sold needs none.

    Attributes:
        company_name, company_ids, product_name, product_ids, description, classifications, comment:
            as in PACT's `ProductFootprint`.
        period_start: first moment of the reference period, aware.
        period_end: first moment after it, aware.
        geography: a region, country or subdivision as in PACT; None: the world.
        boundary: `boundaryProcessesDescription`; None: composed of kinds, carriers and processes.
        allocation: `allocationRulesDescription`.
        exempted_percent: of the emissions, 0 to below 100, beyond lines that are left out and what
            suppliers have exempted.
        exempted_description: why.
        capture_origin: `technologicalCO2CaptureOrigin`.
        ccu_credit_certification: a URL.
        standards: cross-sectoral standards that we follow, besides those of the inputs.
        assessment_reports: whose characterization factors our own emissions use.
        specific_rules: `productOrSectorSpecificRules`, as in PACT.
    """

    company_name: str
    company_ids: tuple[str, ...]
    product_name: str
    product_ids: tuple[str, ...]
    description: str
    classifications: tuple[str, ...] = ()
    comment: str | None = None
    period_start: datetime
    period_end: datetime
    geography: str | None = None
    boundary: str | None = None
    allocation: str | None = None
    exempted_percent: Number = 0
    exempted_description: str | None = None
    capture_origin: str | None = None
    ccu_credit_certification: str | None = None
    standards: tuple[str, ...] = ("PACT-3.0",)
    assessment_reports: tuple[str, ...] = ("AR6",)
    specific_rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of ours with its bill of materials.

    Attributes:
        id: the key.
        name: for people.
        declared_unit: that all figures of the footprint are for, greater than 0.
        mass_kg: of the declared unit, without packaging; None: it follows from unit and properties.
        properties: of the product, for conversions.
        basis: the amount of good product that the lines are for; None: the declared unit.
        yield_share: good product per product started, above 0, at most 1. Everything that is used
            is divided by it; what is in the product is not.
        lines: materials, energy, transport, packaging, waste, direct emissions.
        packaging_included: `packagingEmissionsIncluded`; None: whether there is packaging.
        carbon_contents: kg C per declared unit, where they are known from the composition: instead
            of those that follow from the inputs.
        history: earlier PCFs (excluding uptake), in kg CO2e per declared unit.
        declaration: what else a footprint says.
    """

    id: str
    name: str
    declared_unit: Quantity
    mass_kg: Number | None = None
    properties: PhysicalProperties = NO_PROPERTIES
    basis: Quantity | None = None
    yield_share: Number = 1
    lines: tuple[Line, ...] = ()
    packaging_included: bool | None = None
    carbon_contents: Mapping[str, Number] = field(default_factory=dict)
    history: tuple[Number, ...] = ()
    declaration: Declaration | None = None


@dataclass(frozen=True, slots=True)
class RollUpInputs:
    """All that a calculation may use, by id. `of` makes it of lists.

    Attributes:
        products: ours.
        footprints: received ones.
        factors: of databases or our own.
    """

    products: Mapping[str, Product]
    footprints: Mapping[str, ReceivedFootprint]
    factors: Mapping[str, Factor]

    @classmethod
    def of(
        cls,
        products: Iterable[Product],
        footprints: Iterable[ReceivedFootprint] = (),
        factors: Iterable[Factor] = (),
    ) -> RollUpInputs:
        """Inputs of lists.

        Raises:
            RollUpError: two of a list have the same id.
        """
        return cls(
            _by_id("products", products),
            _by_id("footprints", footprints),
            _by_id("factors", factors),
        )


def _by_id(what: str, items: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if item.id in found:
            raise RollUpError(
                f"two {what} have the id {item.id!r}", hint="Ids name one and no other."
            )
        found[item.id] = item
    return found
