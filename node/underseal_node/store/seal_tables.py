"""The tables of sealed sums: what we endorse for customers, what suppliers endorse for us, seals.

Whatever opens a commitment is encrypted (`trust.vault`): what a customer was given with the purpose
that workers of the public listener have, too, because they hand it out; everything else with one
that only the management process has.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = [
    "HeldEndorsement",
    "HeldState",
    "Question",
    "QuestionState",
    "ReceivedSeal",
    "Seal",
    "SealContext",
    "SealState",
]


class QuestionState(StrEnum):
    """How far the answer to a customer is."""

    OPEN = "open"  # the operator has to decide
    ALLOWED = "allowed"  # it is to be signed
    ENDORSED = "endorsed"
    REFUSED = "refused"  # by the operator
    FAILED = "failed"  # the figure cannot be endorsed


class HeldState(StrEnum):
    """What a supplier has answered us."""

    WANTED = "wanted"  # it has not been reached yet
    PENDING = "pending"  # it decides later
    ENDORSED = "endorsed"
    REFUSED = "refused"
    UNABLE = "unable"  # no Underseal node, or one that endorses nothing


class SealState(StrEnum):
    """What verification said of a sealed sum that was received."""

    VERIFIED = "verified"
    INVALID = "invalid"


class Question(SQLModel, table=True):
    """A customer asks us to endorse a figure; kept for good, as the answer never changes."""

    __tablename__ = "endorsement_question"
    __table_args__ = (
        # One answer, with one blinding, for one figure in one context.
        UniqueConstraint(
            "peer_id", "context", "footprint_id", "property", name="uq_endorsement_question"
        ),
        Index("ix_endorsement_question_state", "state", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    peer_id: int = Field(foreign_key="peer.id")
    footprint_id: str = Field(max_length=36, description="own")
    property: str
    context: str = Field(description="base64url; it does not tell what it is for")
    state: str = QuestionState.OPEN
    is_named: bool = Field(description="whether we consent to be named")
    roster: str | None = Field(
        default=None, sa_type=Text, description="JSON: of which we are to endorse as a member"
    )
    answer: bytes | None = Field(
        default=None, sa_type=LargeBinary, description="encrypted: endorsement and opening"
    )
    reason: str | None = Field(default=None, sa_type=Text, description="why it is not endorsed")
    asked_at: datetime = Field(sa_type=UtcText)
    answered_at: datetime | None = Field(default=None, sa_type=UtcText)


class HeldEndorsement(SQLModel, table=True):
    """What a supplier endorses for one footprint of ours, or that it does not."""

    __tablename__ = "endorsement"
    __table_args__ = (
        UniqueConstraint(
            *("footprint_id", "peer_id", "supplier_footprint_id", "property"),
            name="uq_endorsement",
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    footprint_id: str = Field(max_length=36, description="of ours: a draft, or published")
    peer_id: int = Field(foreign_key="peer.id")
    supplier_footprint_id: str = Field(max_length=36)
    property: str
    state: str = HeldState.WANTED
    answer: bytes | None = Field(
        default=None, sa_type=LargeBinary, description="encrypted: endorsement and opening"
    )
    reason: str | None = Field(default=None, sa_type=Text, description="why there is none")
    asked_at: datetime = Field(sa_type=UtcText)
    answered_at: datetime | None = Field(default=None, sa_type=UtcText)


class SealContext(SQLModel, table=True):
    """What the endorsements for one footprint of ours are bound to."""

    __tablename__ = "seal_context"
    footprint_id: str = Field(primary_key=True, max_length=36)
    product_id: str = Field(sa_type=Text, description="one of its productIds")
    salt: bytes = Field(sa_type=LargeBinary, description="encrypted; a seal shows it")
    created_at: datetime = Field(sa_type=UtcText)


class Seal(SQLModel, table=True):
    """The sealed sum of a footprint of ours, a draft or published."""

    __tablename__ = "seal"
    footprint_id: str = Field(primary_key=True, max_length=36)
    digest: str = Field(description="by which the sealed sum is known")
    document: bytes = Field(sa_type=LargeBinary, description="underseal_protocol.seal.document")
    binding: str = Field(sa_type=Text, description="JSON: what the publisher stands by it with")
    shows: str = Field(sa_type=Text, description="JSON: what it shows, for the operator")
    openings: bytes = Field(
        sa_type=LargeBinary, description="encrypted: quantities and blindings, for the auditor"
    )
    created_at: datetime = Field(sa_type=UtcText)


class ReceivedSeal(SQLModel, table=True):
    """The sealed sum of a received footprint, with what verification said of it."""

    __tablename__ = "received_seal"
    peer_id: int = Field(primary_key=True, foreign_key="peer.id")
    footprint_id: str = Field(primary_key=True, max_length=36)
    digest: str = Field(description="as the peer lists it")
    body: str = Field(sa_type=Text, description="as received")
    state: str
    reason: str | None = Field(default=None, sa_type=Text, description="why it does not hold")
    verdict: str | None = Field(default=None, sa_type=Text, description="JSON: what it shows us")
    received_at: datetime = Field(sa_type=UtcText)
    judged_at: datetime = Field(sa_type=UtcText)
