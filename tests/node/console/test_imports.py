"""Importing at the console: nothing changes before it is confirmed, and then what was seen."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.files_to_import import (
    FOOTPRINT,
    csv_of,
    digest_in,
    footprints_csv,
    hand_in,
)
from tests.node.manage.conftest import Company, make_document

from underseal_node.console.api import Api
from underseal_node.console.importing.files import MAX_FILES
from underseal_node.energy.mapping import read_mapping
from underseal_node.publishing.columns import column_of

SECOND = {"productIds": "urn:pact:cathode.example:product-id:2", "productNameCompany": "Clip"}


async def published(company: Company) -> list[Any]:
    found: list[Any] = (await company.get("/footprints"))["data"]
    return found


async def test_a_file_is_looked_at_then_published(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}, SECOND))
    assert (shown.status, shown.path.split("/")[1]) == (200, "import")
    assert "Publish 2 footprints" in shown.text
    assert "Nobody: no partner has a grant" in shown.text
    assert await published(company) == []
    done = await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert done.path.startswith("/jobs/")
    assert "What became of it" in done.text
    assert {one["productNameCompany"] for one in await published(company)} == {"Spring 316", "Clip"}
    again = await browser.get(shown.path)
    assert "It was imported" in again.text
    assert "/confirm" not in again.html


async def test_it_says_who_would_be_told(
    pair: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    _, supplier = pair
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    browser = new_browser(supplier)
    await browser.enter(supplier)
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    assert "Would be told cell" in shown.text
    assert (await supplier.get("/outbox"))["data"] == []


async def test_what_is_there_already_is_not_imported_again(
    company: Company, browser: Browser
) -> None:
    content = footprints_csv({})
    first = await hand_in(browser, "mine.csv", content)
    await browser.send(f"{first.path}/confirm", digest=digest_in(first))
    shown = await hand_in(browser, "again.csv", content)
    assert "There is nothing to import" in shown.text
    assert "<button>Publish" not in shown.html
    assert len(await published(company)) == 1


async def test_the_very_bytes_that_were_checked_are_imported(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[bool, bytes]] = []
    call = Api.call

    async def spy(self: Api, method: str, path: str, query: Any = None, *rest: Any) -> Any:
        if path == "/footprints/import":
            sent.append((query["dryRun"], rest[0]))
        return await call(self, method, path, query, *rest)

    monkeypatch.setattr(Api, "call", spy)
    content = footprints_csv({})
    shown = await hand_in(browser, "mine.csv", content)
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert sent == [(True, content), (False, content)]


async def test_another_file_in_its_place_is_not_confirmed_with_it(
    company: Company, browser: Browser
) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    await browser.send(f"{shown.path}/file", {"file": ("mine.csv", footprints_csv(SECOND))})
    late = await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert late.status == 409
    assert "has changed since it was checked" in late.text
    assert await published(company) == []
    done = await browser.send(f"{shown.path}/confirm", digest=digest_in(late))
    assert "What became of it" in done.text
    assert [one["productNameCompany"] for one in await published(company)] == ["Clip"]


async def test_confirming_twice_imports_once(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    digest = digest_in(shown)
    await browser.send(f"{shown.path}/confirm", digest=digest)
    second = await browser.send(f"{shown.path}/confirm", digest=digest)
    assert "It was imported" in second.text
    assert (await browser.get("/jobs")).html.count(">Import</span>") == 1
    assert len(await published(company)) == 1


async def test_a_file_with_a_wrong_cell_changes_nothing(company: Company, browser: Browser) -> None:
    wrong = {"pcfExcludingBiogenicUptake": "half", **SECOND}
    shown = await hand_in(browser, "mine.csv", footprints_csv({}, wrong))
    assert shown.status == 200
    assert "1 thing has to be corrected first" in shown.text
    assert "J3 pcfExcludingBiogenicUptake 'half' is not a number" in shown.text
    assert shown.html.count('<td class="wrong"') == 1
    assert "wrong: half" in shown.text
    assert "/confirm" not in shown.html
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert await published(company) == []


async def test_the_corrected_file_takes_its_place(company: Company, browser: Browser) -> None:
    shown = await hand_in(
        browser, "mine.csv", footprints_csv({"pcfExcludingBiogenicUptake": "half"})
    )
    fixed = await browser.send(f"{shown.path}/file", {"file": ("v2.csv", footprints_csv({}))})
    assert fixed.path == shown.path
    assert "v2.csv" in fixed.text
    await browser.send(f"{fixed.path}/confirm", digest=digest_in(fixed))
    assert len(await published(company)) == 1


async def test_figures_are_rounded_when_that_is_wished(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    rounded = await browser.send(f"{shown.path}/check", digits="2")
    await browser.send(f"{rounded.path}/confirm", digest=digest_in(rounded))
    assert (await published(company))[0]["pcfExcludingBiogenicUptake"] == "0.41"


async def test_digits_that_are_none_are_kept_with_what_is_wrong(browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    refused = await browser.send(f"{shown.path}/check", digits="many")
    assert "significantDigits" in refused.text
    assert 'value="many"' in refused.html
    assert "/confirm" not in refused.html


async def test_findings_are_counted_by_rule(browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}, SECOND))
    assert "Where footprints do not follow the methodology" in shown.text
    assert "primaryDataShare is missing; the methodology requires it 2 Spring 316; Clip" in (
        shown.text
    )


async def test_json_is_taken_too(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, "mine.json", json.dumps([make_document(1)]).encode())
    assert "Publish 1 footprint" in shown.text
    wrong = json.dumps([make_document(1, productIds=[])]).encode()
    refused = await browser.send(f"{shown.path}/file", {"file": ("mine.json", wrong)})
    assert "/0/productIds" in refused.text
    assert await published(company) == []


@pytest.mark.parametrize("name", ["footprints", "products", "workbook"])
async def test_templates_are_workbooks(browser: Browser, name: str) -> None:
    answer = (await browser.get(f"/import/templates/{name}")).answer
    assert answer.headers["content-disposition"].startswith("attachment")
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames
    assert (await browser.get("/import/templates/nothing")).status == 404


async def test_an_example_of_a_mapping_of_meters_can_be_read(browser: Browser) -> None:
    assert "/import/templates/mapping.toml" in (await browser.get("/import")).html
    answer = (await browser.get("/import/templates/mapping.toml")).answer
    assert answer.headers["content-disposition"].startswith("attachment")
    assert read_mapping("mapping.toml", answer.content).timezone == "Europe/Berlin"


async def test_a_filled_in_template_needs_no_mapping(company: Company, browser: Browser) -> None:
    template = (await browser.get("/import/templates/footprints")).answer.content
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = book["Footprints"]
    heads = [str(cell.value or "").rstrip(" *") for cell in sheet[1]]
    for at, head in enumerate(heads, 1):
        column = column_of(head) if at > 1 else None
        if column is not None and column.name in FOOTPRINT:
            sheet.cell(4, at).value = FOOTPRINT[column.name]
    content = io.BytesIO()
    book.save(content)
    shown = await hand_in(browser, "footprints.xlsx", content.getvalue())
    assert "Publish 1 footprint" in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert [one["productNameCompany"] for one in await published(company)] == ["Spring 316"]


GERMAN = [
    ["Art", "Produkt", "Bezeichnung", "Menge", "Einheit", "Quelle", "Verlust", "Masse"],
    ["Produkt", "feder", "Feder für Müller", "1", "Stück", "", "", "0,145"],
    ["Material", "feder", "Federstahldraht", "0,150", "kg", "", "4,5", ""],
]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig"])
async def test_a_german_csv_of_excel(company: Company, browser: Browser, encoding: str) -> None:
    content = csv_of(GERMAN, separator=";", encoding=encoding)
    shown = await hand_in(browser, "stückliste.csv", content)
    assert "The file is in order" in shown.text
    assert "stückliste.csv" in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    document = (await company.get("/products/detail", product="feder"))["document"]
    assert (document["name"], document["massKg"]) == ("Feder für Müller", "0.145")
    line = document["lines"][0]
    assert (line["quantity"]["amount"], line["loss"]) == ("0.150", "0.045")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_chinese_names(company: Company, browser: Browser, encoding: str) -> None:
    rows = [
        ["类型", "产品", "名称", "数量", "单位"],
        ["产品", "lioh", "电池级单水氢氧化锂", "1", "公斤"],
        ["物料", "lioh", "锂辉石精矿", "6.42", "公斤"],
    ]
    shown = await hand_in(browser, "产品.csv", csv_of(rows, encoding=encoding))
    assert "电池级单水氢氧化锂" in shown.text
    assert "产品.csv" in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert (await company.get("/products"))["data"][0]["name"] == "电池级单水氢氧化锂"


async def test_factors_are_recognised(company: Company, browser: Browser) -> None:
    rows = [["ID", "Value", "Unit", "Database"], ["EL-DE", "0.38", "kWh", "ProBas"]]
    shown = await hand_in(browser, "factors.csv", csv_of(rows))
    assert "Emission factors" in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert [one["id"] for one in (await company.get("/factors"))["data"]] == ["EL-DE"]


async def test_warnings_are_shown_before_confirming(browser: Browser) -> None:
    rows = [*GERMAN, ["Material", "feder", "Öl", "1", "kg", "product:oil", "", ""]]
    shown = await hand_in(browser, "bom.csv", csv_of(rows, separator=";"))
    assert "Worth knowing" in shown.text
    assert "oil" in shown.text


async def test_a_formula_stays_a_text(company: Company, browser: Browser) -> None:
    hostile = '=HYPERLINK("http://evil.example","x")'
    shown = await hand_in(browser, "mine.csv", footprints_csv({"productNameCompany": hostile}))
    assert hostile in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert (await published(company))[0]["productNameCompany"] == hostile
    exported = (await browser.get(shown.path, **{"as": "csv"})).answer.text
    assert "'=HYPERLINK(" in exported


async def test_files_are_of_one_session(
    company: Company, browser: Browser, new_browser: NewBrowser
) -> None:
    shown = await hand_in(browser, "secret-name.csv", footprints_csv({}))
    other = new_browser(company)
    await other.enter(company)
    elsewhere = await other.get(shown.path)
    assert elsewhere.status == 404
    assert "secret-name" not in elsewhere.text
    assert "secret-name" not in (await other.get("/import")).text
    await other.get("/import")
    assert (await other.send(f"{shown.path}/discard")).status == 404
    assert (await browser.get(shown.path)).status == 200


async def test_the_newest_files_are_kept(browser: Browser) -> None:
    first = await hand_in(browser, "first.csv", footprints_csv({}))
    for number in range(MAX_FILES):
        await hand_in(browser, f"{number}.csv", footprints_csv({}))
    gone = await browser.get(first.path)
    assert gone.status == 404
    assert "Drop it again" in gone.text
    listed = (await browser.get("/import")).text
    assert "first.csv" not in listed
    assert f"{MAX_FILES - 1}.csv" in listed


async def test_a_file_is_discarded(browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}))
    done = await browser.send(f"{shown.path}/discard")
    assert (done.path, done.status) == ("/import", 200)
    assert "mine.csv was discarded" in done.text
    assert (await browser.get(shown.path)).status == 404


async def test_the_list_of_a_check_is_searched_and_exported(browser: Browser) -> None:
    shown = await hand_in(browser, "mine.csv", footprints_csv({}, SECOND))
    found = await browser.get(shown.path, q="clip")
    assert "1 in all" in found.text
    csv_file = (await browser.get(shown.path, **{"as": "csv"})).answer
    assert csv_file.headers["content-type"].startswith("text/csv")
    assert "Spring 316" in csv_file.text


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1"},
        {"page": "9" * 50},
        {"sort": "zzz"},
        {"q": "\0"},
        {"as": "pdf"},
        {"page": "²"},
        {"q": "x" * 5000},
    ],
)
async def test_odd_queries_are_answered(browser: Browser, query: dict[str, str]) -> None:
    shown = await hand_in(
        browser, "mine.csv", footprints_csv({"pcfExcludingBiogenicUptake": "half"})
    )
    assert (await browser.get(shown.path, **query)).status == 200
    assert (await browser.get("/import", **query)).status == 200
    assert (await browser.get("/jobs", **query)).status == 200
    assert (await browser.get(f"{shown.path}/columns", **query)).status == 200


@pytest.mark.parametrize("path", ["/import/nothing", "/import/nothing/columns", "/jobs/nothing"])
async def test_what_is_not_there_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status == 404
    for move in ("kind", "check", "confirm", "discard", "file", "columns", "as-it-is", "energy"):
        await browser.get("/import")
        assert (await browser.send(f"/import/nothing/{move}")).status == 404


async def test_the_empty_page_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/import")
    assert "Choose a file, or drop it here" in shown.text
    for name in ("footprints", "products", "workbook"):
        assert f"/import/templates/{name}" in shown.html
    assert "Nothing was imported, verified or calculated" in (await browser.get("/jobs")).text


async def test_spend_is_imported_with_headings_of_ones_own(
    company: Company, browser: Browser
) -> None:
    rows = "Kreditor;Rechnungsbetrag netto;Währung\nDraht AG;1.234,50;EUR\n"
    shown = await hand_in(browser, "kreditoren.csv", rows.encode(), kind="spend")
    assert shown.path.endswith("/columns")
    assert "what is spent, a supplier in each row" in shown.text
    fields = {
        "sheet": "0", "rows": "spend", "shown_rows": "spend", "heads_row": "1", "mark": "",
        "c.supplier.at": "0", "c.amount.at": "1", "c.currency.at": "2",
        "c.periodStart.fixed": "2025-01-01", "c.periodEnd.fixed": "2026-01-01",
    }  # fmt: skip
    checked = await browser.send(shown.path, **fields)
    assert "The file is in order." in checked.text
    assert "1234.50" in checked.html.replace(",", "")
    assert (await company.get("/spend"))["data"] == []
    done = await browser.send(f"{checked.path}/confirm", digest=digest_in(checked))
    assert "What became of it" in done.text
    (period,) = (await company.get("/spend"))["data"]
    assert (period["total"], period["suppliers"]) == ("1234.5", 1)


async def test_spend_is_known_by_its_headings_and_wrong_cells_are_marked(
    company: Company, browser: Browser
) -> None:
    rows = "Supplier,Spend,Currency,Period start,Period end\nA,many,EUR,2025-01-01,2026-01-01\n"
    shown = await hand_in(browser, "spend.csv", rows.encode())
    assert "Spend on suppliers" in shown.text
    assert "wrong: many" in shown.text
    template = await browser.get("/import/templates/spend")
    again = await hand_in(browser, "spend.xlsx", template.answer.content)
    assert "there is no supplier in it" in again.text
