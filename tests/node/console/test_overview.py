"""The first page: what needs somebody today, and lists that show just that."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.test_large_lists import fill
from tests.node.manage.conftest import Company, make_document
from tests.node.manage.test_suppliers import Supplied, rings, supplied

__all__ = ["supplied"]  # the fixture

OWN = "Footprints whose validity ends soon"
RECEIVED = "Received footprints in use whose validity ends soon"


def card(shown: Shown, title: str) -> str | None:
    """The HTML of a card of the overview."""
    found = re.search(rf"<section[^>]*>\s*<h2>{title}</h2>(.*?)</section>", shown.html, re.DOTALL)
    return found[1] if found else None


def link_of(part: str) -> str:
    """The address of the list behind a card."""
    *_, path = re.findall(r'href="/console([^"]+)"', part)
    return unescape(path)


async def signed_in(new_browser: NewBrowser, company: Company) -> Browser:
    browser = new_browser(company)
    await browser.enter(company)
    return browser


async def test_what_ends_soon_is_found_among_all_that_is_in_use(
    supplied: Supplied, new_browser: NewBrowser
) -> None:
    customer, supplier, ids = supplied
    alike = make_document(9, pcf=rings()["pcf"], productNameCompany="Not used")
    await supplier.publish(alike)
    await customer.pull("cathode")
    customer.advance(days=640)  # the rings are valid for another month, the powder for a year
    fill(customer, 1)  # 10,000 newer ones that are in no bill of materials
    browser = await signed_in(new_browser, customer)
    overview = await browser.get("/")
    found = card(overview, RECEIVED)
    assert found is not None
    assert ids[1] in found
    assert "peer=cathode" in found
    assert ids[0] not in found
    assert "Not used" not in found
    listed = await browser.get(link_of(found))
    assert listed.status == 200
    assert "1 in all" in listed.text
    assert ids[1] in listed.html
    assert "1 Jan 2028" in listed.text
    assert 'value="in a bill of materials" selected' in listed.html


async def test_own_footprints_that_end_soon(supplied: Supplied, new_browser: NewBrowser) -> None:
    _, supplier, ids = supplied
    browser = await signed_in(new_browser, supplier)
    assert card(await browser.get("/"), OWN) is None
    supplier.advance(days=640)
    await browser.enter(supplier)
    found = card(await browser.get("/"), OWN)
    assert found is not None
    assert (ids[1] in found, ids[0] in found) == (True, False)
    listed = await browser.get(link_of(found))
    assert (ids[1] in listed.html, ids[0] in listed.html) == (True, False)
    await supplier.post(f"/footprints/{ids[1]}/deprecate")
    assert card(await browser.get("/"), OWN) is None


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Bills of materials with open lines", "/products?state=open+lines"),
        ("Requests that wait for your answer", "/requests?direction=incoming&state=pending"),
    ],
)
async def test_links_lead_to_lists_with_the_filter_set(
    supplied: Supplied, new_browser: NewBrowser, title: str, query: str
) -> None:
    customer, supplier, _ = supplied
    criteria = {"productId": ["urn:x:1"]}
    await supplier.post("/requests", {"peer": "cell", "criteria": criteria}, 201)
    await supplier.work()
    await customer.work()
    taken_back = {"product": "cell", "line": "powder", "source": None}
    await customer.post("/matches", {"decisions": [taken_back]})
    browser = await signed_in(new_browser, customer)
    found = card(await browser.get("/"), title)
    assert found is not None
    assert link_of(found) == query
    listed = await browser.get(link_of(found))
    assert "1 in all" in listed.text
    assert "selected" in listed.html
