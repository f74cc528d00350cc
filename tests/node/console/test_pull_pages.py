"""Pulls: begun by a button or a form, watched on a page that survives being loaded again."""

from __future__ import annotations

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.hostile import CANARIES, ODD_VALUES, require_text
from tests.node.manage.conftest import Company, make_document

Pair = tuple[Company, Company]


@pytest.fixture
async def customer(pair: Pair, new_browser: NewBrowser) -> Browser:
    """At the console of `cell`; `cathode` has granted it two products, and it has pulled none."""
    cell, cathode = pair
    await cathode.publish(make_document(1), make_document(2))
    await cathode.post("/grants", {"peer": "cell", "everything": True}, 201)
    made = new_browser(cell)
    await made.enter(cell)
    return made


async def finished(company: Company, path: str) -> None:
    await company.app.state.context.pulls.finished(path.rpartition("/")[2])


async def test_one_button_pulls_from_everybody(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    await customer.get("/received")
    begun = await customer.send("/pulls")
    assert begun.path.startswith("/pulls/")
    assert "The pull has begun" in begun.text
    await finished(cell, begun.path)
    shown = await customer.get(begun.path)
    assert "1 of 1 partners are finished" in shown.text
    assert "data-reload-seconds" not in shown.html
    row = shown.html.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "cathode" in row
    assert ">done<" in row
    assert row.count(">2<") == 2  # received, and verified
    assert len((await cell.get("/received"))["data"]) == 2


async def test_the_page_loads_itself_while_it_goes_on(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    await customer.get("/pulls")
    begun = await customer.send("/pulls", peer="cathode")
    assert 'data-reload-seconds="2"' in begun.html
    assert "running" in begun.text
    again = await customer.get(begun.path)
    assert again.status == 200
    await finished(cell, begun.path)
    assert "data-reload-seconds" not in (await customer.get(begun.path)).html


async def test_what_failed_says_why(pair: Pair, customer: Browser) -> None:
    cell, cathode = pair
    await cathode.post("/peers/cell/revoke", {"reason": "the end"})
    await customer.get("/pulls")
    begun = await customer.send("/pulls")
    await finished(cell, begun.path)
    shown = await customer.get(begun.path)
    assert "failed" in shown.text
    error = (await cell.get(f"/pulls/{begun.path.rpartition('/')[2]}"))["data"][0]["error"]
    assert error.split()[0] in shown.text
    assert "Pull again" in shown.text


async def test_the_form_sends_filters(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    await customer.get("/pulls")
    wanted = "\n urn:pact:cathode.example:product-id:2 \n\n"
    begun = await customer.send(
        "/pulls", peer="cathode", productId=wanted, status="Active", validOn="2026-03-01"
    )
    await finished(cell, begun.path)
    (held,) = (await cell.get("/received"))["data"]
    assert held["productNameCompany"] == "Product 2"
    begun = await customer.send("/pulls", peer="cathode", validAfter="2090-01-01")
    await finished(cell, begun.path)
    assert len((await cell.get("/received"))["data"]) == 1


async def test_last_pulls_are_found_again(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    await customer.get("/pulls")
    begun = await customer.send("/pulls", peer="cathode")
    await finished(cell, begun.path)
    shown = await customer.get("/pulls")
    assert "Your last pulls" in shown.text
    assert f'href="/console{begun.path}"' in shown.html
    cell.app.state.context.pulls._jobs.clear()  # as after a restart
    assert "Your last pulls" not in (await customer.get("/pulls")).text
    gone = await customer.get(begun.path)
    assert gone.status == 404
    assert "forgotten when the node restarts" in gone.text


async def test_what_is_refused_is_kept(pair: Pair, customer: Browser) -> None:
    await customer.get("/pulls")
    typed = {"productId": CANARIES[0], "validOn": "yesterday", "geography": "DE"}
    shown = await customer.send("/pulls", peer=["cathode"], **typed)
    assert shown.status == 422
    assert 'name="validOn" type="date" value="yesterday"' in shown.html
    assert ">DE</textarea>" in shown.html
    assert "checked" in shown.html
    require_text(shown.html, shown=False)
    assert "&lt;script&gt;" in shown.html
    assert (await pair[0].get("/received"))["data"] == []
    unknown = await customer.send("/pulls", peer=["nobody"], productId="x")
    assert unknown.status == 404
    assert ">x</textarea>" in unknown.html


async def test_without_a_partner_it_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/pulls")
    assert 'href="/console/invite"' in shown.html
    assert "<button>Pull now" not in shown.html
    refused = await browser.send("/pulls")
    assert refused.status == 409
    assert "no peer that can be pulled from" in refused.text


async def test_odd_addresses_are_no_fault(customer: Browser) -> None:
    for value in ODD_VALUES:
        shown = await customer.get("/pulls", peer=value)
        assert shown.status == 200
        require_text(shown.html, shown=False)
    for job in ("x", "%00", "0" * 36):
        assert (await customer.get(f"/pulls/{job}")).status == 404
