#!/usr/bin/env python3
"""Compute the footprints of the four battery companies from recipes.csv and sources.csv.

    python examples/battery/build.py             # writes footprints/
    python examples/battery/build.py /some/dir   # writes there instead
    python examples/battery/build.py --print     # only shows the totals

Exact decimal arithmetic throughout: a published figure is rounded once, to four places, and a
company further down the chain uses the figure as its supplier published it.
"""

from __future__ import annotations

import csv
import json
import sys
import uuid
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PRODUCT = "product:"
UPSTREAM = "-WTT"
REFERENCE_YEAR = 2025

# Burnt on site and metered there, so this part of a footprint is primary data. The rest comes from
# factors of others, except what a supplier of the chain reports about itself.
METERED_ON_SITE = {"FU-COAL", "FU-NG", "FU-DIESEL"}

# Mass share of carbon in what stays in the product: from the formula, electrolyte by estimate.
CARBON_SHARE = {
    "MA-GRAN": Decimal(1),
    "MA-GRAS": Decimal(1),
    "MA-GRAS-LOW": Decimal(1),
    "MA-CB": Decimal(1),
    "MA-PVDF": Decimal("0.375"),
    "MA-ELYTE": Decimal("0.4"),
    "MA-SEP": Decimal("0.856"),
    "MA-PP": Decimal("0.856"),
    "MA-PLAST": Decimal("0.8"),
    "MA-GLYCOL": Decimal("0.387"),
}
DQR_NAMES = ("technologicalDQR", "geographicalDQR", "temporalDQR")


@dataclass
class Result:
    """What a calculation says about one declared unit of a product."""

    pcf: Decimal = Decimal(0)  # kgCO2e
    packaging: Decimal = Decimal(0)  # kgCO2e, part of pcf
    carbon: Decimal = Decimal(0)  # kg fossil carbon in the product
    primary_data_share: Decimal = Decimal(0)  # percent
    ratings: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 3)
    factors: set[str] = field(default_factory=set)


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def sources() -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in table("sources.csv")}


@cache
def companies() -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in json.loads((HERE / "companies.json").read_text("utf-8"))}


@cache
def products() -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in json.loads((HERE / "products.json").read_text("utf-8"))}


def rounded(value: Decimal, places: str = "0.0001") -> Decimal:
    return value.quantize(Decimal(places), rounding=ROUND_HALF_EVEN)


def text(value: Decimal) -> str:
    """Plain decimal text without trailing zeros."""
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def factor_ratings(source: dict[str, str], country: str) -> list[Decimal]:
    """Rate a factor 1 (best) to 5 in technology, geography and time by the rule in README.md."""
    technology = 2 if source["verified"] == "yes" else 4
    geography = 1 if source["geography"] == country else 3 if source["geography"] == "GLO" else 4
    age = REFERENCE_YEAR - int(source["year"]) if source["year"] else 99
    time = 1 if age <= 3 else 2 if age <= 6 else 3 if age <= 10 else 4 if age <= 15 else 5
    return [Decimal(technology), Decimal(geography), Decimal(time)]


@cache
def calculate(key: str) -> Result:
    """Add up the recipe of a product, per declared unit."""
    country = products()[key].get("geography", companies()[products()[key]["company"]]["country"])
    result = Result()
    primary = Decimal(0)
    weighted = [Decimal(0)] * 3
    for line in table("recipes.csv"):
        if key not in line["product"].split():
            continue
        quantity = Decimal(line["quantity"])
        if line["factor"].startswith(PRODUCT):
            supplied = calculate(line["factor"].removeprefix(PRODUCT))
            part = quantity * supplied.pcf
            share, ratings = supplied.primary_data_share, supplied.ratings
            result.carbon += quantity * supplied.carbon
            result.factors |= supplied.factors
        else:
            names = [line["factor"]]
            if not line["input"].startswith("packaging:"):
                result.carbon += quantity * CARBON_SHARE.get(line["factor"], Decimal(0))
            if line["distance_km"]:
                quantity *= Decimal(line["distance_km"]) / 1000  # tonne-kilometres
                names.append(line["factor"] + UPSTREAM)
            part = quantity * sum(Decimal(sources()[name]["value"]) for name in names)
            share = Decimal(100 if line["factor"] in METERED_ON_SITE else 0)
            ratings = factor_ratings(sources()[line["factor"]], country)
            result.factors |= set(names)
        result.pcf += part
        primary += part * share
        weighted = [total + part * rating for total, rating in zip(weighted, ratings, strict=True)]
        if line["input"].startswith("packaging:"):
            result.packaging += part
    if not result.pcf:
        raise SystemExit(f"recipes.csv has no line for {key}")
    result.primary_data_share = rounded(primary / result.pcf, "0.01")
    result.ratings = [rounded(total / result.pcf, "0.01") for total in weighted]
    result.pcf = rounded(result.pcf / Decimal(products()[key].get("yield", "1")))
    result.packaging = rounded(result.packaging)
    result.carbon = rounded(result.carbon)
    return result


def factor_sources(used: set[str]) -> list[dict[str, str]]:
    """The distinct sources behind the used factors, unverified estimates named as such."""
    found = {
        (row["source_title"], row["source_year"] or "undated")
        if row["source_title"]
        else ("Unverified estimates of this example", "2026")
        for row in map(sources().__getitem__, used)
    }
    return [{"name": name, "version": version} for name, version in sorted(found)]


def assessments(used: set[str]) -> list[str]:
    """The IPCC reports that the used factors say they follow."""
    methods = " ".join(sources()[name]["method"] for name in used)
    return [name for name in ("AR5", "AR6") if name in methods] or ["AR6"]


def pf_id(key: str) -> str:
    company = companies()[products()[key]["company"]]
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{key}.{company['domain']}"))


def footprint(key: str) -> dict[str, Any]:
    """The PACT 3.0 footprint of a product."""
    product, result = products()[key], calculate(key)
    company = companies()[product["company"]]
    total = text(result.pcf)
    document: dict[str, Any] = {
        "id": pf_id(key),
        "specVersion": "3.0.0",
        "created": "2026-02-02T08:00:00Z",
        "status": "Active",
        "validityPeriodStart": "2026-01-01T00:00:00Z",
        "validityPeriodEnd": "2028-12-31T00:00:00Z",
        "companyName": company["companyName"],
        "companyIds": company["companyIds"],
        "productDescription": product["description"],
        "productIds": product["identifiers"],
        "productClassifications": [f"urn:pact:ec.europa.eu:cn-code:{product['cn']}"],
        "productNameCompany": product["name"],
        "comment": product.get("comment", "Fictional company, computed from public figures."),
    }
    if "corrects" in product:
        document["precedingPfIds"] = [pf_id(product["corrects"])]
        document["created"] = "2026-06-15T08:00:00Z"
    pcf: dict[str, Any] = {
        "declaredUnitOfMeasurement": product["unit"],
        "declaredUnitAmount": product.get("amount", "1"),
        "productMassPerDeclaredUnit": product["mass"],
        "referencePeriodStart": f"{REFERENCE_YEAR}-01-01T00:00:00Z",
        "referencePeriodEnd": f"{REFERENCE_YEAR + 1}-01-01T00:00:00Z",
        "geographyCountry": product.get("geography", company["country"]),
        "boundaryProcessesDescription": product["boundary"],
        "pcfExcludingBiogenicUptake": total,
        "pcfIncludingBiogenicUptake": total,
        "fossilCarbonContent": text(result.carbon),
        "biogenicCarbonContent": "0",
        "recycledCarbonContent": "0",
        "fossilGhgEmissions": total,
        "landUseChangeGhgEmissions": "0",
        "landManagementFossilGhgEmissions": "0",
        "landManagementBiogenicCO2Emissions": "0",
        "landManagementBiogenicCO2Removals": "0",
        "biogenicCO2Uptake": "0",
        "biogenicNonCO2Emissions": "0",
        "aircraftGhgEmissions": "0",
        "packagingEmissionsIncluded": bool(result.packaging),
        "ccsTechnologicalCO2CaptureIncluded": False,
        "ipccCharacterizationFactors": assessments(result.factors),
        "crossSectoralStandards": ["PACT-3.0"],
        "exemptedEmissionsPercent": "0.5",
        "exemptedEmissionsDescription": "Small inputs are left out; the share is estimated.",
        "allocationRulesDescription": "No allocation of our own; supplier figures as supplied.",
        "secondaryEmissionFactorSources": factor_sources(result.factors),
        "primaryDataShare": text(result.primary_data_share),
        "dqi": dict(zip(DQR_NAMES, map(text, result.ratings), strict=True)),
    }
    if result.packaging:
        pcf["packagingGhgEmissions"] = text(result.packaging)
    if "verification" in product:
        pcf["verification"] = product["verification"]
    document["pcf"] = pcf
    return document


def place(key: str) -> Path:
    """Where the footprint goes below the output directory."""
    product = products()[key]
    if "corrects" in product:
        return Path("corrections") / product["company"] / f"{product['corrects']}.json"
    return Path(product["company"]) / f"{key}.json"


def write(directory: Path) -> None:
    for key in products():
        path = directory / place(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = json.dumps(footprint(key), ensure_ascii=False, indent=2) + "\n"
        path.write_text(written, encoding="utf-8")


def main(arguments: list[str]) -> None:
    if arguments != ["--print"]:
        write(Path(arguments[0]) if arguments else HERE / "footprints")
    for key, product in products().items():
        amount = f"{product.get('amount', '1')} {product['unit']}"
        print(f"{key:26} {text(calculate(key).pcf):>10} kgCO2e per {amount}")


if __name__ == "__main__":
    main(sys.argv[1:])
