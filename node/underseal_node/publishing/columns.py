"""The columns of the sheet: one for every property of a footprint but `extensions`.

The name of a column is the name of the property, `pcf.` left out. Its title is the same in readable
form; that is what the template shows. Either is understood in a header, whatever its case, spaces
and punctuation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from underseal_node.sheets import columns
from underseal_node.sheets.columns import Kind
from underseal_node.sheets.headings import Headings
from underseal_protocol.carbon import REGIONS, UNITS

__all__ = ["COLUMNS", "EXAMPLES", "HEADINGS", "Column", "column_of", "title_of"]


@dataclass(frozen=True, slots=True)
class Column(columns.Column):
    """A column, named after the property; a dot before a member, such as `dqi.temporalDQR`.

    Attributes:
        is_top: whether it is a property of the footprint itself, not of its `pcf`.
    """

    is_top: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where the property is in a footprint."""
        return (*(() if self.is_top else ("pcf",)), *self.name.split("."))

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer."""
        return "".join(f"/{step}" for step in self.path)


def _top(name: str, kind: Kind, text: str, *, required: bool = False) -> Column:
    return Column(name, kind, text, is_required=required, is_top=True)


def _needed(name: str, kind: Kind, text: str, choices: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, text, is_required=True, choices=choices)


def _choice(name: str, choices: tuple[str, ...], text: str) -> Column:
    return Column(name, Kind.CHOICE, text, choices=choices)


def _figures(**texts: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.DECIMAL, text) for name, text in texts.items())


_EMITTED = "kg CO2e per declared unit"
_CARBON = "kg carbon per declared unit"

_PRODUCT = (
    _top("productNameCompany", Kind.TEXT, "The name under which you sell it.", required=True),
    _top(
        "productIds",
        Kind.URNS,
        "Article numbers as URNs, such as urn:gtin:4712345060507 or "
        "urn:pact:your-domain.example:product-id:4711. Several: separated by |.",
        required=True,
    ),
    _top(
        "productDescription",
        Kind.TEXT,
        "What it is: material, process, dimensions, packaging.",
        required=True,
    ),
    _top(
        "productClassifications",
        Kind.URNS,
        "Classes as URNs, such as urn:pact:ec.europa.eu:cn-code:73202020. Several: separated by |.",
    ),
)
_SCOPE = (
    _needed(
        "declaredUnitOfMeasurement",
        Kind.CHOICE,
        "The unit that all figures are for, together with the amount.",
        UNITS,
    ),
    _needed(
        "declaredUnitAmount", Kind.DECIMAL, "How many of these units; mostly 1. Greater than 0."
    ),
    _needed(
        "productMassPerDeclaredUnit",
        Kind.DECIMAL,
        "kg of product without packaging per declared unit; 0 for energy, transport, services.",
    ),
    _needed("referencePeriodStart", Kind.TIME, "First day of the data, such as 2025-01-01 (UTC)."),
    _needed(
        "referencePeriodEnd",
        Kind.TIME,
        "First day after the data, such as 2026-01-01 (UTC) for the year 2025.",
    ),
    Column(
        "geographyCountry",
        Kind.TEXT,
        "Where it is made: two letters (ISO 3166-1), such as DE. One geography at most.",
    ),
    Column("geographyCountrySubdivision", Kind.TEXT, "Or a part of a country (ISO 3166-2): DE-BW."),
    _choice("geographyRegionOrSubregion", REGIONS, "Or a region. None of the three: worldwide."),
)
_TOTALS = (
    _needed(
        "pcfExcludingBiogenicUptake",
        Kind.DECIMAL,
        f"The total without CO2 that plants took up, {_EMITTED}.",
    ),
    _needed(
        "pcfIncludingBiogenicUptake",
        Kind.DECIMAL,
        f"The total plus the (negative) biogenic CO2 uptake, {_EMITTED}.",
    ),
    _needed("fossilGhgEmissions", Kind.DECIMAL, f"Fossil emissions, {_EMITTED}. 0 or more."),
    _needed("fossilCarbonContent", Kind.DECIMAL, f"Fossil carbon in the product, {_CARBON}."),
)
_METHOD = (
    _needed(
        "ipccCharacterizationFactors",
        Kind.TEXTS,
        "Assessment reports whose factors were used: AR6. Several: AR5 | AR6.",
    ),
    _needed(
        "crossSectoralStandards",
        Kind.TEXTS,
        "Standards that were followed: PACT-3.0, ISO14067, ... Several: separated by |.",
    ),
    _needed(
        "exemptedEmissionsPercent", Kind.PERCENT, "Share of emissions left out, in percent: 0 to 5."
    ),
    Column("exemptedEmissionsDescription", Kind.TEXT, "What was left out and why."),
    Column("packagingEmissionsIncluded", Kind.FLAG, "Whether the total includes packaging."),
    Column(
        "ccsTechnologicalCO2CaptureIncluded",
        Kind.FLAG,
        "Whether carbon capture and storage takes place.",
    ),
    Column("primaryDataShare", Kind.PERCENT, "Share of primary data, in percent: 0 to 100."),
    Column("dqi.technologicalDQR", Kind.DECIMAL, "Data quality, technology: 1 (best) to 5."),
    Column("dqi.geographicalDQR", Kind.DECIMAL, "Data quality, geography: 1 (best) to 5."),
    Column("dqi.temporalDQR", Kind.DECIMAL, "Data quality, time: 1 (best) to 5."),
    Column("boundaryProcessesDescription", Kind.TEXT, "The processes that are included."),
    Column("allocationRulesDescription", Kind.TEXT, "How by-products were dealt with."),
    Column(
        "secondaryEmissionFactorSources",
        Kind.SOURCES,
        "Databases with versions: ecoinvent, 3.11. Several: separated by |.",
    ),
    Column(
        "productOrSectorSpecificRules",
        Kind.RULES,
        "Operator: rule, such as PEF: Batteries. Several: separated by |.",
    ),
)
_BIOGENIC = _figures(
    biogenicCarbonContent=f"Biogenic carbon in the product, {_CARBON}.",
    recycledCarbonContent=f"Carbon from recycled material, {_CARBON}.",
    landUseChangeGhgEmissions=f"From land use change, {_EMITTED}. 0 or more.",
    landManagementFossilGhgEmissions=f"Fossil, from land management, {_EMITTED}; "
    "part of the fossil emissions.",
    landManagementBiogenicCO2Emissions=f"Biogenic CO2 from land management, {_EMITTED}.",
    landManagementBiogenicCO2Removals=f"Removals by land management, {_EMITTED}. 0 or less.",
    biogenicCO2Uptake=f"CO2 taken up by biomass in the product, {_EMITTED}. 0 or less.",
    biogenicNonCO2Emissions=f"Biogenic methane and the like, {_EMITTED}.",
    landCarbonLeakage=f"Displaced land use, {_EMITTED}.",
    landAreaOccupation="Agricultural land, m2 times years per declared unit.",
)
_PARTS = _figures(
    aircraftGhgEmissions=f"Transport by aircraft, {_EMITTED}.",
    packagingGhgEmissions=f"Packaging, {_EMITTED}; only if it is included.",
    packagingBiogenicCarbonContent=f"Biogenic carbon in the packaging, {_CARBON}.",
    outboundLogisticsGhgEmissions=f"Delivery that you are responsible for, {_EMITTED}.",
    ccsTechnologicalCO2Capture=f"Captured and stored CO2, {_EMITTED}. 0 or less.",
    technologicalCO2Removals=f"CO2 removed by technology, {_EMITTED}. 0 or less.",
    ccuCarbonContent=f"Captured carbon in the product, {_CARBON}.",
)
_REST = (
    Column("technologicalCO2CaptureOrigin", Kind.TEXT, "Where captured CO2 comes from."),
    _choice("ccuCalculationApproach", ("Cut-off", "Credit"), "How captured carbon was counted."),
    Column("ccuCreditCertification", Kind.TEXT, "URL of the certificate, for Credit."),
    _choice(
        "verification.coverage",
        ("PCF calculation model", "PCF program", "product level"),
        "What a third party has verified.",
    ),
    Column("verification.providerName", Kind.TEXT, "Who verified it."),
    Column("verification.completedAt", Kind.TIME, "When, such as 2026-02-28."),
    Column("verification.standardName", Kind.TEXT, "By which standard, such as ISO 14064-3."),
    Column("verification.comments", Kind.TEXT, "Remarks of the verifier."),
    _top("comment", Kind.TEXT, "Anything else about the calculation."),
    _top("validityPeriodStart", Kind.TIME, "Empty: from the end of the reference period on."),
    _top("validityPeriodEnd", Kind.TIME, "Empty: three years."),
    _top(
        "id",
        Kind.TEXT,
        "A UUID. Empty: made from product, period, place and unit, so that importing this sheet "
        "again publishes nothing twice.",
    ),
    _top("precedingPfIds", Kind.TEXTS, "Ids of the footprints that this one replaces."),
    _top("created", Kind.TIME, "Empty: when it is imported."),
    _top("status", Kind.TEXT, "Empty: Active."),
    _top("specVersion", Kind.TEXT, "Empty: 3.0.0."),
    _top("companyName", Kind.TEXT, "Empty: the name of your node's company."),
    _top("companyIds", Kind.URNS, "Empty: the ids of your node's company."),
)

COLUMNS: tuple[Column, ...] = (
    *_PRODUCT, *_SCOPE, *_TOTALS, *_METHOD, *_BIOGENIC, *_PARTS, *_REST,
)  # fmt: skip

# The row of the template that shows how it is done.
EXAMPLES = {
    "productNameCompany": "Compression spring 316",
    "productIds": "urn:pact:your-domain.example:product-id:316",
    "productDescription": "Spring steel wire 2 mm, wound and tempered; in cartons",
    "declaredUnitOfMeasurement": "piece",
    "declaredUnitAmount": "1",
    "productMassPerDeclaredUnit": "0.145",
    "referencePeriodStart": "2025-01-01",
    "referencePeriodEnd": "2026-01-01",
    "geographyCountry": "HU",
    "pcfExcludingBiogenicUptake": "0.412",
    "pcfIncludingBiogenicUptake": "0.412",
    "fossilGhgEmissions": "0.412",
    "fossilCarbonContent": "0",
    "ipccCharacterizationFactors": "AR6",
    "crossSectoralStandards": "ISO14067 | PACT-3.0",
    "exemptedEmissionsPercent": "0",
    "packagingEmissionsIncluded": "no",
    "ccsTechnologicalCO2CaptureIncluded": "no",
    "primaryDataShare": "35",
    "dqi.technologicalDQR": "2",
    "dqi.geographicalDQR": "2.5",
    "dqi.temporalDQR": "1",
    "secondaryEmissionFactorSources": "ecoinvent, 3.11",
}

_CAPITALS = {"pcf": "PCF", "ghg": "GHG", "ipcc": "IPCC", "ccs": "CCS", "ccu": "CCU", "dqi": ""}
_CAPITALS |= {"pf": "PF", "ids": "IDs", "id": "ID", "co2": "CO2", "dqr": "DQR"}
_WORDS = re.compile(r"CO2|DQR|[A-Z]?[a-z]+")


def title_of(column: Column) -> str:
    """The name of a column in readable form: `PCF excluding biogenic uptake`."""
    words = (word.lower() for word in _WORDS.findall(column.name))
    title = " ".join(filter(None, (_CAPITALS.get(word, word) for word in words)))
    return title[0].upper() + title[1:]


HEADINGS = Headings(
    COLUMNS,
    {column.name: title_of(column) for column in COLUMNS},
    {column.name: [".".join(column.path)] for column in COLUMNS},
)


def column_of(heading: str) -> Column | None:
    """The column that a heading means; None if it means none."""
    return HEADINGS.column_of(heading)
