"""What tests of partners, grants, requests and the log have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.manage.conftest import Company

from underseal_node.console.app import Console
from underseal_node.console.sessions import Session

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
PRODUCT = "urn:pact:cathode.example:product-id:{}"
SPOKEN = re.compile(r'<ol class="spoken"[^>]*>(.*?)</ol>', re.DOTALL)
ODD_NAMES = (
    "<script>alert(1)<script>",
    IMAGE,
    "a?b#c%d&e=f",
    "电池 材料",
    "..a",
    "%2e%2e",
    "{{ 7*7 }}",
    "'; DROP",
    "settings",
    "add",
)
ODD_QUERIES = (
    {"page": "-1"},
    {"page": "999999999999999999999"},
    {"page": "x"},
    {"sort": "zzz"},
    {"sort": "-"},
    {"q": "\0"},
    {"q": "x" * 20_000},
    {"q": SCRIPT, "as": "pdf"},
    {"state": SCRIPT, "direction": IMAGE},
    {"peer": "\0"},
    {"peer": IMAGE},
)


def page_of(name: str) -> str:
    """The address of the page of a partner."""
    return f"/partners/{quote(name, safe='')}"


def assert_harmless(shown: Shown) -> None:
    """Whatever somebody wrote is text on a page."""
    assert "<script>alert" not in shown.html
    assert "<img src=x" not in shown.html


def spoken(shown: Shown) -> list[str]:
    """The words on a page: each list of eight as one text."""
    return [" ".join(re.findall(r"<li>(\w+)</li>", one)) for one in SPOKEN.findall(shown.html)]


def value_of(shown: Shown, name: str) -> str:
    """The value of a field, by its name or id."""

    tag = re.search(
        rf'<(?:input|textarea|select)[^>]*\b(?:name|id)="{re.escape(name)}"[^>]*>', shown.html
    )
    assert tag is not None, name
    if tag[0].startswith("<textarea"):
        return unescape(shown.html[tag.end() :].partition("</textarea>")[0])
    if tag[0].startswith("<select"):
        options = shown.html[tag.end() :].partition("</select>")[0]
        found = re.search(r'<option value="([^"]*)" selected', options)
        return "" if found is None else unescape(found[1])
    found = re.search(r'\bvalue="([^"]*)"', tag[0])
    return "" if found is None else unescape(found[1])


async def signed_in(new_browser: NewBrowser, company: Company) -> Browser:
    made = new_browser(company)
    await made.enter(company)
    return made


def sessions(company: Company) -> Iterator[Session]:
    """All that the console of a company remembers of its browsers."""
    for route in company.app.routes:
        for inner in getattr(getattr(route, "app", None), "routes", ()):
            console = getattr(inner.endpoint, "__self__", None)
            if isinstance(console, Console):
                yield from console._sessions._sessions.values()
                return
    raise AssertionError("there is no console")


class Watch:
    """Every address that a browser asks for or is sent to."""

    def __init__(self, browser: Browser) -> None:
        self.addresses: list[str] = []
        browser.http.event_hooks["request"].append(self._asked)
        browser.http.event_hooks["response"].append(self._answered)

    async def _asked(self, request: httpx.Request) -> None:
        self.addresses.append(str(request.url))

    async def _answered(self, response: httpx.Response) -> None:
        self.addresses += [response.headers.get(name, "") for name in ("location", "refresh")]

    def assert_without(self, *secrets: str) -> None:
        assert self.addresses
        text = "\n".join(self.addresses)
        for secret in secrets:
            assert len(secret) > 8
            assert secret not in text
            assert quote(secret, safe="") not in text


async def granted(company: Company, peer: str, **what: Any) -> dict[str, Any]:
    """A grant that was made over the API."""
    made: dict[str, Any] = (await company.post("/grants", {"peer": peer, **what}, 201))["data"][0]
    return made
