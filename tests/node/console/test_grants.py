"""Grants, one by one: listed, made, changed, removed."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    ODD_QUERIES,
    PRODUCT,
    SCRIPT,
    assert_harmless,
    granted,
    signed_in,
    value_of,
)
from tests.node.manage.conftest import Company, make_document

Pair = tuple[Company, Company]
CLASSIFICATION = "urn:pact:productclassification:cas:554-13-2"


@pytest.fixture
async def supplier(pair: Pair) -> Company:
    """With two products and the customer `cell`."""
    await pair[1].publish(make_document(1), make_document(2))
    return pair[1]


@pytest.fixture
async def browser(supplier: Company, new_browser: NewBrowser) -> Browser:
    return await signed_in(new_browser, supplier)


async def grants(company: Company) -> list[dict[str, Any]]:
    return list((await company.get("/grants"))["data"])


async def test_nothing_is_granted_yet(browser: Browser) -> None:
    shown = await browser.get("/grants")
    assert "Nobody may see anything yet" in shown.text
    assert 'href="/console/grants/matrix"' in shown.html


async def test_the_list_is_filtered_and_exported(supplier: Company, browser: Browser) -> None:
    await supplier.post("/peers", {"name": "other"}, 201)
    await granted(supplier, "cell", everything=True, ends="2026-03-01T00:00:00Z", purpose=SCRIPT)
    await granted(supplier, "cell", productIds=[PRODUCT.format(1)], level="quality", terms=IMAGE)
    await granted(
        supplier, "other", classifications=[CLASSIFICATION], starts="2027-01-01T00:00:00Z"
    )
    shown = await browser.get("/grants")
    assert "3 in all" in shown.text
    assert_harmless(shown)
    for query, count in (
        ({"peer": "cell"}, 2),
        ({"peer": "CELL", "state": "ended"}, 1),
        ({"kind": "classification"}, 1),
        ({"level": "total"}, 2),
        ({"state": "future"}, 1),
        ({"q": "product-id:1"}, 1),
    ):
        assert f"{count} in all" in (await browser.get("/grants", **query)).text
    assert "Nothing matches" in (await browser.get("/grants", level="full")).text
    file = (await browser.get("/grants", **{"as": "csv", "peer": "cell"})).html
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [(row["Level"], row["Ends"]) for row in rows] == [
        ("quality", ""),
        ("total", "2026-03-01T00:00:00Z"),
    ]


@pytest.mark.parametrize("query", ODD_QUERIES)
async def test_odd_queries_are_harmless(
    supplier: Company, browser: Browser, query: dict[str, str]
) -> None:
    await granted(supplier, "cell", everything=True)
    for path in ("/grants", "/grants/add", "/grants/1", "/grants/matrix"):
        shown = await browser.get(path, **query)
        assert shown.status in (200, 404, 422)
        assert_harmless(shown)


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "1.0", "9999999999999999", "%00", "٣"])
async def test_no_such_grant(browser: Browser, number: str) -> None:
    assert (await browser.get(f"/grants/{number}")).status == 404


async def add(browser: Browser, **fields: str) -> Shown:
    await browser.get("/grants/add")
    return await browser.send("/grants/add", **{"peer": "cell", "level": "total", **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "all"}, [("all", "")]),
        (
            {"kind": "product", "values": f"{PRODUCT.format(1)}\r\n {PRODUCT.format(2)} \n\n"},
            [("product", PRODUCT.format(1)), ("product", PRODUCT.format(2))],
        ),
        (
            {"kind": "classification", "values": CLASSIFICATION},
            [("classification", CLASSIFICATION)],
        ),
    ],
)
async def test_something_is_granted(
    supplier: Company, browser: Browser, fields: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    done = await add(browser, level="quality", purpose="for CBAM", **fields)
    assert done.path == "/partners/cell/preview"
    assert "It is granted" in done.text
    made = await grants(supplier)
    assert [(one["kind"], one["value"]) for one in made] == expected
    assert {(one["level"], one["purpose"]) for one in made} == {("quality", "for CBAM")}


async def test_dates_are_in_utc(supplier: Company, browser: Browser) -> None:
    done = await add(browser, kind="all", starts="2026-05-01", ends="2027-01-01T12:30")
    (made,) = await grants(supplier)
    assert (made["starts"], made["ends"]) == ("2026-05-01T00:00:00Z", "2027-01-01T12:30:00Z")
    assert "It sees nothing" in done.text
    at = await browser.get("/partners/cell/preview", at="2026-06-01T00:00")
    assert "2 footprints" in at.text


async def test_a_warning_of_the_node_is_shown(supplier: Company, browser: Browser) -> None:
    done = await add(browser, kind="product", values="urn:gtin:4712345060507")
    assert "it covers no footprint yet" in done.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"kind": "product", "values": ""}, 409),
        ({"kind": "product", "values": IMAGE}, 422),
        ({"kind": "zzz", "values": "x"}, 422),
        ({"kind": "footprint", "values": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"kind": "all", "peer": "nobody"}, 404),
        ({"kind": "all", "peer": ""}, 404),
        ({"kind": "all", "starts": "someday"}, 422),
        ({"kind": "all", "ends": "0001-01-01T00:00+14:00"}, 422),
        ({"kind": "all", "starts": "2027-01-01", "ends": "2026-01-01"}, 409),
        ({"kind": "all", "purpose": "x" * 501}, 422),
        ({"kind": "all", "terms": "a\0b"}, 422),
    ],
)
async def test_what_is_refused_keeps_what_was_typed(
    supplier: Company, browser: Browser, fields: dict[str, str], status: int
) -> None:
    typed = {"values": PRODUCT.format(1), "purpose": "CBAM", "terms": SCRIPT, **fields}
    shown = await add(browser, **typed)
    assert shown.status == status
    assert_harmless(shown)
    for name in ("values", "purpose", "terms", "starts", "ends"):
        assert value_of(shown, name) == typed.get(name, "")
    assert await grants(supplier) == []


async def test_a_form_can_be_filled_in_by_its_address(browser: Browser) -> None:
    shown = await browser.get("/grants/add", peer="cell", kind="classification", value="urn:x:y")
    found = [value_of(shown, name) for name in ("peer", "kind", "values")]
    assert found == ["cell", "classification", "urn:x:y"]


async def test_without_a_partner_one_is_invited(company: Company, new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser, company)
    for path in ("/grants/add", "/grants/matrix"):
        assert "There is no partner yet" in (await browser.get(path)).text


async def test_time_and_terms_of_a_grant(supplier: Company, browser: Browser) -> None:
    made = await granted(
        supplier, "cell", everything=True, ends="2027-01-01T00:00:30Z", terms="old"
    )
    path = f"/grants/{made['id']}"
    shown = await browser.get(path)
    typed = {name: value_of(shown, name) for name in ("starts", "ends", "purpose", "terms")}
    assert typed == {"starts": "", "ends": "2027-01-01T00:00", "purpose": "", "terms": "old"}
    done = await browser.send(path, **{**typed, "purpose": IMAGE, "terms": ""})
    assert "The grant is changed" in done.text
    assert_harmless(done)
    (after,) = await grants(supplier)
    # To the minute it is the same end, so its seconds stay.
    assert (after["ends"], after["purpose"]) == ("2027-01-01T00:00:30Z", IMAGE)
    assert "terms" not in after
    await browser.send(path, **{**typed, "ends": ""})
    (after,) = await grants(supplier)
    assert "ends" not in after


async def test_one_without_an_end_gets_one(supplier: Company, browser: Browser) -> None:
    """A grant with limits beside one without would change nothing: it takes its place."""
    made = await granted(supplier, "cell", everything=True, level="quality", purpose="CBAM")
    await browser.get(f"/grants/{made['id']}")
    done = await browser.send(f"/grants/{made['id']}", ends="2026-12-31", purpose="CBAM", terms="")
    assert "The grant is changed" in done.text
    (after,) = await grants(supplier)
    assert after["id"] != made["id"]
    assert done.path == f"/grants/{after['id']}"
    assert (after["level"], after["ends"], after["purpose"]) == (
        "quality", "2026-12-31T00:00:00Z", "CBAM",
    )  # fmt: skip


async def test_what_cannot_take_its_place_leaves_it(supplier: Company, browser: Browser) -> None:
    made = await granted(supplier, "cell", everything=True)
    await browser.get(f"/grants/{made['id']}")
    typed = {"starts": "2027-01-01T00:00", "ends": "2026-01-01T00:00", "purpose": SCRIPT}
    shown = await browser.send(f"/grants/{made['id']}", **typed)
    assert shown.status == 409
    assert_harmless(shown)
    assert value_of(shown, "purpose") == SCRIPT
    (after,) = await grants(supplier)
    assert {name: after[name] for name in ("kind", "level", "state")} == {
        "kind": "all", "level": "total", "state": "active",
    }  # fmt: skip
    assert ("starts" in after, "ends" in after) == (False, False)


async def test_a_grant_is_removed(supplier: Company, browser: Browser) -> None:
    made = await granted(supplier, "cell", everything=True)
    shown = await browser.get(f"/grants/{made['id']}")
    assert "Take this grant away?" in shown.html
    done = await browser.send(f"/grants/{made['id']}", do="remove")
    assert (done.path, "The grant is removed" in done.text) == ("/partners/cell/preview", True)
    assert await grants(supplier) == []
    assert (await browser.send(f"/grants/{made['id']}", do="remove")).status == 404
