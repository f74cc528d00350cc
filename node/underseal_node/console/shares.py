"""A page about one own footprint, to be printed and given away: what it states, who has signed it,
what a signature proves, and how to check it.

It can be printed when it is said who gets it: the release gate judges that as it judges a grant,
and the audit log has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.pages import Visit, with_query
from underseal_node.console.products.publishing import acknowledgement, advice_of, needs_consent
from underseal_node.console.properties import figure_of, groups_of, seen_at
from underseal_node.console.property_names import BLOCKS
from underseal_node.console.qr import picture_of
from underseal_node.console.words import LEVELS
from underseal_protocol.disclosure import Level

__all__ = ["ACTIONS", "PAGES", "reference_to"]

KEY_LOG_PATH = "/.well-known/underseal-key-log"
DEFAULT_LEVEL = Level.QUALITY
LET_GO = "pages"  # what may be printed, in what the session keeps
MOST_LET_GO = 100


async def _share(visit: Visit) -> Response:
    return await _page(visit, _level(visit.asked("level")), visit.asked("peer"))


async def _let_go(visit: Visit) -> Response:
    """Write down who gets it; then it can be printed."""
    form, part = visit.form, visit.part("id")
    level, peer = _level(form.one("level")), form.one("peer")
    body = {"level": level, "reader": form.one("reader"), **acknowledgement(form)}
    body |= {"peer": peer} if peer else {}
    try:
        await visit.api.post(f"/footprints/{part}/share", body)
    except ApiRefusedError as error:
        return await _page(visit, level, peer, error)
    let_go = visit.session.kept.setdefault(LET_GO, {})
    let_go[(part.lower(), level, peer)] = body["reader"] or peer
    while len(let_go) > MOST_LET_GO:
        del let_go[next(iter(let_go))]
    path = with_query(f"/footprints/{part}/share", level=level, peer=peer or None)
    return visit.done(path, visit.text("It is in the audit log now, and can be printed."))


def _level(wanted: str) -> Level:
    return Level(wanted) if wanted in LEVELS else DEFAULT_LEVEL


async def _page(
    visit: Visit, level: Level, peer: str, refusal: ApiRefusedError | None = None
) -> Response:
    path = f"/footprints/{visit.part('id')}"
    found = await visit.api.get(path)
    node = await visit.api.get("/node")
    partners = [one["name"] for one in (await visit.api.get("/peers"))["data"]]
    peer = peer if peer in partners else ""
    gate = None
    try:
        said = await visit.api.get(f"{path}/share", {"level": level, "peer": peer or None})
        gate = said.get("gate")
    except ApiRefusedError as error:
        refusal = refusal or error
    let_go: Mapping[tuple[str, str, str], str] = visit.session.kept.get(LET_GO, {})
    shown = seen_at(found["footprint"], level)
    signature = found["signature"]
    reference = reference_to(node["url"], found["id"], signature)
    return visit.page(
        "footprint_share.html",
        {
            "found": found,
            "node": node,
            "signature": signature,
            "level": level,
            "levels": LEVELS,
            "shown_blocks": [BLOCKS[one] for one in level.blocks],
            "withheld": [text for one, text in BLOCKS.items() if one not in level.blocks],
            "figure": figure_of(shown),
            "groups": groups_of(shown),
            "reference": reference,
            "picture": picture_of(reference),
            "key_log": f"{node['url']}{KEY_LOG_PATH}",
            "is_valid": _is_valid(found, visit.now),
            "now": visit.now.isoformat(),
            "partners": partners,
            "peer": peer,
            "gate": gate,
            "advice": advice_of(gate),
            "needs_consent": needs_consent(gate),
            "reader": let_go.get((visit.part("id").lower(), level, peer)),
            "typed": visit.form.typed(),
            "refusal": refusal,
        },
        200 if refusal is None else refusal.status,
    )


def reference_to(url: str, footprint_id: str, signature: Mapping[str, Any]) -> str:
    """What the QR code of a footprint holds.

    The address of the key log of the node: what `underseal verify` checks with, and public. Behind
    it, in a fragment that browsers send to nobody, which footprint and which credential are meant.
    The credential itself is too long for a code that can be printed.

    Args:
        url: of the node.
        footprint_id: of the footprint.
        signature: with the digest of its credential and the name of the key.
    """
    return (
        f"{url}{KEY_LOG_PATH}#footprint={footprint_id}"
        f"&credential={signature['digest']}&key={signature['kid']}"
    )


def _is_valid(found: Mapping[str, Any], now: datetime) -> bool:
    begin, end = (datetime.fromisoformat(found[name]) for name in ("validFrom", "validUntil"))
    return begin <= now <= end


PAGES = {"/footprints/{id}/share": _share}
ACTIONS = {"/footprints/{id}/share": _let_go}
