"""Attestations as the management API answers them."""

from __future__ import annotations

from typing import Any

from underseal_node.manage.shapes.attested import AttestationShape, JudgedShape
from underseal_node.trust.attesting import Judged
from underseal_protocol.attestation_claims import Attestation

__all__ = ["attestation_members", "judged_shape"]


def judged_shape(judged: Judged) -> JudgedShape:
    """As it is answered."""
    claims = judged.claims
    return JudgedShape(
        state=judged.state,
        peer=judged.peer,
        reason=judged.reason,
        is_carried=judged.is_carried,
        attestation=None if claims is None else AttestationShape(**attestation_members(claims)),
    )


def attestation_members(found: Attestation) -> dict[str, Any]:
    """The members of `AttestationShape`."""
    return {
        "footprint_id": found.subject.footprint_id,
        "owner": found.subject.owner,
        "verifier": found.verifier,
        "verifier_ids": list(found.verifier_ids),
        "provider_name": found.verification["providerName"],
        "coverage": found.verification["coverage"],
        "standard_name": found.verification["standardName"],
        "completed_at": found.verification["completedAt"],
        "comments": found.verification.get("comments"),
        "level": found.level,
        "statement": found.statement.to_json(),
        "root": None if found.books is None else found.books.root,
        "completeness": None if found.books is None else found.books.completeness,
        "sealed_sum": None if found.books is None else found.books.sealed_sum,
        "issued_at": found.issued_at,
        "valid_from": found.valid_from,
        "valid_until": found.valid_until,
    }
