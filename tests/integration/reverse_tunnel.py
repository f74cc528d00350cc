"""A reverse tunnel, as `ssh -R` makes one, with a TLS proxy at its public end.

The inside opens connections to the outside, never the other way round. Each waits there for a
visitor, and is then joined with one connection to the node; another takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

__all__ = ["Loop", "PublicEnd", "Tunnel"]

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
WAITING_CONNECTIONS = 4
PATIENCE_SECONDS = 30.0
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class PublicEnd:
    """The hosted machine: visitors come by TLS, tunnels come from inside.

    Args:
        public_port: for visitors.
        tunnel_port: for tunnels.
        context: the certificate of the public name.
    """

    def __init__(self, public_port: int, tunnel_port: int, context: ssl.SSLContext) -> None:
        self.public_port, self.tunnel_port, self._context = public_port, tunnel_port, context
        self._free: list[Streams] = []
        self._servers: list[asyncio.Server] = []
        self._visits: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        for accept, port, context in (
            (self._visitor, self.public_port, self._context),
            (self._tunnel, self.tunnel_port, None),
        ):
            self._servers.append(await asyncio.start_server(accept, HOST, port, ssl=context))

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._visits:
            await asyncio.wait(self._visits, timeout=PATIENCE_SECONDS / 2)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._free.append((reader, writer))

    async def _visitor(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.ensure_future(self._receive(reader, writer))
        self._writers.add(writer)
        self._visits.add(visit)
        await visit
        self._visits.discard(visit)
        self._writers.discard(writer)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._free:
            inner_reader, inner_writer = self._free.pop()
            if not inner_reader.at_eof() and not inner_writer.is_closing():
                await _join((reader, writer), (inner_reader, inner_writer))
                return
        with contextlib.suppress(OSError):
            await reader.read(CHUNK_BYTES)
            writer.write(BAD_GATEWAY)
            await writer.drain()
        await _close(writer)


class Tunnel:
    """The inside: keeps connections to the public end open until it is closed.

    Args:
        tunnel_port: of the public end.
        node_port: where the node speaks plain HTTP.
    """

    def __init__(self, tunnel_port: int, node_port: int) -> None:
        self._tunnel_port, self._node_port = tunnel_port, node_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        for _ in range(WAITING_CONNECTIONS):
            await self._wait_for_visitor()

    async def close(self) -> None:
        """Every connection ends, as when the cable is pulled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for_visitor(self) -> None:
        streams = await asyncio.open_connection(HOST, self._tunnel_port)
        task = asyncio.create_task(self._serve(*streams))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.read(CHUNK_BYTES)
            if not first:
                return
            await self._wait_for_visitor()
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self._node_port)
            inner_writer.write(first)
            await _join((reader, writer), (inner_reader, inner_writer))
        except OSError:
            return
        finally:
            await _close(writer)


async def _join(one: Streams, other: Streams) -> None:
    """Pass on what comes, both ways, until either side has ended."""
    ways = [asyncio.create_task(_pass_on(one[0], other[1]))]
    ways.append(asyncio.create_task(_pass_on(other[0], one[1])))
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for _, writer in (one, other):
            await _close(writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
