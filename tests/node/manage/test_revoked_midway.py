"""A request whose body comes slowly, and an operator who revokes meanwhile: it has no effect."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlmodel import SQLModel, select
from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_partners import partners, peer

from underseal_node.store.audit_tables import Receipt
from underseal_node.store.exchange_tables import InboxEvent
from underseal_node.trust import keyring
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.receipt import Received, issue_acknowledgement

EVENT = "/3/events"
KEY_LOG = "/extensions/key-log"
RECEIPTS = "/extensions/receipts"
MOVES = {"suspend": (403,), "revoke": (401,), "remove": (401, 404)}


def event(company: Company) -> str:
    document = {
        "type": "org.wbcsd.pact.ProductFootprint.RequestCreatedEvent.3",
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": company.url,
        "time": "2026-03-01T12:00:00Z",
        "data": {"productId": ["urn:gtin:4712345060507"]},
    }
    return json.dumps(document)


def key_log(company: Company) -> str:
    entry = company.node.store.read_sync(keyring.newest_entry)
    return json.dumps({"entries": [entry.token]})


def acknowledgement(company: Company) -> str:
    return issue_acknowledgement(
        footprints=[Received(str(uuid.uuid4()), "A" * 43)],
        head=None,
        known_size=None,
        key=company.node.signing_key(KeyPurpose.RECEIPT),
        issuer=company.url,
        audience="https://pack.example",
        issued_at=company.node.now(),
    )


BODIES: dict[str, Callable[[Company], str]] = {
    EVENT: event,
    KEY_LOG: key_log,
    RECEIPTS: acknowledgement,
}


async def send(
    market: Market, pack: Company, cathode: Company, path: str, move: str | None
) -> httpx.Response:
    """Send half of a body, let the operator of the other side decide, send the rest."""
    peer_id = peer(cathode, "Pack").id or 0
    await cathode.exchange.tokens.token(await cathode.exchange.access(peer_id))
    if path == KEY_LOG:
        await cathode.post("/keys/rotate", {"purposes": ["footprint"]})
    token = await cathode.exchange.tokens.token(await cathode.exchange.access(peer_id))
    body = BODIES[path](cathode).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:5]
        if move == "remove":
            assert (await pack.http.delete("/peers/Cathode")).status_code == 200
        elif move is not None:
            await pack.post(f"/peers/Cathode/{move}", {"reason": "stolen"})
        yield body[5:]

    transport = market.internet.hosts["pack.example"]
    async with httpx.AsyncClient(transport=transport, base_url=pack.url) as client:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await client.post(path, content=slowly(), headers=headers)


def count(company: Company, table: type[SQLModel]) -> int:
    return len(company.node.store.read_sync(lambda session: session.exec(select(table)).all()))


@pytest.mark.parametrize("move", [None, *MOVES])
@pytest.mark.parametrize("path", BODIES)
async def test_what_was_begun_before_has_no_effect_after(
    market: Market, path: str, move: str | None
) -> None:
    pack, cathode = await market.open("pack"), await market.open("cathode")
    await partners(pack, cathode)
    before = peer(pack, "Cathode")
    answer = await send(market, pack, cathode, path, move)
    if move is None:
        assert answer.is_success, answer.text
        return
    assert answer.status_code in MOVES[move], answer.text
    assert count(pack, InboxEvent) == count(pack, Receipt) == 0
    if move != "remove":
        after = peer(pack, "Cathode")
        assert (after.client_id, after.key_set) == (before.client_id, before.key_set)
