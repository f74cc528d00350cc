"""A footprint that fulfils the schema and every rule of the methodology, to be broken by tests."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

__all__ = ["BIOGENIC_PCF", "TODAY", "sample", "set_at"]

TODAY = date(2026, 3, 1)

_SAMPLE: dict[str, Any] = {
    "id": "f4b1225a-bd44-4c8e-861d-079e4e1dfd69",
    "specVersion": "3.0.0",
    "precedingPfIds": ["0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111"],
    "created": "2026-02-10T09:30:00Z",
    "status": "Active",
    "validityPeriodStart": "2026-01-01T00:00:00Z",
    "validityPeriodEnd": "2029-01-01T00:00:00Z",
    "companyName": "Harzquell GmbH",
    "companyIds": ["urn:lei:529900T8BM49AURSDO55"],
    "productDescription": "Spring steel wire, 2 mm, wound",
    "productIds": ["urn:gtin:4712345060507"],
    "productClassifications": ["urn:cpc:4126"],
    "productNameCompany": "Wire 2",
    "comment": "First footprint of this wire.",
    "pcf": {
        "declaredUnitOfMeasurement": "kilogram",
        "declaredUnitAmount": "1",
        "productMassPerDeclaredUnit": "1",
        "referencePeriodStart": "2025-01-01T00:00:00Z",
        "referencePeriodEnd": "2026-01-01T00:00:00Z",
        "geographyCountry": "DE",
        "boundaryProcessesDescription": "Smelting, rolling, drawing",
        "pcfExcludingBiogenicUptake": "2.15",
        "pcfIncludingBiogenicUptake": "2.15",
        "fossilCarbonContent": "0.007",
        "biogenicCarbonContent": "0",
        "recycledCarbonContent": "0.002",
        "fossilGhgEmissions": "2.15",
        "landUseChangeGhgEmissions": "0",
        "landManagementFossilGhgEmissions": "0",
        "landManagementBiogenicCO2Emissions": "0",
        "biogenicCO2Uptake": "0",
        "biogenicNonCO2Emissions": "0",
        "packagingEmissionsIncluded": True,
        "packagingGhgEmissions": "0.02",
        "outboundLogisticsGhgEmissions": "0.11",
        "ccsTechnologicalCO2CaptureIncluded": False,
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["ISO14067", "PACT-3.0"],
        "productOrSectorSpecificRules": [{"operator": "PEF", "ruleNames": ["Metal sheets"]}],
        "exemptedEmissionsPercent": "0",
        "allocationRulesDescription": "By mass",
        "secondaryEmissionFactorSources": [{"name": "ecoinvent", "version": "3.11"}],
        "primaryDataShare": "62.5",
        "dqi": {"technologicalDQR": "1.5", "geographicalDQR": "2", "temporalDQR": "1"},
    },
}

# A change to the sample, after which everything that can be in a total is in it.
BIOGENIC_PCF: dict[str, Any] = {
    "pcfExcludingBiogenicUptake": "0.750",
    "pcfIncludingBiogenicUptake": "-1.250",
    "fossilGhgEmissions": "1.500",
    "landUseChangeGhgEmissions": "0.250",
    "landManagementFossilGhgEmissions": "0.500",
    "landManagementBiogenicCO2Emissions": "0.125",
    "landManagementBiogenicCO2Removals": "-0.500",
    "technologicalCO2Removals": "-0.250",
    "ccsTechnologicalCO2CaptureIncluded": True,
    "ccsTechnologicalCO2Capture": "-0.500",
    "technologicalCO2CaptureOrigin": "Biogenic, injected below the North Sea",
    "biogenicNonCO2Emissions": "0.125",
    "biogenicCO2Uptake": "-2.000",
    "biogenicCarbonContent": "0.545",
}


def sample(pcf: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The sample with other members; None leaves one out.

    Args:
        pcf: members of the carbon footprint.
        changes: members of the footprint.
    """
    document = copy.deepcopy(_SAMPLE)
    for target, members in ((document["pcf"], pcf or {}), (document, changes)):
        for name, value in members.items():
            target.pop(name, None)
            if value is not None:
                target[name] = copy.deepcopy(value)
    return document


def set_at(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """The document, changed in place: what is at a pointer is another value."""
    target: Any = document
    *steps, last = pointer[1:].split("/")
    for step in steps:
        target = target[int(step) if isinstance(target, list) else step]
    target[int(last) if isinstance(target, list) else last] = value
    return document
