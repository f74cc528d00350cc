"""Work for many peers in a limited number of places."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, settle

from underseal_node.exchange import inbox as inbox_worker
from underseal_node.exchange import lanes as lanes_module
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.lanes import Lanes
from underseal_node.store import inbox
from underseal_node.store.tables import KeyKind

MakeFootprint = Callable[..., dict[str, Any]]


class Gate:
    """Work that waits until it is let through, and remembers who came."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.came: list[int] = []

    async def __call__(self, peer_id: int) -> None:
        self.came.append(peer_id)
        await self.open.wait()


async def test_no_more_than_there_are_places() -> None:
    gate = Gate()
    lanes = Lanes(3, gate)
    lanes.start([(number, False) for number in range(10)])
    await asyncio.sleep(0)
    assert (gate.came, len(lanes)) == ([0, 1, 2], 3)
    gate.open.set()
    await lanes.wait()
    assert len(lanes) == 0


async def test_a_peer_has_one_lane() -> None:
    gate = Gate()
    lanes = Lanes(3, gate)
    for _ in range(3):
        lanes.start([(7, False)])
    await asyncio.sleep(0)
    assert gate.came == [7]
    await lanes.finish(0)


async def test_those_that_fail_leave_half_of_the_places() -> None:
    gate = Gate()
    lanes = Lanes(4, gate)
    lanes.start([*((number, True) for number in range(10)), (10, False), (11, False)])
    await asyncio.sleep(0)
    assert gate.came == [0, 1, 10, 11]
    await lanes.finish(0)


async def test_with_one_place_those_that_fail_have_it_too() -> None:
    gate = Gate()
    lanes = Lanes(1, gate)
    lanes.start([(1, True)])
    await asyncio.sleep(0)
    assert gate.came == [1]
    await lanes.finish(0)


async def test_a_place_that_becomes_free_is_given_on_at_once() -> None:
    came: list[int] = []

    async def work(peer_id: int) -> None:
        came.append(peer_id)

    lanes = Lanes(2, work)
    lanes.start([*((number, number % 3 == 0) for number in range(10))])
    await lanes.wait()
    assert sorted(came) == list(range(10))
    # What has not begun is forgotten when there is a new list.
    gate = Gate()
    lanes = Lanes(1, gate)
    lanes.start([(1, False), (2, False)])
    lanes.start([(1, False), (3, False)])
    gate.open.set()
    await lanes.wait()
    assert gate.came == [1, 3]


async def test_those_that_take_long_give_their_places_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_SECONDS", 0.02)
    gate = Gate()
    lanes = Lanes(2, gate, waiting=3)
    everybody = [(number, False) for number in range(20)]
    for _ in range(10):
        lanes.start(everybody)
        await asyncio.sleep(0.03)
    # Two at work, and so many times as many that wait; not everybody.
    assert gate.came == list(range(2 + 2 * 3))
    gate.open.set()
    await lanes.wait()
    assert sorted(gate.came) == list(range(20))
    # Who was slow is counted among those that fail until it is quick.
    gate.open.clear()
    gate.came.clear()
    lanes.start([(0, False), (1, False), (18, False), (19, False)])
    await asyncio.sleep(0)
    assert gate.came == [0, 18]
    gate.open.set()
    await lanes.wait()
    gate.open.clear()
    gate.came.clear()
    lanes.start([(0, False), (1, False), (18, False), (19, False)])
    await asyncio.sleep(0)
    assert gate.came == [0, 1]
    await lanes.finish(0)


async def test_finishing_waits_for_a_while_and_then_cancels() -> None:
    gate = Gate()
    lanes = Lanes(2, gate)
    lanes.start([(1, False)])
    await lanes.finish(0.01)
    assert len(lanes) == 0
    await lanes.finish(0.01)  # with nothing to do, at once


async def test_a_lane_that_breaks_frees_its_place() -> None:
    async def broken(peer_id: int) -> None:
        raise ZeroDivisionError(peer_id)

    lanes = Lanes(1, broken)
    lanes.start([(1, False)])
    await asyncio.sleep(0.01)
    assert len(lanes) == 0


async def test_publishers_come_in_the_order_of_their_oldest_event(
    seller: Company, buyer: Company, new_company: NewCompany, clock: StandingClock
) -> None:
    other = new_company("other")
    await buyer.befriend(other)
    ids = [buyer.peer(one).id or 0 for one in (seller, other)]
    published = "org.wbcsd.pact.ProductFootprint.PublishedEvent.3"

    def work(session: Any) -> list[tuple[int, bool]]:
        for number, peer_id in enumerate([ids[1], ids[0], ids[1]]):
            inbox.accept(session, peer_id, f"e{number}", published, b"{}", clock())
        first = inbox.next_published(session, ids[0], clock())
        assert first is not None
        first.attempts = 2
        return inbox.publishers(session, clock())

    assert buyer.node.store.write_sync(work) == [(ids[1], False), (ids[0], True)]


async def test_many_publishers_are_fetched_from_a_few_at_a_time(
    buyer: Company,
    new_company: NewCompany,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_worker, "PEERS_AT_A_TIME", 2)
    makers = [new_company(f"maker{number}") for number in range(4)]
    for one in makers:
        await one.befriend(buyer)
        one.grant(buyer, KeyKind.ALL)
        await one.publish(make_footprint(1))
        await one.deliver()
    at_once: set[str] = set()
    most = 0
    carry = network.handle_async_request

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal most
        at_once.add(request.url.host)
        most = max(most, len(at_once))
        await asyncio.sleep(0.01)
        answer = await carry(request)
        at_once.discard(request.url.host)
        return answer

    network.handle_async_request = count  # type: ignore[method-assign]
    await InboxWorker(buyer.exchange).drain()
    assert most == 2
    assert len(buyer.received()) == 4
    await settle(buyer)
