"""What peers see, for the operator: found by the statements that serve them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from underseal_node.store.lists import Lists
from underseal_node.store.readers import EngineReader
from underseal_node.store.requester_sql import BY_PEER, COUNT
from underseal_node.store.served import PageQuery, Seen, View
from underseal_node.store.served_rows import LEVELS, known_peer, level_of, levelled, the_footprint
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import Level
from underseal_protocol.segments import render

__all__ = ["Viewing"]


class Viewing:
    """The queries behind the endpoints for peers, without their effects: nothing is kept, and
    nothing gets into the audit log, because the peer is shown nothing. There is nothing to close.

    Args:
        engine: of the store; its connections only read.
    """

    def __init__(self, engine: Engine) -> None:
        self._reader = EngineReader(engine)
        self._lists = Lists(self._reader)

    async def seen_by(self, peer_id: int, query: PageQuery, now: datetime) -> View:
        """What a peer sees on a page, for the operator: found by the statements that serve it.

        Whether the peer may call at present makes no difference; the view says so.

        Args:
            peer_id: key of the peer.
            query: which page.
            now: aware; the moment to look at, also one to come.

        Raises:
            NotFoundError: there is no such peer.
        """
        who: dict[str, object] = {"asker": peer_id, "now": utc_text(now)}
        rows = await self._reader.rows(BY_PEER.reach, who)
        asked = await self._lists.asked(known_peer(rows), who, query)
        if asked.reach.is_nothing:
            return View((), None)
        found, next_seq = await self._lists.rows(asked, query)
        return View(
            tuple(
                Seen(render(segments, level, status), level)
                for segments, level, status in levelled(found, asked.reach.level)
            ),
            next_seq,
        )

    async def footprint_seen_by(self, peer_id: int, footprint_id: str, now: datetime) -> Seen:
        """One footprint as `footprint` gives it to a peer, for the operator.

        Args:
            peer_id: key of the peer.
            footprint_id: a UUID in lower case.
            now: aware.

        Raises:
            NotFoundError: there is no such peer, or for this peer no such footprint.
        """
        who = {"asker": peer_id, "id": footprint_id, "now": utc_text(now)}
        rows = await self._reader.rows(BY_PEER.footprint, who)
        segments, status, granted = the_footprint(known_peer(rows)[0], footprint_id)
        level = level_of(granted)
        return Seen(render(segments, level, status), level)

    async def count_seen_by(self, peer_id: int, now: datetime) -> dict[Level, int]:
        """How many footprints a peer sees at each level, for the operator; none is left out.

        Args:
            peer_id: key of the peer.
            now: aware.
        """
        who = {"peer": peer_id, "now": utc_text(now)}
        rows = await self._reader.rows(COUNT, who, is_bounded=False)
        return dict.fromkeys(LEVELS, 0) | {LEVELS[rank]: count for rank, count in rows}
