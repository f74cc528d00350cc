"""Checking the whole audit log, as work that goes on when its page is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.audit_words import PROBLEMS
from underseal_node.console.job_pages import BUSY, UNAVAILABLE, job_path
from underseal_node.console.jobs import Busy, Job
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, moved

__all__ = ["PAGES", "UPLOADS"]

PATH = "/audit/verify"
VERIFY, AGAIN = _("Check of the audit log"), _("Verify once more")
STEP = _("Every entry is read, and compared with what was signed.")


@dataclass(frozen=True)
class LogChecked:
    """What came of a check.

    Attributes:
        check: as the node says it.
        file: name of what it was compared with, if anything.
    """

    check: Mapping[str, Any]
    file: str | None

    @property
    def is_refused(self) -> bool:
        """A log that is not whole is a result, too."""
        return False

    @property
    def template(self) -> str:
        """That shows it."""
        return "audit_checked.html"

    def shown(self, visit: Visit) -> Mapping[str, Any]:
        """Values for the template."""
        return {"check": self.check, "file": self.file, "kinds": PROBLEMS}

    def exported(self, visit: Visit) -> Response | None:
        """There is no list in it."""
        return None


async def _show(visit: Visit) -> Response:
    return visit.page("audit_verify.html", {"refusal": None, "mistake": None})


async def _verify(visit: Visit) -> Response:
    """Check the whole log, against what others hold as well if they have sent it."""
    file, api = visit.form.file("file"), visit.api
    content, name = (b"", None) if file is None else (file.content, file.name)

    async def work(job: Job) -> LogChecked:
        job.step = STEP
        return LogChecked(await api.upload(PATH, content), name)

    try:
        job = visit.jobs.start(visit.session, VERIFY, name or "", PATH, work, again=AGAIN)
    except Busy:
        return _refused(visit, None, UNAVAILABLE, visit.text(BUSY))
    if await visit.jobs.has_ended(job) and job.refusal is not None:
        visit.jobs.forget(job)
        return _refused(visit, job.refusal, job.refusal.status)
    return moved(job_path(job.id))


def _refused(
    visit: Visit, refusal: ApiRefusedError | None, status: int, mistake: str | None = None
) -> Response:
    return visit.page("audit_verify.html", {"refusal": refusal, "mistake": mistake}, status)


PAGES = {PATH: _show}
UPLOADS = {PATH: _verify}
