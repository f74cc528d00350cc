"""Own footprints, and received ones."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from underseal_node.manage.shapes.attested import JudgedShape
from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.manage.shapes.refusals import ProblemShape
from underseal_node.manage.shapes.sealed import ReceivedSealShape
from underseal_node.manage.shapes.seals import SealShows
from underseal_node.store.exchange_tables import VerificationState
from underseal_protocol.disclosure import Level

__all__ = [
    "ChangedShape",
    "FindingShape",
    "FootprintDetail",
    "FootprintShape",
    "ImportShape",
    "ImportedShape",
    "MatchingShape",
    "PreviewShape",
    "ReceivedDetail",
    "ReceivedShape",
    "ReissueInput",
    "ReissuedShape",
    "RuleShape",
    "SeenShape",
    "SignatureShape",
    "UsageTermsShape",
]


class FindingShape(Shape):
    """A point in which a footprint does not follow the methodology."""

    rule: str
    severity: str
    pointer: str
    message: str
    section: str
    hint: str | None = None


class ImportedShape(Shape):
    """One footprint of an import."""

    id: str
    product_name_company: str
    file: str
    outcome: str  # "published" or "unchanged"
    findings: list[FindingShape]


class RuleShape(Shape):
    """How many footprints of an import a rule of the methodology has findings in."""

    rule: str
    severity: str
    message: str  # of the first one
    section: str
    hint: str | None = None
    footprints: int
    such_as: list[str]  # names of the first ones


class ImportShape(Shape):
    """POST /footprints/import (the body is the file, as it is; query: `name` of the file, `dryRun`,
    `significantDigits`, `listed`)

    One request for each file, of any content type. 200 also when the file is refused: then
    `refused` is 1 and `problems` names every error. Of several files, the CLI adds the answers up:
    `published`, `unchanged` and `refused` count footprints, footprints and files.
    """

    dry_run: bool
    published: int
    unchanged: int
    refused: int
    footprints: list[ImportedShape]
    problems: list[ProblemShape]
    notified: list[str]  # names of the peers that are (or would be) told
    rules: list[RuleShape] | None = None  # only with `listed`


class FootprintShape(Shape):
    """GET /footprints (query: status, productId, validUntilBefore, search, sort, limit, offset,
    count) -> Part

    And a line of GET /footprints/export (without limit, offset and count).
    """

    id: str
    status: str
    product_name_company: str
    product_ids: list[str]
    pcf_excluding_biogenic_uptake: str
    declared_unit_amount: str
    declared_unit_of_measurement: str
    created: str
    published_at: Instant
    valid_from: Instant
    valid_until: Instant
    preceding_pf_ids: list[str] | None = None


class SignatureShape(Shape):
    """Who has signed a footprint, and what it is known by."""

    issuer: str
    kid: str
    issued_at: Instant  # by the signer's own clock
    digest: str  # of the signed part, the same for every recipient
    is_committed: bool  # also to what it was calculated from


class FootprintDetail(FootprintShape):
    """GET /footprints/{id} (query `as`: a peer, whose view it then is; 404 if it sees nothing)

    `attestations` and `successors` are told to the owner only, without `as`.
    """

    footprint: dict[str, Any]
    signature: SignatureShape
    attestations: list[JudgedShape] | None = None
    successors: list[str] | None = None  # ids of own footprints that name it as preceding
    seen_as: str | None = None
    level: Level | None = None  # of that peer
    withheld: list[str] | None = None  # blocks
    note: str | None = None  # why the peer does not see it at present
    status_statement: str | None = None


class SeenShape(Shape):
    """One footprint as a peer sees it: what is in the core, and how much there is besides."""

    id: str
    status: str
    product_name_company: str
    product_ids: list[str]
    pcf_excluding_biogenic_uptake: str
    declared_unit_amount: str
    declared_unit_of_measurement: str
    level: Level
    withheld: list[str]  # blocks
    sealed_sum: SealShows | None = None  # what it sees of it, if it is granted that, too


class PreviewShape(Shape):
    """GET /grants/preview (query: peer, at, after, limit, productId)

    Exactly what the peer sees, or would see if it could call: then `note` says why it cannot.
    `total` and `levels` count everything it sees, `data` is one page of it, or of these products;
    `next` is the `after` of the next one.
    """

    peer: str
    at: Instant
    note: str | None = None
    total: int
    levels: dict[Level, int]
    data: list[SeenShape]
    next: int | None = None


class ChangedShape(Shape):
    """POST /footprints/{id}/deprecate; POST /footprints/{id}/supersede (the body is the file; query
    `name`, `significantDigits`; 422 with problems if it is refused)"""

    deprecated: str  # id
    published: str | None = None  # id of the successor
    notified: list[str]
    findings: list[FindingShape] = Field(default_factory=list)


class MatchingShape(FootprintShape):
    """GET /requests/{id}/matches (query: limit) -> Listing"""

    level: Level | None = None  # at which the peer sees it already


class UsageTermsShape(Shape):
    """What the peer asks of us for a footprint: a promise, which no node enforces."""

    kind: str  # of the grant
    value: str
    terms: str | None = None  # a text or a URL
    purpose: str | None = None
    until: Instant | None = None  # end of the grant, not of the promise


class ReissueInput(InputShape):
    """POST /footprints/reissue"""

    signed_by: str
    dry_run: bool = False


class ReissuedShape(Shape):
    """Answer of POST /footprints/reissue. `successors`: old id -> new id; empty in a dry run.
    `unattested`: ids of the successors whose predecessors were attested; in a dry run of these.
    `unsealed`: likewise of those that were sealed. `restated`: ids of footprints of other keys
    whose seal is signed again"""

    dry_run: bool
    found: int
    successors: dict[str, str]
    notified: list[str]
    unattested: list[str]
    unsealed: list[str]
    restated: list[str]


class ReceivedShape(Shape):
    """GET /received (query: peer, verification, status, usable, inUse, productId,
    validUntilBefore, search, sort, limit, offset, count) -> Part

    And a line of GET /received/export (without limit, offset and count).
    """

    id: str
    peer: str
    verification: VerificationState
    is_usable: bool
    reason: str | None = None
    status: str
    status_proven_at: Instant | None = None
    withheld: list[str]
    attestations: list[JudgedShape] = Field(default_factory=list)
    received_at: Instant
    changed_at: Instant
    valid_until: Instant | None = None  # of a broken one, nobody knows
    product_name_company: str | None = None
    product_ids: list[str] = Field(default_factory=list)
    company_name: str | None = None
    pcf_excluding_biogenic_uptake: str | None = None
    declared_unit_amount: str | None = None
    declared_unit_of_measurement: str | None = None
    preceding_pf_ids: list[str] = Field(default_factory=list)
    usage_terms: list[UsageTermsShape] = Field(default_factory=list)


class ReceivedReceipt(Shape):
    """What the peer has signed about what we received."""

    id: str
    received_at: Instant
    is_confirmed: bool  # whether it names this footprint, and not only others
    level: Level | None = None
    token: str


class ReceivedDetail(ReceivedShape):
    """GET /received/{id} (query `peer`, needed when several peers sent the same id)"""

    footprint: dict[str, Any]
    signature: SignatureShape | None = None  # of a verified one
    successors: list[str]  # ids of footprints of the peer that name it as preceding
    status_statement: str | None = None
    receipt: ReceivedReceipt | None = None
    sealed_sum: ReceivedSealShape | None = None
    findings: list[FindingShape]
