"""Opening lines for an auditor: what was committed to when a footprint was published."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.committed import publish_committed
from tests.node.manage.conftest import RECOVERY_KEY, Company, Document, Stage

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.store import commitments
from underseal_protocol.commitment import Commitment
from underseal_protocol.credential import verify
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.opening import Opening, verify_opening
from underseal_protocol.recovery import recovery_text

Documents = Callable[..., Document]

LEAVES: list[Document] = [
    {"kind": "product", "id": "product", "name": "正极材料"},
    {"kind": "line", "id": "line/1", "material": "Li2CO3", "quantity": "0.38"},
    {"kind": "line", "id": "line/2", "material": "NiSO4", "quantity": "0.05"},
]


async def committed(node: Node, footprint_id: str) -> Commitment:
    return await node.store.read(lambda session: commitments.get(session, footprint_id))


async def published(company: Company, document: Document) -> str:
    return await publish_committed(company.node, document, LEAVES)


async def body_of(company: Company, footprint_id: str) -> Document:
    shown: Document = (await company.get(f"/footprints/{footprint_id}"))["footprint"]
    return shown


async def opened(company: Company, footprint_id: str, *lines: str, status: int = 200) -> Any:
    given: Document = {"lines": list(lines)} if lines else {"everything": True}
    path = f"/footprints/{footprint_id}/opening"
    return await company.post(path, {**given, "verifier": "审计员"}, status)


async def checked(company: Company, footprint_id: str, document: Document) -> Opening:
    body = await body_of(company, footprint_id)
    keys = company.node.public_keys
    proven = verify(body, keys=keys, issuer=company.url)
    return verify_opening(
        document, keys=keys, issuer=company.url, footprint_id=footprint_id, proven=proven
    )


async def test_the_part_after_the_product_is_enough_where_it_names_one_line(
    company: Company, document: Documents
) -> None:
    leaves = [
        {"kind": "line", "id": "X3/p1"},
        {"kind": "line", "id": "X3/p2"},
        {"kind": "line", "id": "X4/p2"},
        {"kind": "factor", "id": "factor:a/b"},
    ]
    footprint_id = await publish_committed(company.node, document(), leaves)
    assert (await opened(company, footprint_id, "p1", "X4/p2"))["lines"] == ["X3/p1", "X4/p2"]
    refusal = await opened(company, footprint_id, "p2", status=409)
    assert refusal["message"] == "2 lines are called 'p2': X3/p2, X4/p2"
    assert "no line 'b'" in (await opened(company, footprint_id, "b", status=422))["message"]


# --- published ----------------------------------------------------------------------------------


async def test_what_is_calculated_is_committed_to(company: Company, document: Documents) -> None:
    footprint_id = await published(company, document())
    kept = await committed(company.node, footprint_id)
    assert kept.leaves == LEAVES
    proven = verify(
        await body_of(company, footprint_id), keys=company.node.public_keys, issuer=company.url
    )
    assert proven.commitment == kept.digest


async def test_what_is_imported_is_not(company: Company, document: Documents) -> None:
    (footprint_id,) = await company.publish(document())
    proven = verify(
        await body_of(company, footprint_id), keys=company.node.public_keys, issuer=company.url
    )
    assert proven.commitment is None
    for refusal in (
        await opened(company, footprint_id, status=409),
        (await company.http.get(f"/footprints/{footprint_id}/lines")).json(),
    ):
        assert "published without a commitment" in refusal["message"]
        assert refusal["hint"]


async def test_a_successor_after_a_theft_is_committed_to_anew(
    company: Company, document: Documents
) -> None:
    first, plain = await published(company, document()), await company.publish(document(2))
    listed = (await company.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == KeyPurpose.FOOTPRINT)
    given = {"since": "2026-03-01T00:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await company.post("/keys/revoke", {"kids": [kid], **given})
    done = await company.post("/footprints/reissue", {"signedBy": kid})
    old = await committed(company.node, first)
    new = await committed(company.node, done["successors"][first])
    assert old.leaves == new.leaves
    assert old.root != new.root
    found = await checked(
        company,
        done["successors"][first],
        (await opened(company, done["successors"][first]))["opening"],
    )
    assert found.is_whole
    with pytest.raises(RefusedError):
        await committed(company.node, done["successors"][plain[0]])


async def test_what_is_stored_is_checked(company: Company, document: Documents) -> None:
    footprint_id = await published(company, document())

    def alter(session: Any) -> None:
        from underseal_node.store.commitment_tables import CommitmentRow

        row = session.get(CommitmentRow, footprint_id)
        row.record = row.record.replace("0.38", "0.39")
        session.add(row)

    await company.node.store.write(alter)
    refusal = await opened(company, footprint_id, "line/1", status=422)
    assert "have the root" in refusal["message"]


# --- opened -------------------------------------------------------------------------------------


async def test_lines_are_opened_for_somebody(company: Company, document: Documents) -> None:
    footprint_id = await published(company, document())
    listed = (await company.get(f"/footprints/{footprint_id}/lines"))["data"]
    assert listed[1] == {
        "id": "line/1",
        "kind": "line",
        "content": {"material": "Li2CO3", "quantity": "0.38"},
    }
    company.advance(days=1)
    done = await opened(company, footprint_id.upper(), "line/2", "product")
    assert (done["footprintId"], done["verifier"]) == (footprint_id, "审计员")
    assert (done["lines"], done["isWhole"]) == (["line/2", "product"], False)
    found = await checked(company, footprint_id, done["opening"])
    assert sorted(one["id"] for one in found.lines) == ["line/2", "product"]
    assert found.verifier == "审计员"
    assert found.root == done["root"]
    assert found.issued_at.day == 2
    assert "Li2CO3" not in json.dumps(done["opening"])


async def test_everything_is_opened(company: Company, document: Documents) -> None:
    footprint_id = await published(company, document())
    done = await opened(company, footprint_id)
    assert (done["lines"], done["isWhole"]) == (["line/1", "line/2", "product"], True)
    found = await checked(company, footprint_id, done["opening"])
    assert found.is_whole
    assert len(done["opening"]["leaves"]) == found.size == 16


async def test_it_is_recorded_without_a_figure(company: Company, document: Documents) -> None:
    footprint_id = await published(company, document())
    await opened(company, footprint_id, "line/1", "line/2")
    await company.post("/audit/verify")
    (entry,) = [
        one for one in (await company.get("/audit"))["data"] if one["act"] == "lines-opened"
    ]
    assert entry["footprints"]["ids"] == [footprint_id]
    assert (entry["detail"]["verifier"], entry["detail"]["lines"]) == ("审计员", 2)
    assert entry["detail"]["whole"] is False
    assert "line/1" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"lines": ["line/9"], "verifier": "A"}, 422, "no line 'line/9'"),
        ({"lines": [], "verifier": "A"}, 422, "nothing to open"),
        ({"lines": ["line/1"], "everything": True, "verifier": "A"}, 409, "either"),
        ({"verifier": "A"}, 409, "either"),
        ({"lines": ["line/1"], "verifier": ""}, 422, "verifier"),
        ({"lines": ["line/1"], "verifier": " "}, 422, "expected a name"),
        ({"lines": ["line/1"]}, 422, "verifier"),
    ],
)
async def test_what_is_not_opened(
    company: Company, document: Documents, given: Document, status: int, named: str
) -> None:
    footprint_id = await published(company, document())
    refusal = await company.post(f"/footprints/{footprint_id}/opening", given, status)
    assert named in json.dumps(refusal)
    await company.post("/audit/verify")
    acts = [one["act"] for one in (await company.get("/audit"))["data"]]
    assert "lines-opened" not in acts


async def test_an_unknown_footprint(company: Company, document: Documents) -> None:
    await opened(company, document(9)["id"], status=404)


# --- and attested -------------------------------------------------------------------------------


async def received(stage: Stage, document: Document) -> tuple[str, Document]:
    """A calculated footprint as the verifier has received it."""
    footprint_id = await published(stage.supplier, document)
    await stage.supplier.post(
        "/grants", {"peer": "auditor", "everything": True, "level": "full"}, 201
    )
    await stage.verifier.pull("cathode")
    return footprint_id, await stage.verifier.get(f"/received/{footprint_id}")


async def test_a_verifier_attests_the_root_and_what_it_checked(
    stage: Stage, document: Documents
) -> None:
    footprint_id, shown = await received(stage, document())
    assert shown["verification"] == "verified"
    opening = (await opened(stage.supplier, footprint_id))["opening"]
    said = "all 3 lines and all padding"
    made = await stage.attest(shown, opening=json.dumps(opening), completeness=said)
    root = (await checked(stage.supplier, footprint_id, opening)).root
    assert (made["root"], made["completeness"]) == (root, said)
    attached = await stage.supplier.post(
        "/attestations/attach", {"attestation": made["attestation"]}
    )
    assert attached["root"] == root
    without = await stage.attest(shown)
    assert without.keys() & {"root", "completeness"} == set()


async def test_what_was_opened_of_something_else_is_not_attested(
    stage: Stage, document: Documents
) -> None:
    _, shown = await received(stage, document())
    other = await published(stage.supplier, document(2))
    opening = json.dumps((await opened(stage.supplier, other))["opening"])
    refusal = await stage.attest(shown, 422, opening=opening)
    assert "the footprint is" in refusal["message"]
    refusal = await stage.attest(shown, 422, opening="{}")
    assert "this is no opening" in refusal["message"]
    refusal = await stage.attest(shown, 409, completeness="all of it")
    assert "none were opened" in refusal["message"]
    draft = (await stage.draft(document(3)))["draft"]
    refusal = await stage.attest(draft, 409, opening=opening)
    assert "a draft has no commitment" in refusal["message"]
