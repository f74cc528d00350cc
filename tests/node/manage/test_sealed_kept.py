"""What becomes of a seal: opened to an auditor, and left behind by whatever takes its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.node.manage.conftest import RECOVERY_KEY, Market
from tests.node.manage.sealing import Sealing, open_sealing
from tests.node.manage.test_audited_routes import entries
from tests.node.manage.test_products import GRID

from underseal_node.exchange.seal_judge import SealJudge
from underseal_node.publishing.comparing import document_of
from underseal_node.publishing.opening import lines_of
from underseal_node.sealing.generators import FILE_NAME
from underseal_node.store import footprints
from underseal_protocol.credential import verify
from underseal_protocol.jws import named_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.opening import Opening, verify_opening
from underseal_protocol.recovery import recovery_text
from underseal_protocol.seal.generators import encoded_vectors
from underseal_protocol.seal.opened import read_sealed_opening

Json = dict[str, Any]
SAID = {"acknowledge": "a test", "consent": "of the only supplier"}


@pytest.fixture
async def sealing(market: Market) -> Sealing:
    return await open_sealing(market)


async def opened(sealing: Sealing, footprint_id: str, *lines: str) -> tuple[Json, Opening]:
    """The answer, and what an auditor makes of it."""
    cell = sealing.cell
    what: Json = {"lines": list(lines)} if lines else {"everything": True}
    path = f"/footprints/{footprint_id}/opening"
    answer = await cell.post(path, what | {"verifier": "An auditor"})
    row = cell.node.store.read_sync(lambda session: footprints.row(session, footprint_id))
    keys, document = cell.node.public_keys, document_of(row)
    found = verify_opening(
        answer["opening"],
        keys=keys,
        issuer=cell.url,
        footprint_id=footprint_id,
        proven=verify(document, keys=keys, issuer=cell.url),
    )
    return answer, found


async def test_an_auditor_gets_the_sealed_quantities_with_the_lines(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed(nameFactors=True)
    answer, found = await opened(sealing, footprint_id)
    assert answer["sealedQuantities"] == 2
    seal = read_sealed_opening(found.sealed, found.lines)
    assert seal.digest == (await sealing.cell.get(f"/seals/{footprint_id}"))["digest"]
    assert (seal.is_whole, seal.in_books) == (True, 2)
    (endorsed,) = [one for one in seal.quantities if one.endorsed is not None]
    assert endorsed.quantity == 2 * 10**9
    assert endorsed.endorsed is not None
    assert endorsed.endorsed.opening.value == 1_500_000_000
    (entry,) = [one for one in await entries(sealing.cell) if one["act"] == "lines-opened"]
    assert entry["detail"]["quantities"] == 2


async def test_only_those_of_the_lines_that_are_opened(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed(nameFactors=True)
    answer, found = await opened(sealing, footprint_id, "factor:EL-HU")
    assert answer["sealedQuantities"] == 1
    seal = read_sealed_opening(found.sealed, found.lines)
    assert (seal.is_whole, seal.in_books) == (False, 1)
    assert [one.line for one in seal.quantities] == ["factor:EL-HU"]
    answer, found = await opened(sealing, footprint_id, "product:cell")
    assert (answer["sealedQuantities"], found.sealed) == (0, None)
    assert "sealed" not in answer["opening"]


async def test_of_a_seal_that_was_made_later_no_line_bears_the_commitments(
    sealing: Sealing,
) -> None:
    footprint_id = await sealing.publish(await sealing.draft())
    await sealing.prepare(name=footprint_id)
    await sealing.seal(name=footprint_id)
    _, found = await opened(sealing, footprint_id)
    seal = read_sealed_opening(found.sealed, found.lines)
    assert (seal.is_whole, seal.in_books) == (True, 0)


async def test_openings_leave_by_no_other_way(sealing: Sealing) -> None:
    """Neither what is shown of a seal, nor the lines, nor the log has a value or a blinding."""
    footprint_id = await sealing.sealed()
    answer, _ = await opened(sealing, footprint_id)
    (one,) = answer["opening"]["sealed"]["quantities"]
    cell = sealing.cell
    for path in (f"/seals/{footprint_id}", f"/footprints/{footprint_id}/lines", "/audit"):
        shown = json.dumps(await cell.get(path))
        assert one["blinding"] not in shown
        assert one["valueBlinding"] not in shown


async def revoked(sealing: Sealing) -> str:
    """The footprint key of the cell maker, which was stolen."""
    listed = (await sealing.cell.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == KeyPurpose.FOOTPRINT)
    given = {"since": "2026-03-01T00:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await sealing.cell.post("/keys/revoke", {"kids": [kid], **given})
    return str(kid)


async def attested(sealing: Sealing, footprint_id: str, *lines: str, status: int = 200) -> Json:
    """By an auditor, who is granted everything."""
    cell = sealing.cell
    auditor = await sealing.market.open("auditor")
    await sealing.market.befriend(cell, auditor)
    given = {"peer": "auditor", "footprintIds": [footprint_id], "level": "full"}
    await cell.post("/grants", given | SAID, 201)
    await auditor.pull("cell")
    await cell.pull("auditor")
    answer, _ = await opened(sealing, footprint_id, *lines)
    said = {
        "document": json.dumps(await auditor.get(f"/received/{footprint_id}")),
        "level": "limited",
        "coverage": "product level",
        "standardName": "ISO 14067:2018",
        "completedAt": "2026-03-01T12:00:00Z",
        "statement": {"text": "We have compared them."},
        "opening": json.dumps(answer["opening"]),
        "namesSeal": True,
    }
    made: Json = await auditor.post("/attestations", said, status)
    return made


async def test_an_auditor_attests_the_quantities_and_readers_see_that(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed()
    made = await attested(sealing, footprint_id)
    assert made["sealedSum"] == (await sealing.cell.get(f"/seals/{footprint_id}"))["digest"]
    await sealing.cell.post("/attestations/attach", {"attestation": made["attestation"]})
    pack = await sealing.market.open("pack")
    (pack.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await sealing.market.befriend(pack, sealing.cell)
    for level in ("quality", "sealed"):
        given = {"peer": "pack", "footprintIds": [footprint_id], "level": level}
        await sealing.cell.post("/grants", given | SAID, 201)
    await pack.pull("cell")
    path = f"/received/{footprint_id}"
    assert (await pack.get(path))["sealedSum"]["verdict"]["grade"] == "origin"
    auditor = sealing.market.companies["auditor"]
    await sealing.market.befriend(pack, auditor)
    await pack.pull("auditor")
    await pack.post(f"{path}/attestations")
    again = await pack.post(f"{path}/sealed-sum")
    assert again["verdict"]["grade"] == "attested"


async def test_quantities_that_are_not_all_opened_are_not_attested(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed(nameFactors=True)
    refused = await attested(sealing, footprint_id, "factor:EL-HU", status=409)
    assert "not all quantities" in refused["message"]


async def test_quantities_that_no_line_of_the_books_bears_are_not_attested(
    sealing: Sealing,
) -> None:
    """Nothing would bind what the auditor has read in the books to what is sealed."""
    footprint_id = await sealing.publish(await sealing.draft())
    await sealing.prepare(name=footprint_id)
    await sealing.seal(name=footprint_id)
    refused = await attested(sealing, footprint_id, status=409)
    assert "1 of the 1 quantities of the sealed sum stand in no line" in refused["message"]


async def test_what_is_not_sealed_is_not_attested_as_such(sealing: Sealing) -> None:
    footprint_id = await sealing.publish(await sealing.draft())
    refused = await attested(sealing, footprint_id, status=409)
    assert "nothing of a sealed sum was opened" in refused["message"]


async def test_what_is_reissued_after_a_theft_has_no_seal_and_can_be_sealed(
    sealing: Sealing,
) -> None:
    footprint_id = await sealing.sealed()
    kid = await revoked(sealing)
    tried = await sealing.cell.post("/footprints/reissue", {"signedBy": kid, "dryRun": True})
    assert tried["unsealed"] == [footprint_id]
    done = await sealing.cell.post("/footprints/reissue", {"signedBy": kid})
    new = done["successors"][footprint_id]
    assert done["unsealed"] == [new]
    assert not any("sealed" in one for one in await lines_of(sealing.cell.node, new))
    assert any("sealed" in one for one in await lines_of(sealing.cell.node, footprint_id))
    assert (await sealing.cell.http.get(f"/seals/{new}")).status_code == 404
    row = sealing.cell.node.store.read_sync(lambda session: footprints.row(session, new))
    keys = sealing.cell.node.public_keys
    assert verify(document_of(row), keys=keys, issuer=sealing.cell.url).sealed_sum is None
    await sealing.prepare(name=new)
    assert (await sealing.seal(name=new))["seal"]["footprintId"] == new


async def test_a_seal_of_its_own_is_signed_again_after_a_theft(sealing: Sealing) -> None:
    cell = sealing.cell
    footprint_id = await sealing.publish(await sealing.draft())
    await cell.post("/keys/rotate", {"purposes": ["footprint"]})
    await sealing.prepare(name=footprint_id)
    before = (await sealing.seal(name=footprint_id))["seal"]
    pack = await sealing.market.open("pack")
    (pack.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await sealing.market.befriend(pack, cell)
    for level in ("total", "sealed"):
        given = {"peer": "pack", "footprintIds": [footprint_id], "level": level}
        await cell.post("/grants", given | (SAID if level == "total" else {}), 201)
    stolen = str(named_key(before["sealedSum"]["statement"]))
    given = {"since": "2026-02-01T00:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await pack.pull("cell")
    assert (await pack.get(f"/received/{footprint_id}"))["sealedSum"]["state"] == "verified"
    await cell.post("/keys/revoke", given | {"kids": [stolen]})
    for one in (cell, pack):  # which is told
        await one.work()
    await SealJudge(pack.node).step()
    found = (await pack.get(f"/received/{footprint_id}"))["sealedSum"]
    assert (found["state"], found["reason"][:8]) == ("invalid", "binding:")
    tried = await cell.post("/footprints/reissue", {"signedBy": stolen, "dryRun": True})
    assert (tried["found"], tried["restated"]) == (0, [footprint_id])
    assert (await cell.get(f"/seals/{footprint_id}"))["sealedSum"] == before["sealedSum"]
    done = await cell.post("/footprints/reissue", {"signedBy": stolen})
    assert (done["successors"], done["restated"], done["notified"]) == (
        {},
        [footprint_id],
        ["pack"],
    )
    after = (await cell.get(f"/seals/{footprint_id}"))["sealedSum"]
    assert after["document"] == before["sealedSum"]["document"]
    assert named_key(after["statement"]) != stolen
    for one in (cell, pack):
        await one.work()
    assert (await pack.get(f"/received/{footprint_id}"))["sealedSum"]["state"] == "verified"
    again = await cell.post("/footprints/reissue", {"signedBy": stolen})
    assert (again["restated"], again["notified"]) == ([], [])


async def test_whoever_publishes_without_the_seal_is_warned(sealing: Sealing) -> None:
    path = "/products/publish"
    plain = await sealing.cell.post(path, SAID, product="cell", dryRun=True)
    assert plain["dropsSeal"] is False
    drafted = await sealing.draft()
    await sealing.prepare()
    await sealing.seal()
    assert (await sealing.cell.post(path, SAID, product="cell", dryRun=True))["dropsSeal"] is True
    footprint_id = await sealing.publish(drafted)
    again = await sealing.cell.post(path, SAID, product="cell", dryRun=True)
    assert (again["outcome"], again["dropsSeal"]) == ("unchanged", False)
    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await sealing.cell.upload("/factors/import", {"factors": [dirtier]}, name="f.json")
    (stale,) = (await sealing.cell.post("/products/refresh", {}))["data"]
    assert (stale["stale"]["footprint"], stale["dropsSeal"]) == (footprint_id, True)
    body = {"confirmed": [stale["digest"]]} | SAID
    (done,) = (await sealing.cell.post("/products/refresh", body))["data"]
    assert done["dropsSeal"] is True
    assert (await sealing.cell.http.get(f"/seals/{done['published']}")).status_code == 404
    assert (await sealing.cell.get(f"/seals/{footprint_id}"))["footprintId"] == footprint_id


async def test_whoever_publishes_a_draft_without_the_seal_is_warned(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed()
    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await sealing.cell.upload("/factors/import", {"factors": [dirtier]}, name="f.json")
    given = {"draft": json.dumps((await sealing.draft())["draft"])} | SAID
    done = await sealing.cell.post("/drafts/publish", given)
    assert (done["deprecated"], done["dropsSeal"]) == (footprint_id, True)
    again = await sealing.cell.post("/drafts/publish", given)
    assert (again["outcome"], again["dropsSeal"]) == ("unchanged", False)


async def test_a_draft_with_a_seal_of_its_own_leaves_none_behind(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed()
    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await sealing.cell.upload("/factors/import", {"factors": [dirtier]}, name="f.json")
    drafted = await sealing.draft()
    await sealing.prepare()
    await sealing.seal()
    given = {"draft": json.dumps(drafted["draft"])} | SAID
    done = await sealing.cell.post("/drafts/publish", given)
    assert (done["deprecated"], done["dropsSeal"]) == (footprint_id, False)
