"""A reverse proxy that can be told to lie: what a footprint has to survive."""

from __future__ import annotations

import http.client
import http.server
import ssl
import threading
from types import TracebackType
from typing import Self

__all__ = ["TamperingProxy"]

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
HOST = "localhost"


class TamperingProxy:
    """Ends TLS in front of a node and, while `replacing` is set, changes what it answers.

    Args:
        port: where it listens on 127.0.0.1.
        upstream_port: where the node listens.
        server_context: the proxy's certificate.
        client_context: how it trusts the node.
    """

    def __init__(
        self,
        port: int,
        upstream_port: int,
        *,
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
    ) -> None:
        self.replacing: tuple[bytes, bytes] | None = None
        self.replaced = 0
        self.upstream_port = upstream_port
        self.client_context = client_context
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.socket = server_context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name="tampering-proxy"
        )

    def tamper(self, body: bytes) -> bytes:
        """What goes out instead of a body."""
        if self.replacing is None or self.replacing[0] not in body:
            return body
        self.replaced += 1
        return body.replace(*self.replacing)

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
        """Quiet: a client that hangs up is none of the demo's business."""


def _handler(proxy: TamperingProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Quiet: the demo narrates."""

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            # Compressed answers could not be changed.
            headers["Accept-Encoding"] = "identity"
            upstream = http.client.HTTPSConnection(
                HOST, proxy.upstream_port, timeout=30, context=proxy.client_context
            )
            try:
                upstream.request(self.command, self.path, body=body or None, headers=headers)
                answer = upstream.getresponse()
                content = proxy.tamper(answer.read())
            except OSError:
                answer, content = None, b""
            finally:
                upstream.close()
            self.send_response(answer.status if answer else http.HTTPStatus.BAD_GATEWAY)
            for name, value in answer.getheaders() if answer else ():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = pass_on  # noqa: N815 - as the base class calls them

    return Handler
