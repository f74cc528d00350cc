"""What anybody may read, and what happens at paths that there are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.trust.key_changes import move, rotate
from underseal_node.trust.keyring import VAULT_PURPOSE
from underseal_protocol.key_log import read_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet
from underseal_protocol.schemas import EXTENSION_SCHEMAS

World = Any


async def test_discovery_leads_to_the_token_endpoint(world: World) -> None:
    async with world.client() as client:
        document = (await client.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == "https://node.example"
    assert document["token_endpoint"] == "https://node.example/auth/token"
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["registration_endpoint"] == "https://node.example/extensions/register"
    methods = {"client_secret_basic", "client_secret_post", "private_key_jwt"}
    assert set(document["token_endpoint_auth_methods_supported"]) == methods


async def test_the_key_set_has_every_public_key_and_no_private_member(world: World) -> None:
    async with world.client() as client:
        response = await client.get("/.well-known/jwks.json")
    keys = PublicKeySet.from_jwks(response.json())
    for purpose in VAULT_PURPOSE:
        kid = world.node.signing_key(purpose).kid
        assert keys.get(kid, purpose)
    assert all("d" not in key for key in response.json()["keys"])


@pytest.mark.parametrize(
    ("url", "path", "did"),
    [
        ("https://node.example", "/.well-known/did.json", "did:web:node.example"),
        ("https://node.example:8443/pact", "/pact/did.json", "did:web:node.example%3A8443:pact"),
    ],
)
async def test_the_did_document(
    make_world: Callable[..., World], url: str, path: str, did: str
) -> None:
    world = make_world(url=url)
    async with world.client(url="https://" + url.split("/")[2]) as client:
        document = (await client.get(path)).json()
    assert document["id"] == did
    kid = world.node.signing_key(KeyPurpose.FOOTPRINT).kid
    assert document["assertionMethod"] == [f"{did}#{kid}"]
    assert f"{did}#{kid}" in [method["id"] for method in document["verificationMethod"]]


@pytest.mark.parametrize("path", sorted(EXTENSION_SCHEMAS))
async def test_the_schemas_of_our_extensions(world: World, path: str) -> None:
    async with world.client() as client:
        response = await client.get(path)
    assert response.status_code == 200
    assert response.json() == EXTENSION_SCHEMAS[path]


async def test_health_says_nothing_but_ok(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.head("/health")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/3", "/3/", "/3/footprints/", "/2/footprints", "/docs", "/redoc", "/x/%00", "//"]
)
async def test_other_paths_are_not_found_in_json(world: World, path: str) -> None:
    async with world.client("buyer") as client:
        response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "NotFound")
    assert response.headers["content-type"] == "application/json"


async def test_an_unexpected_failure_shows_no_details(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr(world.app.state.context.tokens, "verify", fail)
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints")
    assert response.status_code == 500
    assert response.json() == {"code": "InternalError", "message": "internal error"}
    assert response.headers["content-type"] == "application/json"


async def test_the_key_log_is_public_and_holds_no_secret(world: World) -> None:
    async with world.client() as client:
        document = (await client.get("/.well-known/underseal-key-log")).json()
        discovery = (await client.get("/.well-known/openid-configuration")).json()
        jwks = (await client.get("/.well-known/jwks.json")).json()
    assert discovery["underseal_key_log"] == "https://node.example/.well-known/underseal-key-log"
    assert document.keys() == {"entries"}
    (entry,) = [read_entry(token) for token in document["entries"]]
    assert entry.url == "https://node.example"
    assert entry.keys.to_jwks() == jwks
    assert '"d":' not in json.dumps(document) + json.dumps(jwks)


async def test_documents_tell_of_new_keys_and_of_a_move_at_once(world: World) -> None:
    paths = ("openid-configuration", "jwks.json", "did.json", "underseal-key-log")
    async with world.client() as client:
        before = {path: (await client.get(f"/.well-known/{path}")).json() for path in paths}
        await rotate(world.node, [KeyPurpose.FOOTPRINT])
        rotated = {path: (await client.get(f"/.well-known/{path}")).json() for path in paths}
        await move(world.node, "https://new.example/pact")
    for path in paths[1:]:
        assert before[path] != rotated[path], path
    kid = world.node.signing_key(KeyPurpose.FOOTPRINT).kid
    assert kid in json.dumps(rotated["jwks.json"]) + json.dumps(rotated["did.json"])
    for url in ("https://new.example/pact", "https://node.example", "https://new.example"):
        async with world.client(url=url) as client:  # the old name is answered still
            found = (await client.get("/.well-known/openid-configuration")).json()
        assert found["issuer"] == "https://new.example/pact"
    async with world.client(url="https://other.example") as client:
        assert (await client.get("/.well-known/jwks.json")).status_code == 421
