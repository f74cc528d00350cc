"""The tables of who this node is and of how others prove who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, SQLModel

from underseal_node.store.tables import Sequence
from underseal_node.store.types import UtcText

__all__ = [
    "AuthFailure",
    "Invitation",
    "KeyLogRow",
    "NodeIdentity",
    "RequestCount",
    "SigningKeyRow",
    "UsedAssertion",
]


class NodeIdentity(SQLModel, table=True):
    """The company that this node speaks for; one row."""

    __tablename__ = "node_identity"
    id: int = Field(default=1, primary_key=True)
    company_name: str
    company_ids: str = Field(description="JSON array of URNs", sa_type=Text)
    url: str
    created_at: datetime = Field(sa_type=UtcText)


class SigningKeyRow(SQLModel, table=True):
    """A key pair of this node; the private half is encrypted."""

    __tablename__ = "signing_key"
    kid: str = Field(primary_key=True)
    purpose: str = Field(index=True)
    public_jwk: str = Field(sa_type=Text)
    private_encrypted: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcText)
    retired_at: datetime | None = Field(default=None, sa_type=UtcText)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcText)


class KeyLogRow(SQLModel, table=True):
    """An entry of the key log of this node (`underseal_protocol.key_log`)."""

    __tablename__ = "key_log"
    number: int = Field(sa_column=Column(Sequence, primary_key=True, autoincrement=False))
    entry: str = Field(sa_type=Text, description="JWS")
    created_at: datetime = Field(sa_type=UtcText)


class AuthFailure(SQLModel, table=True):
    """Failed authentications of a client or an address (`store.auth_failures`)."""

    __tablename__ = "auth_failure"
    key: str = Field(primary_key=True, description="SHA-256, hexadecimal")
    failures: int
    blocked_until: datetime | None = Field(default=None, sa_type=UtcText)
    expires_at: datetime = Field(sa_type=UtcText, index=True)


class RequestCount(SQLModel, table=True):
    """How much a busy client asks one worker in a second (`store.request_counts`)."""

    __tablename__ = "request_count"
    client_id: str = Field(primary_key=True)
    worker: str = Field(primary_key=True, max_length=32, description="UUID, hexadecimal")
    asked: int
    counted_at: datetime = Field(sa_type=UtcText, index=True)


class UsedAssertion(SQLModel, table=True):
    """A client assertion that has been accepted; `jti` counts once (RFC 7523 section 3)."""

    __tablename__ = "used_assertion"
    client_id: str = Field(primary_key=True)
    jti: str = Field(primary_key=True, description="SHA-256, base64url")
    expires_at: datetime = Field(sa_type=UtcText, index=True)


class Invitation(SQLModel, table=True):
    """An invitation that this node has issued; of the registration token only a
    public key is kept, with which nobody can register."""

    __tablename__ = "invitation"
    id: str = Field(primary_key=True, description="jti of the document")
    peer_id: int = Field(foreign_key="peer.id", index=True)
    document: str = Field(sa_type=Text, description="JWS")
    token_key: str = Field(description="underseal_protocol.registration_token.token_key")
    client_id: str = Field(description="that the invited node will have here")
    for_url: str | None = None
    for_company_id: str | None = Field(default=None, description="URN, folded")
    is_pre_approved: bool = False
    created_at: datetime = Field(sa_type=UtcText)
    expires_at: datetime = Field(sa_type=UtcText)
    used_at: datetime | None = Field(default=None, sa_type=UtcText)
    reply_digest: str | None = Field(default=None, description="of the reply that was accepted")
