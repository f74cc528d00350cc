"""What the management endpoints take and give, and what `--json` prints: one definition.

Names are in the camelCase of PACT; `client_id`, `client_secret`, `token_url` and `base_url`, which
are handed on to OAuth clients, keep their names. Lists are `{"data": [...]}`. The JSON Schemas of
these shapes are in docs/reference/schemas; tests hold what the commands print against them.
Decimals are text, instants RFC 3339 in UTC. Members without a value are left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
)
from pydantic.alias_generators import to_camel

from underseal_node.exchange.pulls import PullStage
from underseal_node.exchange.requests import MAX_COMMENT_CHARACTERS
from underseal_node.store.alerts import AlertKind
from underseal_node.store.tables import (
    Direction,
    OutboxState,
    PeerState,
    RequestState,
    VerificationState,
)
from underseal_protocol.disclosure import Level
from underseal_protocol.times import format_time

T = TypeVar("T")

Instant = Annotated[datetime, PlainSerializer(format_time, return_type=str, when_used="json")]


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is too early or too late") from None


GivenInstant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Shape(BaseModel):
    """Base: camelCase on the wire, unknown members of what is sent to us refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class InputShape(Shape):
    """Base of what is sent to us: every text is one that a database takes."""

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not _is_storable(text):
                raise ValueError("the text holds a NUL or half of a character")
        return value


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape
        return False
    return "\0" not in text


class Listing(Shape, Generic[T]):
    """A list."""

    data: list[T]


# --- this node --------------------------------------------------------------------------------


class NodeShape(Shape):
    """GET /node"""

    company_name: str
    company_ids: list[str]
    url: str
    version: str
    key_thumbprints: dict[str, list[str]]  # purpose -> kids


class AlertShape(Shape):
    """GET /alerts -> Listing"""

    id: int
    kind: AlertKind
    created_at: Instant
    message: str
    peer: str | None = None
    footprint_id: str | None = None


# --- own footprints ---------------------------------------------------------------------------


class FindingShape(Shape):
    """A point in which a footprint does not follow the methodology."""

    rule: str
    severity: str
    pointer: str
    message: str
    section: str
    hint: str | None = None


class ProblemShape(Shape):
    """Why a file, or one footprint or row of it, cannot be published."""

    file: str
    place: str  # a JSON pointer, or "row 7, column pcfExcludingBiogenicUptake"; empty: the file
    message: str
    hint: str | None = None


class ImportedShape(Shape):
    """One footprint of an import."""

    id: str
    product_name_company: str
    file: str
    outcome: str  # "published" or "unchanged"
    findings: list[FindingShape]


class ImportShape(Shape):
    """POST /footprints/import (the body is the file, as it is; query: `name` of the file, `dryRun`)

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


class FootprintShape(Shape):
    """GET /footprints (query: status, productId, limit) -> Listing"""

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


class FootprintDetail(FootprintShape):
    """GET /footprints/{id} (query `as`: a peer, whose view it then is; 404 if it sees nothing)"""

    footprint: dict[str, Any]
    seen_as: str | None = None
    level: Level | None = None  # of that peer
    status_statement: str | None = None


class ChangedShape(Shape):
    """POST /footprints/{id}/deprecate; POST /footprints/{id}/supersede (the body is the file; query
    `name`; 422 with problems if it is refused)"""

    deprecated: str  # id
    published: str | None = None  # id of the successor
    notified: list[str]
    findings: list[FindingShape] = Field(default_factory=list)


# --- received footprints ----------------------------------------------------------------------


class ReceivedShape(Shape):
    """GET /received (query: peer, verification, productId, limit) -> Listing"""

    id: str
    peer: str
    verification: VerificationState
    is_usable: bool
    reason: str | None = None
    status: str
    status_proven_at: Instant | None = None
    withheld: list[str]
    received_at: Instant
    changed_at: Instant
    product_name_company: str | None = None
    product_ids: list[str] = Field(default_factory=list)
    company_name: str | None = None
    pcf_excluding_biogenic_uptake: str | None = None
    declared_unit_amount: str | None = None
    declared_unit_of_measurement: str | None = None


class ReceivedDetail(ReceivedShape):
    """GET /received/{id} (query `peer`, needed when several peers sent the same id)"""

    footprint: dict[str, Any]
    status_statement: str | None = None
    findings: list[FindingShape]


# --- peers ------------------------------------------------------------------------------------


class PeerInput(InputShape):
    """POST /peers (with name), PATCH /peers/{name} (without; what is absent stays as it is).

    An empty text clears a member.
    """

    name: str | None = None
    url: str | None = None
    auth_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    scope: str | None = None
    audience: str | None = None
    resource: str | None = None
    ca_pem: str | None = Field(default=None, repr=False)
    accept_unsigned: bool | None = None
    confirm_endpoint: bool = False
    confirm_keys: bool = False


class PeerShape(Shape):
    """GET /peers -> Listing; GET /peers/{name}; answer of PATCH /peers/{name}"""

    name: str
    state: PeerState
    url: str | None = None
    auth_url: str | None = None
    token_endpoint: str | None = None
    token_origin: str | None = None
    pending_token_endpoint: str | None = None
    is_underseal: bool
    issuer: str | None = None
    key_thumbprints: list[str]
    pending_key_thumbprints: list[str] | None = None
    has_credentials: bool  # whether we hold credentials that the peer issued
    client_id: str | None = None  # of ours at the peer
    scope: str | None = None
    audience: str | None = None
    resource: str | None = None
    has_ca: bool
    accept_unsigned: bool
    signed_before: bool
    issued_client_ids: list[str]  # of the peer here
    created_at: Instant
    last_contact_at: Instant | None = None
    warnings: list[str] = Field(default_factory=list)


class PeerKeysShape(Shape):
    """GET /peers/{name}/keys: what is pinned, a JWK Set with the issuer beside it"""

    issuer: str | None = None
    keys: list[dict[str, Any]]


class CredentialsShape(Shape):
    """What a peer needs to call us; the secret is shown this once.

    POST /peers/{name}/credentials -> 201 (renew: the new ones work, the old ones end at once)
    """

    model_config = ConfigDict(alias_generator=None, populate_by_name=True, frozen=True)

    name: str
    client_id: str
    client_secret: str = Field(repr=False)
    token_url: str
    base_url: str


class PeerAddedShape(CredentialsShape):
    """Answer of POST /peers (201)"""

    peer: PeerShape


class RemovedShape(Shape):
    """Answer of DELETE /peers/{name}

    Credentials and grants end at once, and the name is free again. A peer with which something was
    exchanged stays in the lists under another name, in the state `revoked`.
    """

    name: str
    is_forgotten: bool
    kept_as: str | None = None  # that other name, unless it is forgotten


# --- grants -----------------------------------------------------------------------------------


class GrantInput(InputShape):
    """POST /grants. Exactly one of the four ways to say what."""

    peer: str
    everything: bool = False
    product_ids: list[str] = Field(default_factory=list)
    classifications: list[str] = Field(default_factory=list)
    footprint_ids: list[str] = Field(default_factory=list)
    level: Level = Level.TOTAL
    starts: GivenInstant | None = None
    ends: GivenInstant | None = None


class GrantShape(Shape):
    """GET /grants (query: peer) -> Listing; POST /grants -> Listing (201)

    DELETE /grants/{id} -> 204. `warning` is in the answer of POST only: such as that no footprint
    is covered yet.
    """

    id: int
    peer: str
    kind: str
    value: str
    level: Level
    starts: Instant | None = None
    ends: Instant | None = None
    created_at: Instant
    warning: str | None = None


# --- pulls ------------------------------------------------------------------------------------


class CriteriaInput(InputShape):
    """The eight filters, with the names of PACT."""

    product_id: list[str] = Field(default_factory=list)
    company_id: list[str] = Field(default_factory=list)
    geography: list[str] = Field(default_factory=list)
    classification: list[str] = Field(default_factory=list)
    status: list[str] = Field(default_factory=list)
    valid_on: str | None = None
    valid_after: str | None = None
    valid_before: str | None = None


class PullInput(InputShape):
    """POST /pulls -> PullShape (202); it goes on in the background, GET /pulls/{id} says how far"""

    peers: list[str] = Field(default_factory=list)  # names; empty with `everything`
    everything: bool = False  # all peers that can be pulled from
    criteria: CriteriaInput = Field(default_factory=CriteriaInput)


class PullProgressShape(Shape):
    """One peer of a pull."""

    peer: str
    state: PullStage
    pages: int
    received: int
    unchanged: int
    verified: int
    unsigned: int
    invalid: int
    changed: int
    alerts: list[str]
    error: str | None = None


class PullShape(Shape):
    """GET /pulls/{id}"""

    id: str
    state: PullStage
    data: list[PullProgressShape]


# --- requests ---------------------------------------------------------------------------------


class RequestInput(InputShape):
    """POST /requests -> RequestShape (201)"""

    peer: str
    criteria: CriteriaInput
    comment: str | None = Field(default=None, max_length=MAX_COMMENT_CHARACTERS)


class ErrorShape(Shape):
    """The object Error of PACT."""

    code: str
    message: str


class RequestShape(Shape):
    """GET /requests (query: direction, state, peer) -> Listing; GET /requests/{id}"""

    id: int
    direction: Direction
    peer: str
    state: RequestState
    criteria: dict[str, Any]
    comment: str | None = None
    created_at: Instant
    answered_at: Instant | None = None
    footprint_ids: list[str]
    error: ErrorShape | None = None  # of a rejected or failed one
    note: str | None = None  # why an open one waits for the operator


class FulfilInput(InputShape):
    """POST /requests/{id}/fulfil -> RequestShape"""

    footprint_ids: list[str] = Field(default_factory=list)
    level: Level = Level.TOTAL


class RejectInput(InputShape):
    """POST /requests/{id}/reject -> RequestShape"""

    reason: str = Field(max_length=MAX_COMMENT_CHARACTERS)


# --- outbox -----------------------------------------------------------------------------------


class OutboxShape(Shape):
    """GET /outbox (query: state) -> Listing; POST /outbox/{id}/retry -> OutboxShape"""

    id: int
    event_id: str
    peer: str
    type: str
    state: OutboxState
    attempts: int
    created_at: Instant
    next_attempt_at: Instant | None = None
    give_up_at: Instant | None = None
    delivered_at: Instant | None = None
    last_error: str | None = None


# --- doctor -----------------------------------------------------------------------------------


class CheckShape(Shape):
    """GET /doctor -> Listing. One thing the doctor looked at."""

    name: str
    result: str  # "ok", "warning" or "problem"
    message: str
    hint: str | None = None


# --- backup -----------------------------------------------------------------------------------


class BackupInput(InputShape):
    """POST /backup -> the archive (application/gzip), not JSON; GET /footprints/template -> .xlsx

    With a passphrase the archive holds the keys, encrypted.
    """

    passphrase: str | None = Field(default=None, repr=False)


# --- refusals ---------------------------------------------------------------------------------


class RefusalShape(Shape):
    """The body of every refusal: 400, 401, 404, 405, 409, 413, 421, 422, 500, 502, 503."""

    message: str
    hint: str | None = None
    problems: list[ProblemShape] | None = None
