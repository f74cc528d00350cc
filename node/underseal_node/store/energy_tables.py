"""The tables of metered energy, production orders, and how the one is allocated to the other."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from underseal_node.store.types import DecimalText, UtcText

__all__ = [
    "CorrectedKind",
    "EnergyCorrection",
    "EnergyMeter",
    "EnergyOrder",
    "EnergySetupRow",
    "EnergyValue",
]


class CorrectedKind(StrEnum):
    """What was corrected."""

    READING = "reading"  # the same meter and period, another value
    ORDER = "order"
    METER = "meter"  # another carrier or line, for all its values
    SETUP = "setup"  # rule, carriers, properties of products


class EnergyMeter(SQLModel, table=True):
    """A meter of the plant."""

    __tablename__ = "energy_meter"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    kind: str = Field(description="what its values are: interval or counter")
    carrier: str
    line: str | None = Field(default=None, description="none: the whole site")


class EnergyValue(SQLModel, table=True):
    """A value of a meter: the amount in a period, or the register at an instant."""

    __tablename__ = "energy_value"
    meter_id: int = Field(primary_key=True, foreign_key="energy_meter.id")
    starts_at: datetime = Field(primary_key=True, sa_type=UtcText)
    ends_at: datetime = Field(
        primary_key=True, sa_type=UtcText, description="the same as the start: a register value"
    )
    amount: Decimal = Field(sa_type=DecimalText)
    unit: str


class EnergyOrder(SQLModel, table=True):
    """A production order."""

    __tablename__ = "energy_order"
    __table_args__ = (Index("ix_energy_order_period", "starts_at", "ends_at"),)
    id: str = Field(primary_key=True, description="its number, as the plant calls it")
    product: str = Field(index=True)
    starts_at: datetime = Field(sa_type=UtcText)
    ends_at: datetime = Field(sa_type=UtcText)
    amount: Decimal = Field(sa_type=DecimalText, description="good product")
    unit: str
    machine_hours: Decimal | None = Field(default=None, sa_type=DecimalText)
    value: Decimal | None = Field(default=None, sa_type=DecimalText)
    currency: str | None = None
    line: str | None = None


class EnergySetupRow(SQLModel, table=True):
    """Rule of allocation, carriers and products as of an import; the last one is in force."""

    __tablename__ = "energy_setup"
    __table_args__ = {"sqlite_autoincrement": True}
    id: int | None = Field(default=None, primary_key=True)
    document: str = Field(sa_type=Text, description="JSON: rollup.allocation_json.setup_json")
    digest: str = Field(description="of the document")
    mapping: str = Field(sa_type=Text, description="TOML, as it was imported")
    created_at: datetime = Field(sa_type=UtcText)


class EnergyCorrection(SQLModel, table=True):
    """What was changed of what had been imported: whatever used the old is out of date."""

    __tablename__ = "energy_correction"
    __table_args__ = {"sqlite_autoincrement": True}
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str = Field(description="of the meter or the order")
    old: str = Field(sa_type=Text, description="JSON")
    new: str = Field(sa_type=Text, description="JSON")
    file: str = Field(description="that the new is from")
    created_at: datetime = Field(sa_type=UtcText, index=True)
