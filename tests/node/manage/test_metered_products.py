"""Metered energy in calculated footprints: the example of the cathode maker."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_products import GRID as HUNGARIAN
from tests.node.manage.test_products import Json, causes, load, product

from underseal_node.store import products
from underseal_node.store.product_tables import ProductRow

ENERGY = Path(__file__).parents[3] / "examples" / "battery" / "energy"


def factor(factor_id: str, unit: str, value: str) -> Json:
    return {
        "id": factor_id,
        "name": factor_id,
        "values": {"pcfExcludingBiogenicUptake": value},
        "unit": unit,
        "database": "d",
        "version": "1",
        "assessmentReports": ["AR6"],
    }


def estimated(name: str, amount: str, unit: str, **more: Any) -> Json:
    quantity = {"amount": amount, "unit": unit}
    return {"kind": "energy", "id": name, "name": name, "quantity": quantity} | more


# 2025 by the clocks of Warsaw.
PERIOD = {"periodStart": "2024-12-31T23:00:00Z", "periodEnd": "2025-12-31T23:00:00Z"}
GRID, GAS = factor("GRID", "kWh", "0.5"), factor("GAS", "MJ", "0.06")


def file(path: Path, content: bytes | None = None) -> Json:
    data = path.read_bytes() if content is None else content
    return {"name": path.name, "content": base64.b64encode(data).decode()}


async def meter(company: Company, meters: bytes | None = None) -> None:
    given = {
        "file": file(ENERGY / "meters.csv", meters),
        "mapping": file(ENERGY / "mapping.toml"),
        "others": [file(ENERGY / "orders.csv")],
    }
    await company.post("/energy/import", given)


@pytest.fixture
async def cathode(market: Market) -> Company:
    """A maker of `nmc811`, of which 7.26 kWh and 37.112 MJ per kg are metered."""
    company = await market.open("cathode")
    lines = [
        estimated("electricity", "100", "kWh", source={"factor": "GRID"}),
        estimated("natural gas heat: burnt", "1000", "MJ", source={"factor": "GAS"}),
    ]
    unit = {"amount": "1", "unit": "kg"}
    bill = product(*lines, product_id="nmc811", declaredUnit=unit, massKg="1")
    bill["declaration"] = bill["declaration"] | PERIOD | {"allocation": "Steam by enthalpy."}
    await load(company, bill, factors=(GRID, GAS))
    return company


async def test_estimates_count_until_something_is_metered(cathode: Company) -> None:
    found = await cathode.post("/products/calculate", product="nmc811")
    assert found["figures"]["pcfExcludingBiogenicUptake"] == {"value": "110"}


async def test_what_is_metered_takes_the_place_of_estimates(cathode: Company) -> None:
    await meter(cathode)
    found = await cathode.post("/products/calculate", product="nmc811")
    figure = found["figures"]["pcfExcludingBiogenicUptake"]["value"]
    assert figure == "5.85672"  # 7.26 x 0.5 + 37.112 x 0.06
    allocation = found["document"]["pcf"]["allocationRulesDescription"]
    assert allocation.startswith("Steam by enthalpy. ")
    assert "mass" in allocation
    detail = await cathode.get("/products/detail", product="nmc811")
    assert {one["amount"] for one in detail["lines"]} == {"7.26 kWh", "37.112 MJ"}


async def test_a_carrier_that_no_line_names_is_open(cathode: Company) -> None:
    bill = product(product_id="nmc811", declaredUnit={"amount": "1", "unit": "kg"}, massKg="1")
    bill["lines"] = [estimated("electricity", "100", "kWh", source={"factor": "GRID"})]
    await load(cathode, bill, factors=(GRID, GAS))
    await meter(cathode)
    (opened,) = (await cathode.get("/matches", open="true"))["data"]
    assert opened["name"] == "natural gas heat"
    decision = {"product": "nmc811", "line": opened["line"], "source": {"factor": "GAS"}}
    await cathode.post("/matches", {"decisions": [decision]})
    assert (await cathode.get("/status"))["openLines"] == 0
    await cathode.post("/products/calculate", product="nmc811")


async def test_a_corrected_reading_makes_the_footprint_stale(cathode: Company) -> None:
    await meter(cathode)
    await cathode.post("/products/publish", product="nmc811")
    await meter(cathode)
    assert await causes(cathode) == []  # the same again
    meters = (ENERGY / "meters.csv").read_bytes().replace(b"3248,74", b"3348,74")
    await meter(cathode, meters)
    (cause,) = await causes(cathode)
    assert (cause["cause"], cause["path"]) == ("readings-changed", ["nmc811"])
    (shown,) = (await cathode.post("/products/refresh", {}))["data"]
    assert float(shown["changePercent"]) > 0


async def test_another_product_is_not_touched(cathode: Company) -> None:
    await load(cathode, product(estimated("electricity", "2", "kWh", source={"factor": "GRID"})))
    await meter(cathode)
    found = await cathode.post("/products/calculate", product="cell")
    assert found["figures"]["pcfExcludingBiogenicUptake"] == {"value": "1"}


async def test_a_period_that_ends_before_it_begins(cathode: Company) -> None:
    bill = product(product_id="wrong")
    start, end = PERIOD["periodStart"], PERIOD["periodEnd"]
    bill["declaration"] = bill["declaration"] | {"periodStart": end, "periodEnd": start}
    await cathode.upload("/factors/import", [HUNGARIAN], name="f.json")
    refused = await cathode.upload("/products/import", bill, name="a.json")
    assert [one["place"] for one in refused["problems"]] == ["/declaration/periodEnd"]
    row = ProductRow(
        id="wrong", name="Wrong", document=json.dumps(bill), digest="x", version=0, file="a.json",
        changed_at=cathode.node.now(),
    )  # fmt: skip
    await cathode.node.store.write(lambda session: products.put_product(session, row))
    await meter(cathode)
    shown = (await cathode.get("/products"))["data"]
    assert {one["id"] for one in shown} == {"wrong", "nmc811"}
    assert (await cathode.get("/status"))["products"] == 2
    opened = (await cathode.get("/matches", product="wrong", open="true"))["data"]
    assert [one["name"] for one in opened] == ["Cathode powder"]
    assert (await cathode.get("/products/detail", product="wrong"))["stale"] == []
    refusal = await cathode.post("/products/calculate", None, 409, product="wrong")
    assert "ends before it begins" in refusal["message"]


async def test_two_lines_for_one_carrier_are_refused(cathode: Company) -> None:
    lines = [
        estimated("electricity", "1", "kWh", source={"factor": "GRID"}),
        estimated("Electricity", "2", "kWh", source={"factor": "GRID"}) | {"id": "second"},
        estimated("electricity of the oven", "3", "kWh", source={"factor": "GRID"}),
        estimated("natural gas heat", "3", "MJ", source={"factor": "GAS"}),
    ]
    unit = {"amount": "1", "unit": "kg"}
    bill = product(*lines, product_id="nmc811", declaredUnit=unit, massKg="1")
    bill["declaration"] = bill["declaration"] | PERIOD
    await load(cathode, bill, factors=(GRID, GAS))
    await meter(cathode)
    refusal = await cathode.post("/products/calculate", None, 422, product="nmc811")
    assert "several lines for 'electricity'" in refusal["message"]
    del bill["lines"][1]
    await load(cathode, bill, factors=(GRID, GAS))
    found = await cathode.post("/products/calculate", product="nmc811")
    # What has another name is not the carrier: 7.26 and 3 kWh, and the gas.
    assert found["figures"]["pcfExcludingBiogenicUptake"]["value"] == "7.35672"


async def test_energy_that_is_in_no_footprint_is_told(cathode: Company) -> None:
    """A meter is silent in January; the calculation of what it is used for says so."""
    rows = (ENERGY / "meters.csv").read_bytes().splitlines(keepends=True)
    await meter(cathode, b"".join(one for one in rows if not one.startswith(b"E-12;01.01")))
    found = await cathode.post("/products/calculate", product="nmc811")
    told = {one["rule"]: one["message"] for one in found["findings"]}
    assert "E-12 says nothing for 744 h" in told["meter-gaps"]
    await meter(cathode)
    found = await cathode.post("/products/calculate", product="nmc811")
    # What is set aside for offices is not worth a warning.
    assert {one["rule"] for one in found["findings"]}.isdisjoint(
        {"meter-gaps", "energy-unallocated"}
    )


CLIP_METERS = b"meter;start;end;kWh\nM1;2025-01-01;2025-02-01;500\n"
CLIP_ORDERS = b"order;product;start;end;kg\n1;100-02;2025-01-02;2025-01-31;200\n"
CLIP_MAPPING = """
timezone = "UTC"
products = { "100-02" = { id = "clip"MASS } }
rule = { by = "mass", scope = "site", over = "period" }
meters = { M1 = { carrier = "electricity" } }

[readings]
unit = "kWh"
columns = { meter = "meter", start = "start", end = "end", value = "kWh" }

[orders]
file = "orders.csv"
unit = "kg"
columns = { order = "order", product = "product", start = "start", end = "end", quantity = "kg" }
"""


async def clip(company: Company, mass: str = "", **more: Any) -> None:
    """A product of which 200 kg were made with 500 kWh; it is declared per piece."""
    bill = product(product_id="clip", **more)
    bill["lines"] = [estimated("electricity", "1", "kWh", source={"factor": "GRID"})]
    await load(company, bill, factors=(GRID,))
    given = {
        "file": file(Path("meters.csv"), CLIP_METERS),
        "mapping": file(Path("mapping.toml"), CLIP_MAPPING.replace("MASS", mass).encode()),
        "others": [file(Path("orders.csv"), CLIP_ORDERS)],
    }
    assert (await company.post("/energy/import", given))["problems"] == []


@pytest.mark.parametrize(
    ("mass", "more"),
    [
        ("", {"massKg": "0.02"}),
        (", mass_kg_per_piece = 0.02", {"massKg": "0.02"}),
        (", mass_kg_per_piece = 0.02", {"massKg": "0"}),
        ("", {"massKg": "0", "properties": {"massKgPerPiece": "0.02"}}),
        ("", {"massKg": "0.04", "declaredUnit": {"amount": "2", "unit": "piece"}}),
    ],
)
async def test_orders_in_kg_of_a_product_in_pieces(
    company: Company, mass: str, more: dict[str, Any]
) -> None:
    """500 kWh for 200 kg are 0.05 kWh for a piece of 20 g."""
    await clip(company, mass, **more)
    pieces = 2 if "declaredUnit" in more else 1
    (shown,) = (await company.get("/matches", product="clip"))["data"]
    assert shown["amount"] == f"{0.05 * pieces} kWh"
    found = await company.post("/products/calculate", product="clip")
    figure = found["figures"]["pcfExcludingBiogenicUptake"]["value"]
    assert figure == f"{0.025 * pieces}"


async def test_energy_that_cannot_be_allocated_is_shown_wherever_its_lines_are_missing(
    company: Company,
) -> None:
    await clip(company, massKg="0")
    refusal = await company.post("/products/calculate", None, 422, product="clip")
    said = (
        "metered energy of product 'clip': its orders are in kg; kilogram cannot be converted into "
        "piece: the mass per piece (kg) is missing"
    )
    assert refusal["message"] == said
    assert refusal["hint"].startswith("Give the mass per piece (kg).")
    answers = [
        await company.get("/products/detail", product="clip"),
        await company.get("/matches", product="clip", open="true"),
        await company.get("/matches"),
        await company.get("/status"),
    ]
    for one in answers:
        (failure,) = one["energyFailures"]
        assert (failure["products"], failure["message"]) == (["clip"], said)
    await load(company, product(product_id="other"))
    assert (await company.get("/products/detail", product="other"))["energyFailures"] == []


async def test_lines_for_a_mass_of_a_product_in_pieces(company: Company) -> None:
    bill = product(product_id="clip", massKg="0.02", basis={"amount": "1000", "unit": "kg"})
    bill["lines"] = [estimated("electricity", "2500", "kWh", source={"factor": "GRID"})]
    await load(company, bill, factors=(GRID,))
    found = await company.post("/products/calculate", product="clip")
    assert found["figures"]["pcfExcludingBiogenicUptake"] == {"value": "0.025"}
