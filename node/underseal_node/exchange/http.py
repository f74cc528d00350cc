"""The one way out of a node: HTTPS to origins that the operator registered.

What holds for every call: https only; redirects are not followed; the environment's proxies are not
used; each address a name resolves to is checked, and the connection goes to that very address, so a
name cannot resolve differently between the check and the connection; answers are limited in size
and time; failures that may pass are tried again.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from underseal_node.clock import Clock, utc_now
from underseal_node.exchange.addresses import Origin, check_address, origin_of
from underseal_node.exchange.errors import (
    AddressError,
    ProtocolViolationError,
    UnreachableError,
)
from underseal_node.exchange.wire import (
    decoder,
    first_line,
    parse_retry_after,
    resolve_name,
    trust_context,
)
from underseal_node.settings import Settings

__all__ = ["Answer", "Call", "PeerHttp"]

USER_AGENT = "underseal"
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
FIRST_RETRY_SECONDS = 0.5
# Peers with trust anchors of their own have connections of their own; kept for so many of them.
MAX_CLIENTS = 256
# More than all workers and pulls of a process use at a time, so that nobody waits for a place.
MAX_CONNECTIONS = 1_024

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True)
class Call:
    """What to send.

    Attributes:
        method: GET or POST.
        url: absolute.
        origins: whom this call may reach; anything else is refused.
        headers: without Host and Content-Length.
        content: the body, or what makes it anew for each attempt.
        ca_pem: extra trust anchors of this peer.
        private_origins: those of `origins` that may be at private addresses.
        attempts: in all; 1 means that the caller tries again itself.
        max_bytes: of the answer, after decompression.
    """

    method: str
    url: str
    origins: frozenset[Origin]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | Callable[[], bytes] | None = field(default=None, repr=False)
    ca_pem: str | None = field(default=None, repr=False)
    private_origins: frozenset[Origin] = frozenset()
    attempts: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True)
class Answer:
    """What came back, complete.

    Attributes:
        status: of HTTP.
        headers: names in lower case.
        body: unpacked.
        url: that was called.
        retry_after_seconds: what the peer asked for in `Retry-After`, from when it answered.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class _Kind:
    """Which connections may be shared.

    Attributes:
        anchors: digest of the extra trust anchors.
        allow_private: whether they may go to private addresses.
    """

    anchors: str
    allow_private: bool


@dataclass
class _Connections:
    """To the peers that are trusted for the same anchors, in networks of the same kind.

    Attributes:
        client: holds them.
        calls: under way.
    """

    client: httpx.AsyncClient
    calls: int = 0


class PeerHttp:
    """The HTTP client for all peers.

    Args:
        settings: limits and policies.
        transport: used instead of the network, in tests.
        resolve: name and port to numeric addresses; the system's resolver by default.
        sleep: waits between attempts.
        chance: a number in 0..1, for the jitter.
        clock: what time it is, for a `Retry-After` that is a date.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._resolve = resolve or resolve_name
        self._sleep = sleep
        self._chance = chance
        self._clock = clock
        self._connections: dict[_Kind, _Connections] = {}  # the longest unused first

    async def send(self, call: Call) -> Answer:
        """Make a call and read the whole answer, trying again what may pass.

        Returns:
            the answer, whatever its status below 500 but 429; and these too when they last.

        Raises:
            AddressError: the URL is not of a registered origin, or must not be called.
            UnreachableError: there was no complete answer.
            ProtocolViolationError: the answer is too large or a redirect.
        """
        self._check_origin(call)
        attempts, was_sent = call.attempts or self._settings.http_attempts, False
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                answer = await self._send_once(call)
            except UnreachableError as error:
                was_sent = was_sent or not error.is_unsent
                if last:
                    error.is_unsent = not was_sent
                    raise
                await self._pause(attempt, None)
                continue
            if last or answer.status not in RETRIED_STATUSES:
                return answer
            asked = answer.retry_after_seconds
            if asked is not None and asked > self._settings.http_max_retry_after_seconds:
                return answer
            await self._pause(attempt, asked)
        raise AssertionError("unreachable")  # the last attempt returns or raises

    async def aclose(self) -> None:
        """Close all connections."""
        closing, self._connections = list(self._connections.values()), {}
        for connections in closing:
            await connections.client.aclose()

    def _check_origin(self, call: Call) -> None:
        origin = origin_of(call.url)
        if origin not in call.origins:
            known = ", ".join(sorted(str(one) for one in call.origins)) or "none"
            raise AddressError(
                f"a call to {origin} is refused: the origins of this peer are {known}",
                hint="Change the peer's URL with `underseal peer set` if it has moved.",
            )

    async def _pause(self, attempt: int, asked_seconds: float | None) -> None:
        """Full jitter, so that many nodes do not come back at the same moment."""
        backoff = FIRST_RETRY_SECONDS * 2 ** (attempt - 1) * (0.5 + self._chance())
        await self._sleep(max(backoff, asked_seconds or 0.0))

    async def _send_once(self, call: Call) -> Answer:
        origin = origin_of(call.url)
        headers = {"user-agent": USER_AGENT, "accept-encoding": "gzip", **call.headers}
        content = call.content() if callable(call.content) else call.content
        try:
            request = httpx.Request(call.method, call.url, headers=headers, content=content)
        except (httpx.InvalidURL, UnicodeError) as error:  # a host that is none
            raise AddressError(f"{origin} cannot be called: {first_line(error)}") from error
        await self._drop_unused()
        try:
            with self._client(call.ca_pem, self._allows_private(call, origin)) as client:
                async with asyncio.timeout(self._settings.http_total_timeout_seconds):
                    response = await client.send(request, stream=True)
                    try:
                        body = await self._read(response, call)
                    finally:
                        await response.aclose()
        except TimeoutError as error:
            raise UnreachableError(f"{origin} did not answer completely in time") from error
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{origin} did not answer in time") from error
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            unreachable = UnreachableError(
                f"{origin} cannot be reached: {first_line(error)}", hint=_connection_hint(error)
            )
            unreachable.is_unsent = isinstance(error, httpx.ConnectError)
            raise unreachable from error
        if 300 <= response.status_code < 400:
            raise ProtocolViolationError(
                f"{origin} answered with a redirect ({response.status_code}); none is followed",
                hint="Register the address it redirects to, if that is the peer's.",
            )
        asked = parse_retry_after(response.headers.get("retry-after"), self._clock())
        return Answer(response.status_code, dict(response.headers), body, call.url, asked)

    async def _read(self, response: httpx.Response, call: Call) -> bytes:
        """Read the body, never keeping more than the limit in memory."""
        limit = call.max_bytes or self._settings.max_response_bytes
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        decode = decoder(encoding)
        parts: list[bytes] = []
        total = 0
        async for chunk in response.aiter_raw():
            part = decode(chunk, limit - total)
            total += len(part)
            if total > limit:
                raise ProtocolViolationError(
                    f"the answer of {origin_of(call.url)} is longer than {limit} bytes"
                )
            parts.append(part)
        return b"".join(parts)

    def _allows_private(self, call: Call, origin: Origin) -> bool:
        return self._settings.allow_private_networks or origin in call.private_origins

    @contextmanager
    def _client(self, ca_pem: str | None, allow_private: bool) -> Iterator[httpx.AsyncClient]:
        """One client per set of trust anchors and network: they do not share connections."""
        kind = _Kind(hashlib.sha256((ca_pem or "").encode()).hexdigest(), allow_private)
        connections = self._connections.pop(kind, None)
        if connections is None:
            connections = _Connections(self._new_client(ca_pem, allow_private))
        self._connections[kind] = connections  # now the last one used
        connections.calls += 1
        try:
            yield connections.client
        finally:
            connections.calls -= 1

    async def _drop_unused(self) -> None:
        """Close what was not used for the longest time, when there is too much."""
        while len(self._connections) >= MAX_CLIENTS:
            idle = [kind for kind, one in self._connections.items() if one.calls == 0]
            if not idle:
                return  # as many calls are bounded by those who make them
            await self._connections.pop(idle[0]).client.aclose()

    def _new_client(self, ca_pem: str | None, allow_private: bool) -> httpx.AsyncClient:
        settings = self._settings
        transport = self._transport
        if transport is None:
            transport = CheckedTransport(
                trust_context(settings.ca_file, ca_pem),
                CheckedNetwork(self._resolve, allow_private=allow_private),
            )
        timeout = httpx.Timeout(
            settings.http_timeout_seconds, connect=settings.http_connect_timeout_seconds
        )
        return httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # none are kept
            follow_redirects=False,
            trust_env=False,
        )


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to addresses that have been checked, and to no others.

    Args:
        resolve: name and port to numeric addresses.
        allow_private: whether loopback and private addresses are allowed.
    """

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check every address, connect to the first that answers.

        Raises:
            AddressError: one of the addresses is refused; then none is tried, because a name with a
                public and a private address is not an accident.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        for address in addresses:
            check_address(address, allow_private=self._allow_private)
        failure: httpcore.NetworkError | httpcore.TimeoutException
        failure = httpcore.ConnectError(f"the name {host} has no address")
        for address in addresses:
            try:
                # A number, so nothing is resolved again.
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refused: peers are not reached by files.

        Raises:
            AddressError: always.
        """
        raise AddressError("peers are not called through sockets in the file system")

    async def sleep(self, seconds: float) -> None:
        """Wait; httpcore's own retries are off, so it does not."""
        await asyncio.sleep(seconds)


class CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx over a pool whose connections are opened by `CheckedNetwork`.

    Args:
        context: which certificates are trusted.
        network: opens the connections.
    """

    def __init__(self, context: ssl.SSLContext, network: CheckedNetwork) -> None:
        super().__init__(verify=context, trust_env=False)
        # httpx has no argument for the network; everything else of its transport is wanted.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=20,
            keepalive_expiry=15.0,
            network_backend=network,
        )


def _connection_hint(error: BaseException) -> str | None:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "Give the peer's CA with --ca-file, or one for all peers with UNDERSEAL_CA_FILE, "
            "if the certificate is the right one."
        )
    return None
