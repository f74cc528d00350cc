"""The memory for client assertions: each is accepted once, by all processes together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from underseal_node.errors import RefusedError
from underseal_node.store.identity_tables import UsedAssertion

__all__ = ["AssertionUsedError", "remember"]

# How far the clocks of two hosts may be apart without an assertion being accepted at both.
HOST_SKEW = timedelta(minutes=5)


class AssertionUsedError(RefusedError):
    """The assertion has been accepted before."""


def remember(
    session: Session, client_id: str, jti_digest: str, expires_at: datetime, now: datetime
) -> None:
    """Write down that an assertion is accepted; what could not be accepted any more is forgotten.

    Args:
        client_id: who sent it.
        jti_digest: of its `jti`, because a client chooses that.
        expires_at: from when on it would be refused anyway.
        now: aware.

    Raises:
        AssertionUsedError: it has been accepted before.
    """
    # Later than it could be, because another host may have another time.
    over = now - HOST_SKEW
    session.execute(delete(UsedAssertion).where(col(UsedAssertion.expires_at) < over))
    if session.get(UsedAssertion, (client_id, jti_digest)) is not None:
        raise AssertionUsedError("the client assertion has been used before")
    session.add(UsedAssertion(client_id=client_id, jti=jti_digest, expires_at=expires_at))
    try:
        session.flush()
    except IntegrityError as error:  # another process was a moment earlier
        raise AssertionUsedError("the client assertion has been used before") from error
