"""Which hosts this node answers for, and what a proxy in front of it may say.

Links are built from the node's URL, never from a header that anybody can set. A request for another
host gets 421 (RFC 9110 section 15.5.20), unless the host is one of `allowed_hosts` or the node was
there before it moved: peers that have not heard of the move yet still call the old name.
`X-Forwarded-*` count only when they come from the address of a trusted proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.types import Scope

from underseal_node.pact.errors import BadRequestError, MisdirectedError

__all__ = ["HostPolicy"]

Headers = Sequence[tuple[bytes, bytes]]
HTTPS_PORT = 443
MAX_REMEMBERED = 64
MAX_HOPS = 16


@dataclass(frozen=True)
class _Authority:
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> _Authority:
        """Split `HOST[:PORT]`.

        Raises:
            ValueError: it is not one.
        """
        parts = urlsplit(f"//{text}")
        if parts.netloc != text or "@" in text or not parts.hostname:
            raise ValueError(f"not a host: {text!r}")
        return cls(parts.hostname.rstrip("."), parts.port)


class HostPolicy:
    """Decides which origin a request was made to.

    Args:
        urls: says where the node is, `https://HOST[:PORT][/PATH]`, and behind that where it was.
        allowed_hosts: further hosts, `HOST` (any port) or `HOST:PORT`.
        trusted_proxies: addresses or networks whose forwarded headers count.
        behind_proxy: every connection comes from a proxy, trusted or not.
    """

    def __init__(
        self,
        urls: Callable[[], Sequence[str]],
        allowed_hosts: Iterable[str] = (),
        trusted_proxies: Iterable[str] = (),
        *,
        behind_proxy: bool = False,
    ) -> None:
        self._allowed = [_Authority.parse(host.lower()) for host in allowed_hosts]
        self._proxies = [ip_network(address, strict=False) for address in trusted_proxies]
        self._behind_proxy = behind_proxy
        self._urls_now = urls
        self._urls: Sequence[str] = ()
        self._follow()

    def _follow(self) -> None:
        """Take up where the node is now; what was decided for another address is forgotten."""
        urls = self._urls_now()
        if urls is self._urls or urls == self._urls:
            return
        self._own = [(_authority(url), url) for url in urls]
        self._remembered: dict[bytes, str] = {}
        paths = dict.fromkeys(urlsplit(url).path.rstrip("/") for url in urls)
        self._prefixes = tuple(path for path in paths if path)
        self._prefix = urlsplit(urls[0]).path.rstrip("/")
        self._urls = urls

    def prefix_of(self, path: str) -> str:
        """What of a path belongs to the URL of the node; empty if nothing does."""
        self._follow()
        for prefix in self._prefixes:
            if path.startswith(f"{prefix}/"):
                return prefix
        return ""

    def base_url(self, scope: Scope) -> str:
        """The URL under which the requester reaches this node, for links.

        Args:
            scope: of the ASGI request.

        Raises:
            MisdirectedError: the request is for another host.
            BadRequestError: a trusted proxy says that it came over plain HTTP.
        """
        host = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
                break
        if self._proxies and self._is_trusted(scope):
            forwarded = _forwarded(scope["headers"])
            if forwarded.get(b"x-forwarded-proto", b"https").lower() != b"https":
                raise BadRequestError("this host is reached over https only")
            host = forwarded.get(b"x-forwarded-host", host)
        known = self._remembered.get(host)
        if known is None:
            known = self._decide(host)
            if len(self._remembered) < MAX_REMEMBERED:
                self._remembered[host] = known
        return known

    def client_address(self, scope: Scope) -> str | None:
        """The address that a request comes from, as far as that is known.

        Behind a trusted proxy it is the last one in `X-Forwarded-For` that is not a trusted proxy
        itself: what stands before it was written by somebody else.

        Args:
            scope: of the ASGI request.

        Returns:
            an address; `None` when only that of a proxy is known.
        """
        client = scope.get("client")
        address = None if client is None else _address(client[0])
        if address is None or not self._trusts(address):
            return None if address is None or self._behind_proxy else str(address)
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = b",".join(values).decode("latin-1").rsplit(",", MAX_HOPS)
        for hop in reversed(hops[-MAX_HOPS:]):
            forwarded = _address(_without_port(hop.strip()))
            if forwarded is None or not self._trusts(forwarded):
                return None if forwarded is None else str(forwarded)
        return None

    def _decide(self, host: bytes) -> str:
        try:
            asked = _Authority.parse(host.decode("ascii").lower())
        except (UnicodeDecodeError, ValueError):
            raise MisdirectedError("the Host header is missing or malformed") from None
        for own, url in self._own:
            if asked.host == own.host and asked.port in (None, own.port):
                return url
        for allowed in self._allowed:
            if asked.host == allowed.host and allowed.port in (None, asked.port or HTTPS_PORT):
                return f"https://{host.decode('ascii').lower()}{self._prefix}"
        raise MisdirectedError("this host does not answer for the one named in the Host header")

    def _is_trusted(self, scope: Scope) -> bool:
        client = scope.get("client")
        address = None if client is None else _address(client[0])
        return address is not None and self._trusts(address)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # What a socket for both families says of IPv4.
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(hop: str) -> str:
    """`ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`: proxies write all of these."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _authority(url: str) -> _Authority:
    parts = urlsplit(url)
    return _Authority(parts.hostname or "", parts.port or HTTPS_PORT)


def _forwarded(headers: Headers) -> dict[bytes, bytes]:
    """The forwarded headers; of several values the last, which the nearest proxy wrote."""
    wanted = (b"x-forwarded-proto", b"x-forwarded-host")
    return {name: value.rsplit(b",", 1)[-1].strip() for name, value in headers if name in wanted}
