"""The supplier board. Its figures are calculated by hand here, and in the tests of its endpoint."""

from __future__ import annotations

import csv
import io
import json
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
LID = STEEL | {"id": "LID", "name": "Lid", "unit": "piece"}


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
    chain = detail.html.partition('class="chain-table"')[2].partition("</table>")[0]
    assert chain.index(">1.5<") < chain.index(">1.2<")


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
    lid = line("lid", "Lid", "1", "pcs", supplier="cathode", source={"factor": "LID"})
    bill = product(POWDER | {"source": {"footprint": held}}, lid)
    await load(buyer, bill, factors=(GRID, STEEL, LID))
    (row,) = await rows(board)
    assert (row["Coverage"], row["Lines without a known mass"]) == ("", "1")
    shown = await board.get("/board/cathode")
    assert "not known" in shown.html.partition("<h2>Coverage</h2>")[2].partition("<dl")[0]


SPENT = (
    "Supplier,Spend,Currency,Period start,Period end\n"
    "Cathode,600.50,EUR,2025-01-01,2026-01-01\n"
    "Case AG,399.50,EUR,2025-01-01,2026-01-01\n"
)


async def test_spend_is_weighed_like_mass(buyer: Company, board: Browser) -> None:
    before = await board.get("/board")
    assert "nothing says what you spend on whom" in before.text
    assert "Share of spend" not in before.html.partition("<thead>")[2].partition("</thead>")[0]
    await buyer.upload("/spend/import", SPENT.encode(), name="spend.csv")
    shown = await board.get("/board")
    for text in (
        "40.0 %",  # 600.50 of 1,000, of which 2 kg of 3 are covered
        "of 1,000 EUR, 1 Jan 2025 – 31 Dec 2025",
        "With primary data, at least: 20.0 %",  # half of that
        "With primary data, at least: 12.5 %",  # of the mass: half of 25 %
        "Case AG: 40.0 % of the spend",
        "60.0 %",  # of the spend is spent on cathode
    ):
        assert text in shown.text, text
    (row,) = await rows(board)
    assert (row["Spend"], row["Currency"], row["Share of spend"]) == ("600.5", "EUR", "0.6005")
    assert row["Covered with primary data"].startswith("0.3333333333")
    detail = await board.get("/board/cathode")
    assert "600.5 EUR" in detail.text


async def test_the_chart_has_the_figures_of_the_table(buyer: Company, board: Browser) -> None:
    await buyer.upload("/spend/import", SPENT.encode(), name="spend.csv")
    by_mass, by_spend = [
        json.loads(shown.html.partition('id="coverage-data">')[2].partition("</script>")[0])
        for shown in [await board.get("/board", by="mass"), await board.get("/board")]
    ]
    assert [one["width"] for one in by_spend["bars"]] == ["0.6005", "0.3995"]
    assert by_mass["bars"][0]["width"] == "0.375"
    assert by_spend["bars"][0]["covered"].startswith("0.6666666666")
    assert by_spend["bars"][0]["primary"].startswith("0.3333333333")
    assert "covered: 66.7" in by_spend["bars"][0]["text"]


async def test_what_is_not_known_is_no_bar_of_0(buyer: Company, board: Browser) -> None:
    held = (await buyer.get("/received"))["data"][0]["id"]
    lid = line("lid", "Lid", "1", "pcs", supplier="cathode", source={"factor": "LID"})
    bill = product(POWDER | {"source": {"footprint": held}}, lid)
    await load(buyer, bill, factors=(GRID, STEEL, LID))
    shown = await board.get("/board")
    chart = json.loads(shown.html.partition('id="coverage-data">')[2].partition("</script>")[0])
    (bar,) = chart["bars"]
    assert "covered" not in bar
    assert "covered: not known" in bar["text"]


async def test_another_period_is_looked_at_and_one_is_forgotten(
    buyer: Company, board: Browser
) -> None:
    await buyer.upload("/spend/import", SPENT.encode(), name="spend.csv")
    before = SPENT.replace("2026-", "2024-").replace("2025-", "2023-").replace("EUR", "CHF")
    await buyer.upload("/spend/import", before.encode(), name="old.csv")
    period = "2023-01-01T00:00:00Z/2024-01-01T00:00:00Z"
    shown = await board.get("/board", period=period)
    assert "of 1,000 CHF, 1 Jan 2023 – 31 Dec 2023" in shown.text
    assert 'name="period"' in shown.html, "the search goes on in that period"
    for odd in (*ODD_VALUES, "2023-01-01T00:00:00Z/"):
        assert "EUR" in (await board.get("/board", period=odd)).text, odd
    year = {"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    done = await board.send("/board/spend/remove", **year)
    assert "was removed" in done.text
    assert "of 1,000 CHF" in done.text
    gone = await board.send("/board/spend/remove", **year)
    assert gone.status == 404
    assert "there is no spend" in gone.text


async def test_narrowed_to_some(market: Market, buyer: Company, board: Browser) -> None:
    silent = await market.open("silent")
    await market.befriend(buyer, silent)
    (footprint_id,) = await silent.publish(make_document(2))
    await silent.post("/grants", {"peer": "cell", "everything": True}, 201)
    await buyer.pull("silent")
    await corrected(silent, footprint_id, "1.20")
    await buyer.pull("silent")

    async def found(**query: str) -> list[str]:
        return [one["Supplier"] for one in await rows(board, **query)]

    assert await found() == ["silent", "cathode"]
    assert await found(coverage="partly") == ["cathode"]
    assert await found(coverage="unknown") == ["silent"]
    assert await found(coverage="none") == []
    assert await found(change="better") == ["silent"]
    assert await found(change="unknown") == ["cathode"]
    assert await found(change="worse") == []
    assert await found(verification="verified") == ["silent", "cathode"]
    assert await found(verification="invalid") == []
    assert await found(validity="expired") == []
    assert await found(coverage="partly", change="better") == []
    shown = await board.get("/board", coverage="none")
    assert "Nothing matches." in shown.text
    detail = await board.get("/board/silent")
    chart = json.loads(detail.html.partition('id="trends-data">')[2].partition("</script>")[0])
    (series,) = chart["series"]
    assert [one["value"].rstrip("0").rstrip(".") for one in series["points"]] == ["100", "80"]
    table = detail.html.partition('class="chain-table"')[2].partition("</table>")[0]
    assert table.index(">1.5<") < table.index(">1.2<")


async def test_an_empty_board_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/board")
    assert "No supplier yet" in shown.text
    assert 'href="/console/invite"' in shown.html
    assert "%" not in shown.text


async def test_hostile_texts_stay_texts(board: Browser) -> None:
    require_text((await board.get("/board")).html)


async def test_odd_addresses_are_no_fault(board: Browser) -> None:
    for name in ("page", "sort", "q", "as", "by", "coverage", "change", "validity"):
        for value in ODD_VALUES:
            shown = await board.get("/board", **{name: value})
            assert shown.status == 200, (name, value)
    for name in ("nobody", "%00", "..%2fnode", "%3Cscript%3E"):
        assert (await board.get(f"/board/{name}")).status == 404
