"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_counter")),
    )
    op.create_table(
        "footprint",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("segments", sa.LargeBinary(), nullable=False),
        sa.Column("document_digest", sa.String(), nullable=False),
        sa.Column("credential_digest", sa.String(), nullable=False),
        sa.Column("status_statement", sa.Text(), nullable=True),
        sa.Column("changed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=False),
        sa.Column("valid_from", sa.String(), nullable=False),
        sa.Column("valid_until", sa.String(), nullable=False),
        sa.Column("geography", sa.String(), nullable=True),
        sa.Column("product_name", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_footprint")),
        sa.UniqueConstraint("id", name=op.f("uq_footprint_id")),
    )
    op.create_index("ix_footprint_changed", "footprint", ["changed"], unique=False)
    op.create_index("ix_footprint_geography", "footprint", ["geography", "seq"], unique=False)
    op.create_index("ix_footprint_status", "footprint", ["status", "seq"], unique=False)
    op.create_index(
        "ix_footprint_validity", "footprint", ["valid_from", "valid_until"], unique=False
    )
    op.create_table(
        "footprint_key",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "seq", name=op.f("pk_footprint_key")),
    )
    op.create_index("ix_footprint_key_seq", "footprint_key", ["seq", "kind", "value"], unique=False)
    op.create_table(
        "node_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=False),
        sa.Column("company_ids", sa.Text(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_identity")),
    )
    op.create_table(
        "peer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("last_contact_at", sa.String(length=27), nullable=True),
        sa.Column("token_not_before", sa.String(length=27), nullable=True),
        sa.Column("base_url", sa.String(), nullable=True),
        sa.Column("auth_url", sa.String(), nullable=True),
        sa.Column("token_endpoint", sa.String(), nullable=True),
        sa.Column("token_origin", sa.String(), nullable=True),
        sa.Column("pending_token_endpoint", sa.String(), nullable=True),
        sa.Column("ca_pem", sa.Text(), nullable=True),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("client_secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("audience", sa.String(), nullable=True),
        sa.Column("resource", sa.String(), nullable=True),
        sa.Column("is_underseal", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("key_set", sa.Text(), nullable=True),
        sa.Column("pending_key_set", sa.Text(), nullable=True),
        sa.Column("accept_unsigned", sa.Boolean(), nullable=False),
        sa.Column("signed_before", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer")),
        sa.UniqueConstraint("name", name=op.f("uq_peer_name")),
    )
    op.create_table(
        "received_key",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "seq", name=op.f("pk_received_key")),
    )
    op.create_index("ix_received_key_seq", "received_key", ["seq"], unique=False)
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("public_jwk", sa.Text(), nullable=False),
        sa.Column("private_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("retired_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
    )
    op.create_index(op.f("ix_signing_key_purpose"), "signing_key", ["purpose"], unique=False)
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("shown_value", sa.String(), nullable=False),
        sa.Column("starts", sa.String(), nullable=True),
        sa.Column("ends", sa.String(), nullable=True),
        sa.Column("changed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_access_grant_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
        sa.UniqueConstraint("peer_id", "kind", "value", "level", name="uq_access_grant"),
    )
    op.create_index(
        "ix_access_grant_cover", "access_grant", ["kind", "value", "peer_id", "level"], unique=False
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=True),
        sa.Column("footprint_id", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_alert_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_table(
        "client_credential",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_client_credential_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_credential")),
    )
    op.create_index(
        op.f("ix_client_credential_peer_id"), "client_credential", ["peer_id"], unique=False
    )
    op.create_table(
        "inbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("handled_at", sa.String(length=27), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.String(length=27), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_inbox_peer_id_peer")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_inbox")),
        sa.UniqueConstraint("peer_id", "event_id", name="uq_inbox_event"),
    )
    op.create_index("ix_inbox_open", "inbox", ["handled_at", "seq"], unique=False)
    op.create_table(
        "pull_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.String(), nullable=False),
        sa.Column("next_link", sa.Text(), nullable=True),
        sa.Column("watermark", sa.String(), nullable=True),
        sa.Column("pending_watermark", sa.String(), nullable=True),
        sa.Column("started_at", sa.String(length=27), nullable=True),
        sa.Column("completed_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_pull_state_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_state")),
        sa.UniqueConstraint("peer_id", "criteria", name="uq_pull_state"),
    )
    op.create_table(
        "received_footprint",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("footprint_id", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_statement", sa.Text(), nullable=True),
        sa.Column("verification", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("credential_digest", sa.String(), nullable=True),
        sa.Column("withheld", sa.String(), nullable=False),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
        sa.Column("valid_from", sa.String(), nullable=False),
        sa.Column("valid_until", sa.String(), nullable=False),
        sa.Column("geography", sa.String(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["peer_id"], ["peer.id"], name=op.f("fk_received_footprint_peer_id_peer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_received_footprint")),
        sa.UniqueConstraint("peer_id", "footprint_id", name="uq_received"),
    )
    op.create_index(
        op.f("ix_received_footprint_footprint_id"),
        "received_footprint",
        ["footprint_id"],
        unique=False,
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("answered_at", sa.String(length=27), nullable=True),
        sa.Column("footprint_ids", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_request_peer_id_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("direction", "peer_id", "event_id", name="uq_request_event"),
    )
    op.create_index("ix_request_state", "request", ["direction", "state"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("next_attempt_at", sa.String(length=27), nullable=False),
        sa.Column("give_up_at", sa.String(length=27), nullable=False),
        sa.Column("leased_until", sa.String(length=27), nullable=True),
        sa.Column("delivered_at", sa.String(length=27), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_outbox_peer_id_peer")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_outbox_request_id_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "next_attempt_at"], unique=False)
    op.create_index("ix_outbox_peer", "outbox", ["peer_id", "state", "id"], unique=False)
    op.execute(sa.text("INSERT INTO change_counter (id, last) VALUES (1, 0)"))
