"""The list of partners, the page of one, and what is done there."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.partnership import (
    IMAGE,
    ODD_NAMES,
    ODD_QUERIES,
    SCRIPT,
    Watch,
    assert_harmless,
    granted,
    page_of,
    sessions,
    signed_in,
    spoken,
    value_of,
)
from tests.node.manage.conftest import Company, Market, make_document

from underseal_node.store import peers
from underseal_node.store.tables import Peer

Pair = tuple[Company, Company]


def change(company: Company, name: str, **values: Any) -> None:
    """What only exchanges bring about."""

    def work(session: Any) -> None:
        peer = peers.by_name(session, name)
        for member, value in values.items():
            setattr(peer, member, value)
        session.add(peer)

    company.node.store.write_sync(work)


async def state_of(company: Company, name: str) -> str:
    return str((await company.get(f"/peers/{name}"))["state"])


async def test_without_partners_the_list_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/partners")
    assert "There are no partners yet" in shown.text
    assert 'href="/console/invite"' in shown.html


async def test_the_list_shows_searches_filters_and_exports(
    company: Company, browser: Browser
) -> None:
    for name in ("acme", "beta", "gamma"):
        await company.post("/peers", {"name": name}, 201)
    await company.post("/peers/beta/suspend", {})
    change(company, "gamma", last_problem="it cannot be reached", awaits=None)
    listed = await browser.get("/partners")
    assert all(name in listed.text for name in ("acme", "beta", "gamma", "3 in all"))
    assert "gamma" not in (await browser.get("/partners", q="ACM")).text
    suspended = await browser.get("/partners", state="suspended")
    assert ("beta" in suspended.text, "acme" in suspended.text) == (True, False)
    failing = await browser.get("/partners", needs="problem")
    assert ("gamma" in failing.text, "beta" in failing.text) == (True, False)
    assert "it cannot be reached" in failing.text
    assert "Nothing matches" in (await browser.get("/partners", assurance="confirmed")).text
    upside_down = (await browser.get("/partners", sort="-name")).html
    assert upside_down.index("/partners/gamma") < upside_down.index("/partners/acme")
    file = (await browser.get("/partners", **{"as": "csv", "state": "active"})).html
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [row["Partner"] for row in rows] == ["acme", "gamma"]
    company.advance(days=340)
    await browser.enter(company)
    ending = await browser.get("/partners", needs="ending")
    assert "access ends soon" in ending.text
    assert "gamma" in ending.text


@pytest.mark.parametrize("query", ODD_QUERIES)
async def test_odd_queries_are_harmless(
    company: Company, browser: Browser, query: dict[str, str]
) -> None:
    await company.post("/peers", {"name": "acme"}, 201)
    for path in ("/partners", "/partners/acme/preview", "/invite", "/accept", "/add-partner"):
        shown = await browser.get(path, **query)
        assert shown.status in (200, 404, 422)
        assert_harmless(shown)


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_partner_of_any_name_has_its_pages(
    company: Company, browser: Browser, name: str
) -> None:
    await company.post("/peers", {"name": name, "url": "https://nobody.example"}, 201)
    await granted(company, name, everything=True)
    listed = await browser.get("/partners")
    assert f'{page_of(name)}"' in listed.html
    shown = await browser.get(page_of(name))
    assert (shown.status, name in shown.text) == (200, True)
    for path in ("/preview", "/settings"):
        assert name in (await browser.get(page_of(name) + path)).text
    for path in ("/grants", "/grants/add", "/grants/matrix", "/requests/new"):
        page = await browser.get(path, peer=name, partners=name)
        assert page.status == 200
        assert_harmless(page)
    done = await browser.send(page_of(name), do="suspend", suspend_reason="a pause")
    assert (done.status, done.answer.url.raw_path.decode()) == (200, f"/console{page_of(name)}")
    assert "It is suspended" in done.text
    for page in (listed, shown, done):
        assert_harmless(page)


async def test_what_a_partner_says_of_itself_is_text(company: Company, browser: Browser) -> None:
    await company.post("/peers", {"name": "acme"}, 201)
    ids = json.dumps(["urn:x:" + SCRIPT, IMAGE])
    change(company, "acme", company_name=SCRIPT, company_ids=ids, last_problem=IMAGE,
           ended_by_peer_reason=SCRIPT, ended_by_peer_at=company.time[0])  # fmt: skip
    for path in ("/partners", "/partners/acme"):
        shown = await browser.get(path)
        assert SCRIPT in shown.text
        assert_harmless(shown)


async def test_no_such_partner(browser: Browser) -> None:
    for path in ("/partners/nobody", "/partners/nobody/preview", "/partners/nobody/settings",
                 "/partners/%00", "/partners/nobody/preview/x"):  # fmt: skip
        assert (await browser.get(path)).status == 404
    assert (await browser.send("/partners/nobody", do="suspend")).status == 404


async def test_the_words_of_both_sides_are_there(pair: Pair, new_browser: NewBrowser) -> None:
    customer, supplier = pair
    await customer.pull("cathode")
    theirs = (await supplier.get("/node"))["fingerprint"]
    own = (await customer.get("/node"))["fingerprint"]
    shown = await (await signed_in(new_browser, customer)).get("/partners/cathode")
    assert spoken(shown) == [theirs["words"], own["words"]]
    assert theirs["hex"] in shown.text


async def test_words_are_compared(pair: Pair, new_browser: NewBrowser) -> None:
    customer, supplier = pair
    await customer.pull("cathode")
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/cathode")
    wrong = await browser.send("/partners/cathode", do="confirm", confirm_words="abandon " * 8)
    assert wrong.status == 409
    assert value_of(wrong, "confirm_words").split() == ["abandon"] * 8
    empty = await browser.send("/partners/cathode", do="confirm", confirm_words=" ")
    assert (empty.status, "no words to compare" in empty.text) == (422, True)
    assert (await customer.get("/peers/cathode"))["assurance"] == "first-contact"
    words = (await supplier.get("/node"))["fingerprint"]["words"]
    done = await browser.send("/partners/cathode", do="confirm", confirm_words=words.upper())
    assert "the keys are confirmed" in done.text
    assert (await customer.get("/peers/cathode"))["assurance"] == "confirmed"
    assert 'name="confirm_words"' not in done.html


async def test_words_that_somebody_compared_by_eye(pair: Pair, new_browser: NewBrowser) -> None:
    customer, _ = pair
    await customer.pull("cathode")
    browser = await signed_in(new_browser, customer)
    shown = await browser.get("/partners/cathode")
    assert "data-confirm" in shown.html
    peer = await customer.get("/peers/cathode")
    assert f'name="shown" value="{peer["fingerprint"]["hex"]}"' in shown.html
    refused = await browser.send("/partners/cathode", do="compared", shown="other keys")
    assert refused.status == 409
    assert "It shows something else by now; nothing was done." in refused.text
    assert (await customer.get("/peers/cathode"))["assurance"] == "first-contact"
    await browser.send("/partners/cathode", do="compared", shown=peer["fingerprint"]["hex"])
    assert (await customer.get("/peers/cathode"))["assurance"] == "confirmed"


async def test_a_pause_and_the_end(pair: Pair, new_browser: NewBrowser) -> None:
    customer, _ = pair
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/cathode")
    await browser.send("/partners/cathode", do="suspend", suspend_reason="an audit")
    assert await state_of(customer, "cathode") == "suspended"
    assert "an audit" in (await browser.get("/partners/cathode")).text
    await browser.send("/partners/cathode", do="resume")
    assert await state_of(customer, "cathode") == "active"
    refused = await browser.send("/partners/cathode", do="revoke", revoke_reason=" ")
    assert (refused.status, "needs a reason" in refused.text) == (409, True)
    assert await state_of(customer, "cathode") == "active"
    asks = (await browser.get("/partners/cathode")).html
    assert "End the partnership with cathode for good?" in asks
    await browser.send("/partners/cathode", do="revoke", revoke_reason="no more business")
    assert await state_of(customer, "cathode") == "revoked"
    shown = await browser.get("/partners/cathode")
    assert "no more business" in shown.text
    assert 'value="revoke"' not in shown.html
    again = await browser.send("/partners/cathode", do="suspend", suspend_reason="kept")
    assert (again.status, value_of(again, "csrf") != "") == (409, True)


async def test_it_is_removed(company: Company, browser: Browser) -> None:
    await company.post("/peers", {"name": "acme"}, 201)
    await browser.get("/partners/acme")
    done = await browser.send("/partners/acme", do="remove")
    assert (done.path, "nothing of it is left" in done.text) == ("/partners", True)
    assert (await browser.get("/partners/acme")).status == 404


async def test_what_was_exchanged_with_a_removed_one_stays(
    pair: Pair, new_browser: NewBrowser
) -> None:
    customer, supplier = pair
    await supplier.publish(make_document(1))
    await granted(supplier, "cell", everything=True)
    await customer.pull("cathode")
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/cathode")
    done = await browser.send("/partners/cathode", do="remove")
    assert done.path == "/partners/cathode%20(removed)" or "(removed)" in done.text
    refused = await browser.send("/partners/cathode%20(removed)", do="remove")
    assert refused.status == 409


@pytest.mark.parametrize("do", ["", "nothing", "<script>"])
async def test_what_a_form_does_not_know_is_refused(
    company: Company, browser: Browser, do: str
) -> None:
    await company.post("/peers", {"name": "acme"}, 201)
    await browser.get("/partners/acme")
    assert (await browser.send("/partners/acme", do=do)).status == 400


async def test_a_pull_goes_on_at_its_page(pair: Pair, new_browser: NewBrowser) -> None:
    customer, _ = pair
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/cathode")
    shown = await browser.send("/partners/cathode", do="pull")
    assert shown.path.startswith("/pulls/")
    started = await customer.get(shown.path)
    assert started["data"][0]["peer"] == "cathode"


async def test_a_pull_that_cannot_begin_is_refused_on_the_page(
    pair: Pair, new_browser: NewBrowser
) -> None:
    customer, _ = pair
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/cathode")
    await customer.http.delete("/peers/cathode")
    assert (await browser.send("/partners/cathode", do="pull")).status == 404


@pytest.mark.parametrize("do", ["rotate", "renew"])
async def test_a_new_secret_is_shown_once_and_works(
    company: Company, browser: Browser, market: Market, do: str
) -> None:
    await company.post("/peers", {"name": "acme"}, 201)
    watch = Watch(browser)
    await browser.get("/partners/acme")
    shown = await browser.send("/partners/acme", do=do)
    assert (shown.status, "shown this once" in shown.text) == (200, True)
    client, secret = value_of(shown, "client-id"), value_of(shown, "client-secret")
    public = httpx.AsyncClient(transport=market.internet.hosts["cathode.example"])
    async with public:
        token = await public.post(
            value_of(shown, "token-url"),
            data={"grant_type": "client_credentials"},
            auth=(client, secret),
        )
    assert token.status_code == 200
    assert shown.answer.headers["cache-control"] == "no-store"
    later = await browser.get("/partners/acme")
    assert secret not in later.html
    watch.assert_without(secret)
    assert all(secret not in str(vars(one)) for one in sessions(company))


async def test_a_partner_with_a_key_is_told(
    pair: Pair, market: Market, new_browser: NewBrowser
) -> None:
    customer, supplier = await market.open("pack"), await market.open("anode")
    made = await customer.post("/invitations", {"name": "Anode"}, 201)
    await supplier.post("/invitations/accept", {"document": made["document"]})
    await customer.post("/peers/Anode/approve")
    browser = await signed_in(new_browser, customer)
    await browser.get("/partners/Anode")
    done = await browser.send("/partners/Anode", do="rotate")
    assert (done.path, "its node is told" in done.text) == ("/partners/Anode", True)
    refused = await browser.send("/partners/Anode", do="renew")
    assert refused.status == 409


async def test_other_keys_and_endpoints_are_trusted_by_hand(
    pair: Pair, new_browser: NewBrowser
) -> None:
    customer, _ = pair
    await customer.pull("cathode")
    old = peer_row(customer, "cathode")
    change(customer, "cathode", pending_token_endpoint="https://login.example/token")
    browser = await signed_in(new_browser, customer)
    shown = await browser.get("/partners/cathode")
    assert "Its token endpoint has moved" in shown.text
    assert "https://login.example/token" in shown.text
    assert "shows other keys or another endpoint" in (await browser.get("/partners")).text
    # It has moved on to another one since: that one nobody has seen.
    for other in ("https://evil.example/token", ""):
        refused = await browser.send("/partners/cathode", do="endpoint", shown=other)
        assert refused.status == 409
        assert (await customer.get("/peers/cathode"))["pendingTokenEndpoint"]
    moved_to = "https://login.example/token"
    await browser.send("/partners/cathode", do="endpoint", shown=moved_to)
    peer = await customer.get("/peers/cathode")
    assert peer["tokenEndpoint"] == "https://login.example/token"
    assert "pendingTokenEndpoint" not in peer
    assert old.token_endpoint != peer["tokenEndpoint"]
    refused = await browser.send("/partners/cathode", do="keys", keys_words="one two")
    assert refused.status == 409


def peer_row(company: Company, name: str) -> Peer:
    return company.node.store.read_sync(lambda session: peers.by_name(session, name))


async def test_a_peer_of_another_solution_is_added(
    company: Company, browser: Browser, market: Market
) -> None:
    watch = Watch(browser)
    await browser.get("/add-partner")
    held = "what they gave us in confidence"
    shown = await browser.send(
        "/add-partner", name="acme", url="https://acme.example", clientId="4711",
        clientSecret=held, scope="pcf", acceptUnsigned="yes",
    )  # fmt: skip
    assert shown.status == 200
    secret = value_of(shown, "client-secret")
    peer = await company.get("/peers/acme")
    assert (peer["clientId"], peer["scope"], peer["acceptUnsigned"]) == ("4711", "pcf", True)
    assert peer["allowPrivateNetwork"] is False
    assert held not in shown.html
    watch.assert_without(secret, held)
    for session in sessions(company):
        assert secret not in str(vars(session))
        assert held not in str(vars(session))


async def test_a_refused_peer_keeps_what_was_typed(company: Company, browser: Browser) -> None:
    await browser.get("/add-partner")
    shown = await browser.send(
        "/add-partner", name="a/b", url="https://acme.example", scope=IMAGE, clientId="47"
    )
    assert shown.status == 409
    assert [value_of(shown, name) for name in ("name", "url", "scope", "clientId")] == [
        "a/b", "https://acme.example", IMAGE, "47",
    ]  # fmt: skip
    assert "checked" not in shown.html
    assert_harmless(shown)
    assert (await company.get("/peers"))["data"] == []


async def test_settings_change_what_was_typed_and_nothing_else(
    company: Company, browser: Browser
) -> None:
    given = {"name": "acme", "url": "https://acme.example", "clientId": "1", "scope": "all",
             "clientSecret": "the first secret"}  # fmt: skip
    await company.post("/peers", given, 201)
    before = peer_row(company, "acme")
    shown = await browser.get("/partners/acme/settings")
    typed = {name: value_of(shown, name) for name in ("url", "authUrl", "clientId", "scope")}
    assert (typed["url"], value_of(shown, "clientSecret")) == ("https://acme.example", "")
    same = await browser.send("/partners/acme/settings", **typed, acceptUnsigned="yes")
    assert "Nothing was changed" in same.text
    done = await browser.send("/partners/acme/settings", **{**typed, "scope": "", "clientId": "2"})
    assert "The changes are made" in done.text
    peer = await company.get("/peers/acme")
    assert (peer["clientId"], "scope" in peer, peer["acceptUnsigned"]) == ("2", False, False)
    after = peer_row(company, "acme")
    assert after.client_secret_encrypted == before.client_secret_encrypted
    refused = await browser.send("/partners/acme/settings", **{**typed, "url": "ftp://acme"})
    assert refused.status in (400, 409)
    assert value_of(refused, "url") == "ftp://acme"
    assert (await company.get("/peers/acme"))["url"] == "https://acme.example"


async def test_what_we_may_see_there_is_a_list(pair: Pair, new_browser: NewBrowser) -> None:
    customer, supplier = pair
    browser = await signed_in(new_browser, customer)
    assert "It has not told yet" in (await browser.get("/partners/cathode/granted")).text
    for number, level in enumerate(("total", "quality")):
        one = make_document(number)
        await supplier.publish(one)
        await granted(supplier, "cell", footprintIds=[one["id"]], level=level, purpose=SCRIPT)
    await customer.pull("cathode")
    shown = await browser.get("/partners/cathode/granted")
    assert "2 in all" in shown.text
    assert_harmless(shown)
    assert "1 in all" in (await browser.get("/partners/cathode/granted", level="total")).text
    file = (await browser.get("/partners/cathode/granted", **{"as": "csv", "sort": "-level"})).html
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))
    assert [row["Level"] for row in rows] == ["total", "quality"]
    assert "/partners/cathode/granted" in (await browser.get("/partners/cathode")).html
