"""Alembic runs this; the connection is handed over by `store.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import String
from sqlmodel import AutoString, SQLModel

from underseal_node.store import (
    attestation_tables,
    audit_tables,
    commitment_tables,
    energy_tables,
    exchange_tables,
    identity_tables,
    product_tables,
    tables,
)
from underseal_node.store.types import DecimalText, UtcText

__all__ = [
    "attestation_tables",
    "audit_tables",
    "commitment_tables",
    "energy_tables",
    "exchange_tables",
    "identity_tables",
    "product_tables",
    "tables",
]  # importing them fills the metadata


def render_plainly(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """Write our column types as what they are in the database: history must not follow the code."""
    if kind != "type":
        return False
    if isinstance(item, UtcText | DecimalText | AutoString):
        length = item.impl_instance.length if isinstance(item.impl_instance, String) else None
        return f"sa.String(length={length})" if length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=render_plainly,
)
with context.begin_transaction():
    context.run_migrations()
