"""Whoever has stolen an invitation: what it can say of itself, and what that gets it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlmodel import Session
from tests.node.manage.conftest import COMPANY_IDS, Company, Market
from tests.node.manage.test_partners import accept, invite, try_post

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
    thief = await market.open("thief")
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
