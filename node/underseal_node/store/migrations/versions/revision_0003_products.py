"""Products with bills of materials, factors, matches, roll-ups and the ledger of releases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "exposure",
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("footprint_id", name=op.f("pk_exposure")),
    )
    op.create_table(
        "factor",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_table(
        "product_version",
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "version", name=op.f("pk_product_version")),
    )
    op.create_table(
        "roll_up",
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("calculated_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("footprint_id", name=op.f("pk_roll_up")),
    )
    op.create_index(op.f("ix_roll_up_product_id"), "roll_up", ["product_id"], unique=False)
    op.create_table(
        "line_match",
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=True),
        sa.Column("product_urn", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_line_match_peer_id_peer")),
        sa.PrimaryKeyConstraint("product_id", "line_id", name=op.f("pk_line_match")),
    )
    op.create_table(
        "peer_declaration",
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("legal_group", sa.String(), nullable=True),
        sa.Column("knowledge", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_peer_declaration_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_peer_declaration")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_release_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index("ix_release_footprint", "release", ["footprint_id"], unique=False)
