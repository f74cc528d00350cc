"""Attestations, and what they are worth."""

from __future__ import annotations

from underseal_node.manage.shapes.base import Instant, Shape
from underseal_node.trust.attesting import AttestationState
from underseal_protocol.assurance import AssuranceLevel

__all__ = ["AttestationShape", "JudgedShape"]


class AttestationShape(Shape):
    """What an attestation says."""

    footprint_id: str
    owner: str
    verifier: str  # URL of its node
    verifier_ids: list[str]
    provider_name: str
    coverage: str
    standard_name: str
    completed_at: str
    comments: str | None = None
    level: AssuranceLevel
    statement: dict[str, str]
    root: str | None = None  # of the commitment that the verifier has looked into
    completeness: str | None = None  # what was checked of its being complete
    sealed_sum: str | None = None  # digest of that whose quantities were compared with the books
    issued_at: Instant
    valid_from: Instant
    valid_until: Instant


class JudgedShape(Shape):
    """What an attestation of a received footprint is worth.

    POST /received/{id}/attestations (query `peer`) asks the peer for those that it serves beside
    the footprint -> Listing of all
    """

    state: AttestationState
    peer: str | None = None  # the verifier among our peers; "this node" for our own
    reason: str | None = None  # why it is not attested
    is_carried: bool  # in the footprint, rather than beside it
    attestation: AttestationShape | None = None  # unproven unless attested or expired
