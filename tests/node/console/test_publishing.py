"""Publishing products in the console: what the release gate says, and answering for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.hostile import CANARY, require_text
from tests.node.console.products import CANARIES, ODD_ID, odd_product, own_product, rows_of
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import GIVEN_POWER, GRID, POWDER, load, product
from tests.node.manage.test_release_gate import THREE, Chain, chain

from underseal_node.console import jobs
from underseal_node.console.api import Api

__all__ = ["chain"]  # the fixture

PAGE = "/products/publish"
HIDDEN = re.compile(r'<input type="hidden" name="(shown-\w+|digits)" value="([^"]*)">')
CONSENT = {"acknowledge": "they agreed", "consent": "letter of 2026-02-01"}
DIRTIER = GRID | {"values": {"fossilGhgEmissions": "0.3"}}


def hidden(shown: Shown) -> dict[str, str]:
    """What the page sends along of what it has shown."""
    return {name: unescape(value) for name, value in HIDDEN.findall(shown.html)}


async def footprints(company: Company) -> list[Any]:
    return list((await company.get("/footprints"))["data"])


@pytest.fixture
async def at_cell(chain: Chain, new_browser: NewBrowser) -> Browser:
    """Signed in at the maker of cells."""
    browser = new_browser(chain.cell)
    await browser.enter(chain.cell)
    return browser


async def test_what_is_shown_is_published(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    shown = await browser.get(PAGE, product="cell")
    assert "1 kg CO₂e per piece" in shown.text
    assert "It is the first one of this product, period and place." in shown.text
    assert "nothing against it" in shown.text
    assert 'name="consent"' not in shown.html
    assert await footprints(company) == []
    done = await browser.send(f"{PAGE}?product=cell", **hidden(shown))
    assert "Published. No partner may see it yet." in done.text
    (made,) = await footprints(company)
    assert made["pcfExcludingBiogenicUptake"] == "1"
    assert done.path == f"/footprints/{made['id']}"
    again = await browser.get(PAGE, product="cell")
    assert "It has been published just like this." in again.text
    await browser.send(f"{PAGE}?product=cell", **hidden(again))
    assert [one["id"] for one in await footprints(company)] == [made["id"]]
    await load(company, own_product(), factors=(DIRTIER,))
    other = await browser.get(PAGE, product="cell")
    assert "It replaces the footprint that is published now" in other.text
    assert f'href="/console/footprints/{made["id"]}">1</a>' in other.html


async def test_it_leads_to_the_footprint(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    shown = await browser.get(PAGE, product="cell")
    done = await browser.send(f"{PAGE}?product=cell", **hidden(shown))
    (made,) = await footprints(company)
    assert done.path == f"/footprints/{made['id']}"


async def test_what_has_changed_meanwhile_is_looked_at_again(
    company: Company, browser: Browser
) -> None:
    await load(company, own_product())
    shown = await browser.get(PAGE, product="cell")
    await load(company, own_product(), factors=(DIRTIER,))
    again = await browser.send(f"{PAGE}?product=cell", **hidden(shown))
    assert again.status == 409
    assert "Something has changed since you looked at it." in again.text
    assert "1.5 kg CO₂e per piece" in again.text
    assert await footprints(company) == []
    await browser.send(f"{PAGE}?product=cell", **hidden(again))
    assert len(await footprints(company)) == 1


async def test_digits_are_chosen(company: Company, browser: Browser) -> None:
    finer = GRID | {"values": {"fossilGhgEmissions": "0.24691"}}
    await load(company, own_product(), factors=(finer,))
    assert "1.23455 kg CO₂e" in (await browser.get(PAGE, product="cell")).text
    shown = await browser.get(PAGE, product="cell", digits="3")
    assert "1.23 kg CO₂e" in shown.text
    await browser.send(f"{PAGE}?product=cell", **hidden(shown))
    assert [one["pcfExcludingBiogenicUptake"] for one in await footprints(company)] == ["1.23"]
    for odd in ("0", "many", "-1", "\0"):
        assert (await browser.get(PAGE, product="cell", digits=odd)).status == 422


async def test_open_lines_come_first(company: Company, browser: Browser) -> None:
    await load(company, product(POWDER, GIVEN_POWER))
    shown = await browser.get(PAGE, product="cell")
    assert shown.status == 422
    assert "powder" in shown.text
    assert 'href="/console/products/match?product=cell"' in shown.html
    refused = await browser.send(f"{PAGE}?product=cell", **CONSENT)
    assert refused.status == 422
    assert await footprints(company) == []


async def test_a_refused_publication_says_why_and_publishes_nothing(
    chain: Chain, at_cell: Browser
) -> None:
    await chain.made_of(a="1.5")
    await chain.grant()  # there is nothing yet: nothing to judge
    shown = await at_cell.get(PAGE, product="cell")
    assert "advises against it" in shown.text
    assert "depends on one supplier, a, and cannot be protected" in shown.text
    assert "Ask the supplier for consent" in shown.text
    leaks = rows_of(shown, "What could be computed")
    assert leaks[0][1:3] == ["pcfExcludingBiogenicUptake", "1.5"]
    for given in ({}, {"acknowledge": "<b>because</b>"}):
        refused = await at_cell.send(f"{PAGE}?product=cell", **hidden(shown), **given)
        assert refused.status == 422
        assert 'role="alert"' in refused.html
        assert await footprints(chain.cell) == []
        assert await chain.ledger() == []
    assert "&lt;b&gt;because&lt;/b&gt;</textarea>" in refused.html
    await at_cell.send(f"{PAGE}?product=cell", **hidden(refused), **CONSENT)
    (made,) = await footprints(chain.cell)
    (released,) = await chain.ledger()
    assert (released["footprint"], released["reason"]) == (made["id"], "they agreed")
    assert released["consent"] == "letter of 2026-02-01"


async def test_what_nobody_sees_yet_may_be_published(chain: Chain, at_cell: Browser) -> None:
    await chain.made_of(a="1.5")
    shown = await at_cell.get(PAGE, product="cell")
    assert "may be published" in shown.text
    assert "Granting it would be stopped:" in shown.text
    assert 'name="consent"' not in shown.html
    await at_cell.send(f"{PAGE}?product=cell", **hidden(shown))
    assert len(await footprints(chain.cell)) == 1


async def test_partners_that_are_told_are_named(chain: Chain, at_cell: Browser) -> None:
    await chain.made_of(**THREE)
    await chain.grant()
    shown = await at_cell.get(PAGE, product="cell")
    assert "nothing against it" in shown.text
    told = await at_cell.send(f"{PAGE}?product=cell", **hidden(shown))
    assert "Published. These partners are told: pack." in told.text


async def test_ids_of_any_characters(company: Company, browser: Browser) -> None:
    await load(company, odd_product())
    shown = await browser.get(PAGE, product=ODD_ID)
    action = re.search(r'method="post" action="/console(/products/publish[^"]*)"', shown.html)
    assert action is not None
    done = await browser.send(unescape(action[1]), **hidden(shown))
    (made,) = await footprints(company)
    assert done.path == f"/footprints/{made['id']}"
    for canary in CANARIES:
        assert canary not in shown.html


# --- old and new ----------------------------------------------------------------------------------


async def test_nothing_is_stale(browser: Browser) -> None:
    assert "Nothing is stale" in (await browser.get("/products/refresh")).text


async def test_only_what_is_chosen_gets_a_successor(company: Company, browser: Browser) -> None:
    other = own_product("other")
    other["declaration"] = other["declaration"] | {"productIds": ["urn:gtin:4712345060514"]}
    await load(company, own_product(), other)
    for name in ("cell", "other"):
        await company.post("/products/publish", product=name)
    old = {one["id"] for one in await footprints(company)}
    await load(company, own_product(), other, factors=(DIRTIER,))
    shown = await browser.get("/products/refresh")
    assert shown.text.count("the factor EL-HU was corrected") == 2
    assert rows_of(shown, "Old and new")[0] == [
        "pcfExcludingBiogenicUptake", "1", "1.5", "+0.5 (+50.0 %)"
    ]  # fmt: skip
    assert "Publish the successor (+50.0 %)" in shown.text
    nothing = await browser.send("/products/refresh")
    assert "Nothing was chosen" in nothing.text
    assert {one["id"] for one in await footprints(company)} == old
    only = await browser.get("/products/refresh", product="cell")
    (digest,) = digests(only)
    done = await browser.send("/products/refresh?product=cell", digest=[digest])
    assert "1 successor was published." in done.text
    assert "Nothing is stale" in done.text
    (left,) = (await company.get("/status"))["stale"]
    assert left["product"] == "other"
    new = [one for one in await footprints(company) if one["id"] not in old]
    assert [one["pcfExcludingBiogenicUptake"] for one in new] == ["1.5"]


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """Comparisons and checks wait until this is set, and no page waits for them."""
    going, call = asyncio.Event(), Api.call

    async def slow(self: Api, method: str, path: str, *rest: Any) -> Any:
        if path in ("/products/refresh", "/audit/verify"):
            await going.wait()
        return await call(self, method, path, *rest)

    monkeypatch.setattr(Api, "call", slow)
    monkeypatch.setattr(jobs, "AT_ONCE_SECONDS", 0.01)
    yield going
    going.set()


async def ended(browser: Browser, path: str) -> Shown:
    for _ in range(500):
        shown = await browser.get(path)
        if "data-reload-seconds" not in shown.html:
            return shown
        await asyncio.sleep(0.01)
    raise AssertionError("it goes on and on")


async def test_a_long_comparison_survives_a_reload(
    company: Company, browser: Browser, held_up: asyncio.Event
) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    await load(company, own_product(), factors=(DIRTIER,))
    shown = await browser.get("/products/refresh", product="cell")
    assert shown.path.startswith("/jobs/")
    assert "What is published is calculated anew." in shown.text
    assert (await browser.get("/products/refresh", product="cell")).path == shown.path, "the same"
    assert "Comparison of old and new" in (await browser.get("/jobs")).text
    held_up.set()
    done = await ended(browser, shown.path)
    (digest,) = digests(done)
    assert rows_of(done, "Old and new")[0][:3] == ["pcfExcludingBiogenicUptake", "1", "1.5"]
    assert digests(await browser.get(shown.path)) == [digest]
    assert "Import something else" not in done.text
    published = await browser.send("/products/refresh?product=cell", digest=[digest])
    published = await ended(browser, published.path)
    assert "1 successor was published." in published.text
    assert len(await footprints(company)) == 2


async def test_a_long_publication_that_is_refused_keeps_what_was_typed(
    company: Company, browser: Browser, held_up: asyncio.Event
) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    await load(company, own_product(), factors=(DIRTIER,))
    given = {"digest": ["0" * 64], "acknowledge": "kept text", "consent": CANARY}
    await browser.get("/products")
    shown = await browser.send("/products/refresh", **given)
    assert shown.path.startswith("/jobs/")
    held_up.set()
    refused = await ended(browser, shown.path)
    assert "something has changed since you looked at it" in refused.text
    assert "kept text</textarea>" in refused.html
    require_text(refused.html, shown=False)
    assert len(await footprints(company)) == 1


async def test_as_much_work_as_there_may_be(
    company: Company, browser: Browser, held_up: asyncio.Event
) -> None:
    await load(company, own_product())
    await browser.get("/products")
    for number in range(jobs.MAX_RUNNING):
        await browser.get("/products/refresh", product=f"other-{number}")
    busy = await browser.get("/products/refresh")
    assert busy.status == 503
    kept = await browser.send("/products/refresh", digest=["abc"], acknowledge="kept text")
    assert kept.status == 503
    assert 'name="acknowledge" value="kept text"' in kept.html
    assert 'name="digest" value="abc"' in kept.html
    assert (await browser.send("/audit/verify")).status == 503


async def test_a_long_check_of_the_log_survives_a_reload(
    company: Company, browser: Browser, held_up: asyncio.Event
) -> None:
    await browser.get("/audit/verify")
    shown = await browser.send("/audit/verify")
    assert shown.path.startswith("/jobs/")
    assert "Every entry is read" in (await browser.get(shown.path)).text
    held_up.set()
    done = await ended(browser, shown.path)
    assert "The log is empty" in done.text
    assert "Verify once more" in done.text
    assert "The log is empty" in (await browser.get(shown.path)).text


def digests(shown: Shown) -> list[str]:
    return re.findall(r'type="checkbox" id="[^"]*" name="digest" value="([^"]*)"', shown.html)


async def test_what_was_not_looked_at_is_not_published(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    await load(company, own_product(), factors=(DIRTIER,))
    (digest,) = digests(await browser.get("/products/refresh"))
    await load(company, own_product(), factors=(DIRTIER | {"values": {"fossilGhgEmissions": "9"}},))
    refused = await browser.send("/products/refresh", digest=[digest], acknowledge="kept text")
    assert refused.status == 409
    assert "something has changed since you looked at it" in refused.text
    assert "kept text</textarea>" in refused.html
    assert rows_of(refused, "Old and new")[0][2] == "45"
    assert len(await footprints(company)) == 1


async def test_what_the_gate_stops_stays_stale(chain: Chain, at_cell: Browser) -> None:
    await chain.made_of(**THREE)
    await chain.publish()
    await chain.grant()
    await chain.made_of(**THREE, d="1.7")
    (digest,) = digests(await at_cell.get("/products/refresh"))
    refused = await at_cell.send("/products/refresh", digest=[digest])
    assert refused.status == 409
    assert "Not everything could be published" in refused.text
    assert len(await footprints(chain.cell)) == 1
    assert digests(refused) == [digest]
    assert f'value="{digest}" checked' in refused.html
    done = await at_cell.send("/products/refresh", digest=[digest], **CONSENT)
    assert "1 successor was published." in done.text
    assert len(await footprints(chain.cell)) == 2
