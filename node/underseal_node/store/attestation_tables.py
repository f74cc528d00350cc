"""The tables of drafts, and of what verifiers attest of footprints."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = ["AttestationRole", "AttestationRow", "DraftRow"]


class DraftRow(SQLModel, table=True):
    """A footprint that is fixed but not published, so that it can be attested; salts included."""

    __tablename__ = "footprint_draft"
    id: str = Field(primary_key=True, max_length=36, description="of the footprint")
    document: str = Field(sa_type=Text, description="JSON: underseal_protocol.draft")
    filled: str = Field(sa_type=Text, description="JSON array: members that the node filled in")
    supersedes: str | None = Field(default=None, max_length=36)
    created_at: datetime = Field(sa_type=UtcText)
    published_at: datetime | None = Field(default=None, sa_type=UtcText)


class AttestationRole(StrEnum):
    """What this node has to do with an attestation."""

    MADE = "made"  # it is the verifier
    ATTACHED = "attached"  # it owns the footprint, and serves the attestation beside it


class AttestationRow(SQLModel, table=True):
    """An attestation that this node has made, or that it serves beside an own footprint."""

    __tablename__ = "attestation"
    digest: str = Field(primary_key=True)
    role: str
    footprint_id: str = Field(index=True, max_length=36)
    verifier: str = Field(description="URL of its node")
    token: str = Field(sa_type=Text, description="JWS")
    created_at: datetime = Field(sa_type=UtcText)
