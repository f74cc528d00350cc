"""Committing the work of many callers at once: they wait for the disk together.

A transaction ends with one wait for the disk, some milliseconds. Whoever comes while others are
being written waits for the next transaction anyway, so all who wait share it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlmodel import Session

__all__ = ["Together"]

T = TypeVar("T")
Work = Callable[[Session], T]

# More would keep others from writing for too long.
MOST_AT_ONCE = 64


class _Waiting(NamedTuple):
    order: int
    work: Work[Any]
    future: asyncio.Future[Any]


class Together:
    """Collects work while the transaction before it is written.

    Args:
        write: runs work in a transaction of its own.
    """

    def __init__(self, write: Callable[[Work[Any]], Awaitable[Any]]) -> None:
        self._write = write
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, work: Work[T], *, order: int = 0) -> T:
        """Run work in a transaction with what others have to write; return when it is committed.

        If any of them fails, all are run again, each by itself: a failure is nobody else's.

        Args:
            work: what to do.
            order: the id of the row that it locks. Another host has transactions such as this one,
                and if each locked in the order in which work came, each could wait for the other.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(order, work, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                batch.sort(key=lambda one: one.order)
                await self._commit([one.work for one in batch], [one.future for one in batch])
        finally:
            self._task = None
            for one in batch:
                one.future.cancel()  # nothing, unless this task was cancelled

    async def _commit(
        self, works: Sequence[Work[Any]], futures: Sequence[asyncio.Future[Any]]
    ) -> None:
        def all_of_them(session: Session) -> list[Any]:
            return [work(session) for work in works]

        tried = await asyncio.gather(self._write(all_of_them), return_exceptions=True)
        results: Sequence[Any] = tried
        if not isinstance(tried[0], BaseException):
            results = tried[0]
        elif len(works) > 1:
            results = await asyncio.gather(*map(self._write, works), return_exceptions=True)
        for future, result in zip(futures, results, strict=True):
            if future.done():  # whoever waited for it has gone
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
