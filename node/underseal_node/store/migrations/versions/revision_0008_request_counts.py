"""How much each worker is asked by busy clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "request_count",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("worker", sa.String(length=32), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "worker", name=op.f("pk_request_count")),
    )
    op.create_index(
        op.f("ix_request_count_counted_at"), "request_count", ["counted_at"], unique=False
    )
