"""What is noticed when the other side ends a partnership, and how it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlmodel import Session, select
from tests.node.manage.conftest import Company, Document, Market

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.exchange.errors import PartnershipEndedError
from underseal_node.store import peers
from underseal_node.store.tables import ClientCredential, PeerState
from underseal_protocol.keys import KeyPurpose

Refused = Callable[[httpx.Response, int], str]
SENTENCE = "Pack has ended the partnership (2026-03-01 12:00 UTC): contract ended"


@pytest.fixture
async def partners(market: Market) -> tuple[Company, Company]:
    """`pack`, a partner of `cathode`; each is granted everything by the other."""
    pack, cathode = await market.open("pack"), await market.open("cathode")
    made = await pack.post("/invitations", {"name": "Cathode"}, 201)
    await cathode.post("/invitations/accept", {"document": made["document"]})
    await pack.post("/peers/Cathode/approve")
    await pack.post("/grants", {"peer": "Cathode", "everything": True}, 201)
    await cathode.post("/grants", {"peer": "Pack", "everything": True}, 201)
    return pack, cathode


async def end(company: Company, name: str = "Cathode") -> None:
    await company.post(f"/peers/{name}/revoke", {"reason": "contract ended"})


async def undo(company: Company, name: str = "Cathode") -> None:
    """As if it had never been ended there: restored from a backup."""

    def work(session: Session) -> None:
        peer = peers.by_name(session, name)
        peer.state, peer.state_reason = PeerState.ACTIVE, None
        session.add(peer)
        of_peer = select(ClientCredential).where(ClientCredential.peer_id == peer.id)
        for credential in session.exec(of_peer).all():
            credential.revoked_at = None
            session.add(credential)

    await company.node.store.write(work)


async def acts(company: Company, act: str) -> list[Document]:
    await company.post("/audit/verify")
    found = (await company.get("/audit", limit=1000))["data"]
    return [one for one in found if one["act"] == act]


async def test_a_pull_notices_and_says_what_to_do(partners: tuple[Company, Company]) -> None:
    pack, cathode = partners
    assert "error" not in await cathode.pull("Pack")
    await end(pack)
    error = (await cathode.pull("Pack"))["error"]
    assert "Pack has ended the partnership: contract ended" in error
    assert "`underseal peer revoke Pack --reason TEXT`" in error
    seen = await cathode.get("/peers/Pack")
    assert seen["state"] == "active"  # our operator decides
    assert seen["endedByPeerAt"].startswith("2026-03-01T12:00:00")
    assert seen["endedByPeerReason"] == "contract ended"
    assert any(SENTENCE in one and "peer revoke Pack" in one for one in seen["warnings"])


async def test_it_is_recorded_once_whoever_calls(partners: tuple[Company, Company]) -> None:
    pack, cathode = partners
    await end(pack)
    peer_id = await cathode.node.store.read(lambda session: peers.by_name(session, "Pack").id or 0)
    await asyncio.gather(
        *(_try(cathode.exchange.ask_approval(peer_id)) for _ in range(3)), cathode.pull("Pack")
    )
    (entry,) = await acts(cathode, "partnership-ended")
    assert (entry["actor"], entry["peer"]["name"]) == ("peer", "Pack")
    assert entry["detail"] == {"reason": "contract ended"}
    (alert,) = (await cathode.get("/alerts"))["data"]
    assert (alert["kind"], alert["peer"]) == ("partnership-ended", "Pack")
    assert SENTENCE in alert["message"]
    found = {one["name"]: one for one in (await cathode.get("/doctor"))["data"]}
    assert found["peer Pack"]["result"] == "problem"
    assert SENTENCE in found["peer Pack"]["message"]
    assert "peer revoke Pack" in found["peer Pack"]["hint"]


async def _try(work: Awaitable[None]) -> None:
    with pytest.raises(PartnershipEndedError, match="ended the partnership: contract ended"):
        await work


async def test_from_then_on_nothing_is_called(
    partners: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.pull("Pack")
    before = len(market.internet.requests)
    assert SENTENCE in (await cathode.pull("Pack"))["error"]
    started = await cathode.post("/pulls", {"everything": True}, 202)
    await cathode.app.state.context.pulls.finished(started["id"])
    (one,) = (await cathode.get(f"/pulls/{started['id']}"))["data"]
    assert SENTENCE in one["error"]
    wanted = {"peer": "Pack", "criteria": {"productId": ["urn:gtin:4712345060507"]}}
    assert SENTENCE in refused(await cathode.http.post("/requests", json=wanted), 409)
    assert SENTENCE in refused(await cathode.http.post("/peers/Pack/rotate"), 409)
    await cathode.work()
    assert len(market.internet.requests) == before


async def test_what_waits_in_the_outbox_rests(
    partners: tuple[Company, Company], market: Market, document: Callable[..., Document]
) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.publish(document(1))
    await cathode.work()  # notices
    (event,) = (await cathode.get("/outbox"))["data"]
    assert (event["state"], event["attempts"]) == ("pending", 1)
    assert "has ended the partnership: contract ended" in event["lastError"]
    assert "nextAttemptAt" not in event
    before = len(market.internet.requests)
    cathode.advance(days=2)
    await cathode.publish(document(2))
    await cathode.work()
    assert len(market.internet.requests) == before
    assert len((await cathode.get("/outbox"))["data"]) == 1
    found = [one["message"] for one in (await cathode.get("/doctor"))["data"]]
    assert not any("cannot be delivered to it" in one for one in found)
    assert not any("is not being worked on" in one for one in found)
    await cathode.post("/peers/Pack/revoke", {"reason": "they have ended it"})
    (event,) = (await cathode.get("/outbox"))["data"]
    assert event["state"] == "dead"


async def test_it_cannot_be_resumed_while_it_holds(
    partners: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.pull("Pack")
    answer = await cathode.http.post("/peers/Pack/resume")
    assert "has ended the partnership: contract ended" in refused(answer, 502)
    assert (await cathode.get("/peers/Pack"))["endedByPeerAt"]
    assert len(await acts(cathode, "partnership-ended")) == 1
    assert await acts(cathode, "partnership-resumed") == []


async def test_an_answer_that_was_not_true_is_undone_by_the_operator(
    partners: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    """As one in the place of the token endpoint can give it: no more than a pause comes of it."""
    pack, cathode = partners
    await end(pack)
    await cathode.publish(document(1))
    await cathode.work()
    await undo(pack)
    cathode.advance(days=5)  # longer than a delivery is tried
    resumed = await cathode.post("/peers/Pack/resume")
    assert "endedByPeerAt" not in resumed
    assert resumed["warnings"] == []
    (entry,) = await acts(cathode, "partnership-resumed")
    assert (entry["actor"], entry["peer"]["name"]) == ("node", "Pack")
    await cathode.work()
    events = (await cathode.get("/outbox"))["data"]
    assert any("PublishedEvent" in one["type"] for one in events)
    assert {one["state"] for one in events} == {"delivered"}
    assert "error" not in await cathode.pull("Pack")


@pytest.mark.parametrize("how", ["resume", "call", "notice"])
async def test_when_it_goes_on_the_peer_hears_of_the_keys_it_has_missed(
    partners: tuple[Company, Company], how: str
) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.pull("Pack")
    await cathode.post("/keys/rotate", {"purposes": ["footprint"]})
    await cathode.work()
    await undo(pack)
    cathode.advance(hours=1)
    if how == "resume":
        await cathode.post("/peers/Pack/resume")
    elif how == "call":
        assert "error" not in await pack.pull("Cathode")
    else:
        await pack.post("/peers/Cathode/rotate", {}, 201)
    assert "endedByPeerAt" not in await cathode.get("/peers/Pack")
    await cathode.work()
    kid = cathode.node.signing_key(KeyPurpose.FOOTPRINT).kid
    assert kid in (await pack.get("/peers/Cathode"))["keyThumbprints"]


async def test_a_call_of_the_peer_undoes_it(partners: tuple[Company, Company]) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.pull("Pack")
    await undo(pack)
    cathode.advance(hours=1)  # the token that it had is of no use any more
    assert "error" not in await pack.pull("Cathode")
    assert "endedByPeerAt" not in await cathode.get("/peers/Pack")
    (entry,) = await acts(cathode, "partnership-resumed")
    assert entry["actor"] == "peer"
    await end(pack)
    cathode.advance(hours=1)
    await cathode.pull("Pack")
    assert len(await acts(cathode, "partnership-ended")) == 2
    assert len((await cathode.get("/alerts"))["data"]) == 2


async def test_what_it_sees_is_our_decision(
    partners: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    pack, cathode = partners
    await cathode.publish(document(1))
    await end(pack)
    await cathode.pull("Pack")
    (grant,) = (await cathode.get("/grants", peer="Pack"))["data"]
    assert grant["state"] == "active"
    assert (await cathode.get("/peers/Pack"))["issuedClientIds"]


async def test_a_suspension_of_ours_is_ended_first(partners: tuple[Company, Company]) -> None:
    pack, cathode = partners
    await end(pack)
    await cathode.pull("Pack")
    await cathode.post("/peers/Pack/suspend", {})
    resumed = await cathode.post("/peers/Pack/resume")
    assert resumed["state"] == "active"
    assert any(SENTENCE in one for one in resumed["warnings"])


async def test_who_waited_hears_the_same_words(market: Market) -> None:
    pack, cathode = await market.open("pack"), await market.open("cathode")
    made = await pack.post("/invitations", {"name": "Cathode"}, 201)
    await cathode.post("/invitations/accept", {"document": made["document"]})
    await pack.post("/peers/Cathode/reject", {"reason": "contract ended"})
    await ApprovalWorker(cathode.exchange).ask()
    seen = await cathode.get("/peers/Pack")
    assert (seen["state"], seen["stateReason"]) == ("revoked", SENTENCE)
    (entry,) = await acts(cathode, "partnership-ended")
    assert entry["detail"] == {"reason": "contract ended"}


async def test_a_secret_that_is_not_accepted_any_more_says_what_to_do(
    pair: tuple[Company, Company],
) -> None:
    cell, cathode = pair
    assert "error" not in await cell.pull("cathode")
    assert "lastProblem" not in await cell.get("/peers/cathode")
    await cathode.post("/peers/cell/revoke", {"reason": "contract ended"})
    cell.advance(hours=1)
    error = (await cell.pull("cathode"))["error"]
    assert (
        "does not accept our client id and secret, or not any more (401: invalid_client)" in error
    )
    assert "`underseal peer set cathode --client-id ID --client-secret-file FILE`" in error
    assert "`underseal peer revoke cathode --reason TEXT`" in error
    seen = await cell.get("/peers/cathode")
    assert seen["lastProblem"] == error
    assert seen["lastProblemAt"].startswith("2026-03-01T13:00:00")
    assert "endedByPeerAt" not in seen
    given = await cathode.post("/peers", {"name": "cell again", "url": cell.url}, 201)
    secret = {"clientId": given["client_id"], "clientSecret": given["client_secret"]}
    await cell.patch("/peers/cathode", secret)
    assert "error" not in await cell.pull("cathode")
    assert "lastProblem" not in await cell.get("/peers/cathode")


async def test_a_peer_that_cannot_be_reached_has_a_problem(
    pair: tuple[Company, Company], market: Market
) -> None:
    cell, _ = pair
    await cell.pull("cathode")
    host = market.internet.hosts.pop("cathode.example")
    assert (await cell.pull("cathode"))["error"]
    assert "nobody listens" in (await cell.get("/peers/cathode"))["lastProblem"]
    market.internet.hosts["cathode.example"] = host
    await cell.pull("cathode")
    assert "lastProblem" not in await cell.get("/peers/cathode")
