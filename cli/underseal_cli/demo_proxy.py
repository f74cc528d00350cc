"""A reverse proxy that can be told to lie: what a footprint has to survive."""

from __future__ import annotations

import http.client
import http.server
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

__all__ = ["Answer", "Fetch", "ReverseProxy", "TamperingProxy"]

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
HOST = "localhost"
PLAIN_HOST = "127.0.0.1"  # no certificate names it


@dataclass(frozen=True)
class Answer:
    """To a request."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    content: bytes = b""


Fetch = Callable[[], Answer]
"""Sends the request on to the node; 502 if it does not answer."""


class ReverseProxy:
    """Ends TLS in front of a node. What it does with a request is for subclasses to say.

    Args:
        port: where it listens on 127.0.0.1.
        upstream_port: where the node listens.
        server_context: the proxy's certificate.
        client_context: how it trusts the node; None: they speak plain HTTP.

    Attributes:
        request_headers: what the node gets instead of what the client sent.
    """

    request_headers: Mapping[str, str] = {}

    def __init__(
        self,
        port: int,
        upstream_port: int,
        *,
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext | None,
    ) -> None:
        self.upstream_port = upstream_port
        self.client_context = client_context
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.socket = server_context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name=type(self).__name__
        )

    def respond(self, fetch: Fetch) -> Answer | None:
        """The answer to one request; None closes the connection instead."""
        return fetch()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class TamperingProxy(ReverseProxy):
    """While `replacing` is set, changes what the node answers."""

    # Compressed answers could not be changed.
    request_headers: Mapping[str, str] = {"Accept-Encoding": "identity"}
    replacing: tuple[bytes, bytes] | None = None
    replaced = 0

    def respond(self, fetch: Fetch) -> Answer | None:
        """What the node answered, or something else."""
        answer = fetch()
        if self.replacing is None or self.replacing[0] not in answer.content:
            return answer
        self.replaced += 1
        return replace(answer, content=answer.content.replace(*self.replacing))


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: a client that hangs up is none of the demo's business."""


def _connection(proxy: ReverseProxy) -> http.client.HTTPConnection:
    if proxy.client_context is None:
        return http.client.HTTPConnection(PLAIN_HOST, proxy.upstream_port, timeout=30)
    return http.client.HTTPSConnection(
        HOST, proxy.upstream_port, timeout=30, context=proxy.client_context
    )


def _handler(proxy: ReverseProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Quiet: the demo narrates."""

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answer = proxy.respond(lambda: self.fetch(body))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def fetch(self, body: bytes) -> Answer:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            headers |= proxy.request_headers
            upstream = _connection(proxy)
            try:
                upstream.request(self.command, self.path, body=body or None, headers=headers)
                answer = upstream.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except OSError:
                return Answer(http.HTTPStatus.BAD_GATEWAY)
            finally:
                upstream.close()

        do_GET = do_POST = handle_request  # noqa: N815 - as the base class calls them

    return Handler
