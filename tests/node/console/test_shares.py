"""The page about a footprint that is printed: what it shows and says of proof, and its code."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
import segno
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.manage.conftest import Company, Market, Stage, make_document, stage  # noqa: F401 - a fixture
from tests.node.manage.test_release_gate import SAID, THREE, Chain, chain  # noqa: F401 - a fixture

from underseal_node.console.qr import picture_of
from underseal_node.console.shares import reference_to
from underseal_protocol.credential import verify
from underseal_protocol.disclosure import Level
from underseal_protocol.key_log import read_entry

PICTURE = re.compile(r'<img src="(data:image/svg[^"]+)" alt="([^"]+)"')
PATH = re.compile(r"<path[^>]* class='qrline'[^>]* d='([^']+)'")


@pytest.mark.parametrize("level", Level)
async def test_it_shows_what_the_level_shows(
    company: Company, browser: Browser, level: Level
) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share", level=level)
    assert "1.50 kg CO₂e per 1 kilogram" in shown.text
    assert "PACT-3.0" in shown.text
    assert "Primary data share, percent" in shown.text
    assert ("Temporal quality" in shown.text) is (level is not Level.TOTAL)
    assert ("gate to gate" in shown.text) is (level is Level.FULL)
    assert ("told to few" in shown.html) is (level is Level.FULL)
    assert ("Not shown on this page" in shown.text) is (level is not Level.FULL)


async def test_without_a_choice_it_tells_no_method(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    assert "Temporal quality" in shown.text
    assert "told to few" not in shown.html


async def test_what_it_says_of_proof(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    for text in (
        "This page proves nothing by itself",
        "That the figures are right",
        "that is the word of the signer alone",
        "its status was Active",
        f"underseal verify {footprint_id}.json --keys key-log.json",
    ):
        assert text in shown.text, text
    assert "committed" not in shown.text
    await company.post(f"/footprints/{footprint_id}/deprecate")
    ended = await browser.get(f"/footprints/{footprint_id}/share")
    assert "it must not be used any more" in ended.text
    assert "its status was Deprecated" in ended.text


async def test_out_of_its_validity_it_says_so(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    assert "Declared valid from 1 Jan 2026 until" in shown.text
    company.advance(days=7)
    company.time[0] = company.time[0].replace(year=2040)
    await browser.enter(company)
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    assert "Not valid at present" in shown.text


async def test_the_code_says_what_a_verifier_needs(
    market: Market, company: Company, browser: Browser
) -> None:
    """Whoever scans it gets the key log, and with that verifies a file of this digest and key."""
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    picture, text = map(unescape, PICTURE.search(shown.html).groups())  # type: ignore[union-attr]
    reference = text.removeprefix("QR code: ")
    address, _, fragment = reference.partition("#")
    named = dict(one.split("=") for one in fragment.split("&"))
    assert address == "https://cathode.example/.well-known/underseal-key-log"
    # What a browser sends is the address alone.
    async with _public(market) as client:
        log = json.loads((await client.get(address)).content)
    entry = read_entry(log["entries"][-1])
    document = json.loads((await browser.get(f"/footprints/{footprint_id}/raw")).answer.content)
    proven = verify(document, keys=entry.keys, issuer="https://cathode.example")
    assert named == {
        "footprint": footprint_id,
        "credential": proven.digest,
        "key": proven.kid,
    }
    assert picture == picture_of(reference)
    assert reference in unescape(shown.text)


def _public(market: Market) -> Any:
    import httpx

    return httpx.AsyncClient(transport=market.internet)


def test_the_picture_is_of_the_text() -> None:
    text = reference_to(
        "https://pcf.wire.example", "f4b1225a-0000-4000-8000-000000000000",
        {"digest": "d" * 43, "kid": "k" * 43},
    )  # fmt: skip
    assert text == (
        "https://pcf.wire.example/.well-known/underseal-key-log"
        "#footprint=f4b1225a-0000-4000-8000-000000000000"
        f"&credential={'d' * 43}&key={'k' * 43}"
    )
    drawn = _modules(picture_of(text))
    assert drawn == _modules_of(segno.make(text, error="m", micro=False))
    assert drawn != _modules_of(segno.make(text + " ", error="m", micro=False))


def _modules(picture: str) -> set[tuple[int, int]]:
    """The dark modules of a picture, by the strokes of its path, each one unit high."""
    from urllib.parse import unquote

    path = PATH.search(unquote(picture))
    assert path is not None
    found, x, y = set[tuple[int, int]](), 0.0, 0.0
    for move, numbers in re.findall(r"([Mmh])(-?[\d.]+(?:[ ,]-?[\d.]+)?)", path[1]):
        values = [float(one) for one in re.split("[ ,]", numbers)]
        if move == "h":
            found |= {(int(x) + step, int(y - 0.5)) for step in range(int(values[0]))}
            x += values[0]
        else:
            x = values[0] + (0 if move == "M" else x)
            y = values[1] + (0 if move == "M" else y)
    return found


def _modules_of(code: segno.QRCode) -> set[tuple[int, int]]:
    return {
        (x + code.default_border_size, y + code.default_border_size)
        for y, row in enumerate(code.matrix)
        for x, module in enumerate(row)
        if module
    }


async def test_it_needs_nothing_from_elsewhere(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share")
    sources = re.findall(r'(?:src|href)="([^"#]+)', shown.html)
    assert all(one.startswith(("/console/", "data:", "?")) for one in sources)
    assert "style=" not in shown.html


async def test_attestations_are_on_it_from_the_level_on_that_shows_them(
    stage: Stage,  # noqa: F811
    new_browser: NewBrowser,
) -> None:
    draft = (await stage.draft(make_document(1)))["draft"]
    done = await stage.publish(draft, (await stage.attest(draft))["attestation"])
    browser = new_browser(stage.supplier)
    await browser.enter(stage.supplier)
    path = f"/footprints/{done['id']}/share"
    assert "ISO 14067:2018" in (await browser.get(path, level="quality")).text
    assert "ISO 14067:2018" not in (await browser.get(path, level="total")).text


# --- who gets it ---------------------------------------------------------------------------------

MARK = "<script>alert(1)</script> at the fair"


async def test_it_can_be_printed_when_it_is_said_who_gets_it(
    company: Company, browser: Browser
) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    path = f"/footprints/{footprint_id}/share"
    shown = await browser.get(path, level="full")
    assert "there is nothing to judge" in shown.text
    assert "data-print" not in shown.html
    assert 'class="share no-print"' in shown.html
    nobody = await browser.send(path, level="full", reader=" ")
    assert (nobody.status, "it is not said who gets the page" in nobody.text) == (409, True)
    assert "data-print" not in nobody.html
    done = await browser.send(path, level="full", reader=MARK)
    assert (done.path, done.answer.url.params["level"]) == (path, "full")
    assert f"Written down for: {MARK}" in done.text
    assert "<script>alert" not in done.html
    assert "data-print" in done.html
    assert 'class="share"' in done.html
    other = await browser.get(path, level="quality")
    assert "data-print" not in other.html, "another level is another page"
    await company.post("/audit/verify")  # it gets everything first
    log = await browser.get("/audit")
    assert "page about a footprint given away" in log.text
    assert MARK in log.text


async def test_a_page_for_a_partner_is_written_down_as_that(
    market: Market, new_browser: NewBrowser
) -> None:
    company, other = await market.open("cathode"), await market.open("cell")
    await market.befriend(company, other)
    browser = new_browser(company)
    await browser.enter(company)
    (footprint_id,) = await company.publish(make_document(1))
    path = f"/footprints/{footprint_id}/share"
    assert '<option value="cell">' in (await browser.get(path)).html
    done = await browser.send(path, level="total", peer="cell", reader="")
    assert (done.answer.url.params["peer"], "data-print" in done.html) == ("cell", True)
    await company.post("/audit/verify")
    entry = (await company.get("/audit", act="footprint-shared"))["data"][0]
    assert (entry["peer"]["name"], entry["level"]) == ("cell", "total")
    unknown = await browser.send(path, level="total", peer="nobody", reader="")
    assert (unknown.status, "data-print" in unknown.html) == (404, False)


async def test_what_the_gate_says_stands_on_it(chain: Chain, new_browser: NewBrowser) -> None:  # noqa: F811
    await chain.made_of(a="1.5")
    made = await chain.publish()
    browser = new_browser(chain.cell)
    await browser.enter(chain.cell)
    path = f"/footprints/{made['footprint']}/share"
    shown = await browser.get(path, level="total")
    assert "advises against it" in shown.text
    assert "could compute the number of one of your suppliers" in shown.text
    refused = await browser.send(path, level="total", reader="A buyer", acknowledge="they agreed")
    assert refused.status == 422
    assert ("data-print" in refused.html, 'value="A buyer"' in refused.html) == (False, True)
    assert "they agreed</textarea>" in refused.html
    assert await chain.ledger() == []
    done = await browser.send(path, level="total", reader="A buyer", **SAID)
    assert "data-print" in done.html
    assert {one["consent"] for one in await chain.ledger()} == {SAID["consent"]}


async def test_a_page_that_is_safe_says_so(chain: Chain, new_browser: NewBrowser) -> None:  # noqa: F811
    await chain.made_of(**THREE)
    made = await chain.publish()
    browser = new_browser(chain.cell)
    await browser.enter(chain.cell)
    shown = await browser.get(f"/footprints/{made['footprint']}/share", level="total")
    assert "From this page, nobody can compute" in shown.text


@pytest.mark.parametrize(
    "query", [{"level": "x"}, {"peer": "nobody"}, {"peer": "\0", "level": "\0"}]
)
async def test_odd_queries_show_the_usual_page(
    company: Company, browser: Browser, query: dict[str, str]
) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}/share", **query)
    assert shown.status == 200
    assert '<option value="quality" selected>' in shown.html
