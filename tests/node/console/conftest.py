"""A browser at the console of a company: signs in as a person does, and keeps its cookies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import (  # noqa: F401 - fixtures
    MANAGE_URL,
    Company,
    company,
    market,
    pair,
)

from underseal_node.console import jobs

CSRF = re.compile(r'name="csrf" value="([^"]+)"')
TAG = re.compile(r"<[^>]+>")
SPACE = re.compile(r"\s+")


@dataclass
class Shown:
    """A page as it was answered."""

    answer: httpx.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def html(self) -> str:
        return self.answer.text

    @property
    def text(self) -> str:
        """What a reader sees, in one line."""
        body = self.html.partition("<body")[2].replace("<wbr>", "")
        return SPACE.sub(" ", unescape(TAG.sub(" ", body))).strip()

    @property
    def path(self) -> str:
        return self.answer.url.path.removeprefix("/console")


@dataclass
class Browser:
    """Somebody's browser; follows redirects, as all do."""

    http: httpx.AsyncClient
    csrf: str = ""

    async def enter(self, company: Company) -> Shown:  # noqa: F811
        """Sign in by a link that the operator asks for."""
        link = (await company.post("/console/links", status=201))["path"]
        page, _, code = link.partition("#")
        assert (await self.http.get(page)).status_code == 200
        return await self.send(page.removeprefix("/console"), code=code)

    async def get(self, path: str, **query: str) -> Shown:
        return self._shown(await self.http.get(f"/console{path}", params=query or None))

    async def send(self, path: str, files: Any = None, **fields: Any) -> Shown:
        """Send a form of the page that was shown last."""
        data = {"csrf": self.csrf, **fields}
        return self._shown(await self.http.post(f"/console{path}", data=data, files=files))

    def _shown(self, answer: httpx.Response) -> Shown:
        found = CSRF.search(answer.text) if "html" in answer.headers["content-type"] else None
        self.csrf = found[1] if found else self.csrf
        return Shown(answer)


NewBrowser = Callable[[Company], Browser]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow a machine is, a test sees what comes of work, unless it wants to wait."""
    monkeypatch.setattr(jobs, "AT_ONCE_SECONDS", 120)


@pytest.fixture
async def new_browser() -> AsyncIterator[NewBrowser]:
    """Browsers that nobody has signed in at."""
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def make(company: Company) -> Browser:
            clients.append(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(company.app),
                    base_url=MANAGE_URL,
                    follow_redirects=True,
                )
            )
            stack.push_async_callback(clients[-1].aclose)
            return Browser(clients[-1])

        yield make


@pytest.fixture
async def browser(company: Company, new_browser: NewBrowser) -> Browser:  # noqa: F811
    """Signed in at the console of `company`."""
    made = new_browser(company)
    await made.enter(company)
    return made
