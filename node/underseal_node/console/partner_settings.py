"""How a partner is reached: one with another solution is added, and what is known is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit
from underseal_node.console.sharing import done_with, partner_path

__all__ = ["ACTIONS", "PAGES"]

TEXTS = ("url", "authUrl", "clientId", "scope", "audience", "resource")
FLAGS = ("acceptUnsigned", "allowPrivateNetwork")
# What is never shown again: nothing typed leaves it as it is.
KEPT = ("clientSecret", "caPem")
YES = "yes"


async def _add(visit: Visit) -> Response:
    return _adding(visit)


async def _add_now(visit: Visit) -> Response:
    """Register a peer; the credentials for it are in this answer alone."""
    form = visit.form
    body: dict[str, Any] = {name: form.one(name) for name in ("name", *TEXTS, *KEPT)}
    body = {name: value for name, value in body.items() if value or name == "name"}
    body |= {name: form.one(name) == YES for name in FLAGS}
    try:
        added = await visit.api.post("/peers", body)
    except ApiRefusedError as error:
        return _adding(visit, error)
    shown = {
        "clientId": added["client_id"],
        "clientSecret": added["client_secret"],
        "tokenUrl": added["token_url"],
        "baseUrl": added["base_url"],
    }
    values = {"name": added["name"], "shown": shown, "warnings": added["peer"]["warnings"]}
    return visit.page("credentials.html", {**values, "until": None, "old_until": None})


def _adding(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    typed = visit.form.typed() if refusal else {"acceptUnsigned": YES}
    values = {"refusal": refusal, "typed": typed, "peer": None}
    return visit.page("partner_settings.html", values, 200 if refusal is None else refusal.status)


async def _settings(visit: Visit) -> Response:
    return await _changing(visit)


async def _change(visit: Visit) -> Response:
    """Send what is other than it was; an empty text clears."""
    try:
        peer = await visit.api.get(f"/peers/{visit.part('name')}")
        body = _changes(visit, peer)
        if not body:
            text = visit.text("Nothing was changed.")
            return visit.done(partner_path(peer["name"]), text)
        changed = await visit.api.patch(f"/peers/{visit.part('name')}", body)
    except ApiRefusedError as error:
        return await _changing(visit, error)
    said = [one for one in changed["warnings"] if one not in peer["warnings"]]
    return done_with(visit, partner_path(peer["name"]), visit.text("The changes are made."), said)


async def _changing(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    peer = await visit.api.get(f"/peers/{visit.part('name')}")
    typed = visit.form.typed() if refusal else _known(peer)
    values = {"refusal": refusal, "typed": typed, "peer": peer, "path": partner_path(peer["name"])}
    return visit.page("partner_settings.html", values, 200 if refusal is None else refusal.status)


def _known(peer: Mapping[str, Any]) -> dict[str, str]:
    """What is known of a peer, as fields of the form."""
    texts = {name: str(peer.get(name) or "") for name in TEXTS}
    return texts | {name: YES for name in FLAGS if peer[name]}


def _changes(visit: Visit, peer: Mapping[str, Any]) -> dict[str, Any]:
    form = visit.form
    body: dict[str, Any] = {
        name: form.one(name) for name in TEXTS if form.one(name) != (peer.get(name) or "")
    }
    body |= {name: form.one(name) for name in KEPT if form.one(name)}
    if form.one("forgetCa") == YES:
        body["caPem"] = ""
    flags = {name: form.one(name) == YES for name in FLAGS}
    return body | {name: value for name, value in flags.items() if value != peer[name]}


PAGES = {"/add-partner": _add, "/partners/{name}/settings": _settings}
ACTIONS = {"/add-partner": _add_now, "/partners/{name}/settings": _change}
