"""Telling peers of new entries in the key log of this node, through the outbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, select

from underseal_node.store import key_log, outbox
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.key_log import MAX_ENTRY_CHARACTERS

__all__ = [
    "ANNOUNCED_ENTRIES",
    "KEY_LOG_EVENT",
    "MAX_ANNOUNCEMENT_BYTES",
    "audience",
    "enqueue_key_log",
    "enqueue_missed",
]

KEY_LOG_EVENT = "underseal.key-log"
"""The type of such a row. It is no event of PACT and goes to `/extensions/key-log`."""

# What a peer has missed for so many entries it finds at its next look at the whole log.
ANNOUNCED_ENTRIES = 16
MAX_ANNOUNCEMENT_BYTES = ANNOUNCED_ENTRIES * (MAX_ENTRY_CHARACTERS + 8)
"""Of such a body: what its entries need, with quotes and commas."""


def audience(session: Session) -> tuple[list[str], list[str]]:
    """The names of the active peers that are told, and of those that cannot be."""
    peers = _active(session)
    told = [peer.name for peer in peers if _can_be_told(peer)]
    return told, [peer.name for peer in peers if not _can_be_told(peer)]


def _active(session: Session) -> Sequence[Peer]:
    return session.exec(
        select(Peer).where(Peer.state == PeerState.ACTIVE).order_by(Peer.name)
    ).all()


def _can_be_told(peer: Peer) -> bool:
    """Whether it has a place for this, and lets us in."""
    return (
        peer.is_called
        and peer.is_underseal
        and peer.base_url is not None
        and peer.client_id is not None
    )


def enqueue_key_log(session: Session, now: datetime, *, give_up_after: timedelta) -> list[str]:
    """Tell every active Underseal peer of the newest entries.

    Args:
        now: aware.
        give_up_after: how long delivery is tried.

    Returns:
        the names of the peers that will be told.
    """
    told = [peer for peer in _active(session) if _can_be_told(peer)]
    _enqueue(session, told, now, give_up_after)
    return [peer.name for peer in told]


def enqueue_missed(
    session: Session, peer: Peer, now: datetime, *, give_up_after: timedelta
) -> None:
    """Tell a peer that was not active of the entries that have come meanwhile, if there are any.

    Args:
        peer: that is active now.
        now: aware.
        give_up_after: how long delivery is tried.
    """
    if _can_be_told(peer) and peer.told_entry < key_log.newest_number(session):
        _enqueue(session, [peer], now, give_up_after)


def _enqueue(
    session: Session, told: Sequence[Peer], now: datetime, give_up_after: timedelta
) -> None:
    entries = key_log.entries(session)
    body = json.dumps({"entries": list(entries[-ANNOUNCED_ENTRIES:])}).encode()
    newest = key_log.newest_number(session)
    for peer in told:
        outbox.enqueue(
            session,
            peer_id=peer.id or 0,
            event_id=outbox.new_event_id(),
            event_type=KEY_LOG_EVENT,
            body=body,
            now=now,
            give_up_after=give_up_after,
        )
        peer.told_entry = newest
        session.add(peer)
    session.flush()
