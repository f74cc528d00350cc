"""What lists of footprints are filtered, searched and sorted by, in narrow tables beside the rows.

The rows hold the bytes of footprints: to look through a million of them would be to read some
gigabytes. `listed` keeps these tables in step.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from underseal_node.store.tables import Sequence

__all__ = ["OwnEntry", "ReceivedEntry"]

# Ordered by its characters, as SQLite does: PostgreSQL has the order of some language.
Key = Text().with_variant(Text(collation="C"), "postgresql")


class OwnEntry(SQLModel, table=True):
    """An own footprint in a list."""

    __tablename__ = "own_entry"
    __table_args__ = (Index("ix_own_entry_validity", "status", "valid_until"),)
    seq: int = Field(
        sa_column=Column(
            Sequence, ForeignKey("footprint.seq"), primary_key=True, autoincrement=False
        )
    )
    status: str
    valid_until: str = Field(description="UtcText")
    name: str = Field(sa_type=Key, description="of the product, folded, as far as it decides")
    products: str = Field(sa_type=Key, description="ids, likewise")
    figure: str = Field(sa_type=Key, description="the PCF, as `listed.figure_key` writes it")
    unit: str = Field(sa_type=Key, description="the declared unit, and its amount likewise")
    search: str = Field(sa_type=Key, description="all that a list shows of it, folded")


class ReceivedEntry(SQLModel, table=True):
    """A received footprint in a list; what is missing in a broken one is an empty text."""

    __tablename__ = "received_entry"
    __table_args__ = (
        Index("ix_received_entry_peer", "peer_id", "seq"),
        Index("ix_received_entry_validity", "status", "valid_until"),
    )
    seq: int = Field(
        sa_column=Column(
            Sequence, ForeignKey("received_footprint.seq"), primary_key=True, autoincrement=False
        )
    )
    peer_id: int = Field(foreign_key="peer.id")
    status: str
    verification: str
    valid_until: str = Field(description="UtcText")
    received_at: str = Field(description="UtcText")
    name: str = Field(sa_type=Key, description="of the product, folded, as far as it decides")
    products: str = Field(sa_type=Key, description="ids, likewise")
    company: str = Field(sa_type=Key, description="likewise")
    figure: str = Field(sa_type=Key, description="the PCF, as `listed.figure_key` writes it")
    unit: str = Field(sa_type=Key, description="the declared unit, and its amount likewise")
    terms: str = Field(sa_type=Key, description="usage terms, folded, as far as it decides")
    search: str = Field(sa_type=Key, description="all that a list shows of it, folded")
