"""What is counted at this moment, for the page that Prometheus reads."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, SQLModel, col, select

from underseal_node.store.exchange_tables import (
    Alert,
    Direction,
    InboxEvent,
    OutboxEvent,
    OutboxState,
    ReceivedFootprint,
    Request,
    RequestState,
    VerificationState,
)
from underseal_node.store.tables import Footprint, Peer, PeerState
from underseal_protocol.criteria import ACTIVE

__all__ = ["Counted", "measure", "of_status"]

Counted = tuple[str, str, float]
"""Name, description and value."""


def measure(session: Session) -> list[Counted]:
    """Everything that is counted."""

    def count(table: type[SQLModel], *where: ColumnElement[bool]) -> float:
        return float(session.exec(select(func.count()).select_from(table).where(*where)).one())

    waiting = (
        col(Request.direction) == Direction.INCOMING,
        col(Request.state) == RequestState.PENDING,
    )
    counted: list[Counted] = [
        ("underseal_footprints", "Own footprints", count(Footprint)),
        ("underseal_peers", "Active peers", count(Peer, col(Peer.state) == PeerState.ACTIVE)),
        ("underseal_alerts", "Alerts", count(Alert)),
        (
            "underseal_inbox_open",
            "Events from peers not handled yet",
            count(InboxEvent, col(InboxEvent.handled_at).is_(None)),
        ),
        (
            "underseal_requests_waiting",
            "Incoming requests that wait for an answer",
            count(Request, *waiting),
        ),
    ]
    for state in (OutboxState.PENDING, OutboxState.DEAD, OutboxState.PAUSED):
        number = count(OutboxEvent, col(OutboxEvent.state) == state)
        counted.append((f"underseal_outbox_{state}", f"Events to peers that are {state}", number))
    for verification in VerificationState:
        number = count(ReceivedFootprint, col(ReceivedFootprint.verification) == verification)
        name = f"underseal_received_{verification}"
        counted.append((name, f"Received footprints that are {verification}", number))
    return counted


def of_status(session: Session) -> tuple[int, int]:
    """How many own footprints are active, and how many alerts there are."""
    active = select(func.count()).select_from(Footprint).where(col(Footprint.status) == ACTIVE)
    return session.exec(active).one(), session.exec(select(func.count()).select_from(Alert)).one()
