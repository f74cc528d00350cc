"""Fetching what was published: one footprint that fails takes no other with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network
from tests.node.exchange.test_inbox import rows

from underseal_node.exchange import fetching
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.store.tables import KeyKind

MakeFootprint = Callable[..., dict[str, Any]]


async def published(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, count: int
) -> list[str]:
    """Footprints of which the buyer has the event, and nothing else yet."""
    seller.grant(buyer, KeyKind.ALL)
    ids = await seller.publish(*(make_footprint(number) for number in range(count)))
    await seller.deliver()
    return ids


def failing(network: Network, footprint_id: str, status: int) -> None:
    network.fault = lambda request: (
        httpx.Response(status) if request.url.path.endswith(footprint_id) else None
    )


@pytest.mark.parametrize("status", [400, 403, 422, 500])
async def test_one_that_fails_takes_no_other_with_it(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
    status: int,
) -> None:
    ids = await published(seller, buyer, make_footprint, 6)
    failing(network, ids[0], status)
    worker = InboxWorker(buyer.exchange, chance=lambda: 1.0)
    await worker.drain()
    assert set(buyer.received()) == set(ids[1:])
    assert [row.handled_at for row in rows(buyer)] == [None]
    network.calls.clear()
    network.fault = lambda request: None
    clock.advance(hours=1)
    await worker.drain()
    assert set(buyer.received()) == set(ids)
    assert [call for call in network.calls if "/3/footprints/" in call] == [
        f"GET /3/footprints/{ids[0]}"
    ]
    assert [row.outcome for row in rows(buyer)] == ["fetched 6 of 6 footprints"]
    assert worker._fetched == {}


async def test_what_is_refused_for_good_is_given_up_and_forgotten(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    ids = await published(seller, buyer, make_footprint, 2)
    failing(network, ids[0], 403)
    worker = InboxWorker(buyer.exchange, chance=lambda: 1.0)
    for _ in range(5):
        await worker.drain()
        clock.advance(hours=1)
    (row,) = rows(buyer)
    assert (row.outcome or "").startswith("given up: seller answered 403")
    assert row.handled_at is not None
    assert worker._fetched == {}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_peer_that_is_busy_is_left_alone(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network, status: int
) -> None:
    await published(seller, buyer, make_footprint, 12)
    network.fault = lambda request: (
        httpx.Response(status, headers={"retry-after": "100000"})
        if "/3/footprints/" in request.url.path
        else None
    )
    network.calls.clear()
    await buyer.handle()
    asked = [call for call in network.calls if "/3/footprints/" in call]
    assert len(asked) == fetching.FETCHES_AT_A_TIME
    assert buyer.received() == {}


async def test_too_many_failures_end_the_attempt(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "MAX_FAILURES", 2)
    await published(seller, buyer, make_footprint, 20)
    network.fault = lambda request: (
        httpx.Response(403) if "/3/footprints/" in request.url.path else None
    )
    network.calls.clear()
    await buyer.handle()
    asked = [call for call in network.calls if "/3/footprints/" in call]
    assert len(asked) == fetching.FETCHES_AT_A_TIME


@pytest.mark.parametrize("limit", ["IDS_PER_TRANSACTION", "BYTES_PER_TRANSACTION"])
async def test_what_came_is_stored_before_the_rest_is_fetched(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    monkeypatch.setattr(fetching, limit, 1)
    ids = await published(seller, buyer, make_footprint, 8)

    def fail_late(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(tuple(ids[4:])):
            raise httpx.ConnectError("gone", request=request)
        return None

    network.fault = fail_late
    await buyer.handle()
    assert set(buyer.received()) == set(ids[:4])
