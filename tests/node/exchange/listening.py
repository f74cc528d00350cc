"""A server of a test, of which nothing is left when it ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    handle: Handler, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Handle connections, and close each before the loop ends: what is left open would be found by
    the garbage collector, in some other test. The port."""
    open_connections: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_connections.add(asyncio.current_task())
        with suppress(OSError, EOFError):
            await handle(reader, writer)
        writer.close()
        with suppress(OSError):  # the other side was gone before
            await writer.wait_closed()

    server = await asyncio.start_server(connected, host, port, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    async with asyncio.timeout(10):
        await asyncio.gather(*filter(None, open_connections))
        # What failed in its handshake never got here; the loop closes it in its next rounds.
        await asyncio.sleep(0.01)
