"""What the operator looks at before answering a request: own footprints that match, as they would
be seen, and what became of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import Company

Pair = tuple[Company, Company]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

PRODUCT = "urn:pact:cathode.example:product-id:1"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def asked(pair: Pair, **criteria: Any) -> int:
    """The id of a request that has arrived at the supplier."""
    customer, supplier = pair
    await customer.post("/requests", {"peer": "cathode", "criteria": criteria}, 201)
    for company in (customer, supplier):
        await company.work()
    (one,) = (await supplier.get("/requests", direction="incoming"))["data"]
    return int(one["id"])


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"productId": [PRODUCT.upper()]}, [1]),
        ({"classification": ["urn:pact:productclassification:cas:554-13-2"]}, [3, 2, 1]),
        ({"geography": ["de"], "status": ["Active"]}, [2, 1]),
        ({"productId": [PRODUCT], "geography": ["FR"]}, []),
        ({"validAfter": "2030-01-01T00:00:00Z"}, []),
        ({"validOn": "2026-06-01T00:00:00Z", "status": ["deprecated"]}, [3]),
    ],
)
async def test_what_matches_is_listed_whether_it_is_granted_or_not(
    pair: Pair, document: Documents, criteria: dict[str, Any], expected: list[int]
) -> None:
    _, supplier = pair
    ids = await supplier.publish(*(document(number) for number in (1, 2, 3)))
    await supplier.post(f"/footprints/{ids[2]}/deprecate")
    request = await asked(pair, **criteria)
    found = (await supplier.get(f"/requests/{request}/matches"))["data"]
    assert [one["id"] for one in found] == [ids[number - 1] for number in expected]
    assert all("level" not in one for one in found)


async def test_a_match_says_at_which_level_it_is_seen_already(
    pair: Pair, document: Documents
) -> None:
    _, supplier = pair
    first, second = await supplier.publish(document(1), document(2))
    given = {"peer": "cell", "footprintIds": [first], "level": "quality"}
    await supplier.post("/grants", given, 201)
    request = await asked(pair, geography=["DE"], status=["Deprecated"])
    assert (await supplier.get(f"/requests/{request}/matches"))["data"] == []
    await supplier.post(f"/footprints/{first}/deprecate")
    await supplier.post(f"/footprints/{second}/deprecate")
    found = (await supplier.get(f"/requests/{request}/matches"))["data"]
    assert {one["id"]: one.get("level") for one in found} == {first: "quality", second: None}
    (one,) = (await supplier.get(f"/requests/{request}/matches", limit=1))["data"]
    assert one["id"] == second


async def test_only_of_a_request_of_a_peer(pair: Pair, refused: Refused) -> None:
    customer, supplier = pair
    await asked(pair, productId=[PRODUCT])
    (own,) = (await customer.get("/requests"))["data"]
    answer = await customer.http.get(f"/requests/{own['id']}/matches")
    assert "our own" in refused(answer, 409)
    refused(await supplier.http.get("/requests/4711/matches"), 404)


@pytest.mark.parametrize("level", ["total", "quality", "breakdown", "full"])
async def test_a_footprint_at_a_level_is_what_a_grant_shows(
    pair: Pair, document: Documents, level: str
) -> None:
    _, supplier = pair
    (footprint_id,) = await supplier.publish(document(1))
    path = f"/footprints/{footprint_id}/seen"
    before = await supplier.http.get(path, params={"level": level})
    given = {"peer": "cell", "footprintIds": [footprint_id], "level": level}
    await supplier.post("/grants", given, 201)
    granted = await supplier.http.get(path, params={"as": "cell"})
    assert before.content == granted.content
    assert ("comment" in json.loads(before.content)) == (level == "full")


async def test_a_level_or_a_peer(pair: Pair, document: Documents, refused: Refused) -> None:
    _, supplier = pair
    (footprint_id,) = await supplier.publish(document(1))
    path = f"/footprints/{footprint_id}/seen"
    refused(await supplier.http.get(path), 409)
    refused(await supplier.http.get(path, params={"as": "cell", "level": "total"}), 409)
    refused(await supplier.http.get(path, params={"level": "most"}), 422)
    refused(await supplier.http.get(f"/footprints/{UNKNOWN}/seen", params={"level": "total"}), 404)


async def test_a_preview_of_some_products(pair: Pair, document: Documents) -> None:
    _, supplier = pair
    ids = await supplier.publish(*(document(number) for number in (1, 2, 3)))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await supplier.post("/grants", {"peer": "cell", "productIds": [PRODUCT], "level": "full"}, 201)
    wanted = [PRODUCT.upper(), f"{PRODUCT[:-1]}3", "no urn"]
    found = await supplier.get("/grants/preview", peer="cell", productId=wanted)
    assert [(one["id"], one["level"]) for one in found["data"]] == [
        (ids[0], "full"),
        (ids[2], "total"),
    ]
    assert found["total"] == 3


async def test_what_became_of_a_request_is_in_the_outbox(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document(1))
    request = await asked(pair, productId=[PRODUCT])
    assert (await supplier.get("/outbox", request=request))["data"] == []
    await supplier.post(f"/requests/{request}/fulfil", {"footprintIds": [footprint_id]})
    await supplier.post("/requests", {"peer": "cell", "criteria": {"geography": ["DE"]}}, 201)
    (event,) = (await supplier.get("/outbox", request=request))["data"]
    assert (event["requestId"], event["state"]) == (request, "pending")
    (sent,) = (await customer.get("/outbox"))["data"]
    assert sent["requestId"] == (await customer.get("/requests"))["data"][0]["id"]
