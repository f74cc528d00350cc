"""Partnerships that the other side has ended, and why the last call to a peer failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.add_column("peer", sa.Column("ended_by_peer_at", sa.String(length=27), nullable=True))
    op.add_column("peer", sa.Column("ended_by_peer_reason", sa.Text(), nullable=True))
    op.add_column("peer", sa.Column("last_problem_at", sa.String(length=27), nullable=True))
    op.add_column("peer", sa.Column("last_problem", sa.Text(), nullable=True))
