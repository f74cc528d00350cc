"""The tables of the audit log and of receipts (docs/explanation/audit-log.md)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from underseal_node.store.tables import Sequence
from underseal_node.store.types import UtcText

__all__ = [
    "AuditHead",
    "AuditNode",
    "AuditPending",
    "AuditRow",
    "AuditSet",
    "Receipt",
    "ReceiptRole",
    "ReceiptState",
    "ShownFootprint",
]


class ReceiptRole(StrEnum):
    """Who signed the receipt."""

    ISSUED = "issued"  # by us, for a peer that has acknowledged what it got
    HELD = "held"  # by a peer, for us


class ReceiptState(StrEnum):
    """How far an exchange of acknowledgement and receipt is."""

    PENDING = "pending"
    SETTLING = "settling"  # issued: not all of it is in our log, and may still be on its way there
    DONE = "done"
    REFUSED = "refused"  # nothing of what is acknowledged was served
    FAILED = "failed"


class AuditPending(SQLModel, table=True):
    """What was done and is not in the log yet; written in the transaction of the act."""

    __tablename__ = "audit_pending"
    id: int | None = Field(default=None, sa_column=Column(Sequence, primary_key=True))
    created_at: datetime = Field(sa_type=UtcText)
    peer_id: int | None = Field(default=None, description="no foreign key: the peer may be gone")
    members: str = Field(sa_type=Text, description="JSON: members of the entry")
    footprint_ids: str = Field(sa_type=Text, description="separated by spaces")


class AuditRow(SQLModel, table=True):
    """An entry of the log (`underseal_protocol.audit`); never changed, never deleted."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_shown", "shown_to", "number"),)
    number: int = Field(sa_column=Column(Sequence, primary_key=True, autoincrement=False))
    body: str = Field(sa_type=Text, description="canonical JSON")
    leaf: bytes = Field(sa_type=LargeBinary, description="hash of the entry")
    shown_to: int | None = Field(
        default=None, description="the peer that was shown footprints; only to find the entry by"
    )


class ShownFootprint(SQLModel, table=True):
    """An own footprint that was really shown to a peer which acknowledges, as the log says.

    Made from the entries of that peer when it acknowledges (`store.shown`), so there are none for
    peers that never do, and none for what is granted and was not read.
    """

    __tablename__ = "shown_footprint"
    __table_args__ = ({"sqlite_with_rowid": False},)
    peer_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(Sequence, primary_key=True, autoincrement=False))
    level: int = Field(description="rank of the highest disclosure level")


class AuditNode(SQLModel, table=True):
    """A perfect subtree of the Merkle tree over the log; level 0 is in `audit_entry`."""

    __tablename__ = "audit_node"
    level: int = Field(primary_key=True)
    position: int = Field(sa_column=Column(Sequence, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_type=LargeBinary)


class AuditHead(SQLModel, table=True):
    """A signed head of the tree."""

    __tablename__ = "audit_head"
    size: int = Field(sa_column=Column(Sequence, primary_key=True, autoincrement=False))
    token: str = Field(sa_type=Text, description="JWS")
    created_at: datetime = Field(sa_type=UtcText)


class AuditSet(SQLModel, table=True):
    """A set of footprints that entries name by its digest; each set is stored once."""

    __tablename__ = "audit_set"
    digest: str = Field(primary_key=True)
    packed: bytes = Field(sa_type=LargeBinary, description="underseal_protocol.audit.pack_ids")


class Receipt(SQLModel, table=True):
    """An acknowledgement and the receipt for it, issued or held."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("role", "peer_id", "digest", name="uq_receipt_digest"),
        Index("ix_receipt_state", "role", "state"),
    )
    id: str = Field(primary_key=True, description="UUID")
    role: str
    state: str = ReceiptState.PENDING
    peer_id: int = Field(foreign_key="peer.id", index=True)
    digest: str = Field(description="of the acknowledgement")
    acknowledgement: str = Field(sa_type=Text, description="JWS of who received the footprints")
    token: str | None = Field(default=None, sa_type=Text, description="JWS: the receipt")
    number: int | None = Field(
        default=None,
        sa_column=Column(Sequence),
        description="entry that records the acknowledgement, in the log of the issuer",
    )
    head_size: int | None = Field(
        default=None, sa_column=Column(Sequence), description="of the issuer's log"
    )
    head_root: bytes | None = Field(
        default=None, sa_type=LargeBinary, description="of that log, as verified"
    )
    reason: str | None = Field(default=None, sa_type=Text, description="why it failed")
    created_at: datetime = Field(sa_type=UtcText)
    done_at: datetime | None = Field(default=None, sa_type=UtcText)
