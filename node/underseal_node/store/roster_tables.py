"""The tables of rosters: those that this node keeps, those that it is in, those that it trusts.

Keys of rosters and memberships are encrypted (`trust.vault`) with a purpose that only the
management process has. Nothing is deleted of what was admitted: an epoch has one credential for
each legal entity, also for one that has lost it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = ["Admitted", "Joined", "JoinedState", "RosterEpoch", "RosterKey", "TrustedRoster"]


class JoinedState(StrEnum):
    """How far a membership of ours is."""

    APPLIED = "applied"
    JOINED = "joined"


class RosterKey(SQLModel, table=True):
    """A roster that this node keeps."""

    __tablename__ = "roster"
    name: str = Field(primary_key=True)
    key: bytes = Field(sa_type=LargeBinary, description="encrypted")
    created_at: datetime = Field(sa_type=UtcText)


class RosterEpoch(SQLModel, table=True):
    """A roster of ours in one epoch."""

    __tablename__ = "roster_epoch"
    __table_args__ = (UniqueConstraint("name", "not_before", name="uq_roster_epoch"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(foreign_key="roster.name")
    not_before: datetime = Field(sa_type=UtcText)
    not_after: datetime = Field(sa_type=UtcText, description="exclusive")
    statement: str = Field(sa_type=Text, description="JWS that shows the roster")
    created_at: datetime = Field(sa_type=UtcText)


class Admitted(SQLModel, table=True):
    """A member that this node has admitted to an epoch; for good."""

    __tablename__ = "roster_admission"
    __table_args__ = (
        UniqueConstraint("epoch_id", "url", name="uq_roster_admission_url"),
        UniqueConstraint("epoch_id", "entity", name="uq_roster_admission_entity"),
    )
    id: int | None = Field(default=None, primary_key=True)
    epoch_id: int = Field(foreign_key="roster_epoch.id")
    url: str
    entity: str = Field(description="the legal entity, by an identifier of it")
    application: bytes = Field(sa_type=LargeBinary, description="a commitment")
    statement: str = Field(sa_type=Text, description="JWS: the admission")
    admitted_at: datetime = Field(sa_type=UtcText)
    removed_at: datetime | None = Field(
        default=None, sa_type=UtcText, description="since then it is not admitted to another epoch"
    )


class Joined(SQLModel, table=True):
    """An epoch of a roster that this node has applied to, or is a member of."""

    __tablename__ = "roster_membership"
    __table_args__ = (
        UniqueConstraint("header", name="uq_roster_membership"),
        Index("ix_roster_membership_name", "name", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    header: str = Field(description="digest of issuer, name, epoch and key")
    issuer: str
    name: str
    roster: str = Field(sa_type=Text, description="JSON: the roster in its epoch")
    not_before: datetime = Field(sa_type=UtcText)
    not_after: datetime = Field(sa_type=UtcText, description="exclusive")
    url: str = Field(description="ours, as the credential has it")
    entity: str = Field(description="likewise")
    state: str = JoinedState.APPLIED
    secret: bytes = Field(
        sa_type=LargeBinary, description="encrypted: what joins, then the credential"
    )
    statement: str = Field(sa_type=Text, description="JWS: the application")
    applied_at: datetime = Field(sa_type=UtcText)
    joined_at: datetime | None = Field(default=None, sa_type=UtcText)


class TrustedRoster(SQLModel, table=True):
    """A roster whose members' endorsements count for this node, in every epoch."""

    __tablename__ = "trusted_roster"
    issuer: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    key: str = Field(description="base64url")
    statement: str = Field(sa_type=Text, description="JWS by which it came to be trusted")
    trusted_at: datetime = Field(sa_type=UtcText)
