"""What the members of a footprint are called, and in which groups people look for them."""

from __future__ import annotations

from typing import Literal

from underseal_node.console.marks import _
from underseal_protocol.disclosure import Block

__all__ = ["BLOCKS", "GROUPS", "WORDS", "Kind"]

Kind = Literal["text", "number", "date", "list", "flag", "word", "code"]


BLOCKS = {
    Block.QUALITY: _("Data quality"),
    Block.VERIFICATION: _("Verification by third parties"),
    Block.EMISSIONS: _("Components of the total"),
    Block.CARBON: _("Carbon contents"),
    Block.METHOD: _("Method and comment"),
    Block.OTHER: _("Extensions and other"),
}
"""The blocks that a disclosure level shows or withholds, and what is in them."""


Row = tuple[str, str, Kind]

# Members of a footprint, and of its `pcf`; those behind a slash are inside another one.
GROUPS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        _("Product"),
        (
            ("companyName", _("Company"), "text"),
            ("companyIds", _("Company ids"), "list"),
            ("productNameCompany", _("Product name"), "text"),
            ("productDescription", _("Description"), "text"),
            ("productIds", _("Product ids"), "list"),
            ("productClassifications", _("Classifications"), "list"),
            ("comment", _("Comment"), "text"),
        ),
    ),
    (
        _("Scope"),
        (
            ("pcf/declaredUnitAmount", _("Declared unit: amount"), "number"),
            ("pcf/declaredUnitOfMeasurement", _("Declared unit: unit"), "word"),
            ("pcf/productMassPerDeclaredUnit", _("Mass of the declared unit, kg"), "number"),
            ("pcf/referencePeriodStart", _("Reference period from"), "date"),
            ("pcf/referencePeriodEnd", _("Reference period until"), "date"),
            ("pcf/geographyCountry", _("Country"), "text"),
            ("pcf/geographyCountrySubdivision", _("Country subdivision"), "text"),
            ("pcf/geographyRegionOrSubregion", _("Region"), "text"),
            ("pcf/boundaryProcessesDescription", _("Processes inside of the boundary"), "text"),
        ),
    ),
    (
        _("Result, kg CO₂e per declared unit"),
        (
            ("pcf/pcfExcludingBiogenicUptake", _("PCF excluding biogenic uptake"), "number"),
            ("pcf/pcfIncludingBiogenicUptake", _("PCF including biogenic uptake"), "number"),
        ),
    ),
    (
        _("Emissions and removals, kg CO₂e per declared unit"),
        (
            ("pcf/fossilGhgEmissions", _("Fossil emissions"), "number"),
            ("pcf/landUseChangeGhgEmissions", _("Land use change"), "number"),
            ("pcf/landCarbonLeakage", _("Land carbon leakage"), "number"),
            ("pcf/landManagementFossilGhgEmissions", _("Land management, fossil"), "number"),
            (
                "pcf/landManagementBiogenicCO2Emissions",
                _("Land management, biogenic CO₂ emissions"),
                "number",
            ),
            (
                "pcf/landManagementBiogenicCO2Removals",
                _("Land management, biogenic CO₂ removals"),
                "number",
            ),
            ("pcf/biogenicCO2Uptake", _("Biogenic CO₂ uptake"), "number"),
            ("pcf/biogenicNonCO2Emissions", _("Biogenic emissions other than CO₂"), "number"),
            ("pcf/aircraftGhgEmissions", _("Transport by air"), "number"),
            ("pcf/packagingEmissionsIncluded", _("Packaging is included"), "flag"),
            ("pcf/packagingGhgEmissions", _("Packaging"), "number"),
            ("pcf/outboundLogisticsGhgEmissions", _("Outbound logistics"), "number"),
            (
                "pcf/ccsTechnologicalCO2CaptureIncluded",
                _("CO₂ capture and storage is included"),
                "flag",
            ),
            ("pcf/ccsTechnologicalCO2Capture", _("Technological CO₂ capture"), "number"),
            ("pcf/technologicalCO2Removals", _("Technological CO₂ removals"), "number"),
            ("pcf/landAreaOccupation", _("Land area occupation, m² per year"), "number"),
        ),
    ),
    (
        _("Carbon content, kg C per declared unit"),
        (
            ("pcf/fossilCarbonContent", _("Fossil"), "number"),
            ("pcf/biogenicCarbonContent", _("Biogenic"), "number"),
            ("pcf/recycledCarbonContent", _("Recycled"), "number"),
            ("pcf/ccuCarbonContent", _("From carbon capture and utilization"), "number"),
            ("pcf/packagingBiogenicCarbonContent", _("Biogenic, of the packaging"), "number"),
        ),
    ),
    (
        _("Data"),
        (
            ("pcf/primaryDataShare", _("Primary data share, percent"), "number"),
            ("pcf/dqi/technologicalDQR", _("Technological quality, 1 (best) to 5"), "number"),
            ("pcf/dqi/geographicalDQR", _("Geographical quality, 1 (best) to 5"), "number"),
            ("pcf/dqi/temporalDQR", _("Temporal quality, 1 (best) to 5"), "number"),
            ("pcf/secondaryEmissionFactorSources", _("Databases of emission factors"), "list"),
            ("pcf/exemptedEmissionsPercent", _("Emissions left out, percent"), "number"),
            ("pcf/exemptedEmissionsDescription", _("Why they are left out"), "text"),
        ),
    ),
    (
        _("Methodology"),
        (
            ("pcf/crossSectoralStandards", _("Standards"), "list"),
            (
                "pcf/ipccCharacterizationFactors",
                _("Characterization factors of the IPCC report"),
                "list",
            ),
            ("pcf/productOrSectorSpecificRules", _("Rules of the product or sector"), "list"),
            ("pcf/allocationRulesDescription", _("Allocation"), "text"),
            ("pcf/technologicalCO2CaptureOrigin", _("Origin of captured CO₂"), "text"),
            ("pcf/ccuCalculationApproach", _("Approach to captured carbon"), "text"),
            ("pcf/ccuCreditCertification", _("Certification of carbon credits"), "text"),
        ),
    ),
    (
        _("Verification by third parties"),
        (
            ("pcf/verification/providerName", _("Verifier"), "text"),
            ("pcf/verification/coverage", _("What was verified"), "text"),
            ("pcf/verification/standardName", _("Standard of the verification"), "text"),
            ("pcf/verification/completedAt", _("Completed"), "date"),
            ("pcf/verification/comments", _("Comments of the verifier"), "text"),
        ),
    ),
    (
        _("Document"),
        (
            ("id", _("Footprint id"), "text"),
            ("status", _("Status"), "word"),
            ("created", _("Created"), "date"),
            ("validityPeriodStart", _("Valid from"), "date"),
            ("validityPeriodEnd", _("Valid until"), "date"),
            ("precedingPfIds", _("Replaces"), "list"),
            ("specVersion", _("Version of the data model"), "text"),
        ),
    ),
)
WORDS = frozenset(
    {
        "Active", "Deprecated", "liter", "kilogram", "cubic meter", "kilowatt hour", "megajoule",
        "ton kilometer", "square meter", "piece", "hour", "megabit second",
    }
)  # fmt: skip
"""Values of the kind `word` that catalogues translate."""
