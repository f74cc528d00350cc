"""A reverse proxy that fails half of the time, in the ways in which networks and servers fail."""

from __future__ import annotations

import http.client
import http.server
import random
import ssl
import threading
from collections import Counter
from types import TracebackType
from typing import Self

__all__ = ["FlakyProxy"]

HOST = "localhost"
# What happens to a request, and how often. In two of them the node has seen it, and the sender does
# not learn that.
FATES = {"pass": 50, "refuse": 15, "hang up": 10, "lose answer": 15, "break answer": 10}
DROPPED = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class FlakyProxy:
    """Ends TLS in front of a node.

    Args:
        port: where it listens on 127.0.0.1.
        upstream_port: where the node listens.
        server_context: the proxy's certificate.
        client_context: how it trusts the node.
        seed: of the misfortune.
    """

    def __init__(
        self,
        port: int,
        upstream_port: int,
        *,
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
        seed: int = 1,
    ) -> None:
        self.fates: Counter[str] = Counter()
        self.upstream_port = upstream_port
        self.client_context = client_context
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.socket = server_context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name="flaky-proxy"
        )

    def fate(self) -> str:
        """What happens to the next request."""
        with self._lock:
            fate = self._random.choices(list(FATES), list(FATES.values()))[0]
            self.fates[fate] += 1
        return fate

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


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: breaking connections is the purpose."""


def _handler(proxy: FlakyProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            fate = proxy.fate()
            if fate == "hang up":
                self.close_connection = True
                return
            if fate == "refuse":
                self.answer(503, [], b"")
                return
            status, headers, content = self.pass_on(body)
            if fate == "lose answer":
                self.close_connection = True
            elif fate == "break answer":
                self.answer(500, [], b"")
            else:
                self.answer(status, headers, content)

        def pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
            upstream = http.client.HTTPSConnection(
                HOST, proxy.upstream_port, timeout=30, context=proxy.client_context
            )
            try:
                upstream.request(self.command, self.path, body=body or None, headers=headers)
                answer = upstream.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except OSError:
                return http.HTTPStatus.BAD_GATEWAY, [], b""
            finally:
                upstream.close()

        def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in DROPPED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_one

    return Handler
