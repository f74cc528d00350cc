"""The tables of a node. Instants are fixed-width UTC text, decimals are canonical text.

Enumerations are stored as the text of the `StrEnum`; disclosure levels as their rank (0..3), so
that the highest of several grants is a `MAX`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    false,
)
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

# Constraints with names can be altered by migrations, on SQLite too.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite gives a rowid (and its fast path) only to INTEGER; PostgreSQL needs BIGINT.
Sequence = BigInteger().with_variant(Integer, "sqlite")


class PeerState(StrEnum):
    """Whether a peer may call and be called; only an active one may."""

    INVITED = "invited"  # it has our invitation
    PENDING = "pending"  # one side has to approve
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Awaits(StrEnum):
    """Who has to approve a partnership that is pending."""

    US = "us"
    THEM = "them"


class Assurance(StrEnum):
    """How the keys of a peer came to be pinned."""

    FIRST_CONTACT = "first-contact"
    INVITATION = "invitation"
    CONFIRMED = "confirmed"  # the operator compared fingerprints on another way


class AuthMethod(StrEnum):
    """How a client authenticates at a token endpoint (RFC 7591 section 2)."""

    CLIENT_SECRET = "client_secret_basic"
    PRIVATE_KEY_JWT = "private_key_jwt"


class KeyKind(StrEnum):
    """What a grant or a criterion can name of a footprint.

    `sealed` is of grants only, and no footprint has such a key: a grant of the sealed sum of a
    footprint shows nothing of the footprint.
    """

    ALL = "all"
    PRODUCT = "product"
    COMPANY = "company"
    CLASSIFICATION = "classification"
    FOOTPRINT = "footprint"
    SEALED = "sealed"


class Peer(SQLModel, table=True):
    """Another company's host system that this node knows."""

    __tablename__ = "peer"
    # Receipts and the audit log name peers and grants by id, also those that are gone.
    __table_args__ = {"sqlite_autoincrement": True}
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    state: str = PeerState.ACTIVE
    state_reason: str | None = Field(default=None, sa_type=Text, description="as the operator says")
    awaits: str | None = Field(default=None, description="who has to approve, while pending")
    invitation_id: str | None = Field(default=None, description="of theirs that we accepted")
    invitation_digest: str | None = Field(default=None, description="of its signed part")
    registration: str | None = Field(
        default=None, sa_type=Text, description="JSON: our reply to it, to be sent again"
    )
    created_at: datetime = Field(sa_type=UtcText)
    # The peer's token endpoint has said so, unsigned: our operator decides what follows from it.
    ended_by_peer_at: datetime | None = Field(default=None, sa_type=UtcText)
    ended_by_peer_reason: str | None = Field(
        default=None, sa_type=Text, description="as the peer says"
    )
    removed_at: datetime | None = Field(default=None, sa_type=UtcText)
    last_contact_at: datetime | None = Field(default=None, sa_type=UtcText)
    last_problem_at: datetime | None = Field(default=None, sa_type=UtcText)
    last_problem: str | None = Field(
        default=None, sa_type=Text, description="why the last call failed; none once one works"
    )
    token_not_before: datetime | None = Field(default=None, sa_type=UtcText)
    # Where the peer is. base_url is None for a recipient that only pulls.
    base_url: str | None = None
    auth_url: str | None = None
    token_endpoint: str | None = Field(default=None, description="found by discovery")
    token_origin: str | None = Field(default=None, description="pinned; calls stop when it changes")
    pending_token_endpoint: str | None = Field(
        default=None, description="what discovery found instead, waiting for the operator"
    )
    ca_pem: str | None = Field(default=None, sa_type=Text)
    allow_private_network: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # Who the peer says it is.
    company_name: str | None = None
    company_ids: str = Field(
        default="[]",
        description="JSON array of URNs",
        sa_type=Text,
        sa_column_kwargs={"server_default": "[]"},
    )
    # How this node identifies itself to the peer.
    client_id: str | None = None
    client_secret_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    auth_method: str = Field(
        default=AuthMethod.CLIENT_SECRET,
        sa_column_kwargs={"server_default": AuthMethod.CLIENT_SECRET.value},
    )
    client_expires_at: datetime | None = Field(default=None, sa_type=UtcText)
    scope: str | None = None
    audience: str | None = None
    resource: str | None = None
    # What this node knows of the peer's signatures.
    is_underseal: bool = False
    issuer: str | None = Field(default=None, description="iss expected in credentials")
    former_issuers: str = Field(
        default="[]",
        description="JSON array: what it signed under before it moved",
        sa_type=Text,
        sa_column_kwargs={"server_default": "[]"},
    )
    key_log: str = Field(
        default="[]",
        description="JSON array of the accepted entries (JWS)",
        sa_type=Text,
        sa_column_kwargs={"server_default": "[]"},
    )
    is_registered_there: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="the inviting node has been heard to have our registration",
    )
    told_entry: int = Field(
        default=0,
        description="number of the newest entry of our key log that it was told of",
        sa_column_kwargs={"server_default": "0"},
    )
    assurance: str = Field(
        default=Assurance.FIRST_CONTACT,
        sa_column_kwargs={"server_default": Assurance.FIRST_CONTACT.value},
    )
    granted_to_us: str | None = Field(
        default=None, description="JSON array: its grants, as it told them", sa_type=Text
    )
    granted_to_us_at: datetime | None = Field(
        default=None, description="when it told them last", sa_type=UtcText
    )
    key_set: str | None = Field(default=None, description="pinned JWKS as JSON", sa_type=Text)
    pending_key_set: str | None = Field(default=None, sa_type=Text)
    look_wanted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    pending_key_log: str | None = Field(
        default=None, sa_type=Text, description="JSON array (JWS) that comes with pending_key_set"
    )
    accept_unsigned: bool = Field(default=True, description="policy: unsigned ones are usable")
    signed_before: bool = Field(default=False, description="then a missing credential is invalid")
    # What it may have from us for its own sealed sums; none: as the settings say.
    endorse: str | None = Field(default=None, description="trust.endorsing.EndorsePolicy")
    endorse_named: bool | None = Field(default=None, description="whether we consent to be named")
    # Up to which entry of our audit log it has been noted what was shown to the peer.
    shown_until: int = Field(
        default=0, sa_column=Column(Sequence, nullable=False, server_default="0")
    )

    @property
    def is_called(self) -> bool:
        """Whether this node calls it at present."""
        return self.state == PeerState.ACTIVE and self.ended_by_peer_at is None


class ClientCredential(SQLModel, table=True):
    """OAuth client credentials issued to a peer; of the secret only a hash is kept.

    A client with the method private_key_jwt has no secret: it proves that it has a pinned key.
    """

    __tablename__ = "client_credential"
    client_id: str = Field(primary_key=True)
    peer_id: int = Field(foreign_key="peer.id", index=True)
    method: str = Field(
        default=AuthMethod.CLIENT_SECRET,
        sa_column_kwargs={"server_default": AuthMethod.CLIENT_SECRET.value},
    )
    secret_hash: str = Field(description="empty for private_key_jwt")
    created_at: datetime = Field(sa_type=UtcText)
    confirmed_at: datetime | None = Field(
        default=None, sa_type=UtcText, description="since when the peer is known to have it"
    )
    expires_at: datetime | None = Field(default=None, sa_type=UtcText)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcText)


class Footprint(SQLModel, table=True):
    """An own footprint: the bytes that are served, and the columns to find them by."""

    __tablename__ = "footprint"
    __table_args__ = (
        Index("ix_footprint_validity", "valid_from", "valid_until"),
        Index("ix_footprint_geography", "geography", "seq"),
        Index("ix_footprint_status", "status", "seq"),
        Index("ix_footprint_changed", "changed"),
        Index("ix_footprint_attested", "attested"),
    )
    seq: int | None = Field(default=None, sa_column=Column(Sequence, primary_key=True))
    id: str = Field(unique=True, max_length=36)
    status: str
    segments: bytes = Field(sa_type=LargeBinary, description="underseal_protocol.segments.pack")
    document_digest: str = Field(description="digest of the canonical form as imported")
    credential_digest: str = Field(description="SHA-256 of the issuer-signed JWT")
    status_statement: str | None = Field(default=None, sa_type=Text, description="JWS")
    changed: int = Field(sa_column=Column(Sequence, nullable=False), description="change counter")
    attested: int | None = Field(
        default=None,
        sa_column=Column(Sequence, nullable=True),
        description="change counter when an attestation was last attached",
    )
    published_at: datetime = Field(sa_type=UtcText)
    valid_from: str = Field(description="UtcText, as text for range queries")
    valid_until: str
    geography: str | None = Field(default=None, description="folded")
    product_name: str
    summary: str = Field(sa_type=Text, description="JSON for lists shown to the operator")


class FootprintKey(SQLModel, table=True):
    """What an own footprint can be found and granted by; values are folded.

    Every footprint also has a row of kind `all` (value empty) and one of kind `footprint` (value
    its id), so that one join answers which grants cover it.
    """

    __tablename__ = "footprint_key"
    __table_args__ = (Index("ix_footprint_key_seq", "seq", "kind", "value"),)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(Sequence, primary_key=True))


class AccessGrant(SQLModel, table=True):
    """A rule that lets one peer see some footprints at one disclosure level."""

    __tablename__ = "access_grant"
    __table_args__ = (
        UniqueConstraint("peer_id", "kind", "value", "level", name="uq_access_grant"),
        Index("ix_access_grant_cover", "kind", "value", "peer_id", "level"),
        {"sqlite_autoincrement": True},  # as for Peer
    )
    id: int | None = Field(default=None, primary_key=True)
    peer_id: int = Field(foreign_key="peer.id")
    kind: str = Field(description="all, product, classification or footprint")
    value: str = Field(default="", description="folded; empty for all")
    level: int = Field(description="rank of the disclosure level, 0..3")
    shown_value: str = Field(default="", description="as the operator wrote it")
    starts: str | None = Field(default=None, description="UtcText, inclusive")
    ends: str | None = Field(default=None, description="UtcText, exclusive")
    terms: str | None = Field(default=None, sa_type=Text, description="usage terms, text or URL")
    purpose: str | None = Field(default=None, sa_type=Text, description="what it is given for")
    invitation_id: str | None = Field(
        default=None, description="that it was given with, unless it was given otherwise, too"
    )
    changed: int = Field(sa_column=Column(Sequence, nullable=False), description="change counter")
    created_at: datetime = Field(sa_type=UtcText)

    @property
    def dates(self) -> tuple[str | None, str | None]:
        """Start and end."""
        return self.starts, self.ends


class ChangeCounter(SQLModel, table=True):
    """One row: the last number given to a change of a footprint or a grant."""

    __tablename__ = "change_counter"
    id: int = Field(default=1, primary_key=True)
    last: int = Field(default=0, sa_column=Column(Sequence, nullable=False))
