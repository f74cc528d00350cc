"""Peers, their credentials and grants."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from underseal_node.manage.shapes.base import GivenInstant, InputShape, Instant, Shape
from underseal_node.store.tables import PeerState
from underseal_protocol.disclosure import Level

__all__ = [
    "CredentialsShape",
    "GrantInput",
    "GrantShape",
    "PeerAddedShape",
    "PeerInput",
    "PeerKeysShape",
    "PeerShape",
    "RemovedShape",
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
