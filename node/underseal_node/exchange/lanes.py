"""Work side by side, one lane for each peer, in a limited number of places.

A slow or dead peer delays nobody else: a peer has one place at most, and the peers with which the
last attempt failed have half of the places at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import structlog

__all__ = ["Lanes"]

log = structlog.get_logger(__name__)


class Lanes:
    """The lanes of one worker.

    Args:
        places: how many work at a time.
        work: what a lane does, given the id of its peer; it ends by itself.
    """

    def __init__(self, places: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        self._places = places
        self._work = work
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._struggling: set[int] = set()

    def __len__(self) -> int:
        """How many are at work."""
        return len(self._tasks)

    def start(self, waiting: Iterable[tuple[int, bool]]) -> None:
        """Start lanes as far as there are places.

        Args:
            waiting: ids of peers, the most urgent first, and whether the last attempt failed.
        """
        for peer_id, has_failed in waiting:
            if peer_id in self._tasks:
                continue
            if len(self._tasks) >= self._places:
                return
            if has_failed and len(self._struggling) >= max(1, self._places // 2):
                continue
            if has_failed:
                self._struggling.add(peer_id)
            task = asyncio.create_task(self._work(peer_id))
            self._tasks[peer_id] = task
            task.add_done_callback(partial(self._leave, peer_id))

    async def wait(self) -> None:
        """Wait until those that are at work now have ended."""
        await asyncio.gather(*self._tasks.values())

    async def finish(self, grace_seconds: float) -> None:
        """Let them end, and cancel those that do not in time."""
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _leave(self, peer_id: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(peer_id, None)
        self._struggling.discard(peer_id)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the work for a peer broke off", peer_id=peer_id, exc_info=error)
