#!/usr/bin/env python3
"""Write the bills of materials of the four companies, as `underseal product import` reads them.

    python examples/battery/bills.py             # writes products/
    python examples/battery/bills.py /some/dir   # writes there instead

They say the same as recipes.csv, products.json and companies.json. What comes from another company
has no source: it is matched to that company's footprint by its product id.
"""

from __future__ import annotations

import csv
import sys
from decimal import Decimal
from pathlib import Path

from build import (
    HERE,
    PRODUCT,
    REFERENCE_YEAR,
    UPSTREAM,
    calculate,
    companies,
    factor_ratings,
    products,
    sources,
    table,
    text,
)

COLUMNS = (
    "kind", "product", "name", "quantity", "unit", "source", "supplier", "product IDs", "distance",
    "mode", "in the product (%)", "technological DQR", "geographical DQR", "temporal DQR",
    "mass (kg)", "yield (%)", "description", "classifications", "period start", "period end",
    "geography", "boundary", "allocation", "exempted emissions (%)", "exempted: why",
    "fossil carbon content", "comment", "# basis",
)  # fmt: skip
PACKAGING = "packaging: "
MODES = {"TR-TRUCK": "road", "TR-SHIP": "sea", "TR-BULK": "sea"}
# Reagents, water, solvents that are recovered: nothing of them is in the product.
NOT_IN_THE_PRODUCT = ("CH-", "WA-", "MA-NMP")

Row = dict[str, str]


def country_of(key: str) -> str:
    product = products()[key]
    return str(product.get("geography", companies()[product["company"]]["country"]))


def product_row(key: str) -> Row:
    product = products()[key]
    return {
        "kind": "product",
        "product": key,
        "name": product["name"],
        "quantity": product.get("amount", "1"),
        "unit": product["unit"],
        "product IDs": " | ".join(product["identifiers"]),
        "mass (kg)": product["mass"],
        "yield (%)": text(100 * Decimal(product["yield"])) if "yield" in product else "",
        "description": product["description"],
        "classifications": f"urn:pact:ec.europa.eu:cn-code:{product['cn']}",
        "period start": f"{REFERENCE_YEAR}-01-01",
        "period end": f"{REFERENCE_YEAR + 1}-01-01",
        "geography": country_of(key),
        "boundary": product["boundary"],
        "allocation": "No allocation of our own; supplier figures as supplied.",
        "exempted emissions (%)": "0.5",
        "exempted: why": "Small inputs are left out; the share is estimated.",
        "fossil carbon content": text(calculate(key).carbon),
        "comment": "Fictional company, computed from public figures.",
    }


def kind_of(line: Row) -> str:
    """What a line of recipes.csv is, by its factor."""
    if line["input"].startswith(PACKAGING):
        return "packaging"
    if line["distance_km"]:
        return "transport"
    if line["factor"].startswith(("EL-", "FU-")):
        return "energy"
    return "waste" if line["factor"] == "WA-TREAT" else "material"


def line_rows(key: str, line: Row) -> list[Row]:
    """A line of recipes.csv; transport with another one for the supply of its fuel."""
    row = {
        "kind": kind_of(line),
        "product": key,
        "name": line["input"].removeprefix(PACKAGING),
        "quantity": line["quantity"],
        "unit": line["unit"],
        "# basis": line["basis"],
    }
    if line["factor"].startswith(PRODUCT):
        supplied = line["factor"].removeprefix(PRODUCT)
        if products()[supplied]["company"] == products()[key]["company"]:
            return [{**row, "source": line["factor"]}]
        company = companies()[products()[supplied]["company"]]
        ids = " | ".join(products()[supplied]["identifiers"])
        return [{**row, "supplier": company["companyName"], "product IDs": ids}]
    ratings = map(text, factor_ratings(sources()[line["factor"]], country_of(key)))
    row |= zip(("technological DQR", "geographical DQR", "temporal DQR"), ratings, strict=True)
    row["source"] = f"factor:{line['factor']}"
    if row["kind"] == "material" and line["factor"].startswith(NOT_IN_THE_PRODUCT):
        row["in the product (%)"] = "0"
    if row["kind"] != "transport":
        return [row]
    row |= {"distance": line["distance_km"], "mode": MODES[line["factor"]]}
    fuel = {"name": f"{row['name']}: fuel supply", "source": f"{row['source']}{UPSTREAM}"}
    return [row, row | fuel]


def rows(company: str) -> list[Row]:
    """All products of a company, each followed by its lines."""
    found = []
    for key, product in products().items():
        if product["company"] == company and "corrects" not in product:
            found.append(product_row(key))
            for line in table("recipes.csv"):
                if key in line["product"].split():
                    found += line_rows(key, line)
    return found


def write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for company in companies():
        with (directory / f"{company}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows(company))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "products")
