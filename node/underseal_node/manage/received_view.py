"""Received footprints as the operator's tools see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.exchange.attested import judged_of
from underseal_node.exchange.verification import check_statement, trust_in
from underseal_node.manage.attestation_view import judged_shape
from underseal_node.manage.shapes.footprints import ReceivedShape, UsageTermsShape
from underseal_node.products.bought import is_usable
from underseal_node.store import granted
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer
from underseal_node.store.types import from_utc_text
from underseal_protocol.errors import ProtocolError
from underseal_protocol.usage_terms import GrantedToUs

__all__ = ["received_members", "received_shape"]


def received_shape(
    session: Session, row: ReceivedFootprint, peer: Peer, now: datetime
) -> ReceivedShape:
    """A received footprint in a list."""
    return ReceivedShape(**received_members(session, row, peer, now))


def received_members(
    session: Session, row: ReceivedFootprint, peer: Peer, now: datetime
) -> dict[str, Any]:
    """What lists and pages show of a received footprint.

    Args:
        session: to read.
        row: the footprint.
        peer: that it is from.
        now: aware.
    """
    return {
        "id": row.footprint_id,
        "peer": peer.name,
        "verification": VerificationState(row.verification),
        "is_usable": is_usable(row, peer),
        "reason": row.reason,
        "status": row.status,
        "status_proven_at": _proven_at(row, peer),
        "withheld": json.loads(row.withheld),
        "attestations": [judged_shape(one) for one in judged_of(session, row, now)],
        "received_at": row.received_at,
        "changed_at": row.changed_at,
        "valid_until": from_utc_text(row.valid_until) if row.valid_until else None,
        **_shown(json.loads(row.summary)),
        "usage_terms": [_terms(one) for one in granted.terms_of(row)],
    }


def _terms(one: GrantedToUs) -> UsageTermsShape:
    return UsageTermsShape(
        kind=one.kind, value=one.value, terms=one.terms, purpose=one.purpose, until=one.ends
    )


def _shown(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The members for lists; of an invalid footprint they may be of any kind."""
    texts = {
        "product_name_company": "productNameCompany",
        "company_name": "companyName",
        "pcf_excluding_biogenic_uptake": "pcfExcludingBiogenicUptake",
        "declared_unit_amount": "declaredUnitAmount",
        "declared_unit_of_measurement": "declaredUnitOfMeasurement",
    }
    shown: dict[str, Any] = {
        ours: str(summary[theirs]) for ours, theirs in texts.items() if theirs in summary
    }
    ids = summary.get("productIds")
    shown["product_ids"] = [str(one) for one in ids] if isinstance(ids, list) else []
    before = summary.get("precedingPfIds")
    shown["preceding_pf_ids"] = [str(one) for one in before] if isinstance(before, list) else []
    return shown


def _proven_at(row: ReceivedFootprint, peer: Peer) -> datetime | None:
    """When the peer signed that the footprint is deprecated."""
    if row.status_statement is None or row.credential_digest is None:
        return None
    try:
        statement = check_statement(
            row.status_statement, trust_in(peer), row.footprint_id, row.credential_digest
        )
    except (NodeError, ProtocolError):  # signed with keys that are no longer trusted
        return None
    return statement.issued_at
