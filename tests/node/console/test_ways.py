"""What the node says to do by a command is said on a page as what to do there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import Markup
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.partnership import PRODUCT, granted, signed_in
from tests.node.manage.conftest import Company, make_document

import underseal_node
from underseal_node.console.app import PAGES
from underseal_node.console.languages import language
from underseal_node.console.ways import COMMANDS, has_page, on_page

NODE = Path(underseal_node.__file__).parent
# Of these there is no page: they are about the machine, its keys and its disk, or make a file for
# a third party or a seal.
AT_THE_TERMINAL = {
    "init", "serve", "migrate-store", "outbox list", "outbox retry", "key list", "key recovery",
    "key revoke", "footprint draft", "footprint attach", "console", "audit open", "product seal",
    "product draft",
}  # fmt: skip
COMMAND = re.compile(r"`underseal ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")


def commands() -> Iterator[tuple[str, str]]:
    """The commands that refusals of the node name, with the file."""
    for file in sorted(NODE.rglob("*.py")):
        if "console" in file.relative_to(NODE).parts:
            continue
        for line in re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8")).splitlines():
            if '"' in line and not line.strip().startswith("#"):
                for group, verb in COMMAND.findall(line):
                    yield f"{group} {verb}".strip(), file.name


def test_each_command_that_is_named_has_a_page_or_none_by_intention() -> None:
    named = set(commands())
    assert len(named) > 30
    unknown = {
        one for one in named
        if not has_page(one[0]) and not {one[0], one[0].split()[0]} & AT_THE_TERMINAL
    }  # fmt: skip
    assert unknown == set()


def test_each_page_is_there() -> None:
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in PAGES]
    for command in COMMANDS:
        for rest in ("", " name", " name --replace 3 --incoming"):
            shown = on_page(f"`underseal {command}{rest}`", language("en"), "")
            (path,) = re.findall(r'href="([^"?]+)', str(shown))
            assert any(re.fullmatch(one, path) for one in known), (command, path)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("`underseal peer list` shows them all.",
         '<a href="/c/partners">Partner</a> shows them all.'),
        ("Approve: `underseal peer approve 'a b/<c>'`.",
         'Approve: <a href="/c/partners/a%20b%2F%3Cc%3E">a b/&lt;c&gt;</a>.'),
        ("`underseal peer set NAME --url URL`", '<a href="/c/partners">Partner</a>'),
        ("`underseal peer set acme --url URL`",
         '<a href="/c/partners/acme/settings">acme › Verbindung</a>'),
        ("Then underseal peer approve acme --words \"...\"",
         'Then <a href="/c/partners/acme">acme</a>'),
        ("With --acknowledge REASON --consent REFERENCE.",
         "With <em>Warum trotzdem</em> <em>Wo der Lieferant zugestimmt hat</em>."),
        ("`underseal grant remove 7`, `underseal grant remove x`",
         '<a href="/c/grants/7">Freigaben › 7</a>, <a href="/c/grants">Freigaben</a>'),
        ("`underseal key list` shows --nothing and <b>", "`underseal key list` shows --nothing and "
         "&lt;b&gt;"),
        ("`underseal peer show 'open`", '<a href="/c/partners/%27open">&#39;open</a>'),
        ("a--peer `--peer`", "a--peer <em>Partner</em>"),
    ],
)  # fmt: skip
def test_what_is_shown_instead(said: str, shown: str) -> None:
    found = on_page(said, language("de"), "/c")
    assert str(found) == shown
    # What is HTML already is not escaped twice.
    escaped = Markup("<span>") + said + Markup("</span>")
    assert str(on_page(escaped, language("de"), "/c")) == f"<span>{shown}</span>"


async def test_a_refusal_leads_to_the_page(pair: tuple[Company, Company],
                                           new_browser: NewBrowser) -> None:  # fmt: skip
    _, supplier = pair
    await supplier.publish(make_document())
    made = await granted(supplier, "cell", productIds=[PRODUCT.format(1)], level="full")
    browser = await signed_in(new_browser, supplier)
    await browser.get("/grants/add")
    shown = await browser.send(
        "/grants/add", peer="cell", kind="product", values=PRODUCT.format(1), level="total"
    )
    assert shown.status == 409
    assert f'href="/console/grants/{made["id"]}"' in shown.html
    assert 'href="/console/grants/matrix">Levels by product</a>).' in shown.html
    assert "underseal grant" not in shown.text


async def test_an_unknown_product_leads_to_the_list(browser: Browser) -> None:
    shown = await browser.get("/products/twin", product="<b>`underseal peer list`</b>")
    assert shown.status == 404
    assert 'href="/console/products">Products</a> lists them.' in shown.html
    assert "<b>" not in shown.html
