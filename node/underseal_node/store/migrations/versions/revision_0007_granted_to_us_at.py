"""When peers told last what they have granted us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.add_column("peer", sa.Column("granted_to_us_at", sa.String(length=27), nullable=True))
