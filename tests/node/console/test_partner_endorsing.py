"""What a partner may have for its sealed sums is set on its page; questions as a member of a roster
name nobody."""

from __future__ import annotations

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.partnership import assert_harmless, page_of, signed_in, value_of
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import NAME, association
from tests.node.manage.sealing import open_sealing


@pytest.fixture
async def partnered(company: Company) -> Company:
    await company.post("/peers", {"name": "acme", "url": "https://acme.example"}, 201)
    return company


async def test_what_is_set_is_shown_and_can_be_left_to_the_settings_again(
    partnered: Company, browser: Browser
) -> None:
    path = page_of("acme")
    shown = await browser.get(path)
    assert (value_of(shown, "endorse"), value_of(shown, "endorseNamed")) == ("", "")
    for said in ("wait until somebody here answers", "no"):
        assert f"as the settings of this node say: {said} " in shown.text
    for policy, named, stored in (("auto", "yes", True), ("never", "no", False), ("ask", "", None)):
        done = await browser.send(path, do="endorse", endorse=policy, endorseNamed=named)
        assert "The changes are made." in done.text
        assert (value_of(done, "endorse"), value_of(done, "endorseNamed")) == (policy, named)
        peer = await partnered.get("/peers/acme")
        assert (peer["endorse"], peer.get("endorseNamed")) == (policy, stored)
    await browser.send(path, do="endorse", endorse="", endorseNamed="")
    assert "endorse" not in await partnered.get("/peers/acme")


@pytest.mark.parametrize(
    ("policy", "named"), [("always", ""), ("", "maybe"), ("<script>alert(1)</script>", "yes")]
)
async def test_what_is_no_policy_is_refused(
    partnered: Company, browser: Browser, policy: str, named: str
) -> None:
    await browser.get(page_of("acme"))
    shown = await browser.send(page_of("acme"), do="endorse", endorse=policy, endorseNamed=named)
    assert shown.status == 400
    assert_harmless(shown)
    peer = await partnered.get("/peers/acme")
    assert not {"endorse", "endorseNamed"} & peer.keys()


async def test_another_refusal_on_the_page_leaves_what_is_set(
    partnered: Company, browser: Browser
) -> None:
    await partnered.patch("/peers/acme", {"endorse": "never"})
    await browser.get(page_of("acme"))
    shown = await browser.send(page_of("acme"), do="resume")
    assert shown.status == 409
    assert value_of(shown, "endorse") == "never"


async def test_who_answers_as_a_member_of_a_roster_is_not_asked_for_its_name(
    market: Market, new_browser: NewBrowser
) -> None:
    sealing = await open_sealing(market, endorse_named=True, endorse="ask")
    supplier = sealing.suppliers["cathode"]
    await association(market, sealing.cell, supplier)
    await sealing.draft()
    await sealing.prepare(roster=NAME)
    (question,) = (await supplier.get("/endorsements"))["data"]
    browser = await signed_in(new_browser, supplier)
    shown = await browser.get(f"/endorsements/{question['id']}")
    assert f"as a member of the roster {NAME}, without our name" in shown.text
    assert 'name="named"' not in shown.html
    assert f"as a member of {NAME}" in (await browser.get("/endorsements")).text
    done = await browser.send(f"/endorsements/{question['id']}", do="allow", roster="yes")
    assert "The figure is endorsed." in done.text
    assert f"We endorse as a member of the roster {NAME}, and are not named." in done.text
    assert "We do not agree to be named" not in done.text
