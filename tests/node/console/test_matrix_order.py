"""Levels by product in an order and in pages: what was chosen goes along, and nothing is done."""

from __future__ import annotations

import csv
import io
import re

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    PRODUCT,
    SCRIPT,
    assert_harmless,
    granted,
    signed_in,
)
from tests.node.console.test_grant_matrix import fields_of
from tests.node.manage.conftest import Company, make_document

from underseal_node.console import grant_matrix

ROWS = 5
LEVELS = {2: "full", 3: "total", 5: "quality"}


@pytest.fixture
async def supplier(pair: tuple[Company, Company]) -> Company:
    await pair[1].publish(*(make_document(number) for number in range(1, ROWS + 1)))
    for number, level in LEVELS.items():
        await granted(pair[1], "cell", productIds=[PRODUCT.format(number)], level=level)
    return pair[1]


@pytest.fixture
async def browser(supplier: Company, new_browser: NewBrowser) -> Browser:
    return await signed_in(new_browser, supplier)


def products_of(shown: Shown) -> list[int]:
    """The rows, by the numbers of their products."""
    return [int(one) for one in re.findall(r'<th scope="row">Product (\d+)', shown.html)]


def chosen(shown: Shown) -> dict[int, str]:
    """What is chosen in each row for the first partner."""
    found = {}
    for number, row in re.findall(r'<th scope="row">Product (\d+)(.*?)</tr>', shown.html, re.S):
        level = re.search(r'<option value="(\w+)" selected', row)
        assert level is not None
        found[int(number)] = level[1]
    return found


async def arranged(browser: Browser, shown: Shown, levels: dict[int, str], **button: str) -> Shown:
    """Press a button of the matrix, with other levels chosen in some rows."""
    fields = fields_of(shown)
    rows = products_of(shown)
    for row, number in enumerate(rows):
        fields[f"level.{row}.0"] = [levels.get(number, chosen(shown)[number])]
    return await browser.send("/grants/matrix", **{**fields, **button})


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("product", [1, 2, 3, 4, 5]),
        ("-product", [5, 4, 3, 2, 1]),
        ("at/cell", [1, 4, 3, 5, 2]),
        ("-at/cell", [2, 5, 3, 1, 4]),
        ("at/nobody", [1, 2, 3, 4, 5]),
        ("-", [1, 2, 3, 4, 5]),
    ],
)
async def test_rows_are_sorted_by_product_or_by_the_level_of_a_partner(
    browser: Browser, sort: str, order: list[int]
) -> None:
    shown = await browser.get("/grants/matrix", sort=sort)
    assert products_of(shown) == order
    is_sorted = sort.strip("-") in ("product", "at/cell")
    assert shown.html.count("aria-sort=") == is_sorted
    file = await browser.get("/grants/matrix", sort=sort, **{"as": "csv"})
    rows = list(csv.DictReader(io.StringIO(file.answer.content.decode("utf-8-sig"))))
    assert [int(row["Product"].split()[1]) for row in rows] == order


async def test_without_a_choice_an_order_has_an_address(browser: Browser) -> None:
    shown = await browser.get("/grants/matrix", q="product")
    for key, up, down in (("product", "product", "-product"), ("at/cell", "at/cell", "-at/cell")):
        assert f'name="sort_to" value="{up}"' in shown.html, key
        shown = await arranged(browser, shown, {}, sort_to=up)
        assert dict(shown.answer.url.params) == {"partners": "cell", "q": "product", "sort": up}
        assert f'name="sort_to" value="{down}"' in shown.html
        shown = await arranged(browser, shown, {}, sort_to=down)
        assert shown.answer.url.params["sort"] == down


async def test_what_was_chosen_stays_in_another_order(supplier: Company, browser: Browser) -> None:
    shown = await browser.get("/grants/matrix")
    before = chosen(shown)
    sorted_ = await arranged(browser, shown, {1: "total", 2: "none"}, sort_to="-at/cell")
    assert products_of(sorted_) == [2, 5, 3, 1, 4]
    assert chosen(sorted_) == before | {1: "total", 2: "none"}
    again = await arranged(browser, sorted_, {}, sort_to="product")
    assert chosen(again) == before | {1: "total", 2: "none"}
    preview = await arranged(browser, again, {})
    assert "Nothing is done yet." in preview.text
    assert [PRODUCT.format(one) in preview.html for one in range(1, 6)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    back = await browser.send("/grants/matrix", **{"do": "back", **fields_of(preview)})
    assert chosen(back) == before | {1: "total", 2: "none"}
    assert (await supplier.get("/grants/preview", peer="cell"))["total"] == len(LEVELS)


async def test_what_was_chosen_on_another_page_is_kept_and_done(
    supplier: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_matrix, "PAGE_PRODUCTS", 2)
    first = await browser.get("/grants/matrix", sort="product")
    assert products_of(first) == [1, 2]
    second = await arranged(browser, first, {1: "quality"}, page_to="2")
    assert products_of(second) == [3, 4]
    assert "1 change on another page is kept." in second.text
    third = await arranged(browser, second, {4: "total"}, page_to="3")
    assert products_of(third) == [5]
    assert "2 changes on other pages are kept." in third.text
    # Sorted otherwise, it begins at the first page; what is there is chosen in its place.
    turned = await arranged(browser, third, {}, sort_to="-product")
    assert products_of(turned) == [5, 4]
    assert chosen(turned)[4] == "total"
    assert "1 change on another page is kept." in turned.text
    # What is put back is no change any more.
    undone = await arranged(browser, turned, {4: "none"}, page_to="3")
    assert products_of(undone) == [1]
    assert chosen(undone) == {1: "quality"}
    preview = await arranged(browser, undone, {})
    done = await browser.send("/grants/matrix", **{"do": "apply", **fields_of(preview)})
    assert "1 level is changed." in done.text
    assert dict(done.answer.url.params) == {"partners": "cell", "sort": "-product", "page": "3"}
    seen = (await supplier.get("/grants/preview", peer="cell"))["data"]
    levels = {int(one["productNameCompany"].split()[1]): one["level"] for one in seen}
    assert levels == LEVELS | {1: "quality"}


@pytest.mark.parametrize("value", [SCRIPT, IMAGE, "at/" + IMAGE, "\0", "-" * 500])
async def test_an_odd_order_is_harmless(browser: Browser, value: str) -> None:
    shown = await browser.get("/grants/matrix", sort=value)
    assert products_of(shown) == [1, 2, 3, 4, 5]
    assert_harmless(shown)
    for button in ({"sort_to": value}, {"page_to": value}):
        sent = await arranged(browser, shown, {1: "total"}, **button)
        assert sent.status == 200
        assert chosen(sent)[1] == "total"
        assert_harmless(sent)
