"""What somebody without any credentials can make a listener hold: little, and not for long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from underseal_node import http_protocol
from underseal_node.http_protocol import MAX_HEAD_BYTES, BoundedHttp

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads the body and answers its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=BoundedHttp, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def exchange(port: int, *parts: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:  # closed while we were still sending
        return b""
    finally:
        writer.close()


async def test_requests_with_bodies_one_after_the_other_are_answered(port: int) -> None:
    large = b"x" * (3 * MAX_HEAD_BYTES)
    post = POST + b"content-length: %d\r\n\r\n" % len(large) + large
    last = GET + b"connection: close\r\n\r\n"
    answer = await exchange(port, post, post, last)
    assert answer.count(b"200 OK") == 3
    assert answer.count(str(len(large)).encode()) == 2


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n", b"a" * 6, b"x"],
    ids=["headers", "one name", "one value"],
)
async def test_a_head_without_end_is_refused(port: int, endless: bytes) -> None:
    start = GET + (b"x: " if endless == b"x" else b"")
    answer = await exchange(port, start, *[endless * 1000] * 200)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b"200 OK" not in answer


async def test_a_url_without_end_is_refused(port: int) -> None:
    answer = await exchange(port, b"GET /", *[b"a" * 1000] * 200)
    assert b"200 OK" not in answer


async def test_trailers_without_end_are_refused(port: int) -> None:
    start = POST + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
    answer = await exchange(port, start, *[b"a: b\r\n" * 200] * 200)
    assert b"200 OK" not in answer


async def test_a_large_head_within_the_limit_is_taken(port: int) -> None:
    answer = await exchange(port, GET + b"a: " + b"b" * 40_000 + b"\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_what_is_no_http_gets_the_error_object(port: int) -> None:
    answer = await exchange(port, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "BadRequest"


@pytest.mark.parametrize("part", [b"", b"GET / HT", GET])
async def test_a_head_that_does_not_come_is_not_waited_for(
    port: int, part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    assert (await exchange(port, part)).startswith(b"HTTP/1.1 408")
