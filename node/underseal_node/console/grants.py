"""Grants: all of them, and one: who may see what, at which level, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.exports import exported
from underseal_node.console.grant_bodies import NAMED, body_of, replaced
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.seal_words import SEALED, SEALED_TEXT
from underseal_node.console.sharing import (
    GRANT_COLUMNS,
    GRANTEES,
    done_with,
    instant_of,
    level_of,
    level_options,
    lines_of,
    number_part,
    partner_path,
    words_of,
)
from underseal_node.console.tables import Column, Filter, Row, table_of
from underseal_node.console.words import LEVELS

__all__ = ["ACTIONS", "PAGES"]

KINDS = ("all", *NAMED)
STATES = ("active", "future", "ended")
MINUTES = 16  # characters of a date and time, as a browser takes it
SAID_OF_TIME = ("starts", "ends")
SAID = ("terms", "purpose")
SAME = ("peer", "kind", "value", "level")


def _link(row: Row) -> str:
    return f"/grants/{row['id']}"


def _partner_link(row: Row) -> str:
    return partner_path(row["peer"])


COLUMNS = (
    Column("id", _("Grant"), "number", link=_link),
    Column("peer", _("Partner"), link=_partner_link),
    *GRANT_COLUMNS,
)


async def _list(visit: Visit) -> Response:
    found = (await visit.api.get("/grants"))["data"]
    wanted = {name: visit.asked(name) for name in ("peer", "kind", "level", "state")}
    wanted["peer"] = wanted["peer"].casefold()
    rows = [
        one
        for one in reversed(found)
        if all(value in ("", one[name], one[name].casefold()) for name, value in wanted.items())
    ]
    file = exported(visit, rows, COLUMNS, "grants")
    if file is not None:
        return file
    names = sorted({one["peer"] for one in found}, key=str.casefold)
    filters = [
        Filter("peer", _("Partner"), [(name, name) for name in names]),
        Filter("kind", _("What"), words_of(visit, KINDS)),
        Filter("level", _("Level"), words_of(visit, (*LEVELS, SEALED))),
        Filter("state", _("State"), words_of(visit, STATES)),
    ]
    return visit.page("grants.html", {"table": table_of(visit, rows, COLUMNS, filters)})


async def _add(visit: Visit) -> Response:
    return await _adding(visit)


async def _add_now(visit: Visit) -> Response:
    """Make grants, and go on at what the partner sees then."""
    form = visit.form
    try:
        body = {"peer": form.one("peer"), "level": _level(form.one("level"))}
        made = await visit.api.post("/grants", {**body, **_what(visit), **_terms(visit)})
    except ApiRefusedError as error:
        return await _adding(visit, error)
    name = made["data"][0]["peer"]
    said = [
        f"{one['value'] or one['kind']}: {one['warning']}"
        for one in made["data"]
        if one.get("warning")
    ]
    text = visit.text("It is granted. This is what %(name)s sees now.", name=name)
    return done_with(visit, f"{partner_path(name)}/preview", text, said)


def _level(text: str) -> str:
    """A level that was chosen, or the sealed sum."""
    return SEALED if text == SEALED else level_of(text)


def _what(visit: Visit) -> dict[str, Any]:
    kind, values = visit.form.one("kind"), lines_of(visit.form.one("values"))
    if kind == "all":
        return {"everything": True}
    return {NAMED.get(kind, "productIds"): values}


def _terms(visit: Visit) -> dict[str, str]:
    """Dates, terms, purpose and acknowledgement, as far as something was typed.

    Raises:
        ApiRefusedError: a date is none.
    """
    form = visit.form
    given = {name: instant_of(visit, form.one(name)) for name in SAID_OF_TIME}
    given |= {name: form.one(name) for name in (*SAID, "acknowledge", "consent")}
    return {name: value for name, value in given.items() if value}


async def _adding(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    peers = (await visit.api.get("/peers"))["data"]
    values = {
        "refusal": refusal,
        "typed": visit.form.typed() if refusal else _prefilled(visit),
        "peers": [(one["name"], one["name"]) for one in peers if one["state"] in GRANTEES],
        "kinds": words_of(visit, KINDS),
        "levels": [*level_options(visit), (SEALED, visit.text(SEALED_TEXT))],
    }
    return visit.page("grant_add.html", values, 200 if refusal is None else refusal.status)


def _prefilled(visit: Visit) -> dict[str, str]:
    kind = visit.asked("kind") or "product"
    return {
        "peer": visit.asked("peer"),
        "kind": kind,
        "values": visit.asked("value"),
        "level": visit.asked("level"),
    }


async def _show(visit: Visit) -> Response:
    return await _shown(visit)


async def _act(visit: Visit) -> Response:
    """Change a grant, or take it away."""
    grant = await _found(visit)
    try:
        if visit.form.one("do") == "remove":
            await visit.api.delete(f"/grants/{grant['id']}")
            text = visit.text("The grant is removed; it has no effect from the next call on.")
            return visit.done(f"{partner_path(grant['peer'])}/preview", text)
        return await _change(visit, grant)
    except ApiRefusedError as error:
        return await _shown(visit, error, grant)


async def _change(visit: Visit, grant: Mapping[str, Any]) -> Response:
    """Other dates, terms or purpose; an empty text clears."""
    form = visit.form
    given: dict[str, Any] = {name: form.one(name) for name in SAID}
    for name in SAID_OF_TIME:
        given[name] = _instant(visit, grant, name)
    is_limited = bool(grant.get("starts") or grant.get("ends"))
    if not is_limited and (given["starts"] or given["ends"]):
        # One without limits says as much already: it has to go before one with limits comes.
        made = await replaced(visit.api, [grant], body_of(grant, **given))
    else:
        made = (await visit.api.post("/grants", body_of(grant, **given)))["data"]
    said = [one["warning"] for one in made if one.get("warning")]
    path = f"/grants/{made[0]['id']}"
    return done_with(visit, path, visit.text("The grant is changed."), said)


def _instant(visit: Visit, grant: Mapping[str, Any], name: str) -> str:
    """What was typed; what was not changed keeps its seconds."""
    typed, known = visit.form.one(name), str(grant.get(name) or "")
    if typed == known[:MINUTES]:
        return known
    return instant_of(visit, typed) or ""


async def _found(visit: Visit, like: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The grant of the address.

    Args:
        visit: with its number.
        like: what it was; one that was taken away and made again has another number.

    Raises:
        HTTPException: there is none.
    """
    number = int(number_part(visit, "id"))
    found: Sequence[Mapping[str, Any]] = (await visit.api.get("/grants"))["data"]
    again = [one for one in found if like and all(one[name] == like[name] for name in SAME)]
    same = [one for one in found if one["id"] == number] or again[-1:]
    if not same:
        raise HTTPException(404)
    return same[0]


async def _shown(
    visit: Visit,
    refusal: ApiRefusedError | None = None,
    like: Mapping[str, Any] | None = None,
) -> Response:
    grant = await _found(visit, like)
    known = {name: str(grant.get(name) or "") for name in SAID}
    known |= {name: str(grant.get(name) or "")[:MINUTES] for name in SAID_OF_TIME}
    values = {
        "grant": grant,
        "refusal": refusal,
        "typed": {**known, **visit.form.typed()} if refusal else known,
        "path": partner_path(grant["peer"]),
    }
    return visit.page("grant.html", values, 200 if refusal is None else refusal.status)


PAGES = {"/grants": _list, "/grants/add": _add, "/grants/{id}": _show}
ACTIONS = {"/grants/add": _add_now, "/grants/{id}": _act}
