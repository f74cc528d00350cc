"""Drafts, and what verifiers attest."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from underseal_node.manage.shapes.attested import AttestationShape
from underseal_node.manage.shapes.base import GivenInstant, InputShape, Instant, Shape
from underseal_node.manage.shapes.footprints import FindingShape
from underseal_node.manage.shapes.products import AcknowledgeInput, LineFindingShape, StaleShape
from underseal_node.manage.shapes.releases import VerdictShape
from underseal_protocol.assurance import AssuranceLevel

__all__ = [
    "AttachedShape",
    "AttestInput",
    "AttestationMadeShape",
    "DraftDetail",
    "DraftPublishedShape",
    "DraftShape",
    "DraftedShape",
    "ProductDraftedShape",
    "PublishInput",
    "StatementInput",
    "TokenInput",
]


class DraftShape(Shape):
    """GET /drafts -> Listing"""

    id: str
    product_name_company: str
    created_at: Instant
    published_at: Instant | None = None
    supersedes: str | None = None  # id of the footprint that it will replace


class DraftDetail(DraftShape):
    """GET /drafts/{id}"""

    draft: dict[str, Any]  # what a file of it holds; as confidential as the footprint


class DraftedShape(DraftDetail):
    """POST /drafts (the body is the file, as it is; query: `name` of the file, `supersedes`: id of
    an own footprint; 422 with problems if it is refused)"""

    is_new: bool  # false: there was this very draft already
    replaced: bool  # there was one with this id and other content
    findings: list[FindingShape]


class ProductDraftedShape(DraftedShape):
    """POST /products/draft?product=ID (query: `significantDigits`)"""

    product: str
    line_findings: list[LineFindingShape]
    gate: VerdictShape | None = None  # what the release gate says of publishing it now


class PublishInput(AcknowledgeInput):
    """POST /drafts/publish"""

    draft: str  # the text of its file
    attestation: str | None = None  # JWS


class DraftPublishedShape(Shape):
    """POST /drafts/publish"""

    id: str
    outcome: str  # "published" or "unchanged"
    deprecated: str | None = None  # id of the footprint that it replaces
    notified: list[str]
    findings: list[FindingShape]
    gate: VerdictShape | None = None  # what the release gate says, if it was calculated
    stale: StaleShape | None = None  # what has changed since it was calculated
    drops_seal: bool  # what it replaces is sealed, and this is not


class StatementInput(InputShape):
    """What a verifier says: in words, at an address, or in a document known by its digest."""

    text: str | None = None
    url: str | None = None
    sha256: str | None = None  # base64url without padding
    file_name: str | None = None


class AttestInput(InputShape):
    """POST /attestations, on the node of the verifier"""

    document: str  # the text of a draft, or of a footprint at the level full
    level: AssuranceLevel
    coverage: str
    standard_name: str
    completed_at: GivenInstant
    provider_name: str | None = None  # the company of the node by default
    comments: str | None = None
    statement: StatementInput
    opening: str | None = None  # the text of what the owner has opened: its root is attested
    completeness: str | None = None  # what was checked of its being complete; with `opening`
    names_seal: bool = False  # sealed quantities were compared with the lines; with `opening`
    valid_until: GivenInstant | None = None  # the end of the footprint's validity by default


class AttestationMadeShape(AttestationShape):
    """POST /attestations"""

    attestation: str  # JWS


class TokenInput(InputShape):
    """POST /attestations/attach"""

    attestation: str  # JWS


class AttachedShape(AttestationShape):
    """POST /attestations/attach"""

    is_new: bool
    notified: list[str] = Field(default_factory=list)
