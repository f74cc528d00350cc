"""Pictures of the console, of the companies of the demo, by the Chromium of this machine.

`make screenshots` takes every page, light and dark, 360 and 1440 pixels wide, into screenshots/, in
the language that is given (`en` by default). `make docs-images` takes the few that the
documentation shows, into docs/images/.
"""

from __future__ import annotations

import io
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from underseal_cli.demo import new_cast
from underseal_cli.demo_cast import CELL, PACK, Cast
from underseal_cli.demo_chapters import tell_everything
from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_cli.demo_story import Story

OUT = Path(__file__).parents[1] / "screenshots"
IMAGES = Path(__file__).parent / "images"
MAX_IMAGE_BYTES = 150_000  # whoever clones the repository gets every version of each
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--no-first-run")
SCHEMES = ("light", "dark")
WIDTHS = (360, 1440)
LOCALES = {"en": "en-GB", "de": "de-DE", "zh": "zh-CN"}
IMAGE_WIDTH = 1120
# What stands in the window, whole lines of it.
SHOWN_TEXTS = """() => {
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const range = document.createRange();
    range.selectNode(text);
    const box = range.getBoundingClientRect();
    if (box.height > 0 && box.bottom > 0 && box.top < innerHeight) found.push(text.data);
  }
  return found.join("\\n");
}"""
SETTLED_SECONDS = 0.5
DRAWN_SECONDS = 2.5  # charts are drawn after the page is there, and fade in


def pages_of(cast: Cast) -> Iterator[tuple[NodeProcess, str, str]]:
    """Each page: whose console, the name of its picture, its address."""
    cell, pack = cast.node(CELL), cast.node(PACK)
    product = quote(cast.company(CELL).calculated)
    own = cell.look("/footprints?status=Active")["data"][0]["id"]
    held = pack.look("/received?peer=" + CELL)["data"][0]["id"]
    requests = pack.look("/requests")["data"] + cell.look("/requests")["data"]
    for name, path in {
        "overview": "/",
        "products": "/products",
        "twin": f"/products/twin?product={product}",
        "match": f"/products/match?product={product}",
        "what-if": f"/products/what-if?product={product}",
        "publish": f"/products/publish?product={product}",
        "seen": f"/products/seen?product={product}",
        "factors": "/factors",
        "drafts": "/drafts",
        "footprints": "/footprints",
        "footprint": f"/footprints/{own}",
        "share": f"/footprints/{own}/share",
        "partners": "/partners",
        "partner": f"/partners/{PACK}",
        "preview": f"/partners/{PACK}/preview",
        "endorsements": "/endorsements",
        "invite": "/invite",
        "accept": "/accept",
        "grants": "/grants",
        "matrix": "/grants/matrix",
        "requests": "/requests",
        "ask": "/requests/new",
        "import": "/import",
        "jobs": "/jobs",
        "audit": "/audit",
        "verify": "/audit/verify",
        "alerts": "/alerts",
        "doctor": "/doctor",
    }.items():
        yield cell, name, path
    for name, path in roster_pages(cell, pack).items():
        yield (pack if name in ("roster-kept", "roster-member") else cell), name, path
    yield pack, "received", "/received"
    yield pack, "received-one", f"/received/{held}?peer={CELL}"
    yield pack, "board", "/board"
    yield pack, "supplier", f"/board/{CELL}"
    yield pack, "pulls", "/pulls"
    for one in requests[:1]:
        yield pack, "request", f"/requests/{one['id']}"


def keep_a_roster(cast: Cast) -> None:
    """The pack maker keeps a roster in which the cell maker is, so that there is one to look at."""
    cell, pack = cast.node(CELL), cast.node(PACK)
    roster, application, admission = (
        str(cast.bench.directory / f"{name}.jws") for name in ("roster", "application", "admission")
    )
    epoch = ("--from", "2026-01-01", "--until", "2099-01-01")
    pack.run("roster", "create", "cells and packs", *epoch, "--out", roster)
    cell.run("roster", "apply", roster, "--entity", "529900T8BM49AURSDO55", "--out", application)
    pack.run("roster", "admit", application, "--yes", "--out", admission)
    cell.run("roster", "join", admission)
    cell.run("roster", "trust", roster)


def roster_pages(cell: NodeProcess, pack: NodeProcess) -> dict[str, str]:
    """Pages of a roster, for whoever keeps it and for a member."""
    kept, found = pack.look("/rosters")["kept"][0], cell.look("/rosters")
    here = urlencode({"roster": kept["name"], "from": kept["notBefore"]})
    there = urlencode({"issuer": found["trusted"][0]["issuer"], "roster": kept["name"]})
    member = urlencode({"member": kept["members"][0]["url"]})
    forms = ("new", "admit", "apply", "join", "trust")
    return {
        "rosters": "/rosters",
        **{f"roster-{name}": f"/rosters/{name}" for name in forms},
        "roster-kept": f"/rosters/kept?{here}",
        "roster-member": f"/rosters/member?{here}&{member}",
        "roster-joined": f"/rosters/joined?{there}",
        "roster-trusted": f"/rosters/trusted?{there}",
    }


def photograph(page: Page, node: NodeProcess, folder: Path, name: str, path: str) -> None:
    """One page, all of it."""
    answer = page.goto(f"http://127.0.0.1:{node.manage_port}/console{path}")
    if answer is None or not answer.ok:
        raise SystemExit(f"{path}: {answer and answer.status}")
    has_chart = page.locator("[data-chart]").count() > 0
    page.wait_for_timeout(1000 * (DRAWN_SECONDS if has_chart else SETTLED_SECONDS))
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def photograph_all(browser: Browser, cast: Cast, locale: str) -> int:
    """Every page in every scheme and width; how many pictures that are."""
    count, pages = 0, list(pages_of(cast))
    for scheme in SCHEMES:
        for width in WIDTHS:
            folder = OUT / f"{scheme}-{width}"
            folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                opened: dict[str, Page] = {}
                for node, name, path in pages:
                    if node.name not in opened:
                        context = browser.new_context(
                            viewport={"width": width, "height": 900},
                            color_scheme="dark" if scheme == "dark" else "light",
                            locale=locale,
                        )
                        stack.callback(context.close)
                        opened[node.name] = context.new_page()
                        opened[node.name].goto(node.json("console")["url"])
                        opened[node.name].wait_for_url("**/console/")
                    photograph(opened[node.name], node, folder, name, path)
                    count += 1
    return count


@dataclass(frozen=True)
class Image:
    """A picture for the documentation: what is in the window at the top of a page, or at a heading.

    Attributes:
        name: of the file, without its ending.
        company: whose console.
        path: of the page.
        height: of the window, in pixels.
        heading: that stands at the top of the window; the page's top where this is empty.
    """

    name: str
    company: str
    path: str
    height: int
    heading: str = ""


def images_of(cast: Cast) -> tuple[Image, ...]:
    """What the documentation shows."""
    product = quote(cast.company(CELL).calculated)
    held = cast.received(PACK, CELL)[0]["id"]
    return (
        Image("overview", CELL, "/", 600),
        Image("twin", CELL, f"/products/twin?product={product}", 500, "Where it comes from"),
        Image("seen", CELL, f"/products/seen?product={product}&only=differences", 720),
        Image("received", PACK, f"/received/{held}?peer={CELL}", 620),
        Image("matrix", CELL, "/grants/matrix", 660),
    )


def photograph_images(browser: Browser, cast: Cast) -> int:
    """The pictures of the documentation; how many they are.

    Raises:
        SystemExit: a page tells something of this machine, or its picture is too large.
    """
    IMAGES.mkdir(exist_ok=True)
    private = {str(Path.home()), str(cast.bench.directory), socket.gethostname()} - {"/"}
    for image in images_of(cast):
        node = cast.node(image.company)
        page = browser.new_page(
            viewport={"width": IMAGE_WIDTH, "height": image.height}, locale=LOCALES["en"]
        )
        page.goto(node.json("console")["url"])
        page.wait_for_url("**/console/")
        page.goto(f"http://127.0.0.1:{node.manage_port}/console{image.path}")
        page.wait_for_timeout(1000 * DRAWN_SECONDS)
        if image.heading:
            heading = page.get_by_role("heading", name=image.heading, exact=True)
            heading.evaluate("element => element.scrollIntoView()")
        shown = page.evaluate(SHOWN_TEXTS)
        told = [one for one in private if one in shown]
        picture = page.screenshot()
        if told or len(picture) > MAX_IMAGE_BYTES:
            raise SystemExit(f"{image.name}: {len(picture)} bytes, and it tells {told}")
        (IMAGES / f"{image.name}.png").write_bytes(picture)
        page.close()
    return len(images_of(cast))


def main(arguments: list[str]) -> None:
    """Play the demo, then take the pictures."""
    for_docs = arguments[:1] == ["docs"]
    locale = LOCALES[arguments[0] if arguments and not for_docs else "en"]
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        raise SystemExit("There is no Chromium; install the package chromium.")
    story = Story(Console(file=io.StringIO(), width=100))
    with Workbench() as bench, sync_playwright() as playwright:
        cast = new_cast(bench)
        with cast.proxy:
            tell_everything(cast, story)
        if story.failed:
            raise SystemExit("\n".join(story.failed))
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        if for_docs:
            count, folder = photograph_images(browser, cast), IMAGES
        else:
            keep_a_roster(cast)
            count, folder = photograph_all(browser, cast, locale), OUT
        browser.close()
    sys.stdout.write(f"{count} pictures in {folder.name}/\n")


if __name__ == "__main__":
    main(sys.argv[1:])
