"""Every table of a node: importing this fills the metadata."""

from __future__ import annotations

from sqlmodel import SQLModel

from underseal_node.store import (
    attestation_tables,
    audit_tables,
    commitment_tables,
    energy_tables,
    exchange_tables,
    identity_tables,
    list_tables,
    product_tables,
    roster_tables,
    seal_tables,
    spend_tables,
    tables,
)

__all__ = ["DEFINED_IN", "METADATA"]

DEFINED_IN = (
    attestation_tables,
    audit_tables,
    commitment_tables,
    energy_tables,
    exchange_tables,
    identity_tables,
    list_tables,
    product_tables,
    roster_tables,
    seal_tables,
    spend_tables,
    tables,
)
METADATA = SQLModel.metadata
