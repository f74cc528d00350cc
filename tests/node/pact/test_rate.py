"""A client that asks too often waits; others do not notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from underseal_node.pact import rate
from underseal_node.pact.errors import TooManyRequestsError
from underseal_node.pact.rate import RateLimit, SharedRate
from underseal_node.store import request_counts
from underseal_node.store.request_counts import COUNTED_SECONDS

World = Any


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def is_allowed(limit: RateLimit, client: str = "a") -> bool:
    try:
        limit.check(client)
    except TooManyRequestsError:
        return False
    return True


def test_what_a_second_allows_may_come_at_once_and_then_one_by_one() -> None:
    clock = Clock()
    limit = RateLimit(10, clock=clock)
    assert [is_allowed(limit) for _ in range(12)] == [True] * 10 + [False] * 2
    assert is_allowed(limit, "another")
    clock.seconds += 0.101
    assert [is_allowed(limit) for _ in range(2)] == [True, False]
    clock.seconds += 100
    assert [is_allowed(limit) for _ in range(12)] == [True] * 10 + [False] * 2


def test_it_says_how_long_to_wait() -> None:
    limit = RateLimit(1, clock=Clock())
    limit.check("a")
    with pytest.raises(TooManyRequestsError) as refused:
        limit.check("a")
    assert refused.value.retry_after_seconds == 1


def test_zero_is_no_limit() -> None:
    limit = RateLimit(0, clock=Clock())
    assert all(is_allowed(limit) for _ in range(10_000))


@given(st.integers(1, 50), st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=200))
def test_never_more_than_the_rate_and_one_burst(per_second: int, pauses: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(per_second, clock=clock)
    allowed = 0
    for pause in pauses:
        clock.seconds += pause
        allowed += is_allowed(limit)
    assert allowed <= per_second * (sum(pauses) + 1) + 1


@given(st.integers(1, 50), st.integers(1, 200))
def test_who_keeps_to_the_rate_is_never_refused(per_second: int, count: int) -> None:
    clock = Clock()
    limit = RateLimit(per_second, clock=clock)
    for _ in range(count):
        limit.check("a")
        clock.seconds += 1.000001 / per_second


def test_clients_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_CLIENTS", 10)
    clock = Clock()
    limit = RateLimit(5, clock=clock)
    for number in range(100):
        limit.check(f"client-{number}")
        clock.seconds += 1
    assert len(limit._on_time) <= 11


def test_it_costs_nothing_that_could_be_measured_in_a_request() -> None:
    limit = RateLimit(1_000_000)
    started = time.perf_counter()
    for _ in range(10_000):
        limit.check("client")
    assert (time.perf_counter() - started) / 10_000 < 20e-6


class Workers:
    """Several workers with one database, and one client that a load balancer sends to all."""

    def __init__(self, world: World, count: int, limit: int) -> None:
        self.clock = Clock()
        self.world, node = world, world.node
        self.limits = [RateLimit(limit, clock=self.clock) for _ in range(count)]
        self.shared = [SharedRate(one, node.store, node.clock) for one in self.limits]

    async def second(self, *asked: int) -> list[int]:
        """How much is allowed at each worker in a second in which it is asked so much."""
        allowed = [0] * len(self.limits)
        for tenth in range(10):
            self.clock.seconds += 0.1
            for number, count in enumerate(asked):
                share = count * (tenth + 1) // 10 - count * tenth // 10
                allowed[number] += sum(is_allowed(self.limits[number]) for _ in range(share))
        self.world.now += timedelta(seconds=1)
        for one in self.shared:
            await one.report()
        return allowed

    async def seconds(self, count: int, *asked: int) -> list[int]:
        for _ in range(count):
            allowed = await self.second(*asked)
        return allowed


async def test_the_limit_is_one_for_all_workers(make_world: Callable[..., World]) -> None:
    workers = Workers(make_world(), 4, 200)
    assert sum(await workers.second(200, 200, 200, 200)) > 700  # nobody knows of the others yet
    found = await workers.seconds(3, 200, 200, 200, 200)
    assert 190 <= sum(found) <= 210
    assert all(45 <= one <= 55 for one in found)
    # What is asked at one only, that one may answer.
    found = await workers.seconds(8, 200, 0, 0, 0)
    assert 195 <= found[0] <= 201


async def test_who_keeps_to_the_limit_is_refused_at_no_worker(
    make_world: Callable[..., World],
) -> None:
    workers = Workers(make_world(), 3, 200)
    for asked in ((100, 60, 40), (40, 100, 60), (60, 40, 100), (190, 5, 5)):
        for _ in range(3):
            await workers.second(*asked)
        assert sum(await workers.second(*asked)) >= 0.98 * sum(asked), asked


async def test_many_workers_stay_within_the_limit(make_world: Callable[..., World]) -> None:
    """Each has less than what makes a client busy, once they share."""
    workers = Workers(make_world(), 24, 240)
    await workers.seconds(3, *[100] * 24)
    for _ in range(4):
        assert sum(await workers.second(*[100] * 24)) <= 270


async def test_what_a_dead_worker_was_asked_counts_no_more(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    workers = Workers(world, 2, 100)
    await workers.seconds(3, 100, 100)
    workers.shared.pop()
    world.now += timedelta(seconds=COUNTED_SECONDS)
    assert (await workers.seconds(2, 100, 0))[0] >= 95
    world.now += timedelta(minutes=2)
    await workers.second(100, 0)
    count = "SELECT count(*) FROM request_count"
    assert world.node.store.read_sync(lambda session: session.execute(text(count)).scalar()) == 1


async def test_a_database_that_is_away_changes_nothing(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = Workers(make_world(), 2, 100)
    await workers.seconds(3, 100, 100)

    def away(*_: Any) -> None:
        raise OperationalError("no", {}, Exception())

    monkeypatch.setattr(request_counts, "others", away)
    assert 90 <= sum(await workers.seconds(3, 100, 100)) <= 110


async def test_every_endpoint_for_peers_counts(
    make_world: Callable[..., World], ids: list[str]
) -> None:
    world = make_world(max_requests_per_second=1)
    world.add_peer()
    world.add_peer("second")
    async with world.client("buyer") as client, world.client("second") as second:
        assert (await client.get("/3/footprints")).status_code == 200
        for path in ("/3/footprints", f"/3/footprints/{ids[0]}", f"/extensions/status/{ids[0]}"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (429, "BadRequest")
            assert refused.headers["retry-after"] == "1"
        assert (await client.post("/3/events", content=b"{}")).status_code == 429
        assert (await second.get("/3/footprints")).status_code == 200
