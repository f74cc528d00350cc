"""The first page: what needs somebody today."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from underseal_node.console.pages import Visit

__all__ = ["PAGES"]

MOST = 8  # of each kind; the lists have them all
SOON_CREDENTIALS = timedelta(days=30)
SOON_VALIDITY = timedelta(days=60)
FOOTPRINTS = 10_000  # that are looked at for their validity, the newest
WORD_FOR_ACTIVE = "Active"


async def _overview(visit: Visit) -> Response:
    api = visit.api
    node, status, requests, peers, alerts, footprints = await asyncio.gather(
        api.get("/node"),
        api.get("/status"),
        api.get("/requests", {"direction": "incoming", "state": "pending", "limit": 1000}),
        api.get("/peers"),
        api.get("/alerts", {"limit": MOST}),
        api.get("/footprints", {"status": WORD_FOR_ACTIVE, "limit": FOOTPRINTS}),
    )
    now = visit.now
    found = peers["data"]
    tasks = {
        "requests": requests["data"],
        "waiting": [one for one in found if one.get("awaits") == "us"],
        "changed": [one for one in found if _has_changed(one)],
        "stale": status["stale"],
        "failing": [one for one in found if one.get("lastProblem")],
        "ending": _ending(found, now),
        "expiring": _expiring(footprints["data"], now),
    }
    return visit.page(
        "overview.html",
        {
            "node": node,
            "status": status,
            "tasks": tasks,
            "is_quiet": not any(tasks.values()) and not status["openLines"],
            "is_new": not (status["footprints"] or status["products"] or found),
            "peers": _by_state(found),
            "alerts": alerts["data"],
            "most": MOST,
        },
    )


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


def _expiring(footprints: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Footprints that are valid for a short time yet, or not any more; the earliest first."""
    found = [one for one in footprints if _is_soon(one["validUntil"], now, SOON_VALIDITY)]
    return sorted(found, key=lambda one: str(one["validUntil"]))


def _is_soon(text: str, now: datetime, soon: timedelta) -> bool:
    return datetime.fromisoformat(text) < now + soon


def _by_state(peers: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in peers:
        counts[one["state"]] = counts.get(one["state"], 0) + 1
    return counts


PAGES = {"/": _overview}
