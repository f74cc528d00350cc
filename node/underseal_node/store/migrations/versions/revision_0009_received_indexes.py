"""Indexes for what is looked for after each event of a peer, and for alerts that repeat."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_index("ix_received_peer", "received_footprint", ["peer_id", "seq"], unique=False)
    op.create_index(
        "ix_received_confirmation",
        "received_footprint",
        ["peer_id", "confirmation", "seq"],
        unique=False,
    )
    op.create_index("ix_alert_same", "alert", ["peer_id", "footprint_id", "kind"], unique=False)
