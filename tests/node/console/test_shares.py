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
    assert "data-print" in shown.html
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
