"""Work side by side, one lane for each peer, in a limited number of places.

A slow or dead peer delays nobody else. A peer has one place at most, and those with which the last
attempt failed have half of the places at most. Where lanes do little but wait for their peers, one
that takes long gives its place to another, and counts among those that fail the next time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import structlog

__all__ = ["Lanes"]

log = structlog.get_logger(__name__)

# A lane that has been at work for longer waits for its peer.
PATIENCE_SECONDS = 1.0


class Lanes:
    """The lanes of one worker.

    Args:
        places: how many work at a time, beside those that only wait.
        work: what a lane does, given the id of its peer; it ends by itself.
        waiting: how many may wait for their peers without having a place, for each place; 0 if what
            takes long is work.
    """

    def __init__(
        self,
        places: int,
        work: Callable[[int], Coroutine[Any, Any, None]],
        *,
        waiting: int = 0,
    ) -> None:
        self._places = places
        self._most_waiting = places * waiting
        self._work = work
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._begun: dict[int, float] = {}
        self._struggling: set[int] = set()
        self._was_slow: set[int] = set()
        # In their order, which the numbers tell.
        self._next: deque[tuple[int, int]] = deque()
        self._next_struggling: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        """How many are at work."""
        return len(self._tasks)

    def start(self, waiting: Iterable[tuple[int, bool]]) -> None:
        """Start lanes as far as there are places, and the others as soon as there are.

        Args:
            waiting: ids of peers, the most urgent first, and whether the last attempt failed. They
                take the place of those that were given before and have not begun.
        """
        self._next.clear()
        self._next_struggling.clear()
        for number, (peer_id, has_failed) in enumerate(waiting):
            if peer_id not in self._tasks:
                struggles = has_failed or peer_id in self._was_slow
                (self._next_struggling if struggles else self._next).append((number, peer_id))
        self._fill()

    async def wait(self) -> None:
        """Wait until all that were given have begun and ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def finish(self, grace_seconds: float) -> None:
        """Begin nothing more, let them end, and cancel those that do not in time."""
        self._next.clear()
        self._next_struggling.clear()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _fill(self) -> None:
        """Give the places that are free to those that are next."""
        excused = self._excused()
        free = self._places - (len(self._tasks) - len(excused))
        free_struggling = max(1, self._places // 2) - len(self._struggling - excused)
        while free > 0:
            may_struggle = bool(self._next_struggling) and free_struggling > 0
            if may_struggle and (not self._next or self._next_struggling[0] < self._next[0]):
                _, peer_id = self._next_struggling.popleft()
                self._struggling.add(peer_id)
                free_struggling -= 1
            elif self._next:
                _, peer_id = self._next.popleft()
            else:
                return
            self._begin(peer_id)
            free -= 1

    def _excused(self) -> set[int]:
        """Those that only wait for their peers, as many as may."""
        limit = asyncio.get_running_loop().time() - PATIENCE_SECONDS
        overdue = [peer_id for peer_id, begun in self._begun.items() if begun < limit]
        return set(overdue[: self._most_waiting])

    def _begin(self, peer_id: int) -> None:
        task = asyncio.create_task(self._work(peer_id))
        self._tasks[peer_id] = task
        self._begun[peer_id] = asyncio.get_running_loop().time()
        task.add_done_callback(partial(self._leave, peer_id))

    def _leave(self, peer_id: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(peer_id, None)
        self._struggling.discard(peer_id)
        took = task.get_loop().time() - self._begun.pop(peer_id)
        if took > PATIENCE_SECONDS and self._most_waiting > 0:
            self._was_slow.add(peer_id)
        else:
            self._was_slow.discard(peer_id)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the work for a peer broke off", peer_id=peer_id, exc_info=error)
        self._fill()
