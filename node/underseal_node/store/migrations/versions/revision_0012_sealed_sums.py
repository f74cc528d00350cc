"""Endorsements, sealed sums, and what a peer may have from us for its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "seal",
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("binding", sa.Text(), nullable=False),
        sa.Column("shows", sa.Text(), nullable=False),
        sa.Column("openings", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("footprint_id", name=op.f("pk_seal")),
    )
    op.create_table(
        "seal_context",
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("footprint_id", name=op.f("pk_seal_context")),
    )
    op.create_table(
        "endorsement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("supplier_footprint_id", sa.String(length=36), nullable=False),
        sa.Column("property", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.String(length=27), nullable=False),
        sa.Column("answered_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_endorsement_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endorsement")),
        sa.UniqueConstraint(
            "footprint_id", "peer_id", "supplier_footprint_id", "property", name="uq_endorsement"
        ),
    )
    op.create_table(
        "endorsement_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("property", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_named", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.String(length=27), nullable=False),
        sa.Column("answered_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_endorsement_question_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endorsement_question")),
        sa.UniqueConstraint(
            "peer_id", "context", "footprint_id", "property", name="uq_endorsement_question"
        ),
    )
    op.create_index(
        "ix_endorsement_question_state", "endorsement_question", ["state", "id"], unique=False
    )
    op.create_table(
        "received_seal",
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("judged_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_received_seal_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("peer_id", "footprint_id", name=op.f("pk_received_seal")),
    )
    op.add_column("peer", sa.Column("endorse", sa.String(), nullable=True))
    op.add_column("peer", sa.Column("endorse_named", sa.Boolean(), nullable=True))
