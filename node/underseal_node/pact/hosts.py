"""Which hosts this node answers for, and what a proxy in front of it may say.

Links are built from the node's URL, never from a header that anybody can set. A request for another
host gets 421 (RFC 9110 section 15.5.20), unless the host is one of `allowed_hosts`. `X-Forwarded-*`
count only when they come from the address of a trusted proxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.types import Scope

from underseal_node.pact.errors import BadRequestError, MisdirectedError

__all__ = ["HostPolicy"]

Headers = Sequence[tuple[bytes, bytes]]
HTTPS_PORT = 443
MAX_REMEMBERED = 64


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
        url: of the node, `https://HOST[:PORT][/PATH]`.
        allowed_hosts: further hosts, `HOST` (any port) or `HOST:PORT`.
        trusted_proxies: addresses or networks whose forwarded headers count.
    """

    def __init__(
        self, url: str, allowed_hosts: Iterable[str] = (), trusted_proxies: Iterable[str] = ()
    ) -> None:
        parts = urlsplit(url)
        self.url = url
        self.prefix = parts.path.rstrip("/")
        self._own = _Authority(parts.hostname or "", parts.port or HTTPS_PORT)
        self._allowed = [_Authority.parse(host.lower()) for host in allowed_hosts]
        self._proxies = [ip_network(address, strict=False) for address in trusted_proxies]
        self._remembered: dict[bytes, str] = {}

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

    def _decide(self, host: bytes) -> str:
        try:
            asked = _Authority.parse(host.decode("ascii").lower())
        except (UnicodeDecodeError, ValueError):
            raise MisdirectedError("the Host header is missing or malformed") from None
        if asked.host == self._own.host and asked.port in (None, self._own.port):
            return self.url
        for allowed in self._allowed:
            if asked.host == allowed.host and allowed.port in (None, asked.port or HTTPS_PORT):
                return f"https://{host.decode('ascii').lower()}{self.prefix}"
        raise MisdirectedError("this host does not answer for the one named in the Host header")

    def _is_trusted(self, scope: Scope) -> bool:
        client = scope.get("client")
        if client is None:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def _forwarded(headers: Headers) -> dict[bytes, bytes]:
    """The forwarded headers; of several values the last, which the nearest proxy wrote."""
    wanted = (b"x-forwarded-proto", b"x-forwarded-host")
    return {name: value.rsplit(b",", 1)[-1].strip() for name, value in headers if name in wanted}
