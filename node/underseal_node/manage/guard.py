"""Who may use the management listener: whoever has the operator token, and asks this very host."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from underseal_node.manage.errors import refused

__all__ = ["Guard"]

HEALTH = "/health"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


class Guard:
    """Plain ASGI middleware in front of everything.

    The `Host` is checked because a page in the operator's browser can have a name of its own that
    resolves to 127.0.0.1; the token is one that such a page does not have.

    Args:
        app: what is behind it.
        token: of the operator.
        hosts: answered for, beside the loopback addresses.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {*LOOPBACK, *(host.lower() for host in hosts if host not in EVERY_ADDRESS)}
        self._has_every_address = not EVERY_ADDRESS.isdisjoint(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (or the lifespan of the application)."""
        if scope["type"] != "http" or scope["path"] == HEALTH:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not self._is_for_us(headers.get(b"host", b"")):
            refusal = refused(421, "this host does not answer for the one in the Host header")
        elif not self._is_operator(headers.get(b"authorization", b"")):
            refusal = refused(
                401,
                "the operator token is missing or wrong",
                "It is in secrets/operator.token in the home of the node.",
            )
        else:
            await self._app(scope, receive, send)
            return
        await refusal(scope, receive, send)

    def _is_for_us(self, host: bytes) -> bool:
        if self._has_every_address:
            return True
        name = host.decode("latin-1").lower()
        name = name if name.endswith("]") else name.rsplit(":", 1)[0] or name
        return name in self._hosts

    def _is_operator(self, authorization: bytes) -> bool:
        scheme, _, token = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)
