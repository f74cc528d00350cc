"""Received footprints: the list, verification and provenance of one, and following a correction."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.hostile import CANARY, ODD_VALUES, broken, full_of, require_text
from tests.node.console.test_own_footprints import corrected
from tests.node.manage.conftest import Company, Market, Stage, make_document, stage  # noqa: F401
from tests.node.manage.test_products import GIVEN_POWER, POWDER, load, product
from tests.node.manage.test_received import OtherMake, other, received_from_elsewhere  # noqa: F401

from underseal_node.exchange.sequencer import Sequencer

Pair = tuple[Company, Company]
TERMS = "Only for your own calculations.\nNobody else."


def rows_of(shown: Shown) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown.answer.content.decode("utf-8-sig"))))


@pytest.fixture
async def customer(pair: Pair, new_browser: NewBrowser) -> Browser:
    """At the console of `cell`, which has received product 1 of `cathode` at the level quality."""
    cell, cathode = pair
    await cathode.publish(make_document(1))
    grant = {"peer": "cell", "everything": True, "level": "quality", "terms": TERMS}
    await cathode.post("/grants", grant | {"purpose": "Reporting"}, 201)
    await cell.pull("cathode")
    made = new_browser(cell)
    await made.enter(cell)
    return made


async def the_id(company: Company) -> str:
    return str((await company.get("/received"))["data"][0]["id"])


@pytest.fixture
async def unsigned(
    company: Company,
    browser: Browser,
    other: OtherMake,  # noqa: F811
) -> tuple[Company, Browser, OtherMake]:
    """A peer of another make."""
    return company, browser, other


async def send(company: Company, make: OtherMake, *documents: dict[str, Any]) -> None:
    make.items = [json.dumps(received_from_elsewhere(one)).encode() for one in documents]
    await company.pull("other")


# --- the list -----------------------------------------------------------------------------------


async def test_an_empty_list_says_what_to_do(company: Company, browser: Browser) -> None:
    shown = await browser.get("/received")
    assert "Invite your first supplier" in shown.text
    assert 'href="/console/invite"' in shown.html
    await company.post("/peers", {"name": "far"}, 201)
    shown = await browser.get("/received")
    assert "no partner that can be asked" in shown.text
    assert "Pull now" not in shown.text


async def test_an_empty_list_with_a_partner_leads_to_pulling(
    pair: Pair, new_browser: NewBrowser
) -> None:
    cell, _ = pair
    browser = new_browser(cell)
    await browser.enter(cell)
    shown = await browser.get("/received")
    assert "Pull what your partners have granted you" in shown.text
    assert "Pull now" in shown.text


async def test_the_list_shows_state_and_terms(customer: Browser) -> None:
    shown = await customer.get("/received")
    for text in ("Product 1", "cathode", "1.50", "1 kilogram", "verified", "usable", TERMS[:30]):
        assert text in shown.text, text
    assert "/received/" in shown.html
    assert "?peer=cathode" in shown.html
    (row,) = rows_of(await customer.get("/received", **{"as": "csv"}))
    assert row["Company"] == "Cathode"


async def test_the_list_is_filtered_and_exported(
    unsigned: tuple[Company, Browser, OtherMake],
) -> None:
    company, browser, make = unsigned
    invalid = make_document(3) | {"pcf": 5}
    await send(company, make, make_document(1), make_document(2), invalid)

    async def names(**query: str) -> set[str]:
        rows = rows_of(await browser.get("/received", **query, **{"as": "csv"}))
        return {row["Product"] for row in rows}

    assert await names() == {"Product 1", "Product 2", "Product 3"}
    assert await names(verification="unsigned") == {"Product 1", "Product 2"}
    assert await names(use="not usable") == {"Product 3"}
    assert await names(use="usable") == {"Product 1", "Product 2"}
    assert await names(peer="other", verification="verified") == set()
    assert await names(product="urn:pact:cathode.example:product-id:2") == {"Product 2"}
    assert await names(q="product-id:2") == {"Product 2"}
    await company.patch("/peers/other", {"acceptUnsigned": False})
    assert await names(use="usable") == set()
    shown = await browser.get("/received", verification="invalid")
    assert "Product 3" in shown.text
    assert "Product 1" not in shown.text
    (row,) = rows_of(await browser.get("/received", verification="invalid", **{"as": "csv"}))
    assert row["Verification"] == "invalid"
    assert "/pcf" in row["Why it is not verified"]
    answer = (await browser.get("/received", **{"as": "xlsx"})).answer
    assert answer.content.startswith(b"PK")


# --- one of them --------------------------------------------------------------------------------


async def test_who_signed_and_when(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    footprint_id = await the_id(cell)
    detail = await cell.get(f"/received/{footprint_id}")
    shown = await customer.get(f"/received/{footprint_id}", peer="cathode")
    partner = await cell.get("/peers/cathode")
    for text in (
        "1.50 kg CO₂e per 1 kilogram",
        "https://cathode.example",
        detail["signature"]["kid"],
        detail["signature"]["digest"],
        "1 Mar 2026, 12:00 UTC",
        partner["fingerprint"]["words"],
        "first-contact",
        "Not shown to us, if there is any of it: Components of the total, Carbon contents, "
        "Method and comment, Extensions and other",
        f"underseal verify {footprint_id}.json --peer cathode",
        "as the partner sent it, not signed",
        "biogenicCarbonContent is missing" if "biogenic" in str(detail["findings"]) else "point",
    ):
        assert text in shown.text, text
    assert "temporalDQR 3" in shown.text
    assert "told to few" not in shown.html
    assert "is deprecated" not in shown.text


async def test_the_receipt_is_told(market: Market, pair: Pair, customer: Browser) -> None:
    cell, cathode = pair
    footprint_id = await the_id(cell)
    assert "none yet" in (await customer.get(f"/received/{footprint_id}")).text
    # The supplier writes down what it has served, and answers the acknowledgement.
    public: Any = market.internet.hosts["cathode.example"]
    await public.app.state.context.audit.flush()
    await Sequencer(cathode.node).step()
    await cell.pull("cathode")
    assert (await cell.get(f"/received/{footprint_id}"))["receipt"]["isConfirmed"]
    shown = await customer.get(f"/received/{footprint_id}")
    assert "the partner has signed that it gave us this, at the level quality" in shown.text


async def test_usage_terms_are_a_promise(pair: Pair, customer: Browser) -> None:
    shown = await customer.get(f"/received/{await the_id(pair[0])}")
    assert "Only for your own calculations." in shown.text
    assert "Purpose: Reporting" in shown.text
    assert "a promise that no node enforces" in shown.text


async def test_it_is_downloaded_byte_for_byte(
    unsigned: tuple[Company, Browser, OtherMake],
) -> None:
    company, browser, make = unsigned
    text = json.dumps(received_from_elsewhere(make_document(1)), indent=3)
    make.items = [text.replace('"pcf": {', '"x-odd": 1.50e1, "pcf": {').encode()]
    await company.pull("other")
    answer = (await browser.get(f"/received/{await the_id(company)}/raw")).answer
    assert answer.content == make.items[0]


async def test_the_evidence_has_the_statement_of_the_status(pair: Pair, customer: Browser) -> None:
    cell, cathode = pair
    footprint_id = await the_id(cell)
    await cathode.post(f"/footprints/{footprint_id}/deprecate")
    await cell.pull("cathode")
    shown = await customer.get(f"/received/{footprint_id}")
    assert f"/received/{footprint_id}/evidence" in shown.html
    assert "signed by the partner on" in shown.text
    evidence = (await customer.get(f"/received/{footprint_id}/evidence", peer="cathode")).answer
    assert evidence.json()["statusStatement"].count(".") == 2


async def test_a_correction_is_followed(pair: Pair, customer: Browser) -> None:
    cell, cathode = pair
    first = await the_id(cell)
    second = await corrected(cathode, first, "1.20")
    await cell.pull("cathode")
    shown = await customer.get(f"/received/{first}", peer="cathode")
    assert "The partner has corrected this footprint. Use its successor" in shown.text
    warning = shown.html.partition('class="message warning"')[2].partition("</div>")[0]
    assert f"/console/received/{second}?peer=cathode" in warning
    assert "1.20 kg CO₂e" in shown.text
    newer = await customer.get(f"/received/{second}?peer=cathode")
    assert "has corrected" not in newer.text
    chain = newer.html.partition('<ol class="chain">')[2].partition("</ol>")[0]
    assert chain.index(first) < chain.index("This one")


async def test_an_end_without_a_successor(pair: Pair, customer: Browser) -> None:
    cell, cathode = pair
    first = await the_id(cell)
    await cathode.post(f"/footprints/{first}/deprecate")
    await cell.pull("cathode")
    shown = await customer.get(f"/received/{first}")
    assert "no successor was received" in shown.text
    assert "Pull from this partner" in shown.text


async def test_a_predecessor_that_was_never_received(
    unsigned: tuple[Company, Browser, OtherMake],
) -> None:
    company, browser, make = unsigned
    before = "00000000-0000-4000-8000-00000000abcd"
    await send(company, make, make_document(1, precedingPfIds=[before]))
    shown = await browser.get(f"/received/{await the_id(company)}")
    chain = shown.html.partition('<ol class="chain">')[2].partition("</ol>")[0]
    assert before in chain
    assert "not known here" in chain


async def test_what_it_is_used_in(pair: Pair, customer: Browser) -> None:
    cell, _ = pair
    footprint_id = await the_id(cell)
    shown = await customer.get(f"/received/{footprint_id}")
    assert "No line of a bill of materials resolves to it now" in shown.text
    await load(cell, product(POWDER | {"source": {"footprint": footprint_id}}, GIVEN_POWER))
    own = (await cell.post("/products/publish", product="cell"))["footprint"]
    shown = await customer.get(f"/received/{footprint_id}")
    assert "Product cell : Cathode powder, 2 kg" in shown.text
    assert 'href="/console/products/twin?product=cell"' in shown.html
    assert f'href="/console/footprints/{own}"' in shown.html


async def test_an_unsigned_one_says_so(unsigned: tuple[Company, Browser, OtherMake]) -> None:
    company, browser, make = unsigned
    await send(company, make, make_document(1))
    path = f"/received/{await the_id(company)}"
    shown = await browser.get(path)
    assert "It bears no signature" in shown.text
    assert "Verify it yourself" not in shown.text
    assert "Not used in calculations" not in shown.text
    await company.patch("/peers/other", {"acceptUnsigned": False})
    assert "Not used in calculations" in (await browser.get(path)).text


async def test_two_peers_with_one_id(
    market: Market, unsigned: tuple[Company, Browser, OtherMake]
) -> None:
    company, browser, make = unsigned
    await send(company, make, make_document(1))
    footprint_id = await the_id(company)
    signer = await market.open("signer")
    await market.befriend(company, signer)
    await signer.publish(make_document(1))
    await signer.post("/grants", {"peer": "cathode", "everything": True}, 201)
    await company.pull("signer")
    asked = await browser.get(f"/received/{footprint_id.upper()}")
    assert asked.status == 300
    for peer in ("signer", "other"):
        assert f'href="/console/received/{footprint_id}?peer={peer}"' in asked.html
    assert "verified" in (await browser.get(f"/received/{footprint_id}", peer="signer")).text
    assert "no signature" in (await browser.get(f"/received/{footprint_id}", peer="other")).text
    assert (await browser.get(f"/received/{footprint_id}", peer="nobody")).status == 404
    await load(company, product(POWDER, GIVEN_POWER))
    for peer in ("signer", "other"):
        source = {"source": {"footprint": footprint_id}, "peer": peer}
        await company.post(
            "/matches", {"decisions": [{"product": "cell", "line": "powder", **source}]}
        )
        for path in ("/products/twin", "/products/match"):
            shown = await browser.get(path, product="cell")
            assert f'href="/console/received/{footprint_id}?peer={peer}"' in shown.html, path


async def test_attestations_are_asked_for(
    stage: Stage,  # noqa: F811
    market: Market,
    new_browser: NewBrowser,
) -> None:
    buyer = await market.open("buyer")
    for partner in (stage.supplier, stage.verifier):
        await market.befriend(buyer, partner)
    await buyer.pull("auditor")
    draft = (await stage.draft(make_document(1)))["draft"]
    done = await stage.publish(draft)
    grant = {"peer": "buyer", "everything": True, "level": "full"}
    await stage.supplier.post("/grants", grant, 201)
    await buyer.pull("cathode")
    browser = new_browser(buyer)
    await browser.enter(buyer)
    path = f"/received/{done['id']}"
    assert "No verifier is known to attest it" in (await browser.get(path)).text
    token = (await stage.attest(draft))["attestation"]
    await stage.supplier.post("/attestations/attach", {"attestation": token})
    shown = await browser.send(f"{path}/attestations", peer="cathode")
    assert shown.path == path
    assert "1 attestation is held now." in shown.text
    for text in ("attested", "Auditor", "Signed by auditor", "beside the footprint"):
        assert text in shown.text, text


async def test_a_partner_that_does_not_answer_is_told(
    market: Market, pair: Pair, customer: Browser
) -> None:
    footprint_id = await the_id(pair[0])
    await customer.get(f"/received/{footprint_id}")

    def broken_answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    market.internet.answer("cathode.example", broken_answer)
    shown = await customer.send(f"/received/{footprint_id}/attestations", peer="cathode")
    assert shown.status == 502
    assert shown.html.count('role="alert"') == 1
    assert "Product 1" in shown.text


# --- what peers may write -----------------------------------------------------------------------


async def test_hostile_texts_stay_texts(unsigned: tuple[Company, Browser, OtherMake]) -> None:
    company, browser, make = unsigned
    hostile = full_of(received_from_elsewhere(make_document(1)))
    hostile["pcf"]["verification"].pop("completedAt", None)
    everything = broken(received_from_elsewhere(make_document(2)))
    everything["extensions"] = [CANARY, {"dataSchema": CANARY, "data": CANARY}, 5]
    odd = received_from_elsewhere(make_document(3)) | {
        "pcf": [CANARY],
        "precedingPfIds": [CANARY, 5],
        "productIds": CANARY,
        "status": {CANARY: CANARY},
        "extensions": {CANARY: 1},
    }
    dated = received_from_elsewhere(make_document(4))
    dated["pcf"] |= {"referencePeriodEnd": "0000-99-99", "primaryDataShare": 5, "dqi": [1]}
    make.items = [json.dumps(one).encode() for one in (hostile, everything, odd, dated)]
    await company.pull("other")
    held = (await company.get("/received"))["data"]
    assert sorted(one["verification"] for one in held) == ["invalid"] * 3 + ["unsigned"]
    for one in held:
        shown = await browser.get(f"/received/{one['id']}", peer="other")
        assert shown.status == 200, one
        require_text(shown.html, shown=one["id"] != dated["id"])
    require_text((await browser.get("/received")).html)
    assert "0000-99-99" in (await browser.get(f"/received/{dated['id']}")).text
    exported = rows_of(await browser.get("/received", **{"as": "csv"}))
    assert len(exported) == 4


async def test_a_text_of_a_megabyte_fills_no_page(
    unsigned: tuple[Company, Browser, OtherMake],
) -> None:
    """It is invalid, for a reason that names place and limit, and shown shortened."""
    company, browser, make = unsigned
    text, ids = "x" * 1_000_000, [f"urn:gtin:{number}" for number in range(5_000)]
    await send(
        company, make,
        make_document(1) | {"productNameCompany": text},
        make_document(2) | {"productDescription": text},
        make_document(3) | {"productIds": ids},
        make_document(4) | {"ours": {"a": [text]}},
    )  # fmt: skip
    held = (await company.get("/received"))["data"]
    assert [one["verification"] for one in held] == ["invalid"] * 4
    shown = await browser.get("/received")
    assert len(shown.html) < 200_000
    said = ""
    for one in held:
        page = await browser.get(f"/received/{one['id']}", peer="other")
        assert page.status == 200
        assert len(page.html) < 200_000, one["id"]
        said += page.text
    assert "/productNameCompany: expected at most 500 characters; it has 1000000" in said
    assert "/productDescription: expected at most 10000 characters; it has 1000000" in said
    assert "/productIds: expected at most 1000 items; there are 5000" in said
    assert "/ours/a/0: expected at most 10000 characters; it has 1000000" in said


async def test_odd_queries_are_no_fault(pair: Pair, customer: Browser) -> None:
    footprint_id = await the_id(pair[0])
    names = ("page", "sort", "q", "peer", "verification", "use", "product", "as")
    asked = [("/received", name) for name in names]
    asked += [(f"/received/{footprint_id}{path}", "peer") for path in ("", "/raw", "/evidence")]
    for path, name in asked:
        for value in ODD_VALUES:
            shown = await customer.get(path, **{name: value})
            assert shown.status in (200, 404, 409, 422), (path, name, value)
            if "html" in shown.answer.headers["content-type"]:
                require_text(shown.html, shown=False)


async def test_an_unknown_one_is_not_found(browser: Browser) -> None:
    await browser.get("/received")
    for footprint_id in ("0" * 36, "x", "%00", "..%2f..%2fnode"):
        for path in ("", "/raw", "/evidence", "?peer=nobody"):
            assert (await browser.get(f"/received/{footprint_id}{path}")).status == 404
        shown = await browser.send(f"/received/{footprint_id}/attestations", peer="nobody")
        assert shown.status == 404
