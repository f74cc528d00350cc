"""Pictures of every page of the console: `make screenshots`, into screenshots/.

Plays the demo, then opens its companies' consoles in the Chromium of this machine: light and dark,
360 and 1440 pixels wide, each page in the language that is given (`en` by default).
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from underseal_cli.demo import new_cast
from underseal_cli.demo_cast import CELL, PACK, Cast
from underseal_cli.demo_chapters import tell_everything
from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_cli.demo_story import Story

OUT = Path(__file__).parents[1] / "screenshots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--no-first-run")
SCHEMES = ("light", "dark")
WIDTHS = (360, 1440)
LOCALES = {"en": "en-GB", "de": "de-DE", "zh": "zh-CN"}
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
    yield pack, "received", "/received"
    yield pack, "received-one", f"/received/{held}?peer={CELL}"
    yield pack, "board", "/board"
    yield pack, "supplier", f"/board/{CELL}"
    yield pack, "pulls", "/pulls"
    for one in requests[:1]:
        yield pack, "request", f"/requests/{one['id']}"


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


def main(arguments: list[str]) -> None:
    """Play the demo, then take the pictures."""
    locale = LOCALES[arguments[0] if arguments else "en"]
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
        count = photograph_all(browser, cast, locale)
        browser.close()
    sys.stdout.write(f"{count} pictures in {OUT.name}/\n")


if __name__ == "__main__":
    main(sys.argv[1:])
