"""Pages of long work: what goes on, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.exports import exported
from underseal_node.console.jobs import MAX_ENDED, Job
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["BUSY", "PAGES", "UNAVAILABLE", "job_path"]

RELOAD_SECONDS = 2
NOT_FOUND, UNAVAILABLE = 404, 503
BUSY = _(
    "As much work is going on as the node takes at a time. Try again when some of it has ended."
)

COLUMNS = (
    Column("title", _("Of what"), link=lambda row: job_path(str(row["id"]))),
    Column("kind", _("Work"), "word"),
    Column("state", _("State"), "word"),
    Column("startedAt", _("Began"), "time"),
    Column("duration", _("Duration (min:s)")),
)
STATES = ("running", "done", "refused", "failed")


def job_path(job_id: str) -> str:
    """The page of a job."""
    return f"/jobs/{job_id}"


async def _list(visit: Visit) -> Response:
    state = visit.asked("state")
    rows = [_row(visit, one) for one in visit.jobs.all() if state in ("", one.state)]
    file = exported(visit, rows, COLUMNS, "work")
    if file is not None:
        return file
    options = [(one, visit.text(one)) for one in STATES]
    filters = [Filter("state", _("State"), options)]
    is_running = any(one.is_running for one in visit.jobs.all())
    return visit.page(
        "jobs.html",
        {
            "table": table_of(visit, rows, COLUMNS, filters),
            "most": MAX_ENDED,
            "reload_seconds": RELOAD_SECONDS if is_running else None,
        },
    )


async def _show(visit: Visit) -> Response:
    job = visit.jobs.find(visit.request.path_params["id"])
    if job is None:
        raise HTTPException(NOT_FOUND)
    if job.result is not None:
        file = job.result.exported(visit)
        if file is not None:
            return file
    values = {} if job.result is None else job.result.shown(visit)
    return visit.page(
        "job.html",
        {
            **values,
            "job": job,
            "is_here": job.is_of(visit.session),
            "duration": _duration(job, visit.now),
            "reload_seconds": RELOAD_SECONDS,
        },
    )


def _row(visit: Visit, job: Job) -> Row:
    return {
        "id": job.id,
        "title": job.title or visit.text(job.kind),
        "kind": job.kind,
        "state": job.state,
        "startedAt": job.started_at.isoformat(),
        "duration": _duration(job, visit.now),
    }


def _duration(job: Job, now: datetime) -> str:
    """Minutes and seconds."""
    passed = max((job.ended_at or now) - job.started_at, timedelta())
    minutes, seconds = divmod(int(passed.total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


PAGES = {"/jobs": _list, "/jobs/{id}": _show}
