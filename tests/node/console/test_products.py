"""Products and emission factors in the console: lists, what they are filtered by, files of them."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook
from tests.node.console.conftest import Browser
from tests.node.console.products import (
    CANARIES,
    GAS,
    ODD_ID,
    assert_harmless,
    odd_product,
    own_product,
    rows_of,
)
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import GRID, POWDER, load

ODD_VALUES = ("-1", "zzz", "a\0b", "x" * 5000, "電", "1e9999")


async def test_nothing_is_there_yet(browser: Browser) -> None:
    for path, said in (
        ("/products", "no products yet"),
        ("/factors", "no emission factors yet"),
        ("/drafts", "no drafts"),
    ):
        shown = await browser.get(path)
        assert shown.status == 200
        assert said in shown.text
    assert 'href="/console/import"' in (await browser.get("/products")).html


async def test_what_products_need(company: Company, browser: Browser) -> None:
    await load(
        company,
        own_product("published", name="One that is published"),
        own_product("idle", name="One that is not"),
        own_product("open", POWDER, name="One with open lines"),
    )
    made = await company.post("/products/publish", product="published")
    shown = await browser.get("/products")
    (first, second, third) = sorted(rows_of(shown, "List"), key=lambda row: row[1])
    assert first[1:5] == ["idle", "not published", "–", "–"]
    assert second[1:7] == ["open", "open lines", "–", "–", "1", "1"]
    assert third[1:7] == ["published", "current", "1", "1 piece", "1", "0"]
    assert f'href="/console/footprints/{made["footprint"]}"' in shown.html
    assert 'href="/console/products/match?product=open"' in shown.html

    filtered = await browser.get("/products", state="not published")
    assert [row[1] for row in rows_of(filtered, "List")] == ["idle"]
    searched = await browser.get("/products", q="one OPEN")
    assert [row[1] for row in rows_of(searched, "List")] == ["open"]
    sorted_by_pcf = await browser.get("/products", sort="-pcf")
    assert rows_of(sorted_by_pcf, "List")[0][1] == "published"


async def test_what_is_stale_leads_to_old_and_new(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    assert "would be another one" not in (await browser.get("/products")).text
    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await load(company, own_product(), factors=(dirtier,))
    shown = await browser.get("/products")
    assert "The footprint of 1 product is out of date." in shown.text
    assert rows_of(shown, "List")[0][2] == "stale"
    assert 'href="/console/products/refresh"' in shown.html


async def test_files_have_what_is_shown(company: Company, browser: Browser) -> None:
    await load(company, own_product("a"), own_product("b", name="=cmd()"))
    answer = (await browser.get("/products", q="cmd", **{"as": "csv"})).answer
    assert answer.headers["content-disposition"] == 'attachment; filename="products.csv"'
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head[:3] == ["Product", "Id", "State"]
    assert row[:3] == ["'=cmd()", "b", "not published"]
    book = load_workbook(
        io.BytesIO((await browser.get("/products", **{"as": "xlsx"})).answer.content)
    )
    assert [row[1].value for row in book.active.iter_rows()] == ["Id", "a", "b"]


async def test_products_as_a_workbook(company: Company, browser: Browser) -> None:
    await load(company, own_product("a"), own_product(ODD_ID))
    whole = await browser.get("/products/workbook")
    one = await browser.get("/products/workbook", product=ODD_ID)
    products = [load_workbook(io.BytesIO(each.answer.content)) for each in (whole, one)]
    texts = [
        {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
        for book in products
    ]
    assert {"a", ODD_ID} <= texts[0]
    assert ODD_ID in texts[1]
    assert "a" not in texts[1]
    assert (await browser.get("/products/workbook", product="gone")).status == 404


async def test_factors_with_their_sources(company: Company, browser: Browser) -> None:
    total = GAS | {"values": {"pcfExcludingBiogenicUptake": "0.2500"}, "isVerified": False}
    await load(company, own_product(), factors=(GRID, total))
    shown = await browser.get("/factors")
    grid, gas = sorted(rows_of(shown, "List"))
    assert grid[:6] == [
        *("EL-HU", "Grid electricity, Hungary", "–", "1 kWh"),
        *("fossilGhgEmissions 0.2", "Grid data, 2024"),
    ]
    assert gas[:4] == ["GAS", "Natural gas", "0.2500", "1 kWh"]
    filtered = await browser.get("/factors", checked="not looked up")
    assert [row[0] for row in rows_of(filtered, "List")] == ["GAS"]
    answer = (await browser.get("/factors", **{"as": "csv"})).answer.content.decode("utf-8-sig")
    assert "0.2500" in answer
    assert "Source,Version,Geography,Year,Licence,At its source,File,Changed" in answer
    assert ",Grid data,2024," in answer


async def test_texts_of_companies_stay_texts(company: Company, browser: Browser) -> None:
    odd = GRID | {"name": CANARIES[0], "database": CANARIES[1]}
    await load(company, odd_product(), factors=(odd,))
    for path in ("/products", "/factors"):
        assert_harmless(await browser.get(path))


@pytest.mark.parametrize("name", ["q", "sort", "page", "state", "checked", "as", "product", "peer"])
async def test_no_query_breaks_a_page(company: Company, browser: Browser, name: str) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    paths = ("/products", "/factors", "/drafts", "/products/twin", "/products/seen",
             "/products/match", "/products/refresh")  # fmt: skip
    for path in paths:
        for value in ODD_VALUES:
            query = {"product": "cell"} | {name: value}
            shown = await browser.get(path, **query)
            assert shown.status in (200, 404, 422), (path, name, value)


PAGES_OF_ONE = ("twin", "match", "what-if", "publish", "seen", "refresh")


@pytest.mark.parametrize("page", PAGES_OF_ONE)
async def test_an_unknown_product(browser: Browser, page: str) -> None:
    shown = await browser.get(f"/products/{page}", product="gone")
    assert shown.status == 404
    assert "no product 'gone'" in shown.text


@pytest.mark.parametrize("page", PAGES_OF_ONE)
async def test_ids_and_names_of_any_characters(
    company: Company, browser: Browser, page: str
) -> None:
    await load(company, odd_product())
    await company.post("/products/publish", product=ODD_ID)
    await load(company, factors=(GRID | {"values": {"fossilGhgEmissions": "0.3"}},))
    shown = await browser.get(f"/products/{page}", product=ODD_ID)
    assert shown.status == 200, shown.text
    for canary in CANARIES:
        assert canary not in shown.html
    assert ODD_ID in shown.text
