"""Looking after a job of the node until it has ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from underseal_cli import output
from underseal_cli.manage_client import Manage, segment

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["UNDER_WAY", "Job", "Look", "bars", "line_now_and_then", "watched"]

FIRST_POLL_SECONDS = 0.05
MAX_POLL_SECONDS = 1.0
LINE_SECONDS = 10.0
UNDER_WAY = ("waiting", "running")

Job: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[Job], None]
"""Shows how a job stands."""


def watched(manage: Manage, path: str, job: Job, look: Look) -> Job:
    """Look after a job until it has ended, less often the longer it takes.

    Args:
        manage: the node.
        path: of its jobs.
        job: as it was when it began.
        look: called now and then, and with what came out.
    """
    pause_seconds = FIRST_POLL_SECONDS
    while job["state"] in UNDER_WAY:
        look(job)
        time.sleep(pause_seconds)
        pause_seconds = min(1.5 * pause_seconds, MAX_POLL_SECONDS)
        job = manage.get(f"{path}/{segment(job['id'])}")
    look(job)
    return job


@contextmanager
def bars(*, is_counted: bool) -> Iterator[Progress | None]:
    """What is being done, and for how long, where somebody looks at a terminal; elsewhere nothing.

    Args:
        is_counted: whether it is known how much there is to do, so that a bar can show it.
    """
    if not output.is_terminal(sys.stderr):
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    bar = (BarColumn(),) if is_counted else ()
    shown = SpinnerColumn(), text, *bar, TimeElapsedColumn()
    with Progress(*shown, console=output.console(sys.stderr), transient=True) as progress:
        yield progress


def line_now_and_then(lines: Callable[[Job], Iterable[str]]) -> Look:
    """Lines on the terminal at long intervals while a job is under way.

    Args:
        lines: that say how it stands.
    """
    last = time.monotonic()

    def look(job: Job) -> None:
        nonlocal last
        if job["state"] in UNDER_WAY and time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            output.warn(*lines(job))

    return look
