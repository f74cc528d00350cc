"""What somebody without any credentials can make a listener hold: little, and not for long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from underseal_node import http_protocol
from underseal_node.http_protocol import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    BoundedHttp,
    bounded_http,
)

LARGE = 32 * 1024 * 1024
GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads the body and answers its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    path = scope["path"]
    body = bytes(LARGE) if path == "/large" else str(length).encode()
    if path == "/slow":
        await asyncio.sleep(0.5)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(protocol: type[BoundedHttp] = BoundedHttp) -> AsyncIterator[int]:
    """The port of a server with this protocol."""
    config = uvicorn.Config(
        app, port=0, http=protocol, lifespan="off", log_config=None, timeout_keep_alive=2
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving() as port:
        yield port


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


async def test_a_head_of_many_headers_is_refused(port: int) -> None:
    def head(count: int) -> bytes:
        return GET + b"a: b\r\n" * (count - 2) + b"connection: close\r\n\r\n"

    assert (await exchange(port, head(MAX_HEADERS))).startswith(b"HTTP/1.1 200")
    answer = await exchange(port, head(MAX_HEADERS + 1))
    assert answer.startswith(b"HTTP/1.1 431")
    assert b"more than 200 headers" in answer


async def test_requests_sent_ahead_are_answered_in_order_up_to_a_number(port: int) -> None:
    def requests(count: int) -> bytes:
        bodies = [b"x" * number for number in range(count)]
        posts = [POST + b"content-length: %d\r\n\r\n" % len(body) + body for body in bodies]
        return b"".join(posts) + GET + b"connection: close\r\n\r\n"

    answer = await exchange(port, requests(20))
    numbers = [int(part.partition(b"HTTP")[0]) for part in answer.split(b"\r\n\r\n")[1:]]
    assert numbers == [*range(20), 0]
    answer = await exchange(port, requests(MAX_PIPELINED * 10))
    assert answer.count(b"200 OK") <= MAX_PIPELINED + 2


async def test_an_answer_is_not_mixed_with_a_refusal(port: int) -> None:
    """What follows a request that is being answered is refused by closing, not by words."""
    slow = GET.replace(b"/ ", b"/slow ") + b"\r\n"
    for rest in (b"\x16\x03\x01\r\n\r\n", GET + b"a: b\r\n" * 500 + b"\r\n"):
        assert b"HTTP/1.1 4" not in await exchange(port, slow + rest)


@pytest.mark.parametrize("chunk", [b"1;" + b"x" * 1000 + b"\r\na\r\n", b"0" * 1000])
async def test_chunks_that_are_mostly_wrapping_are_refused(port: int, chunk: bytes) -> None:
    start = POST + b"transfer-encoding: chunked\r\n\r\n"
    parts = [chunk * 50] * 50 if chunk.startswith(b"0") else [chunk[:1002]] * 200
    assert b"200 OK" not in await exchange(port, start, *parts)


async def test_two_lengths_of_one_body_are_refused(port: int) -> None:
    """Request smuggling (RFC 9112 section 6.3)."""
    for headers in (
        b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"content-length: +3\r\n\r\nabc",
        b"content-length: -1\r\n\r\nabc",
        b"transfer-encoding: chunked\r\n\r\n-1\r\nabc\r\n",
        b"transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nabc\r\n",
    ):
        assert b"200 OK" not in await exchange(port, POST + headers), headers


async def drip(port: int, start: bytes, drop: bytes) -> bytes:
    """What comes back from a server that gets a drop now and then, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    answer = b""
    try:
        async with asyncio.timeout(8):
            while True:
                try:
                    part = await asyncio.wait_for(reader.read(65536), 0.1)
                except TimeoutError:
                    writer.write(drop)
                    await writer.drain()
                    continue
                if not part:
                    return answer
                answer += part
    except ConnectionError:
        return answer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"\r\n"),  # no request at all
        (GET, b"a: b\r\n"),
        (GET + b"\r\n", b"\r\n"),  # after an answer
        (GET + b"\r\n", b"G"),
        (POST + b"content-length: 100000\r\n\r\n", b"x"),
        (POST + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
async def test_who_drips_is_not_waited_for(
    port: int, start: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.6)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", 0.9)
    answer = await drip(port, start, drop)
    assert b"408" in answer or b"400" in answer


async def is_gone() -> None:
    """Wait until the server has no connection any more."""
    async with asyncio.timeout(20):
        while not BoundedHttp.connections_of:
            await asyncio.sleep(0.02)
        while BoundedHttp.connections_of:
            await asyncio.sleep(0.02)


async def test_who_asks_and_does_not_read_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "WATCH_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(GET.replace(b"/ ", b"/large ") + b"\r\n")
    await is_gone()
    with suppress(ConnectionError):
        assert len(await reader.read()) < LARGE
    writer.close()


async def test_who_reads_slowly_but_steadily_gets_everything(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "WATCH_SECONDS", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET.replace(b"/ ", b"/large ") + b"connection: close\r\n\r\n")
    read = 0
    while part := await reader.read(1 << 18):
        read += len(part)
        await asyncio.sleep(0.03)
    writer.close()
    assert read > LARGE


async def test_a_connection_that_is_closed_and_not_read_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "WATCH_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(GET.replace(b"/ ", b"/large ") + b"connection: close\r\n\r\n")
    await is_gone()
    with suppress(ConnectionError):
        assert len(await reader.read()) < LARGE
    writer.close()


async def is_served(port: int) -> bool:
    return b"200 OK" in await exchange(port, GET + b"connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "protocol",
    [
        bounded_http(max_connections=5, max_per_address=None),
        bounded_http(max_connections=100, max_per_address=5),
    ],
)
async def test_connections_beyond_the_limit_are_closed(protocol: type[BoundedHttp]) -> None:
    async with serving(protocol) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert not await is_served(port)
        held[0][1].write(GET + b"\r\n")
        assert b"200 OK" in await held[0][0].read(1000)
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert await is_served(port)
        await asyncio.sleep(0.05)
    assert protocol.connections_of == {}


async def test_connections_of_another_address_have_their_own_places() -> None:
    async with serving(bounded_http(max_connections=100, max_per_address=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not await is_served(port)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=("127.0.0.2", 0)
        )
        writer.write(GET + b"connection: close\r\n\r\n")
        assert b"200 OK" in await reader.read()
        for _, one in [*held, (reader, writer)]:
            one.close()
