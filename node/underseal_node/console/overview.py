"""The first page: what needs somebody today."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Query
from underseal_node.console.pages import Visit
from underseal_node.console.rosters.known import ending, rosters_of

__all__ = ["PAGES"]

MOST = 8  # of each kind; the lists have them all
SOON_CREDENTIALS = timedelta(days=30)
SOON_VALIDITY = timedelta(days=60)
WORD_FOR_ACTIVE = "Active"
FIRST: Query = {"limit": MOST, "count": True}


async def _overview(visit: Visit) -> Response:
    api, now = visit.api, visit.now
    day = (now + SOON_VALIDITY).date().isoformat()
    until_then: Query = {"validUntilBefore": f"{day}T00:00:00Z", "sort": "validUntil", **FIRST}
    node, status, requests, questions, peers, alerts, rosters, own, received = await asyncio.gather(
        api.get("/node"),
        api.get("/status"),
        api.get("/requests", {"direction": "incoming", "state": "pending", **FIRST}),
        api.get("/endorsements", {"state": "open", **FIRST}),
        api.get("/peers"),
        api.get("/alerts", {"limit": MOST}),
        rosters_of(visit),
        api.get("/footprints", {"status": WORD_FOR_ACTIVE, **until_then}),
        api.get("/received", {"inUse": True, **until_then}),
    )
    found = peers["data"]
    tasks = {
        "requests": _first(requests),
        "questions": _first(questions),
        "waiting": _all([one for one in found if one.get("awaits") == "us"]),
        "changed": _all([one for one in found if _has_changed(one)]),
        "stale": _all(status["stale"]),
        "failing": _all([one for one in found if one.get("lastProblem")]),
        "ending": _all(_ending(found, now)),
        "rosters": _all(ending(rosters, now + SOON_CREDENTIALS)),
        "expiring": _first(own),
        "received": _first(received),
    }
    return visit.page(
        "overview.html",
        {
            "node": node,
            "status": status,
            "tasks": tasks,
            "day": day,
            "is_quiet": not any(one.count for one in tasks.values()) and not status["openLines"],
            "is_new": not (status["footprints"] or status["products"] or found),
            "peers": _by_state(found),
            "alerts": alerts["data"],
            "most": MOST,
        },
    )


@dataclass(frozen=True)
class Task:
    """What needs somebody.

    Attributes:
        first: of it, as many as there is room for.
        count: of all.
    """

    first: Sequence[Any]
    count: int


def _first(answer: Mapping[str, Any]) -> Task:
    return Task(answer["data"], answer["total"])


def _all(found: Sequence[Any]) -> Task:
    return Task(found[:MOST], len(found))


def _has_changed(peer: dict[str, Any]) -> bool:
    """Whether it shows other keys or another endpoint than what is pinned."""
    return bool(peer.get("pendingKeyThumbprints") or peer.get("pendingTokenEndpoint"))


def _ending(peers: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Active partners whose credentials, here or there, end soon; the earliest first."""
    found = []
    for peer in peers:
        times = [peer[name] for name in ("expiresAt", "clientExpiresAt") if peer.get(name)]
        if peer["state"] == "active" and times and _is_soon(min(times), now, SOON_CREDENTIALS):
            found.append({"name": peer["name"], "at": min(times)})
    return sorted(found, key=lambda one: one["at"])


def _is_soon(text: str, now: datetime, soon: timedelta) -> bool:
    return datetime.fromisoformat(text) < now + soon


def _by_state(peers: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in peers:
        counts[one["state"]] = counts.get(one["state"], 0) + 1
    return counts


PAGES = {"/": _overview}
