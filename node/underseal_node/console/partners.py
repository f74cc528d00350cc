"""Partners: all of them, and one: its keys, what each side may see, and what can be done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.exports import exported
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import GRANT_COLUMNS, partner_path, words_of
from underseal_node.console.tables import Column, Filter, Row, table_of

__all__ = ["NAMED", "PAGES", "POLICIES", "show_partner"]

SOON = timedelta(days=30)
STATES = ("active", "pending", "invited", "suspended", "revoked")
ASSURANCES = ("first-contact", "invitation", "confirmed")
# Of each kind on the page of a partner; the list of grants has them all.
MOST_GRANTS = 20


def _link(row: Row) -> str:
    return partner_path(row["name"])


COLUMNS = (
    Column("name", _("Partner"), link=_link),
    Column("companyName", _("Company")),
    Column("state", _("State"), "word"),
    Column("needs", _("Needs you")),
    Column("assurance", _("Keys are known by"), "word"),
    Column("lastContactAt", _("Last contact"), "time"),
    Column("lastProblem", _("Last problem")),
    Column("endsAt", _("Access ends"), "date"),
)
POLICIES = {
    "ask": _("wait until somebody here answers"),
    "auto": _("endorse by itself"),
    "never": _("never endorse"),
}
"""By policy: what the node does when the partner asks for an endorsement."""
NAMED: Mapping[str, bool | str] = {"": "", "yes": True, "no": False}
"""What the management endpoints take for whether it names us; empty: as the settings say."""
NEEDS = {
    "approval": _("waits for our approval"),
    "changed": _("shows other keys or another endpoint"),
    "problem": _("could not be reached"),
    "ending": _("access ends soon"),
}


async def _list(visit: Visit) -> Response:
    listed = (await visit.api.get("/peers"))["data"]
    # How keys became known says nothing where there are none.
    found = [one | ({} if one.get("fingerprint") else {"assurance": None}) for one in listed]
    rows = [
        one | {"needs": _said(visit, one), "endsAt": min(_ends(one), default=None)}
        for one in found
        if _is_wanted(visit, one)
    ]
    file = exported(visit, rows, COLUMNS, "partners")
    if file is not None:
        return file
    filters = [
        Filter("state", _("State"), words_of(visit, STATES)),
        Filter("assurance", _("Keys are known by"), words_of(visit, ASSURANCES)),
        Filter("needs", _("Needs you"), [(one, visit.text(NEEDS[one])) for one in NEEDS]),
    ]
    return visit.page("partners.html", {"table": table_of(visit, rows, COLUMNS, filters)})


def _is_wanted(visit: Visit, peer: Mapping[str, Any]) -> bool:
    state, assurance, needs = (visit.asked(name) for name in ("state", "assurance", "needs"))
    return (
        state in ("", peer["state"])
        and assurance in ("", peer["assurance"])
        and (needs not in NEEDS or needs in _needs(peer, visit.now))
    )


def _said(visit: Visit, peer: Mapping[str, Any]) -> list[str]:
    return [visit.text(NEEDS[one]) for one in _needs(peer, visit.now)]


def _needs(peer: Mapping[str, Any], now: datetime) -> list[str]:
    """What of a partner somebody has to look at."""
    is_ending = any(datetime.fromisoformat(one) < now + SOON for one in _ends(peer))
    is_changed = peer.get("pendingKeyThumbprints") or peer.get("pendingTokenEndpoint")
    found = {
        "approval": peer.get("awaits") == "us",
        "changed": bool(is_changed),
        "problem": bool(peer.get("lastProblem")),
        "ending": peer["state"] == "active" and is_ending,
    }
    return [name for name, is_so in found.items() if is_so]


def _ends(peer: Mapping[str, Any]) -> list[str]:
    """When its credentials here, and ours there, end."""
    return [peer[name] for name in ("expiresAt", "clientExpiresAt") if peer.get(name)]


async def _show(visit: Visit) -> Response:
    return await show_partner(visit)


async def show_partner(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    """The page of a partner.

    Args:
        visit: with its name in the address.
        refusal: of what was tried there; then the page has what was typed.

    Raises:
        ApiRefusedError: there is no such partner.
    """
    peer, node = await asyncio.gather(
        visit.api.get(f"/peers/{visit.part('name')}"), visit.api.get("/node")
    )
    values = {
        "peer": peer,
        "path": partner_path(peer["name"]),
        "own": node["fingerprint"],
        "policies": [(one, visit.text(text)) for one, text in POLICIES.items()],
        "by_settings": {
            "endorse": visit.text(POLICIES[node["endorse"]]),
            "endorseNamed": visit.text(_("yes") if node["endorseNamed"] else _("no")),
        },
        "endorsing": _endorsing(peer) | visit.form.typed(),
        "granted": _shortened(peer["grantedToIt"]),
        "most": MOST_GRANTS,
        "refusal": refusal,
        "typed": visit.form.typed(),
    }
    return visit.page("partner.html", values, 200 if refusal is None else refusal.status)


def _endorsing(peer: Mapping[str, Any]) -> dict[str, str]:
    """What is set for endorsements, as fields of the form."""
    named = next((one for one in NAMED if NAMED[one] is peer.get("endorseNamed")), "")
    return {"endorse": peer.get("endorse") or "", "endorseNamed": named}


async def _granted(visit: Visit) -> Response:
    """What we may see at a partner, as it told last."""
    peer = await visit.api.get(f"/peers/{visit.part('name')}")
    found: list[Row] = peer.get("grantedToUs") or []
    wanted = {name: visit.asked(name) for name in ("level", "state")}
    rows = [one for one in found if all(value in ("", one[name]) for name, value in wanted.items())]
    file = exported(visit, rows, GRANT_COLUMNS, "granted")
    if file is not None:
        return file
    filters = [
        Filter(name, label, words_of(visit, sorted({one[name] for one in found})))
        for name, label in (("level", _("Level")), ("state", _("State")))
    ]
    table = table_of(visit, rows, GRANT_COLUMNS, filters)
    path = partner_path(peer["name"])
    return visit.page("partner_granted.html", {"peer": peer, "path": path, "table": table})


def _shortened(grants: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The newest that have not ended."""
    return [one for one in reversed(grants) if one["state"] != "ended"][:MOST_GRANTS]


PAGES = {
    "/partners": _list,
    "/partners/{name}": _show,
    "/partners/{name}/granted": _granted,
}
