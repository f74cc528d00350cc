"""Peers, their credentials and grants."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from underseal_node.manage.shapes.base import (
    GivenInstant,
    InputShape,
    Instant,
    RowNumber,
    Shape,
)
from underseal_node.store.tables import Assurance, AuthMethod, Awaits, PeerState
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import MAX_PURPOSE_CHARACTERS, MAX_TERMS_CHARACTERS

__all__ = [
    "AcceptInput",
    "AcceptedShape",
    "ApprovedShape",
    "CompleteInput",
    "CredentialsShape",
    "EffectShape",
    "EffectsInput",
    "FingerprintShape",
    "GrantInput",
    "GrantShape",
    "GrantState",
    "GrantedShape",
    "InvitationInput",
    "InvitationShape",
    "PeerAddedShape",
    "PeerDetailShape",
    "PeerInput",
    "PeerKeysShape",
    "PeerShape",
    "ReasonInput",
    "RemovedShape",
    "ReplaceInput",
    "RotatedShape",
    "WordsInput",
]


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
    allow_private_network: bool | None = None
    confirm_endpoint: bool = False
    confirm_keys: bool = False
    words: str | None = None  # of the keys that are confirmed, as they were read out


class FingerprintShape(Shape):
    """What stands for the keys of a node, to be compared over the phone."""

    words: str
    hex: str


class GrantState(StrEnum):
    """Whether a grant has an effect."""

    FUTURE = "future"
    ACTIVE = "active"
    ENDED = "ended"


class GrantedShape(Shape):
    """What a grant lets a peer see; one that a peer has given us, as it told it."""

    kind: str
    value: str
    level: Level
    state: GrantState
    starts: Instant | None = None
    ends: Instant | None = None
    terms: str | None = None
    purpose: str | None = None


class GrantShape(GrantedShape):
    """GET /grants (query: peer) -> Listing; POST /grants -> Listing (201)

    DELETE /grants/{id} -> 204. `warning` is in the answer of POST only: such as that no footprint
    is covered yet.
    """

    id: int
    peer: str
    created_at: Instant
    warning: str | None = None


class PeerShape(Shape):
    """GET /peers -> Listing; answer of PATCH /peers/{name} and of each move"""

    name: str
    state: PeerState
    state_reason: str | None = None
    awaits: Awaits | None = None  # who has to approve, while it is pending
    ended_by_peer_at: Instant | None = None  # when it said so; it is not called since
    ended_by_peer_reason: str | None = None  # in its words
    company_name: str | None = None  # as it names itself
    company_ids: list[str] = Field(default_factory=list)
    assurance: Assurance
    fingerprint: FingerprintShape | None = None
    auth_method: AuthMethod  # how we authenticate there
    invitation_id: str | None = None  # of one that it has not accepted yet
    invitation_expires_at: Instant | None = None
    expires_at: Instant | None = None  # when its credentials here end
    client_expires_at: Instant | None = None  # when ours there end
    url: str | None = None
    auth_url: str | None = None
    token_endpoint: str | None = None
    token_origin: str | None = None
    pending_token_endpoint: str | None = None
    is_underseal: bool
    issuer: str | None = None
    key_thumbprints: list[str]
    pending_key_thumbprints: list[str] | None = None
    pending_fingerprint: FingerprintShape | None = None
    has_credentials: bool  # whether we hold credentials that the peer issued
    client_id: str | None = None  # of ours at the peer
    scope: str | None = None
    audience: str | None = None
    resource: str | None = None
    has_ca: bool
    accept_unsigned: bool
    allow_private_network: bool
    signed_before: bool
    issued_client_ids: list[str]  # of the peer here
    created_at: Instant
    last_contact_at: Instant | None = None
    last_problem_at: Instant | None = None
    last_problem: str | None = None  # why a call to it failed; none once one works
    warnings: list[str] = Field(default_factory=list)


class ApprovedShape(PeerShape):
    """Answer of POST /peers/{name}/approve"""

    is_reached: bool  # whether its node has let us in at our first call


class PeerDetailShape(PeerShape):
    """GET /peers/{name}: with the grants both ways

    `grantedToUs` is what it told last, at `grantedToUsAt`: an Underseal node is asked with every
    pull. Both are absent where it never told anything.
    """

    granted_to_it: list[GrantShape]
    granted_to_us: list[GrantedShape] | None = None
    granted_to_us_at: Instant | None = None


class PeerKeysShape(Shape):
    """GET /peers/{name}/keys: what is pinned, a JWK Set with the issuer beside it"""

    issuer: str | None = None
    former_issuers: list[str] = Field(default_factory=list)  # before it moved
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


class InvitationInput(InputShape):
    """POST /invitations"""

    name: str
    for_whom: str | None = None  # URL, LEI or URN
    pre_approve: bool = False
    expires_seconds: int = Field(default=7 * 86_400, ge=60, le=366 * 86_400)
    product_ids: list[str] = Field(default_factory=list)
    level: Level = Level.TOTAL


class AcceptInput(InputShape):
    """POST /invitations/accept: exactly one of `document` and `link`."""

    document: dict[str, Any] | None = Field(default=None, repr=False)
    link: str | None = Field(default=None, repr=False)
    name: str | None = None
    ca_pem: str | None = Field(default=None, repr=False)
    allow_private_network: bool = False
    as_file: bool = False


class AcceptedShape(Shape):
    """Answer of POST /invitations/accept"""

    peer: PeerShape
    is_pre_approved: bool  # active as soon as the other side has seen our keys at our address
    reply: dict[str, Any] | None = Field(default=None, repr=False)


class CompleteInput(InputShape):
    """POST /invitations/complete"""

    document: dict[str, Any]


class ReasonInput(InputShape):
    """POST /peers/{name}/reject, /suspend, /revoke"""

    reason: str | None = None


class WordsInput(InputShape):
    """POST /peers/{name}/confirm, /approve; words that were read out are compared."""

    words: str | None = None


class RotatedShape(Shape):
    """Answer of POST /peers/{name}/rotate (201); a secret is shown this once."""

    name: str
    client_id: str
    client_secret: str | None = Field(default=None, repr=False)
    token_url: str
    base_url: str
    expires_at: Instant
    old_until: Instant


class RemovedShape(Shape):
    """Answer of DELETE /peers/{name}

    Credentials and grants end at once, and the name is free again. A peer with which something was
    exchanged stays in the lists under another name, in the state `revoked`.
    """

    name: str
    is_forgotten: bool
    kept_as: str | None = None  # that other name, unless it is forgotten


class GrantInput(InputShape):
    """POST /grants. Exactly one of the four ways to say what."""

    peer: str
    everything: bool = False
    product_ids: list[str] = Field(default_factory=list)
    classifications: list[str] = Field(default_factory=list)
    footprint_ids: list[str] = Field(default_factory=list)
    level: Level = Level.TOTAL
    # Of an existing grant: absent leaves these four, an empty text clears them.
    starts: GivenInstant | Literal[""] | None = None  # inclusive
    ends: GivenInstant | Literal[""] | None = None  # exclusive
    terms: str | None = Field(default=None, max_length=MAX_TERMS_CHARACTERS)
    purpose: str | None = Field(default=None, max_length=MAX_PURPOSE_CHARACTERS)
    # Where the release gate advises against it: why all the same, and the supplier's consent.
    acknowledge: str | None = Field(default=None, min_length=1, max_length=2_000)
    consent: str | None = Field(default=None, min_length=1, max_length=2_000)


class ReplaceInput(InputShape):
    """POST /grants/replace: grants that go, and the one, or the ones, that come in their place."""

    replaced: list[RowNumber] = Field(min_length=1, max_length=1_000)
    grant: GrantInput | None = None  # none: they only go


class EffectsInput(InputShape):
    """POST /grants/effects: what `peer` would see of own footprints if grants went and came."""

    peer: str
    removed: list[RowNumber] = Field(default_factory=list, max_length=1_000)
    added: list[GrantInput] = Field(default_factory=list, max_length=1_000)
    footprint_ids: list[str] = Field(max_length=10_000)


class EffectShape(Shape):
    """Answer of POST /grants/effects, a Listing; a level that is absent is none."""

    id: str
    before: Level | None = None
    after: Level | None = None


class InvitationShape(Shape):
    """Answer of POST /invitations (201); `document` and `link` hold the token, shown this once."""

    name: str
    id: str
    expires_at: Instant
    link: str = Field(repr=False)
    document: dict[str, Any] = Field(repr=False)
    replaced: str | None = None  # id of the one before, which counts no more, nor do its grants
    grants: list[GrantShape]  # all that the company may see as soon as it is a partner
