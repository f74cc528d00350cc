"""HTTP/1.1 of our listeners: uvicorn's protocol with limits on what comes before a request is one.

A request reaches the application when its head is complete. Until then the server collects what it
receives, so somebody without any credentials could fill its memory, or hold its connections. What
is bounded: heads in size, number of headers and time; bodies in time (in size by who reads them);
requests sent ahead; connections, in all and of one address; and how slowly an answer may be taken.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from enum import Enum, auto
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEAD_SECONDS", "MAX_HEADERS", "MAX_HEAD_BYTES", "BoundedHttp", "bounded_http"]

# Request line and headers; a token has 4 KiB at most, a query string 32 KiB.
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
HEAD_SECONDS = 30.0
# Longer than the endpoints wait for a body: this is for bodies that nobody reads.
BODY_SECONDS = 150.0
# Requests that wait for the answer to the one before; nearly nobody sends any ahead.
MAX_PIPELINED = 32
# While there is more to send than the client takes, it has to take so much in this time.
WATCH_SECONDS = 30.0
MIN_TAKEN_BYTES = 32 * 1024

REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class Phase(Enum):
    """What is being received on a connection."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class RefusedHeadError(Exception):
    """Ends the parsing of what has come."""


class BoundedHttp(HttpToolsProtocol):
    """Counts what has been received without a head having become complete, or a body having grown.

    That also bounds trailers, and the extensions of chunks.
    """

    max_connections: ClassVar[int | None] = None
    max_connections_per_address: ClassVar[int | None] = None
    connections_of: ClassVar[Counter[str]] = Counter()

    _unfinished_bytes = 0
    _phase = Phase.NOTHING
    _deadline: asyncio.TimerHandle | None = None
    _watch: asyncio.TimerHandle | None = None
    _refusal = (400, "")
    _address: str | None = None
    _is_paused = False
    _unsent_bytes: int | None = None  # as the last look saw it

    def connection_made(self, transport: Any) -> None:
        """A client has connected: its first head has to come in time."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.connections_of[self._address] += 1
        if self._is_one_too_many():
            transport.abort()
            return
        self._expect(HEAD_SECONDS)
        self._watch = self.loop.call_later(WATCH_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget_deadline()
        if self._watch is not None:
            self._watch.cancel()
        if self._address is not None:
            self.connections_of[self._address] -= 1
            if self.connections_of[self._address] <= 0:
                del self.connections_of[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless it is too much."""
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unfinished_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"the head of the request is larger than {MAX_HEAD_BYTES} bytes")
        elif self._deadline is None and self._phase is Phase.BODY:
            self._expect(BODY_SECONDS)
        elif self._deadline is None and (self._phase is Phase.HEAD or self._is_idle()):
            # Also for what is no request at all, such as empty lines.
            self._expect(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._unfinished_bytes = 0
        self._phase = Phase.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._unfinished_bytes = 0
        self._forget_deadline()
        if len(self.headers) > MAX_HEADERS:
            self._refusal = (431, f"the request has more than {MAX_HEADERS} headers")
            raise RefusedHeadError
        super().on_headers_complete()
        self._phase = Phase.BODY
        if len(self.pipeline) > MAX_PIPELINED:
            self._refusal = (400, f"more than {MAX_PIPELINED} requests were sent ahead")
            raise RefusedHeadError

    def on_body(self, body: bytes) -> None:
        """Part of a body; its size is limited by who reads it."""
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._phase = Phase.NOTHING
        self._forget_deadline()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """There is more to send than the client takes."""
        self._is_paused = True
        self._unsent_bytes = None
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has taken it."""
        self._is_paused = False
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused like everything else: with the Error object of PACT."""
        status, message = self._refusal
        self._refuse(status, message or msg)

    def _is_one_too_many(self) -> bool:
        if self.max_connections is not None and len(self.connections) > self.max_connections:
            return True
        most = self.max_connections_per_address
        return most is not None and self.connections_of[self._address or ""] > most

    def _is_idle(self) -> bool:
        """Nothing was asked for that has not been answered."""
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    def _expect(self, seconds: float) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(seconds, self._too_late, seconds)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self, seconds: float) -> None:
        self._deadline = None
        self._refuse(408, f"the request did not come within {seconds:.0f} seconds")

    def _look(self) -> None:
        """Cut off who does not take what was sent: it holds memory and a connection."""
        if not (self._is_paused or self.transport.is_closing()):
            self._unsent_bytes = None
        elif not self._has_taken_enough():
            self.transport.abort()
            return
        self._watch = self.loop.call_later(WATCH_SECONDS, self._look)

    def _has_taken_enough(self) -> bool:
        # Nothing is added while writing is paused or at its end, so this only becomes less.
        before, self._unsent_bytes = self._unsent_bytes, self.transport.get_write_buffer_size()
        return before is None or before - self._unsent_bytes >= MIN_TAKEN_BYTES

    def _refuse(self, status: int, message: str) -> None:
        """Answer and close; without an answer where that would look like the one to another."""
        if self.transport.is_closing():
            return
        is_of_this = self._phase is Phase.BODY and not self.pipeline
        if self._is_idle() or (is_of_this and not self.cycle.response_started):
            body = json.dumps({"code": "BadRequest", "message": message}).encode()
            head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n" % (
                status,
                REASONS[status],
            )
            length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(head + length + body)
        self.transport.close()


def bounded_http(*, max_connections: int, max_per_address: int | None) -> type[BoundedHttp]:
    """The protocol of one listener.

    Args:
        max_connections: at a time; further ones are closed at once.
        max_per_address: of one address; `None` where all come from a proxy.
    """
    limits: dict[str, Any] = {
        "max_connections": max_connections,
        "max_connections_per_address": max_per_address,
        "connections_of": Counter(),
    }
    return type("LimitedHttp", (BoundedHttp,), limits)
