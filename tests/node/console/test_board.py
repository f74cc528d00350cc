"""The supplier board. Its figures are calculated by hand here, and in the tests of its endpoint."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.hostile import CANARY, ODD_VALUES, require_text
from tests.node.console.test_own_footprints import corrected
from tests.node.manage.conftest import Company, Market, make_document
from tests.node.manage.test_products import GRID, POWDER, line, load, product

STEEL = GRID | {"id": "STEEL", "name": "Steel", "unit": "kg"}
STEEL_USED: Any = {"source": {"factor": "STEEL"}}


@pytest.fixture
async def buyer(market: Market, pair: tuple[Company, Company]) -> Company:
    """Buys 2 kg of powder of `cathode` and 1 kg of foil of it, 5 kg of a case of somebody."""
    cell, cathode = pair
    (footprint_id,) = await cathode.publish(make_document(1))
    await cathode.post("/grants", {"peer": "cell", "everything": True, "level": "quality"}, 201)
    await cell.pull("cathode")
    bill = product(
        POWDER | {"source": {"footprint": footprint_id}},
        line("foil", "Foil", "1", supplier="Cathode", **STEEL_USED),
        line("case", "Case", "5", supplier=f"Case AG {CANARY}", **STEEL_USED),
    )
    await load(cell, bill, factors=(GRID, STEEL))
    return cell


@pytest.fixture
async def board(buyer: Company, new_browser: NewBrowser) -> Browser:
    made = new_browser(buyer)
    await made.enter(buyer)
    return made


async def rows(browser: Browser, **query: str) -> list[dict[str, str]]:
    shown = await browser.get("/board", **query, **{"as": "csv"})
    return list(csv.DictReader(io.StringIO(shown.answer.content.decode("utf-8-sig"))))


async def test_the_figures_are_those_by_hand(board: Browser) -> None:
    shown = await board.get("/board")
    for text in (
        "25.0 %",  # 2 kg of 8 are covered
        "of the known mass that is bought for 1 product",
        "66.7 %",  # of cathode, 2 kg of 3
        "37.5 %",  # 3 kg of 8
        "50.0 %",  # its primary data share
        "2.00",  # (1 + 2 + 3) / 3
        "1 / 2",
        "1 Jan 2026",  # the end of its reference period
        "1 verified",
        "62.5 % of the mass",  # what is bought from somebody else
    ):
        assert text in shown.text, text
    (row,) = await rows(board)
    exact = Decimal(2) / 3
    assert Decimal(row["Coverage"]) == exact.quantize(Decimal(row["Coverage"]))
    assert row["Coverage"].startswith("0.66666666666")
    assert row["Share of mass"] == "0.375"
    assert row["Primary data"] == "0.5"
    assert (row["Lines"], row["Lines covered"]) == ("2", "1")
    assert row["Lines without a known mass"] == "0"
    assert row["Age of the data in days"] == "59"  # 1 January to 1 March
    assert row["Averages are"] == "by contribution"


async def test_what_is_not_known_is_not_0(board: Browser) -> None:
    shown = await board.get("/board")
    (row,) = await rows(board)
    assert (row["Rank"], row["Change"]) == ("", "")
    cell = shown.html.partition('data-label="Change"')[2].partition("</td>")[0]
    assert "–" in cell
    assert "0" not in cell
    detail = await board.get("/board/cathode")
    assert "nothing can be said about improvement" in detail.text


async def test_ranked_by_improvement(market: Market, buyer: Company, board: Browser) -> None:
    figures = {"better": ("1.20", "-20.0 %"), "worse": ("1.65", "10.0 %"), "silent": None}
    for name, change in figures.items():
        supplier = await market.open(name)
        await market.befriend(buyer, supplier)
        (footprint_id,) = await supplier.publish(make_document(1))
        await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
        await buyer.pull(name)
        if change is not None:
            await corrected(supplier, footprint_id, change[0])
            await buyer.pull(name)
    found = await rows(board)
    assert [(one["Rank"], one["Supplier"]) for one in found] == [
        ("1", "better"),
        ("2", "worse"),
        ("", "cathode"),
        ("", "silent"),
    ]
    assert [one["Change"] for one in found] == ["-0.2", "0.1", "", ""]
    by_name = await rows(board, sort="-name")
    assert [one["Supplier"] for one in by_name] == ["worse", "silent", "cathode", "better"]
    shown = await board.get("/board")
    assert "−20.0 %" in shown.text.replace("-20.0", "−20.0")
    assert "10.0 %" in shown.text
    detail = await board.get("/board/better")
    chain = detail.html.partition('<ol class="chain">')[2].partition("</ol>")[0]
    assert chain.index("1.5 kg CO₂e") < chain.index("1.2 kg CO₂e")


async def test_one_supplier_line_by_line(board: Browser) -> None:
    shown = await board.get("/board/CATHODE")
    for text in ("Cathode powder", "2 kg", "covered", "25.0 %", "Foil", "not covered", "12.5 %"):
        assert text in shown.text, text
    # 2 kg x 1.5 / 8 kg
    assert "0.375" in shown.text
    assert "Of 1 footprint that is used in a bill of materials, by contribution." in shown.text
    assert 'href="/console/received?peer=cathode"' in shown.html


async def test_a_mass_that_is_not_known_is_said(buyer: Company, board: Browser) -> None:
    held = (await buyer.get("/received"))["data"][0]["id"]
    lid = line("lid", "Lid", "1", "pcs", supplier="cathode", **STEEL_USED)
    bill = product(POWDER | {"source": {"footprint": held}}, lid)
    await load(buyer, bill, factors=(GRID, STEEL))
    (row,) = await rows(board)
    assert (row["Coverage"], row["Lines without a known mass"]) == ("", "1")
    shown = await board.get("/board/cathode")
    assert "not known" in shown.html.partition("<h2>Coverage</h2>")[2].partition("<dl")[0]


async def test_an_empty_board_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/board")
    assert "No supplier yet" in shown.text
    assert 'href="/console/invite"' in shown.html
    assert "%" not in shown.text


async def test_hostile_texts_stay_texts(board: Browser) -> None:
    require_text((await board.get("/board")).html)


async def test_odd_addresses_are_no_fault(board: Browser) -> None:
    for name in ("page", "sort", "q", "as"):
        for value in ODD_VALUES:
            shown = await board.get("/board", **{name: value})
            assert shown.status == 200, (name, value)
    for name in ("nobody", "%00", "..%2fnode", "%3Cscript%3E"):
        assert (await board.get(f"/board/{name}")).status == 404
