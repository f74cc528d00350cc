"""Requests, in and out, by pages."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
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

from underseal_node.console import request_answers
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.store import requests
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState

Pair = tuple[Company, Company]
DOCUMENT = re.compile(r"<pre[^>]*><code>(.*?)</code>", re.DOTALL)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def ids(pair: Pair) -> list[str]:
    return await pair[1].publish(*(make_document(number) for number in (1, 2, 3)))


@pytest.fixture
async def buyer(pair: Pair, ids: list[str], new_browser: NewBrowser) -> Browser:
    return await signed_in(new_browser, pair[0])


@pytest.fixture
async def supplier(pair: Pair, ids: list[str], new_browser: NewBrowser) -> Browser:
    return await signed_in(new_browser, pair[1])


async def ask(browser: Browser, **fields: Any) -> Shown:
    await browser.get("/requests/new")
    return await browser.send("/requests/new", **{"peer": "cathode", **fields})


async def arrive(pair: Pair) -> None:
    for _ in range(2):
        for company in pair:
            await company.work()


async def test_no_requests_yet(buyer: Browser) -> None:
    shown = await buyer.get("/requests")
    assert "Nobody has asked for footprints yet" in shown.text
    assert 'href="/console/requests/new"' in shown.html


async def test_a_request_and_its_answer_by_pages_alone(
    pair: Pair, ids: list[str], buyer: Browser, supplier: Browser
) -> None:
    customer, company = pair
    comment = f"We need it by Friday {SCRIPT}"
    sent = await ask(buyer, productId=PRODUCT.format(1), comment=comment)
    assert (sent.path, "on its way" in sent.text) == ("/requests/1", True)
    await arrive(pair)
    listed = await supplier.get("/requests", direction="incoming", state="pending")
    assert f"Product id: {PRODUCT.format(1)}" in listed.text
    assert_harmless(listed)
    shown = await supplier.get("/requests/1")
    assert "cell asks us" in shown.text
    assert comment in shown.text
    assert_harmless(shown)
    assert "1 own footprint matches" in shown.text
    assert f'value="{ids[0]}" checked' in shown.html
    assert ids[1] not in shown.html

    before = await company.get("/grants")
    preview = await supplier.get(f"/requests/1/answer?footprint={ids[0]}&level=quality")
    assert "What cell will get" in preview.text
    assert "Withheld emissions, carbon, method, other" in preview.text
    assert "told to few" not in preview.text
    assert await company.get("/grants") == before
    done = await supplier.send("/requests/1/answer", footprint=ids[0], level="quality")
    assert (done.path, "The request is answered" in done.text) == ("/requests/1", True)
    await arrive(pair)
    answered = await buyer.get("/requests/1")
    assert "fulfilled" in answered.text
    assert f"/received/{ids[0]}?peer=cathode" in answered.html
    received = await customer.get(f"/received/{ids[0]}")
    assert set(received["withheld"]) == {"emissions", "carbon", "method", "other"}
    assert "our answer delivered" in (await supplier.get("/requests/1")).text


async def test_a_preview_is_what_is_delivered(
    pair: Pair, ids: list[str], buyer: Browser, supplier: Browser
) -> None:
    customer, company = pair
    await ask(buyer, geography="DE")
    await arrive(pair)
    # Granted before, it would have been delivered at once.
    await granted(company, "cell", footprintIds=[ids[1]], level="full")
    query = f"footprint={ids[0]}&footprint={ids[1]}&more={ids[2].upper()}&level=breakdown"
    preview = await supplier.get(f"/requests/1/answer?{query}")
    assert "granted at a higher level already" in preview.text
    shown = [unescape(one) for one in DOCUMENT.findall(preview.html)]
    await supplier.send("/requests/1/answer", footprint=ids, level="breakdown")
    await arrive(pair)
    delivered = [(await customer.get(f"/received/{one}"))["footprint"] for one in ids]
    assert [json.loads(one) for one in shown] == delivered


async def test_what_is_granted_already_is_delivered_without_a_choice(
    pair: Pair, ids: list[str], buyer: Browser, supplier: Browser
) -> None:
    _, company = pair
    await ask(buyer, geography="DE")
    await arrive(pair)
    nothing = await supplier.get("/requests/1/answer")
    assert "Nothing is chosen" in nothing.text
    refused = await supplier.send("/requests/1/answer")
    assert refused.status == 409
    await granted(company, "cell", footprintIds=[ids[1]], level="quality")
    shown = await supplier.get("/requests/1")
    assert "sees now: quality" in shown.text
    preview = await supplier.get("/requests/1/answer")
    assert ("Product 2" in preview.text, "Product 1" in preview.text) == (True, False)
    done = await supplier.send("/requests/1/answer", level="total")
    assert ids[1] in done.html
    assert len((await company.get("/grants"))["data"]) == 1


async def test_what_is_granted_is_found_behind_what_is_not(
    pair: Pair, ids: list[str], buyer: Browser, supplier: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many match: what an answer without a choice would hold is asked for by itself."""
    _, company = pair
    monkeypatch.setattr(request_answers, "MOST_MATCHES", 1)
    await ask(buyer, geography="DE")
    await arrive(pair)
    assert "Answer with just what matches" not in (await supplier.get("/requests/1")).text
    newest = (await company.get("/requests/1/matches", limit=1))["data"][0]["id"]
    other = next(one for one in ids if one != newest)
    await granted(company, "cell", footprintIds=[other], level="quality")
    assert (await company.get("/requests/1/matches", limit=1))["data"][0]["id"] == newest
    found = (await company.get("/requests/1/matches", granted="true"))["data"]
    assert [(one["id"], one["level"]) for one in found] == [(other, "quality")]
    assert "Answer with just what matches" in (await supplier.get("/requests/1")).text
    preview = await supplier.get("/requests/1/answer")
    assert (other in preview.html, newest in preview.html) == (True, False)
    await supplier.send("/requests/1/answer")
    assert (await company.get("/requests/1"))["footprintIds"] == [other]


async def test_a_request_is_rejected(pair: Pair, buyer: Browser, supplier: Browser) -> None:
    await ask(buyer, productId=PRODUCT.format(9))
    await arrive(pair)
    shown = await supplier.get("/requests/1")
    assert "No own footprint meets these criteria" in shown.text
    refused = await supplier.send("/requests/1", reason=" ")
    assert (refused.status, "The reason is empty" in refused.text) == (422, True)
    too_long = "x" * 10_001
    refused = await supplier.send("/requests/1", reason=too_long)
    assert (refused.status, value_of(refused, "reason")) == (422, too_long)
    done = await supplier.send("/requests/1", reason=f"not ours {IMAGE}")
    assert "rejected" in done.text
    await arrive(pair)
    told = await buyer.get("/requests/1")
    assert f"not ours {IMAGE}" in told.text
    assert_harmless(told)
    again = await supplier.send("/requests/1", reason="once more")
    assert (again.status, "rejected already" in again.text) == (409, True)


async def test_an_answer_that_is_refused_keeps_the_choice(
    pair: Pair, ids: list[str], buyer: Browser, supplier: Browser
) -> None:
    _, company = pair
    await ask(buyer, geography="DE")
    await arrive(pair)
    await supplier.get("/requests/1")
    await company.post("/requests/1/reject", {"reason": "no"})
    shown = await supplier.send("/requests/1/answer", footprint=ids[:2], level="full")
    assert shown.status == 409
    assert ("Product 1" in shown.text, "Product 2" in shown.text) == (True, True)
    unknown = await supplier.send("/requests/1/answer", footprint=UNKNOWN, level="full")
    assert unknown.status == 404
    assert (await company.get("/grants"))["data"] == []


@pytest.mark.parametrize("number", ["0", "4711", "x", "1.5", "99999999999", "%00", "new2"])
async def test_no_such_request(buyer: Browser, number: str) -> None:
    for path in (f"/requests/{number}", f"/requests/{number}/answer"):
        assert (await buyer.get(path)).status == 404
    assert (await buyer.send(f"/requests/{number}", reason="x")).status == 404


async def test_our_own_request_has_no_answer_to_give(
    pair: Pair, ids: list[str], buyer: Browser
) -> None:
    await ask(buyer, geography="DE")
    shown = await buyer.get("/requests/1")
    assert "We ask cathode" in shown.text
    assert "Answer with footprints" not in shown.text
    assert (await buyer.get("/requests/1/answer")).status in (404, 409)
    assert (await buyer.send("/requests/1", reason="no")).status == 409


async def test_all_criteria_are_sent_and_readable(pair: Pair, buyer: Browser) -> None:
    customer, _ = pair
    sent = await ask(
        buyer, productId=f"{PRODUCT.format(1)}\n{PRODUCT.format(2)}", companyId="urn:x:c",
        geography="DE\nFR", classification="urn:x:y", status="Active",
        validOn="2026-05-01T10:30", validAfter="2026-01-01", validBefore="2030-01-01",
    )  # fmt: skip
    (request,) = (await customer.get("/requests"))["data"]
    assert request["criteria"] == {
        "productId": [PRODUCT.format(1), PRODUCT.format(2)],
        "companyId": ["urn:x:c"],
        "geography": ["DE", "FR"],
        "classification": ["urn:x:y"],
        "status": "Active",
        "validOn": "2026-05-01T10:30:00Z",
        "validAfter": "2026-01-01T00:00:00Z",
        "validBefore": "2030-01-01T00:00:00Z",
    }
    for words in ("Valid on 1 May 2026, 10:30 UTC", "Geography DE FR", "Status Active"):
        assert words in sent.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 409),
        ({"peer": "nobody", "productId": "urn:x:y"}, 404),
        ({"peer": IMAGE, "productId": "urn:x:y"}, 404),
        ({"productId": "urn:x:y", "validOn": "yesterday"}, 422),
        ({"productId": "x" * 5_000}, 422),
        ({"productId": "\n".join(f"urn:x:{number}" for number in range(1001))}, 422),
        ({"productId": "urn:x:y", "comment": "c" * 10_001}, 422),
        ({"productId": "urn:x:\0"}, 422),
    ],
)
async def test_a_refused_request_keeps_what_was_typed(
    pair: Pair, buyer: Browser, fields: dict[str, str], status: int
) -> None:
    typed = {"peer": "cathode", "comment": SCRIPT, **fields}
    shown = await ask(buyer, **typed)
    assert shown.status == status
    assert_harmless(shown)
    for name in ("productId", "comment", "validOn"):
        assert value_of(shown, name) == typed.get(name, "")
    assert (await pair[0].get("/requests"))["data"] == []


async def test_a_form_can_be_filled_in_by_its_address(buyer: Browser) -> None:
    shown = await buyer.get("/requests/new", peer="cathode", product="urn:x:y")
    assert value_of(shown, "peer") == "cathode"
    assert value_of(shown, "productId") == "urn:x:y"


async def test_without_a_partner_nobody_can_be_asked(
    company: Company, new_browser: NewBrowser
) -> None:
    browser = await signed_in(new_browser, company)
    assert "no partner that can be asked" in (await browser.get("/requests/new")).text


async def test_the_list_is_filtered_and_exported(pair: Pair, buyer: Browser) -> None:
    for number in (1, 2):
        await ask(buyer, productId=PRODUCT.format(number), comment=IMAGE)
    shown = await buyer.get("/requests", direction="outgoing")
    assert "2 in all" in shown.text
    assert "Nothing matches" in (await buyer.get("/requests", direction="incoming")).text
    assert "1 in all" in (await buyer.get("/requests", q="product-id:2")).text
    assert "2 in all" in (await buyer.get("/requests", peer="CATHODE")).text
    await buyer.get("/language/de")
    for search in ("ausgehend Produkt product-id:2", "ausstehend cathode id:2"):
        assert "insgesamt 1" in (await buyer.get("/requests", q=search)).text, search
    for search in ("eingehend", "Fußabdrücke", "erfüllt"):
        assert "Keine Treffer" in (await buyer.get("/requests", q=search)).text, search
    await buyer.get("/language/en")
    for column in ("direction", "peer", "asked", "state", "outcome", "createdAt", "answeredAt"):
        assert "2 in all" in (await buyer.get("/requests", sort=f"-{column}")).text, column
    file = (await buyer.get("/requests", **{"as": "csv", "sort": "id"})).html
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [row["Asked for"] for row in rows] == [
        f"Product id: {PRODUCT.format(number)}" for number in (1, 2)
    ]


@pytest.mark.parametrize("query", ODD_QUERIES)
async def test_odd_queries_are_harmless(
    pair: Pair, buyer: Browser, supplier: Browser, query: dict[str, str]
) -> None:
    await ask(buyer, geography="DE")
    await arrive(pair)
    odd = {"level": SCRIPT, "footprint": IMAGE, "more": "\0", **query}
    for path in ("/requests", "/requests/new", "/requests/1", "/requests/1/answer"):
        shown = await supplier.get(path, **odd)
        assert shown.status in (200, 404, 422)
        assert_harmless(shown)


async def test_why_it_waits_is_told(pair: Pair, buyer: Browser, supplier: Browser) -> None:
    await ask(buyer, geography="DE")
    await arrive(pair)
    _, company = pair

    def work(session: Any) -> None:
        requests.note(session, requests.get(session, 1), "more match than one event may hold")

    company.node.store.write_sync(work)
    shown = await supplier.get("/requests/1")
    assert "It waits: more match than one event may hold" in shown.text


async def test_what_could_not_be_delivered_is_sent_once_more(pair: Pair, buyer: Browser) -> None:
    customer, _ = pair
    await ask(buyer, geography="DE")

    def dead(session: Any) -> None:
        row = session.get(OutboxEvent, 1)
        row.state, row.last_error = OutboxState.DEAD, f"nobody there {IMAGE}"
        session.add(row)

    customer.node.store.write_sync(dead)
    shown = await buyer.get("/requests/1")
    assert f"nobody there {IMAGE}" in shown.text
    assert_harmless(shown)
    done = await buyer.send("/requests/1", do="retry", event="1")
    assert "It is sent once more" in done.text
    await OutboxWorker(customer.exchange).drain()
    assert "our request delivered" in (await buyer.get("/requests/1")).text
    for event in ("99", "x", "", "../1", "\0"):
        assert (await buyer.send("/requests/1", do="retry", event=event)).status in (404, 405, 422)


async def test_matches_are_searched(pair: Pair, buyer: Browser, supplier: Browser) -> None:
    await pair[1].publish(*(make_document(number) for number in range(4, 70)))
    await ask(buyer, geography="DE")
    await arrive(pair)
    shown = await supplier.get("/requests/1")
    assert "69 own footprints match" in shown.text
    assert "These are the first" in shown.text
    found = await supplier.get("/requests/1", q="product-id:66")
    assert "1 own footprint matches" in found.text
    assert "Nothing matches" in (await supplier.get("/requests/1", q=SCRIPT)).text
