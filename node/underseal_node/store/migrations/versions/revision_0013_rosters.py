"""Rosters: those that are kept here, memberships, and those that are trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "roster",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_roster")),
    )
    op.create_table(
        "roster_epoch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("not_before", sa.String(length=27), nullable=False),
        sa.Column("not_after", sa.String(length=27), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"], ["roster.name"], name=op.f("fk_roster_epoch_name_roster")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_epoch")),
        sa.UniqueConstraint("name", "not_before", name="uq_roster_epoch"),
    )
    op.create_table(
        "roster_admission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("application", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("admitted_at", sa.String(length=27), nullable=False),
        sa.Column("removed_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["epoch_id"],
            ["roster_epoch.id"],
            name=op.f("fk_roster_admission_epoch_id_roster_epoch"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_admission")),
        sa.UniqueConstraint("epoch_id", "url", name="uq_roster_admission_url"),
        sa.UniqueConstraint("epoch_id", "entity", name="uq_roster_admission_entity"),
    )
    op.create_table(
        "roster_membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("header", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roster", sa.Text(), nullable=False),
        sa.Column("not_before", sa.String(length=27), nullable=False),
        sa.Column("not_after", sa.String(length=27), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.String(length=27), nullable=False),
        sa.Column("joined_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_membership")),
        sa.UniqueConstraint("header", name="uq_roster_membership"),
    )
    op.create_index(
        "ix_roster_membership_name", "roster_membership", ["name", "state"], unique=False
    )
    op.create_table(
        "trusted_roster",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("trusted_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "name", name=op.f("pk_trusted_roster")),
    )
    op.add_column("endorsement_question", sa.Column("roster", sa.Text(), nullable=True))
