"""`POST /auth/token`: RFC 6749 sections 2.3.1, 4.4, 5.1 and 5.2."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import jwt
import pytest

from underseal_node.store.tables import PeerState
from underseal_protocol.keys import KeyPurpose

World = Any
GRANT = {"grant_type": "client_credentials"}


def assert_refused(response: httpx.Response, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert response.json()["error_description"]
    assert response.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in response.headers) == (error == "invalid_client")


async def test_basic_credentials_get_a_token_that_opens_the_list(world: World) -> None:
    async with world.client() as client:
        response = await client.post("/auth/token", data=GRANT, auth=world.secrets["buyer"])
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        answer = response.json()
        assert answer["token_type"] == "Bearer"
        assert answer["expires_in"] == world.node.settings.token_lifetime_seconds
        bearer = {"authorization": f"bearer {answer['access_token']}"}
        assert (await client.get("/3/footprints", headers=bearer)).status_code == 200


async def test_the_token_has_the_claims_of_rfc_9068(world: World) -> None:
    async with world.client() as client:
        response = await client.post("/auth/token", data=GRANT, auth=world.secrets["buyer"])
    token = response.json()["access_token"]
    key = world.node.signing_key(KeyPurpose.ACCESS_TOKEN)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    claims = jwt.decode(
        token,
        key.private_key.public_key(),
        algorithms=["ES256"],
        audience="https://node.example",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "https://node.example"
    assert claims["sub"] == world.secrets["buyer"][0]
    assert claims["exp"] - claims["iat"] == world.node.settings.token_lifetime_seconds
    assert claims["jti"]


async def test_credentials_in_the_body(world: World) -> None:
    client_id, secret = world.secrets["buyer"]
    form = {**GRANT, "client_id": client_id, "client_secret": secret}
    async with world.client() as client:
        assert (await client.post("/auth/token", data=form)).status_code == 200


async def test_scope_audience_and_resource_change_nothing(world: World) -> None:
    form = {**GRANT, "scope": "a b", "audience": "x", "resource": ["urn:1", "urn:2"]}
    async with world.client() as client:
        response = await client.post("/auth/token", data=form, auth=world.secrets["buyer"])
    assert response.status_code == 200


async def test_basic_credentials_may_be_percent_encoded(world: World) -> None:
    encoded = ":".join(
        "".join(f"%{byte:02X}" for byte in part.encode()) for part in world.secrets["buyer"]
    )
    headers = {"authorization": f"basic {base64.b64encode(encoded.encode()).decode()}"}
    async with world.client() as client:
        response = await client.post("/auth/token", data=GRANT, headers=headers)
    assert response.status_code == 200


async def test_wrong_secret_unknown_client_and_suspended_peer_look_alike(world: World) -> None:
    client_id, secret = world.secrets["buyer"]
    async with world.client() as client:
        wrong = await client.post("/auth/token", data=GRANT, auth=(client_id, "wrong"))
        unknown = await client.post("/auth/token", data=GRANT, auth=("nobody", secret))
        world.change_peer("buyer", state=PeerState.SUSPENDED)
        suspended = await client.post("/auth/token", data=GRANT, auth=(client_id, secret))
        world.change_peer("buyer", state=PeerState.ACTIVE)
        world.change_credential("buyer", revoked_at=world.now)
        revoked = await client.post("/auth/token", data=GRANT, auth=(client_id, secret))
    for response in (wrong, unknown, suspended, revoked):
        assert_refused(response, 401, "invalid_client")
        assert response.content == wrong.content


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({**GRANT, "client_secret": "x"}, "invalid_request"),
        ({**GRANT, "client_id": "somebody-else"}, "invalid_request"),
    ],
)
async def test_malformed_requests(world: World, form: dict[str, Any], error: str) -> None:
    async with world.client() as client:
        response = await client.post("/auth/token", data=form, auth=world.secrets["buyer"])
    assert_refused(response, 400, error)


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Bearer x",
        "Basic",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"%ff:x").decode(),
    ],
)
async def test_malformed_authorization_headers(world: World, authorization: str) -> None:
    headers = {"authorization": authorization}
    async with world.client() as client:
        response = await client.post("/auth/token", data=GRANT, headers=headers)
    assert_refused(response, 401, "invalid_client")


async def test_no_credentials_at_all(world: World) -> None:
    async with world.client() as client:
        assert_refused(await client.post("/auth/token", data=GRANT), 401, "invalid_client")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%ff", b"&".join([b"a=b"] * 100), b"x" * 20_000])
async def test_bodies_that_are_no_form(world: World, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with world.client() as client:
        response = await client.post(
            "/auth/token", content=body, headers=headers, auth=world.secrets["buyer"]
        )
    assert_refused(response, 400, "invalid_request")


async def test_json_is_no_form(world: World) -> None:
    async with world.client() as client:
        response = await client.post(
            "/auth/token",
            content=urlencode(GRANT),
            headers={"content-type": "application/json"},
            auth=world.secrets["buyer"],
        )
    assert_refused(response, 400, "invalid_request")
    assert "the content type must be" in response.text


async def test_a_token_of_the_second_of_a_revocation_is_good(world: World) -> None:
    world.change_peer("buyer", token_not_before=world.now)
    world.now += timedelta(milliseconds=10)
    async with world.client() as client:
        response = await client.post("/auth/token", data=GRANT, auth=world.secrets["buyer"])
        bearer = {"authorization": f"Bearer {response.json()['access_token']}"}
        assert (await client.get("/3/footprints", headers=bearer)).status_code == 200


async def test_an_expired_token_is_named_so(world: World) -> None:
    async with world.client("buyer") as client:
        world.now += timedelta(seconds=world.node.settings.token_lifetime_seconds)
        response = await client.get("/3/footprints")
    assert response.status_code == 401
    assert response.json()["code"] == "TokenExpired"
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 10, "x" * 10_000])
async def test_an_invalid_token_is_refused(world: World, token: str) -> None:
    async with world.client() as client:
        header = f"Bearer {token}".encode()
        response = await client.get("/3/footprints", headers={b"authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, "BadRequest")
    assert token not in response.text or token in {"", "x"}


async def test_a_get_is_refused_in_json(world: World) -> None:
    async with world.client() as client:
        response = await client.get(f"/auth/token?client_id={quote('x y')}")
    assert (response.status_code, response.json()["code"]) == (405, "BadRequest")
    assert response.headers["allow"] == "POST"
