"""Queries on drafts, attestations, and the verifiers that this node knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError
from underseal_node.store.attestation_tables import AttestationRole, AttestationRow, DraftRow
from underseal_node.store.claims import claimants, is_one
from underseal_node.store.database import next_change
from underseal_node.store.tables import Footprint, Peer, PeerState
from underseal_protocol.attestation_claims import Attestation

__all__ = ["attached", "draft", "drafts", "find_draft", "keep", "published", "save", "signer"]


def find_draft(session: Session, footprint_id: str) -> DraftRow | None:
    """The draft of this id, if there is one."""
    return session.get(DraftRow, footprint_id.lower())


def draft(session: Session, footprint_id: str) -> DraftRow:
    """One draft.

    Raises:
        NotFoundError: there is none with this id.
    """
    found = find_draft(session, footprint_id)
    if found is None:
        raise NotFoundError(
            f"there is no draft {footprint_id}",
            hint="`underseal footprint drafts` lists them; `underseal footprint draft FILE` makes "
            "one.",
        )
    return found


def drafts(session: Session, *, limit: int = 1000) -> Sequence[DraftRow]:
    """Drafts, newest first."""
    statement = select(DraftRow).order_by(col(DraftRow.created_at).desc(), col(DraftRow.id))
    return session.exec(statement.limit(limit)).all()


def save(session: Session, row: DraftRow) -> None:
    """Write a draft that is new or changed."""
    session.add(row)
    session.flush()


def published(session: Session, footprint_id: str, now: datetime) -> None:
    """A draft has become a footprint."""
    session.execute(
        update(DraftRow).where(col(DraftRow.id) == footprint_id).values(published_at=now)
    )


def keep(session: Session, found: Attestation, role: AttestationRole, now: datetime) -> bool:
    """Keep an attestation.

    One that is attached counts as a change of the footprint for the peers that may see it: when
    they ask for changes they get it again, and know that there is something to ask for.

    Returns:
        whether it is new.
    """
    if session.get(AttestationRow, found.digest) is not None:
        return False
    session.add(
        AttestationRow(
            digest=found.digest,
            role=role,
            footprint_id=found.subject.footprint_id,
            verifier=found.verifier,
            token=found.token,
            created_at=now,
        )
    )
    session.flush()
    if role == AttestationRole.ATTACHED:
        session.execute(
            update(Footprint)
            .where(col(Footprint.id) == found.subject.footprint_id)
            .values(attested=next_change(session))
        )
    return True


def attached(session: Session, footprint_id: str) -> list[str]:
    """The attestations that are served beside an own footprint, oldest first."""
    statement = (
        select(AttestationRow.token)
        .where(
            AttestationRow.footprint_id == footprint_id.lower(),
            AttestationRow.role == AttestationRole.ATTACHED,
        )
        .order_by(col(AttestationRow.created_at), col(AttestationRow.digest))
    )
    return list(session.exec(statement).all())


def signer(session: Session, url: str) -> Peer | None:
    """The active peer that signs under this URL, or did before it moved, with pinned keys.

    Peers say themselves where they are and were. Where several with different keys say that they
    have this URL, it is none of them: one could sign in the name of another.
    """
    found = claimants(session, url, [PeerState.ACTIVE])
    return found[0] if is_one(found) else None
