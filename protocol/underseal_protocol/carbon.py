"""`CarbonFootprint` and what it consists of (PACT 3.0, Data Model). All figures are per declared
unit: `declaredUnitAmount` times `declaredUnitOfMeasurement`."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from underseal_protocol.fields import (
    UNIQUE,
    AnyDecimal,
    CharacterizationFactor,
    Country,
    Expectation,
    Flag,
    NegativeOrZeroDecimal,
    NonEmptyText,
    PositiveDecimal,
    PositiveOrZeroDecimal,
    Subdivision,
    Text,
    Time,
    Uri,
    choice_expectation,
)
from underseal_protocol.model import Model
from underseal_protocol.rollup.units import aliases_of

__all__ = [
    "COVERAGES",
    "GEOGRAPHIES",
    "MANY_GEOGRAPHIES",
    "REGIONS",
    "STANDARDS",
    "UNITS",
    "CarbonFootprint",
    "DataQualityIndicators",
    "EmissionFactorSource",
    "ProductOrSectorSpecificRule",
    "Verification",
]

_Unit = Literal[
    "liter",
    "kilogram",
    "cubic meter",
    "kilowatt hour",
    "megajoule",
    "ton kilometer",
    "square meter",
    "piece",
    "hour",
    "megabit second",
]
_Region = Literal[
    "Africa",
    "Americas",
    "Asia",
    "Europe",
    "Oceania",
    "Australia and New Zealand",
    "Central Asia",
    "Eastern Asia",
    "Eastern Europe",
    "Latin America and the Caribbean",
    "Melanesia",
    "Micronesia",
    "Northern Africa",
    "Northern America",
    "Northern Europe",
    "Polynesia",
    "South-eastern Asia",
    "Southern Asia",
    "Southern Europe",
    "Sub-Saharan Africa",
    "Western Asia",
    "Western Europe",
]
_Operator = Literal["PEF", "EPD International", "Other"]
_Coverage = Literal["PCF calculation model", "PCF program", "product level"]
_CcuApproach = Literal["Cut-off", "Credit"]

UNITS: tuple[str, ...] = get_args(_Unit)
REGIONS: tuple[str, ...] = get_args(_Region)
COVERAGES: tuple[str, ...] = get_args(_Coverage)
# `crossSectoralStandards` should be among these; later revisions may add others.
STANDARDS = (
    "ISO14067",
    "ISO14083",
    "ISO14040-44",
    "GHGP-Product",
    "PEF",
    "PACT-1.0",
    "PACT-2.0",
    "PACT-3.0",
    "PAS2050",
)
GEOGRAPHIES = ("geographyRegionOrSubregion", "geographyCountry", "geographyCountrySubdivision")
MANY_GEOGRAPHIES = "many_geographies"  # the type of the error

Unit = Annotated[_Unit, choice_expectation(UNITS, aliases_of(UNITS))]
Region = Annotated[_Region, choice_expectation(REGIONS)]
Operator = Annotated[
    _Operator, choice_expectation(get_args(_Operator), {"epd": "EPD International"})
]
Coverage = Annotated[_Coverage, choice_expectation(get_args(_Coverage))]
CcuApproach = Annotated[_CcuApproach, choice_expectation(get_args(_CcuApproach))]


class ProductOrSectorSpecificRule(Model):
    """Product or sector specific rules of one operator."""

    operator: Operator
    rule_names: Annotated[
        list[NonEmptyText], *UNIQUE, Expectation("a list of at least one name, none of them twice")
    ]
    other_operator_name: NonEmptyText | None = None


class EmissionFactorSource(Model):
    """A database of emission factors."""

    name: NonEmptyText
    version: NonEmptyText


class DataQualityIndicators(Model):
    """Data quality ratings, 1 (best) to 5."""

    technological_dqr: AnyDecimal
    geographical_dqr: AnyDecimal
    temporal_dqr: AnyDecimal


class Verification(Model):
    """How the carbon footprint has been verified by a third party."""

    coverage: Coverage | None = None
    provider_name: Text | None = None
    completed_at: Time | None = None
    standard_name: Text | None = None
    comments: Text | None = None


class CarbonFootprint(Model):
    """The carbon footprint of a product."""

    declared_unit_of_measurement: Unit
    declared_unit_amount: PositiveDecimal
    product_mass_per_declared_unit: AnyDecimal
    reference_period_start: Time
    reference_period_end: Time
    geography_region_or_subregion: Region | None = None
    geography_country: Country | None = None
    geography_country_subdivision: Subdivision | None = None
    boundary_processes_description: Text | None = None
    pcf_excluding_biogenic_uptake: AnyDecimal
    pcf_including_biogenic_uptake: AnyDecimal
    fossil_carbon_content: PositiveOrZeroDecimal
    biogenic_carbon_content: PositiveOrZeroDecimal | None = None
    recycled_carbon_content: PositiveOrZeroDecimal | None = None
    fossil_ghg_emissions: PositiveOrZeroDecimal
    land_use_change_ghg_emissions: PositiveOrZeroDecimal | None = None
    land_carbon_leakage: PositiveOrZeroDecimal | None = None
    land_management_fossil_ghg_emissions: PositiveOrZeroDecimal | None = None
    land_management_biogenic_co2_emissions: PositiveOrZeroDecimal | None = None
    land_management_biogenic_co2_removals: NegativeOrZeroDecimal | None = None
    biogenic_co2_uptake: NegativeOrZeroDecimal | None = None
    biogenic_non_co2_emissions: PositiveOrZeroDecimal | None = None
    land_area_occupation: PositiveOrZeroDecimal | None = None
    aircraft_ghg_emissions: PositiveOrZeroDecimal | None = None
    packaging_emissions_included: Flag | None = None
    packaging_ghg_emissions: PositiveOrZeroDecimal | None = None
    packaging_biogenic_carbon_content: PositiveOrZeroDecimal | None = None
    outbound_logistics_ghg_emissions: PositiveOrZeroDecimal | None = None
    ccs_technological_co2_capture_included: Flag | None = None
    ccs_technological_co2_capture: NegativeOrZeroDecimal | None = None
    technological_co2_capture_origin: Text | None = None
    technological_co2_removals: NegativeOrZeroDecimal | None = None
    ccu_carbon_content: PositiveOrZeroDecimal | None = None
    ccu_calculation_approach: CcuApproach | None = None
    ccu_credit_certification: Uri | None = None
    ipcc_characterization_factors: Annotated[
        list[CharacterizationFactor],
        *UNIQUE,
        Expectation("a list of at least one IPCC assessment report, none of them twice"),
    ]
    cross_sectoral_standards: Annotated[
        list[Text], *UNIQUE, Expectation("a list of at least one standard, none of them twice")
    ]
    product_or_sector_specific_rules: (
        Annotated[
            list[ProductOrSectorSpecificRule],
            *UNIQUE,
            Expectation("a list of at least one rule, none of them twice"),
        ]
        | None
    ) = None
    exempted_emissions_percent: AnyDecimal
    exempted_emissions_description: Text | None = None
    allocation_rules_description: Text | None = None
    secondary_emission_factor_sources: (
        Annotated[
            list[EmissionFactorSource],
            Field(min_length=1, strict=True),
            Expectation("a list of at least one database"),
        ]
        | None
    ) = None
    primary_data_share: AnyDecimal | None = None
    dqi: DataQualityIndicators | None = None
    verification: Verification | None = None

    @model_validator(mode="after")
    def _one_geography(self) -> CarbonFootprint:
        """At most one (PACT 3.0, Scope of a CarbonFootprint; `oneOf` in the schema)."""
        stated = (
            self.geography_region_or_subregion,
            self.geography_country,
            self.geography_country_subdivision,
        )
        if stated.count(None) < len(stated) - 1:
            raise PydanticCustomError(MANY_GEOGRAPHIES, "more than one geography")
        return self
