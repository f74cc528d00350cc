"""How partnerships begin, by pages alone; and what of them appears nowhere else."""

from __future__ import annotations

import json
import logging
from html import unescape
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    PRODUCT,
    SCRIPT,
    Watch,
    assert_harmless,
    page_of,
    sessions,
    signed_in,
    spoken,
    value_of,
)
from tests.node.manage.conftest import Company, Market, make_document

from underseal_node.console.qr import picture_of
from underseal_node.exchange.access import access_of
from underseal_node.store.peers import by_name

Two = tuple[Company, Company]


@pytest.fixture
async def strangers(market: Market) -> Two:
    """A customer `pack` and a supplier `cathode` that do not know each other."""
    return await market.open("pack"), await market.open("cathode")


async def invited(browser: Browser, name: str = "Cathode", **fields: Any) -> Shown:
    await browser.get("/invite")
    return await browser.send("/invite", **{"name": name, "days": "7", **fields})


async def served(customer: Company, peer: str) -> dict[str, bytes]:
    """What the public endpoints of a partner give to a company: each footprint by its id."""
    row = customer.node.store.read_sync(lambda session: by_name(session, peer))
    access = access_of(row, customer.node.vault)
    page = await customer.exchange.client.page(access, f"{access.base_url}/3/footprints")
    found = {}
    for item in page.items:
        footprint_id = json.loads(item)["id"]
        one = await customer.exchange.client.footprint(access, footprint_id)
        assert one is not None
        found[footprint_id] = one
    return found


async def test_a_whole_partnership_by_pages_alone(strangers: Two, new_browser: NewBrowser) -> None:
    pack, cathode = strangers
    ids = await cathode.publish(make_document(1), make_document(2))
    buyer, supplier = [await signed_in(new_browser, one) for one in strangers]

    link = value_of(await invited(supplier, "Pack"), "link")
    await buyer.get("/accept")
    accepted = await buyer.send("/accept", invitation=link)
    assert (accepted.path, "has to approve" in accepted.text) == ("/partners/Cathode", True)

    waiting = await supplier.get("/partners/Pack")
    assert "It waits for your approval" in waiting.text
    assert "waits for our approval" in (await supplier.get("/partners")).text
    own = spoken(await buyer.get("/partners/Cathode"))[1]  # what the buyer reads out
    approved = await supplier.send("/partners/Pack", do="approve", approve_words=own)
    assert "Pack is a partner now" in approved.text
    assert "confirmed" in approved.text
    theirs = spoken(approved)[1]
    confirmed = await buyer.get("/partners/Cathode")
    confirmed = await buyer.send("/partners/Cathode", do="confirm", confirm_words=theirs)
    assert "the keys are confirmed" in confirmed.text

    assert "It sees nothing" in (await supplier.get("/partners/Pack/preview")).text
    assert await served(pack, "Cathode") == {}

    matrix = await supplier.get("/grants/matrix")
    fields = {
        name: value_of(matrix, name)
        for name in ("partner.0", "product.0", "product.1", "was.0.0", "was.1.0", "partners")
    }
    fields |= {"level.0.0": "quality", "level.1.0": "none"}
    chosen = await supplier.send("/grants/matrix", **fields)
    assert "will see more of 1 footprint" in chosen.text
    assert await served(pack, "Cathode") == {}  # nothing is done yet
    done = await supplier.send("/grants/matrix", **confirmation(chosen))
    assert "1 level is changed" in done.text

    preview = await supplier.get("/partners/Pack/preview")
    assert ("Product 1" in preview.text, "Product 2" in preview.text) == (True, False)
    seen = await served(pack, "Cathode")
    assert list(seen) == [ids[0]]
    file = await supplier.get(f"/partners/Pack/preview/{ids[0]}", **{"as": "json"})
    assert file.answer.content == seen[ids[0]]
    assert "attachment" in file.answer.headers["content-disposition"]

    await supplier.get("/partners/Pack")
    ended = await supplier.send("/partners/Pack", do="revoke", revoke_reason="we part")
    assert "The partnership has ended" in ended.text
    with pytest.raises(Exception, match=r"Cathode|cathode"):
        await served(pack, "Cathode")


def confirmation(shown: Shown) -> dict[str, Any]:
    """What the form of a preview sends."""
    names = ("seen", "partners", "q", "page", "partner", "product", "level")
    return {"do": "apply", **{name: value_of(shown, name) for name in names}}


async def test_tokens_and_secrets_appear_nowhere_else(
    strangers: Two, new_browser: NewBrowser, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    buyer, supplier = [await signed_in(new_browser, one) for one in strangers]
    watches = [Watch(buyer), Watch(supplier)]
    shown = await invited(buyer)
    link, content = value_of(shown, "link"), value_of(shown, "content")
    token = link.partition("#")[2]
    assert json.loads(content)["token"] == token
    file = await buyer.send("/invitation-file", file="invitation", content=content)
    assert json.loads(file.answer.content) == json.loads(content)
    for path in ("/partners", "/partners/Cathode", "/invite", "/audit"):
        assert token not in (await buyer.get(path)).html
    await supplier.get("/accept")
    done = await supplier.send("/accept", invitation=link)
    assert token not in done.html
    for watch in watches:
        watch.assert_without(token)
    for company in strangers:
        for session in sessions(company):
            assert token not in str(vars(session))
    printed = capfd.readouterr()
    assert token not in caplog.text + printed.out + printed.err


async def test_an_invitation_is_shown_with_a_picture(company: Company, browser: Browser) -> None:
    shown = await invited(browser, "电池 材料?#%", product=PRODUCT.format(1), level="quality")
    assert shown.status == 201
    assert "shown this once" in shown.text
    assert "电池 材料?#%" in shown.text
    assert PRODUCT.format(1) in shown.text
    picture = shown.html.partition('<img class="qr" src="')[2].partition('"')[0]
    assert picture.startswith("data:image/svg+xml")
    assert "<svg" in unquote(picture)
    assert "img-src 'self' data:" in shown.answer.headers["content-security-policy"]
    (grant,) = (await company.get("/grants"))["data"]
    assert (grant["value"], grant["level"]) == (PRODUCT.format(1), "quality")
    assert "It has not accepted yet" in (await browser.get(page_of("电池 材料?#%"))).text


async def test_the_picture_is_the_link(browser: Browser) -> None:
    """The same link gives the same picture; another link another one."""
    shown = await invited(browser)
    expected = picture_of(value_of(shown, "link"))
    assert unescape(shown.html.partition('<img class="qr" src="')[2].partition('"')[0]) == expected


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ".."}, "cannot be the name"),
        ({"name": "a/b"}, "cannot be the name"),
        ({"name": ""}, "cannot be the name"),
        ({"days": "0"}, "number of days"),
        ({"days": "many"}, "number of days"),
        ({"days": "400"}, ""),
        ({"preApprove": "yes"}, ""),
        ({"forWhom": SCRIPT}, ""),
        ({"products": "no urn"}, "not a URN"),
    ],
)
async def test_a_refused_invitation_keeps_what_was_typed(
    company: Company, browser: Browser, fields: dict[str, str], words: str
) -> None:
    await company.publish(make_document(1), make_document(2))
    typed = {"name": "acme", "days": "7", "forWhom": "", "products": "urn:gtin:4712345060507",
             "level": "breakdown", **fields}  # fmt: skip
    await browser.get("/invite")
    shown = await browser.send("/invite", **typed, product=PRODUCT.format(2))
    assert shown.status in (409, 422)
    assert words in shown.text
    assert {name: value_of(shown, name) for name in typed if name != "preApprove"} == {
        name: value for name, value in typed.items() if name != "preApprove"
    }
    assert f'value="{PRODUCT.format(2)}" checked' in shown.html
    assert f'value="{PRODUCT.format(1)}" checked' not in shown.html
    assert_harmless(shown)
    assert (await company.get("/peers"))["data"] == []


async def test_a_pre_approved_one_is_a_partner_at_once(
    strangers: Two, new_browser: NewBrowser
) -> None:
    _, cathode = strangers
    buyer, supplier = [await signed_in(new_browser, one) for one in strangers]
    shown = await invited(buyer, forWhom=cathode.url, preApprove="yes")
    assert cathode.url in shown.text
    await supplier.get("/accept")
    done = await supplier.send("/accept", invitation=value_of(shown, "link"), name="Packer")
    assert done.path == "/partners/Packer"
    assert "as soon as it has seen our keys" in done.text or "is a partner now" in done.text
    assert (await cathode.get("/peers/Packer"))["companyName"] == "Pack"


async def test_nodes_that_do_not_reach_each_other(
    strangers: Two, new_browser: NewBrowser, market: Market
) -> None:
    pack, cathode = strangers
    buyer, supplier = [await signed_in(new_browser, one) for one in strangers]
    content = value_of(await invited(buyer), "content")
    market.internet.hosts.clear()
    await supplier.get("/accept")
    refused = await supplier.send("/accept", files={"file": ("i.json", content.encode())})
    assert refused.status == 502
    assert json.loads(value_of(refused, "invitation")) == json.loads(content)
    reply = await supplier.send("/accept", invitation=content, asFile="yes")
    assert "The reply to Pack" in reply.text
    text = value_of(reply, "content")
    file = await supplier.send("/invitation-file", file="reply", content=text)
    assert 'filename="reply.json"' in file.answer.headers["content-disposition"]
    await buyer.get("/complete")
    done = await buyer.send("/complete", files={"file": ("reply.json", file.answer.content)})
    assert "waits for your approval" in done.text
    refused = await buyer.send("/partners/Cathode", do="approve")
    assert refused.status in (409, 502)
    words = (await cathode.get("/node"))["fingerprint"]["words"]
    wrong = await buyer.send("/partners/Cathode", do="approve", approve_words="abandon " * 8)
    assert value_of(wrong, "approve_words").strip() == ("abandon " * 8).strip()
    assert (await pack.get("/peers/Cathode"))["state"] == "pending"
    done = await buyer.send("/partners/Cathode", do="approve", approve_words=words)
    assert "is approved here" in done.text
    assert (await pack.get("/peers/Cathode"))["state"] == "active"


async def test_a_registration_is_rejected(strangers: Two, new_browser: NewBrowser) -> None:
    pack, cathode = strangers
    made = await pack.post("/invitations", {"name": "Cathode"}, 201)
    await cathode.post("/invitations/accept", {"document": made["document"]})
    browser = await signed_in(new_browser, pack)
    await browser.get("/partners/Cathode")
    refused = await browser.send("/partners/Cathode", do="reject", reject_reason="")
    assert refused.status == 409
    done = await browser.send("/partners/Cathode", do="reject", reject_reason=SCRIPT)
    assert SCRIPT in done.text
    assert_harmless(done)
    assert (await pack.get("/peers/Cathode"))["state"] == "revoked"
    other = await signed_in(new_browser, cathode)
    await other.get("/partners/Pack")
    asked = await other.send("/partners/Pack", do="ask")
    assert asked.status == 502
    assert SCRIPT in asked.text
    assert_harmless(asked)
    assert (await cathode.get("/peers/Pack"))["state"] == "revoked"


async def test_who_has_to_approve_is_asked(strangers: Two, new_browser: NewBrowser) -> None:
    pack, cathode = strangers
    made = await pack.post("/invitations", {"name": "Cathode"}, 201)
    await cathode.post("/invitations/accept", {"document": made["document"]})
    browser = await signed_in(new_browser, cathode)
    shown = await browser.get("/partners/Pack")
    assert "It has to approve" in shown.text
    asked = await browser.send("/partners/Pack", do="ask")
    assert (asked.status, "has not approved the partnership yet" in asked.text) == (502, True)
    await pack.post("/peers/Cathode/approve")
    await browser.send("/partners/Pack", do="ask")
    assert (await cathode.get("/peers/Pack"))["state"] == "active"


@pytest.mark.parametrize("path", ["/accept", "/complete"])
@pytest.mark.parametrize(
    "pasted",
    ["", "nonsense", "[1]", "{", "{}", "https://", "https://nobody.example/x#y", SCRIPT,
     '{"a": NaN}', "[" * 50_000, "\0", IMAGE],
)  # fmt: skip
async def test_what_is_no_invitation_is_refused_and_kept(
    company: Company, browser: Browser, path: str, pasted: str
) -> None:
    await browser.get(path)
    shown = await browser.send(path, invitation=pasted)
    assert 400 <= shown.status < 500 or shown.status == 502
    assert value_of(shown, "invitation").strip() == pasted.strip()
    assert_harmless(shown)
    uploaded = await browser.send(path, files={"file": ("x.json", pasted.encode() or b" ")})
    assert 400 <= uploaded.status < 500 or uploaded.status == 502
    assert (await company.get("/peers"))["data"] == []


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x89PNG\r\n", b"\xef\xbb\xbf{}"])
async def test_a_file_of_another_kind_is_refused(browser: Browser, content: bytes) -> None:
    await browser.get("/accept")
    assert (await browser.send("/accept", files={"file": ("x", content)})).status in (409, 422)


@pytest.mark.parametrize(
    "fields",
    [{}, {"file": "invitation"}, {"file": "invitation", "content": "[]"},
     {"file": "../etc", "content": "{}"}, {"file": "reply", "content": SCRIPT}],
)  # fmt: skip
async def test_only_invitations_and_replies_are_given_as_files(
    browser: Browser, fields: dict[str, str]
) -> None:
    await browser.get("/invite")
    shown = await browser.send("/invitation-file", **fields)
    assert shown.status == 400
    assert_harmless(shown)


async def test_inviting_again_replaces(browser: Browser, company: Company) -> None:
    await invited(browser)
    again = await invited(browser)
    assert "takes the place of the one before" in again.text
    await company.post("/peers", {"name": "taken"}, 201)
    taken = await invited(browser, "taken")
    assert taken.status == 409
    assert "invite" in (await browser.get("/invite", name="Cathode")).path
    assert value_of(await browser.get("/invite", name="Cathode"), "name") == "Cathode"


async def test_nobody_is_called_for_a_page(browser: Browser, market: Market) -> None:
    before = len(market.internet.requests)
    for path in ("/invite", "/accept", "/complete", "/partners", "/add-partner"):
        assert (await browser.get(path)).status == 200
    assert len(market.internet.requests) == before
    assert isinstance(browser.http, httpx.AsyncClient)
