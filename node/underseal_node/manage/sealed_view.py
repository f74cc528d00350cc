"""Sealed sums as they are shown to the operator: those that were received, and our own."""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.manage.shapes.sealed import ReceivedSealShape, SealVerdictShape
from underseal_node.manage.shapes.seals import SealShows
from underseal_node.store import grants, received_seals, seals
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.seal_tables import SealState

__all__ = ["sealed_for", "sealed_shape"]


def sealed_shape(session: Session, row: ReceivedFootprint) -> ReceivedSealShape | None:
    """The sealed sum of a received footprint; None if there is none, or it is not verified."""
    found = received_seals.find(session, row.peer_id, row.footprint_id)
    if found is None or row.verification != VerificationState.VERIFIED:
        return None
    verdict = None
    if found.verdict is not None:
        verdict = SealVerdictShape.model_validate(json.loads(found.verdict))
    return ReceivedSealShape(
        state=SealState(found.state),
        reason=found.reason,
        verdict=verdict,
        received_at=found.received_at,
        judged_at=found.judged_at,
        sealed_sum=found.body,
    )


def sealed_for(session: Session, peer_id: int, moment: datetime) -> dict[str, SealShows]:
    """What a peer sees of the sealed sums that it is granted, by the footprint.

    Args:
        peer_id: the peer.
        moment: aware; at which it looks.
    """
    granted = grants.sealed_in_force(session, peer_id, moment)
    return {
        name: SealShows.model_validate(json.loads(one.shows))
        for name, one in seals.find_many(session, granted).items()
    }
