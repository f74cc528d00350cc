"""An invitation that is accepted a second time, or looks like one that was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from tests.node.manage.conftest import COMPANY_IDS, Company, Document, Market
from tests.node.manage.test_partners import accept, invite, peer, try_post

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.trust import keyring
from underseal_protocol.invitation import Terms
from underseal_protocol.invitation import invite as signed_invitation
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.onboarding import Company as Named

Refused = Callable[[httpx.Response, int], str]


@pytest.fixture
async def strangers(market: Market) -> tuple[Company, Company]:
    """A customer `pack` that invites, and a supplier `cathode`."""
    return await market.open("pack"), await market.open("cathode")


def invitation_of(company: Company, invitation_id: str) -> Document:
    """An invitation whose id its issuer has taken from elsewhere."""
    now = company.node.now()
    document = signed_invitation(
        invitation_id=invitation_id,
        company=Named("Evil", tuple(COMPANY_IDS)),
        entry=company.node.store.read_sync(keyring.newest_entry),
        client_id="x",
        terms=Terms(),
        key=company.node.signing_key(KeyPurpose.IDENTITY),
        issued_at=now,
        expires_at=now + timedelta(days=3),
    )
    return document | {"token": "t" * 43}


@pytest.mark.parametrize("status", [201, 401])
@pytest.mark.parametrize("as_file", [False, True])
async def test_the_id_of_an_invitation_does_not_name_its_issuer(
    market: Market,
    strangers: tuple[Company, Company],
    refused: Refused,
    status: int,
    as_file: bool,
) -> None:
    """Who knows the id of another one could otherwise speak for its issuer: say that it has
    approved, or refuse, so that what was prepared is forgotten."""
    pack, cathode = strangers
    invitation = await invite(pack)
    await accept(cathode, invitation, asFile=True)
    evil = await market.open("evil")
    body = {"document": invitation_of(evil, invitation["id"]), "name": "Evil", "asFile": as_file}
    said = {"underseal": {"state": "active", "expires_at": "2027-01-01T00:00:00Z"}}
    market.internet.answer("evil.example", lambda _: httpx.Response(status, json=said))
    answer = await try_post(cathode, "/invitations/accept", body)
    assert "another invitation with the id" in refused(answer, 422)
    assert [one["name"] for one in (await cathode.get("/peers"))["data"]] == ["Pack"]
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    assert (await accept(cathode, invitation))["peer"]["state"] == "pending"
    assert peer(pack, "Cathode").state == "pending"


async def test_what_is_said_at_the_second_try_counts(
    market: Market, strangers: tuple[Company, Company], refused: Refused
) -> None:
    """Such as the option without which the first one could not succeed."""
    pack, cathode = strangers
    invitation = await invite(pack)
    host = market.internet.hosts.pop("pack.example")
    body = {"document": invitation["document"]}
    assert "Run the command again" in refused(
        await try_post(cathode, "/invitations/accept", body), 502
    )
    ca_pem = "-----BEGIN CERTIFICATE-----"
    said = {"name": "Harzquell", "allowPrivateNetwork": True, "caPem": ca_pem, "asFile": True}
    changed = (await accept(cathode, invitation, **said))["peer"]
    assert (changed["name"], changed["allowPrivateNetwork"]) == ("Harzquell", True)
    assert peer(cathode, "Harzquell").ca_pem == ca_pem
    await cathode.post("/peers", {"name": "Taken"}, 201)
    taken = await try_post(cathode, "/invitations/accept", body | {"name": "taken"})
    assert "there is a peer 'Taken' already" in refused(taken, 409)
    market.internet.hosts["pack.example"] = host
    # What is not said again stays.
    kept = (await accept(cathode, invitation, asFile=True))["peer"]
    assert (kept["name"], kept["allowPrivateNetwork"], kept["hasCa"]) == ("Harzquell", True, True)
    await cathode.post("/audit/verify")
    acts = [one["act"] for one in (await cathode.get("/audit"))["data"]]
    assert acts.count("private-network-set") == 1


async def test_who_was_removed_before_the_approval_hears_of_it(
    market: Market, strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    assert (await pack.http.delete("/peers/Cathode")).status_code == 200
    said = refused(await try_post(cathode, "/peers/Pack/ask"), 502)
    assert "Pack has removed our registration" in said
    assert "new invitation" in said
    assert "rotate" not in said
    ended = await cathode.get("/peers/Pack")
    assert (ended["state"], ended["stateReason"]) == (
        "revoked",
        "Pack has removed our registration",
    )
    # As the hint says.
    assert (await cathode.http.delete("/peers/Pack")).status_code == 200
    await accept(cathode, await invite(pack))
    assert (await pack.post("/peers/Cathode/approve"))["state"] == "active"


async def test_a_reply_that_is_on_its_way_is_waited_for(
    market: Market, strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    reply = (await accept(cathode, await invite(pack), asFile=True))["reply"]
    said = refused(await try_post(cathode, "/peers/Pack/ask"), 502)
    assert "Pack does not have our registration yet" in said
    assert "underseal peer complete" in said
    # To have looked at its address is not to have been registered there.
    await cathode.http.patch("/peers/Pack", json={"url": pack.url})
    await ApprovalWorker(cathode.exchange).ask()
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    await pack.post("/invitations/complete", {"document": reply})
    assert "has not approved" in refused(await try_post(cathode, "/peers/Pack/ask"), 502)
    # From now on it is known there.
    assert (await pack.http.delete("/peers/Cathode")).status_code == 200
    await ApprovalWorker(cathode.exchange).ask()
    assert (await cathode.get("/peers/Pack"))["state"] == "revoked"


async def test_a_clock_that_is_wrong_ends_nothing(
    market: Market, strangers: tuple[Company, Company], refused: Refused
) -> None:
    """Nor does anything else that is wrong with an assertion: its client is known."""
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    cathode.node.clock = lambda: market.time[0] + timedelta(hours=1)
    said = refused(await try_post(cathode, "/peers/Pack/ask"), 502)
    assert "does not accept our client key" in said
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"


async def test_a_registration_that_arrives_meanwhile_is_not_said_to_be_removed(
    market: Market, strangers: tuple[Company, Company], refused: Refused
) -> None:
    """The node asks by itself, also while its operator's command is registering it."""
    pack, cathode = strangers
    invitation = await invite(pack)
    await accept(cathode, invitation, asFile=True)
    real = market.internet.hosts["pack.example"]

    class Registering(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await real.handle_async_request(request)
            if request.url.path == "/auth/token":
                market.internet.hosts["pack.example"] = real
                await accept(cathode, invitation)
            return answer

    market.internet.hosts["pack.example"] = Registering()
    said = refused(await try_post(cathode, "/peers/Pack/ask"), 502)
    assert "does not have our registration yet" in said
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    assert (await pack.post("/peers/Cathode/approve"))["state"] == "active"


@pytest.mark.parametrize("how", ["called", "unanswered", "as a file"])
async def test_a_damaged_invitation_destroys_no_registration(
    market: Market, strangers: tuple[Company, Company], refused: Refused, how: str
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    if how == "as a file":
        reply = (await accept(cathode, invitation, asFile=True))["reply"]
        await pack.post("/invitations/complete", {"document": reply})
    elif how == "called":
        await accept(cathode, invitation)
    else:
        real = market.internet.hosts["pack.example"]

        class Deaf(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                await real.handle_async_request(request)
                raise httpx.ReadError("the connection ended")

        market.internet.hosts["pack.example"] = Deaf()
        refused(
            await try_post(cathode, "/invitations/accept", {"document": invitation["document"]}),
            502,
        )
        market.internet.hosts["pack.example"] = real
    assert peer(pack, "Cathode").state == "pending"
    damaged = invitation["document"] | {"token": invitation["document"]["token"][:-4] + "AAAA"}
    said = refused(await try_post(cathode, "/invitations/accept", {"document": damaged}), 502)
    assert "the peer Pack from before stays as it is, pending" in said
    assert "Compare the invitation" in said
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    assert (await accept(cathode, invitation))["peer"]["state"] == "pending"
    approved = await pack.post("/peers/Cathode/approve")
    assert (approved["state"], approved["isReached"]) == ("active", True)
    assert (await cathode.get("/peers/Pack"))["state"] == "active"


async def test_nothing_is_left_of_a_first_try_that_was_refused(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    damaged = invitation["document"] | {"token": invitation["document"]["token"][:-4] + "AAAA"}
    said = refused(await try_post(cathode, "/invitations/accept", {"document": damaged}), 502)
    assert "Ask the company for a new invitation." in said
    assert (await cathode.get("/peers"))["data"] == []
    await accept(cathode, invitation)


async def test_an_approval_says_when_the_other_side_does_not_know_us(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    assert (await cathode.http.delete("/peers/Pack")).status_code == 200
    approved = await pack.post("/peers/Cathode/approve")
    assert approved["isReached"] is False
    assert "does not know this partnership" in approved["warnings"][0]
