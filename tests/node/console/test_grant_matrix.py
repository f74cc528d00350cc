"""Levels by product: the preview tells what the partner is served after the changes."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    ODD_NAMES,
    PRODUCT,
    SCRIPT,
    assert_harmless,
    granted,
    signed_in,
    value_of,
)
from tests.node.manage.conftest import Company, make_document

from underseal_node.console import grant_matrix
from underseal_node.products import gate
from underseal_protocol.errors import ReleaseRefusedError

Pair = tuple[Company, Company]
CLASSIFICATION = "urn:pact:productclassification:cas:554-13-2"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
CELL = re.compile(r'<select name="(level\.\d+\.\d+)" data-was="([^"]+)"')
ROWS = 3


@pytest.fixture
async def supplier(pair: Pair) -> Company:
    await pair[1].publish(*(make_document(number) for number in range(1, ROWS + 1)))
    return pair[1]


@pytest.fixture
async def browser(supplier: Company, new_browser: NewBrowser) -> Browser:
    return await signed_in(new_browser, supplier)


def fields_of(shown: Shown) -> dict[str, list[str]]:
    """What the last form of a page sends as it is: its hidden fields and chosen levels."""
    form = shown.html[shown.html.rindex('action="/console/grants/matrix"') :]
    found: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(form):
        found.setdefault(unescape(name), []).append(unescape(value))
    for name, was in CELL.findall(form):
        found[name] = [was]
    return found


async def choose(browser: Browser, levels: dict[int, str], **query: str) -> Shown:
    """Choose levels of products by their number, for the first partner."""
    shown = await browser.get("/grants/matrix", **query)
    fields = fields_of(shown)
    rows = {
        value[0]: name.partition(".")[2]
        for name, value in fields.items()
        if name.startswith("product.")
    }
    for number, level in levels.items():
        fields[f"level.{rows[PRODUCT.format(number)]}.0"] = [level]
    return await browser.send("/grants/matrix", **fields)


async def confirm(browser: Browser, shown: Shown, **changes: str) -> Shown:
    return await browser.send("/grants/matrix", **{"do": "apply", **fields_of(shown), **changes})


async def served(supplier: Company) -> dict[int, str]:
    """What the partner sees, by the queries that serve it: levels by the number of the product."""
    found = (await supplier.get("/grants/preview", peer="cell"))["data"]
    return {int(one["productNameCompany"].split()[1]): one["level"] for one in found}


def told(shown: Shown) -> dict[int, tuple[str, str]]:
    """What the preview says that the partner sees, before and after."""
    found = {}
    for number, text in re.findall(
        r"Product (\d+): (.+?)(?= Product |Grant|The release|$)", shown.text
    ):
        words = re.findall(r"nothing|total|quality|breakdown|full", text)
        found[int(number)] = (words[0], words[1] if "→" in text else words[0])
    return found


BEFORE: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "products": [
        {"productIds": [PRODUCT.format(1)], "level": "quality", "purpose": "CBAM", "terms": "keep"},
        {"productIds": [PRODUCT.format(2).upper()], "level": "full"},
    ],
    "several levels of one": [
        {"productIds": [PRODUCT.format(1)], "level": "total"},
        {"productIds": [PRODUCT.format(1)], "level": "full"},
    ],
    "everything": [{"everything": True, "level": "quality"}],
    "classification": [
        {"classifications": [CLASSIFICATION], "level": "breakdown"},
        {"productIds": [PRODUCT.format(1)], "level": "full"},
    ],
    "for a time": [
        {"productIds": [PRODUCT.format(1)], "level": "full", "ends": "2027-01-01T00:00:00Z"},
        {"productIds": [PRODUCT.format(2)], "level": "quality", "starts": "2026-12-01T00:00:00Z"},
        {"productIds": [PRODUCT.format(3)], "level": "quality", "ends": "2026-02-01T00:00:00Z"},
    ],
}
CHANGES = [
    {1: "total", 2: "none", 3: "breakdown"},
    {1: "full", 2: "breakdown", 3: "none"},
    {1: "none", 2: "total", 3: "total"},
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("levels", CHANGES)
async def test_what_the_preview_tells_is_what_is_served_then(
    supplier: Company, browser: Browser, before: str, levels: dict[int, str]
) -> None:
    for given in BEFORE[before]:
        await granted(supplier, "cell", **given)
    seen = await served(supplier)
    preview = await choose(browser, levels)
    assert preview.path == "/grants/matrix"
    grants = (await supplier.get("/grants"))["data"]
    assert await served(supplier) == seen
    expected = told(preview)
    assert expected
    for number, (was, _) in expected.items():
        assert seen.get(number, "nothing") == was
    done = await confirm(browser, preview)
    assert done.status == 200
    assert grants != (await supplier.get("/grants"))["data"]
    after = await served(supplier)
    for number, (_, then) in expected.items():
        assert after.get(number, "nothing") == then
    for number in set(range(1, ROWS + 1)) - expected.keys():
        assert after.get(number) == seen.get(number)
    # And the table shows what was chosen.
    shown = fields_of(await browser.get("/grants/matrix"))
    by_product = {
        value[0]: shown[f"level.{name.partition('.')[2]}.0"][0]
        for name, value in shown.items()
        if name.startswith("product.")
    }
    folded = {name.casefold(): level for name, level in by_product.items()}
    assert folded == {PRODUCT.format(number): level for number, level in levels.items()}


async def test_less_keeps_dates_terms_and_purpose(supplier: Company, browser: Browser) -> None:
    kept = {"ends": "2027-01-01T00:00:00Z", "terms": "keep", "purpose": "CBAM"}
    await granted(supplier, "cell", productIds=[PRODUCT.format(1)], level="full", **kept)
    preview = await choose(browser, {1: "quality"})
    assert "is removed" in preview.text
    assert "with the purpose and the terms" in preview.text
    await confirm(browser, preview)
    (grant,) = (await supplier.get("/grants"))["data"]
    assert {name: grant[name] for name in kept} == kept
    assert grant["level"] == "quality"


async def test_another_grant_that_shows_more_is_told(supplier: Company, browser: Browser) -> None:
    await granted(supplier, "cell", everything=True, level="breakdown")
    shown = await browser.get("/grants/matrix")
    assert "sees now: breakdown" in shown.text
    preview = await choose(browser, {1: "total"})
    assert "sees the same of 1 footprint as before" in preview.text


async def test_on_the_way_back_the_choice_is_kept(supplier: Company, browser: Browser) -> None:
    preview = await choose(browser, {1: "quality", 3: "full"}, q="product-id")
    back = await confirm(browser, preview, do="back")
    assert (back.path, value_of(back, "q")) == ("/grants/matrix", "product-id")
    rows = {one: place for place, one in enumerate((1, 2, 3))}
    chosen = [value_of(back, f"level.{rows[one]}.0") for one in (1, 2, 3)]
    assert chosen == ["quality", "none", "full"]
    assert fields_of(back)["was.0.0"] == ["none"]
    assert (await supplier.get("/grants"))["data"] == []


async def test_nothing_chosen_is_no_preview(supplier: Company, browser: Browser) -> None:
    shown = await choose(browser, {})
    assert "choose other levels first" in shown.text
    assert (await supplier.get("/grants"))["data"] == []


async def test_what_has_changed_meanwhile_is_shown_once_more(
    supplier: Company, browser: Browser
) -> None:
    preview = await choose(browser, {1: "quality"})
    await granted(supplier, "cell", everything=True, level="full")
    again = await confirm(browser, preview)
    assert (again.status, "nothing was done" in again.text) == (409, True)
    assert len((await supplier.get("/grants"))["data"]) == 1
    assert "sees the same" in again.text
    done = await confirm(browser, again)
    assert "1 level is changed" in done.text
    assert len((await supplier.get("/grants"))["data"]) == 2


async def test_a_confirmed_change_is_done_once(supplier: Company, browser: Browser) -> None:
    preview = await choose(browser, {1: "quality"})
    await confirm(browser, preview)
    again = await confirm(browser, preview)
    assert "Nothing had to be changed any more" in again.text
    assert len((await supplier.get("/grants"))["data"]) == 1


async def test_what_the_node_refuses_is_left_on_the_page(
    supplier: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the release gate does; the old grant is there again."""
    await granted(supplier, "cell", productIds=[PRODUCT.format(1)], level="full")
    preview = await choose(browser, {1: "quality", 2: "total"})
    real = gate.require_grant

    def stricter(*given: Any) -> Any:
        *_, level, said = given
        if level == "quality" and said is None:
            raise ReleaseRefusedError(f"it tells the number of {SCRIPT}", hint="ask the supplier")
        return real(*given)

    monkeypatch.setattr(gate, "require_grant", stricter)
    shown = await confirm(browser, preview)
    assert shown.status == 422
    assert "1 level is changed" in shown.text
    assert f"it tells the number of {SCRIPT}" in shown.text
    assert_harmless(shown)
    found = (await supplier.get("/grants"))["data"]
    assert {(one["value"], one["level"]) for one in found} == {
        (PRODUCT.format(2), "total"),
        (PRODUCT.format(1), "full"),
    }
    said = {"acknowledge": "we must", "consent": "letter of 1 March"}
    done = await confirm(browser, shown, **said)
    assert "1 level is changed" in done.text
    assert (await served(supplier))[1] == "quality"


async def test_a_product_with_several_ids_is_one_row(pair: Pair, new_browser: NewBrowser) -> None:
    _, supplier = pair
    both = ["urn:gtin:4712345060507", PRODUCT.format(1)]
    await supplier.publish(make_document(1, productIds=both))
    await granted(supplier, "cell", productIds=[both[1]], level="quality")
    browser = await signed_in(new_browser, supplier)
    fields = fields_of(await browser.get("/grants/matrix"))
    assert fields["product.0"] == [both[0]]
    assert fields["level.0.0"] == ["quality"]
    assert "product.1" not in fields
    fields["level.0.0"] = ["none"]
    await confirm(browser, await browser.send("/grants/matrix", **fields))
    assert (await supplier.get("/grants"))["data"] == []


async def test_a_granted_product_without_a_footprint_has_a_row(
    supplier: Company, browser: Browser
) -> None:
    await granted(supplier, "cell", productIds=["urn:gtin:4712345060507"], level="full")
    shown = await browser.get("/grants/matrix", q="4712345060507")
    assert "no footprint yet" in shown.text
    fields = fields_of(shown)
    assert fields["level.0.0"] == ["full"]
    fields["level.0.0"] = ["none"]
    preview = await browser.send("/grants/matrix", **fields)
    assert "no footprint of these products is published yet" in preview.text
    done = await confirm(browser, preview)
    assert value_of(done, "q") == "4712345060507"
    assert (await supplier.get("/grants"))["data"] == []


async def test_partners_are_chosen(supplier: Company, browser: Browser) -> None:
    for number in range(12):
        await supplier.post("/peers", {"name": f"buyer {number:02}"}, 201)
    usual = fields_of(await browser.get("/grants/matrix"))
    assert usual["partner.4"] == ["buyer 04"]
    assert "partner.5" not in usual
    names = ["buyer 11", "cell", "buyer 02"]
    query = "&".join(f"partner={name}" for name in names)
    chosen = await browser.get(f"/grants/matrix?{query}&q=product-id:2")
    assert chosen.answer.url.params["partners"] == "/".join(names)
    fields = fields_of(chosen)
    assert [fields[f"partner.{place}"][0] for place in range(3)] == names
    assert "product.1" not in fields
    many = "/".join(f"buyer {number:02}" for number in range(12))
    assert "partner.8" not in fields_of(await browser.get("/grants/matrix", partners=many))
    unknown = await browser.get("/grants/matrix", partners="nobody/" + SCRIPT)
    assert unknown.status == 200
    assert_harmless(unknown)


async def test_products_come_in_pages(pair: Pair, new_browser: NewBrowser) -> None:
    _, supplier = pair
    await supplier.publish(*(make_document(number) for number in range(1, 61)))
    browser = await signed_in(new_browser, supplier)
    first, second = [await browser.get("/grants/matrix", page=page) for page in ("1", "2")]
    assert ("product.49" in fields_of(first), "product.50" in fields_of(first)) == (True, False)
    assert ("product.9" in fields_of(second), "product.10" in fields_of(second)) == (True, False)
    assert "Page 2 of 2, 60 in all" in second.text


async def test_all_cells_are_exported(
    supplier: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all pages, as they are granted and as they are seen."""
    monkeypatch.setattr(grant_matrix, "PAGE_PRODUCTS", 2)
    await confirm(browser, await choose(browser, {1: "quality"}))
    href = re.findall(r'href="/console(/grants/matrix\?[^"]*as=csv[^"]*)"',
                      (await browser.get("/grants/matrix")).html)  # fmt: skip
    assert len(href) == 1
    content = (await browser.get(unescape(href[0]))).answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [(one["Product"], one["Partner"], one["Level"]) for one in rows] == [
        ("Product 1", "cell", "quality"),
        ("Product 2", "cell", "nothing"),
        ("Product 3", "cell", "nothing"),
    ]
    assert rows[0]["What it sees"] == "quality"
    assert rows[0]["Product ids"] == PRODUCT.format(1)
    one = await browser.get("/grants/matrix", q="3", **{"as": "csv"})
    assert len(one.answer.content.decode("utf-8-sig").splitlines()) == 2
    assert (await browser.get("/grants/matrix", **{"as": "xlsx"})).answer.content[:2] == b"PK"


async def test_names_of_any_kind(supplier: Company, browser: Browser) -> None:
    names = list(ODD_NAMES)[:8]
    for name in names:
        await supplier.post("/peers", {"name": name}, 201)
    shown = await browser.get("/grants/matrix", partners="/".join(names))
    assert_harmless(shown)
    fields = fields_of(shown)
    assert [fields[f"partner.{place}"][0] for place in range(8)] == names
    for place in range(8):
        fields[f"level.0.{place}"] = ["quality"]
    preview = await browser.send("/grants/matrix", **fields)
    assert_harmless(preview)
    done = await confirm(browser, preview)
    assert "8 levels are changed" in done.text
    assert_harmless(done)
    assert {one["peer"] for one in (await supplier.get("/grants"))["data"]} == set(names)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "apply", "partner": "cell", "product": PRODUCT.format(1), "level": "most"}, 400),
        ({"do": "apply", "partner": "nobody", "product": "x", "level": "total"}, 404),
        ({"do": "apply", "partner": "\0", "product": "x", "level": "total"}, 404),
        ({"do": "apply", "partner": "cell", "product": PRODUCT.format(1), "level": "full"}, 409),
        ({"level.0.0": SCRIPT, "was.0.0": "none", "partner.0": "cell", "product.0": "x"}, 400),
        ({"level.0.0": "full", "was.0.0": "none"}, 404),
        ({"level.zz": "full"}, 404),
    ],
)
async def test_forms_that_no_page_sends_change_nothing(
    supplier: Company, browser: Browser, fields: dict[str, str], status: int
) -> None:
    await browser.get("/grants/matrix")
    shown = await browser.send("/grants/matrix", **fields)
    assert shown.status == status
    assert_harmless(shown)
    assert (await supplier.get("/grants"))["data"] == []


async def test_what_is_no_product_id_is_refused_when_it_is_done(
    supplier: Company, browser: Browser
) -> None:
    await browser.get("/grants/matrix")
    fields = {"level.0.0": "full", "was.0.0": "none", "partner.0": "cell", "product.0": IMAGE}
    preview = await browser.send("/grants/matrix", **fields)
    assert_harmless(preview)
    shown = await confirm(browser, preview)
    assert (shown.status, "not a URN" in shown.text) == (422, True)
    assert_harmless(shown)
