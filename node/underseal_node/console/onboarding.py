"""How partnerships begin: invite, accept, and the reply that goes by hand.

The link and the file of an invitation hold a token. They are in the answer to the form and nowhere
else: not in an address, which logs and histories keep, and not in the session.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.downloads import JSON, attached
from underseal_node.console.own_products import active_footprints, products_of
from underseal_node.console.pages import Visit
from underseal_node.console.qr import picture_of
from underseal_node.console.sharing import (
    RefusedHereError,
    done_with,
    level_of,
    level_options,
    lines_of,
    partner_path,
)
from underseal_node.console.tables import whole

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

DAY_SECONDS = 86_400
USUAL_DAYS = "7"
MAX_DAYS = 366
SHOWN_PRODUCTS = 200
NOT_UNDERSTOOD, UNREADABLE = 400, 422
YES = "yes"
FILES = {"invitation": "invitation.json", "reply": "reply.json"}


async def _invite(visit: Visit) -> Response:
    return await _inviting(visit)


async def _invite_now(visit: Visit) -> Response:
    """Make an invitation, and show it this once."""
    try:
        made = await visit.api.post("/invitations", _offer(visit))
    except ApiRefusedError as error:
        return await _inviting(visit, error)
    values = {
        "made": made,
        "text": json.dumps(made["document"], ensure_ascii=False, indent=2) + "\n",
        "qr": picture_of(made["link"]),
        "path": partner_path(made["name"]),
        "for_whom": visit.form.one("forWhom"),
        "is_pre_approved": visit.form.one("preApprove") == YES,
    }
    return visit.page("invited.html", values, 201)


def _offer(visit: Visit) -> dict[str, Any]:
    """What the form says.

    Raises:
        ApiRefusedError: the number of days is none.
    """
    form = visit.form
    days = whole(form.one("days"), len(str(MAX_DAYS)))
    if not days:
        message = visit.text("An invitation is good for a number of days, 1 to %(most)s.", most=365)
        raise RefusedHereError(UNREADABLE, message)
    offer = {
        "name": form.one("name"),
        "preApprove": form.one("preApprove") == YES,
        "expiresSeconds": days * DAY_SECONDS,
        "productIds": list(dict.fromkeys([*form.all("product"), *lines_of(form.one("products"))])),
        "level": level_of(form.one("level")),
    }
    return offer | ({"forWhom": form.one("forWhom")} if form.one("forWhom") else {})


async def _inviting(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    products = products_of(await active_footprints(visit))
    values = {
        "refusal": refusal,
        "typed": visit.form.typed()
        if refusal
        else {"name": visit.asked("name"), "days": USUAL_DAYS},
        "levels": level_options(visit),
        "products": products[:SHOWN_PRODUCTS],
        "has_more": len(products) > SHOWN_PRODUCTS,
        "chosen": set(visit.form.all("product")),
    }
    return visit.page("invite.html", values, 200 if refusal is None else refusal.status)


async def _file(visit: Visit) -> Response:
    """What a page of this session has just shown, as a file; it is kept nowhere in between."""
    name = FILES.get(visit.form.one("file"))
    content = next(iter(visit.form.texts.get("content", ())), "")
    try:
        is_object = isinstance(json.loads(content), dict)
    except ValueError:
        is_object = False
    if name is None or not is_object:
        raise RefusedHereError(NOT_UNDERSTOOD, visit.text("This form is not understood."))
    return attached(content.replace("\r\n", "\n").encode(), name, JSON)


async def _accept(visit: Visit) -> Response:
    return _accepting(visit)


async def _accept_now(visit: Visit) -> Response:
    """Accept what was pasted or uploaded."""
    form = visit.form
    as_file = form.one("asFile") == YES
    pasted = _pasted(visit)
    try:
        body: dict[str, Any] = {
            "asFile": as_file,
            "allowPrivateNetwork": form.one("allowPrivateNetwork") == YES,
            **_invitation(visit, pasted),
            **{one: form.one(one) for one in ("name", "caPem") if form.one(one)},
        }
        accepted = await visit.api.post("/invitations/accept", body)
    except ApiRefusedError as error:
        return _accepting(visit, error, pasted)
    peer = accepted["peer"]
    if as_file:
        text = json.dumps(accepted["reply"], ensure_ascii=False, indent=2) + "\n"
        values = {"peer": peer, "text": text, "path": partner_path(peer["name"])}
        return visit.page("accepted.html", values)
    text = visit.text("%(name)s has our registration, and has to approve it.", name=peer["name"])
    if peer["state"] == "active":
        text = visit.text("%(name)s is a partner now.", name=peer["name"])
    elif accepted["isPreApproved"]:
        text = visit.text(
            "%(name)s has our registration: it becomes a partner as soon as it has seen our keys "
            "at our address.", name=peer["name"],
        )  # fmt: skip
    return await _began(visit, peer, text)


def _accepting(visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = "") -> Response:
    typed = {**visit.form.typed(), "invitation": pasted} if refusal else {}
    values = {"refusal": refusal, "typed": typed}
    return visit.page("accept.html", values, 200 if refusal is None else refusal.status)


async def _complete(visit: Visit) -> Response:
    return _completing(visit)


async def _complete_now(visit: Visit) -> Response:
    """Take the reply to an invitation that came as a file."""
    pasted = _pasted(visit)
    try:
        document = _document(visit, pasted, visit.text("The reply"))
        peer = await visit.api.post("/invitations/complete", {"document": document})
    except ApiRefusedError as error:
        return _completing(visit, error, pasted)
    text = visit.text("%(name)s has accepted, and waits for your approval.", name=peer["name"])
    if peer["state"] == "active":
        text = visit.text("%(name)s is a partner now.", name=peer["name"])
    return await _began(visit, peer, text)


def _completing(visit: Visit, refusal: ApiRefusedError | None = None, pasted: str = "") -> Response:
    values = {"refusal": refusal, "typed": {"invitation": pasted}}
    return visit.page("complete.html", values, 200 if refusal is None else refusal.status)


async def _began(visit: Visit, peer: dict[str, Any], text: str) -> Response:
    """On to the page of the partner; what it warns of all the time is said there once."""
    now = await visit.api.get(f"/peers/{segment(peer['name'])}")
    said = [one for one in peer["warnings"] if one not in now["warnings"]]
    return done_with(visit, partner_path(peer["name"]), text, said)


def _pasted(visit: Visit) -> str:
    """What was pasted, or what is in the file; so that a refusal loses neither."""
    file = visit.form.file("file")
    if file is None:
        return visit.form.one("invitation")
    return file.content.decode("utf-8-sig", "replace")


def _invitation(visit: Visit, pasted: str) -> dict[str, Any]:
    if pasted.casefold().startswith("https://"):
        return {"link": pasted}
    return {"document": _document(visit, pasted, visit.text("The invitation"))}


def _document(visit: Visit, pasted: str, what: str) -> dict[str, Any]:
    """A JSON object of a text.

    Raises:
        ApiRefusedError: it is none.
    """
    try:
        document = json.loads(pasted)
        # What is sent on has to be what the node itself can read.
        json.dumps(document, allow_nan=False).encode()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        message = visit.text("%(what)s cannot be read.", what=what)
        hint = visit.text("Paste the whole of it, or choose the file as it was sent.")
        raise RefusedHereError(UNREADABLE, message, hint)
    return document


PAGES = {"/invite": _invite, "/accept": _accept, "/complete": _complete}
ACTIONS = {"/invite": _invite_now, "/invitation-file": _file}
UPLOADS = {"/accept": _accept_now, "/complete": _complete_now}
