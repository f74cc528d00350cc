"""Matching lines in the console: proposals, decisions, taking one back."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.products import CANARIES, ODD_ID, odd_product, own_product, rows_of
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import (
    GIVEN_POWER,
    GRID,
    POWDER,
    POWER,
    Supplied,
    line,
    load,
    product,
    supplied,
)

__all__ = ["supplied"]  # the fixture

RADIO = re.compile(r'<input type="radio"[^>]*name="source-(\d+)" value="([^"]*)"( checked)?>')
OPEN: dict[str, Any] = {"product": ["cell"], "line": ["powder"]}


def radios(shown: Shown) -> list[tuple[int, str, bool]]:
    """Of each choice: number of the line, value, whether it is chosen."""
    return [(int(one), unescape(value), bool(on)) for one, value, on in RADIO.findall(shown.html)]


async def decided(company: Company, product_id: str = "cell") -> dict[str, Any]:
    found = (await company.get("/matches", product=product_id))["data"]
    return {one["line"]: one.get("source") for one in found}


async def test_what_is_certain_is_chosen_and_confirmed(
    supplied: Supplied, new_browser: NewBrowser
) -> None:
    customer, _, footprint = supplied
    await load(customer)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/match", product="cell")
    assert "1 line needs a source" in shown.text
    assert "it has the product id of the line" in shown.text
    assert radios(shown) == [
        (0, f"footprint:{footprint}", True),
        *((0, one, False) for one in ("other", "left-out", "")),
    ]
    assert [row[0] for row in rows_of(shown, "What lines resolve to")] == ["Electricity power"]
    done = await browser.send(
        "/products/match?product=cell", **OPEN, **{"source-0": f"footprint:{footprint}"}
    )
    assert "1 line was decided." in done.text
    assert "Every line resolves to something." in done.text
    assert (await decided(customer))["powder"] == {"footprint": footprint}
    (row, _) = rows_of(done, "What lines resolve to")
    assert row[3] == "your decision"


async def test_sources_are_said_in_the_language_of_the_reader(
    supplied: Supplied, new_browser: NewBrowser
) -> None:
    customer, *_ = supplied
    await load(customer)
    browser = new_browser(customer)
    await browser.enter(customer)
    await browser.get("/language/de")
    shown = await browser.get("/products/match", product="cell")
    (row,) = rows_of(shown, "Worauf sich Zeilen beziehen")
    assert row[2].startswith("Faktor EL-HU: ")


async def test_a_decision_is_taken_back(supplied: Supplied, new_browser: NewBrowser) -> None:
    customer, _, footprint = supplied
    await load(customer)
    browser = new_browser(customer)
    await browser.enter(customer)
    await browser.get("/products/match", product="cell")
    answer = {"source-0": f"footprint:{footprint}"}
    await browser.send("/products/match?product=cell", **OPEN, **answer)
    done = await browser.send("/products/match/back?product=cell", product="cell", line="powder")
    assert "The decision was taken back." in done.text
    assert (await decided(customer))["powder"] is None
    again = await browser.send("/products/match/back?product=cell", product="cell", line="powder")
    assert "nothing was decided" in again.text


@pytest.mark.parametrize(
    ("chosen", "more", "source"),
    [
        ("other", {"other-0": "factor:EL-HU"}, {"factor": "EL-HU"}),
        ("left-out", {"reason-0": "less than 1 %"}, {"leftOut": {"reason": "less than 1 %"}}),
        ("", {"other-0": "factor:EL-HU"}, None),
    ],
)
async def test_something_else(
    company: Company, browser: Browser, chosen: str, more: dict[str, str], source: Any
) -> None:
    await load(company, product(line("x", "Unknown", "2", "kWh"), GIVEN_POWER))
    shown = await browser.get("/products/match", product="cell")
    assert "Nothing was found for it" in shown.text
    assert '<option value="factor:EL-HU">Grid electricity, Hungary (Grid data), kWh' in shown.html
    await browser.send(
        "/products/match?product=cell",
        **{"product": "cell", "line": "x", "source-0": chosen},
        **more,
    )
    assert (await decided(company))["x"] == source


async def test_nothing_chosen_decides_nothing(company: Company, browser: Browser) -> None:
    await load(company, product(line("x", "Unknown"), GIVEN_POWER))
    await browser.get("/products/match", product="cell")
    done = await browser.send("/products/match?product=cell", product="cell", line="x")
    assert "Nothing was chosen" in done.text
    assert (await decided(company))["x"] is None


@pytest.mark.parametrize("typed", ["factor:gone", "nonsense", "factor:", CANARIES[1]])
async def test_what_is_refused_keeps_what_was_typed(
    company: Company, browser: Browser, typed: str
) -> None:
    """Of two decisions neither is made."""
    await load(company, product(POWDER, POWER))
    await browser.get("/products/match", product="cell")
    shown = await browser.send(
        "/products/match?product=cell",
        **{
            "product": ["cell", "cell"],
            "line": ["powder", "power"],
            "source-0": "left-out",
            "reason-0": "it is <b>little</b>",
            "source-1": "other",
            "other-1": typed,
        },
    )
    assert shown.status in (404, 422)
    assert 'role="alert"' in shown.html
    assert f'value="{typed}"' in shown.html.replace("&#34;", '"') or CANARIES[1] == typed
    assert "it is &lt;b&gt;little&lt;/b&gt;" in shown.html
    assert CANARIES[1] not in shown.html
    assert [value for _, value, is_chosen in radios(shown) if is_chosen] == ["left-out", "other"]
    assert await decided(company) == {"powder": None, "power": None}


async def test_open_lines_of_all_products(company: Company, browser: Browser) -> None:
    empty = await browser.get("/products/match")
    assert "Every line resolves to something." in empty.text
    await load(
        company, product(POWDER, GIVEN_POWER), product(POWDER, GIVEN_POWER, product_id="other")
    )
    shown = await browser.get("/products/match")
    assert "2 lines need a source" in shown.text
    await browser.send(
        "/products/match",
        **{
            "product": ["cell", "other"],
            "line": ["powder", "powder"],
            "source-0": "",
            "source-1": "left-out",
            "reason-1": "free",
        },
    )
    assert (await decided(company))["powder"] is None
    assert (await decided(company, "other"))["powder"] == {"leftOut": {"reason": "free"}}


async def test_what_resolves_already_can_be_chosen_anew(company: Company, browser: Browser) -> None:
    await load(company, own_product(), factors=(GRID, GRID | {"id": "WIND", "name": "Wind"}))
    shown = await browser.get("/products/match", product="cell", line="power")
    assert "now: factor EL-HU" in shown.text
    await browser.send(
        "/products/match?product=cell",
        **{"product": "cell", "line": "power", "source-0": "other", "other-0": "factor:WIND"},
    )
    assert (await decided(company))["power"] == {"factor": "WIND"}


async def test_ids_of_any_characters(company: Company, browser: Browser) -> None:
    bill = odd_product()
    del bill["lines"][0]["source"]
    await load(company, bill)
    shown = await browser.get("/products/match", product=ODD_ID)
    for canary in CANARIES:
        assert canary not in shown.html
    fields = {
        name: [unescape(one) for one in re.findall(rf'name="{name}" value="([^"]*)"', shown.html)]
        for name in ("product", "line")
    }
    action = re.search(r'action="/console(/products/match[^"]*)"', shown.html)
    assert action is not None
    await browser.send(
        unescape(action[1]),
        **{**fields, "source-0": "other", "other-0": "factor:EL-HU"},
    )
    assert None not in (await decided(company, ODD_ID)).values()


async def test_many_lines_come_in_pages(company: Company, browser: Browser) -> None:
    still_open = [
        {**line(f"o{number:03}", f"Open {number:03}", "1", "kWh"), "kind": "energy"}
        for number in range(60)
    ]
    known = [
        {**line(f"k{number:03}", f"Known {number:03}", "1", "kWh"), "kind": "energy",
         "source": {"factor": "EL-HU"}}
        for number in range(70)
    ]  # fmt: skip
    await load(company, product(*still_open, *known))
    first = await browser.get("/products/match", product="cell")
    assert "60 lines need a source" in first.text
    assert ("Open 049" in first.text, "Open 050" in first.text) == (True, False)
    assert ("Known 049" in first.text, "Known 050" in first.text) == (True, False)
    assert "Page 1 of 2, 70 in all" in first.text
    later = await browser.get("/products/match", product="cell", page="2", resolved="2")
    assert ("Open 049" in later.text, "Open 050" in later.text) == (False, True)
    assert ("Known 049" in later.text, "Known 050" in later.text) == (False, True)
    done = await browser.send(
        "/products/match?product=cell&page=2&resolved=2",
        product=["cell"], line=["o055"], **{"source-0": "other", "other-0": "factor:EL-HU"},
    )  # fmt: skip
    assert "1 line was decided." in done.text
    assert "Page 2 of 2, 59 in all" in done.text
    assert done.answer.url.params["resolved"] == "2"
    assert "Known 069" in done.text
    chosen = await browser.get("/products/match", product="cell", line="k069")
    assert chosen.text.index("Known 069") < chosen.text.index("Open 000")
    for odd in ("0", "-1", "x", "9" * 30):
        shown = await browser.get("/products/match", product="cell", page=odd, resolved=odd)
        assert shown.status == 200


async def test_a_long_bill_comes_in_pages(company: Company, browser: Browser) -> None:
    lines = [
        {**line(f"k{number:03}", f"Known {number:03}", "1", "kWh"), "kind": "energy",
         "source": {"factor": "EL-HU"}}
        for number in range(70)
    ]  # fmt: skip
    await load(company, product(*lines))
    first = rows_of(await browser.get("/products/twin", product="cell"), "Bill of materials")
    later = rows_of(
        await browser.get("/products/twin", product="cell", bill="2"), "Bill of materials"
    )
    assert ([len(first), len(later)], later[-1][0]) == ([50, 20], "Known 069 k069")
    for odd in ("0", "x", "9" * 30):
        query = dict.fromkeys(("bill", "trend", "versions"), odd)
        assert (await browser.get("/products/twin", product="cell", **query)).status == 200
