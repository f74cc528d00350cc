"""Partnerships: from an invitation to working credentials in both directions, and their end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import RECOVERY_KEY, Company, Document, Market

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.store import peers
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust import key_changes
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.recovery import recovery_text

Refused = Callable[[httpx.Response, int], str]
RECOVERY_TEXT = recovery_text(RECOVERY_KEY)
DAY = 86_400


@pytest.fixture
async def strangers(market: Market) -> tuple[Company, Company]:
    """A customer `pack` that invites, and a supplier `cathode`; they do not know each other."""
    return await market.open("pack"), await market.open("cathode")


async def invite(company: Company, name: str = "Cathode", **terms: Any) -> Document:
    made: Document = await company.post("/invitations", {"name": name, **terms}, 201)
    return made


async def accept(company: Company, invitation: Document, **given: Any) -> Document:
    body = {"document": invitation["document"], **given}
    made: Document = await company.post("/invitations/accept", body)
    return made


async def partners(one: Company, other: Company) -> None:
    """Both approve: `Cathode` at one, `Pack` at the other."""
    await accept(other, await invite(one))
    await one.post("/peers/Cathode/approve")


async def approve_by_words(company: Company, name: str, other: Company) -> Document:
    """As for a node that cannot be called: its operator has read the words out."""
    words = (await other.get("/node"))["fingerprint"]["words"]
    made: Document = await company.post(f"/peers/{name}/approve", {"words": words})
    return made


def peer(company: Company, name: str) -> Peer:
    return company.node.store.read_sync(lambda session: peers.by_name(session, name))


async def try_post(company: Company, path: str, body: Any = None) -> httpx.Response:
    return await company.http.post(path, json=body or {})


async def test_two_commands_and_an_approval_make_a_partnership(
    strangers: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    assert peer(pack, "Cathode").state == PeerState.INVITED
    accepted = await accept(cathode, invitation)
    assert (accepted["peer"]["state"], accepted["peer"]["awaits"]) == ("pending", "them")
    waiting = await pack.get("/peers/Cathode")
    assert (waiting["state"], waiting["awaits"]) == ("pending", "us")
    assert waiting["companyName"] == "Cathode"
    assert waiting["companyIds"] == ["urn:lei:529900T8BM49AURSDO55"]
    assert waiting["assurance"] == "invitation"

    approved = await pack.post("/peers/Cathode/approve")
    assert (approved["state"], approved["warnings"]) == ("active", [])
    assert (await cathode.get("/peers/Pack"))["state"] == "active"

    (footprint_id,) = await cathode.publish(document(1))
    await cathode.post("/grants", {"peer": "Pack", "everything": True}, 201)
    pulled = await pack.pull("Cathode")
    assert (pulled["verified"], pulled.get("error")) == (1, None)
    await cathode.pull("Pack")  # the other direction, too
    shown = await pack.get(f"/received/{footprint_id}")
    assert shown["verification"] == "verified"


async def test_both_sides_see_the_same_words(strangers: tuple[Company, Company]) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    own = (await cathode.get("/node"))["fingerprint"]
    seen = (await pack.get("/peers/Cathode"))["fingerprint"]
    assert own == seen
    assert len(own["words"].split()) == 8
    assert len(own["hex"].replace(" ", "")) == 64
    assert (await pack.get("/node"))["fingerprint"] != own


async def test_the_operator_confirms_the_words(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    words = (await cathode.get("/node"))["fingerprint"]["words"]
    wrong = await try_post(pack, "/peers/Cathode/confirm", {"words": "abandon " * 8})
    assert "not those of the keys pinned for Cathode" in refused(wrong, 409)
    assert (await pack.get("/peers/Cathode"))["assurance"] == "invitation"
    confirmed = await pack.post("/peers/Cathode/confirm", {"words": words.upper()})
    assert confirmed["assurance"] == "confirmed"


async def test_before_the_approval_words_are_not_confirmed_unseen(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    said = refused(await try_post(pack, "/peers/Cathode/confirm"), 409)
    assert '--words "..."' in said
    assert (await pack.get("/peers/Cathode"))["assurance"] == "invitation"
    words = (await cathode.get("/node"))["fingerprint"]["words"]
    confirmed = await pack.post("/peers/Cathode/confirm", {"words": words})
    assert confirmed["assurance"] == "confirmed"


async def test_nobody_has_a_secret_of_the_other(strangers: tuple[Company, Company]) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    for company, name in ((pack, "Cathode"), (cathode, "Pack")):
        assert peer(company, name).client_secret_encrypted is None
        assert (await company.get(f"/peers/{name}"))["authMethod"] == "private_key_jwt"
    again = await try_post(pack, "/peers/Cathode/credentials")
    assert again.status_code == 409
    assert "no secret" in again.text


async def test_a_link_is_enough(strangers: tuple[Company, Company], market: Market) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    token = invitation["document"]["token"]
    address, _, fragment = invitation["link"].partition("#")
    assert fragment == token
    await cathode.post("/invitations/accept", {"link": invitation["link"], "name": "Pack AG"})
    assert peer(cathode, "Pack AG").state == PeerState.PENDING
    assert all(token not in str(request.url) for request in market.internet.requests)
    page = await market.internet.hosts["pack.example"].handle_async_request(
        httpx.Request("GET", address, headers={"accept": "text/html"})
    )
    assert "Pack invites you" in (await page.aread()).decode()
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_approved_beforehand_needs_one_command_a_side(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    terms: Document = {"forWhom": "https://cathode.example", "preApprove": True}
    accepted = await accept(cathode, await invite(pack, **terms))
    assert accepted["isPreApproved"] is True
    await ApprovalWorker(pack.exchange).approve()
    assert (await pack.get("/peers/Cathode"))["state"] == "active"
    assert (await cathode.get("/peers/Pack"))["state"] == "active"
    await cathode.pull("Pack")


async def test_what_is_approved_beforehand_has_to_show_its_keys_at_its_address(
    strangers: tuple[Company, Company], market: Market
) -> None:
    """A thief of the invitation can name the address of the company, and does not have it."""
    pack, _ = strangers
    terms: Document = {"forWhom": "https://cathode.example", "preApprove": True}
    invitation = await invite(pack, **terms)
    elsewhere = Market(market.directory / "elsewhere", market.stack, time=market.time)
    elsewhere.directory.mkdir()
    elsewhere.internet.hosts["pack.example"] = market.internet.hosts["pack.example"]
    await accept(await elsewhere.open("cathode"), invitation)
    worker = ApprovalWorker(pack.exchange)
    await worker.approve()
    waiting = await pack.get("/peers/Cathode")
    assert (waiting["state"], waiting["awaits"]) == ("pending", "us")
    # Had it the address, too, it would be the one that was meant.
    market.internet.hosts["cathode.example"] = elsewhere.internet.hosts["cathode.example"]
    pack.advance(minutes=1)
    await worker.approve()
    assert (await pack.get("/peers/Cathode"))["state"] == "active"


async def test_what_is_offered_is_granted(
    strangers: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    pack, cathode = strangers
    product = document(1)["productIds"][0]
    (footprint_id,) = await cathode.publish(document(1))
    invitation = await invite(cathode, "Pack", productIds=[product], level="quality")
    grants = (await cathode.get("/grants", peer="Pack"))["data"]
    assert [(one["value"], one["level"]) for one in grants] == [(product, "quality")]
    await accept(pack, invitation)
    await cathode.post("/peers/Pack/approve")
    assert (await pack.pull("Cathode"))["verified"] == 1
    assert (await pack.get(f"/received/{footprint_id}"))["verification"] == "verified"


async def test_nodes_that_cannot_reach_each_other_exchange_files(
    strangers: tuple[Company, Company], market: Market
) -> None:
    pack, cathode = strangers
    apart = dict(market.internet.hosts)
    market.internet.hosts.clear()
    accepted = await accept(cathode, await invite(pack), asFile=True)
    assert accepted["peer"]["state"] == "pending"
    completed = await pack.post("/invitations/complete", {"document": accepted["reply"]})
    assert (completed["state"], completed["awaits"]) == ("pending", "us")
    approved = await approve_by_words(pack, "Cathode", cathode)
    assert approved["assurance"] == "confirmed"
    assert "could not be told yet" in approved["warnings"][0]
    market.internet.hosts.update(apart)
    await ApprovalWorker(cathode.exchange).ask()
    assert (await cathode.get("/peers/Pack"))["state"] == "active"
    await cathode.pull("Pack")
    await pack.pull("Cathode")


async def test_who_cannot_be_called_notices_by_itself(
    strangers: tuple[Company, Company], market: Market
) -> None:
    """A small supplier without a public address: it calls, and is not called."""
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    hidden = market.internet.hosts.pop("cathode.example")
    worker = ApprovalWorker(cathode.exchange)
    await worker.ask()
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    await approve_by_words(pack, "Cathode", cathode)
    cathode.advance(hours=1)
    await worker.ask()
    assert (await cathode.get("/peers/Pack"))["state"] == "active"
    market.internet.hosts["cathode.example"] = hidden


async def test_a_lost_answer_does_no_harm(
    strangers: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    real = market.internet.hosts["pack.example"]

    class Losing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await real.handle_async_request(request)
            raise httpx.ReadError("the answer is lost")

    market.internet.hosts["pack.example"] = Losing()
    body = {"document": invitation["document"]}
    lost = await try_post(cathode, "/invitations/accept", body)
    assert "Run the command again" in refused(lost, 502)
    assert peer(pack, "Cathode").state == PeerState.PENDING
    market.internet.hosts["pack.example"] = real
    accepted = await cathode.post("/invitations/accept", body)
    assert accepted["peer"]["state"] == "pending"
    await pack.post("/peers/Cathode/approve")
    assert (await cathode.get("/peers/Pack"))["state"] == "active"


async def test_an_invitation_counts_once(
    strangers: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    await accept(cathode, invitation)
    third = await market.open("thief")
    body = {"document": invitation["document"]}
    answer = await try_post(third, "/invitations/accept", body)
    assert "has been used already" in refused(answer, 502)
    assert (await third.get("/peers"))["data"] == []
    reply = (await accept(third, invitation, asFile=True))["reply"]
    late = await try_post(pack, "/invitations/complete", {"document": reply})
    assert "has been used already" in refused(late, 422)
    assert (await pack.get("/peers/Cathode"))["url"] == "https://cathode.example"


async def test_both_sides_refuse_what_has_expired(
    strangers: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack, expiresSeconds=DAY)
    reply = (await accept(cathode, invitation, asFile=True))["reply"]
    pack.advance(days=1)
    other = await market.open("other")
    answer = await try_post(other, "/invitations/accept", {"document": invitation["document"]})
    assert "expired at 2026-03-02" in refused(answer, 422)
    late = await try_post(pack, "/invitations/complete", {"document": reply})
    assert "expired at 2026-03-02" in refused(late, 422)
    assert peer(pack, "Cathode").state == PeerState.INVITED


@pytest.mark.parametrize(
    "whom",
    ["https://other.example", "5493001KJTIIGC8Y1R12", "urn:pact:other.example:company-id:1"],
)
async def test_both_sides_refuse_what_is_for_another(
    strangers: tuple[Company, Company], market: Market, refused: Refused, whom: str
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack, forWhom=whom)
    answer = await try_post(cathode, "/invitations/accept", {"document": invitation["document"]})
    assert "is for the" in refused(answer, 422)
    # A node that does not look itself is refused by the other one.
    plain = await invite(pack)
    reply = (await accept(cathode, plain, asFile=True))["reply"]

    def narrow(session: Any) -> None:
        from underseal_node.store import invitations

        row = invitations.by_id(session, plain["id"])
        assert row is not None
        row.for_url = "https://other.example"
        session.add(row)

    pack.node.store.write_sync(narrow)
    late = await try_post(pack, "/invitations/complete", {"document": reply})
    assert "is for the node https://other.example" in refused(late, 422)


async def test_a_lei_with_a_typing_error_is_refused(company: Company, refused: Refused) -> None:
    body = {"name": "X", "forWhom": "529900T8BM49AURSDO56"}
    assert "check digits" in refused(await try_post(company, "/invitations", body), 409)


async def test_what_was_altered_is_refused_by_both(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    altered = json.loads(json.dumps(invitation["document"]))
    head, payload, signature = altered["invitation"].split(".")
    altered["invitation"] = f"{head}.{payload[:-4]}AAAA.{signature}"
    answer = await try_post(cathode, "/invitations/accept", {"document": altered})
    assert "altered or forged" in refused(answer, 422)
    other_token = invitation["document"] | {"token": "x" * 43}
    answer = await try_post(cathode, "/invitations/accept", {"document": other_token})
    assert "not one of an invitation of this node" in refused(answer, 502)
    assert (await cathode.get("/peers"))["data"] == []
    reply = (await accept(cathode, {"document": other_token}, asFile=True))["reply"]
    answer = await try_post(pack, "/invitations/complete", {"document": reply})
    assert "did not have the invitation" in refused(answer, 422)


async def test_a_new_invitation_replaces_the_old_one(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    old, new = await invite(pack), await invite(pack)
    answer = await try_post(cathode, "/invitations/accept", {"document": old["document"]})
    assert "not one of an invitation" in refused(answer, 502)
    assert (await accept(cathode, new))["peer"]["state"] == "pending"


async def test_a_rejected_company_learns_why(strangers: tuple[Company, Company]) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    rejected = await pack.post("/peers/Cathode/reject", {"reason": "not our supplier"})
    assert rejected["state"] == "revoked"
    await ApprovalWorker(cathode.exchange).ask()
    seen = await cathode.get("/peers/Pack")
    assert seen["state"] == "revoked"
    assert "not our supplier" in seen["stateReason"]


@pytest.mark.parametrize("move", ["reject", "revoke"])
async def test_the_end_needs_a_reason(
    strangers: tuple[Company, Company], refused: Refused, move: str
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    assert "reason" in refused(await try_post(pack, f"/peers/Cathode/{move}"), 409)


async def test_a_suspended_partner_waits_and_a_revoked_one_is_gone(
    strangers: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    await cathode.publish(document(1))
    await cathode.post("/grants", {"peer": "Pack", "everything": True}, 201)
    assert (await pack.pull("Cathode"))["verified"] == 1
    await cathode.post("/peers/Pack/suspend", {"reason": "contract under review"})
    assert "suspended" in (await pack.pull("Cathode"))["error"]
    (listed,) = (await pack.get("/peers"))["data"]
    assert "access is suspended" in listed["lastProblem"]
    await cathode.post("/peers/Pack/resume")
    assert (await pack.pull("Cathode")).get("error") is None
    # The token that was issued before is good for nothing any more.
    await cathode.post("/peers/Pack/revoke", {"reason": "contract ended"})
    assert "contract ended" in (await pack.pull("Cathode"))["error"]
    assert (await cathode.get("/peers/Pack"))["state"] == "revoked"


async def test_a_revoked_peer_can_be_removed_and_invited_again(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    await pack.post("/peers/Cathode/revoke", {"reason": "keys lost"})
    again = await try_post(pack, "/invitations", {"name": "Cathode"})
    assert "which is revoked" in refused(again, 409)
    for company, name in ((pack, "Cathode"), (cathode, "Pack")):
        assert (await company.http.delete(f"/peers/{name}")).status_code == 200
    await partners(pack, cathode)
    await cathode.pull("Pack")


async def test_one_company_is_one_partner(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    second = await invite(pack, "Second")
    answer = await try_post(cathode, "/invitations/accept", {"document": second["document"]})
    assert "is the peer Pack already" in refused(answer, 409)
    own = await try_post(pack, "/invitations/accept", {"document": second["document"]})
    assert "of this very node" in refused(own, 422)


MOVES = ("approve", "reject", "suspend", "resume", "revoke")
LEGAL = {
    "invited": {"revoke"},
    "pending": {"approve", "reject", "revoke"},
    "active": {"suspend", "revoke"},
    "suspended": {"resume", "revoke"},
    "revoked": set[str](),
}


@pytest.mark.parametrize("state", sorted(LEGAL))
@pytest.mark.parametrize("move", MOVES)
async def test_only_legal_moves(
    strangers: tuple[Company, Company], refused: Refused, state: str, move: str
) -> None:
    pack, cathode = strangers
    invitation = await invite(pack)
    if state != "invited":
        await accept(cathode, invitation)
    if state in ("active", "suspended", "revoked"):
        await pack.post("/peers/Cathode/approve")
    if state in ("suspended", "revoked"):
        verb = {"suspended": "suspend", "revoked": "revoke"}[state]
        await pack.post(f"/peers/Cathode/{verb}", {"reason": "so it is"})
    given = {} if move == "approve" else {"reason": "a reason"}
    answer = await try_post(pack, f"/peers/Cathode/{move}", given)
    if move in LEGAL[state]:
        assert answer.status_code == 200, answer.text
    else:
        assert f"is {state}" in refused(answer, 409)
        assert (await pack.get("/peers/Cathode"))["state"] == state


async def test_who_waits_for_the_other_cannot_approve_itself(
    strangers: tuple[Company, Company], refused: Refused
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    answer = await try_post(cathode, "/peers/Pack/approve")
    assert "has to approve this partnership, not we" in refused(answer, 409)
    assert "has not approved the partnership yet" in (await cathode.pull("Pack"))["error"]


async def test_rotation_gives_a_partner_a_new_client_id_and_no_call_fails(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    before = peer(cathode, "Pack").client_id
    rotated = await pack.post("/peers/Cathode/rotate", status=201)
    assert "clientSecret" not in rotated
    assert peer(cathode, "Pack").client_id == rotated["clientId"] != before
    assert (await cathode.pull("Pack")).get("error") is None
    issued = (await pack.get("/peers/Cathode"))["issuedClientIds"]
    assert issued == [before, rotated["clientId"]]
    pack.advance(days=8)
    assert (await pack.get("/peers/Cathode"))["issuedClientIds"] == [rotated["clientId"]]
    assert (await cathode.pull("Pack")).get("error") is None


async def test_a_partner_that_cannot_be_told_keeps_what_it_has(
    strangers: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    before = (await pack.get("/peers/Cathode"))["issuedClientIds"]
    hidden = market.internet.hosts.pop("cathode.example")
    answer = await try_post(pack, "/peers/Cathode/rotate")
    assert "nothing has changed" in refused(answer, 409)
    assert (await pack.get("/peers/Cathode"))["issuedClientIds"] == before
    market.internet.hosts["cathode.example"] = hidden
    assert (await cathode.pull("Pack")).get("error") is None


async def test_a_partner_whose_answer_is_lost_keeps_working(
    strangers: tuple[Company, Company], market: Market, refused: Refused
) -> None:
    """It has taken up the new client id, and nobody knows."""
    pack, cathode = strangers
    await partners(pack, cathode)
    before = peer(cathode, "Pack").client_id
    real = market.internet.hosts["cathode.example"]

    class Losing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await real.handle_async_request(request)
            if request.url.path.endswith("/credentials"):
                raise httpx.ReadError("the answer is lost")
            return answer

    market.internet.hosts["cathode.example"] = Losing()
    answer = await try_post(pack, "/peers/Cathode/rotate")
    assert "the old one and the new one work" in refused(answer, 409)
    market.internet.hosts["cathode.example"] = real
    assert peer(cathode, "Pack").client_id != before
    assert (await cathode.pull("Pack")).get("error") is None
    issued = (await pack.get("/peers/Cathode"))["issuedClientIds"]
    assert issued == [before, peer(cathode, "Pack").client_id]
    last = await pack.post("/peers/Cathode/rotate", status=201)
    pack.advance(days=8)
    assert (await pack.get("/peers/Cathode"))["issuedClientIds"] == [last["clientId"]]


async def test_rotation_of_a_secret_overlaps(pair: tuple[Company, Company]) -> None:
    cell, cathode = pair
    assert (await cell.pull("cathode")).get("error") is None
    rotated = await cathode.post("/peers/cell/rotate", status=201)
    cell.exchange.tokens._cache.clear()
    assert (await cell.pull("cathode")).get("error") is None  # with the old secret
    change = {"clientId": rotated["clientId"], "clientSecret": rotated["clientSecret"]}
    await cell.patch("/peers/cathode", change)
    cathode.advance(days=8)
    assert (await cell.pull("cathode")).get("error") is None


async def test_credentials_end_after_a_year_with_a_warning_before(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    fresh = await pack.get("/peers/Cathode")
    assert fresh["expiresAt"].startswith("2027-03-01")
    assert fresh["clientExpiresAt"].startswith("2027-03-01")
    assert fresh["warnings"] == []
    pack.advance(days=336)
    warned = (await pack.get("/peers"))["data"][0]["warnings"]
    assert "run `underseal peer rotate Cathode`" in warned[0]
    assert "our credentials at Cathode end on 2027-03-01" in warned[1]
    pack.advance(days=30)
    assert "accept our client key" in (await cathode.pull("Pack"))["error"]


async def test_grants_of_an_invited_peer_do_nothing_yet(
    strangers: tuple[Company, Company], document: Callable[..., Document]
) -> None:
    pack, cathode = strangers
    await accept(pack, await invite(cathode, "Pack", productIds=document(1)["productIds"]))
    await cathode.publish(document(1))
    assert "has not approved" in (await pack.pull("Cathode"))["error"]
    assert (await cathode.get("/outbox"))["data"] == []


def client_kid(company: Company, name: str) -> list[str]:
    """The client keys that are pinned for a peer."""
    pinned = json.loads(peer(company, name).key_set or "{}")["keys"]
    return [one["kid"] for one in pinned if one["underseal:purpose"] == "client"]


async def test_who_pulls_asks_for_the_approval_first(
    strangers: tuple[Company, Company], market: Market
) -> None:
    pack, cathode = strangers
    await accept(cathode, await invite(pack))
    hidden = market.internet.hosts.pop("cathode.example")
    await approve_by_words(pack, "Cathode", cathode)
    assert (await cathode.get("/peers/Pack"))["state"] == "pending"
    assert (await cathode.pull("Pack")).get("error") is None
    assert (await cathode.get("/peers/Pack"))["state"] == "active"
    market.internet.hosts["cathode.example"] = hidden


async def test_a_new_client_key_is_used_as_soon_as_the_partner_knows_it(
    strangers: tuple[Company, Company],
) -> None:
    """No call fails meanwhile: until then the one before it is shown."""
    pack, cathode = strangers
    await partners(pack, cathode)
    for _ in range(2):  # also when the partner has missed one
        changed = await cathode.post("/keys/rotate", {"purposes": ["client"]})
        assert changed["new"]["client"] not in client_kid(pack, "Cathode")
        cathode.exchange.tokens._cache.clear()
        assert (await cathode.pull("Pack")).get("error") is None
    await cathode.work()  # the announcement goes through as well
    assert changed["new"]["client"] in client_kid(pack, "Cathode")
    cathode.exchange.tokens._cache.clear()
    assert (await cathode.pull("Pack")).get("error") is None


async def test_after_the_theft_of_a_client_key_the_partner_looks_for_the_new_one(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    (stolen,) = client_kid(pack, "Cathode")
    revoked = {"kids": [stolen], "since": "2026-03-01T00:00:00Z", "recoveryKey": RECOVERY_TEXT}
    await cathode.post("/keys/revoke", revoked)
    cathode.exchange.tokens._cache.clear()
    assert "does not accept our client key" in (await cathode.pull("Pack"))["error"]
    await ApprovalWorker(pack.exchange).look()
    assert stolen not in client_kid(pack, "Cathode")
    cathode.advance(minutes=5)
    assert (await cathode.pull("Pack")).get("error") is None


async def test_a_partner_that_has_not_heard_of_a_move_still_gets_in(
    strangers: tuple[Company, Company], market: Market
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    cathode.exchange._looked_until[peer(cathode, "Pack").id or 0] = float("inf")
    await pack.post("/node/move", {"url": "https://pack-2.example"})
    market.internet.hosts["pack-2.example"] = market.internet.hosts["pack.example"]
    cathode.exchange.tokens._cache.clear()
    assert (await cathode.pull("Pack")).get("error") is None
    pack.advance(days=8)  # not for ever: the old address may belong to somebody else by then
    cathode.exchange.tokens._cache.clear()
    assert "expected 'https://pack-2.example'" in (await cathode.pull("Pack"))["error"]


async def test_keys_that_a_peer_revokes_while_it_is_suspended_are_not_trusted_after_that(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    await pack.pull("Cathode")  # its keys are looked at, and not again for an hour
    await pack.post("/peers/Cathode/suspend", {})
    old = cathode.node.signing_key(KeyPurpose.FOOTPRINT)
    await key_changes.revoke(cathode.node, [old.kid], cathode.node.now(), RECOVERY_KEY)
    await cathode.work()
    assert old.kid in (await pack.get("/peers/Cathode"))["keyThumbprints"]
    resumed = await pack.post("/peers/Cathode/resume")
    assert old.kid not in resumed["keyThumbprints"]


async def test_a_peer_that_is_resumed_and_does_not_answer_is_looked_at_with_the_next_call(
    strangers: tuple[Company, Company], market: Market
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    await pack.pull("Cathode")
    await pack.post("/peers/Cathode/suspend", {})
    old = cathode.node.signing_key(KeyPurpose.FOOTPRINT)
    await key_changes.revoke(cathode.node, [old.kid], cathode.node.now(), RECOVERY_KEY)
    host = market.internet.hosts.pop("cathode.example")
    resumed = await pack.post("/peers/Cathode/resume")
    assert (resumed["state"], len(resumed["warnings"])) == ("active", 1)
    market.internet.hosts["cathode.example"] = host
    await pack.pull("Cathode")
    assert old.kid not in (await pack.get("/peers/Cathode"))["keyThumbprints"]


async def test_a_peer_is_told_after_a_suspension_which_keys_were_revoked_meanwhile(
    strangers: tuple[Company, Company],
) -> None:
    pack, cathode = strangers
    await partners(pack, cathode)
    await cathode.post("/peers/Pack/suspend", {})
    old = cathode.node.signing_key(KeyPurpose.FOOTPRINT)
    change = await key_changes.revoke(cathode.node, [old.kid], cathode.node.now(), RECOVERY_KEY)
    assert change.peers == []
    await cathode.post("/peers/Pack/resume")
    await cathode.work()
    assert old.kid not in (await pack.get("/peers/Cathode"))["keyThumbprints"]
    # Told once is enough.
    sent = len((await cathode.get("/outbox"))["data"])
    await cathode.post("/peers/Pack/suspend", {})
    await cathode.post("/peers/Pack/resume")
    assert len((await cathode.get("/outbox"))["data"]) == sent
