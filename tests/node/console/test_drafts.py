"""Drafts in the console: made of a product, taken to a verifier, published."""

from __future__ import annotations

import json

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.products import CANARIES, ODD_ID, odd_product, own_product, rows_of
from tests.node.manage.conftest import Company, Stage, make_document, stage
from tests.node.manage.test_products import GIVEN_POWER, POWDER, load, product

__all__ = ["stage"]  # the fixture

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def made(company: Company, browser: Browser) -> str:
    """A draft of the product `cell`, made at the console; its id."""
    await load(company, own_product())
    await browser.get("/products/twin", product="cell")
    shown = await browser.send("/products/draft?product=cell")
    assert "The draft was made." in shown.text
    assert "1 kg CO₂e per piece" in shown.text
    return shown.path.removeprefix("/drafts/")


async def test_a_draft_is_made_and_handed_on(company: Company, browser: Browser) -> None:
    draft_id = await made(company, browser)
    assert (await company.get("/footprints"))["data"] == []
    (row,) = rows_of(await browser.get("/drafts"), "List")
    assert row[:2] == ["Cell 1", draft_id]
    answer = (await browser.get(f"/drafts/{draft_id}/file")).answer
    assert f"draft-{draft_id}.json" in answer.headers["content-disposition"]
    kept = (await company.get(f"/drafts/{draft_id}"))["draft"]
    assert json.loads(answer.content) == kept
    again = await browser.send("/products/draft?product=cell")
    assert "There was this very draft already." in again.text
    assert again.path == f"/drafts/{draft_id}"


async def test_it_is_published_as_it_is(company: Company, browser: Browser) -> None:
    draft_id = await made(company, browser)
    shown = await browser.send(f"/drafts/{draft_id}/publish")
    (footprint,) = (await company.get("/footprints"))["data"]
    assert footprint["id"] == draft_id
    assert shown.path == f"/footprints/{draft_id}"
    assert "Published. No partner may see it yet." in shown.text
    shown = await browser.get(f"/drafts/{draft_id}")
    assert f'href="/console/footprints/{draft_id}"' in shown.html
    assert "Publish this draft" not in shown.text
    assert rows_of(await browser.get("/drafts"), "List")[0][3] != "–"


@pytest.mark.parametrize("as_file", [True, False])
async def test_with_what_a_verifier_attests(
    stage: Stage, new_browser: NewBrowser, as_file: bool
) -> None:
    browser = new_browser(stage.supplier)
    await browser.enter(stage.supplier)
    draft = await stage.draft(make_document(1))
    token = (await stage.attest(draft["draft"]))["attestation"]
    await browser.get(f"/drafts/{draft['id']}")
    files = {"file": ("said.jws", f"{token}\n".encode())} if as_file else None
    fields = {} if as_file else {"attestation": token}
    await browser.send(f"/drafts/{draft['id']}/publish", files=files, **fields)
    shown = await stage.supplier.get(f"/footprints/{draft['id']}")
    assert "verification" in json.dumps(shown["footprint"])


async def test_what_is_refused_keeps_what_was_typed(company: Company, browser: Browser) -> None:
    draft_id = await made(company, browser)
    typed = {"attestation": "no <b>token</b>", "acknowledge": "my reason", "consent": "my letter"}
    refused = await browser.send(f"/drafts/{draft_id}/publish", **typed)
    assert refused.status in (400, 409, 422)
    assert 'role="alert"' in refused.html
    for kept in ("no &lt;b&gt;token&lt;/b&gt;</textarea>", "my reason</textarea>", "my letter"):
        assert kept in refused.html
    from_file = await browser.send(
        f"/drafts/{draft_id}/publish", files={"file": ("x.jws", b"what was in the file")}
    )
    assert "what was in the file</textarea>" in from_file.html
    assert (await company.get("/footprints"))["data"] == []


async def test_nothing_is_drafted_of_open_lines(company: Company, browser: Browser) -> None:
    await load(company, product(POWDER, GIVEN_POWER))
    shown = await browser.get("/products/twin", product="cell")
    assert "Make a draft" not in shown.text
    refused = await browser.send("/products/draft?product=cell")
    assert refused.path == "/products/twin"
    assert "powder" in refused.text
    assert (await company.get("/drafts"))["data"] == []


async def test_unknown_drafts(browser: Browser) -> None:
    for path in (f"/drafts/{UNKNOWN}", f"/drafts/{UNKNOWN}/file"):
        assert (await browser.get(path)).status == 404
    for path in ("/drafts/x", "/drafts/%00", "/drafts/" + "x" * 36):
        assert (await browser.get(path)).status in (404, 422)
    assert (await browser.send(f"/drafts/{UNKNOWN}/publish")).status == 404


async def test_ids_and_names_of_any_characters(company: Company, browser: Browser) -> None:
    bill = odd_product()
    bill["declaration"] = bill["declaration"] | {"productName": "".join(CANARIES)}
    await load(company, bill)
    await browser.get("/products/twin", product=ODD_ID)
    shown = await browser.send("/products/draft?product=" + ODD_ID.replace("%", "%25")
                               .replace("&", "%26").replace("#", "%23"))  # fmt: skip
    assert shown.status == 200
    assert "alert(1)" in shown.text
    for canary in CANARIES:
        assert canary not in shown.html
        assert canary not in (await browser.get("/drafts")).html
