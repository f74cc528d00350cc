"""Tables that lists of footprints are filtered, searched and sorted by.

`store.listed` fills them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "own_entry",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("valid_until", sa.String(), nullable=False),
        *(sa.Column(name, KEY, nullable=False) for name in ("name", "products", "figure", "unit")),
        sa.Column("search", KEY, nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["footprint.seq"], name="fk_own_entry_seq_footprint"),
        sa.PrimaryKeyConstraint("seq", name="pk_own_entry"),
    )
    op.create_index("ix_own_entry_validity", "own_entry", ["status", "valid_until"], unique=False)
    op.create_table(
        "received_entry",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("verification", sa.String(), nullable=False),
        sa.Column("valid_until", sa.String(), nullable=False),
        sa.Column("received_at", sa.String(), nullable=False),
        *(
            sa.Column(name, KEY, nullable=False)
            for name in ("name", "products", "company", "figure", "unit", "terms", "search")
        ),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name="fk_received_entry_peer_id_peer"),
        sa.ForeignKeyConstraint(
            ["seq"], ["received_footprint.seq"], name="fk_received_entry_seq_received_footprint"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_received_entry"),
    )
    op.create_index("ix_received_entry_peer", "received_entry", ["peer_id", "seq"], unique=False)
    op.create_index(
        "ix_received_entry_validity", "received_entry", ["status", "valid_until"], unique=False
    )
