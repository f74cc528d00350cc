"""The tables of what goes back and forth between a node and its peers: footprints received,
requests, events and pulls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from underseal_node.store.tables import Sequence
from underseal_node.store.types import UtcText


class VerificationState(StrEnum):
    """What verification said of a received footprint."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    INVALID = "invalid"


class Confirmation(StrEnum):
    """Whether a peer confirms with a receipt that it has served a footprint."""

    OPEN = "open"  # not acknowledged yet
    DENIED = "denied"  # not confirmed: it is read again
    REPEATED = "repeated"  # read again, not acknowledged since
    CONFIRMED = "confirmed"
    REFUSED = "refused"  # not confirmed after it was read again


class Direction(StrEnum):
    """Who asked: a peer asks us (incoming), we ask a peer (outgoing)."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class RequestState(StrEnum):
    """A request has exactly one outcome."""

    PENDING = "pending"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    FAILED = "failed"  # outgoing only: the request could not be delivered within 72 h


class OutboxState(StrEnum):
    """Where an outgoing event is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    PAUSED = "paused"  # restored from a backup: the operator decides


class ReceivedFootprint(SQLModel, table=True):
    """A footprint obtained from a peer, with the bytes as received."""

    __tablename__ = "received_footprint"
    __table_args__ = (
        UniqueConstraint("peer_id", "footprint_id", name="uq_received"),
        Index("ix_received_peer", "peer_id", "seq"),
        # What is to be acknowledged or read again: few of many, looked for after each event.
        Index("ix_received_confirmation", "peer_id", "confirmation", "seq"),
    )
    seq: int | None = Field(default=None, sa_column=Column(Sequence, primary_key=True))
    peer_id: int = Field(foreign_key="peer.id")
    footprint_id: str = Field(index=True)
    body: bytes = Field(sa_type=LargeBinary)
    body_digest: str = Field(description="digest without status, to tell a change from none")
    status: str
    status_statement: str | None = Field(default=None, sa_type=Text, description="the peer's JWS")
    verification: str
    reason: str | None = Field(default=None, sa_type=Text, description="why it is not verified")
    credential_digest: str | None = None
    kid: str | None = Field(default=None, description="the key that signed it")
    terms: str | None = Field(default=None, sa_type=Text, description="JSON: usage terms")
    receipt_id: str | None = Field(default=None, description="of the newest receipt held for it")
    confirmation: str = Field(
        default=Confirmation.OPEN,
        description="what the peer says to our acknowledgement",
        sa_column_kwargs={"server_default": Confirmation.OPEN.value},
    )
    withheld: str = Field(default="[]", description="JSON array of withheld blocks")
    attestations: str | None = Field(
        default=None, sa_type=Text, description="JSON array: served beside it (JWS)"
    )
    is_attested: bool = Field(
        default=False,
        description="it carries attestations, or some are served beside it",
        sa_column_kwargs={"server_default": false()},
    )
    received_at: datetime = Field(sa_type=UtcText)
    changed_at: datetime = Field(sa_type=UtcText)
    valid_from: str
    valid_until: str
    geography: str | None = None
    summary: str = Field(sa_type=Text)


class ReceivedKey(SQLModel, table=True):
    """What a received footprint can be found by; values are folded."""

    __tablename__ = "received_key"
    __table_args__ = (Index("ix_received_key_seq", "seq"),)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(Sequence, primary_key=True))


class Alert(SQLModel, table=True):
    """Something the operator has to look at: a change under the same id, two credentials, ..."""

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_same", "peer_id", "footprint_id", "kind"),)
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(sa_type=UtcText)
    kind: str
    peer_id: int | None = Field(default=None, foreign_key="peer.id")
    footprint_id: str | None = None
    message: str = Field(sa_type=Text)
    evidence: bytes | None = Field(default=None, sa_type=LargeBinary)


class Request(SQLModel, table=True):
    """The asynchronous PACT request, incoming or outgoing."""

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("direction", "peer_id", "event_id", name="uq_request_event"),
        Index("ix_request_state", "direction", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    direction: str
    peer_id: int = Field(foreign_key="peer.id")
    event_id: str = Field(description="id of the RequestCreated event, an opaque string")
    state: str = RequestState.PENDING
    criteria: str = Field(sa_type=Text, description="JSON: data of the event without comment")
    comment: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UtcText)
    answered_at: datetime | None = Field(default=None, sa_type=UtcText)
    footprint_ids: str = Field(
        default="[]", sa_type=Text, description="JSON array of ids delivered"
    )
    levels: str = Field(
        default="[]",
        sa_type=Text,
        description="JSON array: ranks of the levels at which they are delivered",
        sa_column_kwargs={"server_default": "[]"},
    )
    error_code: str | None = None
    error_message: str | None = Field(default=None, sa_type=Text)


class OutboxEvent(SQLModel, table=True):
    """An event to deliver to one peer, written in the transaction of what it tells."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "state", "next_attempt_at"),
        Index("ix_outbox_peer", "peer_id", "state", "id"),
    )
    id: int | None = Field(default=None, sa_column=Column(Sequence, primary_key=True))
    event_id: str = Field(unique=True)
    peer_id: int = Field(foreign_key="peer.id")
    type: str
    body: bytes = Field(sa_type=LargeBinary, description="the CloudEvent, as it is sent")
    request_id: int | None = Field(default=None, foreign_key="request.id")
    state: str = OutboxState.PENDING
    attempts: int = 0
    created_at: datetime = Field(sa_type=UtcText)
    next_attempt_at: datetime = Field(sa_type=UtcText)
    give_up_at: datetime = Field(sa_type=UtcText)
    leased_until: datetime | None = Field(default=None, sa_type=UtcText)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcText)
    last_error: str | None = Field(default=None, sa_type=Text)


class InboxEvent(SQLModel, table=True):
    """An accepted event; (peer, event id) is handled once."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("peer_id", "event_id", name="uq_inbox_event"),
        Index("ix_inbox_open", "handled_at", "seq"),
        Index("ix_inbox_waiting", "peer_id", "handled_at"),
    )
    seq: int | None = Field(default=None, sa_column=Column(Sequence, primary_key=True))
    peer_id: int = Field(foreign_key="peer.id")
    event_id: str
    type: str
    body: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=UtcText)
    handled_at: datetime | None = Field(default=None, sa_type=UtcText)
    attempts: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcText)
    outcome: str | None = Field(default=None, sa_type=Text)


class PullState(SQLModel, table=True):
    """How far a pull from a peer has come, so that it can go on after an interruption."""

    __tablename__ = "pull_state"
    __table_args__ = (UniqueConstraint("peer_id", "criteria", name="uq_pull_state"),)
    id: int | None = Field(default=None, primary_key=True)
    peer_id: int = Field(foreign_key="peer.id")
    criteria: str = Field(description="canonical query string of the filters")
    next_link: str | None = Field(default=None, sa_type=Text)
    watermark: str | None = Field(default=None, description="for x-underseal-changed-after")
    pending_watermark: str | None = Field(default=None, description="of the walk under way")
    started_at: datetime | None = Field(default=None, sa_type=UtcText)
    completed_at: datetime | None = Field(default=None, sa_type=UtcText)
