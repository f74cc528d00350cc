"""Received footprints over the management API: as they came, with what verification says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Company = Any
Market = Any
Pair = tuple[Any, Any]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

OTHER = "https://other.example"
PRODUCT = "urn:pact:cathode.example:product-id:1"


class OtherMake:
    """A PACT host system that signs nothing."""

    def __init__(self, market: Market) -> None:
        self.items: list[bytes] = []
        market.internet.answer("other.example", self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(200, json={"access_token": "abc", "token_type": "Bearer"})
        if request.url.path == "/3/footprints":
            return httpx.Response(200, content=b'{"data":[' + b",".join(self.items) + b"]}")
        return httpx.Response(404)


@pytest.fixture
async def other(market: Market, company: Company) -> OtherMake:
    """Registered at `company` as `other`."""
    made = OtherMake(market)
    peer = {"name": "other", "url": OTHER, "clientId": "a", "clientSecret": "b"}
    await company.post("/peers", peer, 201)
    return made


def received_from_elsewhere(document: dict[str, Any]) -> dict[str, Any]:
    """A footprint as another company would send it."""
    return document | {
        "specVersion": "3.0.0",
        "created": "2026-01-02T00:00:00Z",
        "status": "Active",
        "companyName": "Other",
        "companyIds": ["urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c90"],
    }


async def test_a_verified_one_says_what_is_withheld(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "quality"}, 201)
    await customer.pull("cathode")
    (held,) = (await customer.get("/received"))["data"]
    assert (held["id"], held["peer"], held["verification"]) == (footprint_id, "cathode", "verified")
    assert (held["isUsable"], "reason" in held, "statusProvenAt" in held) == (True, False, False)
    assert {"emissions", "other"} <= set(held["withheld"])
    assert "quality" not in held["withheld"]
    assert held["pcfExcludingBiogenicUptake"] == "1.50"
    assert (held["companyName"], held["productIds"]) == ("Cathode", [PRODUCT])
    detail = await customer.get(f"/received/{footprint_id.upper()}")
    assert detail.items() >= held.items()
    assert detail["footprint"]["pcf"]["dqi"] == document()["pcf"]["dqi"]
    assert {"rule", "severity", "message"} <= detail["findings"][0].keys()


async def test_a_footprint_comes_out_byte_for_byte(
    company: Company, other: OtherMake, document: Documents
) -> None:
    made = received_from_elsewhere(document())
    text = json.dumps(made, indent=3).replace('"comment": "told to few"', '"comment":\t"\\u0041"')
    other.items = [text.replace('"pcf": {', '"x-odd": 1.50e1, "pcf": {').encode()]
    await company.pull("other")
    answer = await company.http.get(f"/received/{made['id']}")
    assert other.items[0] in answer.content
    assert answer.json()["footprint"]["x-odd"] == 15


async def test_an_unsigned_one_is_usable_if_the_policy_says_so(
    company: Company, other: OtherMake, document: Documents
) -> None:
    other.items = [json.dumps(received_from_elsewhere(document())).encode()]
    assert (await company.pull("other"))["unsigned"] == 1
    (held,) = (await company.get("/received"))["data"]
    assert (held["verification"], held["isUsable"]) == ("unsigned", True)
    assert "no credential" in held["reason"]
    await company.patch("/peers/other", {"acceptUnsigned": False})
    (held,) = (await company.get("/received"))["data"]
    assert held["isUsable"] is False


async def test_an_invalid_one_is_never_usable_and_says_why(
    company: Company, other: OtherMake, document: Documents
) -> None:
    broken = received_from_elsewhere(document()) | {
        "pcf": 5,
        "productIds": "x",
        "productNameCompany": ["a"],
    }
    other.items = [json.dumps(broken).encode()]
    assert (await company.pull("other"))["invalid"] == 1
    (held,) = (await company.get("/received"))["data"]
    assert (held["verification"], held["isUsable"]) == ("invalid", False)
    assert "/pcf" in held["reason"]
    detail = await company.get(f"/received/{broken['id']}")
    assert (detail["footprint"]["pcf"], detail["findings"]) == (5, [])


async def test_a_proven_status_says_since_when(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    supplier.advance(days=1)
    await supplier.post(f"/footprints/{footprint_id}/deprecate")
    await customer.pull("cathode")
    detail = await customer.get(f"/received/{footprint_id}")
    assert (detail["status"], detail["statusProvenAt"]) == ("Deprecated", "2026-03-02T12:00:00Z")
    assert detail["statusStatement"].count(".") == 2


async def test_a_statement_is_not_proof_once_the_keys_are_others(
    pair: Pair, document: Documents
) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    await supplier.post(f"/footprints/{footprint_id}/deprecate")
    await customer.pull("cathode")
    customer.node.store.write_sync(
        lambda session: session.connection().exec_driver_sql("UPDATE peer SET issuer = 'https://x'")
    )
    (held,) = (await customer.get("/received"))["data"]
    assert (held["status"], "statusProvenAt" in held) == ("Deprecated", False)


async def test_the_list_can_be_narrowed(
    company: Company, other: OtherMake, document: Documents, refused: Refused
) -> None:
    made = [received_from_elsewhere(document(number)) for number in (1, 2, 3)]
    made[2] |= {"pcf": {}}
    other.items = [json.dumps(one).encode() for one in made]
    await company.pull("other")

    async def found(**query: Any) -> list[str]:
        return [one["id"] for one in (await company.get("/received", **query))["data"]]

    ids = [one["id"] for one in made]
    assert await found() == ids[::-1]
    assert await found(verification="invalid") == [ids[2]]
    assert await found(verification="verified") == []
    assert await found(productId=PRODUCT.upper()) == [ids[0]]
    assert await found(peer="OTHER", limit=1) == [ids[2]]
    refused(await company.http.get("/received?verification=maybe"), 422)
    refused(await company.http.get("/received?peer=nobody"), 404)


async def test_the_same_id_from_two_peers_has_to_be_told_apart(
    market: Market, company: Company, other: OtherMake, document: Documents, refused: Refused
) -> None:
    made = received_from_elsewhere(document())
    other.items = [json.dumps(made).encode()]
    market.internet.hosts["second.example"] = market.internet.hosts["other.example"]
    peer = {"name": "second", "url": "https://second.example", "clientId": "a", "clientSecret": "b"}
    await company.post("/peers", peer, 201)
    for name in ("other", "second"):
        await company.pull(name)
    path = f"/received/{made['id']}"
    message = refused(await company.http.get(path), 409)
    assert "other, second" in message
    assert (await company.get(path, peer="second"))["peer"] == "second"


async def test_what_was_not_received_is_not_found(
    company: Company, other: OtherMake, refused: Refused
) -> None:
    assert "was received" in refused(await company.http.get(f"/received/{uuid.uuid4()}"), 404)
    answer = await company.http.get("/received/x", params={"peer": "other"})
    assert "from other" in refused(answer, 404)
    refused(await company.http.get("/received/x", params={"peer": "nobody"}), 404)
