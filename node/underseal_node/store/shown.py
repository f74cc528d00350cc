"""What peers were really shown, found in the audit log when they acknowledge it.

A grant says what a peer may see at this moment, the log says what it has got. Of that, footprints
and the highest level of each are kept here, so that a receipt takes a look-up a footprint, however
long the log is. The sequencer keeps it, when a peer acknowledges something: no read waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, text, update
from sqlmodel import Session, col, select

from underseal_node.store import audit_log
from underseal_node.store.batches import batches
from underseal_node.store.tables import Peer
from underseal_protocol.disclosure import Level

__all__ = ["levels", "take_up"]

# Of one transaction: other writers wait for it.
ENTRIES_AT_A_TIME = 200
IDS_AT_A_TIME = 5_000

ADD = text(
    "INSERT INTO shown_footprint (peer_id, seq, level) "
    "SELECT CAST(:peer AS INTEGER), f.seq, CAST(:level AS INTEGER) FROM footprint f "
    "WHERE f.id IN :ids "
    "ON CONFLICT (peer_id, seq) DO UPDATE SET level = excluded.level "
    "WHERE shown_footprint.level < excluded.level"
).bindparams(bindparam("ids", expanding=True))
# One look-up for each: a join would be free to walk through all that the peer was ever shown.
LEVELS = text(
    "SELECT f.id, f.credential_digest, (SELECT s.level FROM shown_footprint s "
    "WHERE s.peer_id = :peer AND s.seq = f.seq) FROM footprint f WHERE f.id IN :ids"
).bindparams(bindparam("ids", expanding=True))


def take_up(session: Session, peer_id: int) -> bool:
    """Note some of what the log says that a peer was shown since the last time.

    Args:
        session: writes.
        peer_id: of the peer.

    Returns:
        whether there may be more.
    """
    after = session.exec(select(Peer.shown_until).where(Peer.id == peer_id)).one()
    entries = audit_log.shown_to(session, peer_id, after=after, limit=ENTRIES_AT_A_TIME)
    # The same page is often read again.
    found: dict[tuple[Level, tuple[str, ...]], None] = {}
    count = 0
    for number, level, ids in entries:
        after = number
        key = (level, tuple(ids))
        if key not in found:
            found[key] = None
            count += len(ids)
        if count >= IDS_AT_A_TIME:
            break
    if not found:
        return False
    for level, ids_shown in found:
        for ids in batches(ids_shown):
            session.execute(ADD, {"peer": peer_id, "level": level.rank, "ids": ids})
    session.execute(update(Peer).where(col(Peer.id) == peer_id).values(shown_until=after))
    return True


def levels(
    session: Session, peer_id: int, footprint_ids: Sequence[str]
) -> dict[tuple[str, str], Level]:
    """The highest level at which a peer was shown each of these, by id and credential digest.

    Args:
        peer_id: of the peer; `take_up` has been called until there was no more.
        footprint_ids: lower case; what was not shown is left out.
    """
    return {
        (footprint_id, digest): Level.of_rank(rank)
        for ids in batches(footprint_ids)
        for footprint_id, digest, rank in session.execute(LEVELS, {"ids": ids, "peer": peer_id})
        if rank is not None
    }
