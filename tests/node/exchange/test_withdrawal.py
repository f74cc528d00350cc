"""An answer on its way holds no more than the peer may see at the moment it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, settle
from tests.node.exchange.test_requests import ask

from underseal_node.errors import RefusedError
from underseal_node.exchange import requests as answering
from underseal_node.publishing import changing
from underseal_node.store import grants
from underseal_node.store.exchange_tables import OutboxEvent
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level

MakeFootprint = Callable[..., dict[str, Any]]
SECRET = b"for your eyes"


async def answered(seller: Company, buyer: Company, make_footprint: MakeFootprint) -> int:
    """A request whose answer, at the level `full`, waits in the outbox; the id of the grant."""
    await seller.publish(make_footprint(1, comment=SECRET.decode()))
    grant_id = seller.grant(buyer, KeyKind.ALL, level=Level.FULL)
    ask(buyer, seller)
    await buyer.deliver()
    await seller.handle()
    assert [one.state for one in seller.requests()] == ["fulfilled"]
    return grant_id


def watch(network: Network) -> list[bytes]:
    sent: list[bytes] = []

    def note(request: httpx.Request) -> None:
        sent.append(request.content)

    network.fault = note
    return sent


async def test_a_lower_level_takes_the_answer_back(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    grant_id = await answered(seller, buyer, make_footprint)
    seller.node.store.write_sync(lambda session: grants.remove(session, grant_id))
    seller.grant(buyer, KeyKind.ALL, level=Level.TOTAL)
    sent = watch(network)
    await settle(seller, buyer)
    assert not any(SECRET in body for body in sent)
    assert [one.state for one in buyer.requests()] == ["rejected"]


async def test_a_higher_level_and_a_deprecation_do_not(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1, comment=SECRET.decode()))
    seller.grant(buyer, KeyKind.ALL, level=Level.TOTAL)
    ask(buyer, seller)
    await buyer.deliver()
    await seller.handle()
    seller.grant(buyer, KeyKind.ALL, level=Level.FULL)
    await changing.deprecate(seller.node, footprint_id)
    await settle(seller, buyer)
    assert [one.state for one in buyer.requests()] == ["fulfilled"]
    assert buyer.received()[footprint_id].verification == "verified"


async def test_what_was_taken_back_is_not_sent_again(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    grant_id = await answered(seller, buyer, make_footprint)
    seller.node.store.write_sync(lambda session: grants.remove(session, grant_id))
    await settle(seller, buyer)
    seller.grant(buyer, KeyKind.ALL)
    dead, delivered = (row for row in seller.outbox() if row.request_id is not None)
    assert (dead.state, delivered.state) == ("dead", "delivered")
    with pytest.raises(RefusedError, match="taken back"):
        seller.node.store.write_sync(
            lambda session: answering.retry_delivery(session, seller.node, dead.id or 0, clock())
        )
    await settle(seller, buyer)
    assert [one.state for one in buyer.requests()] == ["rejected"]


async def test_what_cannot_be_checked_is_not_sent_and_blocks_no_other(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    await answered(seller, buyer, make_footprint)
    await seller.publish(make_footprint(2))

    def spoil(session: Session) -> None:
        for row in seller.outbox():
            if row.request_id is not None:
                found = session.get_one(OutboxEvent, row.id)
                found.body = b"{}"
                session.add(found)

    seller.node.store.write_sync(spoil)
    await settle(seller, buyer)
    states = {row.type.rsplit(".", 2)[1]: row.state for row in seller.outbox()}
    assert states == {
        "RequestFulfilledEvent": "dead",
        "PublishedEvent": "delivered",
        "RequestRejectedEvent": "delivered",
    }
    assert [one.state for one in buyer.requests()] == ["rejected"]


async def test_what_is_no_longer_granted_is_not_told_of(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    everything = seller.grant(buyer, KeyKind.ALL)
    kept, lost = await seller.publish(make_footprint(1), make_footprint(2))
    seller.grant(buyer, KeyKind.FOOTPRINT, kept)
    seller.node.store.write_sync(lambda session: grants.remove(session, everything))
    (later,) = await seller.publish(make_footprint(3))
    sent = watch(network)
    await settle(seller, buyer)
    told = b"".join(sent)
    assert kept.encode() in told
    assert lost.encode() not in told
    assert later.encode() not in told
    assert set(buyer.received()) == {kept}


async def test_of_nothing_that_is_granted_nothing_is_told(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    peer_id, ends = seller.peer(buyer).id or 0, clock() + timedelta(hours=1)
    seller.node.store.write_sync(
        lambda session: grants.add(
            session, peer_id, KeyKind.ALL, "", Level.FULL, clock(), ends=ends
        )
    )
    await seller.publish(make_footprint(1))
    clock.advance(hours=1)
    sent = watch(network)
    await settle(seller, buyer)
    assert sent == []
    (event,) = seller.outbox()
    assert (event.state, event.last_error) == (
        "dead",
        "what it tells of is no longer granted to the peer",
    )
