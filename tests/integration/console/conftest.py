"""A real Chromium at the consoles of real nodes.

Every page is watched: what the browser complains about, and every request that leaves the node's
own origin, makes the test fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Where nobody looks at what was skipped, a missing browser makes the tests fail.
IS_CI = os.environ.get("CI", "").lower() in ("1", "true")
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None and not IS_CI, reason="there is no Chromium: install the package chromium"
)
# It looks for nobody: what a test sees are requests of pages.
ARGUMENTS = (
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--lang=en",
)
# Of up to 24 characters, with digits up to 16: longer ones, such as digests, have to be broken.
BROKEN_WORDS = r"""() => {
  const found = [];
  for (const cell of document.querySelectorAll("main th, main td")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (const word of text.data.matchAll(/[^\s:.,;/_\-\u2013\u3400-\u9fff]{2,}/g)) {
        if (word[0].length > (/\d/.test(word[0]) ? 16 : 24)) continue;
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
        if (lines.size > 1) found.push(`${word[0]} in ${text.data}`);
      }
    }
  }
  return found;
}"""

PUSHED_ASIDE = """() => [...document.querySelectorAll("main .scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => `${one.getAttribute("aria-label")}: ${one.scrollWidth - one.clientWidth}`)"""


@dataclass
class Person:
    """Somebody at the console of a node.

    Attributes:
        page: of the browser.
        node: whose console it is.
        complaints: what the browser has said, and requests to elsewhere.
    """

    page: Page
    node: NodeProcess
    complaints: list[str] = field(default_factory=list)

    def enter(self) -> None:
        """Open the console by a link of the command."""
        url = self.node.json("console")["url"]
        self.page.goto(url)
        self.page.wait_for_url("**/console/")

    def go(self, path: str) -> None:
        """Go to a page of the console by its address."""
        self.page.goto(f"{self.origin}/console{path}")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.page.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def width(self) -> int:
        """Of the window, in pixels."""
        return int(self.page.evaluate("innerWidth"))

    @property
    def path(self) -> str:
        """The address of the page below `/console`, with its query."""
        parts = urlsplit(self.page.url)
        query = f"?{parts.query}" if parts.query else ""
        return parts.path.removeprefix("/console") + query

    def sees(self, *texts: str) -> None:
        """Each text stands on the page, where it can be seen."""
        for text in texts:
            self.page.get_by_text(text).locator("visible=true").first.wait_for(timeout=10_000)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str) -> None:
        """Press a button, as a person finds it: by its name."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        """Follow a link, as a person finds it: by its text."""
        self.page.get_by_role("link", name=name).first.click()

    def is_fit_for_all(self) -> None:
        """axe-core finds nothing at all, and nothing is cut off at the side."""
        # After a click, the next page is there as soon as its first bytes are.
        self.page.wait_for_load_state("load")
        found = [
            f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in Axe().run(self.page).response["violations"]
        ]
        assert found == [], self.path
        assert self.overflow() <= 0, self.path

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(script))

    def pushed_aside(self) -> list[str]:
        """Tables that are wider than their place, and by how many pixels."""
        found: list[str] = self.page.evaluate(PUSHED_ASIDE)
        return found

    def broken_words(self) -> list[str]:
        """Words in cells of tables that go on in the next line, though nothing is between."""
        found: list[str] = self.page.evaluate(BROKEN_WORDS)
        return found

    def _watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # What the browser says of every answer that is no 200; tests look at those themselves.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        at_home = f"http://127.0.0.1:{self.node.manage_port}"
        if parts.scheme not in ("data", "blob") and not request.url.startswith(f"{at_home}/"):
            self.complaints.append(f"a request to elsewhere: {request.url}")


@pytest.fixture(scope="session", autouse=True)
def _chromium_is_there() -> None:
    """In continuous integration: elsewhere these tests are skipped without it."""
    if CHROMIUM is None and IS_CI:
        pytest.fail(
            "CI is set and there is no Chromium, so nothing would prove the console in a browser: "
            "install the package chromium",
            pytrace=False,
        )


# Not for the session: while it is open, an event loop runs in this thread, and no asynchronous test
# of another module could.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@dataclass
class People:
    """Opens browsers for tests, each with cookies of its own."""

    chromium: Browser
    stack: ExitStack
    all: list[Person] = field(default_factory=list)

    def at(
        self, node: NodeProcess, *, width: int = 1280, scheme: str = "light", locale: str = "en-GB"
    ) -> Person:
        """Somebody who has opened the console of a node."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            locale=locale,
            accept_downloads=True,
        )
        self.stack.callback(context.close)
        person = Person(context.new_page(), node)
        person._watch()
        person.enter()
        self.all.append(person)
        return person


@pytest.fixture
def people(chromium: Browser) -> Iterator[People]:
    with ExitStack() as stack:
        found = People(chromium, stack)
        yield found
        assert [line for one in found.all for line in one.complaints] == []


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    """Nodes of all tests of a module."""
    with QuickWorkbench() as made:
        yield made


@pytest.fixture(scope="session")
def battery() -> Path:
    """The example supply chain."""
    return Path(__file__).parents[3] / "examples" / "battery"
