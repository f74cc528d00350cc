"""Where a peer could make this node call, and what stops it (SSRF, CWE-918).

Each attack goes through the real client. Every connection that the process tries is seen by an
audit hook, which lets none leave this machine, and two listeners wait on loopback for any that
should not come.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.node.conftest import NOW
from tests.node.exchange.conftest import NewCompany
from tests.node.exchange.listening import listening

from underseal_node.exchange.access import private_origins
from underseal_node.exchange.addresses import Origin, origin_of
from underseal_node.exchange.discovery import discover
from underseal_node.exchange.errors import AddressError, ProtocolViolationError, UnreachableError
from underseal_node.exchange.http import Call, PeerHttp
from underseal_node.home import Home
from underseal_node.settings import Settings, load_settings
from underseal_node.store.tables import Peer
from underseal_node.trust.peers import PeerChange, add_peer, change_peer

QUICK: dict[str, Any] = {"http_attempts": 1, "http_connect_timeout_seconds": 2}

# What the name of a peer may resolve to; nothing of it is connected to.
PRIVATE_ADDRESSES = [
    ["127.0.0.1"],
    ["127.0.0.53"],
    ["127.255.255.254"],
    ["10.0.0.1"],
    ["10.255.255.255"],
    ["172.16.0.1"],
    ["172.31.255.254"],
    ["192.168.0.1"],
    ["192.168.255.254"],
    ["100.64.0.1"],  # CGNAT
    ["100.127.255.254"],
    ["192.0.0.8"],
    ["192.0.2.1"],
    ["198.18.0.1"],
    ["198.51.100.1"],
    ["203.0.113.1"],
    ["::1"],
    ["fc00::1"],
    ["fd12:3456:789a::1"],
    ["2001:db8::1"],
]
NEVER_ADDRESSES = [
    ["0.0.0.0"],
    ["0.0.0.1"],
    ["169.254.0.1"],  # link-local
    ["169.254.169.254"],  # metadata: AWS, Google, Azure, and others
    ["169.254.170.2"],  # metadata of AWS containers
    ["100.100.100.200"],  # metadata of Alibaba
    ["192.0.0.192"],  # metadata of Oracle
    ["168.63.129.16"],  # platform of Azure
    ["fd00:ec2::254"],  # metadata of AWS
    ["fd20:ce::254"],  # metadata of Google
    ["224.0.0.1"],
    ["255.255.255.255"],
    ["::"],
    ["fe80::1"],
    ["fe80::1%lo"],
    ["ff02::1"],
    ["::ffff:127.0.0.1"],  # mapped
    ["::ffff:7f00:1"],
    ["::ffff:169.254.169.254"],
    ["::ffff:10.0.0.1"],
    ["::ffff:0:127.0.0.1"],  # translated
    ["::127.0.0.1"],  # compatible
    ["64:ff9b::7f00:1"],  # NAT64
    ["64:ff9b:1::a9fe:a9fe"],
    ["2002:7f00:1::"],  # 6to4
    ["2001:0:7f00:1::"],  # Teredo
    ["127.1"],  # a resolver that answers no numbers as they should be
    ["0x7f000001"],
    ["2130706433"],
    ["localhost"],
    [""],
]
# A public address does not make up for another one.
MIXED_ADDRESSES = [["1.1.1.1", "127.0.0.1"], ["::1", "1.1.1.1"], ["1.1.1.1", "169.254.169.254"]]

# Ways to write loopback, for the resolver of the system; `{}` is the port of the listener.
WRITTEN = [
    "https://localhost:{}/",
    "https://LOCALHOST.:{}/",
    "https://127.0.0.1:{}/",
    "https://127.1:{}/",
    "https://127.0.1:{}/",
    "https://2130706433:{}/",  # decimal
    "https://0x7f000001:{}/",  # hexadecimal
    "https://0x7f.0.0.1:{}/",
    "https://0177.0.0.1:{}/",  # octal
    "https://017700000001:{}/",
    "https://127.0.0.1.:{}/",
    "https://0:{}/",
    "https://0.0.0.0:{}/",
    "https://[::1]:{}/",
    "https://[0:0:0:0:0:0:0:1]:{}/",
    "https://[::]:{}/",
    "https://[::ffff:127.0.0.1]:{}/",
    "https://[::ffff:7f00:1]:{}/",
    "https://[::127.0.0.1]:{}/",
    "https://[64:ff9b::127.0.0.1]:{}/",
    "https://[::1%25lo]:{}/",
    # IDN: characters that some readers fold to others.
    "https://127。0。0。1:{}/",
    "https://①②⑦.⓪.⓪.①:{}/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{}/",
    "https://localhoſt:{}/",
    "https://loc\u00adalhost:{}/",
    "https://xn--localhost-:{}/",
    # User-info, backslashes, white space, encodings: where the host ends for one reader only.
    "https://peer.example@127.0.0.1:{}/",
    "https://peer.example:443@127.0.0.1:{}/",
    "https://peer.example%40127.0.0.1:{}/",
    "https://127.0.0.1:{}\\@peer.example/",
    "https://127.0.0.1:{}#@peer.example/",
    "https://127.0.0.1:{}\t/",
    "https://127.0.0.1\n:{}/",
    "https://%31%32%37.0.0.1:{}/",
    "https://127.0.0.1%00.peer.example:{}/",
    # Other schemes.
    "http://127.0.0.1:{}/",
    "ftp://127.0.0.1:{}/",
    "gopher://127.0.0.1:{}/_",
    "unix:///127.0.0.1:{}",
    "//127.0.0.1:{}/",
]

# Of a peer that is registered as https://peer.example.
OTHER_ORIGINS = [
    "https://peer.example:0/",
    "https://peer.example:22/",
    "https://peer.example:25/",
    "https://peer.example:444/",
    "https://peer.example:6379/",
    "https://peer.example:65536/",
    "https://peer.example:-443/",
    "https://peer.example:4٤3/",
    "https://peer.example.evil.example/",
    "https://evil.example/peer.example",
    "https://evil.example?peer.example",
    "https://xn--per-1na.example/",
    "https://pеer.example/",  # a Cyrillic letter
    "http://peer.example/",
]

ALLOWED = [{}, {"allow_private_networks": True}]


@dataclass
class Seen:
    """The connections that this process has tried, and those that arrived."""

    tried: list[Any] = field(default_factory=list)
    arrived: list[Any] = field(default_factory=list)
    is_watching: bool = False


SEEN = Seen()


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    """See every connection attempt of the process; refuse those that would leave this machine."""
    if event != "socket.connect" or not SEEN.is_watching:
        return
    address = arguments[1]
    SEEN.tried.append(address)
    if not isinstance(address, tuple) or address[0] not in ("127.0.0.1", "::1"):
        raise ConnectionRefusedError("no test calls another machine")


sys.addaudithook(audit)


@contextmanager
def watching() -> Iterator[Seen]:
    SEEN.tried.clear()
    SEEN.arrived.clear()
    SEEN.is_watching = True
    try:
        yield SEEN
    finally:
        SEEN.is_watching = False


@pytest.fixture
async def trap() -> AsyncIterator[int]:
    """A port on which nothing may arrive, on both loopback addresses."""

    async def arrived(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        SEEN.arrived.append(writer.get_extra_info("peername"))

    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(listening(arrived))
        if socket.has_ipv6:
            with suppress(OSError):  # no IPv6 here
                await stack.enter_async_context(listening(arrived, "::1", port))
        yield port


@dataclass
class Answers:
    """A resolver: one answer after the other, the last one for ever."""

    answers: list[list[str]]
    asked: int = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def call(
    url: str,
    *,
    answers: Sequence[list[str]] | None = None,
    origins: frozenset[Origin] | None = None,
    private: frozenset[Origin] = frozenset(),
    ca_pem: str | None = None,
    **settings: Any,
) -> int:
    """One call; to its own origin unless another is given."""
    resolve = None if answers is None else Answers(list(answers))
    http = PeerHttp(Settings(**(QUICK | settings)), resolve=resolve)
    try:
        known = frozenset({origin_of(url)}) if origins is None else origins
        sent = Call("GET", url, known, ca_pem=ca_pem, private_origins=private)
        return (await http.send(sent)).status
    finally:
        await http.aclose()


def test_the_tables_are_long_enough() -> None:
    addresses = [tuple(one) for one in PRIVATE_ADDRESSES + NEVER_ADDRESSES + MIXED_ADDRESSES]
    assert len(set(addresses)) == len(addresses) >= 40
    assert len(set(WRITTEN)) == len(WRITTEN) >= 40


@pytest.mark.parametrize("addresses", PRIVATE_ADDRESSES + NEVER_ADDRESSES + MIXED_ADDRESSES)
async def test_a_name_that_leads_inside_is_not_connected_to(
    addresses: list[str], trap: int
) -> None:
    with watching() as seen, pytest.raises(AddressError):
        await call(f"https://peer.example:{trap}/", answers=[addresses])
    assert (seen.tried, seen.arrived) == ([], [])


@pytest.mark.parametrize("addresses", NEVER_ADDRESSES)
async def test_no_permission_opens_what_is_never_a_peer(addresses: list[str], trap: int) -> None:
    url = f"https://peer.example:{trap}/"
    with watching() as seen:
        for permission in (
            {"allow_private_networks": True},
            {"private": frozenset({origin_of(url)})},
        ):
            with pytest.raises(AddressError):
                await call(url, answers=[addresses], **permission)
    assert (seen.tried, seen.arrived) == ([], [])


@pytest.mark.parametrize("url", WRITTEN)
async def test_no_way_of_writing_it_leads_to_loopback(url: str, trap: int) -> None:
    with watching() as seen, pytest.raises((AddressError, UnreachableError)):
        await call(url.format(trap))
    assert (seen.tried, seen.arrived) == ([], [])


@pytest.mark.parametrize("url", OTHER_ORIGINS)
@pytest.mark.parametrize("settings", ALLOWED)
async def test_other_origins_than_the_registered_one_are_not_called(
    url: str, settings: dict[str, Any], trap: int
) -> None:
    origins = frozenset({origin_of("https://peer.example")})
    with watching() as seen, pytest.raises(AddressError):
        await call(url, answers=[["127.0.0.1"]], origins=origins, **settings)
    assert (seen.tried, seen.arrived) == ([], [])


async def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(
    trap: int,
) -> None:
    """Rebinding between the check and the connection."""
    with watching() as seen, pytest.raises(UnreachableError):
        await call(f"https://peer.example:{trap}/", answers=[["1.1.1.1"], ["127.0.0.1"]])
    assert (seen.tried, seen.arrived) == ([("1.1.1.1", trap)], [])


async def test_a_name_is_checked_again_for_the_next_attempt(trap: int) -> None:
    """Rebinding between two attempts, and between two calls."""
    url = f"https://peer.example:{trap}/"

    async def no_pause(_seconds: float) -> None: ...

    answers = Answers([["1.1.1.1"], ["127.0.0.1"]])
    http = PeerHttp(Settings(**(QUICK | {"http_attempts": 3})), resolve=answers, sleep=no_pause)
    with watching() as seen:
        for _ in range(2):
            with pytest.raises(AddressError):
                await http.send(Call("GET", url, frozenset({origin_of(url)})))
    await http.aclose()
    assert answers.asked == 3
    assert (seen.tried, seen.arrived) == ([("1.1.1.1", trap)], [])


@asynccontextmanager
async def peer_saying(*lines: str) -> AsyncIterator[tuple[str, str]]:
    """An HTTPS server on loopback that answers everything alike; its URL and its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    answer = "\r\n".join([*lines, "connection: close", "", ""])

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await writer.drain()

    async with listening(connected, context=context) as port:
        yield f"https://localhost:{port}", authority.cert_pem.bytes().decode()


OK = ("HTTP/1.1 200 OK", "content-length: 0")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["https://127.0.0.1:{}/", "http://localhost:{}/", "//[::1]:{}/"]
)
async def test_a_redirect_is_not_followed(status: int, location: str, trap: int) -> None:
    head = (f"HTTP/1.1 {status} Moved", f"location: {location.format(trap)}", "content-length: 0")
    async with peer_saying(*head) as (url, ca_pem):
        private = frozenset({origin_of(url)})
        with watching() as seen, pytest.raises(ProtocolViolationError, match="redirect"):
            await call(url, private=private, ca_pem=ca_pem)
        port = origin_of(url).port
    assert ([address[1] for address in seen.tried], seen.arrived) == ([port], [])


@pytest.mark.parametrize(
    "header", ["refresh: 0; url={}", "link: <{}>; rel=preload", "alt-svc: h2={}"]
)
async def test_other_headers_lead_nowhere(header: str, trap: int) -> None:
    said = header.format(f"https://127.0.0.1:{trap}/")
    async with peer_saying(*OK, said) as (url, ca_pem):
        with watching() as seen:
            assert await call(url, private=frozenset({origin_of(url)}), ca_pem=ca_pem) == 200
    assert seen.arrived == []


async def test_loopback_is_called_where_the_operator_allowed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control for all of the above: the same call arrives when it is allowed."""
    async with peer_saying(*OK) as (url, ca_pem):
        with pytest.raises(AddressError) as refused:
            await call(url, ca_pem=ca_pem)
        assert "--allow-private-network" in (refused.value.hint or "")
        assert await call(url, ca_pem=ca_pem, private=frozenset({origin_of(url)})) == 200
        monkeypatch.setenv("UNDERSEAL_ALLOW_PRIVATE_NETWORKS", "true")
        settings = load_settings(Home(tmp_path))
        allowed = settings.allow_private_networks
        assert await call(url, ca_pem=ca_pem, allow_private_networks=allowed) == 200


async def test_the_permission_of_one_peer_is_not_that_of_another() -> None:
    """Not even through a connection that is open already, and with the same authority."""
    async with peer_saying(*OK) as (url, ca_pem):
        origins = frozenset({origin_of(url)})
        allowed = Call("GET", url, origins, ca_pem=ca_pem, private_origins=origins)
        http = PeerHttp(Settings(**QUICK))
        try:
            assert (await http.send(allowed)).status == 200
            with pytest.raises(AddressError):
                await http.send(replace(allowed, private_origins=frozenset()))
            assert (await http.send(allowed)).status == 200
        finally:
            await http.aclose()


def test_only_what_the_operator_entered_may_be_private() -> None:
    peer = Peer(
        name="a",
        created_at=NOW,
        base_url="https://a.internal/pact",
        auth_url="https://login.a.internal:8443/realm",
        token_endpoint="https://router.internal/",
        token_origin="https://router.internal",
    )
    assert private_origins(peer) == frozenset()
    peer.allow_private_network = True
    entered = {origin_of(url) for url in ("https://a.internal", "https://login.a.internal:8443")}
    assert private_origins(peer) == entered


async def test_a_peer_that_is_allowed_cannot_point_at_other_machines_inside(
    trap: int, new_company: NewCompany
) -> None:
    """It names its token endpoint itself; that one has to be public."""
    document = json.dumps({"token_endpoint": f"https://localhost:{trap}/auth/token"})
    head = ("HTTP/1.1 200 OK", f"content-length: {len(document)}", "connection: close", "")
    async with peer_saying(*head, document) as (url, ca_pem):
        company = new_company("careful")
        http = PeerHttp(Settings(**QUICK))
        company.exchange.http = company.exchange.tokens._http = company.exchange.client._http = http
        given = PeerChange(
            url=url, ca_pem=ca_pem, client_id="x", client_secret="y", allow_private_network=True
        )
        peer, _, _ = await add_peer(company.exchange, "inside", given)
        assert peer.token_origin == f"https://localhost:{trap}"
        with watching() as seen:
            access = await company.exchange.access(peer.id or 0)
            with pytest.raises(AddressError):
                await company.exchange.tokens.token(access)
        await http.aclose()
    assert seen.arrived == []
    assert trap not in [address[1] for address in seen.tried]


async def test_a_peer_is_looked_at_when_its_network_is_allowed(new_company: NewCompany) -> None:
    async with peer_saying("HTTP/1.1 404 Not Found", "content-length: 0") as (url, ca_pem):
        company = new_company("careful")
        company.exchange.http = PeerHttp(Settings(**QUICK))
        given = PeerChange(url=url, ca_pem=ca_pem)
        peer, _, warnings = await add_peer(company.exchange, "inside", given)
        assert "not a public one" in warnings[0]
        change = PeerChange(allow_private_network=True)
        peer, warnings = await change_peer(company.exchange, "inside", change)
        assert (peer.allow_private_network, warnings) == (True, [])
        change = PeerChange(allow_private_network=False)
        peer, warnings = await change_peer(company.exchange, "inside", change)
        assert not peer.allow_private_network
        assert "not a public one" in warnings[0]
        await company.exchange.http.aclose()


async def test_discovery_of_a_private_peer_is_refused_without_permission(trap: int) -> None:
    url = f"https://localhost:{trap}"
    http = PeerHttp(Settings(**QUICK))
    with watching() as seen:
        found = await discover(http, Peer(name="a", created_at=NOW, base_url=url))
    await http.aclose()
    assert "not a public one" in found.problems[0]
    assert (seen.tried, seen.arrived) == ([], [])
