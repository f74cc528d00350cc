"""Admitting whoever has applied to a roster of this node: who that is, and then, checked, done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import (
    YES,
    Json,
    instant,
    is_hinted,
    page_of_member,
    partners_of,
    read_as,
    rosters_of,
    token_of,
)
from underseal_protocol.roster.statements import ApplicationStatement, read_application

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]


async def _ask(visit: Visit) -> Response:
    return _asking(visit)


def _asking(visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = "") -> Response:
    values = {"refusal": refusal, "typed": {"application": pasted}}
    return visit.page("rosters/admit.html", values, 200 if refusal is None else refusal.status)


async def _look(visit: Visit) -> Response:
    """Who has applied; nobody is admitted yet."""
    token = ""
    try:
        token = token_of(visit, "application")
        asked: ApplicationStatement = read_as(read_application, token)
    except ApiRefusedError as error:
        return _asking(visit, error, token or visit.form.one("application"))
    return await _confirming(visit, asked)


async def _admit(visit: Visit) -> Response:
    """Admit it: somebody has checked who it is."""
    token = visit.form.one("application")
    try:
        asked: ApplicationStatement = read_as(read_application, token)
    except ApiRefusedError as error:
        return _asking(visit, error, token)
    body = {"application": token, "again": visit.form.one("again") == YES}
    try:
        made = await visit.api.post("/rosters/admit", body)
    except ApiRefusedError as error:
        return await _confirming(visit, asked, error)
    text = visit.text("%(entity)s is admitted. Send it its admission.", entity=made["entity"])
    roster = asked.roster
    epoch = {"name": roster.name, "notBefore": instant(roster.not_before)}
    return visit.done(page_of_member(epoch, made["url"]), text)


async def _confirming(
    visit: Visit, asked: ApplicationStatement, refusal: ApiRefusedError | None = None
) -> Response:
    roster, member = asked.roster, asked.member
    kept = (await rosters_of(visit)).kept
    known = [
        one
        for epoch in kept
        if epoch["name"] == roster.name
        for one in epoch["members"]
        if member.url == one["url"] or member.entity == one["entity"]
    ]
    partners = await partners_of(visit)
    values: dict[str, Any] = {
        "refusal": refusal,
        "token": asked.token,
        "member": member,
        "roster": roster,
        "is_ours": roster.issuer == partners.own,
        "first": instant(roster.not_before),
        "last": instant(roster.not_after),
        "partner": partners.name(member.url) if partners.signs(member.url) else None,
        "was_removed": _was_removed(known) or is_hinted(refusal, "--again"),
        "typed": visit.form.typed(),
    }
    return visit.page(
        "rosters/admit_confirm.html", values, 200 if refusal is None else refusal.status
    )


def _was_removed(known: Sequence[Json]) -> bool:
    """Whether the newest admission of somebody was its last, as the operator has decided."""
    newest = max(known, key=lambda one: one["admittedAt"], default=None)
    return newest is not None and "removedAt" in newest


PAGES = {"/rosters/admit": _ask}
ACTIONS = {"/rosters/admit/confirm": _admit}
UPLOADS = {"/rosters/admit": _look}
