"""Fetching pages ahead of whoever stores them.

Each page names the next, so they cannot be fetched side by side; but the next one can be on its way
while the ones before are verified and written. How much waits is bounded: when the database is
slower than the peer, the peer is asked for no more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from underseal_node.exchange.peer_client import FootprintPage

__all__ = ["PagesAhead"]

# With less than this waiting, one more page is asked for.
MAX_WAITING_BYTES = 16 * 1024 * 1024


class PagesAhead:
    """The pages of a source, in their order, fetched by a task of its own.

    What was fetched before the source failed still comes; the failure comes after it. Leaving the
    context ends the fetching.

    Args:
        source: fetches a page when it is asked for one.
        pages: how many are fetched at most while the one before them is in use.
    """

    def __init__(self, source: AsyncGenerator[FootprintPage, None], *, pages: int) -> None:
        self._source = source
        self._most = pages
        self._waiting: deque[FootprintPage] = deque()
        self._bytes = 0
        self._has_ended = False
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._fetch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None  # noqa: S101 - entered
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FootprintPage:
        """The next page.

        Raises:
            Exception: what the source raised instead of it.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._has_ended)
            if self._waiting:
                page = self._waiting.popleft()
                self._bytes -= _size(page)
                self._changed.notify_all()
                return page
        assert self._task is not None  # noqa: S101 - entered
        await self._task  # raises what made it end
        raise StopAsyncIteration

    async def _fetch(self) -> None:
        try:
            async with aclosing(self._source):
                await self._wait_for_room()
                async for page in self._source:
                    async with self._changed:
                        self._waiting.append(page)
                        self._bytes += _size(page)
                        self._changed.notify_all()
                    await self._wait_for_room()
        finally:
            self._has_ended = True
            async with self._changed:
                self._changed.notify_all()

    async def _wait_for_room(self) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self._waiting) < self._most and self._bytes < MAX_WAITING_BYTES
            )


def _size(page: FootprintPage) -> int:
    return sum(map(len, page.items))
