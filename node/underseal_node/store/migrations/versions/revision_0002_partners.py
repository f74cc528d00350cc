"""Partnerships: invitations, key logs, client assertions, usage terms, audit log, receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "key_log",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_key_log")),
    )
    op.create_table(
        "auth_failure",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.String(length=27), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_auth_failure")),
    )
    op.create_index(
        op.f("ix_auth_failure_expires_at"), "auth_failure", ["expires_at"], unique=False
    )
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti", name=op.f("pk_used_assertion")),
    )
    op.create_index(
        op.f("ix_used_assertion_expires_at"), "used_assertion", ["expires_at"], unique=False
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("token_key", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("for_url", sa.String(), nullable=True),
        sa.Column("for_company_id", sa.String(), nullable=True),
        sa.Column("is_pre_approved", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("used_at", sa.String(length=27), nullable=True),
        sa.Column("reply_digest", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_invitation_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_peer_id"), "invitation", ["peer_id"], unique=False)
    op.create_table(
        "footprint_draft",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("filled", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footprint_draft")),
    )
    op.create_table(
        "attestation",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("footprint_id", sa.String(length=36), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attestation")),
    )
    op.create_index(
        op.f("ix_attestation_footprint_id"), "attestation", ["footprint_id"], unique=False
    )
    op.add_column("received_footprint", sa.Column("attestations", sa.Text(), nullable=True))
    op.add_column(
        "received_footprint",
        sa.Column("is_attested", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("access_grant", sa.Column("terms", sa.Text(), nullable=True))
    op.add_column("access_grant", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column("access_grant", sa.Column("invitation_id", sa.String(), nullable=True))
    op.add_column(
        "client_credential",
        sa.Column("method", sa.String(), server_default="client_secret_basic", nullable=False),
    )
    op.add_column(
        "client_credential", sa.Column("confirmed_at", sa.String(length=27), nullable=True)
    )
    op.execute("UPDATE client_credential SET confirmed_at = created_at")
    op.add_column("peer", sa.Column("state_reason", sa.Text(), nullable=True))
    op.add_column("peer", sa.Column("awaits", sa.String(), nullable=True))
    op.add_column("peer", sa.Column("invitation_id", sa.String(), nullable=True))
    op.add_column("peer", sa.Column("invitation_digest", sa.String(), nullable=True))
    op.add_column("peer", sa.Column("registration", sa.Text(), nullable=True))
    op.add_column("peer", sa.Column("removed_at", sa.String(length=27), nullable=True))
    op.add_column(
        "peer",
        sa.Column("allow_private_network", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("peer", sa.Column("company_name", sa.String(), nullable=True))
    op.add_column("peer", sa.Column("company_ids", sa.Text(), server_default="[]", nullable=False))
    op.add_column(
        "peer",
        sa.Column("auth_method", sa.String(), server_default="client_secret_basic", nullable=False),
    )
    op.add_column("peer", sa.Column("client_expires_at", sa.String(length=27), nullable=True))
    op.add_column(
        "peer", sa.Column("former_issuers", sa.Text(), server_default="[]", nullable=False)
    )
    op.add_column("peer", sa.Column("key_log", sa.Text(), server_default="[]", nullable=False))
    op.add_column(
        "peer", sa.Column("assurance", sa.String(), server_default="first-contact", nullable=False)
    )
    op.add_column("peer", sa.Column("ended_by_peer_at", sa.String(length=27), nullable=True))
    op.add_column("peer", sa.Column("ended_by_peer_reason", sa.Text(), nullable=True))
    op.add_column("peer", sa.Column("last_problem_at", sa.String(length=27), nullable=True))
    op.add_column("peer", sa.Column("last_problem", sa.Text(), nullable=True))
    op.add_column(
        "peer",
        sa.Column("is_registered_there", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("peer", sa.Column("told_entry", sa.Integer(), server_default="0", nullable=False))
    op.add_column("peer", sa.Column("granted_to_us", sa.Text(), nullable=True))
    op.add_column("peer", sa.Column("pending_key_log", sa.Text(), nullable=True))
    op.add_column(
        "peer", sa.Column("look_wanted", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("received_footprint", sa.Column("kid", sa.String(), nullable=True))
    op.add_column("received_footprint", sa.Column("receipt_id", sa.String(), nullable=True))
    op.add_column(
        "received_footprint",
        sa.Column("confirmation", sa.String(), server_default="open", nullable=False),
    )
    op.add_column("request", sa.Column("levels", sa.Text(), server_default="[]", nullable=False))
    op.add_column(
        "peer",
        sa.Column(
            "shown_until",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
    )
    op.add_column("received_footprint", sa.Column("terms", sa.Text(), nullable=True))
    op.add_column("signing_key", sa.Column("revoked_at", sa.String(length=27), nullable=True))
    op.add_column(
        "footprint",
        sa.Column("attested", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.create_index("ix_footprint_attested", "footprint", ["attested"], unique=False)
    op.create_index("ix_inbox_waiting", "inbox", ["peer_id", "handled_at"], unique=False)
    # What was revoked until now had been removed.
    op.execute("UPDATE peer SET removed_at = token_not_before WHERE state = 'revoked'")
    if op.get_bind().dialect.name == "sqlite":  # sequences of PostgreSQL do not go back
        for table in ("peer", "access_grant"):
            options = {"sqlite_autoincrement": True}
            with op.batch_alter_table(table, recreate="always", table_kwargs=options):
                pass
    _create_audit_log()


def _create_audit_log() -> None:
    op.create_table(
        "audit_entry",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("shown_to", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_shown", "audit_entry", ["shown_to", "number"], unique=False)
    op.create_table(
        "shown_footprint",
        sa.Column("peer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "seq", name=op.f("pk_shown_footprint")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_head",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_audit_node")),
    )
    op.create_table(
        "audit_pending",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=True),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("footprint_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_pending")),
    )
    op.create_table(
        "audit_set",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_audit_set")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("acknowledgement", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("head_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("head_root", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("done_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_receipt_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("role", "peer_id", "digest", name="uq_receipt_digest"),
    )
    op.create_index(op.f("ix_receipt_peer_id"), "receipt", ["peer_id"], unique=False)
    op.create_index("ix_receipt_state", "receipt", ["role", "state"], unique=False)
