"""Received footprints: what verification said, where they come from, what they ask of us."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, Query, segment
from underseal_node.console.documents import chain_of, downloaded, unit_text
from underseal_node.console.downloads import JSON, attached
from underseal_node.console.marks import _
from underseal_node.console.node_lists import NodeList, as_shown, end_of
from underseal_node.console.pages import Visit, moved, with_query
from underseal_node.console.properties import figure_of, groups_of
from underseal_node.console.property_names import BLOCKS
from underseal_node.console.seal_words import FIGURES, GRADES
from underseal_node.console.tables import Column, Filter, Row
from underseal_node.console.words import UNITS

__all__ = ["ACTIONS", "PAGES", "can_be_pulled"]

NOT_FOUND, AMBIGUOUS, MULTIPLE_CHOICES = 404, 409, 300
STATUSES = ("Active", "Deprecated")
VERIFICATIONS = ("verified", "unsigned", "invalid")
USABLE, NOT_USABLE = "usable", "not usable"
IN_USE = "in a bill of materials"
SEVERITIES = ("error", "warning", "info")


def _address(row: Mapping[str, Any]) -> str:
    return with_query(f"/received/{segment(row['id'])}", peer=row["peer"])


MOST_FINDINGS = 100  # on a page

COLUMNS = (
    Column("name", _("Product"), link=_address, by="productNameCompany"),
    Column("productIds", _("Product ids")),
    Column("peer", _("Partner"), link=lambda row: f"/partners/{segment(row['peer'])}"),
    Column("pcfExcludingBiogenicUptake", _("kg CO₂e"), "number"),
    Column("unit", _("per"), by="declaredUnitOfMeasurement"),
    Column("verification", _("Verification"), "word"),
    Column("use", _("Use"), "word", by="isUsable"),
    Column("status", _("Status"), "word"),
    Column("terms", _("Terms"), by="usageTerms"),
    Column("receivedAt", _("Received"), "date"),
)
VALID_UNTIL = Column("validUntil", _("Valid until"), "date")
IN_FILES = (
    *COLUMNS,
    Column("companyName", _("Company")),
    VALID_UNTIL,
    Column("changedAt", _("Changed"), "time", is_sorted=False),
    Column("id", _("Footprint id"), is_sorted=False),
    Column("reason", _("Why it is not verified"), is_sorted=False),
)


WORDS = as_shown(*STATUSES, *VERIFICATIONS, USABLE, NOT_USABLE, *UNITS)
LIST = NodeList("/received", COLUMNS, IN_FILES, WORDS, "received")
# There is no room for both dates.
BY_END = replace(LIST, columns=(*COLUMNS[:-1], VALID_UNTIL))


async def _list(visit: Visit) -> Response:
    peers = (await visit.api.get("/peers"))["data"]
    names = [one["name"] for one in peers]
    query, is_narrowed = _wanted(visit, names)

    def shown(row: Row) -> Row:
        return _row(visit, row)

    file = await LIST.file(visit, query, shown)
    if file is not None:
        return file
    filters = [
        Filter("peer", _("Partner"), [(one, one) for one in names]),
        Filter("verification", _("Verification"), _options(visit, VERIFICATIONS)),
        Filter("use", _("Use"), _options(visit, (USABLE, NOT_USABLE, IN_USE))),
        Filter("status", _("Status"), _options(visit, STATUSES)),
    ]
    shown_list = LIST if end_of(visit) is None else BY_END
    values = {
        "table": await shown_list.table(visit, query, shown, filters, is_narrowed=is_narrowed),
        "product": visit.asked("product"),
        "ends": end_of(visit),
        "partners": [one for one in peers if can_be_pulled(one)],
        "has_peers": bool(peers),
    }
    return visit.page("received.html", values)


def _wanted(visit: Visit, names: Sequence[str]) -> tuple[Query, bool]:
    """The filters that are set, and whether one is that does not stand above the list."""
    peer, verification, use, status, product = (
        visit.asked(one) for one in ("peer", "verification", "use", "status", "product")
    )
    ends = end_of(visit)
    query: Query = {
        "peer": peer if peer in names else None,
        "verification": verification if verification in VERIFICATIONS else None,
        "usable": use == USABLE if use in (USABLE, NOT_USABLE) else None,
        "inUse": True if use == IN_USE else None,
        "status": status if status in STATUSES else None,
        "productId": product or None,
        "validUntilBefore": ends,
    }
    return query, bool(product or ends)


def can_be_pulled(peer: Mapping[str, Any]) -> bool:
    """Whether the node can ask a partner for footprints."""
    return peer["state"] == "active" and "url" in peer and bool(peer["hasCredentials"])


def _options(visit: Visit, words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(one, visit.text(one)) for one in words]


def _row(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the list. What a broken footprint says of itself is not taken for one of ours."""
    terms = [term.get("terms") or term.get("purpose") for term in one["usageTerms"]]
    status = one["status"] if one["status"] in STATUSES else None
    return {
        **one,
        "name": one.get("productNameCompany") or one["id"],
        "unit": _unit(visit, one),
        "use": USABLE if one["isUsable"] else NOT_USABLE,
        "status": status,
        "terms": [term for term in terms if term],
    }


def _unit(visit: Visit, one: Mapping[str, Any]) -> str:
    return unit_text(one, visit.text if one["verification"] != "invalid" else str)


async def _show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, refusal: ApiRefusedError | None = None) -> Response:
    peer = visit.asked("peer") or visit.form.one("peer") or None
    path = f"/received/{visit.part('id')}"
    try:
        found = await visit.api.get(path, {"peer": peer})
    except ApiRefusedError as error:
        if error.status != AMBIGUOUS:
            raise
        return await _choice(visit)
    name = found["peer"]

    async def fetch(footprint_id: str) -> Mapping[str, Any]:
        known: Mapping[str, Any] = await visit.api.get(
            f"/received/{segment(footprint_id)}", {"peer": name}
        )
        return known

    chain, partner, uses = await asyncio.gather(
        chain_of(found, fetch),
        visit.api.get(f"/peers/{segment(name)}"),
        visit.api.get(f"{path}/uses", {"peer": name}),
    )
    values = {
        "found": found,
        "figure": figure_of(found["footprint"]),
        "groups": groups_of(found["footprint"]),
        "chain": chain,
        "partner": partner,
        "uses": uses,
        "withheld": [BLOCKS[one] for one in BLOCKS if one in found["withheld"]],
        "findings": _by_severity(found["findings"]),
        "most_findings": MOST_FINDINGS,
        "statuses": STATUSES,
        "verify": f"underseal verify {found['id']}.json --peer {shlex.quote(name)}",
        "can_pull": can_be_pulled(partner),
        "grades": GRADES,
        "seal_figures": FIGURES,
        "refusal": refusal,
        "address": "/received",
        "peer": name,
    }
    return visit.page("received_one.html", values, 200 if refusal is None else refusal.status)


async def _choice(visit: Visit) -> Response:
    """Several partners have sent a footprint with this id: which is meant (RFC 9110, 15.4.1)?"""
    found = await visit.api.get("/received", {"id": visit.request.path_params["id"]})
    rows = [{**one, "link": _address(one)} for one in found["data"]]
    return visit.page("received_choice.html", {"rows": rows}, MULTIPLE_CHOICES)


def _by_severity(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(findings, key=lambda one: SEVERITIES.index(one["severity"]))


async def _raw(visit: Visit) -> Response:
    peer = visit.asked("peer") or None
    answer = await visit.api.call("GET", f"/received/{visit.part('id')}", {"peer": peer})
    return downloaded(answer, answer.json["id"])


async def _evidence(visit: Visit) -> Response:
    """All that `underseal verify` can use: the footprint with the statement of its status."""
    peer = visit.asked("peer") or None
    answer = await visit.api.call("GET", f"/received/{visit.part('id')}", {"peer": peer})
    return attached(answer.body, f"{answer.json['id']}-with-status.json", JSON)


async def _ask(visit: Visit) -> Response:
    """Ask the partner for what verifiers attest."""
    path, peer = f"/received/{visit.part('id')}", visit.form.one("peer") or None
    try:
        found = (await visit.api.post(f"{path}/attestations", None, {"peer": peer}))["data"]
    except ApiRefusedError as error:
        if error.status == NOT_FOUND:
            raise
        return await _page(visit, error)
    count = len(found)
    said = visit.language.translations.ngettext(
        "%(num)s attestation is held now.", "%(num)s attestations are held now.", count
    )
    return visit.done(with_query(path, peer=peer), said % {"num": count})


async def _judge(visit: Visit) -> Response:
    """Fetch the sealed sum, and judge it by whom the node knows now."""
    path, peer = f"/received/{visit.part('id')}", visit.form.one("peer") or None
    try:
        found = await visit.api.post(f"{path}/sealed-sum", None, {"peer": peer})
    except ApiRefusedError as error:
        return await _page(visit, error)
    if "verdict" in found:
        said = visit.text(
            _("The sealed sum holds. Its grade is: %(grade)s."),
            grade=visit.text(found["verdict"]["grade"]),
        )
        return visit.done(with_query(path, peer=peer), said)
    visit.session.messages.append(("refused", visit.text(_("The sealed sum does not hold."))))
    return moved(with_query(path, peer=peer))


async def _sealed_sum(visit: Visit) -> Response:
    """The sealed sum as it was received, for `underseal verify --sealed`."""
    path = f"/received/{visit.part('id')}"
    found = await visit.api.get(path, {"peer": visit.asked("peer") or None})
    if "sealedSum" not in found:
        raise HTTPException(404)
    body = found["sealedSum"]["sealedSum"].encode()
    return attached(body, f"{found['id']}-sealed-sum.json", JSON)


PAGES = {
    "/received": _list,
    "/received/{id}": _show,
    "/received/{id}/raw": _raw,
    "/received/{id}/evidence": _evidence,
    "/received/{id}/sealed-sum": _sealed_sum,
}
ACTIONS = {"/received/{id}/attestations": _ask, "/received/{id}/sealed-sum": _judge}
