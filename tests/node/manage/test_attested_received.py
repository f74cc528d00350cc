"""What buyers see of attestations: in the footprints that they receive, and beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.behind import sql
from tests.node.manage.conftest import RECOVERY_KEY, Company, Document, Stage

from underseal_node.trust.key_changes import revoke, rotate
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose


@pytest.fixture
async def buyer(stage: Stage) -> Company:
    """A customer of the supplier, which does not know the verifier."""
    made = await stage.market.open("cell")
    await stage.market.befriend(stage.supplier, made)
    given = {"peer": "cell", "everything": True, "level": "quality"}
    await stage.supplier.post("/grants", given, 201)
    return made


async def attested_draft(stage: Stage, document: Document, **changes: Any) -> str:
    made = await stage.draft(document)
    await stage.publish(
        made["draft"], (await stage.attest(made["draft"], **changes))["attestation"]
    )
    return str(made["id"])


async def meets_the_verifier(stage: Stage, buyer: Company) -> None:
    await stage.market.befriend(buyer, stage.verifier)
    await buyer.pull("auditor")


async def seen(buyer: Company, footprint_id: str) -> list[Any]:
    shown = await buyer.get(f"/received/{footprint_id}")
    (listed,) = [one for one in (await buyer.get("/received"))["data"] if one["id"] == footprint_id]
    assert listed["attestations"] == shown["attestations"]
    found: list[Any] = shown["attestations"]
    return found


async def test_a_buyer_sees_who_attests(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    footprint_id = await attested_draft(stage, document(), providerName="中国质量认证中心")
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    (found,) = await seen(buyer, footprint_id)
    assert (found["state"], found["peer"], found["isCarried"]) == ("attested", "auditor", True)
    assert "reason" not in found
    assert found["attestation"]["providerName"] == "中国质量认证中心"
    assert (await buyer.get("/alerts"))["data"] == []


async def test_nobody_attests_under_the_address_of_another_peer(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    """The owner says that it was where the verifier is: with its keys, it could attest itself."""
    footprint_id = await attested_draft(stage, document())
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    claimed = json.dumps(["https://auditor.example"])
    change = "UPDATE peer SET former_issuers = :claimed WHERE name = 'cathode'"
    sql(buyer.node, change, claimed=claimed)
    (found,) = await seen(buyer, footprint_id)
    assert (found["state"], "peer" in found) == ("unknown-verifier", False)


async def test_nobody_attests_its_own_footprint_under_another_address(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    footprint_id = await attested_draft(stage, document())
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    # The two are one: what was published there was its own before it moved.
    sql(buyer.node, "UPDATE peer SET state = 'revoked' WHERE name = 'cathode'")
    moved = json.dumps(["https://cathode.example"])
    sql(buyer.node, "UPDATE peer SET former_issuers = :moved WHERE name = 'auditor'", moved=moved)
    (found,) = await seen(buyer, footprint_id)
    assert (found["state"], "peer" in found) == ("invalid", False)
    assert "attests its own footprint, of https://cathode.example" in found["reason"]


async def test_a_verifier_that_the_buyer_does_not_know_is_unknown_until_it_does(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    footprint_id = await attested_draft(stage, document())
    await buyer.pull("cathode")
    (found,) = await seen(buyer, footprint_id)
    assert (found["state"], "peer" in found) == ("unknown-verifier", False)
    assert "https://auditor.example is not an active peer" in found["reason"]
    await meets_the_verifier(stage, buyer)
    assert (await seen(buyer, footprint_id))[0]["state"] == "attested"
    await buyer.http.delete("/peers/auditor")
    assert (await seen(buyer, footprint_id))[0]["state"] == "unknown-verifier"
    assert (await buyer.get("/alerts"))["data"] == []


async def test_an_attestation_expires(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    footprint_id = await attested_draft(stage, document(), validUntil="2026-03-02T00:00:00Z")
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    assert (await seen(buyer, footprint_id))[0]["state"] == "attested"
    buyer.advance(days=1)
    (found,) = await seen(buyer, footprint_id)
    assert (found["state"], found["peer"]) == ("expired", "auditor")


@pytest.mark.parametrize("how", ["rotated", "revoked"])
async def test_what_is_attested_stays_so_when_the_key_of_its_supplier_goes(
    stage: Stage, buyer: Company, document: Callable[..., Document], how: str
) -> None:
    """It was here before the key came into other hands: it stays verified, and so attested."""
    footprint_id = await attested_draft(stage, document())
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    stage.supplier.advance(days=1)
    node, since = stage.supplier.node, stage.supplier.time[0]
    if how == "rotated":
        await rotate(node, [KeyPurpose.FOOTPRINT])
    else:
        await revoke(node, [node.signing_key(KeyPurpose.FOOTPRINT).kid], since, RECOVERY_KEY)
    await stage.supplier.work()
    await buyer.work()
    assert (await buyer.get(f"/received/{footprint_id}"))["verification"] == "verified"
    assert [one["state"] for one in await seen(buyer, footprint_id)] == ["attested"]
    assert "attestation" not in [one["kind"] for one in (await buyer.get("/alerts"))["data"]]


async def test_an_attestation_of_another_footprint_raises_an_alert(
    stage: Stage, buyer: Company, document: Callable[..., Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supplier whose node does not check what it publishes."""
    from underseal_node.publishing import drafting
    from underseal_protocol.attestation import read_attestation as unchecked

    monkeypatch.setattr(drafting, "checked_for_draft", lambda _s, _d, token, _n: unchecked(token))
    made, other = await stage.draft(document(1)), await stage.draft(document(2))
    await stage.publish(made["draft"], (await stage.attest(other["draft"]))["attestation"])
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    (found,) = await seen(buyer, made["id"])
    assert (found["state"], "peer" in found) == ("invalid", False)
    assert f"is about the footprint '{other['id']}'" in found["reason"]
    (alert,) = (await buyer.get("/alerts"))["data"]
    assert (alert["kind"], alert["footprintId"]) == ("attestation", made["id"])
    await buyer.pull("cathode")
    assert len((await buyer.get("/alerts"))["data"]) == 1


async def test_at_the_level_total_a_buyer_sees_nothing_of_it(
    stage: Stage, document: Callable[..., Document]
) -> None:
    buyer = await stage.market.open("cell")
    await stage.market.befriend(stage.supplier, buyer)
    given = {"peer": "cell", "everything": True, "level": "total"}
    (grant,) = (await stage.supplier.post("/grants", given, 201))["data"]
    footprint_id = await attested_draft(stage, document())
    await buyer.pull("cathode")
    assert await seen(buyer, footprint_id) == []
    asked = await buyer.post(f"/received/{footprint_id}/attestations")
    assert asked["data"] == []
    await stage.supplier.post("/grants", given | {"level": "full"}, 201)
    assert grant["level"] == "total"
    await buyer.pull("cathode")
    assert [one["state"] for one in await seen(buyer, footprint_id)] == ["unknown-verifier"]


async def attached_later(stage: Stage, document: Document) -> str:
    """A footprint that was published, and attested after that."""
    shown = await stage.received_at(Level.FULL, document)
    made = await stage.attest(shown)
    await stage.supplier.post("/attestations/attach", {"attestation": made["attestation"]})
    return str(shown["id"])


async def test_what_is_attested_later_comes_with_the_event(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    shown = await stage.received_at(Level.FULL, document())
    await buyer.pull("cathode")
    await meets_the_verifier(stage, buyer)
    made = await stage.attest(shown)
    done = await stage.supplier.post("/attestations/attach", {"attestation": made["attestation"]})
    assert done["notified"] == ["auditor", "cell"]
    await stage.supplier.work()
    await buyer.work()
    (found,) = await seen(buyer, shown["id"])
    assert (found["state"], found["isCarried"]) == ("attested", False)


async def test_what_was_attested_before_the_first_pull_comes_when_asked_for(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    footprint_id = await attached_later(stage, document())
    await meets_the_verifier(stage, buyer)
    await buyer.pull("cathode")
    assert await seen(buyer, footprint_id) == []
    (found,) = (await buyer.post(f"/received/{footprint_id}/attestations"))["data"]
    assert (found["state"], found["peer"]) == ("attested", "auditor")
    assert await seen(buyer, footprint_id) == [found]
    assert (await buyer.post(f"/received/{footprint_id}/attestations"))["data"] == [found]


async def test_nothing_that_was_not_received_is_asked_for(buyer: Company) -> None:
    answer = await buyer.http.post("/received/00000000-0000-4000-8000-000000000000/attestations")
    assert answer.status_code == 404


async def test_a_footprint_without_attestations_has_none(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    (footprint_id,) = await stage.supplier.publish(document())
    await buyer.pull("cathode")
    assert await seen(buyer, footprint_id) == []
    assert (await buyer.post(f"/received/{footprint_id}/attestations"))["data"] == []


class Liar(httpx.AsyncBaseTransport):
    """The supplier's node, but for what it says of attestations."""

    def __init__(self, honest: httpx.AsyncBaseTransport, status: int, body: bytes) -> None:
        self.honest, self.status, self.body = honest, status, body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/extensions/attestations/" not in request.url.path:
            return await self.honest.handle_async_request(request)
        stream = httpx.ByteStream(self.body)
        headers = {"content-type": "application/json"}
        return httpx.Response(self.status, headers=headers, stream=stream)


@pytest.mark.parametrize(
    ("status", "body", "answered"),
    [
        (200, b"nonsense", 502),
        (200, b"[]", 502),
        (200, b'{"data": {}}', 502),
        (200, b'{"data": [1]}', 502),
        (200, b'{"data": ["\\u0000"]}', 502),
        (200, '{"data": ["é"]}'.encode(), 502),
        (200, b'{"data": ["' + b"x" * 2_000_000 + b'"]}', 502),
        (500, b"{}", 502),
        (404, b"{}", 200),
        (200, b'{"data": []}', 200),
    ],
)
async def test_what_is_no_list_of_attestations_is_not_taken(
    stage: Stage,
    buyer: Company,
    document: Callable[..., Document],
    status: int,
    body: bytes,
    answered: int,
) -> None:
    (footprint_id,) = await stage.supplier.publish(document())
    await buyer.pull("cathode")
    hosts = stage.market.internet.hosts
    hosts["cathode.example"] = Liar(hosts["cathode.example"], status, body)
    answer = await buyer.http.post(f"/received/{footprint_id}/attestations")
    assert answer.status_code == answered, answer.text
    assert await seen(buyer, footprint_id) == []


async def test_what_is_served_beside_and_does_not_hold_raises_an_alert(
    stage: Stage, buyer: Company, document: Callable[..., Document]
) -> None:
    (footprint_id,) = await stage.supplier.publish(document())
    await buyer.pull("cathode")
    hosts = stage.market.internet.hosts
    many = b'{"data": [' + b",".join(b'"a.b.%d"' % number for number in range(40)) + b"]}"
    hosts["cathode.example"] = Liar(hosts["cathode.example"], 200, many)
    found = (await buyer.post(f"/received/{footprint_id}/attestations"))["data"]
    assert [one["state"] for one in found] == ["invalid"] * 16
    assert all("attestation" not in one for one in found)
    (alert,) = (await buyer.get("/alerts"))["data"]
    assert "with an attestation that does not verify" in alert["message"]


async def test_a_verifier_knows_what_it_has_attested_itself(
    stage: Stage, document: Callable[..., Document]
) -> None:
    given = {"peer": "auditor", "everything": True, "level": "quality"}
    await stage.supplier.post("/grants", given, 201)
    footprint_id = await attested_draft(stage, document())
    await stage.verifier.pull("cathode")
    (found,) = await seen(stage.verifier, footprint_id)
    assert (found["state"], found["peer"]) == ("attested", "this node")
