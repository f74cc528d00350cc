"""Work in the background of a process that is asked after by an id; the last of it is kept."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, Protocol, TypeVar

from underseal_node.errors import NotFoundError

__all__ = ["Jobs"]

KEPT_JOBS = 100


class _Named(Protocol):
    """A job."""

    id: str


J = TypeVar("J", bound=_Named)


class Jobs(ABC, Generic[J]):
    """The jobs of one kind."""

    def __init__(self) -> None:
        self._jobs: dict[str, J] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @abstractmethod
    def _unknown(self, job_id: str) -> NotFoundError:
        """What is said of one that is unknown, or too long ago."""

    def _begin(self, job: J, work: Coroutine[Any, Any, None]) -> J:
        """Have a job done, and forget the oldest that have ended."""
        self._jobs[job.id] = job
        self._tasks[job.id] = asyncio.create_task(work)
        done = [key for key, task in self._tasks.items() if task.done()]
        for key in done[: max(0, len(self._jobs) - KEPT_JOBS)]:
            del self._jobs[key], self._tasks[key]
        return job

    def get(self, job_id: str) -> J:
        """A job of this process.

        Raises:
            NotFoundError: it is unknown, or too long ago.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise self._unknown(job_id) from None

    async def finished(self, job_id: str) -> J:
        """Wait for the end of a job.

        Raises:
            NotFoundError: it is unknown.
        """
        job = self.get(job_id)
        await asyncio.wait([self._tasks[job_id]])
        return job

    async def aclose(self) -> None:
        """Stop what is running."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
