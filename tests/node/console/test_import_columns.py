"""Sheets with other headings: what people choose, and which figures arrive in the node."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.node.console.conftest import Browser
from tests.node.console.files_to_import import (
    CANARIES,
    csv_of,
    digest_in,
    hand_in,
    mapping_fields,
    workbook_of,
)
from tests.node.manage.conftest import Company

from underseal_node.console.importing.columns import columns_of_rows
from underseal_node.console.importing.kinds import ROWS
from underseal_node.console.importing.proposing import proposed_columns
from underseal_node.console.importing.reading import view_of
from underseal_node.sheets.tables import Row, Table

HEADS = ["Artikelnummer", "Bezeichnung", "Gewicht (t)", "CO2-Fußabdruck (g CO2e)", "Einheit"]
SAME = {
    "productDescription": "Stahl",
    "declaredUnitAmount": "1",
    "referencePeriodStart": "01.01.2025",
    "referencePeriodEnd": "01.01.2026",
    "fossilCarbonContent": "0",
    "ipccCharacterizationFactors": "AR6",
    "crossSectoralStandards": "PACT-3.0",
    "exemptedEmissionsPercent": "0",
}
AT = {
    "productIds": 0,
    "productNameCompany": 1,
    "productMassPerDeclaredUnit": 2,
    "pcfExcludingBiogenicUptake": 3,
    "pcfIncludingBiogenicUptake": 3,
    "fossilGhgEmissions": 3,
    "declaredUnitOfMeasurement": 4,
}
FORMS = {
    "productIds": "own",
    "productMassPerDeclaredUnit": "t",
    "pcfExcludingBiogenicUptake": "g",
    "pcfIncludingBiogenicUptake": "g",
    "fossilGhgEmissions": "g",
}
CHOSEN = {"rows": "footprints", "shown_rows": "footprints", "sheet": "0"} | mapping_fields(
    AT, SAME, **FORMS
)


async def footprint_of(company: Company, name: str) -> dict[str, Any]:
    listed = (await company.get("/footprints"))["data"]
    found = next(one["id"] for one in listed if one["productNameCompany"] == name)
    shown: dict[str, Any] = (await company.get(f"/footprints/{found}"))["footprint"]
    return shown


async def test_other_headings_are_asked_about_first(company: Company, browser: Browser) -> None:
    rows = [["Auszug aus dem ERP"], HEADS, ["4711", "Feder", 0.000145, "412", "Stück"]]
    shown = await hand_in(browser, "erp.xlsx", workbook_of({"Export": rows}))
    assert shown.path.endswith("/columns")
    # What is proposed, with the units that the headings name.
    for name, position in (("productIds", 0), ("productMassPerDeclaredUnit", 2)):
        field = shown.html.partition(f'name="c.{name}.at"')[2].partition("</select>")[0]
        assert f'value="{position}" selected' in field
    field = shown.html.partition('name="c.productMassPerDeclaredUnit.form"')[2]
    assert 'value="t" selected' in field.partition("</select>")[0]
    assert "Auszug aus dem ERP" in shown.text
    assert 'name="heads_row" inputmode="numeric" value="2"' in shown.html


async def test_tonnes_arrive_as_kilograms_exactly(company: Company, browser: Browser) -> None:
    rows = [
        HEADS,
        ["4711", "Feder", 0.000145, 412, "Stück"],
        ["4 712", "Clip", "0,00000000000000000000123456789", "1.234,5", "Stück"],
    ]
    shown = await hand_in(browser, "erp.xlsx", workbook_of({"Export": rows}))
    checked = await browser.send(shown.path, **CHOSEN)
    assert "Publish 2 footprints" in checked.text
    await browser.send(f"{checked.path}/confirm", digest=digest_in(checked))
    spring, clip = await footprint_of(company, "Feder"), await footprint_of(company, "Clip")
    assert spring["productIds"] == ["urn:pact:cathode.example:product-id:4711"]
    assert clip["productIds"] == ["urn:pact:cathode.example:product-id:4%20712"]
    assert spring["pcf"]["productMassPerDeclaredUnit"] == "0.145"
    assert spring["pcf"]["pcfExcludingBiogenicUptake"] == "0.412"
    assert clip["pcf"]["productMassPerDeclaredUnit"] == "0.00000000000000000123456789"
    assert clip["pcf"]["fossilGhgEmissions"] == "1.2345"
    assert spring["pcf"]["referencePeriodStart"] == "2025-01-01T00:00:00Z"
    assert spring["pcf"]["declaredUnitOfMeasurement"] == "piece"


async def test_what_is_not_converted_keeps_its_digits(company: Company, browser: Browser) -> None:
    rows = [[*HEADS[:3], "CO2-Fußabdruck", "Einheit"], ["1", "Feder", "1", "0,4120", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(rows, separator=";", encoding="cp1252"))
    kilograms = {f"c.{name}.form": "kg" for name in FORMS if name != "productIds"}
    checked = await browser.send(shown.path, **CHOSEN | kilograms)
    await browser.send(f"{checked.path}/confirm", digest=digest_in(checked))
    assert (await footprint_of(company, "Feder"))["pcf"]["fossilGhgEmissions"] == "0.4120"


async def test_problems_are_at_the_cells_of_the_file_that_was_handed_in(
    company: Company, browser: Browser
) -> None:
    rows = [
        ["Auszug"],
        [],
        HEADS,
        ["4711", "Feder", 0.000145, "x", "Stück"],
        ["4712", "Clip", "1,5", "412", "Fass"],
    ]
    shown = await hand_in(browser, "erp.xlsx", workbook_of({"Export": rows}))
    checked = await browser.send(shown.path, **CHOSEN)
    assert "2 things have to be corrected" in checked.text
    assert "D4 CO2-Fußabdruck (g CO2e) 'x' is not a number" in checked.text
    assert "E5 Einheit it is 'Fass'" in checked.text
    assert "wrong: x" in checked.text
    assert "wrong: Fass" in checked.text
    assert (await company.get("/footprints"))["data"] == []


async def test_what_is_the_same_in_all_rows_is_checked_at_once(browser: Browser) -> None:
    rows = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(rows, separator=";"))
    wrong = await browser.send(shown.path, **CHOSEN | {"c.declaredUnitAmount.fixed": "1,234"})
    assert wrong.status == 422
    assert "may be 1.234 or 1234" in wrong.text
    assert 'value="1,234"' in wrong.html


async def test_what_was_chosen_stays_when_something_is_missing(browser: Browser) -> None:
    rows = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(rows, separator=";"))
    some = {**CHOSEN, "c.productDescription.fixed": "", "c.geographyCountry.fixed": CANARIES[1]}
    refused = await browser.send(shown.path, **some)
    assert refused.status == 422
    assert "The column “Product description” is needed" in refused.text
    assert CANARIES[1] in refused.text or "onerror=alert(1)&gt;" in refused.html
    assert "<img" not in refused.html
    field = refused.html.partition('name="c.fossilGhgEmissions.at"')[2].partition("</select>")[0]
    assert 'value="3" selected' in field
    field = refused.html.partition('name="c.fossilGhgEmissions.form"')[2].partition("</select>")[0]
    assert 'value="g" selected' in field


async def test_the_next_file_with_the_same_headings_is_read_so_too(
    company: Company, browser: Browser
) -> None:
    first = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    shown = await hand_in(browser, "may.csv", csv_of(first, separator=";"))
    await browser.send(shown.path, **CHOSEN)
    second = [HEADS, ["4712", "Clip", "2", "4,5", "Stück"]]
    next_one = await hand_in(browser, "june.csv", csv_of(second, separator=";"))
    assert "Publish 1 footprint" in next_one.text
    await browser.send(f"{next_one.path}/confirm", digest=digest_in(next_one))
    assert (await footprint_of(company, "Clip"))["pcf"]["fossilGhgEmissions"] == "0.0045"


async def test_a_corrected_file_keeps_the_mapping(browser: Browser) -> None:
    wrong = [HEADS, ["4711", "Feder", "1", "x", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(wrong, separator=";"))
    checked = await browser.send(shown.path, **CHOSEN)
    right = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    fixed = await browser.send(
        f"{checked.path}/file", {"file": ("erp2.csv", csv_of(right, separator=";"))}
    )
    assert "Publish 1 footprint" in fixed.text


BILL = [
    ["Baugruppe", "Komponente", "Bedarf", "ME", "Ausschuss", "Heizwert (kWh/kg)", "Werk"],
    ["cell", "Graphit", "1,25", "kg", 0.04, "0,2", "1"],
    ["cell", "Öl", "3", "l", "5 %", "", "1"],
]


async def test_lines_without_their_product_are_refused_at_their_rows(
    company: Company, browser: Browser
) -> None:
    sheets: dict[str, list[Any]] = {"Lies mich": [["Stand 2025"]], "Stückliste 2025": BILL}
    shown = await hand_in(browser, "bom.xlsx", workbook_of(sheets), kind="products")
    assert "sheet=1" in shown.html
    sheet = {"sheet": "1", "rows": "material", "shown_rows": "material"}
    fields = mapping_fields({"product": 0, "name": 1, "quantity": 2, "unit": 3})
    checked = await browser.send(shown.path, **sheet, **fields)
    assert "wrong: cell" in checked.text
    assert "Stückliste 2025" in checked.text
    assert (await company.get("/products"))["data"] == []


async def test_products_and_lines_of_two_sheets_become_one_table(
    company: Company, browser: Browser
) -> None:
    products = [["Schlüssel", "Was", "Einh."], ["cell", "Zelle", "kg"]]
    shown = await hand_in(
        browser, "bom.xlsx", workbook_of({"A": products, "B": BILL}), kind="products"
    )
    first = {"sheet": "0", "rows": "product", "shown_rows": "product", "then": "1"}
    at = mapping_fields({"product": 0, "name": 1, "unit": 2})
    path = shown.path
    # Another kind of rows than the one that was proposed has other columns to choose.
    await browser.send(path, **first | {"shown_rows": ""})
    following = await browser.send(path, **first, **at)
    assert "sheet=1" in str(following.answer.url)
    second = {"sheet": "1", "rows": "material", "shown_rows": ""}
    await browser.send(path, **second)
    fields = mapping_fields(
        {"product": 0, "name": 1, "quantity": 2, "unit": 3, "loss": 4, "energyPerMass": 5},
        {},
        loss="share",
        energyPerMass="kWh/kg",
    )
    checked = await browser.send(path, **second | {"shown_rows": "material"}, **fields)
    assert "The file is in order" in checked.text
    await browser.send(f"{checked.path}/confirm", digest=digest_in(checked))
    document = (await company.get("/products/detail", product="cell"))["document"]
    graphite, oil = document["lines"]
    assert graphite["quantity"] == {"amount": "1.25", "unit": "kg"}
    assert graphite["loss"] == "0.04"
    assert graphite["properties"]["energyMjPerKg"] == "0.72"
    assert oil["loss"] == "0.05"  # a share in a text with a per cent sign is in per cent


async def test_the_row_with_the_headings_can_be_said(browser: Browser) -> None:
    rows = [
        ["Name", "Nummer", "Kommentar zu allem"],
        ["Artikelnummer", "Bez.", "Wert"],
        ["1", "F", "2"],
    ]
    shown = await hand_in(browser, "x.csv", csv_of(rows), kind="footprints")
    again = await browser.send(
        shown.path, sheet="0", rows="footprints", shown_rows="footprints", heads_row="2"
    )
    assert 'name="heads_row" inputmode="numeric" value="2"' in again.html
    field = again.html.partition('name="c.productIds.at"')[2].partition("</select>")[0]
    assert 'value="0" selected' in field


async def test_odd_choices_are_answered(browser: Browser) -> None:
    rows = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(rows, separator=";"))
    for odd in (
        {"sheet": "99"},
        {"rows": "zzz"},
        {"mark": "x"},
        {"heads_row": "-1"},
        {"heads_row": "999999"},
        {"c.productIds.at": "9999"},
        {"c.productIds.at": "²"},
        {"c.productIds.form": "zzz"},
        {"c.productDescription.fixed": "\0" + "x" * 5000},
        {"then": "77"},
    ):
        answer = await browser.send(shown.path, **CHOSEN | odd)
        assert answer.status in (200, 422), odd


async def test_a_file_is_sent_as_it_is_when_that_is_wished(browser: Browser) -> None:
    rows = [HEADS, ["4711", "Feder", "1", "412", "Stück"]]
    shown = await hand_in(browser, "erp.csv", csv_of(rows, separator=";"))
    as_it_is = await browser.send(shown.path.replace("/columns", "/as-it-is"))
    assert "there is no row with the names of the columns" in as_it_is.text


async def test_what_nothing_tells_is_asked_about(browser: Browser) -> None:
    shown = await hand_in(browser, "x.csv", csv_of([["Foo", "Bar"], ["1", "2"]]))
    assert "What is in this file?" in shown.text
    chosen = await browser.send(f"{shown.path}/kind", kind="factors")
    assert chosen.path.endswith("/columns")
    assert (await browser.send(f"{shown.path}/kind", kind="zzz")).status == 422


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        (["Artikelbezeichnung", "Nettogewicht [kg]"], {"productNameCompany": 0}),
        (
            ["产品名称", "产品碳足迹", "净重 (g)"],
            {"productNameCompany": 0, "productMassPerDeclaredUnit": 2},
        ),
        (["product name company", "PCF excl biogenic uptake"], {"pcfExcludingBiogenicUptake": 1}),
        (["# Bezeichnung", "Bezeichnung"], {"productNameCompany": 1}),
    ],
)
def test_proposals(heads: list[str], expected: dict[str, int]) -> None:
    table = Table("", [Row(1, heads), Row(2, ["a", "1", "2"][: len(heads)])])
    proposed = proposed_columns("footprints", view_of(table, 1))
    for name, position in expected.items():
        assert proposed[name].at == position


def test_proposals_for_lines() -> None:
    table = Table(
        "", [Row(1, ["Baugruppe", "Komponente", "Bedarf", "ME"]), Row(2, ["a", "b", "1"])]
    )
    proposed = proposed_columns("material", view_of(table, 1))
    assert {name: one.at for name, one in proposed.items()} == {
        "product": 0,
        "name": 1,
        "quantity": 2,
        "unit": 3,
    }


def test_units_are_converted_exactly() -> None:
    """Each size is a decimal that ends, and is what the node takes the unit for."""
    from fractions import Fraction

    from underseal_protocol.rollup.units import conversion

    checked = 0
    for rows in (code for codes in ROWS.values() for code in codes):
        for column in columns_of_rows(rows):
            for way in column.written:
                assert isinstance(way.factor, Decimal)
                ours = column.written[0].code
                if ours == "kg":
                    assert Fraction(way.factor) == conversion(way.code, "kg")
                    checked += 1
    assert checked > 20
