"""Trusting a roster: what it is, whose it is by its signature or its fingerprint, and then done."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import (
    MEANINGS,
    TRUSTED,
    instant,
    is_hinted,
    page_of_trusted,
    partners_of,
    read_as,
    rosters_of,
    sent,
    token_of,
)
from underseal_node.console.sharing import RefusedHereError
from underseal_protocol.roster.statements import RosterStatement, fingerprint, read_roster

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

NOT_UNDERSTOOD, MISSING = 400, 422


async def _ask(visit: Visit) -> Response:
    return _asking(visit)


def _asking(visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = "") -> Response:
    values = {"refusal": refusal, "typed": {"roster": pasted}, "meaning": MEANINGS[TRUSTED]}
    return visit.page("rosters/trust.html", values, 200 if refusal is None else refusal.status)


async def _look(visit: Visit) -> Response:
    """What the file says; nothing is trusted yet."""
    token = ""
    try:
        token = token_of(visit, "roster")
        shown: RosterStatement = read_as(read_roster, token)
    except ApiRefusedError as error:
        return _asking(visit, error, token or visit.form.one("roster"))
    return await _confirming(visit, shown)


async def _trust(visit: Visit) -> Response:
    """Trust it, by the signature of a partner or by the fingerprint that somebody was told."""
    token, compared = visit.form.one("roster"), visit.form.one("fingerprint")
    try:
        shown: RosterStatement = read_as(read_roster, token)
    except ApiRefusedError as error:
        return _asking(visit, error, token)
    body = {"roster": token} | ({"fingerprint": compared} if compared else {})
    try:
        if not compared and not (await partners_of(visit)).signs(shown.roster.issuer):
            message = visit.text("The fingerprint is missing.")
            hint = visit.text("Ask whoever keeps the roster for it, by another way than the file.")
            raise RefusedHereError(MISSING, message, hint)
        done = await visit.api.post("/rosters/trust", body)
    except ApiRefusedError as error:
        return await _confirming(visit, shown, error)
    text = visit.text(
        "The roster %(name)s is trusted. Sealed sums that are there already are judged again "
        "within a minute.", name=done["name"],
    )  # fmt: skip
    return visit.done(page_of_trusted(done), text)


async def _confirming(
    visit: Visit, shown: RosterStatement, refusal: ApiRefusedError | None = None
) -> Response:
    roster, partners = shown.roster, await partners_of(visit)
    values: dict[str, Any] = {
        "refusal": refusal,
        "token": shown.token,
        "roster": roster,
        "first": instant(roster.not_before),
        "last": instant(roster.not_after),
        "partner": partners.name(roster.issuer),
        "is_own": roster.issuer == partners.own,
        # Only where a signature decides: else somebody would copy it instead of asking for it. It
        # does not where the node knows of several peers that were at that address.
        "fingerprint": fingerprint(roster.key)
        if partners.signs(roster.issuer) and not is_hinted(refusal, "underseal peer revoke")
        else None,
        "meaning": MEANINGS[TRUSTED],
        "typed": visit.form.typed(),
    }
    return visit.page(
        "rosters/trust_confirm.html", values, 200 if refusal is None else refusal.status
    )


async def _show(visit: Visit) -> Response:
    return await _shown(visit)


async def _distrust(visit: Visit) -> Response:
    """Let its members' endorsements count no more."""
    if visit.form.one("do") != "distrust":
        raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
    body = {"name": visit.asked("roster"), "issuer": visit.asked("issuer")}
    try:
        done = await visit.api.post("/rosters/distrust", body)
    except ApiRefusedError as error:
        return await _shown(visit, error)
    text = visit.text("The roster %(name)s is not trusted any more.", name=done["name"])
    return visit.done("/rosters", text)


async def _shown(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    found = (await rosters_of(visit)).trust(visit.asked("issuer"), visit.asked("roster"))
    partners = await partners_of(visit)
    values = {
        "found": found,
        "meaning": MEANINGS[TRUSTED],
        "partner": partners.name(found["issuer"]),
        "path": page_of_trusted(found),
        "refusal": refusal,
    }
    return visit.page("rosters/trusted.html", values, 200 if refusal is None else refusal.status)


async def _statement(visit: Visit) -> Response:
    """What it came to be trusted by, for those who verify without a node."""
    found = (await rosters_of(visit)).trust(visit.asked("issuer"), visit.asked("roster"))
    return sent(found["statement"], "roster.jws")


PAGES = {
    "/rosters/trust": _ask,
    "/rosters/trusted": _show,
    "/rosters/trusted/file": _statement,
}
ACTIONS = {"/rosters/trust/confirm": _trust, "/rosters/trusted": _distrust}
UPLOADS = {"/rosters/trust": _look}
