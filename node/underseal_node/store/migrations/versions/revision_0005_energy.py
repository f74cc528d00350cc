"""Energy: meters and their values, production orders, rules of allocation, corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "energy_correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_energy_correction")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_energy_correction_created_at"), "energy_correction", ["created_at"], unique=False
    )
    op.create_table(
        "energy_meter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_energy_meter")),
        sa.UniqueConstraint("name", name=op.f("uq_energy_meter_name")),
    )
    op.create_table(
        "energy_order",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("starts_at", sa.String(length=27), nullable=False),
        sa.Column("ends_at", sa.String(length=27), nullable=False),
        sa.Column("amount", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("machine_hours", sa.String(), nullable=True),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("line", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_energy_order")),
    )
    op.create_index(
        "ix_energy_order_period", "energy_order", ["starts_at", "ends_at"], unique=False
    )
    op.create_index(op.f("ix_energy_order_product"), "energy_order", ["product"], unique=False)
    op.create_table(
        "energy_setup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_energy_setup")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "energy_value",
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.String(length=27), nullable=False),
        sa.Column("ends_at", sa.String(length=27), nullable=False),
        sa.Column("amount", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["energy_meter.id"], name=op.f("fk_energy_value_meter_id_energy_meter")
        ),
        sa.PrimaryKeyConstraint("meter_id", "starts_at", "ends_at", name=op.f("pk_energy_value")),
    )
