"""Rosters from their beginning to the verdict of a reader, and what is refused on the way."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session
from tests.behind import sql
from tests.node.exchange.endorsing import ask, sign
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import NAME, association, entity, join, keep
from tests.node.manage.sealing import Sealing, open_sealing
from tests.node.manage.test_sealed_received import grant, show

from underseal_node.exchange import seal_judge
from underseal_node.node import Node
from underseal_node.rosters.joining import membership_for
from underseal_node.sealing import judging
from underseal_node.sealing.generators import FILE_NAME
from underseal_protocol.roster.membership import Membership
from underseal_protocol.seal.generators import encoded_vectors

Json = dict[str, Any]


@pytest.fixture
async def sealing(market: Market) -> Sealing:
    """Suppliers that never consent to be named."""
    return await open_sealing(
        market,
        ("cathode", "anode"),
        figures=("1.50", "2.00"),
        amounts=("2", "1"),
        mass="2.5",
        endorse_named=False,
    )


@pytest.fixture
async def roster(sealing: Sealing) -> tuple[Company, Json]:
    """The association, with all three in its roster."""
    return await association(sealing.market, sealing.cell, *sealing.suppliers.values())


@pytest.fixture
async def buyer(sealing: Sealing) -> Company:
    found = await sealing.market.open("pack")
    (found.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    await sealing.market.befriend(found, sealing.cell)
    return found


async def test_a_reader_learns_how_many_members_endorse_and_no_name(
    sealing: Sealing, roster: tuple[Company, Json], buyer: Company
) -> None:
    issuer, epoch = roster
    drafted = await sealing.draft()
    ready = await sealing.prepare(roster=NAME)
    assert [one["isListed"] for one in ready["suppliers"]] == [True, True]
    shown = ready["shows"]["roster"]
    assert (shown["name"], shown["issuer"], shown["members"]) == (NAME, issuer.url, 2)
    assert shown["publisherEntity"] == entity(sealing.cell)
    assert all("supplier" not in one for one in ready["shows"]["inputs"])
    job = await sealing.seal(roster=NAME, coverage=25)
    text = json.dumps(job["seal"]["sealedSum"])
    assert "cathode" not in text
    footprint_id = await sealing.publish(drafted)
    for level in ("total", "sealed"):
        await grant(sealing, footprint_id, level)
    await buyer.pull("cell")
    unknown = (await show(buyer, footprint_id))["sealedSum"]["verdict"]
    assert (unknown["grade"], unknown["coveragePercent"]) == ("origin", 0)
    assert unknown["roster"]["isKnown"] is False
    given = {"roster": epoch["statement"], "fingerprint": epoch["fingerprint"]}
    await buyer.post("/rosters/trust", given)
    known = (await buyer.post(f"/received/{footprint_id}/sealed-sum"))["verdict"]
    assert (known["grade"], known["coveragePercent"]) == ("mass", 25)
    assert known["endorsers"] == []
    assert known["roster"] == {
        "issuer": issuer.url,
        "name": NAME,
        "isKnown": True,
        "publisherEntity": entity(sealing.cell),
        "members": 2,
        "inputs": 2,
    }
    await buyer.post("/rosters/distrust", {"name": NAME})
    again = (await buyer.post(f"/received/{footprint_id}/sealed-sum"))["verdict"]
    assert again["grade"] == "origin"
    (seen,) = (await sealing.cell.get("/grants/preview", peer="pack"))["data"]
    assert seen["sealedSum"]["roster"]["members"] == 2
    assert {one["isNamed"] for one in await questions(sealing)} == {False}
    assert {one["roster"] for one in await questions(sealing)} == {NAME}


async def test_a_sealed_sum_is_judged_again_when_its_roster_is_trusted_or_no_more(
    sealing: Sealing,
    roster: tuple[Company, Json],
    buyer: Company,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, epoch = roster
    footprint_id = await sealing.sealed(roster=NAME)
    for level in ("total", "sealed"):
        await grant(sealing, footprint_id, level)
    await buyer.pull("cell")
    judged = []

    def counted(*given: Any, **more: Any) -> Any:
        judged.append(given)
        return judging.judge(*given, **more)

    monkeypatch.setattr(seal_judge, "judge", counted)
    worker = seal_judge.SealJudge(buyer.node)

    async def grade() -> tuple[str, bool]:
        await worker.step()
        verdict = (await show(buyer, footprint_id))["sealedSum"]["verdict"]
        return verdict["grade"], verdict["roster"]["isKnown"]

    assert (await grade(), judged) == (("origin", False), [])
    given = {"roster": epoch["statement"], "fingerprint": epoch["fingerprint"]}
    await buyer.post("/rosters/trust", given)
    for _ in range(2):  # once is enough
        assert (await grade(), len(judged)) == (("mass", True), 1)
    await buyer.post("/rosters/distrust", {"name": NAME})
    assert await grade() == ("origin", False)


async def test_a_sealed_sum_is_refused_once_its_publisher_is_whoever_keeps_the_roster(
    sealing: Sealing, roster: tuple[Company, Json], buyer: Company
) -> None:
    """It says so when it moves, after the sealed sum was verified."""
    issuer, epoch = roster
    given = {"roster": epoch["statement"], "fingerprint": epoch["fingerprint"]}
    await buyer.post("/rosters/trust", given)
    footprint_id = await sealing.sealed(roster=NAME)
    for level in ("total", "sealed"):
        await grant(sealing, footprint_id, level)
    await buyer.pull("cell")
    worker = seal_judge.SealJudge(buyer.node)
    await worker.step()
    assert (await show(buyer, footprint_id))["sealedSum"]["state"] == "verified"
    former = json.dumps([issuer.url])
    sql(buyer.node, "UPDATE peer SET former_issuers = :former WHERE name = 'cell'", former=former)
    await worker.step()
    found = (await show(buyer, footprint_id))["sealedSum"]
    assert (found["state"], "kept by the publisher" in found["reason"]) == ("invalid", True)


async def questions(sealing: Sealing) -> list[Json]:
    found: list[Json] = []
    for one in sealing.suppliers.values():
        found += (await one.get("/endorsements"))["data"]
    return found


async def test_named_and_hidden_are_two_contexts(
    sealing: Sealing, roster: tuple[Company, Json]
) -> None:
    """Asked for both ways, a supplier answers both, and neither with the opening of the other."""
    await sealing.draft()
    named = await sealing.prepare()
    assert [one["isListed"] for one in named["suppliers"]] == [False, False]
    assert {one["state"] for one in named["suppliers"]} == {"endorsed"}
    hidden = await sealing.prepare(roster=NAME)
    assert [one["isListed"] for one in hidden["suppliers"]] == [True, True]
    found = await questions(sealing)
    assert len({one["context"] for one in found}) == 2
    assert sorted(str(one.get("roster")) for one in found) == ["None"] * 2 + [NAME] * 2


async def test_who_is_no_member_is_told_so_and_counts_as_own(sealing: Sealing) -> None:
    await association(sealing.market, sealing.cell, sealing.suppliers["cathode"])
    await sealing.draft()
    ready = await sealing.prepare(roster=NAME)
    by_name = {one["peer"]: one for one in ready["suppliers"]}
    assert by_name["cathode"]["isListed"]
    assert by_name["anode"]["state"] == "refused"
    assert "no member of the roster" in by_name["anode"]["reason"]
    # Without the mass of the other one, nothing can be sealed.
    assert ready["refusal"]["message"].startswith("mass:")


async def test_a_publisher_that_is_no_member_cannot_seal_so(sealing: Sealing) -> None:
    await association(sealing.market, *sealing.suppliers.values())
    await sealing.draft()
    for path in ("/seals/prepare", "/seals"):
        refused = await sealing.cell.post(path, {"name": "cell", "roster": NAME}, 409)
        assert f"no member of a roster {NAME}" in refused["message"]
    # Nobody was asked.
    assert await questions(sealing) == []


async def test_an_epoch_that_has_ended_endorses_nothing_new(sealing: Sealing) -> None:
    issuer = await sealing.market.open("association")
    ended = await keep(issuer, notAfter="2026-09-01T00:00:00Z")
    for one in (sealing.cell, *sealing.suppliers.values()):
        await sealing.market.befriend(issuer, one)
        await join(issuer, one, ended["statement"])
    for one in (issuer, sealing.cell, *sealing.suppliers.values()):
        one.advance(days=300)
    drafted = await sealing.draft()
    assert drafted
    refused = await sealing.cell.post("/seals/prepare", {"name": "cell", "roster": NAME}, 409)
    assert "but for 2026-01-01T00:00:00Z until before 2026-09-01" in refused["message"]
    other = await sealing.market.open("late")
    other.advance(days=300)
    await sealing.market.befriend(issuer, other)
    given = {"roster": ended["statement"], "entity": "late"}
    assert "has ended" in (await other.post("/rosters/apply", given, 409))["message"]
    assert (await issuer.get("/rosters"))["kept"][0]["isOver"] is True
    late = {"name": NAME, "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2021-01-01T00:00:00Z"}
    assert "ended already" in (await issuer.post("/rosters", late, 409))["message"]


# --- what is asked of a supplier -----------------------------------------------------------------


async def test_a_question_is_answered_one_way_only(
    sealing: Sealing, roster: tuple[Company, Json]
) -> None:
    from underseal_node.exchange.endorsement_calls import ask_for_endorsement
    from underseal_node.store import peers
    from underseal_protocol.roster.questions import AsMember
    from underseal_protocol.roster.statements import read_roster
    from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
    from underseal_protocol.seal.numbers import SealedProperty

    _, epoch = roster
    cell, cathode = sealing.cell, sealing.suppliers["cathode"]
    footprint_id = (await cathode.get("/footprints"))["data"][0]["id"]
    assert (await ask(cell, "cathode", footprint_id)).is_pending
    await sign(cathode)
    peer = cell.node.store.read_sync(lambda session: peers.by_name(session, "cathode"))
    access = await cell.exchange.access(peer.id or 0)
    shown = read_roster(epoch["statement"]).roster

    async def ask_member(name: str, context: bytes) -> Any:
        question = EndorsementRequest(name, SealedProperty.EXCLUDING, context)
        return await ask_for_endorsement(cell.exchange, access, AsMember(question, shown))

    other_way = await ask_member(footprint_id, bytes(range(32)))
    assert "another way" in (other_way.reason or "")
    unknown = await ask_member("f9f1aeb6-4ca0-4b4f-a5e1-9a8b0e0b5b11", bytes(32))
    assert unknown.is_unable
    (pending,) = [await ask_member(footprint_id, bytes(32))]
    assert pending.is_pending
    await sign(cathode)
    first = await ask_member(footprint_id, bytes(32))
    again = await ask_member(footprint_id, bytes(32))
    assert first.hidden.to_json() == again.hidden.to_json()
    # What is not granted any more is as if it was not there, for whoever is a member, too.
    (granted,) = (await cathode.get("/grants", peer="cell"))["data"]
    await cathode.http.delete(f"/grants/{granted['id']}")
    for context in (bytes(32), bytes(31) + b"1"):
        assert (await ask_member(footprint_id, context)).is_unable
    assert len((await cathode.get("/endorsements"))["data"]) == 2


async def test_by_hand_a_member_is_never_named(
    sealing: Sealing, roster: tuple[Company, Json]
) -> None:
    cathode = sealing.suppliers["cathode"]
    await cathode.patch("/peers/cell", {"endorse": "ask", "endorseNamed": True})
    await sealing.draft()
    await sealing.prepare(roster=NAME)
    (waiting,) = (await cathode.get("/endorsements", state="open"))["data"]
    assert (waiting["roster"], waiting["isNamed"]) == (NAME, False)
    path = f"/endorsements/{waiting['id']}/answer"
    refused = await cathode.post(path, {"allow": True, "named": True}, 409)
    assert "member of a roster" in refused["message"]
    done = await cathode.post(path, {"allow": True})
    assert (done["state"], done["isNamed"]) == ("endorsed", False)
    ready = await sealing.prepare(roster=NAME)
    assert {one["peer"]: one["isListed"] for one in ready["suppliers"]}["cathode"]


def _membership(node: Node, session: Session) -> Membership:
    return membership_for(session, node, NAME, node.now())


# --- secrets -------------------------------------------------------------------------------------


async def test_no_secret_of_a_roster_leaves_a_node(
    sealing: Sealing, roster: tuple[Company, Json], buyer: Company, caplog: Any, capfd: Any
) -> None:
    """Neither keys nor credentials are in an answer, the audit log, a call or a log line."""
    from underseal_node.store import rosters
    from underseal_node.trust.vault import VaultPurpose
    from underseal_protocol import base64url

    issuer, _ = roster
    footprint_id = await sealing.sealed(roster=NAME)
    for level in ("total", "sealed"):
        await grant(sealing, footprint_id, level)
    await buyer.pull("cell")
    row = issuer.node.store.read_sync(lambda session: rosters.key(session, NAME))
    assert row is not None
    found = [issuer.node.vault.open(VaultPurpose.ROSTER, row.key, context=f"roster {NAME}")]
    members = (sealing.cell, *sealing.suppliers.values())
    for one in members:
        node = one.node
        membership = node.store.read_sync(partial(_membership, node))
        found += [membership.secret.encode(), membership.blinding.encode(), membership.encode()]
        assert str(int.from_bytes(membership.secret.encode(), "big")) not in repr(membership)
    texts = [caplog.text, *capfd.readouterr()]
    for company in (issuer, buyer, *members):
        texts.append((await company.http.get("/rosters")).text)
        texts.append((await company.http.get("/audit")).text)
        texts.append((await company.http.get("/endorsements")).text)
        for table in ("roster", "roster_membership", "roster_admission", "endorsement"):
            texts.append(repr(sql(company.node, f"SELECT * FROM {table}")))
    requests = sealing.market.internet.requests
    texts += [f"{one.url} {one.content!r}" for one in requests]
    texts.append((await sealing.cell.http.get(f"/seals/{footprint_id}")).text)
    text = "\n".join(texts)
    assert NAME in text
    for secret in found:
        for shown in (base64url.encode(secret), secret.hex(), repr(secret)[2:-1]):
            assert shown not in text
