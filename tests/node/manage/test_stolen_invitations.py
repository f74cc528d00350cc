"""Whoever has stolen an invitation: what it can say of itself, and what that gets it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlmodel import Session
from tests.node.manage.conftest import COMPANY_IDS, Company, Document, Market
from tests.node.manage.test_partners import accept, approve_by_words, invite, try_post

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.store import invitations

Refused = Callable[[httpx.Response, int], str]
LEI = COMPANY_IDS[0].rpartition(":")[2]


@pytest.fixture
async def pack(market: Market) -> Company:
    """Who invites."""
    return await market.open("pack")


@pytest.mark.parametrize("whom", [LEI, COMPANY_IDS[0], None])
async def test_without_a_url_nothing_is_approved_beforehand(
    pack: Company, refused: Refused, whom: str | None
) -> None:
    terms = {"name": "Cathode", "forWhom": whom, "preApprove": True}
    said = refused(await try_post(pack, "/invitations", terms), 409)
    assert "has to name the URL of the node" in said
    assert "approve by hand" in said
    assert (await pack.get("/peers"))["data"] == []


async def test_an_older_invitation_for_a_company_id_waits_for_approval(
    market: Market, pack: Company
) -> None:
    """The thief says that it is the company; nobody can tell, so a person has to."""
    thief = await market.open("thief", company_ids=COMPANY_IDS)
    invitation = await invite(pack, forWhom=LEI)

    def as_before(session: Session) -> None:
        row = invitations.by_id(session, invitation["id"])
        assert row is not None
        row.is_pre_approved = True
        session.add(row)

    pack.node.store.write_sync(as_before)
    await accept(thief, invitation)
    await ApprovalWorker(pack.exchange).approve()
    waiting = await pack.get("/peers/Cathode")
    assert (waiting["state"], waiting["awaits"]) == ("pending", "us")


async def stolen(market: Market, invitation: Document) -> Company:
    """A thief accepts under the address of the company, which it does not have."""
    elsewhere = Market(market.directory / "elsewhere", market.stack, time=market.time)
    elsewhere.directory.mkdir()
    elsewhere.internet.hosts["pack.example"] = market.internet.hosts["pack.example"]
    thief = await elsewhere.open("cathode")
    await accept(thief, invitation)
    return thief


@pytest.mark.parametrize("is_typed", [False, True])
async def test_who_shows_other_keys_at_the_address_is_not_approved(
    market: Market, pack: Company, refused: Refused, is_typed: bool
) -> None:
    """Not by words either: calls would go to another node than the one that has registered."""
    await market.open("cathode")
    thief = await stolen(market, await invite(pack, forWhom="https://cathode.example"))
    words = (await thief.get("/node"))["fingerprint"]["words"] if is_typed else None
    answer = await try_post(pack, "/peers/Cathode/approve", {"words": words})
    said = refused(answer, 502)
    assert "at https://cathode.example there is a node with other keys" in said
    assert "underseal peer reject Cathode" in said
    assert (await pack.get("/peers/Cathode"))["state"] == "pending"


async def test_who_cannot_be_looked_at_is_approved_by_words_only(
    market: Market, pack: Company, refused: Refused
) -> None:
    cathode = await market.open("cathode")
    await accept(cathode, await invite(pack))
    del market.internet.hosts["cathode.example"]
    said = refused(await try_post(pack, "/peers/Cathode/approve"), 502)
    theirs = (await cathode.get("/node"))["fingerprint"]["words"]
    ours = (await pack.get("/node"))["fingerprint"]["words"]
    for part in ("cannot be reached", theirs, ours, "peer approve Cathode --words"):
        assert part in said
    wrong = await try_post(pack, "/peers/Cathode/approve", {"words": ours})
    assert "not those of the keys pinned for Cathode" in refused(wrong, 409)
    assert (await pack.get("/peers/Cathode"))["state"] == "pending"
    approved = await approve_by_words(pack, "Cathode", cathode)
    assert (approved["state"], approved["assurance"]) == ("active", "confirmed")
    assert "its node asks by itself" in approved["warnings"][0]
    await pack.post("/audit/verify")
    acts = [one["act"] for one in (await pack.get("/audit"))["data"]]
    assert {"partnership-approved", "peer-confirmed"} <= set(acts)


async def test_words_that_were_confirmed_before_are_enough(market: Market, pack: Company) -> None:
    cathode = await market.open("cathode")
    await accept(cathode, await invite(pack))
    del market.internet.hosts["cathode.example"]
    words = (await pack.get("/peers/Cathode"))["fingerprint"]["words"]
    await pack.post("/peers/Cathode/confirm", {"words": words})
    assert (await pack.post("/peers/Cathode/approve"))["state"] == "active"


@pytest.mark.parametrize("status", [404, 502])
async def test_a_website_shows_no_keys(
    market: Market, pack: Company, refused: Refused, status: int
) -> None:
    """Such as the server before a tunnel that is down, or the site of the company."""
    cathode = await market.open("cathode")
    await accept(cathode, await invite(pack))
    market.internet.answer("cathode.example", lambda _: httpx.Response(status))
    said = refused(await try_post(pack, "/peers/Cathode/approve"), 502)
    assert "nobody at https://cathode.example shows the keys" in said
    assert (await approve_by_words(pack, "Cathode", cathode))["state"] == "active"


async def test_keys_that_follow_from_those_registered_are_the_same_node(
    market: Market, pack: Company
) -> None:
    cathode = await market.open("cathode")
    await accept(cathode, await invite(pack))
    changed = await cathode.post("/keys/rotate", {"purposes": ["footprint", "client"]})
    assert (await pack.post("/peers/Cathode/approve"))["state"] == "active"
    pinned = (await pack.get("/peers/Cathode/keys"))["keys"]
    assert set(changed["new"].values()) <= {one["kid"] for one in pinned}


async def test_a_node_that_does_not_know_us_is_not_said_to_ask_by_itself(
    market: Market, pack: Company
) -> None:
    """It comes to the address after the approval, or has lost its data."""
    cathode = await market.open("cathode")
    await accept(cathode, await invite(pack))
    await cathode.http.delete("/peers/Pack")
    (warning,) = (await pack.post("/peers/Cathode/approve"))["warnings"]
    assert "does not know this partnership" in warning
    assert "asks by itself" not in warning
