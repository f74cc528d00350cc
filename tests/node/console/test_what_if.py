"""What if, in the console: the session keeps what is tried, no address holds it, and nothing is
stored."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.node.console.conftest import TAG, Browser, NewBrowser, Shown
from tests.node.console.products import (
    CANARIES,
    GAS,
    ODD_ID,
    ODD_LINE,
    odd_product,
    own_product,
    rows_of,
)
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import (
    GIVEN_POWER,
    GRID,
    POWDER,
    line,
    load,
    product,
)

from underseal_node.console.products import what_if

PAGE = "/products/what-if"


async def tried(
    browser: Browser, line: str, amount: str = "", unit: str = "kWh", source: str = ""
) -> Shown:
    """Change one line of the product `cell`."""
    await browser.get(PAGE, product="cell")
    names = ("product", "line", "old-amount", "amount", "unit", "source")
    values = ("cell", line, "5", amount, unit, source)
    return await browser.send(f"{PAGE}?product=cell", **dict(zip(names, values, strict=True)))


def main(shown: Shown) -> tuple[str, ...]:
    """The figure before, after, and the change."""
    text = " ".join(unescape(TAG.sub(" ", shown.html)).split())
    found = re.search(r"(\S+) kg CO₂e per .+? instead of (\S+): (\S+ \(\S+ %\))", text)
    assert found is not None, text
    return found[2], found[1], found[3]


async def ready(company: Company) -> None:
    """5 kWh at 0.2, and 2 kWh at 0.2 in a part of which 3 pieces are in it."""
    part = own_product("part", GIVEN_POWER | {"quantity": {"amount": "2", "unit": "kWh"}})
    del part["declaration"]
    cell = product(line("parts", "Parts", "3", "piece", source={"product": "part"}), GIVEN_POWER)
    await load(company, cell, part, factors=(GRID, GAS))


async def test_what_can_be_changed(company: Company, browser: Browser) -> None:
    await ready(company)
    shown = await browser.get(PAGE, product="cell")
    lines = re.findall(
        r'name="product" value="([^"]*)"><input type="hidden" name="line" value="([^"]*)">\s*'
        r'<input type="hidden" name="old-amount" value="([^"]*)">'
        r'<input type="hidden" name="unit" value="([^"]*)">',
        shown.html,
    )
    assert lines == [
        ("cell", "parts", "3", "piece"),
        ("part", "power", "2", "kWh"),
        ("cell", "power", "5", "kWh"),
    ]
    assert "What would change" not in shown.text


async def test_the_session_keeps_what_is_tried_and_no_address_holds_it(
    company: Company, browser: Browser, new_browser: NewBrowser
) -> None:
    await ready(company)
    await company.post("/products/publish", product="cell")
    await browser.get(PAGE, product="cell")
    fields = {
        "product": ["cell", "part", "cell"],
        "line": ["parts", "power", "power"],
        "old-amount": ["3", "2", "5"],
        "amount": ["3", "1", "5"],
        "unit": ["piece", "kWh", "kWh"],
        "source": ["", "", "factor:GAS"],
    }
    sent = await browser.send(f"{PAGE}?product=cell", **fields)
    again = await browser.get(PAGE, product="cell")
    part = await browser.send(f"{PAGE}?product=cell", **fields, part="result")
    for shown in (sent, again, part):
        assert str(shown.answer.url).endswith("/what-if?product=cell")
        assert not any("GAS" in str(one.url) for one in shown.answer.history)
        assert all(
            "GAS" not in link for link in re.findall(r'(?:href|action)="([^"]*)"', shown.html)
        )
    assert "<body" not in part.html
    for shown in (sent, again, part):
        # 5 x 0.25 + 3 x 1 x 0.2
        assert "1.85 <small>kg CO₂e per piece</small>" in shown.html
        assert main(shown) == ("2.2", "1.85", "-0.35 (-15.9 %)")
        assert rows_of(shown, "Figures")[0][1:] == ["2.2", "1.85", "-0.35 (-15.9 %)"]
        by_line = {row[0]: row[1:] for row in rows_of(shown, "Changed lines")}
        assert by_line["Electricity part/power"] == ["1.2", "0.6", "-0.6 (-50.0 %)"]
    for shown in (sent, again):
        assert 'name="amount" value="1"' in shown.html
        assert 'autocomplete="off" value="factor:GAS"' in shown.html
    assert (await company.get("/status"))["stale"] == []
    other = new_browser(company)
    await other.enter(company)
    assert "What would change" not in (await other.get(PAGE, product="cell")).text
    asis = await browser.send(f"{PAGE}?product=cell")
    assert "What would change" not in asis.text
    assert 'autocomplete="off" value="factor:GAS"' not in asis.html
    document = (await company.get("/products/detail", product="part"))["document"]
    assert document["lines"][0]["quantity"]["amount"] == "2"


async def test_our_own_parts_can_be_fewer(company: Company, browser: Browser) -> None:
    await ready(company)
    shown = await tried(browser, "parts", "0", "piece")
    assert main(shown)[:2] == ("2.2", "1")


@pytest.mark.parametrize(
    ("line", "typed", "message"),
    [
        ("power", {"amount": "much"}, "much"),
        ("power", {"amount": "-1"}, "-1"),
        ("power", {"amount": "1", "unit": "miles"}, "mile cannot be converted"),
        ("gone", {"amount": "1"}, "gone"),
        ("power", {"source": "factor:gone"}, "no factor 'gone'"),
        ("power", {"source": CANARIES[0]}, "names no source"),
    ],
)
async def test_what_is_refused_keeps_what_was_typed(
    company: Company, browser: Browser, line: str, typed: dict[str, str], message: str
) -> None:
    await ready(company)
    shown = await tried(browser, line, **typed)
    assert shown.status in (404, 422)
    assert message in shown.text
    assert CANARIES[0] not in shown.html
    if line == "power":
        found = [unescape(one) for one in re.findall(r'value="([^"]*)"', shown.html)]
        assert next(iter(typed.values())) in found


@pytest.mark.parametrize("value", ["", "{", '["cell","power","9","kWh"]', "\0", "x" * 10_000])
async def test_an_address_changes_nothing(company: Company, browser: Browser, value: str) -> None:
    await ready(company)
    shown = await browser.get(PAGE, product="cell", a=value, s=value)
    assert shown.status == 200
    assert "What would change" not in shown.text


async def test_only_some_are_kept(
    company: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if, "MOST_TRIED", 1)
    await ready(company)
    await tried(browser, "power", "4")
    assert "What would change" in (await browser.get(PAGE, product="cell")).text
    fields = {"product": "part", "line": "power", "old-amount": "2", "amount": "1", "unit": "kWh"}
    await browser.send(f"{PAGE}?product=part", **fields, source="")
    assert "What would change" not in (await browser.get(PAGE, product="cell")).text


async def test_open_lines_come_first(company: Company, browser: Browser) -> None:
    await load(company, product(POWDER, GIVEN_POWER))
    shown = await browser.get(PAGE, product="cell")
    assert shown.status == 422
    assert "powder" in shown.text
    assert 'href="/console/products/match?product=cell"' in shown.html


async def test_fractions_are_texts(company: Company, browser: Browser) -> None:
    """A browser would take them for no number, and send nothing."""
    third = GIVEN_POWER | {"quantity": {"amount": "1/3", "unit": "kWh"}}
    await load(company, product(third))
    shown = await browser.get(PAGE, product="cell")
    assert 'name="amount" value="1/3" data-old="1/3"' in shown.html
    assert 'type="range"' not in shown.html
    shown = await tried(browser, "power", "2/3")
    assert main(shown)[2].endswith("(+100.0 %)")


async def test_ids_of_any_characters(company: Company, browser: Browser) -> None:
    await load(company, odd_product())
    await browser.get(PAGE, product=ODD_ID)
    sent = await browser.send(
        f"{PAGE}?product={ODD_ID.replace('%', '%25').replace('&', '%26').replace('#', '%23')}",
        **{
            "product": [ODD_ID],
            "line": [ODD_LINE],
            "old-amount": ["5"],
            "amount": ["10"],
            "unit": ["kWh"],
            "source": [""],
        },
    )
    assert main(sent)[:2] == ("1.2", "2.2")
    for canary in CANARIES:
        assert canary not in sent.html
