"""Who signs in again goes on where the session had ended, and nothing of an ended one stays."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from pathlib import Path

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import IMAGE, SCRIPT, assert_harmless
from tests.node.manage.conftest import Company

from underseal_node.console import app, sessions
from underseal_node.console.forms import SECRET_FIELDS, File
from underseal_node.console.importing.files import Held, hold
from underseal_node.console.returning import KEPT, MAX_LEFT
from underseal_node.console.sessions import IDLE, Sessions

TEMPLATES = Path(app.__file__).parent / "templates"
SECRET = "e2VzY2FwZWQtc2VjcmV0fQ"
FORM = "/requests/new"


async def ended(company: Company, browser: Browser) -> None:
    assert (await browser.get("/")).status == 200
    company.advance(seconds=IDLE.total_seconds())


async def send_too_late(browser: Browser, path: str, page: str, **fields: object) -> Shown:
    """A form of a page whose session has ended meanwhile."""
    browser.http.headers["referer"] = f"{browser.http.base_url}/console{page}"
    shown = await browser.send(path, **fields)
    del browser.http.headers["referer"]
    return shown


@pytest.mark.parametrize(
    "page",
    [
        "/footprints?q=steel+%26+w%C3%BCrfel&sort=-pcf",
        "/received?peer=a%2Fb",
        "/partners/settings?x=%25",
        "/",
    ],
)
async def test_the_page_asked_for_is_shown(company: Company, browser: Browser, page: str) -> None:
    await ended(company, browser)
    assert "You go on at this page then." in (await browser.get(page)).text
    shown = await browser.enter(company)
    assert shown.answer.url.raw_path.decode() == f"/console{page}"
    assert (await browser.enter(company)).path == "/", "it is asked for once"


async def test_a_partner_with_odd_signs_is_asked_for(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    await browser.get("/partners/a%3Fb%23c%25d")
    shown = await browser.enter(company)
    assert shown.answer.url.raw_path == b"/console/partners/a%3Fb%23c%25d"


async def test_values_of_a_search_stand_in_its_form(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    await browser.get("/footprints?q=w%C3%BCrfel&status=Active")
    shown = await browser.enter(company)
    assert 'name="q" value="würfel"' in shown.html


async def test_what_was_typed_is_shown_again_and_not_sent(
    company: Company, browser: Browser
) -> None:
    await ended(company, browser)
    refused = await send_too_late(
        browser, "/requests/new", f"{FORM}?x=1", comment="für 2025, bitte", status=["Active", "b"]
    )
    assert refused.status == 401
    assert "What you have typed is there again" in refused.text
    shown = await browser.enter(company)
    assert shown.path == FORM
    assert "Nothing was done." in shown.text
    assert 'data-left="/console/requests/new"' in shown.html
    for name, value in (("comment", "für 2025, bitte"), ("status", "Active"), ("status", "b")):
        assert f'data-name="{name}">{value}</dd>' in shown.html
    assert (await company.get("/requests"))["data"] == []
    assert "data-left" not in (await browser.get(FORM)).html, "it is shown once"


async def test_no_secret_is_kept(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    fields = dict.fromkeys(SECRET_FIELDS, SECRET)
    await send_too_late(browser, "/add-partner", "/add-partner", **{**fields, "name": "Neu"})
    shown = await browser.enter(company)
    assert 'data-name="name">Neu</dd>' in shown.html
    assert SECRET not in shown.html


def test_every_field_for_a_secret_is_known() -> None:
    """Those that browsers hide; and those in which invitations are pasted or shown."""
    texts = [one.read_text("utf-8") for one in TEMPLATES.rglob("*.html")]
    hidden = {
        name for one in texts for name in re.findall(r'field\("(\w+)"[^}]*type="password"', one)
    }
    assert hidden
    assert hidden <= SECRET_FIELDS
    assert any('area("invitation"' in one for one in texts)


async def test_files_are_not_kept_and_asked_for_again(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    browser.http.headers["referer"] = f"{browser.http.base_url}/console/accept"
    await browser.send("/accept", files={"file": ("a.json", b"{}")}, name="Neu")
    del browser.http.headers["referer"]
    shown = await browser.enter(company)
    assert "Choose its files once more" in shown.text


async def test_what_was_typed_is_text(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    await send_too_late(browser, FORM, FORM, **{SCRIPT: IMAGE, "comment": SCRIPT})
    shown = await browser.enter(company)
    assert shown.html.count("data-name=") == 2
    assert_harmless(shown)


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}]
)
async def test_a_form_of_another_site_fills_in_nothing(
    company: Company, browser: Browser, headers: dict[str, str]
) -> None:
    await ended(company, browser)
    browser.http.headers.update(headers)
    refused = await send_too_late(browser, FORM, FORM, comment="from elsewhere")
    for name in headers:
        del browser.http.headers[name]
    assert "typed" not in refused.text
    shown = await browser.enter(company)
    assert shown.path == "/"
    assert "from elsewhere" not in shown.html


@pytest.mark.parametrize(
    "referer", ["https://elsewhere.example/console/requests", "not an address", ""]
)
async def test_without_the_page_of_the_form_its_address_is_what_is_shown(
    company: Company, browser: Browser, referer: str
) -> None:
    await ended(company, browser)
    browser.http.headers["referer"] = referer
    await browser.send(FORM, comment="x")
    del browser.http.headers["referer"]
    assert (await browser.enter(company)).path == FORM


@pytest.mark.parametrize(
    "said", ["%5C%5Celsewhere|", "https:%2F%2Felsewhere.example|", "|", "%0d|x"]
)
async def test_a_cookie_leads_nowhere_else(company: Company, browser: Browser, said: str) -> None:
    await ended(company, browser)
    await browser.get("/footprints")
    name = next(one for one in browser.http.cookies if one.startswith("underseal_back"))
    browser.http.cookies.delete(name)
    browser.http.cookies.set(name, said)
    assert (await browser.enter(company)).path == "/"


async def test_what_nobody_comes_back_to_is_forgotten(company: Company, browser: Browser) -> None:
    await ended(company, browser)
    await send_too_late(browser, FORM, FORM, comment="too late")
    company.advance(seconds=KEPT.total_seconds())
    shown = await browser.enter(company)
    assert "too late" not in shown.html


async def test_only_some_are_remembered(
    company: Company, browser: Browser, new_browser: NewBrowser
) -> None:
    await ended(company, browser)
    await send_too_late(browser, FORM, FORM, comment="the first")
    for _ in range(MAX_LEFT):
        await send_too_late(new_browser(company), FORM, FORM, comment="another")
    assert "the first" not in (await browser.enter(company)).html


async def test_an_address_that_is_too_long_loses_its_query(
    company: Company, browser: Browser
) -> None:
    await ended(company, browser)
    await browser.get("/footprints", q="x" * 5_000)
    shown = await browser.enter(company)
    assert (shown.path, shown.answer.url.query) == ("/footprints", b"")


async def test_a_script_that_asks_for_a_part_is_not_what_is_gone_on_with(
    company: Company, browser: Browser
) -> None:
    await ended(company, browser)
    await browser.get("/received")
    browser.http.headers["sec-fetch-mode"] = "cors"
    await browser.get("/footprints")
    del browser.http.headers["sec-fetch-mode"]
    assert (await browser.enter(company)).path == "/received"


# --- what ended sessions keep ------------------------------------------------------------------


def _with_a_file(company: Company) -> tuple[Sessions, weakref.ref[Held]]:
    found = Sessions(lambda: company.time[0])
    secret = found.enter(found.new_link())
    assert secret is not None
    session = found.find(secret)
    assert session is not None
    held = hold(session, Held("", "a.xlsx", b"x" * 1_000, others=(File("b", b""),)), 10_000)
    return found, weakref.ref(held)


def test_files_of_ended_sessions_are_freed(company: Company) -> None:
    found, file = _with_a_file(company)
    company.advance(seconds=IDLE.total_seconds() - 1)
    assert found.forget_ended()
    assert file() is not None
    company.advance(seconds=1)
    assert not found.forget_ended()
    gc.collect()
    assert file() is None


async def test_they_are_freed_though_nobody_comes_back(
    company: Company, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SWEEP_SECONDS", 0.01)
    freed = asyncio.Event()
    forget = sessions.Sessions.forget_ended

    def noticed(self: Sessions) -> bool:
        going_on = forget(self)
        if not going_on:
            freed.set()
        return going_on

    monkeypatch.setattr(sessions.Sessions, "forget_ended", noticed)
    await new_browser(company).enter(company)  # from now on somebody looks
    company.advance(seconds=IDLE.total_seconds())
    await asyncio.wait_for(freed.wait(), timeout=30)
