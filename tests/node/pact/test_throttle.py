"""Failed authentications are slowed: per client and address, per address, and per client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.behind import sql

from underseal_node.pact import throttle
from underseal_node.pact.app import create_public_app
from underseal_node.pact.hosts import HostPolicy
from underseal_node.pact.throttle import (
    FREE_FAILURES_OF_CLIENT,
    MAX_CLIENT_DELAY_SECONDS,
    network_of,
)
from underseal_node.store.auth_failures import Failures, blocked_until
from underseal_node.store.tables import PeerState

World = Any
MakeWorld = Callable[..., World]

GRANT = {"grant_type": "client_credentials"}
HERE, ELSEWHERE, THIRD = "198.51.100.7", "203.0.113.9", "192.0.2.77"
FREE, FREE_PER_ADDRESS = 5, 20


async def ask(
    world: World,
    secret: str | None = None,
    *,
    client_id: str | None = None,
    address: str = HERE,
    app: Any = None,
    **headers: str,
) -> httpx.Response:
    """Ask for a token from an address; by default with the right secret."""
    known, right = world.secrets["buyer"]
    transport = httpx.ASGITransport(app or world.app, client=(address, 1234))
    auth = (client_id or known, right if secret is None else secret)
    async with httpx.AsyncClient(transport=transport, base_url="https://node.example") as client:
        return await client.post("/auth/token", data=GRANT, auth=auth, headers=headers)


async def fail(world: World, times: int, **more: Any) -> list[int]:
    return [(await ask(world, "wrong", **more)).status_code for _ in range(times)]


def wait_of(response: httpx.Response) -> int:
    """The seconds that a refusal asks for."""
    assert response.status_code == 429, response.text
    return int(response.headers["retry-after"])


def rows(world: World) -> list[Any]:
    return sql(world.node, "SELECT * FROM auth_failure ORDER BY key")


async def test_the_first_failures_have_no_consequence_and_the_next_ones_wait_longer_and_longer(
    world: World,
) -> None:
    assert await fail(world, FREE) == [401] * FREE
    waits = []
    for _ in range(9):
        assert await fail(world, 1) == [401]
        waits.append(wait_of(await ask(world, "wrong")))
        world.now += timedelta(seconds=waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_the_refusal_has_the_shape_of_rfc_6749(world: World) -> None:
    await fail(world, FREE + 1)
    response = await ask(world)
    assert wait_of(response) == 1
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "error": "temporarily_unavailable",
        "error_description": "too many failed authentications",
    }


async def test_while_it_is_blocked_nothing_is_checked_and_nothing_written(world: World) -> None:
    await fail(world, FREE + 1)
    before = rows(world)
    for _ in range(20):
        wait_of(await ask(world, "wrong"))
        wait_of(await ask(world))  # not even the right secret
    assert rows(world) == before


async def test_after_the_wait_the_right_secret_is_taken_and_the_failures_are_forgotten(
    world: World,
) -> None:
    await fail(world, FREE + 1)
    world.now += timedelta(seconds=1)
    assert (await ask(world)).status_code == 200
    assert await fail(world, FREE) == [401] * FREE
    assert (await ask(world)).status_code == 200


async def test_a_success_does_not_clear_what_its_address_has_done(world: World) -> None:
    """Otherwise a peer could guess the secrets of others, with successes of its own in between."""
    for number in range(FREE_PER_ADDRESS + 1):
        assert await fail(world, 1, client_id=f"client-{number}") == [401]
        if number < FREE_PER_ADDRESS:
            assert (await ask(world)).status_code == 200
    assert wait_of(await ask(world)) == 1


async def test_an_address_is_slowed_whatever_clients_it_names(world: World) -> None:
    for number in range(FREE_PER_ADDRESS + 1):
        assert await fail(world, 1, client_id=f"client-{number}") == [401]
    assert wait_of(await ask(world, "wrong", client_id="another")) == 1
    assert (await ask(world, address=ELSEWHERE)).status_code == 200


async def test_requests_without_credentials_count_for_the_address(world: World) -> None:
    transport = httpx.ASGITransport(world.app, client=(HERE, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://node.example") as client:
        for _ in range(FREE_PER_ADDRESS + 1):
            assert (await client.post("/auth/token", data=GRANT)).status_code == 401
        assert wait_of(await client.post("/auth/token", data=GRANT)) == 1


async def test_what_is_malformed_is_no_failed_authentication(world: World) -> None:
    async with world.client() as client:
        for form in ({}, {"grant_type": "password"}, {**GRANT, "client_secret": "x"}):
            for _ in range(FREE_PER_ADDRESS + 1):
                response = await client.post("/auth/token", data=form, auth=world.secrets["buyer"])
                assert response.status_code == 400
    assert rows(world) == []


async def test_nobody_can_lock_a_client_out_from_elsewhere(world: World) -> None:
    addresses = [f"192.0.2.{number}" for number in range(50)]
    for address in addresses:
        await fail(world, FREE, address=address)
        world.now += timedelta(milliseconds=1)
    assert wait_of(await ask(world, "wrong", address=THIRD)) <= MAX_CLIENT_DELAY_SECONDS
    assert (await ask(world, address=HERE)).status_code == 200


async def test_a_client_that_fails_from_many_addresses_is_slowed(world: World) -> None:
    statuses = []
    for number in range(FREE_FAILURES_OF_CLIENT + 5):
        statuses += await fail(world, 1, address=f"192.0.2.{number}")
    allowed = FREE_FAILURES_OF_CLIENT + 1
    assert statuses == [401] * allowed + [429] * (len(statuses) - allowed)
    # These still count for their addresses.
    assert await fail(world, FREE + 1, address=ELSEWHERE) == [429] * (FREE + 1)
    wait_of(await ask(world, address=ELSEWHERE))


async def test_unknown_revoked_and_suspended_clients_are_slowed_alike(world: World) -> None:
    async def course(client_id: str | None, address: str) -> list[tuple[int, bytes, Any]]:
        answers = [
            await ask(world, "wrong", client_id=client_id, address=address) for _ in range(FREE + 3)
        ]
        return [(one.status_code, one.content, one.headers.get("retry-after")) for one in answers]

    wrong = await course(None, HERE)
    assert [status for status, _, _ in wrong] == [401] * (FREE + 1) + [429] * 2
    assert await course("nobody", ELSEWHERE) == wrong
    world.add_peer("second")
    world.change_peer("second", state=PeerState.SUSPENDED)
    assert await course(world.secrets["second"][0], THIRD) == wrong


async def test_failures_are_forgotten_after_their_time(world: World) -> None:
    await fail(world, FREE + 1)
    assert len(rows(world)) == 3
    world.now += timedelta(hours=1)
    assert await fail(world, FREE) == [401] * FREE
    assert [row[1] for row in rows(world)] == [FREE] * 3
    world.now += timedelta(hours=1)
    await fail(world, 1, client_id="x", address=ELSEWHERE)
    assert [row[1] for row in rows(world)] == [1] * 3  # the others are gone


async def test_all_workers_count_together(world: World) -> None:
    other = create_public_app(world.node)
    try:
        for number in range(FREE + 1):
            assert await fail(world, 1, app=other if number % 2 else None) == [401]
        assert wait_of(await ask(world)) == 1
        assert wait_of(await ask(world, app=other)) == 1
    finally:
        other.state.context.serving.close()


async def test_failures_at_the_same_time_are_all_counted(world: World) -> None:
    answers = await asyncio.gather(*(ask(world, "wrong") for _ in range(30)))
    assert {one.status_code for one in answers} <= {401, 429}
    assert max(row[1] for row in rows(world)) > FREE
    wait_of(await ask(world))


async def test_more_failures_than_can_be_written_are_refused_uncounted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_WRITES", 0)
    assert wait_of(await ask(world, "wrong")) == 1
    assert rows(world) == []
    assert (await ask(world)).status_code == 200


async def test_the_settings_decide(make_world: MakeWorld) -> None:
    world = make_world(
        auth_free_failures=1, auth_max_delay_seconds=2, auth_free_failures_per_address=2
    )
    world.add_peer()
    assert await fail(world, 2) == [401, 401]
    assert wait_of(await ask(world)) == 1
    assert await fail(world, 1, client_id="x") == [401]
    assert wait_of(await ask(world, client_id="y")) == 1
    world.now += timedelta(seconds=1)
    assert await fail(world, 1) == [401]
    assert wait_of(await ask(world)) == 2


async def test_no_client_id_is_stored_or_logged(world: World) -> None:
    """Some send their secret in its place."""
    with structlog.testing.capture_logs() as logged:
        for _ in range(FREE + 1):
            await ask(world, "wrong", client_id="cAnArY-secret")
    assert "cAnArY" not in json.dumps([rows(world), logged], default=str)
    (record,) = logged
    assert record["address"] == HERE


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (HERE, HERE),
        (f"{ELSEWHERE}, {HERE}", HERE),  # what stands before was written by the client
        (f"{HERE}, 127.0.0.2", HERE),  # two proxies of ours
        (f"{HERE}:4711", HERE),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        (f"::ffff:{HERE}", HERE),
        ("", None),
        ("unknown", None),
        (f"{HERE}, unknown", None),
        ("127.0.0.3", None),
        (",".join(["127.0.0.1"] * 1000), None),
    ],
)
def test_the_address_behind_a_trusted_proxy(forwarded: str, client: str | None) -> None:
    hosts = HostPolicy(lambda: ("https://node.example",), trusted_proxies=["127.0.0.0/8"])
    scope = {"client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert hosts.client_address(scope) == client


def test_the_address_without_a_trusted_proxy() -> None:
    headers = [(b"x-forwarded-for", HERE.encode())]
    scope: dict[str, Any] = {"client": (ELSEWHERE, 1), "headers": headers}
    url = "https://node.example"
    assert HostPolicy(lambda: (url,)).client_address(scope) == ELSEWHERE
    assert (
        HostPolicy(lambda: (url,), trusted_proxies=["127.0.0.1"]).client_address(scope) == ELSEWHERE
    )
    # Everybody comes from the address of the proxy, so it says nothing.
    assert HostPolicy(lambda: (url,), behind_proxy=True).client_address(scope) is None
    assert HostPolicy(lambda: (url,)).client_address({"client": None, "headers": []}) is None
    assert (
        HostPolicy(lambda: (url,)).client_address({"client": ("socket", 0), "headers": []}) is None
    )


async def test_forwarded_addresses_are_slowed_one_by_one(make_world: MakeWorld) -> None:
    world = make_world(behind_proxy=True, trusted_proxies=["127.0.0.1"])
    world.add_peer()
    proxy = {"address": "127.0.0.1"}
    await fail(world, FREE + 1, **proxy, **{"x-forwarded-for": HERE})
    wait_of(await ask(world, **proxy, **{"x-forwarded-for": HERE}))
    assert (await ask(world, **proxy, **{"x-forwarded-for": ELSEWHERE})).status_code == 200


async def test_behind_an_unknown_proxy_nobody_is_locked_out(make_world: MakeWorld) -> None:
    """All come from one address: that of the proxy."""
    world = make_world(behind_proxy=True)
    world.add_peer()
    world.add_peer("second")
    statuses = await fail(world, 30, address="127.0.0.1")
    assert statuses[-1] == 429
    assert (await ask(world, address="127.0.0.1")).status_code == 200
    for number in range(FREE_PER_ADDRESS * 2):
        await fail(world, 1, client_id=f"client-{number}", address="127.0.0.1")
    client_id, secret = world.secrets["second"]
    response = await ask(world, secret, client_id=client_id, address="127.0.0.1")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    ],
)
def test_a_customer_with_a_network_of_ipv6_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.integers(min_value=1, max_value=10**9), st.integers(1, 1000), st.floats(0.5, 10_000))
def test_delays_grow_and_never_beyond_the_longest(failures: int, free: int, longest: float) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    kind = Failures("key", free, longest)
    first, second = (blocked_until(kind, number, now) for number in (failures, failures + 1))
    assert (first is None) == (failures <= free)
    if first is not None and second is not None:
        assert now < first <= second <= now + timedelta(seconds=longest)
