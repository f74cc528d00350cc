"""Tells the background workers of a process when there is something to do for them.

They look at the database several times a second. One short look for all of them costs an idle node
a small part of what each one's own queries would.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from underseal_node.node import Node
from underseal_node.store.work import Work, waiting_work

__all__ = ["Watch", "wait"]

EVERYTHING = frozenset(Work)


class Watch:
    """Looks for work, at most once in each pause, whoever of the workers asks.

    Args:
        node: its clock and settings decide what is due and how often to look.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._found: set[Work] = set()
        self._looked_at = -float("inf")
        self._looking = asyncio.Lock()

    async def until_due(
        self, work: Work, stop: asyncio.Event, *, max_pause_seconds: float | None = None
    ) -> None:
        """Wait until there is work of a kind, or the end of all work.

        Between two rounds of a worker there is always a pause: what is under way is due, too.

        Args:
            work: what the worker does.
            stop: the end of all work.
            max_pause_seconds: look at least so often, whatever the settings say.
        """
        pause = self._node.settings.worker_poll_seconds
        if max_pause_seconds is not None:
            pause = min(pause, max_pause_seconds)
        while True:
            await wait(stop, pause)
            if stop.is_set():
                return
            async with self._looking:
                await self._look(pause / 2)
                if work in self._found:
                    self._found.discard(work)
                    return

    async def _look(self, fresh_seconds: float) -> None:
        """Ask the database, unless another worker has just done so."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < fresh_seconds:
            return
        try:
            self._found |= await self._node.store.read(
                lambda session: waiting_work(session, self._node.now())
            )
        except SQLAlchemyError:
            self._found |= EVERYTHING  # each worker says what it cannot do now
        self._looked_at = now


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait for the end of the work, but not longer than this."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
