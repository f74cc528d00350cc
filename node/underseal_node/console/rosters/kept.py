"""Rosters that this node keeps: their epochs, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import (
    KEPT,
    MEANINGS,
    MEMBER,
    Rosters,
    page_of_kept,
    page_of_member,
    partners_of,
    rosters_of,
    sent,
    state_of,
)
from underseal_node.console.sharing import (
    RefusedHereError,
    instant_of,
    partner_path,
    words_of,
)
from underseal_node.console.tables import Column, Filter, Row, cut, table_of

__all__ = ["ACTIONS", "PAGES"]

NOT_UNDERSTOOD, INCOMPLETE = 400, 422
REMOVED = "removed"
EPOCHS = 12  # on a page


def _member_link(row: Row) -> str:
    return str(row["page"])


def _partner_link(row: Row) -> str | None:
    return partner_path(row["partner"]) if row["partner"] else None


COLUMNS = (
    Column("entity", _("Legal entity"), link=_member_link),
    Column("partner", _("Partner"), link=_partner_link),
    Column("url", _("Its node")),
    Column("admittedAt", _("Admitted"), "time"),
    Column("state", _("State"), "word"),
    Column("removedAt", _("Removed"), "time"),
)


async def _new(visit: Visit) -> Response:
    return await _beginning(visit)


async def _begin(visit: Visit) -> Response:
    """Begin an epoch; of a new roster, the first."""
    form = visit.form
    try:
        first, last = (instant_of(visit, form.one(name)) for name in ("notBefore", "notAfter"))
        if not form.one("name") or first is None or last is None:
            message = visit.text("A roster needs a name, and its epoch a beginning and an end.")
            raise RefusedHereError(INCOMPLETE, message)
        body = {"name": form.one("name"), "notBefore": first, "notAfter": last}
        made = await visit.api.post("/rosters", body)
    except ApiRefusedError as error:
        return await _beginning(visit, error)
    text = visit.text("The epoch is there. Send the file of the roster to members and readers.")
    return visit.done(page_of_kept(made), text)


async def _beginning(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    """The form; of a roster that is there, with the end of its newest epoch as the beginning."""
    name = visit.asked("roster")
    known = [one for one in (await rosters_of(visit)).kept if one["name"] == name]
    # As browsers write a time.
    begins = known[0]["notAfter"][:16] if known else ""
    values = {
        "refusal": refusal,
        "name": name if known else "",
        "typed": visit.form.typed() if refusal else {"name": name, "notBefore": begins},
    }
    return visit.page("rosters/new.html", values, 200 if refusal is None else refusal.status)


async def _show(visit: Visit) -> Response:
    """An epoch with its members."""
    known, partners = await rosters_of(visit), await partners_of(visit)
    name = visit.asked("roster")
    epoch = known.epoch(name, visit.asked("from"))
    rows = [
        {
            **one,
            "page": page_of_member(epoch, one["url"]),
            "partner": partners.name(one["url"]),
            "state": REMOVED if one.get("removedAt") else MEMBER,
        }
        for one in epoch["members"]
    ]
    state = visit.asked("state")
    rows = [one for one in rows if state in ("", one["state"])]
    file = exported(visit, rows, COLUMNS, "members")
    if file is not None:
        return file
    filters = [Filter("state", _("State"), words_of(visit, (MEMBER, REMOVED)))]
    epochs = known.epochs(name)
    values = {
        "epoch": epoch,
        "state": state_of(visit, epoch),
        "meaning": MEANINGS[KEPT],
        "epochs": cut(visit, epochs, "epochs", EPOCHS),
        "page_of": page_of_kept,
        "state_of": lambda one: state_of(visit, one),
        "table": table_of(visit, rows, COLUMNS, filters),
    }
    return visit.page("rosters/kept.html", values)


async def _statement(visit: Visit) -> Response:
    """An epoch as a file, for members and readers."""
    epoch = (await rosters_of(visit)).epoch(visit.asked("roster"), visit.asked("from"))
    return sent(epoch["statement"], "roster.jws")


async def _member(visit: Visit) -> Response:
    return await _one(visit)


async def _remove(visit: Visit) -> Response:
    """Do not admit it to another epoch."""
    if visit.form.one("do") != "remove":
        raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
    body = {"name": visit.asked("roster"), "member": visit.asked("member")}
    try:
        done = await visit.api.post("/rosters/remove", body)
    except ApiRefusedError as error:
        return await _one(visit, error)
    text = visit.text(
        "%(entity)s is not admitted to another epoch. It can endorse as a member for footprints "
        "created before %(time)s: a credential cannot be taken back.",
        entity=done["member"]["entity"], time=visit.language.time(done["endorsesUntil"]),
    )  # fmt: skip
    epoch = {"name": body["name"], "notBefore": visit.asked("from")}
    return visit.done(page_of_member(epoch, body["member"]), text)


async def _one(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    known = await rosters_of(visit)
    epoch, member = _member_of(known, visit)
    newest = _newest_with(known, epoch["name"], member["url"])
    values = {
        "epoch": epoch,
        "state": state_of(visit, epoch),
        "member": member,
        "partner": (await partners_of(visit)).name(member["url"]),
        "path": page_of_member(epoch, member["url"]),
        "list_path": page_of_kept(epoch),
        # It is removed from the epoch to which it was admitted last.
        "newest_path": None if newest is epoch else page_of_member(newest, member["url"]),
        "refusal": refusal,
    }
    return visit.page("rosters/member.html", values, 200 if refusal is None else refusal.status)


def _member_of(known: Rosters, visit: Visit) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    epoch = known.epoch(visit.asked("roster"), visit.asked("from"))
    wanted = visit.asked("member")
    for member in epoch["members"]:
        if member["url"] == wanted:
            return epoch, member
    raise HTTPException(404)


def _newest_with(known: Rosters, name: str, url: str) -> Mapping[str, Any]:
    """The newest epoch of a roster that a node was admitted to."""
    return next(
        one for one in known.epochs(name) if any(each["url"] == url for each in one["members"])
    )


async def _admission(visit: Visit) -> Response:
    """What the member joins by, once more."""
    _epoch, member = _member_of(await rosters_of(visit), visit)
    return sent(member["admission"], "admission.jws")


PAGES = {
    "/rosters/new": _new,
    "/rosters/kept": _show,
    "/rosters/kept/file": _statement,
    "/rosters/member": _member,
    "/rosters/member/admission": _admission,
}
ACTIONS = {"/rosters/new": _begin, "/rosters/member": _remove}
