"""The table of what is spent on suppliers.

Nothing of this is ever served to a peer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = ["SpendRow"]


class SpendRow(SQLModel, table=True):
    """What is spent on a supplier in a period. A period has one currency, and a supplier once."""

    __tablename__ = "spend"
    __table_args__ = (Index("ix_spend_period", "period_end", "period_start"),)
    id: int | None = Field(default=None, primary_key=True)
    period_start: datetime = Field(sa_type=UtcText)
    period_end: datetime = Field(sa_type=UtcText, description="the first instant after it")
    supplier: str = Field(sa_type=Text, description="as the file names it")
    amount: str = Field(sa_type=Text, description="a decimal, in the currency")
    currency: str = Field(description="ISO 4217")
    file: str = Field(sa_type=Text, description="that it was imported from")
    changed_at: datetime = Field(sa_type=UtcText)
