"""Client ids that run out, are renewed, and get lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from sqlmodel import Session
from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_partners import accept, invite, partners, peer, try_post

from underseal_node.exchange import rotation
from underseal_node.exchange.renewals import RenewalWorker
from underseal_node.store import peers
from underseal_node.trust import audit
from underseal_protocol.client_notice import CLIENT_IDS_PATH

Pair = tuple[Company, Company]
Refused = Callable[[httpx.Response, int], str]


@pytest.fixture
async def partnered(market: Market) -> Pair:
    """A customer `pack` and a supplier `cathode`, partners since now."""
    pack, cathode = await market.open("pack"), await market.open("cathode")
    await partners(pack, cathode)
    return pack, cathode


async def in_both_directions(pack: Company, cathode: Company) -> list[str | None]:
    """What goes wrong when each pulls from the other."""
    for company in (pack, cathode):
        company.exchange.tokens._cache.clear()
    pulled = [await cathode.pull("Pack"), await pack.pull("Cathode")]
    return [one.get("error") for one in pulled]


@pytest.mark.parametrize("who", ["pack", "cathode"])
async def test_one_rotation_brings_lapsed_partners_back(partnered: Pair, who: str) -> None:
    """Whichever side runs it, both directions work again."""
    pack, cathode = partnered
    pack.advance(days=900)
    assert None not in await in_both_directions(pack, cathode)
    warned = (await pack.get("/peers/Cathode"))["warnings"]
    assert all("`underseal peer rotate Cathode`" in one for one in warned)
    if who == "pack":
        await pack.post("/peers/Cathode/rotate", status=201)
    else:
        await cathode.post("/peers/Pack/rotate", status=201)
    assert await in_both_directions(pack, cathode) == [None, None]
    for company, name in ((pack, "Cathode"), (cathode, "Pack")):
        shown = await company.get(f"/peers/{name}")
        assert shown["warnings"] == []
        assert shown["expiresAt"][:10] == shown["clientExpiresAt"][:10] == "2029-08-17"


async def test_a_lapsed_partner_that_cannot_be_called_brings_itself_back(
    partnered: Pair, market: Market
) -> None:
    pack, cathode = partnered
    del market.internet.hosts["cathode.example"]
    pack.advance(days=400)
    await RenewalWorker(cathode.exchange).step()
    assert (await cathode.pull("Pack")).get("error") is None
    assert (await cathode.get("/peers/Pack"))["clientExpiresAt"].startswith("2028-04-04")


async def test_nodes_renew_their_client_ids_by_themselves(
    partnered: Pair,
) -> None:
    pack, cathode = partnered
    workers = [RenewalWorker(one.exchange) for one in partnered]
    for day in range(0, 3 * 365, 13):
        for worker in workers:
            await worker.step()
        assert await in_both_directions(pack, cathode) == [None, None], day
        pack.advance(days=13)
    await audit.append_all(pack.node)
    acts = [one["act"] for one in (await pack.get("/audit", limit=1000))["data"]]
    assert acts.count("credentials-renewed") == acts.count("client-id-renewed") == 3


async def test_a_lapsed_partner_that_was_suspended_or_revoked_stays_out(
    partnered: Pair, refused: Refused
) -> None:
    pack, cathode = partnered
    pack.advance(days=400)
    await pack.post("/peers/Cathode/suspend", {})
    answer = await try_post(cathode, "/peers/Pack/rotate")
    assert "has suspended the partnership" in refused(answer, 409)
    await pack.post("/peers/Cathode/revoke", {"reason": "over"})
    answer = await try_post(cathode, "/peers/Pack/rotate")
    assert "has ended the partnership: over" in refused(answer, 409)
    assert None not in await in_both_directions(pack, cathode)


async def break_off(company: Company, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`peer rotate`, and the process is killed before the partner is told."""

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "tell_issued", killed)
        with pytest.raises(asyncio.CancelledError):
            await rotation.rotate(company.exchange, name)


async def test_a_client_id_that_nobody_was_told_hides_no_end(
    partnered: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, cathode = partnered
    pack.advance(days=340)
    await break_off(pack, "Cathode", monkeypatch)
    shown = await pack.get("/peers/Cathode")
    assert shown["expiresAt"].startswith("2027-03-01")
    assert "end on 2027-03-01" in shown["warnings"][0]
    assert "not confirmed yet" in shown["warnings"][1]
    await RenewalWorker(pack.exchange).step()
    shown = await pack.get("/peers/Cathode")
    assert (shown["warnings"], shown["expiresAt"][:10]) == ([], "2028-02-04")
    assert peer(cathode, "Pack").client_id == shown["issuedClientIds"][-1]
    pack.advance(days=30)
    assert await in_both_directions(pack, cathode) == [None, None]


async def test_a_partner_is_told_until_it_confirms(
    partnered: Pair, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, cathode = partnered
    before = peer(cathode, "Pack").client_id
    await break_off(pack, "Cathode", monkeypatch)
    hidden = market.internet.hosts.pop("cathode.example")
    worker = RenewalWorker(pack.exchange)
    for _ in range(3):
        await worker.step()
        pack.advance(minutes=20)
    assert peer(cathode, "Pack").client_id == before
    market.internet.hosts["cathode.example"] = hidden
    await worker.step()
    assert peer(cathode, "Pack").client_id != before


async def test_what_was_broken_off_is_told_by_the_same_command(
    partnered: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, cathode = partnered
    await break_off(pack, "Cathode", monkeypatch)
    waiting = (await pack.get("/peers/Cathode"))["issuedClientIds"][-1]
    rotated = await pack.post("/peers/Cathode/rotate", status=201)
    assert rotated["clientId"] == waiting == peer(cathode, "Pack").client_id
    again = await pack.post("/peers/Cathode/rotate", status=201)
    assert again["clientId"] != waiting


async def test_who_uses_its_new_client_id_has_confirmed_it(
    partnered: Pair, market: Market, refused: Refused
) -> None:
    """Its answer got lost; the old client id ends all the same."""
    pack, cathode = partnered
    real = market.internet.hosts["cathode.example"]

    class Losing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await real.handle_async_request(request)
            if request.url.path == CLIENT_IDS_PATH:
                raise httpx.ReadError("the answer is lost")
            return answer

    market.internet.hosts["cathode.example"] = Losing()
    answer = await try_post(pack, "/peers/Cathode/rotate")
    assert "tells it again by itself" in refused(answer, 409)
    assert "not confirmed yet" in (await pack.get("/peers/Cathode"))["warnings"][0]
    assert (await cathode.pull("Pack")).get("error") is None
    shown = await pack.get("/peers/Cathode")
    assert shown["warnings"] == []
    pack.advance(days=8)
    shown = await pack.get("/peers/Cathode")
    assert shown["issuedClientIds"] == [peer(cathode, "Pack").client_id]


async def test_a_partner_restored_from_a_backup_is_told_again(partnered: Pair) -> None:
    pack, cathode = partnered
    old = peer(cathode, "Pack").client_id
    rotated = await pack.post("/peers/Cathode/rotate", status=201)

    def restore(session: Session) -> None:
        row = peers.by_name(session, "Pack")
        row.client_id = old
        session.add(row)

    cathode.node.store.write_sync(restore)
    pack.advance(days=8)
    assert "have ended" in str((await cathode.pull("Pack"))["error"])
    await cathode.post("/peers/Pack/rotate", status=201)
    assert (await pack.get("/peers/Cathode"))["expiresAt"].startswith("2026-03-08")
    await RenewalWorker(pack.exchange).step()
    assert peer(cathode, "Pack").client_id == rotated["clientId"]
    assert await in_both_directions(pack, cathode) == [None, None]


async def test_the_end_of_a_client_id_that_came_by_file_is_asked_for(market: Market) -> None:
    """The one who accepted has had no answer that said it."""
    pack, cathode = await market.open("pack"), await market.open("cathode")
    accepted = await accept(cathode, await invite(pack), asFile=True)
    await pack.post("/invitations/complete", {"document": accepted["reply"]})
    await pack.post("/peers/Cathode/approve")
    assert "clientExpiresAt" not in await cathode.get("/peers/Pack")
    await RenewalWorker(cathode.exchange).step()
    shown = await cathode.get("/peers/Pack")
    assert shown["clientExpiresAt"] == (await pack.get("/peers/Cathode"))["expiresAt"]
