"""Sealed sums on pages: endorsements that wait, verdicts, what a seal names, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.behind import sql
from tests.node.console.conftest import NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    ODD_QUERIES,
    SCRIPT,
    assert_harmless,
    signed_in,
    value_of,
)
from tests.node.console.test_overview import card
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import NAME, association, entity
from tests.node.manage.sealing import Sealing, open_sealing

from underseal_node.sealing.generators import FILE_NAME
from underseal_protocol.seal.generators import encoded_vectors

ASK: dict[str, Any] = {"endorse": "ask", "endorse_named": False}
TASK = "Customers that ask for an endorsement"
SUPPLIER = "https://cathode.example"


async def customer_of(sealing: Sealing, *known: str) -> tuple[Company, str]:
    """A customer that has pulled a sealed footprint, with its sealed sum, and whom it knows."""
    pack = await sealing.market.open("pack")
    (pack.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await sealing.market.befriend(pack, sealing.cell)
    for name in known:
        await sealing.market.befriend(pack, sealing.suppliers[name])
    footprint_id = await sealing.sealed()
    for level in ("total", "sealed"):
        said = {"acknowledge": "a test", "consent": "of the only supplier"}
        given = {"peer": "pack", "footprintIds": [footprint_id], "level": level}
        await sealing.cell.post("/grants", given | (said if level == "total" else {}), 201)
    await pack.pull("cell")
    return pack, footprint_id


def question_links(shown: Shown) -> list[str]:
    return [one for one in shown.html.split('"') if one.startswith("/console/endorsements/")]


@pytest.fixture
async def asked(market: Market) -> tuple[Sealing, Company]:
    """A supplier that decides by hand, and has been asked."""
    sealing = await open_sealing(market, **ASK)
    await sealing.draft()
    await sealing.prepare()
    return sealing, sealing.suppliers["cathode"]


async def test_a_question_is_a_task_and_is_endorsed_by_name(
    asked: tuple[Sealing, Company], new_browser: NewBrowser
) -> None:
    sealing, supplier = asked
    browser = await signed_in(new_browser, supplier)
    task = card(await browser.get("/"), TASK)
    assert task is not None
    assert sealing.name in task
    assert "/endorsements?state=open" in task
    listed = await browser.get("/endorsements", state="open")
    path = question_links(listed)[0].removeprefix("/console")
    shown = await browser.get(path)
    assert "PCF excluding biogenic uptake" in shown.text
    assert 'value="yes" checked' not in shown.html  # as the settings say
    done = await browser.send(path, do="allow", named="yes")
    assert done.path == path
    assert "The figure is endorsed." in done.text
    assert "We agree to be named" in done.text
    assert "Endorse it" not in done.text
    (question,) = (await supplier.get("/endorsements"))["data"]
    assert (question["state"], question["isNamed"]) == ("endorsed", True)
    assert card(await browser.get("/"), TASK) is None
    assert "by name" in (await browser.get("/endorsements", state="endorsed")).text
    assert "Nothing matches." in (await browser.get("/endorsements", state="open")).text


async def test_without_the_box_it_is_not_named_and_a_second_answer_is_refused(
    asked: tuple[Sealing, Company], new_browser: NewBrowser
) -> None:
    _, supplier = asked
    browser = await signed_in(new_browser, supplier)
    (question,) = (await supplier.get("/endorsements"))["data"]
    path = f"/endorsements/{question['id']}"
    await browser.get(path)
    assert "do not agree to be named" in (await browser.send(path, do="allow")).text
    refused = await browser.send(path, do="refuse")
    assert refused.status == 409
    assert f"question {question['id']} has been answered" in refused.text
    (again,) = (await supplier.get("/endorsements"))["data"]
    assert (again["state"], again["isNamed"]) == ("endorsed", False)


async def test_it_can_be_refused_and_what_cannot_be_endorsed_says_why(
    asked: tuple[Sealing, Company], new_browser: NewBrowser
) -> None:
    sealing, supplier = asked
    browser = await signed_in(new_browser, supplier)
    (question,) = (await supplier.get("/endorsements"))["data"]
    path = f"/endorsements/{question['id']}"
    await browser.get(path)
    await supplier.post(f"/footprints/{question['footprintId']}/deprecate")
    failed = await browser.send(path, do="allow")
    assert "The figure cannot be endorsed. the footprint is deprecated" in failed.text
    assert "Or refuse" in failed.text
    done = await browser.send(path, do="refuse")
    assert "The endorsement is refused." in done.text
    (found,) = (await supplier.get("/endorsements"))["data"]
    assert found["state"] == "refused"
    assert sealing.name in done.text


async def test_no_question_and_odd_addresses(
    asked: tuple[Sealing, Company], new_browser: NewBrowser
) -> None:
    sealing, supplier = asked
    empty = await signed_in(new_browser, sealing.cell)
    assert "Nobody has asked for an endorsement." in (await empty.get("/endorsements")).text
    assert card(await empty.get("/"), TASK) is None
    for path in ("/endorsements/999", "/endorsements/x", "/endorsements/0"):
        assert (await empty.get(path)).status == 404
    assert (await empty.send("/endorsements/999", do="allow")).status == 404
    sql(supplier.node, "UPDATE footprint SET product_name = :name", name=SCRIPT + IMAGE)
    browser = await signed_in(new_browser, supplier)
    for path in ("/endorsements", "/endorsements/1", "/"):
        shown = await browser.get(path)
        assert shown.status == 200
        assert_harmless(shown)
        assert SCRIPT in shown.text or path == "/"
    for query in ODD_QUERIES:
        assert (await browser.get("/endorsements", **query)).status == 200
    file = await browser.get("/endorsements", **{"as": "csv"})
    assert sealing.name in file.answer.text


async def test_the_verdict_is_shown_and_judged_again(
    market: Market, new_browser: NewBrowser
) -> None:
    sealing = await open_sealing(market)
    pack, footprint_id = await customer_of(sealing)
    browser = await signed_in(new_browser, pack)
    path = f"/received/{footprint_id}"
    shown = await browser.get(path)
    assert f"unknown {SUPPLIER}" in shown.text
    assert "Arithmetic only" in shown.text
    assert "the mass balance does not count for you" in shown.text
    assert "that publisher and suppliers do not act together" in shown.text
    await market.befriend(pack, sealing.suppliers["cathode"])
    done = await browser.send(f"{path}/sealed-sum", peer="cell")
    assert done.path == path
    assert "The sealed sum holds. Its grade is: mass." in done.text
    assert f" known {SUPPLIER}" in done.text
    file = await browser.get(f"{path}/sealed-sum", peer="cell")
    assert "attachment" in file.answer.headers["content-disposition"]
    held = (await pack.get(path))["sealedSum"]["sealedSum"]
    assert file.answer.text == held


async def test_one_that_does_not_hold_says_so(market: Market, new_browser: NewBrowser) -> None:
    sealing = await open_sealing(market)
    pack, footprint_id = await customer_of(sealing, "cathode")
    sql(
        pack.node,
        "UPDATE received_seal SET state = 'invalid', verdict = NULL, reason = :why",
        why=f"ranges: {SCRIPT}",
    )
    browser = await signed_in(new_browser, pack)
    shown = await browser.get(f"/received/{footprint_id}")
    assert f"It does not hold: ranges: {SCRIPT}" in shown.text
    assert_harmless(shown)


async def test_what_is_not_there_is_asked_for_in_vain(
    market: Market, new_browser: NewBrowser
) -> None:
    sealing = await open_sealing(market)
    (received,) = (await sealing.cell.get("/received"))["data"]
    browser = await signed_in(new_browser, sealing.cell)
    path = f"/received/{received['id']}"
    assert "The partner has shown us none." in (await browser.get(path)).text
    refused = await browser.send(f"{path}/sealed-sum", peer="cathode")
    assert refused.status == 404
    assert "cathode shows us no sealed sum" in refused.text
    assert (await browser.get(f"{path}/sealed-sum")).status == 404


async def test_an_own_footprint_says_what_its_seal_names_and_is_shown_to_a_partner(
    market: Market, new_browser: NewBrowser
) -> None:
    sealing = await open_sealing(market)
    await market.befriend(await market.open("pack"), sealing.cell)
    footprint_id = await sealing.publish(await sealing.draft())
    browser = await signed_in(new_browser, sealing.cell)
    path = f"/footprints/{footprint_id}"
    assert f"underseal product seal {footprint_id}" in (await browser.get(path)).text
    form = {"peer": "pack", "kind": "footprint", "values": footprint_id, "level": "sealed"}
    await browser.get("/grants/add")
    unsealed = await browser.send("/grants/add", **form)
    assert unsealed.status == 409
    assert "has no sealed sum" in unsealed.text
    assert '<option value="sealed" selected>' in unsealed.html
    await sealing.prepare(name=footprint_id)
    await sealing.seal(name=footprint_id)
    shown = await browser.get(path)
    assert SUPPLIER in shown.text
    assert "has a signature of its own" in shown.text
    add = await browser.get("/grants/add", kind="footprint", value=footprint_id, level="sealed")
    assert '<option value="sealed" selected>' in add.html
    everything = await browser.send("/grants/add", **(form | {"kind": "all", "values": ""}))
    assert everything.status == 409
    assert "sealed sums are granted one by one" in everything.text
    done = await browser.send("/grants/add", **form)
    assert done.path == "/partners/pack/preview"
    assert "does not see the footprint itself" in done.text
    assert "Sealed sums that it sees" not in done.text
    said = {"acknowledge": "a test", "consent": "of the only supplier"}
    await browser.get("/grants/add")
    done = await browser.send("/grants/add", **(form | {"level": "total"} | said))
    assert "Sealed sums that it sees" in done.text
    assert f"a supplier by name: {SUPPLIER}" in done.text
    assert "sealed" in (await browser.get("/grants", level="sealed")).text


async def test_a_member_endorses_without_being_asked_for_its_name(
    market: Market, new_browser: NewBrowser
) -> None:
    sealing = await open_sealing(market, endorse="ask", endorse_named=True)
    supplier = sealing.suppliers["cathode"]
    await association(market, sealing.cell, supplier)
    await sealing.draft()
    await sealing.prepare(roster=NAME)
    browser = await signed_in(new_browser, supplier)
    shown = await browser.get("/endorsements/1")
    assert 'name="named"' not in shown.html
    assert f"as a member of the roster {NAME}, without our name" in shown.text
    done = await browser.send("/endorsements/1", do="allow", roster=value_of(shown, "roster"))
    assert "The figure is endorsed." in done.text
    assert f"as a member of {NAME}" in (await browser.get("/endorsements")).text


async def test_where_members_of_a_roster_endorsed_nobody_is_named(
    market: Market, new_browser: NewBrowser
) -> None:
    """We see whose figures went in; a customer how many members, and whether they count."""
    sealing = await open_sealing(market, endorse_named=False)
    issuer, epoch = await association(market, sealing.cell, sealing.suppliers["cathode"])
    pack = await market.open("pack")
    (pack.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await market.befriend(pack, sealing.cell)
    footprint_id = await sealing.sealed(roster=NAME)
    said = {"acknowledge": "a test", "consent": "of the only supplier"}
    for level in ("total", "sealed"):
        given = {"peer": "pack", "footprintIds": [footprint_id], "level": level}
        await sealing.cell.post("/grants", given | (said if level == "total" else {}), 201)
    await pack.pull("cell")

    ours = await signed_in(new_browser, sealing.cell)
    for path in (f"/footprints/{footprint_id}", "/partners/pack/preview"):
        shown = await ours.get(path)
        assert f"that 1 member of the roster {NAME} has endorsed, and not which one" in shown.text
        assert f"as the roster has it: {entity(sealing.cell)}" in shown.text
        assert "only you see here that it is cathode" in shown.text
        assert SUPPLIER not in shown.text

    theirs = await signed_in(new_browser, pack)
    shown = await theirs.get(f"/received/{footprint_id}?peer=cell")
    assert f"1 member of the roster {NAME} has endorsed." in shown.text
    assert "This node does not trust the roster" in shown.text
    assert "Listed endorsers" not in shown.text
    assert "cathode" not in shown.text
    trust = {"roster": epoch["statement"], "fingerprint": epoch["fingerprint"]}
    await pack.post("/rosters/trust", trust)
    judged = await theirs.send(f"/received/{footprint_id}/sealed-sum", peer="cell")
    assert "This node does not trust the roster" not in judged.text
    assert f"By it, the publisher is {entity(sealing.cell)}." in judged.text
    assert issuer.url in judged.text
