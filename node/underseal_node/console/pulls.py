"""Pulls: getting footprints of partners, and watching how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.received import can_be_pulled

__all__ = ["ACTIONS", "PAGES"]

KEPT = "pulls"
MOST_KEPT = 10
RELOAD_SECONDS = 2
STARTED = ("waiting", "running")
ENDED = ("done", "failed")
# Filters of which there may be several, one in a line.
LISTS = ("productId", "companyId", "geography", "classification")
MOMENTS = ("validOn", "validAfter", "validBefore")
STATUSES = ("Active", "Deprecated")


async def _form(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    partners = [one for one in (await visit.api.get("/peers"))["data"] if can_be_pulled(one)]
    chosen = visit.form.all("peer") or [visit.asked("peer")]
    values = {
        "partners": partners,
        "chosen": chosen,
        "typed": visit.form.typed(),
        "statuses": STATUSES,
        "last": await _last(visit),
        "refusal": refusal,
    }
    return visit.page("pulls.html", values, 200 if refusal is None else refusal.status)


async def _last(visit: Visit) -> list[Mapping[str, Any]]:
    """The pulls that were started in this session and that the node still knows."""
    found = []
    for job_id in visit.session.kept.get(KEPT, ()):
        try:
            found.append(await visit.api.get(f"/pulls/{segment(job_id)}"))
        except ApiRefusedError:  # the node was restarted, or it is too long ago
            continue
    return found


async def _start(visit: Visit) -> Response:
    form = visit.form
    criteria: dict[str, Any] = {name: form.one(name).splitlines() for name in LISTS}
    criteria = {
        name: [one.strip() for one in lines if one.strip()] for name, lines in criteria.items()
    }
    criteria["status"] = [one for one in form.all("status") if one in STATUSES]
    criteria |= {name: _moment(form.one(name)) for name in MOMENTS if form.one(name)}
    peers = form.all("peer")
    body = {"peers": peers, "everything": not peers, "criteria": criteria}
    try:
        job = await visit.api.post("/pulls", body)
    except ApiRefusedError as error:
        return await _page(visit, error)
    kept = [job["id"], *visit.session.kept.get(KEPT, ())]
    visit.session.kept[KEPT] = kept[:MOST_KEPT]
    return visit.done(f"/pulls/{segment(job['id'])}", visit.text(_("The pull has begun.")))


def _moment(text: str) -> str:
    """A day that was chosen, as the moment at which it begins in UTC."""
    return f"{text}T00:00:00Z" if len(text) == len("2026-01-01") else text


async def _show(visit: Visit) -> Response:
    job = await visit.api.get(f"/pulls/{visit.part('id')}")
    done = sum(one["state"] in ENDED for one in job["data"])
    values = {
        "job": job,
        "done": done,
        "reload_seconds": RELOAD_SECONDS if job["state"] in STARTED else None,
    }
    return visit.page("pull.html", values)


PAGES = {"/pulls": _form, "/pulls/{id}": _show}
ACTIONS = {"/pulls": _start}
