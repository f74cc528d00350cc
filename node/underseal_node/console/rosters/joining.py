"""Becoming a member of a roster of somebody else: apply, and join by the admission."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import (
    APPLIED,
    MEANINGS,
    MEMBER,
    YES,
    is_hinted,
    page_of_joined,
    partners_of,
    rosters_of,
    sent,
    state_of,
    token_of,
)

__all__ = ["PAGES", "UPLOADS"]

JOINED = "joined"
LEI = "urn:lei:"


async def _apply(visit: Visit) -> Response:
    return await _applying(visit)


async def _apply_now(visit: Visit) -> Response:
    """Apply; what makes this node a member stays in it."""
    token = ""
    try:
        token = token_of(visit, "roster")
        instead = visit.form.one("instead") == YES
        body = {"roster": token, "entity": visit.form.one("entity"), "instead": instead}
        made = await visit.api.post("/rosters/apply", body)
    except ApiRefusedError as error:
        return await _applying(visit, error, token)
    text = visit.text("This node has applied. Send the application to whoever keeps the roster.")
    return visit.done(page_of_joined(made), text)


async def _applying(
    visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = ""
) -> Response:
    node = await visit.api.get("/node")
    leis = [one.removeprefix(LEI) for one in node["companyIds"] if one.startswith(LEI)]
    typed: dict[str, Any] = {"entity": next(iter(leis), "")}
    if refusal:
        typed = {**visit.form.typed(), "roster": pasted or visit.form.one("roster")}
    values = {
        "refusal": refusal,
        "typed": typed,
        "ids": node["companyIds"],
        "has_applied": is_hinted(refusal, "--instead"),
    }
    return visit.page("rosters/apply.html", values, 200 if refusal is None else refusal.status)


async def _join(visit: Visit) -> Response:
    return _joining(visit)


async def _join_now(visit: Visit) -> Response:
    """Become a member by what the keeper has sent."""
    token = ""
    try:
        token = token_of(visit, "admission")
        done = await visit.api.post("/rosters/join", {"admission": token})
    except ApiRefusedError as error:
        return _joining(visit, error, token or visit.form.one("admission"))
    text = visit.text("This node is a member of the roster %(name)s.", name=done["name"])
    return visit.done(page_of_joined(done), text)


def _joining(visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = "") -> Response:
    values = {"refusal": refusal, "typed": {"admission": pasted}}
    return visit.page("rosters/join.html", values, 200 if refusal is None else refusal.status)


async def _show(visit: Visit) -> Response:
    """A membership, or an application that waits for its answer."""
    found = (await rosters_of(visit)).membership(*_asked(visit))
    is_member = found["state"] == JOINED
    values = {
        "found": found,
        "is_member": is_member,
        "way": MEMBER if is_member else APPLIED,
        "meaning": MEANINGS[MEMBER if is_member else APPLIED],
        "state": state_of(visit, found),
        "partner": (await partners_of(visit)).name(found["issuer"]),
        "typed": {},
    }
    return visit.page("rosters/joined.html", values)


async def _application(visit: Visit) -> Response:
    """What the keeper needs."""
    found = (await rosters_of(visit)).membership(*_asked(visit))
    return sent(found["application"], "application.jws")


def _asked(visit: Visit) -> tuple[str, str, str]:
    return visit.asked("issuer"), visit.asked("roster"), visit.asked("from")


PAGES = {
    "/rosters/apply": _apply,
    "/rosters/join": _join,
    "/rosters/joined": _show,
    "/rosters/joined/application": _application,
}
UPLOADS = {"/rosters/apply": _apply_now, "/rosters/join": _join_now}
