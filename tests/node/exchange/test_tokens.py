"""Tokens that peers issue to us: how they are asked for, kept and renewed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import httpx
import pytest
from tests.node.exchange.conftest import streamed

from underseal_node.exchange.access import Access
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import (
    AnswerError,
    CredentialsRefusedError,
    ProtocolViolationError,
)
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.peer_client import PeerClient
from underseal_node.exchange.tokens import TokenClient
from underseal_node.settings import Settings

SECRET = "s3cr:t +%/ü"
ACCESS = Access(
    peer_id=1,
    name="acme",
    base_url="https://acme.example",
    token_endpoint="https://login.example/oauth/token",
    token_origin=origin_of("https://login.example"),
    client_id="id:1 &",
    client_secret=SECRET,
)
GOOD = {"access_token": "good", "token_type": "Bearer", "expires_in": 300}


class Issuer(httpx.AsyncBaseTransport):
    """A token endpoint that answers as told, and remembers what it was sent."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return streamed(self.answer(request))

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        return [parse_qs(one.content.decode()) for one in self.requests if one.method == "POST"]


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def no_pause(_seconds: float) -> None:
    """Instead of waiting."""


def tokens_of(issuer: Issuer, clock: Seconds | None = None) -> tuple[TokenClient, PeerHttp]:
    http = PeerHttp(Settings(http_attempts=1), transport=issuer, sleep=no_pause)
    return TokenClient(http, clock or Seconds(), lambda client_id, issuer, age: None, deaf), http


async def deaf(_access: Access, _error: object) -> None:
    """Nobody keeps what the token endpoint says."""


def always(document: Any = GOOD, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, content=json.dumps(document).encode())


async def test_basic_credentials_are_encoded_as_the_rfc_says() -> None:
    issuer = Issuer(always())
    assert await tokens_of(issuer)[0].token(ACCESS) == "good"
    (request,) = issuer.requests
    scheme, _, encoded = request.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    assert (unquote_plus(client_id), unquote_plus(secret)) == (ACCESS.client_id, SECRET)
    assert issuer.forms == [{"grant_type": ["client_credentials"]}]


async def test_scope_audience_and_resource_are_sent_where_they_are_wanted() -> None:
    issuer = Issuer(always())
    extra = (("scope", "pcf:read"), ("audience", "https://a"), ("resource", "urn:r"))
    await tokens_of(issuer)[0].token(replace(ACCESS, extra=extra))
    assert {name: issuer.forms[0][name] for name, _ in extra} == {n: [v] for n, v in extra}


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_credentials_go_into_the_body_where_basic_is_not_understood(status: int) -> None:
    def only_body(request: httpx.Request) -> httpx.Response:
        in_body = b"client_secret" in request.content
        if in_body and "authorization" not in request.headers:
            return httpx.Response(200, content=json.dumps(GOOD).encode())
        return httpx.Response(status, content=b'{"error":"invalid_client"}')

    issuer, clock = Issuer(only_body), Seconds()
    tokens, _ = tokens_of(issuer, clock)
    assert await tokens.token(ACCESS) == "good"
    assert issuer.forms[-1]["client_secret"] == [SECRET]
    clock.now += 10_000
    count = len(issuer.requests)
    await tokens.token(ACCESS)
    assert len(issuer.requests) == count + 1  # it is remembered what worked


async def test_a_token_is_used_until_shortly_before_it_expires() -> None:
    issuer, clock = Issuer(always()), Seconds()
    tokens, _ = tokens_of(issuer, clock)
    for now, count in ((0, 1), (200, 1), (269, 1), (275, 2)):
        clock.now = now
        await tokens.token(ACCESS)
        assert len(issuer.requests) == count, now


async def test_other_credentials_never_get_an_old_token() -> None:
    issuer = Issuer(always())
    tokens, _ = tokens_of(issuer)
    await tokens.token(ACCESS)
    await tokens.token(replace(ACCESS, client_secret="another"))
    await tokens.token(replace(ACCESS, extra=(("scope", "more"),)))
    assert len(issuer.requests) == 3


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "x\r\nevil: 1"},
        {"access_token": "x" * 20_000},
        {"access_token": "good", "token_type": "mac"},
        [],
    ],
)
async def test_what_is_no_token_is_refused(document: Any) -> None:
    with pytest.raises(ProtocolViolationError):
        await tokens_of(Issuer(always(document)))[0].token(ACCESS)


@pytest.mark.parametrize("expires_in", [None, "600", -5, 0, 1e300, "soon"])
async def test_an_odd_lifetime_does_no_harm(expires_in: Any) -> None:
    issuer = Issuer(always(GOOD | {"expires_in": expires_in}))
    assert await tokens_of(issuer)[0].token(ACCESS) == "good"


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_refused_credentials_are_told_without_the_secret(status: int) -> None:
    body = {"error": "invalid_client", "error_description": f"unknown {SECRET}"}
    tokens, _ = tokens_of(Issuer(always(body, status)))
    with pytest.raises(CredentialsRefusedError, match="acme") as caught:
        await tokens.token(ACCESS)
    assert caught.value.is_lasting is False  # the operator can enter others
    assert SECRET not in str(caught.value) + repr(caught.value) + (caught.value.hint or "")


async def test_a_token_endpoint_that_is_down_is_tried_again_later() -> None:
    with pytest.raises(AnswerError) as caught:
        await tokens_of(Issuer(always({}, 503)))[0].token(ACCESS)
    assert not caught.value.is_lasting


async def test_a_refused_token_is_replaced_once() -> None:
    issued = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal issued
        if request.url.host == "login.example":
            issued += 1
            return httpx.Response(
                200, content=json.dumps(GOOD | {"access_token": f"t{issued}"}).encode()
            )
        is_good = request.headers["authorization"] == "Bearer t2"
        return httpx.Response(200 if is_good else 401, content=b'{"data":{"id":1}}')

    issuer = Issuer(answer)
    tokens, http = tokens_of(issuer)
    client = PeerClient(http, tokens, Settings())
    assert await client.footprint(ACCESS, "x") == b'{"id":1}'
    assert issued == 2


async def test_a_token_that_is_always_refused_is_not_asked_for_for_ever() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return httpx.Response(200, content=json.dumps(GOOD).encode())
        return httpx.Response(401)

    issuer = Issuer(answer)
    tokens, http = tokens_of(issuer)
    with pytest.raises(AnswerError, match="401"):
        await PeerClient(http, tokens, Settings()).footprint(ACCESS, "x")
    assert len(issuer.requests) == 4


async def test_the_token_goes_to_the_peer_and_the_secret_to_the_token_endpoint_alone() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return httpx.Response(200, content=json.dumps(GOOD).encode())
        return httpx.Response(404)

    issuer = Issuer(answer)
    tokens, http = tokens_of(issuer)
    assert await PeerClient(http, tokens, Settings()).footprint(ACCESS, "x") is None
    first, second = issuer.requests
    assert (first.url.host, second.url.host) == ("login.example", "acme.example")
    assert second.headers["authorization"] == "Bearer good"
    assert "Basic" in first.headers["authorization"]


def test_the_secret_is_in_no_representation() -> None:
    assert SECRET not in repr(ACCESS)
