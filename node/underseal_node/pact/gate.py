"""What happens to every request before it reaches an endpoint, as plain ASGI middleware."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from underseal_node.metrics import RequestCounts
from underseal_node.pact.errors import WireError, refusal
from underseal_node.pact.hosts import HostPolicy

__all__ = ["BASE_URL", "Gate"]

# Where the endpoints find the URL that the requester reaches this node under.
BASE_URL = "underseal.base_url"

HEALTH = "/health"


class Gate:
    """Refuses requests for other hosts, takes the path of the node's URL off, counts requests.

    Args:
        app: what is behind it.
        hosts: which hosts are answered for.
        counts: where requests are counted.
        templates: the path template of each endpoint, to count under.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: HostPolicy,
        counts: RequestCounts,
        templates: Mapping[object, str],
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._prefix = hosts.prefix
        self._inside = f"{hosts.prefix}/"
        self._counts = counts
        self._templates = templates

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
            route = self._templates.get(scope.get("endpoint"), "none")
            self._counts.count(scope["method"], route, status, perf_counter() - started)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self._prefix and path.startswith(self._inside):
            scope["root_path"] = self._prefix
            path = path[len(self._prefix) :]
        # Load balancers ask for it by address.
        if path != HEALTH:
            try:
                scope[BASE_URL] = self._hosts.base_url(scope)
            except WireError as error:
                await refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
