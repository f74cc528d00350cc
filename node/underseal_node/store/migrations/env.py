"""Alembic runs this; the connection is handed over by `store.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import String
from sqlmodel import AutoString

from underseal_node.store.all_tables import METADATA
from underseal_node.store.types import DecimalText, UtcText


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
    target_metadata=METADATA,
    render_item=render_plainly,
)
with context.begin_transaction():
    context.run_migrations()
