"""Who gets into the console, and what a form has to bring along."""

from __future__ import annotations

import httpx
import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.manage.conftest import MANAGE_URL, Company, Market

from underseal_node.console.app import ACTIONS, PAGES, UPLOADS
from underseal_node.console.sessions import IDLE, LINK_SECONDS, LONGEST, MAX_SESSIONS, Session

CHANGES = (*ACTIONS, *UPLOADS)
FIXED = {"{name}": "somebody", "{id}": "1", "{grant}": "1", "{move}": "approve"}


def address(path: str) -> str:
    for part, value in FIXED.items():
        path = path.replace(part, value)
    return path


async def link_of(company: Company) -> str:
    return str((await company.post("/console/links", status=201))["path"])


async def test_a_link_signs_in_once(company: Company, new_browser: NewBrowser) -> None:
    first, second = new_browser(company), new_browser(company)
    code = (await link_of(company)).partition("#")[2]
    assert (await first.send("/enter", code=code)).path == "/"
    refused = await second.send("/enter", code=code)
    assert refused.status == 401
    assert "used already" in refused.text
    assert (await second.get("/")).status == 401
    assert (await first.get("/")).status == 200


async def test_a_link_ends(company: Company, new_browser: NewBrowser) -> None:
    code = (await link_of(company)).partition("#")[2]
    company.advance(seconds=LINK_SECONDS)
    assert (await new_browser(company).send("/enter", code=code)).status == 401


async def test_only_the_operator_gets_links(company: Company, browser: Browser) -> None:
    """Not even somebody who is signed in: a session does not make further ones."""
    answer = await browser.http.post("/console/links")
    assert answer.status_code == 401
    assert "operator token" in answer.json()["message"]
    assert company.node.home.operator_token() not in answer.text


async def test_who_is_not_signed_in_sees_no_page(company: Company, new_browser: NewBrowser) -> None:
    stranger = new_browser(company)
    for path in (*PAGES, "/anything"):
        shown = await stranger.get(address(path))
        assert shown.status == (404 if path == "/anything" else 401), path
        assert company.node.identity.company_name not in shown.html


async def test_who_is_not_signed_in_does_nothing(company: Company, new_browser: NewBrowser) -> None:
    stranger = new_browser(company)
    for path in CHANGES:
        assert (await stranger.send(address(path))).status == 401, path


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
    ],
)
async def test_a_form_of_another_site_does_nothing(
    browser: Browser, headers: dict[str, str]
) -> None:
    assert (await browser.get("/")).status == 200
    token = browser.csrf
    browser.http.headers.update(headers)
    for path in CHANGES:
        shown = await browser.send(address(path), csrf=token)
        assert shown.status == 403, path
        assert "Nothing was changed" in shown.text


@pytest.mark.parametrize("csrf", ["", "wrong", "é\N{SNOWMAN}"])
async def test_a_form_without_the_token_of_the_session_does_nothing(
    browser: Browser, csrf: str
) -> None:
    for path in CHANGES:
        assert (await browser.send(address(path), csrf=csrf)).status == 403, path


async def test_the_cookie_is_for_nobody_else(company: Company, new_browser: NewBrowser) -> None:
    code = (await link_of(company)).partition("#")[2]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(company.app), base_url=MANAGE_URL
    ) as client:
        answer = await client.post("/console/enter", data={"code": code})
    attributes = answer.headers["set-cookie"].lower()
    assert "httponly" in attributes
    assert "samesite=strict" in attributes
    assert "path=/console" in attributes


async def test_two_nodes_of_one_machine_have_cookies_of_their_own(
    market: Market, new_browser: NewBrowser
) -> None:
    names: set[str] = set()
    for name in ("one", "two"):
        one = await market.open(name)
        browser = new_browser(one)
        await browser.enter(one)
        names.update(browser.http.cookies.keys())
    assert len(names) == 2


async def test_who_leaves_is_out(browser: Browser) -> None:
    assert (await browser.get("/")).status == 200
    cookies = dict(browser.http.cookies)
    assert (await browser.send("/leave")).status == 401
    browser.http.cookies.update(cookies)
    assert (await browser.get("/")).status == 401


@pytest.mark.parametrize("after", [IDLE, LONGEST])
async def test_a_session_ends_by_itself(company: Company, browser: Browser, after: object) -> None:
    seconds = IDLE.total_seconds() - 1
    steps = 1 if after is IDLE else int(LONGEST.total_seconds() // seconds)
    for _ in range(steps):
        company.advance(seconds=seconds)
        assert (await browser.get("/")).status == 200
    company.advance(seconds=2 if after is LONGEST else IDLE.total_seconds())
    company.advance(seconds=LONGEST.total_seconds() - steps * seconds if after is LONGEST else 0)
    assert (await browser.get("/")).status == 401


async def test_the_session_unused_for_longest_makes_room(
    company: Company, browser: Browser, new_browser: NewBrowser
) -> None:
    for _ in range(MAX_SESSIONS):
        company.advance(seconds=1)
        await new_browser(company).enter(company)
    assert (await browser.get("/")).status == 401


async def test_every_answer_is_closed(browser: Browser) -> None:
    for path in ("/", "/nothing", "/static/console.css", "/static/nothing", "/enter"):
        headers = (await browser.get(path)).answer.headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_the_host_is_checked(browser: Browser) -> None:
    answer = await browser.http.get("/console/", headers={"host": "evil.example"})
    assert answer.status_code == 421


async def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    shown = await browser.send("/leave", more="x" * 2_000_000)
    assert shown.status == 200  # still signed in: nothing of it was read


async def test_a_session_shows_no_secret() -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    assert "canary" not in repr(Session(now, now, "canary"))


@pytest.mark.parametrize(
    ("path", "area"),
    [
        ("/", "Overview"),
        ("/footprints", "Footprints"),
        ("/grants/matrix", "Partners"),
        ("/invite", "Partners"),
        ("/drafts", "Products"),
        ("/jobs", "Import"),
        ("/doctor", "Audit"),
        ("/pulls", "Received"),
    ],
)
async def test_the_menu_says_where_one_is(browser: Browser, path: str, area: str) -> None:
    html = (await browser.get(path)).html.partition("</header>")[0]
    assert html.count("aria-current") == 1
    assert f'aria-current="page">{area}</a>' in html


@pytest.mark.parametrize(
    ("path", "page"),
    [("/footprints/x/supersede", "/footprints/x"), ("/leave", "/"), ("/partners/x/y/z", None)],
)
async def test_where_a_form_was_refused_the_page_behind_it_is_shown(
    browser: Browser, path: str, page: str | None
) -> None:
    """Choosing a language below it, or typing its address, asks for it without a form."""
    answer = await browser.http.get(f"/console{path}", follow_redirects=False)
    assert answer.headers.get("location") == (f"/console{page}" if page else None)
