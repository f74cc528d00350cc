"""Queries on the signing keys of this node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from underseal_node.store.identity_tables import SigningKeyRow

__all__ = ["active", "add", "every", "find", "retire", "revoke"]


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


def find(session: Session, kid: str) -> SigningKeyRow | None:
    """The key of this name."""
    return session.get(SigningKeyRow, kid)


def retire(session: Session, row: SigningKeyRow, now: datetime, *, forget: bool) -> None:
    """A key signs no more.

    Args:
        forget: delete its private half.
    """
    row.retired_at = now
    if forget:
        row.private_encrypted = b""
    session.add(row)
    session.flush()


def revoke(session: Session, row: SigningKeyRow, now: datetime, *, forget: bool) -> None:
    """A key is no longer to be trusted; it signs no more."""
    row.revoked_at = now
    retire(session, row, row.retired_at or now, forget=forget)
