"""Who may use the management listener: whoever has the operator token, and asks this very host."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from time import perf_counter

from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from underseal_node.errors import NodeError
from underseal_node.manage.errors import refusal, refused
from underseal_node.metrics import RequestCounts
from underseal_node.pact.access import read_body
from underseal_protocol.errors import ProtocolError
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["LOOPBACK", "MAX_JSON_BYTES", "Guard"]

HEALTH = "/health"
# Their visitors bring a session of their own, which the console checks; links to sign in are given
# to the operator only.
CONSOLE = re.compile(r"/console(?!/links$)(?:/.*)?", re.DOTALL)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound

# These read the body themselves, up to `max_import_bytes`.
UPLOADS = re.compile(
    r"/footprints/(?:import|[^/]+/supersede)|/(?:products|factors|energy|spend)/import|/drafts"
    r"|/audit/verify"
)
MAX_JSON_BYTES = 4 * 1024 * 1024


class Guard:
    """Plain ASGI middleware in front of everything; also counts requests.

    The `Host` is checked because a page in the operator's browser can have a name of its own that
    resolves to 127.0.0.1; the token is one that such a page does not have.

    Args:
        app: what is behind it.
        token: of the operator.
        hosts: answered for, beside the loopback addresses.
        counts: where requests are counted.
        max_json_depth: of bodies.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: SecretStr,
        hosts: Iterable[str],
        counts: RequestCounts,
        max_json_depth: int,
    ) -> None:
        self._app = app
        self._token = token.get_secret_value().encode()
        self._hosts = {*LOOPBACK, *(_in_header(host) for host in hosts)}
        self._has_every_address = not EVERY_ADDRESS.isdisjoint(hosts)
        self._counts = counts
        self._limits = JsonLimits(max_bytes=MAX_JSON_BYTES, max_depth=max_json_depth)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (or the lifespan of the application)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500  # unless a response has begun

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._admit(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._counts.count(scope["method"], route, status, perf_counter() - started)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"] == HEALTH:
            answer = self._app
        elif not self._is_for_us(headers.get(b"host", b"")):
            answer = refused(421, "this host does not answer for the one in the Host header")
        elif CONSOLE.fullmatch(scope["path"]):
            answer = self._app
        elif not self._is_operator(headers.get(b"authorization", b"")):
            answer = refused(
                401,
                "the operator token is missing or wrong",
                "It is in secrets/operator.token in the home of the node.",
                headers={"www-authenticate": "Bearer"},
            )
        elif UPLOADS.fullmatch(scope["path"]):
            answer = self._app
        else:
            try:
                body = await read_body(scope, receive, MAX_JSON_BYTES)
                if b"json" in headers.get(b"content-type", b"").lower():
                    loads(body, limits=self._limits)  # the framework's reader is less strict
                receive = _replayed(body, receive)
                answer = self._app
            except (NodeError, ProtocolError) as error:
                answer = refusal(error)
        await answer(scope, receive, send)

    def _is_for_us(self, host: bytes) -> bool:
        if self._has_every_address:
            return True
        name = host.decode("latin-1").lower()
        name = name if name.endswith("]") else name.rsplit(":", 1)[0]
        return name in self._hosts

    def _is_operator(self, authorization: bytes) -> bool:
        scheme, _, token = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)


def _in_header(host: str) -> str:
    """A bound host as it stands in a `Host` header."""
    return f"[{host.lower()}]" if ":" in host else host.lower()


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body that has been read, then what comes after it."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
