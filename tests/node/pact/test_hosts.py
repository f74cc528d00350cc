"""Which hosts are answered for, and what proxies may say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from underseal_node.store.tables import KeyKind

World = Any
MakeWorld = Callable[..., World]

DISCOVERY = "/.well-known/openid-configuration"


async def status_of(world: World, host: str, path: str = DISCOVERY, **headers: str) -> int:
    async with world.client() as client:
        response = await client.get(path, headers={"host": host, **headers})
    if response.status_code == 421:
        assert response.json()["code"] == "BadRequest"
    return int(response.status_code)


@pytest.mark.parametrize(
    "host", ["node.example", "node.example:443", "NODE.example", "node.example."]
)
async def test_the_host_of_the_url_is_answered(world: World, host: str) -> None:
    assert await status_of(world, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "node.example:8443",
        "node.example.evil.example",
        "x@node.example",
        "",
        "node.example/evil",
        "127.0.0.1",
        "node.example:x",
        "[::1",
        "[::1]",
    ],
)
async def test_another_host_is_misdirected(world: World, host: str) -> None:
    assert await status_of(world, host) == 421


async def test_health_is_answered_under_any_host(world: World) -> None:
    assert await status_of(world, "10.0.0.1", "/health") == 200


async def test_a_url_with_a_port(make_world: MakeWorld) -> None:
    world = make_world(url="https://node.example:8443")
    assert await status_of(world, "node.example:8443") == 200
    assert await status_of(world, "node.example") == 200  # some proxies drop it
    assert await status_of(world, "node.example:443") == 421


async def test_allowed_hosts_get_links_to_themselves(make_world: MakeWorld) -> None:
    world = make_world(
        url="https://node.example/pact", allowed_hosts=["inside.example", "10.0.0.1:9000"]
    )
    world.publish()
    world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        for host in ("inside.example", "inside.example:8443", "10.0.0.1:9000", "node.example"):
            response = await client.get("/pact/3/footprints?limit=1", headers={"host": host})
            assert response.headers["link"].startswith(
                f"<https://{host}/pact/3/footprints?limit=1&"
            )
            assert (
                await client.get(
                    f"{httpx.URL(response.links['next']['url']).raw_path.decode()}",
                    headers={"host": host},
                )
            ).status_code == 200
        refused = await client.get("/pact/3/footprints", headers={"host": "10.0.0.1"})
        assert refused.status_code == 421


async def test_a_path_in_the_url_is_served_with_and_without(make_world: MakeWorld) -> None:
    world = make_world(url="https://node.example/pact")
    for path in (DISCOVERY, f"/pact{DISCOVERY}", "/pact/did.json", "/pact/health"):
        assert await status_of(world, "node.example", path) == 200
    for path in ("/pactual/health", "/pact/pact/health", "/other/health", "/pact"):
        assert await status_of(world, "node.example", path) == 404
    async with world.client() as client:
        document = (await client.get(f"/pact{DISCOVERY}")).json()
    assert document["token_endpoint"] == "https://node.example/pact/auth/token"


async def test_forwarded_headers_of_strangers_are_ignored(world: World) -> None:
    assert await status_of(world, "evil.example", **{"x-forwarded-host": "node.example"}) == 421
    assert await status_of(world, "node.example", **{"x-forwarded-host": "evil.example"}) == 200
    assert await status_of(world, "node.example", **{"x-forwarded-proto": "http"}) == 200


async def test_forwarded_headers_of_trusted_proxies_count(make_world: MakeWorld) -> None:
    world = make_world(trusted_proxies=["127.0.0.0/8"])  # the client address of the transport
    assert await status_of(world, "10.0.0.1", **{"x-forwarded-host": "node.example"}) == 200
    assert await status_of(world, "node.example", **{"x-forwarded-host": "evil.example"}) == 421
    assert await status_of(world, "node.example", **{"x-forwarded-proto": "http"}) == 400
    assert await status_of(world, "node.example", **{"x-forwarded-proto": "https"}) == 200
    assert await status_of(world, "node.example") == 200
    # The nearest proxy writes last.
    both = {"x-forwarded-host": "evil.example, node.example"}
    assert await status_of(world, "10.0.0.1", **both) == 200
