"""Long work that people start at the console: it goes on when their page is closed.

Jobs live in the memory of the management process. When that ends, those that are not finished are
gone, and nothing of them is in the database: each import is one transaction.
"""

from __future__ import annotations

import asyncio
import secrets
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import structlog
from starlette.responses import Response

from underseal_node.clock import Clock
from underseal_node.console.api import ApiRefusedError
from underseal_node.console.sessions import Session

if TYPE_CHECKING:  # pages show jobs
    from underseal_node.console.pages import Visit

__all__ = ["AT_ONCE_SECONDS", "MAX_ENDED", "MAX_RUNNING", "Busy", "Job", "Jobs", "Result", "Work"]

MAX_RUNNING = 4
MAX_ENDED = 20  # that are remembered, with what came of them
AT_ONCE_SECONDS = 2  # what ends within is answered without a page for waiting

log = structlog.get_logger(__name__)


class Busy(Exception):
    """There is as much work as the process takes at a time."""


class Result(Protocol):
    """What came of a job."""

    @property
    def is_refused(self) -> bool:
        """Whether the node refused what was to be done."""

    @property
    def template(self) -> str:
        """The template that shows it."""

    def shown(self, visit: Visit) -> Mapping[str, Any]:
        """Values for this template."""

    def exported(self, visit: Visit) -> Response | None:
        """It as a file, if the request asks for one."""


@dataclass(eq=False)
class Job:
    """A piece of work.

    Attributes:
        id: in its address.
        kind: what is done, marked for the catalogues.
        title: with what, such as the name of a file.
        path: the page that it was started from.
        again: what the way back there is called, marked for the catalogues; empty for a file that
            is imported.
        started_at: aware.
        step: what is being done at this moment, marked for the catalogues.
        state: of it.
        ended_at: aware.
        result: what came of it.
        refusal: why the node did not do it at all.
        owner: the session that it was started in.
    """

    id: str
    kind: str
    title: str
    path: str
    started_at: datetime
    again: str = ""
    step: str = ""
    state: Literal["running", "done", "refused", "failed"] = "running"
    ended_at: datetime | None = None
    result: Result | None = None
    refusal: ApiRefusedError | None = None
    owner: weakref.ref[Session] | None = field(default=None, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def is_of(self, session: Session) -> bool:
        """Whether it was started in a session."""
        return self.owner is not None and self.owner() is session

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.state == "running"


Work = Callable[[Job], Awaitable[Result]]


class Jobs:
    """The jobs of a management process.

    Args:
        clock: what time it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}

    def start(
        self, session: Session, kind: str, title: str, path: str, work: Work, *, again: str = ""
    ) -> Job:
        """Begin with something.

        Args:
            session: who starts it; all see it.
            kind: what is done, marked for the catalogues.
            title: with what; may be empty.
            path: the page that it is started from.
            again: see `Job`.
            work: does it; may tell its steps to the job.

        Raises:
            Busy: there is too much to do already.
        """
        if sum(one.is_running for one in self._jobs.values()) >= MAX_RUNNING:
            raise Busy
        ended = [one.id for one in self._jobs.values() if not one.is_running]
        for job_id in ended[: max(0, len(ended) + 1 - MAX_ENDED)]:
            del self._jobs[job_id]
        job = Job(secrets.token_urlsafe(9), kind, title, path, self._clock(), again)
        job.owner = weakref.ref(session)
        self._jobs[job.id] = job
        job.task = asyncio.get_running_loop().create_task(self._run(job, work))
        job.task.add_done_callback(_noticed)
        return job

    def find(self, job_id: str) -> Job | None:
        """A job by its id, if it is remembered."""
        return self._jobs.get(job_id)

    def running(self, kind: str, title: str) -> Job | None:
        """Work that goes on already."""
        same = (one for one in self._jobs.values() if (one.kind, one.title) == (kind, title))
        return next((one for one in same if one.is_running), None)

    def forget(self, job: Job) -> None:
        """What came of it has been shown, and nobody needs it any more."""
        self._jobs.pop(job.id, None)

    def all(self) -> Sequence[Job]:
        """Those that are remembered, the newest first."""
        return list(reversed(self._jobs.values()))

    async def has_ended(self, job: Job, seconds: float | None = None) -> bool:
        """Wait for the end of a job, though not for long.

        Args:
            job: one of these.
            seconds: how long; by default `AT_ONCE_SECONDS`.
        """
        if job.task is not None:
            await asyncio.wait({job.task}, timeout=AT_ONCE_SECONDS if seconds is None else seconds)
        return not job.is_running

    async def aclose(self) -> None:
        """End everything."""
        tasks = [one.task for one in self._jobs.values() if one.task and not one.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job, work: Work) -> None:
        try:
            job.result = await work(job)
            job.state = "refused" if job.result.is_refused else "done"
        except ApiRefusedError as error:
            job.state, job.refusal = "refused", error
        except Exception:
            log.exception("a job of the console failed", job=job.id, kind=job.kind)
            job.state = "failed"
            raise
        finally:
            job.ended_at = self._clock()


def _noticed(task: asyncio.Task[None]) -> None:
    """Nobody awaits a task; the page of its job says how it ended."""
    if not task.cancelled():
        task.exception()
