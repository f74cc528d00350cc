"""What happens to every request before it reaches an endpoint: an ASGI application around all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from underseal_node.errors import NodeError
from underseal_node.metrics import RequestCounts
from underseal_node.pact.errors import Refuse, internal_error
from underseal_node.pact.hosts import HostPolicy
from underseal_protocol.errors import ProtocolError

__all__ = ["ANSWERED", "BASE_URL", "Gate", "HotRoutes"]

# Where the endpoints find the URL that the requester reaches this node under.
BASE_URL = "underseal.base_url"
# Where the hot endpoints say the status of what they are about to send: counting what passes would
# be two more steps for each.
ANSWERED = "underseal.answered"

HEALTH = "/health"


@dataclass(frozen=True)
class HotRoutes:
    """The two endpoints that nearly all requests go to.

    Attributes:
        path: of the list; one item is under it.
        of_list: serves the list.
        of_one: serves the item named by the path parameter `id`.
    """

    path: str
    of_list: ASGIApp
    of_one: ASGIApp


class Gate:
    """Refuses requests for other hosts, takes the path of the node's URL off, counts requests.

    The hot routes are called from here: on their way through the middleware and the router a third
    of their time would go. They are routes like the others too, for other methods and for the
    description.

    Args:
        app: what is behind it.
        hosts: which hosts are answered for.
        hot: the routes that are not left to `app`.
        counts: where requests are counted.
        templates: the path template of each endpoint, to count under.
        refuse: answers what is refused on the way to a hot route, or before.

    Attributes:
        counts: where requests are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: HostPolicy,
        hot: HotRoutes,
        counts: RequestCounts,
        templates: Mapping[object, str],
        refuse: Refuse,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._hot = hot
        self._items = f"{hot.path}/"
        self.counts = counts
        self._templates = templates
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (or the lifespan of the application)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status, has_begun = 500, False

        async def counted(message: Message) -> None:
            nonlocal status, has_begun
            if message["type"] == "http.response.start":
                status, has_begun = message["status"], True
            await send(message)

        try:
            app = self._admit(scope)
            is_hot = app is self._hot.of_list or app is self._hot.of_one
            await app(scope, receive, send if is_hot else counted)
        except (NodeError, ProtocolError) as error:
            await self._refuse(scope, error)(scope, receive, counted)
        except Exception:
            if not has_begun and ANSWERED not in scope:
                await internal_error()(scope, receive, counted)
            raise  # the server logs it
        finally:
            route = self._templates.get(scope.get("endpoint"), "none")
            answered = scope.get(ANSWERED, status)
            self.counts.count(scope["method"], route, answered, perf_counter() - started)

    def _admit(self, scope: Scope) -> ASGIApp:
        """What handles a request.

        Raises:
            WireError: it is for another host.
        """
        path = scope["path"]
        prefix = self._hosts.prefix_of(path)
        if prefix:
            scope["root_path"] = prefix
            path = path[len(prefix) :]
        if path == HEALTH:  # load balancers ask for it by address
            return self._app
        scope[BASE_URL] = self._hosts.base_url(scope)
        if scope["method"] != "GET" or not path.startswith(self._hot.path):
            return self._app
        item = path.removeprefix(self._items)
        if path == self._hot.path:
            found = self._hot.of_list
        elif item and item != path and "/" not in item:
            found = self._hot.of_one
            scope["path_params"] = {"id": item}
        else:
            return self._app
        scope["endpoint"] = found
        return found
