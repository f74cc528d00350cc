"""Files as companies hand them in, and what a browser does with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import openpyxl
from tests.node.console.conftest import Browser, Shown

__all__ = [
    "CANARIES",
    "FOOTPRINT",
    "csv_of",
    "digest_in",
    "footprints_csv",
    "hand_in",
    "mapping_fields",
    "workbook_of",
]

CANARIES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')

FOOTPRINT: dict[str, str] = {
    "productNameCompany": "Spring 316",
    "productIds": "urn:pact:cathode.example:product-id:316",
    "productDescription": "A spring",
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
    "crossSectoralStandards": "PACT-3.0",
    "exemptedEmissionsPercent": "0",
}


def csv_of(
    rows: Iterable[Sequence[Any]], *, separator: str = ",", encoding: str = "utf-8"
) -> bytes:
    """A CSV file."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


def footprints_csv(*rows: Mapping[str, str]) -> bytes:
    """Footprints with our headings; each row changes some of `FOOTPRINT`."""
    return csv_of([list(FOOTPRINT), *([*{**FOOTPRINT, **one}.values()] for one in rows)])


def workbook_of(sheets: Mapping[str, Sequence[Any]]) -> bytes:
    """A workbook, with the values as they are: texts as texts, numbers as numbers."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


async def hand_in(browser: Browser, name: str, content: bytes, **fields: str) -> Shown:
    """Hand a file in on the page for it."""
    await browser.get("/import")
    return await browser.send("/import", {"file": (name, content)}, **fields)


def digest_in(shown: Shown) -> str:
    """What the button that confirms brings along."""
    return shown.html.partition('name="digest" value="')[2].partition('"')[0]


def mapping_fields(
    at: Mapping[str, int], fixed: Mapping[str, str] | None = None, **forms: str
) -> dict[str, str]:
    """Fields of the form that says which column is which."""
    return {
        **{f"c.{name}.at": str(position) for name, position in at.items()},
        **{f"c.{name}.fixed": text for name, text in (fixed or {}).items()},
        **{f"c.{name}.form": form for name, form in forms.items()},
    }
