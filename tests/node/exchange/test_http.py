"""The HTTP client: what it connects to, follows, reads and tries again."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
import trustme
from tests.node.exchange.listening import listening

from underseal_node.errors import ConfigurationError
from underseal_node.exchange import http as http_module
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import AddressError, ProtocolViolationError, UnreachableError
from underseal_node.exchange.http import Answer, Call, PeerHttp
from underseal_node.exchange.wire import parse_retry_after, trust_context
from underseal_node.settings import Settings

URL = "https://peer.example/3/footprints"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Pauses:
    """Instead of sleeping: what would have been slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Wire(httpx.AsyncBaseTransport):
    """Answers come as a stream of bytes, as from the network, not as something read before."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = self._answer(request)
        if response.is_stream_consumed:
            parts = Chunks([response.content])
            return httpx.Response(response.status_code, headers=response.headers, stream=parts)
        return response


def client(
    answer: Callable[[httpx.Request], httpx.Response],
    pauses: Pauses | None = None,
    **settings: object,
) -> PeerHttp:
    return PeerHttp(
        Settings(**settings),  # type: ignore[arg-type]
        transport=Wire(answer),
        sleep=pauses or Pauses(),
        chance=lambda: 0.5,
    )


def call(url: str = URL, **more: object) -> Call:
    return Call("GET", url, frozenset({origin_of("https://peer.example")}), **more)  # type: ignore[arg-type]


async def get(http: PeerHttp, url: str = URL, **more: object) -> Answer:
    try:
        return await http.send(call(url, **more))
    finally:
        await http.aclose()


def answering(*responses: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    """One response after the other; the last one for ever."""
    left = list(responses)

    def answer(_request: httpx.Request) -> httpx.Response:
        response = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(response, Exception):
            raise response
        return response

    return answer


async def test_an_answer_is_read() -> None:
    answer = await get(client(answering(httpx.Response(200, content=b"{}"))))
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/3/footprints",
        "https://peer.example:8443/3/footprints",
        "http://peer.example/3/footprints",
        "https://user:secret@peer.example/3/footprints",
        "https://peer.example.evil.example/",
        "https://evil.example/?https://peer.example/",
    ],
)
async def test_only_the_registered_origin_is_called(url: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with pytest.raises(AddressError):
        await get(client(answer), url)
    assert seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(status, headers={"location": "https://peer.example/elsewhere"})

    with pytest.raises(ProtocolViolationError, match="redirect"):
        await get(client(answer))
    assert seen == [URL]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    pauses = Pauses()
    http = client(answering(httpx.Response(status), httpx.Response(200)), pauses)
    assert (await get(http)).status == 200
    assert pauses.seconds == [0.5]


async def test_connection_errors_are_tried_again() -> None:
    pauses = Pauses()
    http = client(answering(httpx.ConnectError("no"), httpx.Response(200)), pauses)
    assert (await get(http)).status == 200
    assert len(pauses.seconds) == 1


async def test_attempts_are_counted_and_back_off() -> None:
    pauses = Pauses()
    answer = await get(client(answering(httpx.Response(503)), pauses, http_attempts=4))
    assert answer.status == 503
    assert pauses.seconds == [0.5, 1.0, 2.0]


async def test_the_last_connection_error_is_reported() -> None:
    with pytest.raises(UnreachableError, match="cannot be reached: no"):
        await get(client(answering(httpx.ConnectError("no"))))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501])
async def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    pauses = Pauses()
    assert (await get(client(answering(httpx.Response(status)), pauses))).status == status
    assert pauses.seconds == []


async def test_one_attempt_means_one() -> None:
    pauses = Pauses()
    assert (await get(client(answering(httpx.Response(503)), pauses), attempts=1)).status == 503
    assert pauses.seconds == []


async def test_retry_after_is_honoured() -> None:
    pauses = Pauses()
    wait = httpx.Response(429, headers={"retry-after": "7"})
    assert (await get(client(answering(wait, httpx.Response(200)), pauses))).status == 200
    assert pauses.seconds == [7.0]


async def test_a_long_retry_after_is_left_to_the_caller() -> None:
    pauses = Pauses()
    wait = httpx.Response(503, headers={"retry-after": "100000"})
    answer = await get(client(answering(wait, httpx.Response(200)), pauses))
    assert (answer.status, answer.retry_after_seconds) == (503, 100000.0)
    assert pauses.seconds == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


async def test_an_answer_that_is_too_large_is_refused() -> None:
    http = client(answering(httpx.Response(200, content=b"x" * 1001)), max_response_bytes=1000)
    with pytest.raises(ProtocolViolationError, match="longer than 1000 bytes"):
        await get(http)


async def test_an_answer_of_just_the_limit_is_read() -> None:
    http = client(answering(httpx.Response(200, content=b"x" * 1000)), max_response_bytes=1000)
    assert len((await get(http)).body) == 1000


async def test_a_compressed_answer_is_unpacked_within_the_limit() -> None:
    body = Chunks([gzip.compress(b"yes")])
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=body)
    assert (await get(client(answering(packed)))).body == b"yes"


async def test_a_small_answer_cannot_unpack_to_a_large_one() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks([bomb]))
    with pytest.raises(ProtocolViolationError, match="longer than"):
        await get(client(answering(packed), max_response_bytes=100_000))


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
async def test_other_encodings_are_refused(encoding: str) -> None:
    packed = httpx.Response(200, headers={"content-encoding": encoding}, stream=Chunks([b"x"]))
    with pytest.raises(ProtocolViolationError, match="encoded"):
        await get(client(answering(packed)))


async def test_a_broken_compression_is_refused() -> None:
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks([b"no gzip"]))
    with pytest.raises(ProtocolViolationError, match="unpacked"):
        await get(client(answering(packed)))


async def test_an_answer_that_drips_is_given_up() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)

    http = client(
        answering(httpx.Response(200, stream=Drip())),
        http_total_timeout_seconds=0.1,
        http_attempts=1,
    )
    with pytest.raises(UnreachableError, match="in time"):
        await get(http)


class Chunks(httpx.AsyncByteStream):
    """A body sent in these pieces, as it comes over the network."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


# Names that resolve to what must not be reached; a listener on each would see a connection.
RESOLUTIONS = [
    ["127.0.0.1"],
    ["::1"],
    ["10.1.2.3"],
    ["172.20.0.5"],
    ["192.168.0.1"],
    ["100.100.100.200"],
    ["169.254.169.254"],
    ["fd00:ec2::254"],
    ["fe80::1"],
    ["0.0.0.0"],
    ["::"],
    ["::ffff:127.0.0.1"],
    ["::ffff:169.254.169.254"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::1"],
    ["224.0.0.1"],
    ["255.255.255.255"],
    ["93.184.216.34", "127.0.0.1"],
    ["127.0.0.1", "93.184.216.34"],
]


@pytest.mark.parametrize("addresses", RESOLUTIONS)
async def test_a_name_that_leads_inside_is_not_connected_to(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return addresses

    def no_connection(*_arguments: object, **_more: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", no_connection)
    with pytest.raises(AddressError):
        await get(PeerHttp(Settings(http_attempts=1), resolve=resolve))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
)
async def test_ways_to_write_loopback(host: str) -> None:
    async with listener() as (port, connections):
        url = f"https://{host}:{port}/"
        http = PeerHttp(Settings(http_attempts=1))
        try:
            with pytest.raises((AddressError, UnreachableError)):
                await http.send(Call("GET", url, frozenset({origin_of(url)})))
        finally:
            await http.aclose()
        assert connections == []


async def test_a_name_cannot_resolve_differently_after_the_check() -> None:
    """Rebinding: the connection goes to the address that was checked, and is resolved once."""
    answers = [["203.0.113.1"], ["127.0.0.1"]]
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    connected: list[str] = []

    async def connect(_self: object, host: str, *_more: object) -> None:
        connected.append(host)
        raise AssertionError("far enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpcore.AnyIOBackend.connect_tcp", connect)
        http = PeerHttp(Settings(http_attempts=1, allow_private_networks=True), resolve=resolve)
        with pytest.raises(AssertionError, match="far enough"):
            await get(http)
    assert (asked, connected) == (["peer.example"], ["203.0.113.1"])


async def test_a_name_that_does_not_resolve() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("unknown")

    with pytest.raises(UnreachableError, match="cannot be resolved"):
        await get(PeerHttp(Settings(http_attempts=1), resolve=resolve))


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listener() as (port, connections):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")

        async def resolve(_host: str, _port: int) -> list[str]:
            return ["127.0.0.1"]

        with pytest.raises(AddressError):
            await get(PeerHttp(Settings(http_attempts=1), resolve=resolve))
        assert connections == []


async def test_a_peer_with_its_own_ca_is_reached_and_without_it_is_not(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(pem)
    async with https_server(authority) as port:
        url = f"https://localhost:{port}/"

        async def try_it(ca_pem: str | None, **settings: object) -> int:
            http = PeerHttp(Settings(allow_private_networks=True, http_attempts=1, **settings))  # type: ignore[arg-type]
            origins = frozenset({origin_of(url)})
            try:
                return (await http.send(Call("GET", url, origins, ca_pem=ca_pem))).status
            finally:
                await http.aclose()

        assert await try_it(pem) == 200
        assert await try_it(None, ca_file=ca_file) == 200
        with pytest.raises(UnreachableError) as caught:
            await try_it(None)
        assert "--ca-file" in (caught.value.hint or "")


def test_a_ca_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        trust_context(None, "no certificate")
    with pytest.raises(ConfigurationError):
        trust_context(tmp_path / "missing.pem", None)


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[object]]]:
    """A port of this machine that remembers who connected."""
    connections: list[object] = []

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer.get_extra_info("peername"))

    async with listening(connected) as port:
        yield port, connections


@asynccontextmanager
async def https_server(authority: trustme.CA) -> AsyncIterator[int]:
    """Answers everything with 200 and no body."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()

    async with listening(connected, context=context) as port:
        yield port


def test_what_is_wrong_with_trust_anchors_is_named(tmp_path: Path) -> None:
    good = trustme.CA().cert_pem.bytes().decode()
    file = tmp_path / "ca.pem"
    file.write_text("none")
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        trust_context(file, good)
    file.write_text(good)
    with pytest.raises(ConfigurationError, match="the CA of the peer"):
        trust_context(file, "none")


async def test_a_date_to_come_back_at_is_read_by_the_clock_of_the_node() -> None:
    date = format_datetime(NOW + timedelta(hours=3), usegmt=True)
    http = PeerHttp(
        Settings(),
        transport=Wire(answering(httpx.Response(503, headers={"retry-after": date}))),
        clock=lambda: NOW,
    )
    assert (await get(http)).retry_after_seconds == 3 * 3600


async def test_cookies_of_peers_are_neither_kept_nor_sent_back() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        headers = {"set-cookie": f"n{len(seen)}=1; Path=/; Max-Age=9999"}
        return httpx.Response(200, headers=headers, content=b"{}")

    http = client(answer)
    for _ in range(3):
        await http.send(call())
    assert seen == [None, None, None]
    (connections,) = http._connections.values()
    assert len(connections.client.cookies) == 0
    await http.aclose()


async def test_connections_that_were_not_used_for_long_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_module, "MAX_CLIENTS", 2)
    http = client(answering(httpx.Response(200, content=b"{}")))
    for ca in ("a", "b", "a", "c"):
        await http.send(call(ca_pem=ca))
    kept = [kind.anchors for kind in http._connections]
    assert kept == [hashlib.sha256(ca.encode()).hexdigest() for ca in "ac"]
    await http.aclose()


async def test_connections_in_use_are_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "MAX_CLIENTS", 1)
    go_on = asyncio.Event()

    class Slow(httpx.AsyncBaseTransport):
        closed = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await go_on.wait()
            return httpx.Response(200, stream=Chunks([b"{}"]))

        async def aclose(self) -> None:
            self.closed += 1

    transport = Slow()
    http = PeerHttp(Settings(), transport=transport)
    calls = [asyncio.create_task(http.send(call(ca_pem=ca))) for ca in ("a", "b")]
    await asyncio.sleep(0.01)
    assert transport.closed == 0
    go_on.set()
    assert [answer.status for answer in await asyncio.gather(*calls)] == [200, 200]
    await http.aclose()
