"""The audit log in the console; alerts and the doctor."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any, get_args

import pytest
from tests.behind import sql
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    ODD_QUERIES,
    SCRIPT,
    assert_harmless,
    granted,
    signed_in,
)
from tests.node.manage.conftest import Company, Market, make_document

from underseal_node.console.audit_words import ACTS, PROBLEMS
from underseal_node.console.health import ALERTS
from underseal_node.console.words import WORDS
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.manage.shapes.audit import AuditProblemShape
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act

Pair = tuple[Company, Company]


@pytest.fixture
async def exchanged(pair: Pair, market: Market) -> Pair:
    """Something was shown, received and signed by both."""
    customer, supplier = pair
    await supplier.publish(make_document(1))
    await granted(supplier, "cell", everything=True)
    await customer.pull("cathode")
    public: Any = market.internet.hosts["cathode.example"]
    await public.app.state.context.audit.flush()
    await Sequencer(supplier.node).step()
    await customer.pull("cathode")  # which fetches the receipt
    return pair


def test_every_act_and_kind_has_words() -> None:
    assert set(ACTS) == {str(one) for one in Act}
    kinds = AuditProblemShape.model_fields["kind"].annotation
    assert set(PROBLEMS) == {str(one) for one in (get_args(kinds) or kinds or ())}
    assert set(ALERTS) == {str(one) for one in AlertKind}
    assert {"ok", "warning", "problem"} <= set(WORDS)


async def test_an_empty_log_says_what_begins_it(browser: Browser) -> None:
    shown = await browser.get("/audit")
    assert shown.status == 200
    assert "nothing in the log yet" in shown.text


async def test_the_log_is_read_filtered_and_exported(
    exchanged: Pair, new_browser: NewBrowser
) -> None:
    _, supplier = exchanged
    (footprint,) = (await supplier.get("/footprints"))["data"]
    await supplier.post("/peers", {"name": "other"}, 201)
    await supplier.post("/audit/verify")  # what was recorded is appended
    browser = await signed_in(new_browser, supplier)
    shown = await browser.get("/audit")
    for words in ("footprints shown", "partner added", "grant made", "operator"):
        assert words in shown.text
    about = await browser.get("/audit", peer="CELL")
    assert ("footprints shown" in about.text, "other" in about.text.partition("Details")[2]) == (
        True, False,
    )  # fmt: skip
    one = await browser.get("/audit", footprint=footprint["id"].upper())
    found = one.text.partition("Details")[2]
    assert ("footprints shown" in found, "partner added" in found) == (True, False)
    act = await browser.get("/audit", act="peer-added", outcome="done")
    assert ("2 in all" in act.text, "footprints shown" in act.text.partition("Details")[2]) == (
        True, False,
    )  # fmt: skip
    await browser.get("/language/de")
    german = await browser.get("/audit", q="Betreiber hinzugefügt other")
    assert "insgesamt 1" in german.text
    assert "Partner hinzugefügt" in (await browser.get("/audit", q="OTHER")).text
    assert "Keine Treffer" in (await browser.get("/audit", q="Betreiber hinzugefügt andere")).text
    details = (await browser.get("/audit", act="grant-added")).text.partition("Einzelheiten")[2]
    assert "Art: alles" in details
    assert "kind: " not in details
    await browser.get("/language/en")
    searched = await browser.get("/audit", q="footprints shown cell")
    assert "1 in all" in searched.text
    file = (await browser.get("/audit", **{"as": "csv", "sort": "number"})).html
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [row["Entry"] for row in rows][:3] == ["1", "2", "3"]
    assert "footprints-read" in {row["Act"] for row in rows}
    for footprint_id in ("no-id", "\0", SCRIPT, "0" * 36, IMAGE):
        nothing = await browser.get("/audit", footprint=footprint_id)
        assert (nothing.status, "Nothing matches" in nothing.text) == (200, True)
        assert_harmless(nothing)
    assert (await browser.get("/audit", peer="nobody")).status == 404


@pytest.mark.parametrize("query", ODD_QUERIES)
async def test_odd_queries_are_harmless(
    company: Company, browser: Browser, query: dict[str, str]
) -> None:
    await company.post("/peers", {"name": IMAGE}, 201)
    await company.post("/peers/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E/suspend",
                       {"reason": SCRIPT})  # fmt: skip
    await company.post("/audit/verify")
    for path in ("/audit", "/audit/verify", "/audit/receipts", "/alerts", "/doctor"):
        shown = await browser.get(path, **query)
        assert shown.status in (200, 404)
        assert_harmless(shown)


def csv_rows(shown: Shown) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown.answer.content.decode("utf-8-sig"))))


async def test_a_sound_log_is_told_so(exchanged: Pair, new_browser: NewBrowser) -> None:
    _, supplier = exchanged
    browser = await signed_in(new_browser, supplier)
    await browser.get("/audit/verify")
    shown = await browser.send("/audit/verify")
    check = await supplier.post("/audit/verify")
    assert "The log is whole" in shown.text
    assert f"None of its {check['size']} entries" in shown.text
    assert check["root"] in shown.text
    for sentence in check["notProved"]:
        assert sentence in shown.text


async def test_an_empty_log_is_told_so(browser: Browser) -> None:
    await browser.get("/audit/verify")
    assert "The log is empty" in (await browser.send("/audit/verify")).text


async def test_a_log_that_was_edited_is_told_so(exchanged: Pair, new_browser: NewBrowser) -> None:
    _, supplier = exchanged
    browser = await signed_in(new_browser, supplier)
    await supplier.post("/audit/verify")

    edit = "UPDATE audit_entry SET body = replace(body, 'operator', 'Operator') WHERE number = 2"
    sql(supplier.node, edit)
    await browser.get("/audit/verify")
    shown = await browser.send("/audit/verify")
    assert "The log is not whole" in shown.text
    assert "What is wrong" in shown.text
    assert "The log is whole." not in shown.text


async def test_statements_of_a_partner_are_compared(
    exchanged: Pair, new_browser: NewBrowser
) -> None:
    theirs, ours = [await signed_in(new_browser, one) for one in exchanged]
    counted = await theirs.get("/audit/receipts")
    assert re.search(r"Receipts 1\b", counted.text)
    file = await theirs.get("/audit/receipts", **{"as": "jsonl", "peer": "cathode"})
    lines = [json.loads(line) for line in file.answer.content.splitlines()]
    assert [one["kind"] for one in lines] == ["receipt"]
    await ours.get("/audit/verify")
    sent = {"file": (SCRIPT + ".jsonl", file.answer.content)}
    shown = await ours.send("/audit/verify", files=sent)
    assert "The log is whole" in shown.text
    assert "What others hold fits" in shown.text
    assert SCRIPT + ".jsonl" in shown.text
    assert_harmless(shown)
    foreign = await theirs.get("/audit/verify")
    foreign = await theirs.send("/audit/verify", files=sent)
    assert "about another node" in foreign.text
    assert "What is wrong is the file" in foreign.text
    refused = await ours.send("/audit/verify", files={"file": ("x", b"\xff\xfe")})
    assert refused.status == 409
    nonsense = await ours.send("/audit/verify", files={"file": ("x", SCRIPT.encode())})
    assert nonsense.status == 422
    assert_harmless(nonsense)


async def test_the_whole_log_is_downloaded(exchanged: Pair, new_browser: NewBrowser) -> None:
    _, supplier = exchanged
    browser = await signed_in(new_browser, supplier)
    file = await browser.get("/audit/export")
    expected = await supplier.http.get("/audit/export")
    assert file.answer.content == expected.content
    assert len(file.answer.content.splitlines()) > 5
    assert "attachment" in file.answer.headers["content-disposition"]
    assert "default-src 'none'" in file.answer.headers["content-security-policy"]


async def test_each_receipt_is_listed_with_whether_it_verifies(
    exchanged: Pair, new_browser: NewBrowser
) -> None:
    customer, supplier = exchanged
    theirs, ours = [await signed_in(new_browser, one) for one in exchanged]
    held = await theirs.get("/audit/receipts")
    (row,) = csv_rows(await theirs.get("/audit/receipts", **{"as": "csv"}))
    assert (row["Partner"], row["State"], row["Now"]) == ("cathode", "receipt signed", "verified")
    assert row["Receipt"] == "for what we have received"
    assert '<span class="word verified">verified</span>' in held.html
    (given,) = csv_rows(await ours.get("/audit/receipts", **{"as": "csv"}))
    assert (given["Partner"], given["Receipt"], given["Now"]) == (
        "cell",
        "for what we have shown",
        "verified",
    )
    assert given["Entry"] == row["Entry"]
    for query in ({"role": "issued"}, {"state": "failed"}, {"q": "nothing like this"}):
        assert "Nothing matches." in (await theirs.get("/audit/receipts", **query)).text
    assert "cathode" in (await theirs.get("/audit/receipts", sort="-verdict", role="held")).text
    (footprint,) = (await supplier.get("/footprints"))["data"]
    detail = await theirs.get(f"/audit/receipts/{row['ID']}")
    assert "It verifies" in detail.text
    assert f'/received/{footprint["id"]}?peer=cathode">{footprint["id"]}</a>' in detail.html
    shown = await ours.get(f"/audit/receipts/{given['ID']}")
    assert f'/footprints/{footprint["id"]}">{footprint["id"]}</a>' in shown.html
    assert (await ours.get("/audit/receipts/nobody")).status == 404
    # What is stored is not believed: somebody has put another receipt in its place.
    sql(customer.node, "UPDATE receipt SET token = replace(token, '.', 'x.')")
    spoiled = await theirs.get("/audit/receipts")
    assert '<span class="word does-not-verify">does not verify</span>' in spoiled.html
    (row,) = csv_rows(await theirs.get("/audit/receipts", **{"as": "csv"}))
    assert row["Now"] == "does not verify"
    assert row["Why"]
    detail = await theirs.get(f"/audit/receipts/{row['ID']}")
    assert "It does not verify with the keys that are known now" in detail.text


async def test_receipts_of_nobody(exchanged: Pair, new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser, exchanged[0])
    assert (await browser.get("/audit/receipts", peer="nobody")).status == 404
    missing = await browser.get("/audit/receipts", **{"peer": "nobody", "as": "jsonl"})
    assert missing.status == 404


async def test_nothing_was_signed_yet(browser: Browser) -> None:
    assert "There is nothing yet" in (await browser.get("/audit/receipts")).text


async def test_alerts_are_listed_and_filtered(company: Company, browser: Browser) -> None:
    assert "There is nothing to look at" in (await browser.get("/alerts")).text
    await company.post("/peers", {"name": "acme"}, 201)

    def work(session: Any) -> None:
        now = company.node.now()
        raise_alert(session, AlertKind.KEYS_CHANGED, f"other keys {SCRIPT}", now)
        raise_alert(session, AlertKind.INVALID, f"broken {IMAGE}", now)

    company.node.store.write_sync(work)
    shown = await browser.get("/alerts")
    assert f"other keys {SCRIPT}" in shown.text
    assert_harmless(shown)
    only = await browser.get("/alerts", kind="invalid")
    assert ("broken" in only.text, "1 in all" in only.text) == (True, True)
    file = (await browser.get("/alerts", **{"as": "csv"})).html
    assert "a footprint failed verification" in file


async def test_the_doctor_is_shown(company: Company, browser: Browser, market: Market) -> None:
    found = (await company.get("/doctor"))["data"]
    shown = await browser.get("/doctor")
    assert shown.status == 200
    for one in found:
        assert one["name"] in shown.text
    market.internet.hosts.clear()
    broken = await browser.get("/doctor")
    assert re.search(r"\d+ problem", broken.text)
    results = re.findall(r'class="word (ok|warning|problem)"', broken.html)
    assert results == sorted(results, key=["problem", "warning", "ok"].index)
    only = await browser.get("/doctor", result="problem")
    assert set(re.findall(r'class="word (\w+)"', only.html)) == {"problem"}
    file = (await browser.get("/doctor", **{"as": "csv", "sort": "check"})).html
    names = [line.split(",")[1] for line in file.splitlines()[1:] if line.count(",") >= 3]
    assert len(names) > 3
    assert names == sorted(names, key=str.casefold)
