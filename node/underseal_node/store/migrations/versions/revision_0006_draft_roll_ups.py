"""How drafts were calculated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "draft_roll_up",
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("exposure", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("calculated_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("footprint_id", name=op.f("pk_draft_roll_up")),
    )
    op.create_index(
        op.f("ix_draft_roll_up_product_id"), "draft_roll_up", ["product_id"], unique=False
    )
