"""A sealed sum on its way: granted, listed, pulled, verified by whom the customer knows, shown."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.behind import sql
from tests.node.manage.conftest import RECOVERY_KEY, Company, Market
from tests.node.manage.sealing import GTIN, Sealing, open_sealing
from tests.node.manage.test_audited_routes import entries

from underseal_node.exchange import seal_judge
from underseal_node.sealing import judging
from underseal_node.sealing.generators import FILE_NAME
from underseal_node.store import peers, seals
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.recovery import recovery_text
from underseal_protocol.seal.generators import encoded_vectors
from underseal_protocol.seal.sealed_sum import SealedSum

Json = dict[str, Any]


@pytest.fixture
async def sealing(market: Market) -> Sealing:
    return await open_sealing(market)


@pytest.fixture
async def pack(sealing: Sealing) -> Company:
    """The customer of the cell maker; it knows the supplier, too."""
    pack = await sealing.market.open("pack")
    (pack.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await sealing.market.befriend(pack, sealing.cell)
    await sealing.market.befriend(pack, sealing.suppliers["cathode"])
    for name in ("cell", "cathode"):
        await pack.pull(name)
    return pack


async def grant(sealing: Sealing, footprint_id: str, level: str, **more: Any) -> Json:
    given = {"peer": "pack", "footprintIds": [footprint_id], "level": level} | more
    if level != "sealed":
        given |= {"acknowledge": "a test", "consent": "of the only supplier"}
    found: Json = (await sealing.cell.post("/grants", given, 201))["data"][0]
    return found


async def show(pack: Company, footprint_id: str) -> Json:
    found: Json = await pack.get(f"/received/{footprint_id}")
    return found


@pytest.fixture
async def granted(sealing: Sealing, pack: Company) -> str:
    """A sealed footprint that the customer may see, with its sealed sum."""
    footprint_id = await sealing.sealed()
    for level in ("total", "sealed"):
        await grant(sealing, footprint_id, level)
    return footprint_id


async def test_a_pull_brings_it_and_says_what_it_shows(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    await pack.pull("cell")
    found = (await show(pack, granted))["sealedSum"]
    assert found["state"] == "verified"
    verdict = found["verdict"]
    assert (verdict["grade"], verdict["coveragePercent"]) == ("mass", 0)
    (endorser,) = verdict["endorsers"]
    assert (endorser["supplier"], endorser["isKnown"]) == ("https://cathode.example", True)
    assert any("publisher and suppliers" in one for one in verdict["notShown"])
    (sealed_grant,) = [
        one["id"]
        for one in (await sealing.cell.get("/grants", peer="pack"))["data"]
        if one["level"] == "sealed"
    ]
    acts = [one["act"] for one in await entries(pack)]
    assert "sealed-sum-received" in acts
    await sealing.cell.note_reads()
    (read,) = [
        one
        for one in await entries(sealing.cell)
        if one["act"] == "sealed-sums-read" and "footprints" in one
    ]
    assert (read["footprints"]["ids"], read["peer"]["name"]) == ([granted], "pack")
    assert ("level" in read, read["grants"]) == (False, [sealed_grant])


async def test_it_is_fetched_once(sealing: Sealing, pack: Company, granted: str) -> None:
    path = f"/extensions/sealed-sum/{granted}"
    for _ in range(2):
        await pack.pull("cell")
    fetched = [one for one in sealing.market.internet.requests if one.url.path == path]
    assert len(fetched) == 1


async def test_an_event_brings_it_too(sealing: Sealing, pack: Company) -> None:
    """The customer has the footprint; then it is granted the sealed sum, and told of it."""
    footprint_id = await sealing.sealed()
    await grant(sealing, footprint_id, "total")
    await pack.pull("cell")
    assert "sealedSum" not in await show(pack, footprint_id)
    await grant(sealing, footprint_id, "sealed")
    await sealing.cell.work()
    await pack.work()
    assert (await show(pack, footprint_id))["sealedSum"]["state"] == "verified"


async def test_whom_the_reader_does_not_know_does_not_count(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    await pack.http.delete("/peers/cathode")
    await pack.pull("cell")
    verdict = (await show(pack, granted))["sealedSum"]["verdict"]
    assert verdict["grade"] == "origin"
    assert [one["isKnown"] for one in verdict["endorsers"]] == [False]
    assert verdict["reductions"]
    # Once it knows the supplier, it can be judged again.
    await sealing.suppliers["cathode"].http.delete("/peers/pack")
    await sealing.market.befriend(pack, sealing.suppliers["cathode"])
    await pack.pull("cathode")
    assert (await show(pack, granted))["sealedSum"]["verdict"]["grade"] == "origin"
    again = await pack.post(f"/received/{granted}/sealed-sum")
    assert again["verdict"]["grade"] == "mass"
    assert (await show(pack, granted))["sealedSum"]["verdict"]["grade"] == "mass"


async def test_one_that_does_not_hold_is_an_alert_and_is_not_used(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    row = sealing.cell.node.store.read_sync(lambda session: seals.find(session, granted))
    assert row is not None
    broken = row.document[:-1] + bytes([row.document[-1] ^ 1])
    sql(sealing.cell.node, "UPDATE seal SET document = :broken", broken=broken)
    progress = await pack.pull("cell")
    assert any("does not hold: ranges:" in one for one in progress["alerts"])
    found = (await show(pack, granted))["sealedSum"]
    assert found["state"] == "invalid"
    assert found["reason"].startswith("ranges:")
    assert "verdict" not in found
    assert [one["kind"] for one in (await pack.get("/alerts"))["data"]] == ["sealed-sum"]
    answered = await pack.post(f"/received/{granted}/sealed-sum")
    assert answered["state"] == "invalid"


@pytest.mark.parametrize(("since", "state"), [("01T00", "invalid"), ("02T00", "verified")])
async def test_a_supplier_revokes_the_key_that_it_has_endorsed_with(
    sealing: Sealing, pack: Company, granted: str, since: str, state: str
) -> None:
    """As for credentials: what was here before the key may have been in other hands stays."""
    await pack.pull("cell")
    assert (await show(pack, granted))["sealedSum"]["verdict"]["grade"] == "mass"
    pack.advance(days=2)
    supplier = sealing.suppliers["cathode"]
    listed = (await supplier.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == KeyPurpose.FOOTPRINT)
    given = {"since": f"2026-03-{since}:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await supplier.post("/keys/revoke", {"kids": [kid], **given})
    peer = pack.node.store.read_sync(lambda session: peers.by_name(session, "cathode"))
    await pack.exchange.look_for_keys(peer.id or 0)
    found = (await show(pack, granted))["sealedSum"]
    assert (found["state"], "verdict" in found) == (state, state == "verified")
    alerts = [one["message"] for one in (await pack.get("/alerts"))["data"]]
    told = [one for one in alerts if "of the sealed sums with signatures of it, 1 are" in one]
    assert len(told) == (state == "invalid")
    if state == "invalid":
        assert found["reason"].startswith(f"endorsement 1: {supplier.url} has revoked the key")
        await pack.pull("cell")
        again = (await show(pack, granted))["sealedSum"]
        assert (again["state"], again["reason"][:13]) == ("invalid", "endorsement 1")


async def test_a_document_of_another_footprint_is_refused_by_its_name(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    """The publisher shows a seal that holds, of something else."""
    from tests.protocol.seal.chains import Chain

    sql(sealing.cell.node, "UPDATE seal SET document = :other", other=Chain().result.document)
    await pack.pull("cell")
    assert (await show(pack, granted))["sealedSum"]["reason"].startswith("binding:")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/extensions/sealed-sum", b"{"),
        ("/extensions/sealed-sum", b'{"data": 5}'),
        ("/extensions/sealed-sum", b'{"data": [{"footprintId": "x", "digest": "y"}]}'),
        ("/extensions/sealed-sum", b'{"data": [7]}'),
        ("/extensions/sealed-sum/{id}", b"{}"),
        ("/extensions/sealed-sum/{id}", b"\xff\xfe"),
        ("/extensions/sealed-sum/{id}", SealedSum(b"UNDERSEAL\x00").document),
    ],
)
async def test_nonsense_of_a_peer_breaks_no_pull(
    sealing: Sealing, pack: Company, granted: str, path: str, content: bytes
) -> None:
    class Nonsense(httpx.AsyncBaseTransport):
        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self._inner = inner

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == path.format(id=granted):
                return httpx.Response(200, stream=httpx.ByteStream(content))
            return await self._inner.handle_async_request(request)

    hosts = sealing.market.internet.hosts
    hosts["cell.example"] = Nonsense(hosts["cell.example"])
    progress = await pack.pull("cell")
    assert (progress["state"], progress["verified"]) == ("done", 1)
    assert (await show(pack, granted)).get("sealedSum", {"state": "invalid"})["state"] == "invalid"


async def test_a_node_without_sealed_sums_is_pulled_from_as_before(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    class Older(httpx.AsyncBaseTransport):
        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self._inner = inner

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/extensions/sealed-sum"):
                return httpx.Response(404, stream=httpx.ByteStream(b"{}"))
            return await self._inner.handle_async_request(request)

    hosts = sealing.market.internet.hosts
    hosts["cell.example"] = Older(hosts["cell.example"])
    assert (await pack.pull("cell"))["state"] == "done"
    refused = await pack.post(f"/received/{granted}/sealed-sum", None, 404)
    assert "shows us no sealed sum" in refused["message"]


# --- grants -------------------------------------------------------------------------------------


async def test_the_preview_lists_what_it_names(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    found = await sealing.cell.get("/grants/preview", peer="pack")
    (seen,) = found["data"]
    shows = seen["sealedSum"]
    assert (shows["property"], shows["coveragePercent"]) == ("pcfExcludingBiogenicUptake", 0)
    (listed,) = shows["inputs"]
    assert (listed["supplier"], listed["mass"]) == ("https://cathode.example", "1000000000")
    assert shows["hasMassBalance"]
    grants = (await sealing.cell.get("/grants", peer="pack"))["data"]
    assert [(one["kind"], one["level"]) for one in grants] == [
        ("footprint", "total"),
        ("footprint", "sealed"),
    ]
    await sealing.cell.http.delete(f"/grants/{grants[1]['id']}")
    (seen,) = (await sealing.cell.get("/grants/preview", peer="pack"))["data"]
    assert "sealedSum" not in seen
    assert seen["level"] == "total"


async def test_what_cannot_be_granted_is_refused_with_the_reason(
    sealing: Sealing, pack: Company
) -> None:
    footprint_id = await sealing.publish(await sealing.draft())
    cell = sealing.cell
    for given, words in (
        ({"footprintIds": [footprint_id]}, "has no sealed sum"),
        ({"everything": True}, "granted one by one"),
        ({"productIds": ["urn:gtin:4712345060507"]}, "granted one by one"),
    ):
        refused = await cell.post("/grants", {"peer": "pack", "level": "sealed"} | given, 409)
        assert words in refused["message"]


async def test_without_the_footprint_it_is_warned_of(sealing: Sealing, pack: Company) -> None:
    footprint_id = await sealing.sealed()
    made = await grant(sealing, footprint_id, "sealed")
    assert "does not see the footprint itself" in made["warning"]
    limited = {"starts": "2026-04-01T00:00:00Z"}
    given = {"peer": "pack", "footprintIds": [footprint_id], "level": "sealed"} | limited
    refused = await sealing.cell.post("/grants", given, 409)
    assert "without limits in time" in refused["message"]


async def test_a_successor_does_not_inherit_it(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    from tests.node.manage.test_products import GRID

    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await sealing.cell.upload("/factors/import", {"factors": [dirtier]}, name="f.json")
    successor = await sealing.sealed()
    assert successor != granted
    granted_to_it = (await sealing.cell.get("/grants", peer="pack"))["data"]
    assert {one["value"] for one in granted_to_it} == {granted}
    given = {"peer": "pack", "productIds": [GTIN], "level": "total"}
    said = {"acknowledge": "a test", "consent": "of the only supplier"}
    await sealing.cell.post("/grants", given | said, 201)
    await pack.pull("cell")
    assert "sealedSum" not in await show(pack, successor)
    assert (await show(pack, granted))["sealedSum"]["state"] == "verified"


async def test_the_audit_log_says_what_was_granted(
    sealing: Sealing, pack: Company, granted: str
) -> None:
    (made,) = [
        one
        for one in await entries(sealing.cell)
        if one["act"] == "grant-added" and one["detail"]["kind"] == "sealed"
    ]
    assert made["footprints"]["ids"] == [granted]
    assert "level" not in made
    assert json.dumps(made).count(granted) >= 1


def grade_of(found: Json) -> tuple[str, bool]:
    verdict = found["sealedSum"]["verdict"]
    return verdict["grade"], verdict["endorsers"][0]["isKnown"]


async def test_it_is_judged_again_when_an_endorser_becomes_a_partner_or_ceases_to_be_one(
    sealing: Sealing, pack: Company, granted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pack.http.delete("/peers/cathode")
    await pack.pull("cell")
    judged = []

    def counted(*given: Any, **more: Any) -> Any:
        judged.append(given)
        return judging.judge(*given, **more)

    monkeypatch.setattr(seal_judge, "judge", counted)
    worker = seal_judge.SealJudge(pack.node)
    await worker.step()
    assert (grade_of(await show(pack, granted)), judged) == (("origin", False), [])
    await sealing.suppliers["cathode"].http.delete("/peers/pack")
    await sealing.market.befriend(pack, sealing.suppliers["cathode"])
    for _ in range(2):  # once is enough
        await worker.step()
    assert (grade_of(await show(pack, granted)), len(judged)) == (("mass", True), 1)
    await pack.http.delete("/peers/cathode")
    await worker.step()
    assert grade_of(await show(pack, granted)) == ("origin", False)


@pytest.mark.parametrize(("days", "state"), [(-1, "invalid"), (2, "verified")])
async def test_a_key_that_an_endorser_revokes_counts_as_of_when_it_says(
    sealing: Sealing, pack: Company, granted: str, days: int, state: str
) -> None:
    await pack.pull("cell")
    worker, cathode = seal_judge.SealJudge(pack.node), sealing.suppliers["cathode"]
    await worker.step()
    shown = (await show(pack, granted))["sealedSum"]
    since = datetime.fromisoformat(shown["receivedAt"]) + timedelta(days=days)
    for one in (cathode, pack):
        one.advance(days=3)
    given = {"since": since.isoformat(), "recoveryKey": recovery_text(RECOVERY_KEY)}
    await cathode.post("/keys/revoke", given | {"kids": [shown["verdict"]["endorsers"][0]["kid"]]})
    for one in (cathode, pack):  # which is told
        await one.work()
    await worker.step()
    found = (await show(pack, granted))["sealedSum"]
    assert (found["state"], "verdict" in found) == (state, state == "verified")
    alerts = [one["message"] for one in (await pack.get("/alerts"))["data"]]
    told = [
        one for one in alerts if "of the sealed sums with signatures of it, 1 are invalid" in one
    ]
    assert len(told) == (state == "invalid")
    assert not any("does not hold any more" in one for one in alerts)  # it was told already
