"""A receiver that fails half of the time and a worker that is cancelled at any moment, in memory.

The same with real processes and `kill -9` is tests/integration/test_faults.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, product
from tests.node.exchange.test_requests import ask

from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria

MakeFootprint = Callable[..., dict[str, Any]]

EVENTS = 100


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
async def test_none_is_lost_and_none_has_an_effect_twice(
    new_company: NewCompany,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
    seed: int,
) -> None:
    chance = random.Random(seed)
    seller, buyer = new_company("seller", requests_answer="auto"), new_company("buyer")
    await seller.befriend(buyer)
    await seller.publish(*(make_footprint(number) for number in range(0, EVENTS, 2)))
    seller.grant(buyer, KeyKind.ALL)
    for number in range(EVENTS):
        ask(buyer, seller, Criteria(product_ids=(product(number),)))
    failures = misfortune(network, chance)
    for _ in range(400):
        if all_settled(buyer, seller):
            break
        await interrupted(chance, buyer)
        await interrupted(chance, seller)
        clock.advance(minutes=3)
    network.fault = network.loss = lambda request: None
    assert failures["refused"] > EVENTS / 4
    assert failures["lost"] > EVENTS / 8
    for company in (buyer, seller):
        assert Counter(one.state for one in company.requests()) == {
            "fulfilled": EVENTS // 2,
            "rejected": EVENTS // 2,
        }
        assert {row.state for row in company.outbox()} == {"delivered"}
        assert "unasked" not in company.alerts()
    assert Counter(one.event_id for one in buyer.requests()) == Counter(
        one.event_id for one in seller.requests()
    )
    assert len(buyer.received()) == EVENTS // 2
    assert {row.verification for row in buyer.received().values()} == {"verified"}


def misfortune(network: Network, chance: random.Random) -> Counter[str]:
    """Half of the events fail: before they arrive, or after, so that nobody knows."""
    count: Counter[str] = Counter()

    def before(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/3/events" or chance.random() > 0.3:
            return None
        count["refused"] += 1
        if chance.random() < 0.5:
            raise httpx.ReadTimeout("nothing came", request=request)
        return httpx.Response(500)

    def after(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/3/events" or chance.random() > 0.3:
            return None
        count["lost"] += 1
        if chance.random() < 0.5:
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(502)

    network.fault, network.loss = before, after
    return count


async def interrupted(chance: random.Random, company: Company) -> None:
    """Workers that are cancelled at some moment, as if the process ended."""
    workers = asyncio.create_task(work(company))
    _, pending = await asyncio.wait([workers], timeout=chance.uniform(0.0, 0.2))
    for one in pending:
        one.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await workers


async def work(company: Company) -> None:
    outbox, inbox = OutboxWorker(company.exchange), InboxWorker(company.exchange)
    try:
        await outbox.drain()
        await inbox.drain()
    finally:
        # The lanes are cut off as well, as a process that ends cuts them off.
        await outbox._lanes.finish(0)
        await inbox._lanes.finish(0)


def all_settled(*companies: Company) -> bool:
    return all(
        row.state == "delivered" for company in companies for row in company.outbox()
    ) and all(one.state != "pending" for company in companies for one in company.requests())
