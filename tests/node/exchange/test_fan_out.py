"""One correction, many peers: each is told in the order of events, and the slow delay nobody."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlmodel import Session
from tests.node.exchange.conftest import Company, Json, Network, NewCompany, streamed

from underseal_node.clock import utc_now
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.publishing import changing
from underseal_node.store import grants, outbox
from underseal_node.store.exchange_tables import OutboxState
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.trust.peers import PeerChange, add_peer
from underseal_protocol.disclosure import Level

MakeFootprint = Callable[..., dict[str, Any]]

CORRECTIONS = 2
HUNG_SECONDS = 600.0
TOKEN = b'{"access_token":"t","token_type":"bearer","expires_in":900}'


class Customers(Network):
    """Companies of another vendor. Every tenth never answers, every tenth takes its time."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.names = [f"customer-{number}" for number in range(count)]
        self.told: dict[str, list[Json]] = defaultdict(list)
        self.slow_seconds = 0.0
        self.is_open = False  # afterwards nobody is slow or dead

    def is_dead(self, name: str) -> bool:
        return self.names.index(name) % 10 == 3

    def is_slow(self, name: str) -> bool:
        return self.names.index(name) % 10 == 7

    @property
    def quick(self) -> list[str]:
        return [name for name in self.names if not self.is_dead(name) and not self.is_slow(name)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name, path = request.url.host.partition(".")[0], request.url.path
        if path == "/auth/token":
            return streamed(httpx.Response(200, content=TOKEN))
        if path != "/3/events":
            return streamed(httpx.Response(404))
        if not self.is_open and self.is_dead(name):
            await asyncio.sleep(HUNG_SECONDS)
        if not self.is_open and self.is_slow(name):
            await asyncio.sleep(self.slow_seconds)
        self.told[name].append(json.loads(request.content))
        return streamed(httpx.Response(200))


@contextmanager
def commits(company: Company) -> Iterator[list[float]]:
    """When the company has committed a transaction."""
    seen: list[float] = []

    def note(_connection: object) -> None:
        seen.append(time.monotonic())

    event.listen(company.node.store.write_engine, "commit", note)
    yield seen
    event.remove(company.node.store.write_engine, "commit", note)


def states(company: Company) -> set[str]:
    return {
        row.state
        for row, _ in company.node.store.read_sync(
            lambda session: outbox.listing(session, limit=100_000)
        )
    }


async def register(company: Company, names: list[str]) -> None:
    for name in names:
        change = PeerChange(url=f"https://{name}.example", client_id="us", client_secret="s3cret")
        await add_peer(company.exchange, name, change)

    def grant(session: Session) -> None:
        for peer_id in range(1, len(names) + 1):
            assert session.get(Peer, peer_id) is not None
            grants.add(session, peer_id, KeyKind.ALL, "", Level.FULL, company.clock())

    company.node.store.write_sync(grant)


async def publish_and_correct(seller: Company, make_footprint: MakeFootprint) -> list[str]:
    """The ids in the order in which they are told of."""
    told = await seller.publish(make_footprint(1))
    for _ in range(CORRECTIONS):
        file = "correction.json", json.dumps(make_footprint(1)).encode()
        changed = await changing.supersede(seller.node, told[-1], file)
        told.append(changed.published or "")
    return told


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.soak)])
async def test_the_slow_and_the_dead_delay_nobody_and_order_is_kept(
    new_company: NewCompany, make_footprint: MakeFootprint, count: int
) -> None:
    places = 8 if count < 1_000 else 32
    seller = new_company("seller", outbox_concurrency=places, shutdown_grace_seconds=0.1)
    customers = Customers(count)
    seller.exchange.http._transport = customers
    # The clock of the leases has to go on while the worker runs.
    seller.node.clock = utc_now
    await register(seller, customers.names)
    told = await publish_and_correct(seller, make_footprint)
    customers.slow_seconds = 3600.0  # far longer than everything else takes
    stop = asyncio.Event()
    running = asyncio.create_task(OutboxWorker(seller.exchange).run(stop))
    events = len(customers.quick) * len(told)
    with commits(seller) as committed:
        async with asyncio.timeout(15 + events / 20):
            while sum(len(customers.told[name]) for name in customers.quick) < events:
                await asyncio.sleep(0.02)
    # Leases and results are written together: by themselves it would be two for each. How many
    # meet in one commit depends on how busy the machine is.
    assert len(committed) < 1.5 * events
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for name in customers.quick:
        subjects = [one["data"]["pfIds"] for one in customers.told[name]]
        assert [ids[0] for ids in subjects] == told, name
    assert not any(customers.told[name] for name in customers.names if name not in customers.quick)


async def test_in_the_end_everybody_is_told(
    new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    seller = new_company("seller", outbox_concurrency=4, outbox_lease_seconds=1)
    customers = Customers(20)
    seller.exchange.http._transport = customers
    seller.node.clock = utc_now
    await register(seller, customers.names)
    told = await publish_and_correct(seller, make_footprint)
    customers.slow_seconds = 0.2
    worker = OutboxWorker(seller.exchange, chance=lambda: 0.0)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await asyncio.sleep(1.5)
    customers.is_open = True
    async with asyncio.timeout(15):
        while states(seller) != {OutboxState.DELIVERED}:
            await asyncio.sleep(0.05)
    stop.set()
    await running
    for name in customers.names:
        heard = list(dict.fromkeys(one["id"] for one in customers.told[name]))
        last = {one["id"]: one["data"]["pfIds"][0] for one in customers.told[name]}
        assert [last[event_id] for event_id in heard] == told, name
