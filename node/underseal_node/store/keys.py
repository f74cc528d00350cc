"""Queries on the signing keys of this node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from underseal_node.store.tables import SigningKeyRow

__all__ = ["active", "add", "every"]


def add(
    session: Session,
    *,
    kid: str,
    purpose: str,
    public_jwk: str,
    private_encrypted: bytes,
    now: datetime,
) -> None:
    """Store a key pair; the private half is encrypted already."""
    session.add(
        SigningKeyRow(
            kid=kid,
            purpose=purpose,
            public_jwk=public_jwk,
            private_encrypted=private_encrypted,
            created_at=now,
        )
    )
    session.flush()


def active(session: Session, purpose: str) -> SigningKeyRow | None:
    """The newest key of a purpose that is not retired."""
    return session.exec(
        select(SigningKeyRow)
        .where(SigningKeyRow.purpose == purpose, col(SigningKeyRow.retired_at).is_(None))
        .order_by(col(SigningKeyRow.created_at).desc(), col(SigningKeyRow.kid))
        .limit(1)
    ).first()


def every(session: Session) -> Sequence[SigningKeyRow]:
    """All keys, retired ones too, oldest first."""
    return session.exec(
        select(SigningKeyRow).order_by(col(SigningKeyRow.created_at), col(SigningKeyRow.kid))
    ).all()
