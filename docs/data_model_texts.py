"""What the properties of the data model mean, in our words, and their units."""

from __future__ import annotations

__all__ = ["MEANINGS", "UNITS"]

EMISSION, CARBON = "kg CO2e", "kg C"

# Per declared unit, unless it is a percentage.
UNITS = {
    "declaredUnitAmount": "declared unit",
    "productMassPerDeclaredUnit": "kg",
    "landAreaOccupation": "m2/year",
    "exemptedEmissionsPercent": "%",
    "primaryDataShare": "%",
    **dict.fromkeys(
        (
            "pcfExcludingBiogenicUptake",
            "pcfIncludingBiogenicUptake",
            "fossilGhgEmissions",
            "landUseChangeGhgEmissions",
            "landCarbonLeakage",
            "landManagementFossilGhgEmissions",
            "landManagementBiogenicCO2Emissions",
            "landManagementBiogenicCO2Removals",
            "biogenicCO2Uptake",
            "biogenicNonCO2Emissions",
            "aircraftGhgEmissions",
            "packagingGhgEmissions",
            "outboundLogisticsGhgEmissions",
            "ccsTechnologicalCO2Capture",
            "technologicalCO2Removals",
        ),
        EMISSION,
    ),
    **dict.fromkeys(
        (
            "fossilCarbonContent",
            "biogenicCarbonContent",
            "recycledCarbonContent",
            "packagingBiogenicCarbonContent",
            "ccuCarbonContent",
        ),
        CARBON,
    ),
}

# By type and property.
MEANINGS: dict[str, dict[str, str]] = {
    "ProductFootprint": {
        "id": "Names this footprint and no other, for ever.",
        "specVersion": "Version of the PACT Tech Specs that it follows.",
        "precedingPfIds": "Footprints that it replaces.",
        "created": "When it was made.",
        "status": "`Active` until it is replaced or withdrawn; `Deprecated` is final. The only "
        "property that may change.",
        "validityPeriodStart": "From when on it may be used; left out: the end of the reference "
        "period.",
        "validityPeriodEnd": "Until when it may be used; left out: three years after the end of "
        "the reference period.",
        "companyName": "Who answers for the footprint.",
        "companyIds": "The same company, by identifiers.",
        "productDescription": "What the product is, for people.",
        "productIds": "Numbers under which suppliers, buyers or others know the product.",
        "productClassifications": "Groups that the product belongs to.",
        "productNameCompany": "The name under which the company sells it.",
        "comment": "What one has to know to judge or compare the figures.",
        "pcf": "The figures.",
        "extensions": "Whatever the two sides have agreed on elsewhere; also our credential.",
    },
    "CarbonFootprint": {
        "declaredUnitOfMeasurement": "The unit that the product is measured in.",
        "declaredUnitAmount": "How many of these units all figures are for.",
        "productMassPerDeclaredUnit": "Mass of the product without packaging; 0 for energy, "
        "transport and services.",
        "referencePeriodStart": "First moment that the data is from.",
        "referencePeriodEnd": "First moment after it.",
        "geographyRegionOrSubregion": "The region that the figures stand for.",
        "geographyCountry": "Or the country.",
        "geographyCountrySubdivision": "Or the part of a country. None of the three: the world.",
        "boundaryProcessesDescription": "Which processes are included.",
        "pcfExcludingBiogenicUptake": "The total without the CO2 that plants took up.",
        "pcfIncludingBiogenicUptake": "The total with it.",
        "fossilCarbonContent": "Fossil carbon in the product.",
        "biogenicCarbonContent": "Biogenic carbon in the product.",
        "recycledCarbonContent": "Carbon in the product that comes from recycled material.",
        "fossilGhgEmissions": "Emissions of fossil origin: fuels, processes, leaks.",
        "landUseChangeGhgEmissions": "Emissions because land is used in another way than before.",
        "landCarbonLeakage": "Emissions because land use was displaced to elsewhere.",
        "landManagementFossilGhgEmissions": "The part of the fossil emissions that comes from "
        "managing land.",
        "landManagementBiogenicCO2Emissions": "Biogenic CO2 from managing land.",
        "landManagementBiogenicCO2Removals": "CO2 that managed land has taken up for good.",
        "biogenicCO2Uptake": "CO2 that is bound in the product's biomass when it leaves the gate.",
        "biogenicNonCO2Emissions": "Methane of biogenic origin and the like.",
        "landAreaOccupation": "Agricultural land that the product takes.",
        "aircraftGhgEmissions": "Emissions of transport by aircraft.",
        "packagingEmissionsIncluded": "Whether the total includes the packaging.",
        "packagingGhgEmissions": "Emissions of the packaging.",
        "packagingBiogenicCarbonContent": "Biogenic carbon in the packaging.",
        "outboundLogisticsGhgEmissions": "Emissions of delivery, as far as the company answers "
        "for it.",
        "ccsTechnologicalCO2CaptureIncluded": "Whether CO2 is captured and stored.",
        "ccsTechnologicalCO2Capture": "CO2 that was captured and stored.",
        "technologicalCO2CaptureOrigin": "Where captured CO2 comes from and where it goes.",
        "technologicalCO2Removals": "CO2 that technology has removed from the air.",
        "ccuCarbonContent": "Captured carbon in the product.",
        "ccuCalculationApproach": "How captured carbon is counted.",
        "ccuCreditCertification": "Proof that a credit is counted once.",
        "ipccCharacterizationFactors": "Assessment reports whose factors were used.",
        "crossSectoralStandards": "Standards that were followed.",
        "productOrSectorSpecificRules": "Further rules that were followed.",
        "exemptedEmissionsPercent": "Share of the emissions that was left out.",
        "exemptedEmissionsDescription": "What was left out, and why.",
        "allocationRulesDescription": "How emissions are shared among products made together.",
        "secondaryEmissionFactorSources": "Databases that secondary data comes from.",
        "primaryDataShare": "Share of the total without uptake that rests on primary data.",
        "dqi": "How good the data is.",
        "verification": "What a third party has verified.",
    },
    "ProductOrSectorSpecificRule": {
        "operator": "Who has made the rules.",
        "ruleNames": "Their names.",
        "otherOperatorName": "Who has made them, if the operator is `Other`.",
    },
    "EmissionFactorSource": {
        "name": "Name of the database.",
        "version": "Its version.",
    },
    "DataQualityIndicators": {
        "technologicalDQR": "Whether the data is of this technology: 1 (best) to 5.",
        "geographicalDQR": "Whether it is of this place: 1 (best) to 5.",
        "temporalDQR": "Whether it is of this time: 1 (best) to 5.",
    },
    "Verification": {
        "coverage": "What was looked at.",
        "providerName": "Who has verified it.",
        "completedAt": "When.",
        "standardName": "By which standard.",
        "comments": "What else the verifier says.",
    },
    "DataModelExtension": {
        "specVersion": "Version of the rules for extensions that it follows.",
        "dataSchema": "Address of its JSON Schema. Underseal never fetches it.",
        "documentation": "Address of its description.",
        "data": "Its content.",
    },
}
