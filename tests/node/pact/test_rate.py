"""A client that asks too often waits; others do not notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.pact import rate
from underseal_node.pact.errors import TooManyRequestsError
from underseal_node.pact.rate import RateLimit

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
