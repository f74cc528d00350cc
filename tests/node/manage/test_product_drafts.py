"""Drafts of what is calculated: attested, published as they are, marked when they grow old.

`cell` buys from `cathode`; `pack` is its customer, `auditor` attests.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.node.manage.conftest import SAID, Company, Market, make_document
from tests.node.manage.test_products import (
    DECLARATION,
    GIVEN_POWER,
    GRID,
    POWDER,
    Json,
    decide,
    load,
    product,
)
from tests.node.manage.test_release_gate import SAID as ANSWERED
from tests.node.manage.test_release_gate import Chain, chain

from underseal_node.publishing.opening import lines_of

GTIN = "urn:gtin:4712345060507"
DIRTIER = GRID | {"values": {"fossilGhgEmissions": "0.3"}}

__all__ = ["chain"]  # the fixture


@pytest.fixture
async def made(pair: tuple[Company, Company]) -> Company:
    """The customer, with a product that is made of what the supplier has sent."""
    customer, supplier = pair
    await supplier.publish(make_document(1))
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull("cathode")
    await load(customer)
    await decide(customer, "powder", (await only_line(customer))["proposals"][0]["source"])
    return customer


async def only_line(company: Company) -> Json:
    found = (await company.get("/matches", product="cell"))["data"]
    one: Json = next(one for one in found if one["line"] == "powder")
    return one


async def draft(company: Company, status: int = 200, **query: Any) -> Any:
    return await company.post("/products/draft", None, status, product="cell", **query)


async def publish(company: Company, drafted: Json, status: int = 200, **more: Any) -> Any:
    given = {"draft": json.dumps(drafted["draft"])} | more
    return await company.post("/drafts/publish", given, status)


async def stale_of(company: Company) -> list[Json]:
    found: list[Json] = (await company.get("/status"))["stale"]
    return found


async def test_a_draft_publishes_nothing_and_stays_the_same(made: Company) -> None:
    first = await draft(made)
    assert (first["product"], first["isNew"], first["replaced"]) == ("cell", True, False)
    assert (await made.get("/footprints"))["data"] == []
    made.advance(hours=1)
    again = await draft(made)
    assert again["isNew"] is False
    assert again["draft"] == first["draft"]
    calculated = await made.post("/products/calculate", product="cell")
    assert first["draft"]["footprint"]["pcf"] == calculated["document"]["pcf"]


async def test_what_is_published_is_the_draft_with_its_books(made: Company) -> None:
    drafted = await draft(made)
    done = await publish(made, drafted)
    assert (done["id"], done["outcome"]) == (drafted["id"], "published")
    shown = (await made.get(f"/footprints/{done['id']}"))["footprint"]
    assert shown["pcf"] == drafted["draft"]["footprint"]["pcf"]
    assert {one["id"] for one in await lines_of(made.node, done["id"])} > {"cell/powder"}
    listed = (await made.get("/products/detail", product="cell"))["footprints"]
    assert [one["footprint"] for one in listed] == [done["id"]]
    assert (await publish(made, drafted))["outcome"] == "unchanged"
    refused = await draft(made, 409)
    assert "published just like this" in refused["message"]


async def test_a_verifier_attests_it(made: Company, market: Market) -> None:
    verifier = await market.open("auditor")
    await market.befriend(made, verifier)
    for one, other in ((made, "auditor"), (verifier, "cell")):
        await one.pull(other)
    drafted = await draft(made)
    said = {**SAID, "document": json.dumps(drafted["draft"])}
    token = (await verifier.post("/attestations", said))["attestation"]
    done = await publish(made, drafted, attestation=token)
    shown = (await made.get(f"/footprints/{done['id']}"))["footprint"]
    assert shown["pcf"]["verification"]["providerName"] == "Auditor"
    assert done.get("stale") is None


async def test_a_draft_grows_old_and_says_why(made: Company) -> None:
    drafted = await draft(made)
    assert await stale_of(made) == []
    await load(made, factors=(DIRTIER,))
    (stale,) = await stale_of(made)
    assert (stale["footprint"], stale["isDraft"]) == (drafted["id"], True)
    assert stale["causes"][0]["cause"] == "factor-changed"
    assert stale["causes"][0]["path"][0] == "cell"
    detail = await made.get("/products/detail", product="cell")
    assert detail["stale"] == [stale]
    # It may be published all the same, as it was attested, and is stale then like any other.
    done = await publish(made, drafted)
    assert done["stale"]["causes"] == stale["causes"]
    (still,) = await stale_of(made)
    assert (still["footprint"], still["isDraft"]) == (drafted["id"], False)


async def test_it_is_drafted_anew_under_its_id(made: Company) -> None:
    first = await draft(made)
    await load(made, factors=(DIRTIER,))
    second = await draft(made)
    assert (second["id"], second["replaced"]) == (first["id"], True)
    assert await stale_of(made) == []
    refused = await publish(made, first, 409)
    assert "not the one that this node has made" in refused["message"]
    assert (await publish(made, second))["outcome"] == "published"


async def test_the_draft_of_a_successor_replaces(made: Company) -> None:
    old = await publish(made, await draft(made))
    await load(made, factors=(DIRTIER,))
    drafted = await draft(made)
    assert drafted["supersedes"] == old["id"]
    assert (await draft(made))["id"] == drafted["id"]
    done = await publish(made, drafted)
    assert done["deprecated"] == old["id"]
    assert await stale_of(made) == []


async def test_the_gate_is_asked_when_a_draft_is_published(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    await chain.grant()
    drafted = await draft(chain.cell)
    assert drafted["gate"]["outcome"] == "stop"
    refused = await publish(chain.cell, drafted, 422)
    assert "supplier" in refused["message"]
    assert (await chain.cell.get("/footprints"))["data"] == []
    done = await publish(chain.cell, drafted, **ANSWERED)
    assert done["notified"] == ["pack"]
    (released,) = await chain.ledger()
    assert (released["footprint"], released["reason"]) == (done["id"], ANSWERED["acknowledge"])


async def test_a_draft_of_a_file_is_no_way_round_the_gate(made: Company) -> None:
    """It was drafted before anything of its product was bought."""
    await load(made, product(GIVEN_POWER))
    document = make_document(1, productIds=[GTIN], companyIds=None)
    document["pcf"]["geographyCountry"] = DECLARATION["geography"]
    drafted = await made.upload("/drafts", document, name="own.json")
    await load(made)
    refused = await publish(made, drafted, 409)
    assert "calculated here" in refused["message"]


async def test_what_cannot_be_calculated_cannot_be_drafted(made: Company) -> None:
    await load(made, product(POWDER | {"productIds": []}, GIVEN_POWER))
    await decide(made, "powder", None)
    assert (await draft(made, 422))["message"]
    assert (await made.post("/products/draft", None, 404, product="nothing"))["message"]
    assert (await made.get("/drafts"))["data"] == []


async def test_a_draft_that_was_overtaken_is_not_stale(made: Company) -> None:
    """The product was published without it: it says nothing more, and cannot be published."""
    drafted = await draft(made)
    await made.post("/products/publish", product="cell")
    await load(made, factors=(DIRTIER,))
    assert [one["isDraft"] for one in await stale_of(made)] == [False]
    await publish(made, drafted, 422)
