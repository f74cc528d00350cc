"""The table of commitments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = ["CommitmentRow"]


class CommitmentRow(SQLModel, table=True):
    """What an own footprint was calculated from, with the salts by which its lines are opened."""

    __tablename__ = "commitment"
    footprint_id: str = Field(primary_key=True, max_length=36)
    record: str = Field(sa_type=Text, description="JSON: underseal_protocol.commitment")
    created_at: datetime = Field(sa_type=UtcText)
