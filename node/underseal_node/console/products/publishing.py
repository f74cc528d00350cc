"""Publishing a product: what would be published, what the release gate says to it, and doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.forms import Form
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.products.addresses import product_of
from underseal_node.console.products.twin import MOST_FINDINGS, findings_of

__all__ = ["ACTIONS", "PAGES", "acknowledgement", "advice_of", "needs_consent"]

PATH = "/products/publish"
CONFLICT = 409
DIGITS = "digits"  # the field for significant ones
# What somebody has looked at; if it is another one by now, nothing is published.
SHOWN = ("pcf", "unit", "outcome", "deprecated")
AGAINST = ("stop", "fewer blocks")

Json = Mapping[str, Any]


WORDS = (_("new"), _("successor"), _("unchanged"))
CHANGED = _("Something has changed since you looked at it. This is what would be published now.")


async def _show(visit: Visit) -> Response:
    return await _page(visit, visit.asked(DIGITS))


async def _page(
    visit: Visit,
    digits: str,
    refusal: ApiRefusedError | None = None,
    note: str | None = None,
) -> Response:
    product_id = product_of(visit)
    detail = await visit.api.get("/products/detail", {"product": product_id})
    would = None
    try:
        would = await _would(visit, product_id, digits)
    except ApiRefusedError as error:
        refusal = refusal or error
    gate = None if would is None else would.get("gate")
    return visit.page(
        "products/publish.html",
        {
            "product": detail,
            "would": would,
            "shown": {} if would is None else _shown(would),
            "gate": gate,
            "advice": advice_of(gate),
            "needs_consent": needs_consent(gate),
            "old": None if would is None else _old(detail, would),
            "digits": digits,
            "typed": visit.form.typed(),
            "refusal": refusal,
            "note": note,
            "findings": {} if would is None else findings_of(would),
            "most_findings": MOST_FINDINGS,
        },
        _status(refusal, note),
    )


def _status(refusal: ApiRefusedError | None, note: str | None) -> int:
    if refusal is not None:
        return refusal.status
    return 200 if note is None else CONFLICT


async def _would(visit: Visit, product_id: str, digits: str) -> Json:
    found: Json = await visit.api.post(
        "/products/publish", None, _query(product_id, digits) | {"dryRun": True}
    )
    return found


def _query(product_id: str, digits: str) -> dict[str, str | bool | None]:
    return {"product": product_id, "significantDigits": digits or None}


def _shown(would: Json) -> dict[str, str]:
    """Fields that the page sends back."""
    gate = would.get("gate") or {}
    shown = {f"shown-{name}": str(would.get(name) or "") for name in SHOWN}
    return shown | {"shown-gate": str(gate.get("outcome", ""))}


def _old(detail: Json, would: Json) -> Json | None:
    """The calculated footprint that would be replaced."""
    replaced = would.get("deprecated")
    return next((one for one in detail["footprints"] if one["footprint"] == replaced), None)


def needs_consent(gate: Json | None) -> bool:
    """Whether the release gate lets it go only if somebody answers for it."""
    return gate is not None and gate["outcome"] in AGAINST


def advice_of(gate: Json | None) -> list[tuple[str, Sequence[str]]]:
    """What the gate says, by its advice: each advice once, below its reasons."""
    found: dict[str, list[str]] = {}
    for one in (gate or {}).get("reasons", ()):
        texts = found.setdefault(one["advice"], [])
        if one["text"] not in texts:
            texts.append(one["text"])
    return list(found.items())


def acknowledgement(form: Form) -> dict[str, str]:
    """By what the operator answers for a release, as far as it was filled in."""
    said = {name: form.one(name) for name in ("acknowledge", "consent")}
    return {name: text for name, text in said.items() if text}


async def _publish(visit: Visit) -> Response:
    product_id, form = product_of(visit), visit.form
    digits = form.one(DIGITS)
    try:
        would = await _would(visit, product_id, digits)
        if any(form.one(name) != one for name, one in _shown(would).items()):
            return await _page(visit, digits, note=visit.text(CHANGED))
        done = await visit.api.post(
            "/products/publish", acknowledgement(form), _query(product_id, digits)
        )
    except ApiRefusedError as error:
        return await _page(visit, digits, error)
    return visit.done(f"/footprints/{done['footprint']}", said_of(visit, done))


def said_of(visit: Visit, done: Json) -> str:
    """What came of a publication, of a product or of a draft."""
    if done["outcome"] == "unchanged":
        return visit.text(_("It had been published just like this; nothing was changed."))
    if not done["notified"]:
        return visit.text(_("Published. No partner may see it yet."))
    names = ", ".join(done["notified"])
    return visit.text(_("Published. These partners are told: %(names)s."), names=names)


PAGES = {PATH: _show}
ACTIONS = {PATH: _publish}
