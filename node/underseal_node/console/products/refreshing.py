"""Stale footprints beside what they would be now; publishing the successors that were confirmed.

Both may take long, and go on when their page is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Api, ApiRefusedError
from underseal_node.console.job_pages import BUSY, UNAVAILABLE, job_path
from underseal_node.console.jobs import Busy, Job, Work
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, moved, with_query
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.publishing import acknowledgement
from underseal_node.console.products.what_if import compared

__all__ = ["ACTIONS", "PAGES"]

PATH = "/products/refresh"
CONFLICT = 409
HUNDRED = Decimal(100)

COMPARE, PUBLISH = _("Comparison of old and new"), _("Publication of successors")
COMPARING = _("What is published is calculated anew.")
PUBLISHING = _("What was chosen is published.")
AGAIN = _("To what is stale now")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Refreshed:
    """What came of a comparison, or of a publication.

    Attributes:
        product: that was asked for; empty: all.
        found: what is stale, with what it would be.
        published: how many successors were published; None if none were to be.
        problems: what was to be published, and was not.
        refusal: why nothing was published.
        chosen: what was confirmed, by its digests.
        typed: what else was typed.
    """

    product: str
    found: Sequence[Json]
    published: int | None = None
    problems: Sequence[Json] = ()
    refusal: ApiRefusedError | None = None
    chosen: Sequence[str] = ()
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether something was to be published, and was not."""
        return self.refusal is not None or bool(self.problems)

    @property
    def template(self) -> str:
        """That shows it."""
        return "products/refresh_rows.html"

    @property
    def status(self) -> int:
        """Of HTTP."""
        if self.refusal is not None:
            return self.refusal.status
        return CONFLICT if self.problems else 200

    def shown(self, visit: Visit) -> dict[str, Any]:
        """Values for the template."""
        failed = {one["stale"]["footprint"]: one["problem"] for one in self.problems}
        return {
            "product": self.product,
            "rows": [_row(one, failed) for one in self.found],
            "chosen": self.chosen,
            "typed": self.typed,
            "refusal": self.refusal,
            "has_problems": bool(self.problems),
            "done": None if self.published is None else _done(visit, self.published),
        }

    def exported(self, visit: Visit) -> Response | None:
        """There is no list in it."""
        return None


async def _show(visit: Visit) -> Response:
    """What is stale; the page of the work if that takes long."""
    product, api = product_of(visit), visit.api

    async def work(job: Job) -> Refreshed:
        job.step = COMPARING
        return Refreshed(product, await _refreshed(api, product))

    job = visit.jobs.running(COMPARE, product)
    if job is None:
        try:
            job = _started(visit, COMPARE, work)
        except Busy:
            return _busy(visit)
    if not await visit.jobs.has_ended(job):
        return moved(job_path(job.id))
    if job.refusal is not None:
        raise job.refusal
    if not isinstance(job.result, Refreshed):
        return moved(job_path(job.id))
    visit.jobs.forget(job)
    return visit.page("products/refresh.html", job.result.shown(visit))


async def _publish(visit: Visit) -> Response:
    product, api, form = product_of(visit), visit.api, visit.form
    chosen = form.all("digest")
    if not chosen:
        message = visit.text(_("Nothing was chosen, so nothing was published."))
        return visit.done(_back(product), message)
    said, typed = acknowledgement(form), form.typed()

    async def work(job: Job) -> Refreshed:
        job.step = PUBLISHING
        try:
            done = await _refreshed(api, product, confirmed=chosen, **said)
        except ApiRefusedError as error:
            found = await _refreshed(api, product)
            return Refreshed(product, found, refusal=error, chosen=chosen, typed=typed)
        published = [one for one in done if one.get("published") and one["outcome"] != "unchanged"]
        problems = [one for one in done if one.get("problem") and one.get("figures")]
        job.step = COMPARING
        found = await _refreshed(api, product)
        return Refreshed(product, found, len(published), problems, None, chosen, typed)

    try:
        job = _started(visit, PUBLISH, work)
    except Busy:
        return _busy(visit)
    if not await visit.jobs.has_ended(job) or not isinstance(job.result, Refreshed):
        return moved(job_path(job.id))
    visit.jobs.forget(job)
    if job.result.is_refused:
        values = job.result.shown(visit)
        return visit.page("products/refresh.html", values, job.result.status)
    return visit.done(_back(product), _done(visit, job.result.published or 0))


def _started(visit: Visit, kind: str, work: Work) -> Job:
    product = product_of(visit)
    return visit.jobs.start(visit.session, kind, product, _back(product), work, again=AGAIN)


def _busy(visit: Visit) -> Response:
    form = visit.form
    typed = [(name, one) for name in form.texts if name != "csrf" for one in form.all(name)]
    values = {"message": BUSY, "here": _back(product_of(visit)), "typed": typed}
    return visit.page("products/busy.html", values, UNAVAILABLE)


async def _refreshed(api: Api, product: str, **more: Any) -> list[Json]:
    body = {**({"product": product} if product else {}), **more}
    found: list[Json] = (await api.post("/products/refresh", body))["data"]
    return found


def _row(one: Json, failed: Mapping[str, str]) -> dict[str, Any]:
    percent = one.get("changePercent")
    return {
        **one,
        "figures": {name: compared(figure) for name, figure in one["figures"].items()},
        "share": None if percent is None else format(Decimal(percent) / HUNDRED, "f"),
        "failed": failed.get(one["stale"]["footprint"]),
    }


def _done(visit: Visit, count: int) -> str:
    text: str = visit.language.translations.ngettext(
        "%(num)s successor was published.", "%(num)s successors were published.", count
    )
    return text % {"num": visit.language.number(count)}


def _back(product: str) -> str:
    return with_query(PATH, product=product or None)


PAGES = {PATH: _show}
ACTIONS = {PATH: _publish}
