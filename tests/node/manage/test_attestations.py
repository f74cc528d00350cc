"""Drafts, and what verifiers attest of them: three companies, each with a node of its own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.node.manage.conftest import RECOVERY_KEY, SAID, Document, Stage

from underseal_protocol.attestation import attestations_of, read_attestation
from underseal_protocol.credential import verify
from underseal_protocol.disclosure import Level
from underseal_protocol.recovery import recovery_text

# --- a draft ------------------------------------------------------------------------------------


async def test_a_draft_is_not_published(stage: Stage, document: Callable[..., Document]) -> None:
    made = await stage.draft(document())
    assert made["isNew"] is True
    assert made["replaced"] is False
    assert made["draft"]["footprint"]["companyName"] == "Cathode"
    assert (await stage.supplier.get("/footprints"))["data"] == []
    (listed,) = (await stage.supplier.get("/drafts"))["data"]
    assert listed["id"] == made["id"]
    assert "publishedAt" not in listed
    shown = await stage.supplier.get(f"/drafts/{made['id'].upper()}")
    assert shown["draft"] == made["draft"]


async def test_the_same_content_is_the_same_draft(
    stage: Stage, document: Callable[..., Document]
) -> None:
    sheet = {name: value for name, value in document().items() if name != "id"}
    first = await stage.draft(sheet)
    stage.supplier.advance(hours=1)
    again = await stage.draft(sheet)
    assert again["draft"] == first["draft"]
    assert again["isNew"] is False
    other = await stage.draft(sheet | {"comment": "另一个"})
    assert (other["id"], other["replaced"], other["isNew"]) == (first["id"], True, True)
    assert other["draft"]["disclosures"] != first["draft"]["disclosures"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["pcf"].update(verification={"providerName": "x"}), "how it was verified"),
        (lambda d: d.update(companyIds=["urn:lei:969500T3MBS4SQAMHJ45"]), "not an id of this node"),
        (lambda d: d["pcf"].pop("pcfExcludingBiogenicUptake"), "expected"),
        (lambda d: d.update(status="Deprecated"), "begins as Active"),
    ],
)
async def test_what_cannot_be_published_cannot_be_drafted(
    stage: Stage,
    document: Callable[..., Document],
    change: Callable[[Document], object],
    named: str,
) -> None:
    broken = document()
    change(broken)
    refusal = await stage.supplier.upload("/drafts", broken, 422)
    assert named in refusal["problems"][0]["message"]
    assert (await stage.supplier.get("/drafts"))["data"] == []


async def test_a_draft_is_of_one_footprint(stage: Stage, document: Callable[..., Document]) -> None:
    refusal = await stage.supplier.upload("/drafts", [document(1), document(2)], 422)
    assert "there are 2 footprints in it" in refusal["message"]


async def test_what_is_published_already_is_not_drafted(
    stage: Stage, document: Callable[..., Document]
) -> None:
    await stage.supplier.publish(document())
    refusal = await stage.supplier.upload("/drafts", document(), 422)
    assert "published already" in refusal["message"]
    assert "--supersedes" in refusal["hint"]


# --- attested and published ---------------------------------------------------------------------


async def test_a_draft_is_published_as_it_was_attested(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document(comment="正极材料"))
    attested = await stage.attest(made["draft"], providerName="中国质量认证中心")
    assert attested["verifier"] == "https://auditor.example"
    assert attested["owner"] == "https://cathode.example"
    stage.supplier.advance(days=3)
    done = await stage.publish(made["draft"], attested["attestation"])
    assert done["outcome"] == "published"
    body = await stage.body(made["id"])
    assert body["pcf"]["verification"] == {
        "coverage": "product level",
        "providerName": "中国质量认证中心",
        "completedAt": "2026-02-27T00:00:00Z",
        "standardName": "ISO 14067:2018",
    }
    assert attestations_of(body) == [attested["attestation"]]
    proven = verify(body, keys=stage.supplier.node.public_keys, issuer=stage.supplier.url)
    subject = read_attestation(attested["attestation"]).subject
    assert (proven.core, proven.shown_digests().items() >= subject.blocks.items()) == (
        subject.core,
        True,
    )
    assert body["created"] == made["draft"]["footprint"]["created"]
    (listed,) = (await stage.supplier.get("/drafts"))["data"]
    assert listed["publishedAt"].startswith("2026-03-04")


async def test_a_draft_can_be_published_without_an_attestation(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    assert (await stage.publish(made["draft"]))["outcome"] == "published"
    assert "verification" not in (await stage.body(made["id"]))["pcf"]


async def test_publishing_twice_changes_nothing(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    token = (await stage.attest(made["draft"]))["attestation"]
    await stage.publish(made["draft"], token)
    before = await stage.body(made["id"])
    assert (await stage.publish(made["draft"], token))["outcome"] == "unchanged"
    refusal = await stage.publish(made["draft"], status=409)
    assert "has been published with another attestation" in refusal["message"]
    other = (await stage.attest(made["draft"], level="reasonable"))["attestation"]
    refusal = await stage.publish(made["draft"], other, 409)
    assert "a footprint never changes" in refusal["message"]
    assert await stage.body(made["id"]) == before
    refusal = await stage.supplier.upload("/drafts", document(comment="other"), 422)
    assert "has been published with other content" in refusal["message"]


async def test_an_exported_footprint_is_imported_as_unchanged(
    stage: Stage, document: Callable[..., Document]
) -> None:
    extension = {"specVersion": "2.0.0", "dataSchema": "https://a.example/b.json", "data": {}}
    made = await stage.draft(document(extensions=[extension]))
    await stage.publish(made["draft"], (await stage.attest(made["draft"]))["attestation"])
    body = await stage.body(made["id"])
    result = await stage.supplier.upload("/footprints/import", body)
    assert (result["unchanged"], result["problems"]) == (1, [])


async def test_an_attested_footprint_cannot_be_imported_elsewhere(
    stage: Stage, document: Callable[..., Document]
) -> None:
    """With salts of its own it would attest something else."""
    made = await stage.draft(document())
    await stage.publish(made["draft"], (await stage.attest(made["draft"]))["attestation"])
    body = await stage.body(made["id"])
    body["id"] = document(9)["id"]
    result = await stage.supplier.upload("/footprints/import", body)
    assert "about the draft that the verifier had" in result["problems"][0]["message"]
    await stage.supplier.publish(document(2))
    refusal = await stage.supplier.upload(f"/footprints/{document(2)['id']}/supersede", body, 422)
    assert "about the draft that the verifier had" in refusal["message"]


async def test_the_draft_of_a_successor_deprecates_what_it_replaces(
    stage: Stage, document: Callable[..., Document]
) -> None:
    (old,) = await stage.supplier.publish(document())
    corrected = {name: value for name, value in document(comment="new").items() if name != "id"}
    made = await stage.draft(corrected, supersedes=old.upper())
    assert made["draft"]["footprint"]["precedingPfIds"] == [old]
    assert (await stage.body(old))["status"] == "Active"
    token = (await stage.attest(made["draft"]))["attestation"]
    done = await stage.publish(made["draft"], token)
    assert (done["id"], done["deprecated"]) == (made["id"], old)
    assert (await stage.body(old))["status"] == "Deprecated"
    refusal = await stage.supplier.upload("/drafts", corrected, 409, supersedes=old)
    assert "deprecated already" in refusal["message"]
    await stage.supplier.upload("/drafts", corrected, 404, supersedes="nothing")


async def test_a_successor_whose_predecessor_is_gone_meanwhile_is_refused(
    stage: Stage, document: Callable[..., Document]
) -> None:
    (old,) = await stage.supplier.publish(document())
    corrected = {name: value for name, value in document(comment="new").items() if name != "id"}
    made = await stage.draft(corrected, supersedes=old)
    await stage.supplier.post(f"/footprints/{old}/deprecate")
    refusal = await stage.publish(made["draft"], status=409)
    assert "deprecated already" in refusal["message"]


# --- refused ------------------------------------------------------------------------------------


def altered(change: Callable[[Document], object]) -> Callable[[Document], Document]:
    def made(draft: Document) -> Document:
        other = copy.deepcopy(draft)
        change(other)
        return other

    return made


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        (altered(lambda d: d["footprint"].update(companyName="别的")), 409, "of the core it has"),
        (altered(lambda d: d["footprint"].update(comment="x")), 422, "the draft was altered"),
        (altered(lambda d: d.update(issuer="https://x.example")), 409, "of the owner it has"),
        (altered(lambda d: d["disclosures"].pop("method")), 422, "does not hold the disclosures"),
        (lambda d: d["footprint"], 422, "no draft of a footprint"),
        (lambda d: [d], 422, "no draft of a footprint"),
        (lambda d: None, 422, "no draft of a footprint"),
    ],
)
async def test_a_draft_that_was_altered_is_not_published(
    stage: Stage,
    document: Callable[..., Document],
    change: Callable[[Document], Any],
    status: int,
    named: str,
) -> None:
    made = await stage.draft(document())
    refusal = await stage.publish(change(made["draft"]), status=status)
    assert named in refusal["message"]
    assert (await stage.supplier.get("/footprints"))["data"] == []


async def test_a_draft_that_was_made_again_is_another_one(
    stage: Stage, document: Callable[..., Document]
) -> None:
    first = await stage.draft(document())
    token = (await stage.attest(first["draft"]))["attestation"]
    second = await stage.draft(document(comment="x"))
    refusal = await stage.publish(first["draft"], token, 409)
    assert "is not the one that this node has made" in refusal["message"]
    refusal = await stage.publish(second["draft"], token, 409)
    assert "is not what was attested" in refusal["message"]


async def test_a_draft_of_another_node_is_not_published(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    given = {"draft": json.dumps(made["draft"])}
    refusal = await stage.verifier.post("/drafts/publish", given, 404)
    assert f"there is no draft {made['id']}" in refusal["message"]
    await stage.verifier.http.get(f"/drafts/{made['id']}")
    assert (await stage.verifier.http.get(f"/drafts/{made['id']}")).status_code == 404


async def test_an_attestation_that_has_expired_is_refused(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    token = (await stage.attest(made["draft"], validUntil="2026-03-02T00:00:00Z"))["attestation"]
    stage.supplier.advance(days=1)
    refusal = await stage.publish(made["draft"], token, 409)
    assert "the attestation was valid until 2026-03-02T00:00:00Z" in refusal["message"]


async def test_an_attestation_of_another_footprint_is_refused(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made, other = await stage.draft(document(1)), await stage.draft(document(2))
    token = (await stage.attest(other["draft"]))["attestation"]
    refusal = await stage.publish(made["draft"], token, 409)
    assert f"is about the footprint '{other['id']}'" in refusal["message"]


async def test_a_verifier_that_is_no_peer_is_refused(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    stage.verifier = await stage.market.open("stranger")
    token = (await stage.attest(made["draft"]))["attestation"]
    refusal = await stage.publish(made["draft"], token, 409)
    assert "https://stranger.example is not an active peer" in refusal["message"]


@pytest.mark.parametrize("state", ["suspended", "removed"])
async def test_a_verifier_that_is_no_longer_active_is_refused(
    stage: Stage, document: Callable[..., Document], state: str
) -> None:
    made = await stage.draft(document())
    token = (await stage.attest(made["draft"]))["attestation"]
    if state == "suspended":
        stage.supplier.node.store.write_sync(
            lambda session: session.connection().exec_driver_sql(
                "UPDATE peer SET state = 'suspended'"
            )
        )
    else:
        await stage.supplier.http.delete("/peers/auditor")
    refusal = await stage.publish(made["draft"], token, 409)
    assert "is not an active peer" in refusal["message"]


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 100_000])
async def test_what_is_no_attestation_is_refused(
    stage: Stage, document: Callable[..., Document], token: str
) -> None:
    made = await stage.draft(document())
    await stage.publish(made["draft"], token, 409)
    await stage.supplier.post("/attestations/attach", {"attestation": token}, 422)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"level": "absolute"}, "level"),
        ({"coverage": "everything"}, "verification.coverage = 'everything'"),
        ({"statement": {}}, "holds no statement"),
        ({"statement": {"url": "no url"}}, "which is none"),
        ({"validUntil": "2026-02-01T00:00:00Z"}, "would be valid from"),
        ({"standardName": ""}, "lacks standardName"),
        ({"comments": "x" * 3000}, "the comments"),
        ({"document": "{}"}, "neither a draft nor a footprint"),
        ({"document": "[]"}, "neither a draft nor a footprint"),
        ({"document": "nonsense"}, "not JSON"),
        ({"document": '{"type": "underseal-draft"}'}, "no draft of a footprint"),
    ],
)
async def test_what_a_verifier_says_is_checked(
    stage: Stage, document: Callable[..., Document], changes: dict[str, Any], named: str
) -> None:
    made = await stage.draft(document())
    given = {**SAID, "document": json.dumps(made["draft"]), **changes}
    answer = await stage.verifier.http.post("/attestations", json=given)
    assert answer.status_code in (409, 422)
    assert named in answer.text


async def test_nobody_attests_an_own_footprint(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    stage.verifier = stage.supplier
    refusal = await stage.attest(made["draft"], 422)
    assert "attests its own footprint" in refusal["message"]


# --- what is published already ------------------------------------------------------------------


async def test_a_published_footprint_is_attested_and_served_beside(
    stage: Stage, document: Callable[..., Document]
) -> None:
    shown = await stage.received_at(Level.FULL, document())
    before = await stage.body(shown["id"])
    attested = await stage.attest(shown)
    token = {"attestation": attested["attestation"]}
    done = await stage.supplier.post("/attestations/attach", token)
    assert (done["isNew"], done["footprintId"], done["notified"]) == (
        True,
        shown["id"],
        ["auditor"],
    )
    again = await stage.supplier.post("/attestations/attach", token)
    assert (again["isNew"], again["notified"]) == (False, [])
    assert await stage.body(shown["id"]) == before


@pytest.mark.parametrize("level", [Level.TOTAL, Level.QUALITY, Level.BREAKDOWN])
async def test_what_is_not_shown_cannot_be_attested(
    stage: Stage, document: Callable[..., Document], level: Level
) -> None:
    shown = await stage.received_at(level, document())
    refusal = await stage.attest(shown["footprint"], 422)
    assert "what is not shown cannot be attested" in refusal["message"]


async def test_a_published_footprint_that_was_altered_is_not_attested(
    stage: Stage, document: Callable[..., Document]
) -> None:
    shown = await stage.received_at(Level.FULL, document())
    shown["footprint"]["companyName"] = "x"
    refusal = await stage.attest(shown, 422)
    assert "the core is not what was signed" in refusal["message"]


async def test_a_published_footprint_of_a_stranger_is_not_attested(
    stage: Stage, document: Callable[..., Document]
) -> None:
    shown = await stage.received_at(Level.FULL, document())
    stage.verifier = await stage.market.open("stranger")
    refusal = await stage.attest(shown, 409)
    assert "'https://cathode.example', which is not an active peer" in refusal["message"]


async def test_only_what_is_about_an_own_footprint_is_attached(
    stage: Stage, document: Callable[..., Document]
) -> None:
    made = await stage.draft(document())
    token = {"attestation": (await stage.attest(made["draft"]))["attestation"]}
    await stage.supplier.post("/attestations/attach", token, 404)
    await stage.supplier.publish(document())  # with other salts
    refusal = await stage.supplier.post("/attestations/attach", token, 409)
    assert "is not what was attested" in refusal["message"]


async def test_a_successor_after_a_theft_claims_no_attestation_of_the_former_id(
    stage: Stage, document: Callable[..., Document]
) -> None:
    kept = [{"specVersion": "2.0.0", "dataSchema": "https://a.example/b.json", "data": {"c": "d"}}]
    carried = []
    for number, changes in ((1, {}), (2, {"extensions": kept})):
        made = await stage.draft(document(number, **changes))
        token = (await stage.attest(made["draft"]))["attestation"]
        await stage.publish(made["draft"], token)
        carried.append(made["id"])
    shown = await stage.received_at(Level.FULL, document(3))
    attested = await stage.attest(shown)
    await stage.supplier.post("/attestations/attach", {"attestation": attested["attestation"]})
    (plain,) = await stage.supplier.publish(document(4))
    keys = (await stage.supplier.get("/keys"))["data"]
    (stolen,) = [one["kid"] for one in keys if one["purpose"] == "footprint"]
    since = {"since": "2026-01-01T00:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await stage.supplier.post("/keys/revoke", {"kids": [stolen], **since})
    given = {"signedBy": stolen}
    dry = await stage.supplier.post("/footprints/reissue", given | {"dryRun": True})
    assert (dry["found"], dry["unattested"]) == (4, [*carried, shown["id"]])
    done = await stage.supplier.post("/footprints/reissue", given)
    assert done["unattested"] == [done["successors"][one] for one in (*carried, shown["id"])]
    for old, new in done["successors"].items():
        was, now = await stage.body(old), await stage.body(new)
        assert attestations_of(now) == []
        assert "verification" not in now["pcf"]
        assert now["pcf"] == {key: was["pcf"][key] for key in was["pcf"] if key != "verification"}
        assert (kept[0] in now["extensions"]) == (old == carried[1])
    assert done["successors"].keys() == {*carried, shown["id"], plain}
    await stage.supplier.work()
    await stage.verifier.pull("cathode")
    alerts = (await stage.verifier.get("/alerts"))["data"]
    assert "attestation" not in {one["kind"] for one in alerts}
