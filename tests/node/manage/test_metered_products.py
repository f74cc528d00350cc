"""Metered energy in calculated footprints: the example of the cathode maker."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_products import Json, causes, load, product

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
    await load(cathode, bill)
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
