"""One request: its history, and the answer, which is looked at before it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.json_text import laid_out
from underseal_node.console.pages import Visit
from underseal_node.console.partner_preview import blocks_at
from underseal_node.console.requests import asked_for
from underseal_node.console.sharing import (
    RefusedHereError,
    level_of,
    level_options,
    lines_of,
    number_part,
    partner_path,
)
from underseal_node.console.words import LEVELS

__all__ = ["ACTIONS", "PAGES"]

MOST_MATCHES = 500
SHOWN_MATCHES = 50
# So many documents are laid out on one page.
MOST_ANSWERED = 50
NOT_FOUND, UNREADABLE = 404, 422


@dataclass(frozen=True)
class Answer:
    """A footprint as the partner will get it.

    Attributes:
        detail: of it.
        level: the one that was chosen, or a higher one that is granted already.
        granted: the level that is granted already, if any.
        blocks: and whether the level shows each.
        text: the document at that level, laid out.
    """

    detail: Mapping[str, Any]
    level: str
    granted: str | None
    blocks: Sequence[tuple[str, bool]]
    text: str


async def _show(visit: Visit) -> Response:
    return await _shown(visit)


async def _act(visit: Visit) -> Response:
    """Say no, or send an event once more."""
    number = number_part(visit, "id")
    try:
        if visit.form.one("do") == "retry":
            event = visit.form.one("event")
            await visit.api.post(f"/outbox/{segment(event)}/retry")
            return visit.done(f"/requests/{number}", visit.text("It is sent once more."))
        reason = visit.form.one("reason")
        if not reason:
            message = visit.text("The reason is empty.")
            hint = visit.text("Say why, in words for the partner.")
            raise RefusedHereError(UNREADABLE, message, hint)
        await visit.api.post(f"/requests/{number}/reject", {"reason": reason})
    except ApiRefusedError as error:
        return await _shown(visit, error)
    return visit.done(f"/requests/{number}", visit.text("The request is rejected."))


async def _shown(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    """The page of a request; after a refusal, with what was typed."""
    number = number_part(visit, "id")
    found, events = await asyncio.gather(
        visit.api.get(f"/requests/{number}"), visit.api.get("/outbox", {"request": number})
    )
    is_open = found["direction"] == "incoming" and found["state"] == "pending"
    matches = await _matches(visit, number) if is_open else []
    searched = [one for one in matches if _has(one, visit.asked("q").casefold().split())]
    values = {
        "found": found,
        "asked": asked_for(visit, found),
        "path": partner_path(found["peer"]),
        "events": list(reversed(events["data"])),
        "is_open": is_open,
        "matches": searched[:SHOWN_MATCHES],
        "count": len(searched),
        "is_granted": is_open and bool(await _granted_matches(visit, number, 1)),
        "levels": level_options(visit),
        "refusal": refusal,
        "typed": visit.form.typed(),
    }
    return visit.page("request.html", values, 200 if refusal is None else refusal.status)


async def _matches(visit: Visit, number: str) -> Sequence[Mapping[str, Any]]:
    query = {"limit": MOST_MATCHES}
    found: Sequence[Mapping[str, Any]] = (
        await visit.api.get(f"/requests/{number}/matches", query)
    )["data"]
    return found


async def _granted_matches(visit: Visit, number: str, most: int) -> list[str]:
    """Ids of what matches and is granted already: that is what an answer without a choice holds."""
    query: dict[str, int | bool] = {"limit": most, "granted": True}
    found = (await visit.api.get(f"/requests/{number}/matches", query))["data"]
    return [str(one["id"]) for one in found]


def _has(row: Mapping[str, Any], words: Sequence[str]) -> bool:
    text = " ".join((row["id"], row["productNameCompany"], *row["productIds"])).casefold()
    return all(word in text for word in words)


async def _preview(visit: Visit) -> Response:
    """What the partner would get, before it does."""
    query = visit.request.query_params
    chosen = [*query.getlist("footprint"), *lines_of(query.get("more", ""))]
    return await _previewed(visit, chosen, visit.asked("level"))


async def _fulfil(visit: Visit) -> Response:
    """Deliver what was shown."""
    number, form = number_part(visit, "id"), visit.form
    chosen, level = form.all("footprint"), level_of(form.one("level"))
    try:
        body = {"footprintIds": chosen, "level": level}
        await visit.api.post(f"/requests/{number}/fulfil", body)
    except ApiRefusedError as error:
        return await _previewed(visit, chosen, level, error)
    return visit.done(f"/requests/{number}", visit.text("The request is answered."))


async def _previewed(
    visit: Visit, chosen: Sequence[str], level: str, refusal: ApiRefusedError | None = None
) -> Response:
    number = number_part(visit, "id")
    found = await visit.api.get(f"/requests/{number}")
    ids = list(dict.fromkeys(one.strip().lower() for one in chosen if one.strip()))
    answered = ids or await _granted_matches(visit, number, MOST_MATCHES)
    wanted = level_of(level) if ids else None
    shown = await asyncio.gather(
        *(_answer(visit, found["peer"], one, wanted) for one in answered[:MOST_ANSWERED])
    )
    values = {
        "found": found,
        "path": partner_path(found["peer"]),
        "answers": shown,
        "is_by_name": bool(ids),
        "ids": ids,
        "left": max(0, len(answered) - MOST_ANSWERED),
        "level": level_of(level),
        "refusal": refusal,
    }
    return visit.page("request_answer.html", values, 200 if refusal is None else refusal.status)


async def _answer(visit: Visit, peer: str, footprint_id: str, level: str | None) -> Answer:
    """One footprint as it will be delivered.

    Args:
        visit: for the calls.
        peer: who gets it.
        footprint_id: of it.
        level: that was chosen; `None`: just as it is granted.
    """
    path = f"/footprints/{segment(footprint_id)}"
    detail = await visit.api.get(path)
    granted = await _granted(visit, path, peer)
    at = max(filter(None, (level, granted)), key=LEVELS.index, default=LEVELS[0])
    seen = await visit.api.call("GET", f"{path}/seen", {"level": at})
    return Answer(detail, at, granted, blocks_at(at), laid_out(seen.body))


async def _granted(visit: Visit, path: str, peer: str) -> str | None:
    try:
        return str((await visit.api.get(path, {"as": peer}))["level"])
    except ApiRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return None


PAGES = {"/requests/{id}": _show, "/requests/{id}/answer": _preview}
ACTIONS = {"/requests/{id}": _act, "/requests/{id}/answer": _fulfil}
