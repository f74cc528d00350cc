"""How suppliers stand. Every figure here is calculated by hand.

`cell` buys of `cathode` powder (product 1, 1.50 kgCO2e per kg) and rings (product 2, 3 kgCO2e per
2 pieces, which weigh 0.5 kg), of `anode` a foil that no footprint covers, of somebody else screws.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import Company, Market, make_document
from tests.node.manage.test_products import (
    GIVEN_POWER,
    GRID,
    POWDER,
    Json,
    correct,
    line,
    load,
    product,
)
from tests.node.manage.test_received import OtherMake, other, received_from_elsewhere  # noqa: F401

Refused = Callable[[httpx.Response, int], str]
STEEL: Json = GRID | {"id": "STEEL", "name": "Steel", "unit": "kg"}
STEEL_USED: Json = {"source": {"factor": "STEEL"}}
LID: Json = STEEL | {"id": "LID", "name": "Lid", "unit": "piece"}
RINGS = {
    "declaredUnitOfMeasurement": "piece",
    "declaredUnitAmount": "2",
    "productMassPerDeclaredUnit": "0.5",
    "pcfExcludingBiogenicUptake": "3",
    "pcfIncludingBiogenicUptake": "3",
    "fossilGhgEmissions": "3",
    "primaryDataShare": "20",
    "dqi": {"technologicalDQR": "4", "geographicalDQR": "2", "temporalDQR": "1.5"},
    "referencePeriodStart": "2024-01-01T00:00:00Z",
    "referencePeriodEnd": "2025-01-01T00:00:00Z",
}
# 4 kg are bought for it: 2 of powder, 1 of foil, 1 of screws.
CELL = product(
    POWDER,
    line("foil", "Foil", "1", supplier="anode", **STEEL_USED),
    line("screws", "Screws", "1000", "g", supplier="Screw AG", **STEEL_USED),
    GIVEN_POWER,
)
# 5 kg are bought for it: 4 / (1 - 0.2) = 5 rings of 0.25 kg, and 3.75 of a case.
PACK = product(
    line("rings", "Rings", "4", "pcs", loss="0.2"),
    line("case", "Case", "3.75", **STEEL_USED),
    line("cells", "Cells", "7", "pcs", source={"product": "cell"}),
    product_id="pack",
)


def rings() -> Json:
    made = make_document(2)
    return made | {"pcf": made["pcf"] | RINGS}


Supplied = tuple[Company, Company, list[str]]


@pytest.fixture
async def supplied(market: Market, pair: tuple[Company, Company]) -> Supplied:
    """The customer, its supplier `cathode`, and the ids of powder and rings; lines are matched."""
    customer, supplier = pair
    ids = await supplier.publish(make_document(1), rings())
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "quality"}, 201)
    await customer.pull("cathode")
    await market.befriend(customer, await market.open("anode"))
    await load(customer, CELL, PACK, factors=(GRID, STEEL))
    decisions = [
        {"product": "cell", "line": "powder", "source": {"footprint": ids[0]}},
        {"product": "pack", "line": "rings", "source": {"footprint": ids[1]}},
    ]
    await customer.post("/matches", {"decisions": decisions})
    return customer, supplier, ids


async def named(customer: Company, name: str) -> Json:
    found = (await customer.get("/suppliers"))["data"]
    (one,) = (one for one in found if one["name"] == name)
    return dict(one)


async def test_shares_of_mass(supplied: Supplied) -> None:
    customer, *_ = supplied
    found = await customer.get("/suppliers")
    assert (found["products"], found["lines"], found["linesCovered"]) == (2, 6, 2)
    assert found["linesWithoutMass"] == 0
    assert found["coverage"] == "0.375"  # (2 / 4 + 1.25 / 5) / 2
    by_name = {one["name"]: one for one in found["data"]}
    assert list(by_name) == ["anode", "cathode"]
    assert by_name["cathode"]["massShare"] == "0.375"
    assert by_name["cathode"]["coverage"] == "1"
    assert by_name["anode"]["massShare"] == "0.125"  # 1 / 4 / 2
    assert by_name["anode"]["coverage"] == "0"
    assert found["others"] == [{"name": "Screw AG", "lines": 1, "massShare": "0.125"}]


async def test_a_part_of_what_is_bought_is_covered(supplied: Supplied) -> None:
    customer, *_ = supplied
    cell = product(*CELL["lines"], line("grit", "Grit", "1", supplier="CATHODE", **STEEL_USED))
    await load(customer, cell, PACK, factors=(GRID, STEEL))
    cathode = await named(customer, "cathode")
    # Of the cell, 5 kg are bought now: powder 2 / 5, grit 1 / 5; of the pack, rings 1 / 4.
    assert cathode["massShare"] == "0.425"
    assert cathode["coverage"] == "0.764705882353"  # (0.4 + 0.25) / (0.4 + 0.2 + 0.25)
    assert (cathode["lines"], cathode["linesCovered"]) == (3, 2)


async def test_averages_are_by_contribution(supplied: Supplied) -> None:
    customer, *_ = supplied
    cathode = await named(customer, "cathode")
    # Per kg that is bought: powder 2 x 1.5 / 4 = 0.75, rings 5 x 1.5 / 5 = 1.5.
    assert cathode["isWeighted"]
    assert cathode["primaryShare"] == "0.3"  # (0.75 x 0.5 + 1.5 x 0.2) / 2.25
    assert cathode["technologicalDQR"] == "3"  # (0.75 x 1 + 1.5 x 4) / 2.25
    assert cathode["geographicalDQR"] == "2"
    assert cathode["temporalDQR"] == "2"  # (0.75 x 3 + 1.5 x 1.5) / 2.25
    assert cathode["meanDQR"] == "2.33333333333"
    assert (cathode["withoutPrimaryShare"], cathode["withoutRatings"]) == (0, 0)


async def test_line_by_line(supplied: Supplied) -> None:
    customer, _, ids = supplied
    found = await customer.get("/suppliers/CATHODE")
    assert found.items() >= (await named(customer, "cathode")).items()
    powder, ring = found["bought"]
    assert powder == {
        "product": "cell",
        "productName": "Product cell",
        "line": "powder",
        "name": "Cathode powder",
        "amount": "2 kg",
        "footprint": ids[0],
        "isCovered": True,
        "massKg": "2",
        "massShare": "0.25",
        "emissions": "0.75",
    }
    assert (ring["massKg"], ring["massShare"], ring["emissions"]) == ("1.25", "0.125", "1.5")
    assert found["trends"] == []


async def test_the_oldest_data_counts(supplied: Supplied) -> None:
    customer, *_ = supplied
    cathode = await named(customer, "cathode")
    assert cathode["referencePeriodEnd"] == "2025-01-01T00:00:00Z"  # that of the rings
    assert cathode["isInUse"]
    assert cathode["expired"] == 0
    until = cathode["validUntil"]
    customer.advance(days=3 * 366)
    again = await named(customer, "cathode")
    assert (again["expired"], again["validUntil"]) == (2, until)


async def test_a_line_without_a_mass_leaves_the_coverage_open(supplied: Supplied) -> None:
    """Unless it is the same whatever the mass is."""
    customer, *_ = supplied
    unknown = line("lid", "Lid", "1", "pcs", supplier="Cathode", source={"factor": "LID"})
    await load(customer, product(*CELL["lines"], unknown), PACK, factors=(GRID, STEEL, LID))
    cathode = await named(customer, "cathode")
    assert "coverage" not in cathode
    assert (cathode["linesWithoutMass"], cathode["massShare"]) == (1, "0.375")
    lid_of_anode = unknown | {"supplier": "Anode"}
    await load(customer, product(*CELL["lines"], lid_of_anode), PACK, factors=(GRID, STEEL, LID))
    anode = await named(customer, "anode")
    assert (anode["linesWithoutMass"], anode["coverage"]) == (1, "0")


async def test_without_bills_there_is_no_share(pair: tuple[Company, Company]) -> None:
    customer, supplier = pair
    await supplier.publish(make_document(1), rings())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    found = await customer.get("/suppliers")
    assert "coverage" not in found
    (one,) = found["data"]
    assert {"massShare", "coverage"}.isdisjoint(one)
    assert not one["isWeighted"]
    assert not one["isInUse"]
    assert one["primaryShare"] == "0.35"  # (0.5 + 0.2) / 2
    # At the level total, ratings are not shown.
    assert "meanDQR" not in one
    assert (one["averaged"], one["withoutRatings"]) == (2, 2)


async def test_a_footprint_that_may_not_be_used_covers_nothing(
    company: Company,
    other: OtherMake,  # noqa: F811
) -> None:
    other.items = [json.dumps(received_from_elsewhere(make_document(1))).encode()]
    await company.pull("other")
    (held,) = (await company.get("/received"))["data"]
    await load(company, product(POWDER | {"source": {"footprint": held["id"]}}, GIVEN_POWER))
    before = await named(company, "other")
    assert (before["coverage"], before["unsigned"], before["primaryShare"]) == ("1", 1, "0.5")
    await company.patch("/peers/other", {"acceptUnsigned": False})
    after = await named(company, "other")
    assert (after["coverage"], after["unsigned"], after["linesCovered"]) == ("0", 0, 0)
    assert "primaryShare" not in after


async def test_what_does_not_verify_is_counted(
    company: Company,
    other: OtherMake,  # noqa: F811
) -> None:
    other.items = [json.dumps(received_from_elsewhere(make_document(1)) | {"pcf": 5}).encode()]
    await company.pull("other")
    one = await named(company, "other")
    assert (one["footprints"], one["invalid"], one["averaged"]) == (0, 1, 0)


async def test_figures_over_successors(market: Market, supplied: Supplied) -> None:
    customer, supplier, ids = supplied
    second = await correct(supplier, ids[0], "1.20")
    third = await correct(supplier, second, "1.80")
    await customer.pull("cathode")
    found = await customer.get("/suppliers/cathode")
    (trend,) = found["trends"]
    assert [one["footprint"] for one in trend["points"]] == [ids[0], second, third]
    assert [one["pcf"] for one in trend["points"]] == ["1.5", "1.2", "1.8"]
    assert [one["status"] for one in trend["points"]] == ["Deprecated", "Deprecated", "Active"]
    assert (trend["change"], trend["unit"]) == ("0.2", "kilogram")
    assert (found["compared"], found["change"], found["rank"]) == (1, "0.2", 1)
    assert found["footprints"] == 2  # powder and rings
    # The line follows: 2 x 1.8 / 4 = 0.9.
    assert found["bought"][0]["emissions"] == "0.9"
    assert found["bought"][0]["footprint"] == third
    # Whoever has reduced more comes first.
    better = await market.open("foils")
    await market.befriend(customer, better)
    (first,) = await better.publish(make_document(5))
    await better.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("foils")
    assert "rank" not in await named(customer, "foils")
    document = make_document(5)
    del document["id"]
    document["pcf"] |= dict.fromkeys(
        ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions"), "1.35"
    )
    await better.upload(f"/footprints/{first}/supersede", document, name="new.json")
    await customer.pull("foils")
    foils = await named(customer, "foils")
    assert (foils["change"], foils["rank"]) == ("-0.1", 1)
    assert (await named(customer, "cathode"))["rank"] == 2


async def test_who_has_sent_nothing_is_no_supplier(
    pair: tuple[Company, Company], refused: Refused
) -> None:
    customer, _ = pair
    assert (await customer.get("/suppliers"))["data"] == []
    said = refused(await customer.http.get("/suppliers/cathode"), 404)
    assert "cathode is no supplier" in said
    refused(await customer.http.get("/suppliers/nobody"), 404)


async def test_what_a_received_footprint_is_used_in(supplied: Supplied, refused: Refused) -> None:
    customer, supplier, ids = supplied
    first = (await customer.post("/products/publish", product="cell"))["footprint"]
    found = await customer.get(f"/received/{ids[0].upper()}/uses")
    assert found["lines"] == [
        {
            "product": "cell",
            "productName": "Product cell",
            "line": "powder",
            "name": "Cathode powder",
            "amount": "2 kg",
        }
    ]
    (calculated,) = found["footprints"]
    assert (calculated["footprint"], calculated["status"]) == (first, "Active")
    new = await correct(supplier, ids[0])
    await customer.pull("cathode")
    assert (await customer.get(f"/received/{ids[0]}/uses"))["lines"] == []
    assert len((await customer.get(f"/received/{new}/uses"))["lines"]) == 1
    assert (await customer.get(f"/received/{new}/uses"))["footprints"] == []
    refused(await customer.http.get(f"/received/{'0' * 36}/uses"), 404)


async def test_successors_are_named_on_both_sides(supplied: Supplied) -> None:
    customer, supplier, ids = supplied
    new = await correct(supplier, ids[0])
    await customer.pull("cathode")
    for path in (f"/received/{ids[0]}", f"/received/{new}"):
        detail: Any = await customer.get(path)
        signature = detail["signature"]
        assert signature["issuer"] == "https://cathode.example"
        own = await supplier.get(f"/footprints/{detail['id']}")
        assert own["signature"] == signature
        assert own["successors"] == detail["successors"]
    assert (await customer.get(f"/received/{ids[0]}"))["successors"] == [new]
    assert (await customer.get(f"/received/{new}"))["precedingPfIds"] == [ids[0]]
    assert detail["successors"] == []


async def test_a_peer_is_not_told_successors(supplied: Supplied) -> None:
    _, supplier, ids = supplied
    seen = await supplier.get(f"/footprints/{ids[0]}", **{"as": "cell"})
    assert {"successors", "attestations"}.isdisjoint(seen)
    assert seen["signature"] == (await supplier.get(f"/footprints/{ids[0]}"))["signature"]
