"""Sealing: a draft, or what is published, with what suppliers endorse; proved beside the node."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.behind import sql
from tests.node.manage.conftest import RECOVERY_KEY, Market
from tests.node.manage.sealing import Sealing, open_sealing
from tests.node.manage.test_audited_routes import entries
from tests.node.manage.test_products import GRID

from underseal_node.publishing import drafting, prepare
from underseal_node.publishing.comparing import document_of
from underseal_node.publishing.opening import lines_of
from underseal_node.sealing import endorsing, jobs, keeping, proving
from underseal_node.sealing.generators import FILE_NAME
from underseal_node.sealing.keeping import openings_in
from underseal_node.store import footprints, peers, seals
from underseal_protocol import base64url
from underseal_protocol.credential import verify
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.recovery import recovery_text
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.sealed_sum import SealedSum, read_sealed_sum
from underseal_protocol.seal.trust import KnownNode, TrustList
from underseal_protocol.seal.verdict import Grade, SealVerdict
from underseal_protocol.seal.verifier import verify_sealed

Json = dict[str, Any]


@pytest.fixture
async def sealing(market: Market) -> Sealing:
    """One supplier, that endorses at once."""
    return await open_sealing(market)


def verdict_of(sealing: Sealing, footprint_id: str, given: Json) -> SealVerdict:
    """What a reader that knows all suppliers takes a sealed sum to show."""
    cell = sealing.cell
    row = cell.node.store.read_sync(lambda session: footprints.row(session, footprint_id))
    document = document_of(row)
    proven = verify(document, keys=cell.node.public_keys, issuer=cell.url)
    found = read_sealed_sum(json.dumps(given).encode())
    found.require_bound(proven, keys=cell.node.public_keys, publisher=cell.url)
    nodes = [KnownNode((one.url,), one.node.public_keys) for one in sealing.suppliers.values()]
    return verify_sealed(
        found.document,
        document,
        publisher=cell.url,
        trusted=TrustList(nodes),
        time=cell.node.now(),
    )


async def shown(sealing: Sealing, footprint_id: str) -> Json:
    found: Json = await sealing.cell.get(f"/seals/{footprint_id}")
    return found


async def test_a_sealed_draft_is_published_with_the_digest_in_its_credential(
    sealing: Sealing,
) -> None:
    drafted = await sealing.draft()
    ready = await sealing.prepare()
    assert (ready["footprintId"], ready["isDraft"], ready["waiting"]) == (drafted["id"], True, 0)
    (supplier,) = ready["suppliers"]
    assert (supplier["peer"], supplier["state"], supplier["isListed"]) == (
        "cathode",
        "endorsed",
        True,
    )
    (listed,) = ready["shows"]["inputs"]
    assert (listed["supplier"], listed["mass"]) == (sealing.suppliers["cathode"].url, "1000000000")
    assert ready["shows"]["hasMassBalance"]
    assert ready["largestCoverage"] == 75  # 3 of 4 kg; the gate is asked when one is chosen
    done = await sealing.seal()
    assert done["seal"]["isInCredential"]
    assert done["seal"]["footprintId"] == drafted["id"]
    footprint_id = await sealing.publish(drafted)
    verdict = verdict_of(sealing, footprint_id, (await shown(sealing, footprint_id))["sealedSum"])
    assert (verdict.grade, verdict.coverage) == (Grade.MASS, 0)
    assert [one.is_known for one in verdict.endorsers] == [True]
    assert "footprint-sealed" in {one["act"] for one in await entries(sealing.cell)}


async def test_a_seal_that_is_made_later_has_a_statement_of_its_own(sealing: Sealing) -> None:
    footprint_id = await sealing.publish(await sealing.draft())
    ready = await sealing.prepare(name=footprint_id)
    assert not ready["isDraft"]
    done = await sealing.seal(name=footprint_id)
    assert not done["seal"]["isInCredential"]
    given = (await shown(sealing, footprint_id))["sealedSum"]
    assert verdict_of(sealing, footprint_id, given).grade is Grade.MASS
    refused = await sealing.cell.post("/seals", {"name": footprint_id}, 409)
    assert "has been published with a seal" in refused["message"]


async def test_the_product_stands_for_its_draft_or_else_its_footprint(sealing: Sealing) -> None:
    drafted = await sealing.draft()
    assert (await sealing.prepare())["footprintId"] == drafted["id"]
    await sealing.publish(drafted)
    again = await sealing.prepare()
    assert (again["footprintId"], again["isDraft"]) == (drafted["id"], False)


async def test_the_books_bear_the_sealed_quantities(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed(nameFactors=True)
    leaves = {one["id"]: one for one in await lines_of(sealing.cell.node, footprint_id)}
    sealed = {name: one["sealed"] for name, one in leaves.items() if "sealed" in one}
    row = sealing.cell.node.store.read_sync(lambda session: seals.find(session, footprint_id))
    assert row is not None
    document = read_document(row.document)
    (listed,), (factor,) = document.inputs, document.factors
    opened = openings_in(sealing.cell.node.vault, row)
    by_line = {one.line: one for one in opened}
    (line,) = (name for name in leaves if name.startswith("footprint:"))
    assert sealed.keys() == by_line.keys() == {line, "factor:EL-HU"}
    assert sealed[line] == {
        "commitment": base64url.encode(listed.endorsement.commitment.encode()),
        "quantityCommitment": base64url.encode(listed.quantity.encode()),
    }
    assert sealed["factor:EL-HU"] == {
        "quantityCommitment": base64url.encode(factor.quantity.encode())
    }
    assert by_line[line].quantity == 2 * 10**9
    assert by_line["factor:EL-HU"].quantity == 5 * 10**9


async def test_named_factors_are_shown_and_others_are_not(sealing: Sealing) -> None:
    await sealing.draft()
    plain = await sealing.prepare()
    assert plain["shows"]["factors"] == []
    named = await sealing.prepare(nameFactors=True)
    assert named["shows"]["factors"] == [
        {
            "name": "Grid electricity, Hungary (Grid data 2024, EL-HU)",
            "unit": "kWh",
            "nanoKgCo2ePerUnit": "200000000",
        }
    ]


async def test_a_draft_is_sealed_anew_with_fresh_blindings(sealing: Sealing) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    first = read_sealed_sum(json.dumps((await sealing.seal())["seal"]["sealedSum"]).encode())
    second = read_sealed_sum(json.dumps((await sealing.seal())["seal"]["sealedSum"]).encode())
    one, other = read_document(first.document), read_document(second.document)
    assert one.inputs[0].endorsement == other.inputs[0].endorsement
    assert one.inputs[0].quantity != other.inputs[0].quantity
    assert one.own != other.own
    footprint_id = await sealing.publish(drafted)
    assert (await shown(sealing, footprint_id))["digest"] == other.digest
    verdict_of(sealing, footprint_id, SealedSum(second.document).to_json())


async def test_the_same_draft_stays_sealed_and_another_one_is_not(sealing: Sealing) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    done = await sealing.seal()
    assert (await sealing.draft())["isNew"] is False
    assert (await shown(sealing, drafted["id"]))["digest"] == done["seal"]["digest"]
    dirtier = GRID | {"values": {"fossilGhgEmissions": "0.3"}}
    await sealing.cell.upload("/factors/import", {"factors": [dirtier]}, name="f.json")
    refused = await sealing.cell.post("/seals", {"name": "cell"}, 409)
    assert "would be another footprint now" in refused["message"]
    assert (await sealing.draft())["id"] == drafted["id"]
    assert (await sealing.cell.http.get(f"/seals/{drafted['id']}")).status_code == 404


async def test_what_is_published_without_its_draft_is_not_sealed(sealing: Sealing) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    await sealing.seal()
    done = await sealing.cell.post("/products/publish", {}, product="cell")
    assert done["footprint"] == drafted["id"]
    assert (await sealing.cell.http.get(f"/seals/{drafted['id']}")).status_code == 404


async def test_whoever_has_not_answered_is_waited_for_and_counts_as_own_until_then(
    market: Market,
) -> None:
    sealing = await open_sealing(
        market, ("cathode", "anode"), figures=("1.50", "2"), amounts=("2", "0.5"), mass="1"
    )
    await sealing.suppliers["anode"].patch("/peers/cell", {"endorse": "ask"})
    await sealing.draft()
    ready = await sealing.prepare()
    assert ready["waiting"] == 1
    assert {one["peer"]: one["state"] for one in ready["suppliers"]} == {
        "anode": "pending",
        "cathode": "endorsed",
    }
    assert [one["peer"] for one in ready["shows"]["inputs"]] == ["cathode"]
    (question,) = (await sealing.suppliers["anode"].get("/endorsements", state="open"))["data"]
    await sealing.suppliers["anode"].post(f"/endorsements/{question['id']}/answer", {"allow": True})
    ready = await sealing.prepare()
    assert ready["waiting"] == 0
    assert {one["peer"] for one in ready["shows"]["inputs"]} == {"anode", "cathode"}


@pytest.mark.parametrize(
    ("policy", "state", "reason"),
    [
        ({"endorse": "never"}, "refused", "does not endorse"),
        ({"endorse": "auto", "endorseNamed": False}, "endorsed", None),
    ],
)
async def test_what_is_not_endorsed_by_name_counts_as_own(
    sealing: Sealing, policy: Json, state: str, reason: str | None
) -> None:
    await sealing.suppliers["cathode"].patch("/peers/cell", policy)
    drafted = await sealing.draft()
    ready = await sealing.prepare()
    (supplier,) = ready["suppliers"]
    assert (supplier["state"], supplier["isListed"]) == (state, False)
    assert reason is None or reason in supplier["reason"]
    assert (ready["shows"]["inputs"], ready["shows"]["hasMassBalance"]) == ([], False)
    await sealing.seal()
    footprint_id = await sealing.publish(drafted)
    given = (await shown(sealing, footprint_id))["sealedSum"]
    assert verdict_of(sealing, footprint_id, given).grade is Grade.ORIGIN


async def test_a_supplier_without_underseal_cannot_endorse(sealing: Sealing) -> None:
    await sealing.draft()
    sql(sealing.cell.node, "UPDATE peer SET is_underseal = false WHERE name = 'cathode'")
    (supplier,) = (await sealing.prepare())["suppliers"]
    assert (supplier["state"], supplier["isListed"]) == ("unable", False)
    assert "no Underseal node" in supplier["reason"]


async def test_a_supplier_that_is_not_reached_is_asked_again(sealing: Sealing) -> None:
    await sealing.draft()
    host = sealing.market.internet.hosts.pop("cathode.example")
    ready = await sealing.prepare()
    (supplier,) = ready["suppliers"]
    assert (supplier["state"], ready["waiting"]) == ("wanted", 1)
    assert "nobody listens there" in supplier["reason"]
    sealing.market.internet.hosts["cathode.example"] = host
    assert (await sealing.prepare())["waiting"] == 0


async def test_too_little_mass_and_too_much_coverage_are_refused_before_anything_is_proved(
    market: Market,
) -> None:
    light = await open_sealing(market, mass="2.5")
    await light.draft()
    refusal = (await light.prepare())["refusal"]
    assert refusal["message"].startswith("mass: the endorsed inputs have less mass")
    answer = await light.cell.http.post("/seals", json={"name": "cell"})
    assert answer.status_code == 422
    refusal = (await light.prepare(coverage=90))["refusal"]
    assert refusal["message"].startswith("mass:")
    answer = await light.cell.http.post("/seals", json={"name": "cell", "coverage": 33})
    assert answer.status_code == 409


async def test_the_release_gate_is_asked_about_the_coverage(sealing: Sealing) -> None:
    """One supplier makes 75 % of it: that it is at least 75 % would tell its figure."""
    await sealing.draft()
    refusal = (await sealing.prepare(coverage=90))["refusal"]
    assert refusal["message"].startswith("coverage: the endorsed inputs are less than 90 %")
    refusal = (await sealing.prepare(coverage=75))["refusal"]
    assert "the release gate does not let it out" in refusal["message"]
    assert "smaller step" in refusal["hint"]
    assert "refusal" not in await sealing.prepare(coverage=50)


async def test_the_gate_remembers_what_a_seal_tells(market: Market) -> None:
    names = ("anode", "foil", "housing", "cathode")
    sealing = await open_sealing(
        market,
        names,
        figures=("1.1", "1.2", "1.3", "1.4"),
        amounts=("1", "1", "1", "1"),
        mass="3",
    )
    drafted = await sealing.draft()
    ready = await sealing.prepare(coverage=50)
    assert ready.get("refusal") is None
    assert ready["largestCoverage"] == 75
    await sealing.seal(coverage=50)
    footprint_id = await sealing.publish(drafted)
    stored = sql(sealing.cell.node, "SELECT document FROM exposure")[0][0]
    assert "at least 50 % of pcfExcludingBiogenicUptake" in stored
    verdict = verdict_of(sealing, footprint_id, (await shown(sealing, footprint_id))["sealedSum"])
    assert (verdict.coverage, len(verdict.endorsers)) == (50, 4)


async def test_the_gate_is_asked_again_once_it_is_proved(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile a supplier is granted the footprint: what is not its own part is the other's."""
    sealing = await open_sealing(
        market, ("anode", "cathode"), figures=("1.4", "1.6"), amounts=("1", "1"), mass="1.9"
    )
    footprint_id = await sealing.publish(await sealing.draft())
    assert "refusal" not in await sealing.prepare(name=footprint_id, coverage=75)
    kept = keeping.keep_seal

    async def granted_meanwhile(*given: Any) -> Any:
        grant = {"peer": "anode", "footprintIds": [footprint_id], "level": "total"}
        said = {"acknowledge": "a test", "consent": "of the other supplier"}
        await sealing.cell.post("/grants", grant | said, 201)
        return await kept(*given)

    monkeypatch.setattr(jobs, "keep_seal", granted_meanwhile)
    done = await sealing.seal(status="failed", name=footprint_id, coverage=75)
    assert "the release gate does not let it out" in done["error"]
    assert (await sealing.cell.http.get(f"/seals/{footprint_id}")).status_code == 404


async def test_what_was_not_calculated_here_cannot_be_sealed(
    sealing: Sealing, document: Any
) -> None:
    cell = sealing.cell
    (imported,) = await cell.publish(document(77))
    drafted = await cell.upload("/drafts", document(78))
    for name, status, words in (
        (imported, 409, "was not calculated"),
        (drafted["id"], 409, "was not calculated"),
        ("nothing", 404, "no draft, footprint or product"),
        ("cell", 409, "no draft and no active footprint"),
    ):
        refused = await cell.post("/seals/prepare", {"name": name}, status)
        assert words in refused["message"]


async def test_an_answer_that_does_not_hold_is_not_used(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supplier endorses, for the context, a figure that it has not published."""

    def document_with_other(row: Any) -> Json:
        document = document_of(row)
        document["pcf"]["pcfExcludingBiogenicUptake"] = "0.10"
        document["pcf"]["pcfIncludingBiogenicUptake"] = "0.10"
        return document

    monkeypatch.setattr(endorsing, "document_of", document_with_other)
    await sealing.draft()
    (supplier,) = (await sealing.prepare())["suppliers"]
    assert (supplier["state"], supplier["isListed"]) == ("unable", False)
    assert "the endorsed value is not" in supplier["reason"]


async def test_a_supplier_may_have_changed_its_keys(sealing: Sealing) -> None:
    await sealing.suppliers["cathode"].post("/keys/rotate", {})
    await sealing.draft()
    assert (await sealing.prepare())["suppliers"][0]["isListed"]


async def test_an_endorsement_whose_key_was_revoked_is_not_sealed(sealing: Sealing) -> None:
    """Every reader would refuse the document."""
    await sealing.draft()
    assert (await sealing.prepare())["suppliers"][0]["isListed"]
    supplier = sealing.suppliers["cathode"]
    listed = (await supplier.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == KeyPurpose.FOOTPRINT)
    given = {"since": "2026-03-01T18:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    sealing.cell.advance(days=1)  # the footprint itself was here before, and stays
    await supplier.post("/keys/revoke", {"kids": [kid], **given})
    peer = sealing.cell.node.store.read_sync(lambda session: peers.by_name(session, "cathode"))
    await sealing.cell.exchange.look_for_keys(peer.id or 0)
    (shown_one,) = (await sealing.prepare())["suppliers"]
    assert (shown_one["state"], shown_one["isListed"]) == ("unable", False)
    assert "has revoked the key" in shown_one["reason"]


async def test_what_opens_a_commitment_is_not_stored_in_the_clear(sealing: Sealing) -> None:
    footprint_id = await sealing.sealed()
    node = sealing.cell.node
    row = node.store.read_sync(lambda session: seals.find(session, footprint_id))
    assert row is not None
    secrets = [base64url.encode(one.blinding.encode()) for one in openings_in(node.vault, row)]
    assert len(secrets) == 1
    stored = b"".join(
        str(value).encode() if not isinstance(value, bytes) else value
        for table in ("seal", "endorsement", "seal_context", "commitment", "audit_pending")
        for found in sql(node, f"SELECT * FROM {table}")
        for value in found
    )
    assert not [one for one in secrets if one.encode() in stored]


async def test_the_publisher_has_moved_since_it_was_endorsed(sealing: Sealing) -> None:
    await sealing.draft()
    assert (await sealing.prepare())["suppliers"][0]["isListed"]
    cell = sealing.cell
    sealing.market.internet.hosts["moved.example"] = sealing.market.internet.hosts["cell.example"]
    await cell.post("/node/move", {"url": "https://moved.example"})
    cell.node.refresh()
    ready = await cell.post("/seals/prepare", {"name": "cell"})
    # The supplier does not know the new address yet: what it endorses is for the old one.
    assert not ready["suppliers"][0]["isListed"]


# --- processes ----------------------------------------------------------------------------------


class Provers:
    """The processes that were started, to be killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        self._start = proving._start
        monkeypatch.setattr(proving, "_start", self.start)

    def start(self) -> Any:
        channel, process = self._start()
        self.started.append(process)
        return channel, process


@pytest.fixture
def provers(monkeypatch: pytest.MonkeyPatch) -> Provers:
    return Provers(monkeypatch)


async def test_a_prover_that_is_killed_leaves_nothing(
    sealing: Sealing, provers: Provers, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    looked: list[str] = []

    def look(job: Any, step: str, done: int, total: int) -> None:
        looked.append(step)
        os.kill(provers.started[-1].pid, signal.SIGKILL)

    before = sql(sealing.cell.node, "SELECT commitment FROM draft_roll_up")
    with monkeypatch.context() as patched:
        patched.setattr(jobs.SealJob, "look", look)
        done = await sealing.seal(status="failed")
    assert looked
    assert "has ended before it was done; nothing was kept" in done["error"]
    assert (await sealing.cell.http.get(f"/seals/{drafted['id']}")).status_code == 404
    assert sql(sealing.cell.node, "SELECT commitment FROM draft_roll_up") == before
    await sealing.seal()
    footprint_id = await sealing.publish(drafted)
    assert verdict_of(sealing, footprint_id, (await shown(sealing, footprint_id))["sealedSum"])


async def test_a_prover_inherits_no_secret(
    sealing: Sealing, provers: Provers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from the environment nor by a file that the node has open, its database perhaps."""
    secrets = ("UNDERSEAL_MASTER_KEY", "UNDERSEAL_DATABASE_URL", "underseal_database_url")
    for name in (*secrets, "PGPASSWORD"):
        monkeypatch.setenv(name, "hunter2")
    found: list[tuple[bytes, list[str]]] = []

    def look(*_: Any) -> None:
        place = Path("/proc") / str(provers.started[-1].pid)
        if not found and place.is_dir():
            files = [os.readlink(one) for one in (place / "fd").iterdir()]
            found.append(((place / "environ").read_bytes(), files))

    await sealing.draft()
    await sealing.prepare()
    monkeypatch.setattr(jobs.SealJob, "look", look)
    await sealing.seal()
    if not found:
        pytest.skip("this system does not show what a process has")
    ((environment, files),) = found
    assert b"PATH=" in environment
    assert b"hunter2" not in environment
    assert not [one for one in files if one.startswith(str(sealing.cell.node.home.path))]


async def test_a_seal_that_fails_always_says_why(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody has foreseen what happened."""
    await sealing.draft()
    await sealing.prepare()

    async def broken(*_: Any) -> Any:
        raise subprocess.TimeoutExpired("prover", 5)

    monkeypatch.setattr(jobs, "prove", broken)
    done = await sealing.seal(status="failed")
    assert done["error"] == jobs.ENDED


async def test_a_node_that_stops_ends_its_prover(sealing: Sealing, provers: Provers) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    job = await sealing.cell.post("/seals", {"name": "cell"}, 202)
    running = sealing.cell.app.state.context.seals
    while not provers.started:
        await asyncio.sleep(0.01)
    await running.aclose()
    assert provers.started[0].wait(10) != 0
    assert running.get(job["id"]).state == jobs.SealStage.FAILED
    assert (await sealing.cell.http.get(f"/seals/{drafted['id']}")).status_code == 404


async def test_a_draft_that_was_changed_meanwhile_is_not_sealed(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = await sealing.draft()
    await sealing.prepare()
    kept = keeping.keep_seal

    async def changed_meanwhile(*given: Any) -> Any:
        await sealing.publish(drafted)
        return await kept(*given)

    monkeypatch.setattr(jobs, "keep_seal", changed_meanwhile)
    done = await sealing.seal(status="failed")
    assert keeping.CHANGED in done["error"]
    assert (await sealing.cell.http.get(f"/seals/{drafted['id']}")).status_code == 404


async def test_a_draft_that_is_sealed_anew_while_it_is_published(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credential would bear one seal, and readers would get the other."""
    drafted, node = await sealing.draft(), sealing.cell.node
    await sealing.prepare()
    await sealing.seal()
    ((digest, document),) = sql(node, "SELECT digest, document FROM seal")
    await sealing.seal()

    def sign(*arguments: Any, **named: Any) -> Any:
        change = "UPDATE seal SET digest = :digest, document = :document"
        sql(node, change, digest=digest, document=document)
        return prepare.sign(*arguments, **named)

    monkeypatch.setattr(drafting, "sign", sign)
    given = {"draft": json.dumps(drafted["draft"]), "acknowledge": "a test"}
    given |= {"consent": "of the only supplier"}
    refused = await sealing.cell.post("/drafts/publish", given, 409)
    assert "was sealed anew while it was being published" in refused["message"]
    monkeypatch.undo()
    footprint_id = await sealing.publish(drafted)
    given_to_readers = (await shown(sealing, footprint_id))["sealedSum"]
    assert verdict_of(sealing, footprint_id, given_to_readers).digest == digest


async def test_generators_are_made_once_and_made_anew_if_the_file_is_broken(
    sealing: Sealing, provers: Provers
) -> None:
    await sealing.draft()
    await sealing.prepare()
    file = sealing.cell.node.home.run / FILE_NAME
    file.unlink()
    await sealing.seal()
    content = file.read_bytes()
    assert (len(content), file.stat().st_mode & 0o777) == (393_216, 0o600)
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    await sealing.seal()
    assert file.read_bytes() == content
    before = file.stat().st_mtime_ns
    await sealing.seal()
    assert file.stat().st_mtime_ns == before
    assert len(provers.started) == 3
