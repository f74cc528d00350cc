"""What is done with a partner on its page: approve, confirm, suspend, revoke, new credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.pages import Visit, moved
from underseal_node.console.partners import NAMED, POLICIES, show_partner
from underseal_node.console.sharing import RefusedHereError, done_with, partner_path

__all__ = ["ACTIONS", "PAGES"]

NOT_UNDERSTOOD = 400


async def _act(visit: Visit) -> Response:
    """Do what the form says; if that is refused, the page says why."""
    try:
        move = MOVES.get(visit.form.one("do"))
        if move is None:
            raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
        return await move(visit)
    except ApiRefusedError as error:
        return await show_partner(visit, error)


async def _approve(visit: Visit) -> Response:
    peer = await _call(visit, "approve", _words(visit, "approve_words"))
    text = visit.text("%(name)s is a partner now.", name=peer["name"])
    if not peer["isReached"]:
        text = visit.text("%(name)s is approved here.", name=peer["name"])
    return await _done(visit, peer, text)


async def _reject(visit: Visit) -> Response:
    peer = await _call(visit, "reject", {"reason": visit.form.one("reject_reason")})
    return await _done(visit, peer, visit.text("It is rejected, and its node will be told."))


async def _confirm(visit: Visit) -> Response:
    """Compare the words that were typed; they have to be there."""
    words = visit.form.one("confirm_words")
    if not words:
        message = visit.text("There are no words to compare.")
        hint = visit.text("Type the eight words as they were read out to you.")
        raise RefusedHereError(422, message, hint)
    peer = await _call(visit, "confirm", {"words": words})
    return await _done(visit, peer, visit.text("The words are the same: the keys are confirmed."))


async def _still(visit: Visit, of: Callable[[Mapping[str, Any]], str]) -> None:
    """Make sure that what is trusted is what was shown: a partner may show something else since.

    Args:
        visit: whose form has what was `shown`.
        of: the same of the partner as it is now.

    Raises:
        RefusedHereError: it is another one now.
    """
    peer = await visit.api.get(f"/peers/{visit.part('name')}")
    if of(peer) != visit.form.one("shown"):
        message = visit.text("It shows something else by now; nothing was done.")
        raise RefusedHereError(409, message, visit.text("Look at it once more, as it is now."))


async def _compared(visit: Visit) -> Response:
    await _still(visit, lambda peer: str((peer.get("fingerprint") or {}).get("hex", "")))
    peer = await _call(visit, "confirm", {})
    return await _done(visit, peer, visit.text("The keys are confirmed."))


async def _suspend(visit: Visit) -> Response:
    reason = visit.form.one("suspend_reason")
    peer = await _call(visit, "suspend", {"reason": reason} if reason else {})
    text = visit.text("It is suspended: nothing is shown or sent to it until you resume.")
    return await _done(visit, peer, text)


async def _resume(visit: Visit) -> Response:
    peer = await _call(visit, "resume")
    return await _done(visit, peer, visit.text("The partnership goes on."))


async def _revoke(visit: Visit) -> Response:
    peer = await _call(visit, "revoke", {"reason": visit.form.one("revoke_reason")})
    text = visit.text("The partnership has ended: its credentials and tokens are worth nothing.")
    return await _done(visit, peer, text)


async def _ask(visit: Visit) -> Response:
    peer = await _call(visit, "ask")  # refused as long as it has not approved
    text = visit.text("%(name)s has approved: it is a partner now.", name=peer["name"])
    return await _done(visit, peer, text)


async def _confirm_endpoint(visit: Visit) -> Response:
    await _still(visit, lambda peer: str(peer.get("pendingTokenEndpoint", "")))
    peer = await visit.api.patch(f"/peers/{visit.part('name')}", {"confirmEndpoint": True})
    return await _done(visit, peer, visit.text("The new endpoint is trusted from now on."))


async def _confirm_keys(visit: Visit) -> Response:
    await _still(visit, lambda peer: " ".join(peer.get("pendingKeyThumbprints", ())))
    body = {"confirmKeys": True, **_words(visit, "keys_words")}
    peer = await visit.api.patch(f"/peers/{visit.part('name')}", body)
    return await _done(visit, peer, visit.text("The new keys are trusted from now on."))


async def _rotate(visit: Visit) -> Response:
    issued = await _call(visit, "rotate")
    if "clientSecret" in issued:
        shown = {
            "clientId": issued["clientId"],
            "clientSecret": issued["clientSecret"],
            "tokenUrl": issued["tokenUrl"],
            "baseUrl": issued["baseUrl"],
        }
        return _credentials(visit, shown, issued["expiresAt"], issued["oldUntil"])
    text = visit.text(
        "New credentials were issued, and its node is told; the old ones work until %(time)s.",
        time=visit.language.time(issued["oldUntil"]),
    )
    return visit.done(partner_path(visit.request.path_params["name"]), text)


async def _renew(visit: Visit) -> Response:
    issued = await _call(visit, "credentials")
    shown = {
        "clientId": issued["client_id"],
        "clientSecret": issued["client_secret"],
        "tokenUrl": issued["token_url"],
        "baseUrl": issued["base_url"],
    }
    return _credentials(visit, shown)


async def _pull(visit: Visit) -> Response:
    pull = await visit.api.post("/pulls", {"peers": [visit.request.path_params["name"]]})
    return moved(f"/pulls/{segment(pull['id'])}")


async def _endorse(visit: Visit) -> Response:
    """Say what it may have for its sealed sums; an empty text leaves it to the settings."""
    policy, named = (visit.form.one(name) for name in ("endorse", "endorseNamed"))
    if policy not in ("", *POLICIES) or named not in NAMED:
        raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
    body = {"endorse": policy, "endorseNamed": NAMED[named]}
    peer = await visit.api.patch(f"/peers/{visit.part('name')}", body)
    return await _done(visit, peer, visit.text("The changes are made."))


async def _remove(visit: Visit) -> Response:
    removed = await visit.api.delete(f"/peers/{visit.part('name')}")
    if removed["isForgotten"]:
        text = visit.text("%(name)s is removed; nothing of it is left.", name=removed["name"])
        return visit.done("/partners", text)
    text = visit.text("%(name)s is removed; what was exchanged stays here.", name=removed["name"])
    return visit.done(partner_path(removed["keptAs"]), text)


def _words(visit: Visit, field: str) -> dict[str, str]:
    words = visit.form.one(field)
    return {"words": words} if words else {}


async def _call(visit: Visit, move: str, body: Any = None) -> dict[str, Any]:
    answered: dict[str, Any] = await visit.api.post(f"/peers/{visit.part('name')}/{move}", body)
    return answered


async def _done(visit: Visit, peer: dict[str, Any], text: str) -> Response:
    """On to the page of the partner; what it warns of all the time is said there once."""
    now = await visit.api.get(f"/peers/{segment(peer['name'])}")
    said = [one for one in peer["warnings"] if one not in now["warnings"]]
    return done_with(visit, partner_path(peer["name"]), text, said)


def _credentials(
    visit: Visit, shown: dict[str, str], until: str | None = None, old_until: str | None = None
) -> Response:
    """The secret, in this answer and nowhere else: not in an address, not in the session."""
    values = {
        "name": visit.request.path_params["name"],
        "shown": shown,
        "until": until,
        "old_until": old_until,
        "warnings": [],
    }
    return visit.page("credentials.html", values)


MOVES: dict[str, Callable[[Visit], Awaitable[Response]]] = {
    "approve": _approve,
    "reject": _reject,
    "confirm": _confirm,
    "compared": _compared,
    "suspend": _suspend,
    "resume": _resume,
    "revoke": _revoke,
    "ask": _ask,
    "endpoint": _confirm_endpoint,
    "keys": _confirm_keys,
    "rotate": _rotate,
    "renew": _renew,
    "pull": _pull,
    "endorse": _endorse,
    "remove": _remove,
}
PAGES: dict[str, Callable[[Visit], Awaitable[Response]]] = {}
ACTIONS = {"/partners/{name}": _act}
