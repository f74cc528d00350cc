"""Client ids that run out, are renewed, and get lost on the way."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_partners import partners, try_post

from underseal_node.exchange.renewals import RenewalWorker
from underseal_node.trust import audit

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
