"""The twin of a product: its figures, where they come from, and that charts show the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from html import unescape
from importlib.util import find_spec
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.products import (
    CANARIES,
    ODD_ID,
    ODD_LINE,
    chart_of,
    odd_product,
    own_product,
    rows_of,
)
from tests.node.manage.conftest import Company, make_document
from tests.node.manage.test_products import (
    GIVEN_POWER,
    GRID,
    POWDER,
    Supplied,
    correct,
    line,
    load,
    product,
    published,
    supplied,
)

from underseal_node.console.products import charts, contributions, figures

__all__ = ["supplied"]  # the fixture

HOTSPOT_AMOUNT = 3


async def test_its_footprint_and_where_that_comes_from(
    supplied: Supplied, new_browser: NewBrowser
) -> None:
    customer, _, footprint = supplied
    own = await published(customer, footprint)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/twin", product="cell")
    assert "4 kg CO₂e per piece" in shown.text
    assert f'href="/console/footprints/{own}"' in shown.html
    assert "Valid 1 Jan 2026 – 1 Jan 2029" in shown.text
    assert "current" in shown.text
    assert rows_of(shown, "From") == [
        ["Cathode", "3", "75.0 %"],
        ["Factors from databases", "1", "25.0 %"],
    ]
    assert rows_of(shown, "Into") == [
        ["Materials", "3", "75.0 %"],
        ["Energy", "1", "25.0 %"],
    ]
    powder, power, total = rows_of(shown, "Hotspots")
    assert powder == ["Cathode powder cell/powder", "Cathode", "Materials",
                      "3", "75.0 %", "50 %"]  # fmt: skip
    assert power[:4] == [
        *("Electricity cell/power", "Grid electricity, Hungary (Grid data)", "Energy"),
        "1",
    ]
    assert total[HOTSPOT_AMOUNT] == "4"
    bill = rows_of(shown, "Bill of materials")
    assert [row[:4] for row in bill] == [
        ["Cathode powder powder", "Materials", "2 kg", "Cathode"],
        ["Electricity power", "Energy", "5 kWh", "–"],
    ]
    assert f'href="/console/received/{footprint}?peer=cathode"' in shown.html
    assert 'href="/console/factors?q=EL-HU"' in shown.html
    assert "Primary data 37.5 %" in shown.text


async def test_charts_show_the_figures_of_the_tables(
    supplied: Supplied, new_browser: NewBrowser
) -> None:
    """Digit for digit, and nothing else."""
    customer, _, footprint = supplied
    coating = product(
        POWDER | {"source": {"footprint": footprint}},
        GIVEN_POWER | {"process": "Drying"},
        product_id="coating",
        declaredUnit={"amount": "1", "unit": "kg"},
    )
    del coating["declaration"]
    cell = product(line("sheet", "Sheet", "0.37", source={"product": "coating"}), GIVEN_POWER)
    await load(customer, coating, cell)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/twin", product="cell")
    hotspots = rows_of(shown, "Hotspots")[:-1]
    amounts = {row[0].split()[-1]: row[HOTSPOT_AMOUNT] for row in hotspots}
    assert amounts == {"coating/powder": "1.11", "cell/power": "1.00",
                       "coating/power": "0.37"}  # fmt: skip

    flow = chart_of(shown, "sankey")
    roles = [node["role"] for node in flow["nodes"]]
    names = [node["label"] for node in flow["nodes"]]
    links = [(roles[one["from"]], names[one["from"]], roles[one["to"]], names[one["to"]],
              one["value"]) for one in flow["links"]]  # fmt: skip
    drawn = sorted(value for start, _, end, _, value in links if (start, end) == ("tier", "line"))
    assert drawn == sorted(amounts.values())
    into = sorted(value for start, _, end, _, value in links if (start, end) == ("line", "process"))
    assert into == drawn
    processes = sorted(value for start, *_, value in links if start == "process")
    assert processes == sorted(row[1] for row in rows_of(shown, "Into"))
    by_product = {row[0]: row[1] for row in rows_of(shown, "Product of ours")}
    assert ("product", "coating", "product", "Product cell", by_product["coating"]) in links
    assert ("process", "Drying", "product", "coating", "0.37") in links
    for one in flow["links"]:
        assert one["text"] == one["value"]

    areas = [one for one in chart_of(shown, "treemap")["items"] if "text" in one]
    assert sorted(one["value"] for one in areas) == sorted(amounts.values())


async def test_a_figure_is_never_rounded_through_a_float(
    company: Company, browser: Browser
) -> None:
    factor = GRID | {"values": {"fossilGhgEmissions": "0.1000000000000000055"}}
    await load(company, own_product(), factors=(factor,))
    file = await browser.get("/products/twin", product="cell", **{"as": "csv"})
    head, row = csv.reader(io.StringIO(file.answer.content.decode("utf-8-sig")))
    assert row[head.index("kg CO₂e")] == "0.5000000000000000275"
    assert row[head.index("Line")] == "cell/power"


async def test_how_it_has_changed_and_why(supplied: Supplied, new_browser: NewBrowser) -> None:
    customer, supplier, footprint = supplied
    old = await published(customer, footprint)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/twin", product="cell")
    assert "trend-data" not in shown.html
    await correct(supplier, footprint)
    await customer.pull("cathode")
    stale = await browser.get("/products/twin", product="cell")
    assert "is out of date: Product 1 of cathode was replaced by" in stale.text
    assert "As it would be now 4.6 kg CO₂e per piece Change: +0.6 (+15.0 %)" in stale.text
    assert 'href="/console/products/refresh?product=cell"' in stale.html
    customer.advance(hours=1)
    made = await customer.post("/products/publish", product="cell")
    shown = await browser.get("/products/twin", product="cell")
    newer, older = rows_of(shown, "How it has changed")
    assert newer[1:5] == ["Active", "4.6", "1 piece", "+0.6 (+15.0 %)"]
    assert newer[5].startswith("Product 1 of cathode was replaced by")
    assert older[1:] == ["Deprecated", "4", "1 piece", "–", "–"]
    assert [f"/footprints/{one}" in shown.html for one in (old, made["footprint"])] == [True] * 2
    points = chart_of(shown, "trend")["points"]
    assert [one["value"] for one in points] == ["4", "4.6"]
    assert points[1]["notes"][0].startswith("Product 1 of cathode was replaced by")


async def test_figures_for_other_units_are_not_compared(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    await company.post("/products/publish", product="cell")
    company.advance(hours=1)
    await load(company, own_product(declaredUnit={"amount": "2", "unit": "piece"}))
    await company.post("/products/publish", product="cell")
    shown = await browser.get("/products/twin", product="cell")
    assert [row[4] for row in rows_of(shown, "How it has changed")] == ["–", "–"]
    assert "trend-data" not in shown.html


async def test_what_cannot_be_calculated(company: Company, browser: Browser) -> None:
    await load(company, product(POWDER, GIVEN_POWER))
    shown = await browser.get("/products/twin", product="cell")
    assert shown.status == 200
    assert "It cannot be calculated now:" in shown.text
    assert "Match 1 open line" in shown.text
    assert 'aria-label="Hotspots"' not in shown.html
    assert "data-chart" not in shown.html
    assert rows_of(shown, "Bill of materials")[0][4] == "open"


async def test_without_plotly_there_are_tables(
    company: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(company, own_product())
    shown = await browser.get("/products/twin", product="cell")
    assert "plotly.js" in shown.html
    assert chart_of(shown, "sankey")["links"]

    def absent(name: str) -> Any:
        return None if name == "plotly" else find_spec(name)

    monkeypatch.setattr("underseal_node.console.pages.find_spec", absent)
    monkeypatch.setattr("underseal_node.console.app.find_spec", absent)
    shown = await browser.get("/products/twin", product="cell")
    for trace in ("plotly", "charts.js", "data-chart", "application/json"):
        assert trace not in shown.html
    assert rows_of(shown, "Hotspots")[0][HOTSPOT_AMOUNT] == "1"
    assert (await browser.get("/static/plotly.js")).status == 404


async def test_plotly_finds_the_style_sheets_that_it_would_add(
    company: Company, browser: Browser
) -> None:
    await load(company, own_product())
    shown = await browser.get("/products/twin", product="cell")
    assert 'id="plotly.js-style-global" class="no-inline-styles"' in shown.html
    assert charts.style_ids()
    for one in charts.style_ids():
        assert f'id="{one}"' in shown.html


async def test_names_in_charts_stay_texts(company: Company, browser: Browser) -> None:
    await load(company, odd_product())
    shown = await browser.get("/products/twin", product=ODD_ID)
    assert not any(one in shown.html for one in CANARIES)
    labels = [one["label"] for one in chart_of(shown, "sankey")["nodes"]]
    assert {*CANARIES, "".join(CANARIES)} <= set(labels)
    file = await browser.get("/products/twin", product=ODD_ID, **{"as": "csv"})
    rows = list(csv.reader(io.StringIO(file.answer.content.decode("utf-8-sig"))))
    assert f"{ODD_ID}/{ODD_LINE}" in [row[0] for row in rows]


def explained(*amounts: str, total: str | None = None, **more: Sequence[Any]) -> Any:
    """An explanation with one contribution of each amount."""
    whole = sum(map(abs, map(Decimal, amounts)), Decimal())
    return {
        "product": "p",
        "pcfExcludingBiogenicUptake": {"value": total or str(sum(map(Decimal, amounts)))},
        "absoluteContributions": {"value": str(whole)},
        "contributions": [
            {
                "line": f"p/{index}",
                "product": "p",
                "name": f"Line {index}",
                "kind": "material",
                "source": None,
                "amount": {"value": amount},
                "share": {"value": str(abs(Decimal(amount)) / whole)},
                "primaryDataShare": None,
            }
            | {name: values[index] for name, values in more.items()}
            for index, amount in enumerate(amounts)
        ],
    }


def text(message: str) -> str:
    return message


def test_figures_have_the_digits_of_the_total() -> None:
    found = contributions.contributions_of(explained("67.345363365625", "1", "0.00001"), text)
    assert [one.amount for one in found.parts] == ["67.3454", "1.0000", "0.0000"]
    assert found.total == "68.3454"


def test_small_lines_are_added_up() -> None:
    most = contributions.MOST_PARTS
    found = contributions.contributions_of(explained(*["1"] * most, "0.5", "0.25"), text)
    assert len(found.parts) == most + 1
    rest = found.parts[-1]
    assert (rest.line, rest.count, rest.amount) == (None, 2, "0.75")
    assert found.total == "20.75"
    assert found.tiers[0].amount == "20.75"


def test_many_suppliers_are_added_up() -> None:
    number = contributions.MOST_SUPPLIERS + 3
    sources = [{"footprint": str(one), "company": f"Company {one}"} for one in range(number)]
    amounts = [str(100 - one) for one in range(number)]
    found = contributions.contributions_of(explained(*amounts, source=sources), text)
    assert len(found.tiers) == contributions.MOST_SUPPLIERS
    others = next(one for one in found.tiers if one.label == "Other suppliers")
    assert (others.count, others.amount) == (4, "366")
    assert {one.tier for one in found.parts} == {one.key for one in found.tiers}


def test_what_is_below_zero_is_in_no_chart() -> None:
    found = contributions.contributions_of(explained("3", "-1"), text)
    assert (found.total, found.negative) == ("2", 1)
    assert [one.amount for one in found.parts] == ["3", "-1"]
    drawn = charts.sankey(found, "P", lambda part: str(part.name), text)
    assert all(Decimal(one["value"]) > 0 for one in drawn["links"])
    areas = charts.treemap(found, "P", lambda part: str(part.name), text)["items"]
    assert [one["value"] for one in areas if "text" in one] == ["3"]


@pytest.mark.parametrize(
    ("before", "after", "change", "share"),
    [
        ("4", "4.6", "0.6", "0.150000"),
        ("4.60", "4", "-0.6", "-0.130435"),
        ("0", "1", "1", None),
        ("233.984715304625", "204.790528107125", "-29.1942", "-0.124770"),
        ("1", "1.00000000000000000001", "0.00000000000000000001", "0.000000"),
        ("3", "3", "0", "0.000000"),
    ],
)
def test_differences_are_exact(before: str, after: str, change: str, share: str | None) -> None:
    found = figures.difference(before, after)
    assert (found["change"], found["share"]) == (change, share)


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        ("1.20", "1.20"), ("0", "0"), ("1234567", "1234570"), ("0.00012345678", "0.000123457"),
        ("9.9999999", "10"), ("-1.50000001", "-1.5"), ("1e3", "1000"),
    ],
)  # fmt: skip
def test_figures_that_people_compare(figure: str, shown: str) -> None:
    assert figures.short(figure) == shown


async def test_what_partners_see_side_by_side(supplied: Supplied, new_browser: NewBrowser) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/seen", product="cell")
    assert "Nobody has been granted anything" in shown.text
    said = {"acknowledge": "asked", "consent": "letter"}
    given = {"peer": "cathode", "everything": True, "level": "quality", **said}
    await customer.post("/grants", given, 201)
    shown = await browser.get("/products/seen", product="cell")
    rows = {row[0]: row[1:] for row in rows_of(shown, "What partners see")}
    assert rows["Disclosure level"] == ["full", "quality"]
    total = "PCF excluding biogenic uptake pcfExcludingBiogenicUptake"
    assert rows[total] == ["4", "4"]
    uptake = "Biogenic CO₂ uptake biogenicCO2Uptake"
    assert rows[uptake] == ["0", "withheld"]
    seen = (await customer.http.get(f"/footprints/{await active(customer)}/seen?as=cathode")).json()
    assert (
        rows["Primary data share, percent primaryDataShare"][1] == seen["pcf"]["primaryDataShare"]
    )
    assert "biogenicCO2Uptake" not in seen["pcf"]
    assert "Result, kg CO₂e per declared unit" in shown.text
    assert "sdJwt" not in shown.text
    address = shown.html.partition("only differences")[0].rpartition('href="')[2].partition('"')[0]
    fewer = await browser.get(f"/products/seen{unescape(address)}")
    rows = {row[0]: row[1:] for row in rows_of(fewer, "What partners see")}
    assert rows[uptake] == ["0", "withheld"]
    assert total not in rows
    assert "Result, kg CO₂e per declared unit" not in fewer.text
    await browser.get("/language/de")
    german = await browser.get("/products/seen", product="cell")
    assert "Biogene CO₂-Aufnahme biogenicCO2Uptake" in german.text


async def test_who_sees_everything_differs_in_nothing(
    pair: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    customer, _ = pair
    await load(customer, own_product())
    await customer.post("/products/publish", product="cell")
    await customer.post("/grants", {"peer": "cathode", "everything": True, "level": "full"}, 201)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/seen", product="cell", only="differences")
    assert "Everybody who is shown here sees all of it." in shown.text


async def active(company: Company) -> str:
    (one,) = (await company.get("/footprints", status="Active"))["data"]
    return str(one["id"])


async def test_nobody_sees_what_is_not_published(company: Company, browser: Browser) -> None:
    await load(company, own_product())
    shown = await browser.get("/products/seen", product="cell")
    assert "No footprint of it is published" in shown.text


async def test_who_may_see_other_footprints_only(
    pair: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    customer, _ = pair
    await load(customer, own_product())
    await customer.post("/products/publish", product="cell")
    (other,) = await customer.publish(make_document(5))
    given = {"peer": "cathode", "footprintIds": [other], "level": "full"}
    await customer.post("/grants", given, 201)
    browser = new_browser(customer)
    await browser.enter(customer)
    shown = await browser.get("/products/seen", product="cell")
    assert rows_of(shown, "What partners see")[0] == ["Disclosure level", "full", "sees nothing"]
