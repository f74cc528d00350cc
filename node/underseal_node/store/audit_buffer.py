"""What peers read and ask for, collected in memory and written down about twice a second.

A read of a peer must not wait for a write, and what is refused must cost less than what is served.
So each process of the public listener counts: who was shown which footprints, at which level, by
which grant, and what was refused to whom. What is the same within half a second becomes one entry.
When the process is killed, what it has counted since the last write is lost: at most a second
(docs/explanation/audit-log.md); when it ends in order, nothing is.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import insert, or_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from underseal_node.clock import Clock
from underseal_node.store.audit import Act, Actor, Outcome, members_of
from underseal_node.store.audit_tables import AuditPending
from underseal_node.store.database import Store, to_change
from underseal_node.store.tables import ClientCredential, Peer
from underseal_node.store.types import utc_text
from underseal_protocol.audit import MAX_INLINE_IDS
from underseal_protocol.disclosure import Level

__all__ = ["FLUSH_SECONDS", "GRANT_BITS", "AuditBuffer", "Shown"]

log = structlog.get_logger(__name__)

# Half of what may be lost: the write itself takes its time, too.
FLUSH_SECONDS = 0.5
# Level and grant of a read in one number: a query finds both at the cost of one.
GRANT_BITS = 32
# The footprints of smaller pages are put together; larger ones are often read as they are again.
MAX_SMALL_PAGE = 64
# Of what was asked for in vain: somebody may go on guessing, and each set of more is stored.
MAX_REFUSED_IDS = MAX_INLINE_IDS

# A peer that has got a token has been in contact; the minute is enough to know.
CONTACT_PAUSE = timedelta(minutes=1)

LEVELS = tuple(Level.of_rank(rank) for rank in range(4))


class Shown:
    """The footprints on one page; pages are told apart by this object.

    Args:
        parts: rank of the level, and the ids shown at that level.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[tuple[int, tuple[str, ...]], ...]) -> None:
        self.parts = parts


@dataclass
class _Tally:
    """How often the same was done, and with which footprints."""

    ids: set[str] = field(default_factory=set)
    times: int = 0


@dataclass(frozen=True)
class _Row:
    """A row of `audit_pending` to be."""

    peer_id: int | None
    members: dict[str, Any]
    ids: tuple[str, ...] = ()


_OneKey = tuple[Act, int, int]
_PageKey = tuple[int, Shown, tuple[int, ...]]
# What was done; by whom (the peer, or else the client id of its token); how it ended; the detail.
_CountKey = tuple[Act, int | None, str | None, Outcome, tuple[tuple[str, str], ...]]
_Counts = dict[_CountKey, _Tally]
_ReadsKey = tuple[Act, int, int, tuple[int, ...]]


class AuditBuffer:
    """Counts what peers do, until it is written down.

    Args:
        store: where to.
        clock: what time it is.
        on_failure: called for each write that failed.
    """

    def __init__(
        self, store: Store, clock: Clock, on_failure: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_failure = on_failure
        self._since: datetime | None = None
        self._ones: dict[_OneKey, dict[str, int]] = {}
        self._pages: Counter[_PageKey] = Counter()
        self._counts: _Counts = {}
        # What could not be written: without the pages, so that it does not grow without end.
        self._kept: dict[_ReadsKey, _Tally] = {}
        self._one_at_a_time = asyncio.Lock()

    def one(self, act: Act, peer_id: int, granted: int, footprint_id: str) -> None:
        """A peer was shown one footprint, or its status.

        Args:
            granted: rank of the level, shifted by `GRANT_BITS`, and id of the grant.
        """
        key = (act, peer_id, granted)
        ids = self._ones.get(key)
        if ids is None:
            ids = self._ones[key] = {}
        ids[footprint_id] = ids.get(footprint_id, 0) + 1

    def page(self, peer_id: int, shown: Shown, grants: tuple[int, ...]) -> None:
        """A peer was shown a page of a list.

        Args:
            shown: of the page.
            grants: those of the peer in force; none if they are too many to list.
        """
        key = (peer_id, shown, grants)
        pages = self._pages
        pages[key] = pages.get(key, 0) + 1

    def count(self, act: Act, peer_id: int | None, outcome: Outcome = Outcome.DONE) -> None:
        """A peer, or somebody unknown, did something that needs no more to be said."""
        self._tally((act, peer_id, None, outcome, ())).times += 1

    def refused(
        self,
        act: Act,
        peer_id: int | None = None,
        *,
        client_id: str | None = None,
        footprint_id: str | None = None,
        detail: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """A peer, or somebody unknown, was refused something.

        Args:
            act: what it tried.
            peer_id: who, if that is known.
            client_id: else, that of its token, once that has been verified; whose it is is looked
                up when this is written down.
            footprint_id: what it asked for; a UUID. Of many, some are kept.
            detail: texts of ours; the same are one entry.
        """
        tally = self._tally((act, peer_id, client_id, Outcome.REFUSED, detail))
        tally.times += 1
        if footprint_id is not None and len(tally.ids) < MAX_REFUSED_IDS:
            tally.ids.add(footprint_id)

    def _tally(self, key: _CountKey) -> _Tally:
        tally = self._counts.get(key)
        if tally is None:
            tally = self._counts[key] = _Tally()
        return tally

    async def run(self) -> None:
        """Write down what was counted again and again, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write down what was counted, in one transaction; what cannot be written is kept."""
        async with self._one_at_a_time:
            since, now = self._since, self._clock()
            reads, counts = self._taken()
            self._since = now
            if not reads and not counts:
                return
            try:
                # Beside the event loop: a large page takes its time.
                await self._store.write(lambda session: _write(session, reads, counts, since, now))
            except SQLAlchemyError:
                log.exception("reads could not be put into the audit log; they are tried again")
                self._on_failure()
                self._since = since
                self._keep(reads, counts)

    def _taken(self) -> tuple[list[tuple[_ReadsKey, _Tally]], _Counts]:
        """Everything counted so far; what comes from now on is counted anew."""
        ones, pages, counts, merged = self._ones, self._pages, self._counts, self._kept
        self._ones, self._pages, self._counts, self._kept = {}, Counter(), {}, {}
        for (act, peer_id, granted), ids in ones.items():
            by = (granted & (1 << GRANT_BITS) - 1,)
            reads = merged.setdefault((act, peer_id, granted >> GRANT_BITS, by), _Tally())
            reads.ids.update(ids)
            reads.times += sum(ids.values())
        large: list[tuple[_ReadsKey, _Tally]] = []
        for (peer_id, shown, grants), times in pages.items():
            for rank, page_ids in shown.parts:
                key = (Act.FOOTPRINTS_READ, peer_id, rank, grants)
                if len(page_ids) > MAX_SMALL_PAGE:
                    large.append((key, _Tally(set(page_ids), times)))
                    continue
                reads = merged.setdefault(key, _Tally())
                reads.ids.update(page_ids)
                reads.times += times
        return [*merged.items(), *large], counts

    def _keep(self, reads: list[tuple[_ReadsKey, _Tally]], counts: _Counts) -> None:
        for key, one in reads:
            kept = self._kept.setdefault(key, _Tally())
            kept.ids |= one.ids
            kept.times += one.times
        for counted, tally in counts.items():
            again = self._tally(counted)
            again.times += tally.times
            again.ids = set(sorted(again.ids | tally.ids)[:MAX_REFUSED_IDS])


def _write(
    session: Session,
    reads: list[tuple[_ReadsKey, _Tally]],
    counts: _Counts,
    since: datetime | None,
    now: datetime,
) -> None:
    rows = [*_rows_of_reads(reads, now), *_rows_of_counts(session, counts, now)]
    span = {} if since is None else {"since": utc_text(since)}
    values = [
        {
            "created_at": now,
            "peer_id": row.peer_id,
            "members": json.dumps(row.members | span),
            "footprint_ids": " ".join(row.ids),
        }
        for row in rows
    ]
    session.execute(insert(AuditPending), values)
    _note_contact(session, counts, now)


def _note_contact(session: Session, counts: _Counts, now: datetime) -> None:
    """Peers that were issued tokens are there; written with what is written anyway."""
    issued = {
        peer_id
        for act, peer_id, _, outcome, _ in counts
        if act is Act.TOKEN_ISSUED and outcome is Outcome.DONE and peer_id is not None
    }
    if not issued:
        return
    last = col(Peer.last_contact_at)
    due = (
        select(Peer.id)
        .where(col(Peer.id).in_(issued), or_(last.is_(None), last < now - CONTACT_PAUSE))
        .order_by(col(Peer.id))  # several processes take the same rows in the same order
    )
    ids = session.exec(to_change(session, due)).all()
    if ids:
        session.execute(update(Peer).where(col(Peer.id).in_(ids)).values(last_contact_at=now))


def _rows_of_reads(reads: list[tuple[_ReadsKey, _Tally]], now: datetime) -> Iterator[_Row]:
    for (act, peer_id, rank, grants), one in reads:
        # A sealed sum is none of the levels.
        level = None if act is Act.SEALED_SUMS_READ else LEVELS[rank]
        members = members_of(act, now, actor=Actor.PEER, level=level, grants=grants)
        yield _Row(peer_id, members | {"times": one.times}, tuple(one.ids))


def _rows_of_counts(session: Session, counts: _Counts, now: datetime) -> Iterator[_Row]:
    owners = _owners(session, {client_id for _, _, client_id, _, _ in counts if client_id})
    for (act, peer_id, client_id, outcome, detail), tally in counts.items():
        members = members_of(act, now, actor=Actor.PEER, outcome=outcome, detail=dict(detail))
        whose = owners.get(client_id) if client_id else peer_id
        yield _Row(whose, members | {"times": tally.times}, tuple(tally.ids))


def _owners(session: Session, client_ids: set[str]) -> dict[str, int]:
    """The peers that clients belong to."""
    if not client_ids:
        return {}
    named = col(ClientCredential.client_id).in_(client_ids)
    return dict(
        session.exec(
            select(ClientCredential.client_id, ClientCredential.peer_id).where(named)
        ).all()
    )
