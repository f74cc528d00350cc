"""What somebody says of itself who registers with an invitation, and what the node makes of it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import COMPANY_IDS, Company, Document, Market
from tests.node.manage.test_partners import accept, invite, partners, peer

from underseal_protocol.acceptance import reply_to
from underseal_protocol.invitation import read_invitation
from underseal_protocol.key_log import first_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.onboarding import Company as Named

WRONG_LEI = "urn:lei:529900T8BM49AURSDO56"
PURPOSES = (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT, KeyPurpose.CLIENT)


@pytest.fixture
async def pack(market: Market) -> Company:
    """Who invites."""
    return await market.open("pack")


async def send(market: Market, invitation: Document, request: Any) -> httpx.Response:
    transport = market.internet.hosts["pack.example"]
    token = invitation["document"]["token"]
    async with httpx.AsyncClient(transport=transport, base_url="https://pack.example") as client:
        headers = {"authorization": f"Bearer {token}"}
        return await client.post("/extensions/register", json=request, headers=headers)


async def register(
    market: Market, invitation: Document, url: str, ids: tuple[str, ...] = tuple(COMPANY_IDS)
) -> httpx.Response:
    """Register as a program does that is no Underseal node, and says what it likes."""
    now = market.time[0]
    read = read_invitation(
        invitation["document"], now=now, url="https://any.example", company_ids=ids
    )
    keys = [SigningKey.generate(purpose) for purpose in PURPOSES]
    key_set = PublicKeySet([key.public_key() for key in keys])
    entry = first_entry(url=url, keys=key_set, recovery=None, key=keys[0], issued_at=now)
    request = reply_to(
        read,
        company=Named("Somebody", ids),
        entry=entry,
        client_id="x",
        client_expires_at=now,
        key=keys[0],
        issued_at=now,
    )
    return await send(market, invitation, request)


async def test_a_registrant_does_not_choose_its_client_id(market: Market, pack: Company) -> None:
    cathode = await market.open("cathode")
    invitation = await invite(pack)
    await accept(cathode, invitation, asFile=True)
    request = json.loads(peer(cathode, "Pack").registration or "")
    said = {"client_id": "mine", "client_id_issued_at": "x", "client_secret": "s", "more": 1}
    answer = await send(market, invitation, request | said)
    assert answer.status_code == 201
    registered = answer.json()
    assert [registered["client_id"]] == (await pack.get("/peers/Cathode"))["issuedClientIds"]
    assert isinstance(registered["client_id_issued_at"], int)
    assert registered.keys() == (request.keys() | {"client_id", "client_id_issued_at"})


async def test_doubts_about_company_ids_stay_visible(market: Market, pack: Company) -> None:
    """When it is approved, and afterwards."""
    invitation = await invite(pack)
    answer = await register(market, invitation, "https://b.example", (WRONG_LEI, *COMPANY_IDS))
    assert answer.status_code == 201
    words = (await pack.get("/peers/Cathode"))["fingerprint"]["words"]
    await pack.post("/peers/Cathode/confirm", {"words": words})
    approved = await pack.post("/peers/Cathode/approve")
    shown = await pack.get("/peers/Cathode")
    for one in (approved, shown):
        assert one["companyIds"] == [WRONG_LEI, *COMPANY_IDS]
        assert any(f"names the company id {WRONG_LEI}" in said for said in one["warnings"])
        assert not any(COMPANY_IDS[0] in said for said in one["warnings"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://pack.example", "is the address of the node that the reply is for"),
        ("https://pack.example.", "is the address of the node that the reply is for"),
        ("https://x.example/?a=b", "has more than host, port and path"),
        ("https://x.example?", "expected 'https://x.example'"),
        ("https://x.example:443", "expected 'https://x.example'"),
        ("https://X.example", "expected 'https://x.example'"),
        ("https://169.254.169.254", "cannot belong to a peer"),
        ("https://127.0.0.1:8444", "is not a public one"),
        ("https://[::1]", "is not a public one"),
        ("https://10.1.2.3", "is not a public one"),
        ("https://[::ffff:10.1.2.3]", "stands for another address"),
        ("https://127.1", "is neither a name nor an address"),
        ("https://0x7f000001", "is neither a name nor an address"),
        ("https://2130706433", "is neither a name nor an address"),
    ],
)
async def test_not_every_address_can_be_that_of_a_partner(
    market: Market, pack: Company, url: str, reason: str
) -> None:
    answer = await register(market, await invite(pack), url)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["error_description"]
    assert (await pack.get("/peers/Cathode"))["state"] == "invited"


async def test_a_private_address_needs_the_permission_of_the_operator(
    market: Market, pack: Company
) -> None:
    invitation = await invite(pack)
    await pack.patch("/peers/Cathode", {"allowPrivateNetwork": True})
    assert (await register(market, invitation, "https://169.254.169.254")).status_code == 400
    assert (await register(market, invitation, "https://10.1.2.3")).status_code == 201


async def test_a_second_partner_at_one_address_is_warned_of(market: Market, pack: Company) -> None:
    cathode = await market.open("cathode")
    await partners(pack, cathode)
    assert (await register(market, await invite(pack, "Other"), cathode.url)).status_code == 201
    expected = "Other has the same address as Cathode: https://cathode.example"
    assert expected in (await pack.get("/peers/Other"))["warnings"]
    listed = {one["name"]: one["warnings"] for one in (await pack.get("/peers"))["data"]}
    assert expected in listed["Other"]
    assert "Cathode has the same address as Other" in listed["Cathode"][0]
    await pack.post("/peers/Other/reject", {"reason": "not you"})
    assert (await pack.get("/peers/Cathode"))["warnings"] == []


async def test_who_names_our_own_company_id_is_warned_of(market: Market, pack: Company) -> None:
    own = pack.node.identity.company_ids[0]
    invitation = await invite(pack)
    assert (await register(market, invitation, "https://b.example", (own.upper(),))).is_success
    (said,) = (await pack.get("/peers/Cathode"))["warnings"]
    assert said.startswith(f"Cathode names the company id {own.upper()}, which is that of this")
    assert (await pack.get("/peers"))["data"][0]["warnings"] == [said]
    await pack.post("/peers/Cathode/reject", {"reason": "not you"})
    assert (await pack.get("/peers/Cathode"))["warnings"] == []
