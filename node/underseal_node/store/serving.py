"""What peers read: the hot queries, every one of which starts from the requester.

There is no function here that returns a footprint without a requester. The state of the peer, its
credential and its grants are read for every request, so that what an operator revokes is gone with
the next one.

A process has one `Serving`. With SQLite, queries that read about as much as they return run on the
event loop (they take less time than handing them to a thread); what may take longer goes to a
thread with a connection of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Engine

from underseal_node.errors import NotFoundError
from underseal_node.store import auth_failures
from underseal_node.store.audit import Act
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.auth_failures import Blocked
from underseal_node.store.page_cache import PageCache
from underseal_node.store.page_sql import MAX_BRANCHES, Reach, page_statement
from underseal_node.store.readers import EngineReader, Parameters, Reader, Row, SqliteReader
from underseal_node.store.replica import ReplicatedReader
from underseal_node.store.requester_sql import (
    BY_CLIENT,
    BY_PEER,
    CLIENT,
    COUNT,
    GRANTS_SUMMARY,
    WHO_COLUMNS,
)
from underseal_node.store.served import (
    Bearer,
    ClientRecord,
    GrantPage,
    NotShownError,
    Page,
    PageQuery,
    Partner,
    PeerSuspendedError,
    Requester,
    RequesterUnknownError,
    Seen,
    View,
)
from underseal_node.store.served_rows import (
    LEVELS,
    InstantText,
    asking,
    check_requester,
    grant_of,
    instant,
    known_peer,
    level_of,
    levelled,
    partner_of,
    shown_on,
    summary_of_grants,
    the_footprint,
)
from underseal_node.store.tables import AuthMethod
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.segments import render, render_list

__all__ = [
    "ClientRecord",
    "Page",
    "PageQuery",
    "Partner",
    "PeerSuspendedError",
    "Requester",
    "RequesterUnknownError",
    "Seen",
    "Serving",
    "View",
    "open_serving",
    "serving_for_operator",
]

PAGE_CACHE_BYTES = 32 * 1024 * 1024
BEFORE, AFTER = b'{"data":[', b"]}"


class _Asked(NamedTuple):
    """A list query, as far as the grants of the requester decide it; made for each request.

    Attributes:
        who: parameters of the statements.
        reach: what the grants say.
        watermark: the change counter before the list is read.
        changed_after: only what has changed since; `None`: everything.
        is_shared: whoever has the same reach sees the same.
    """

    who: Parameters
    reach: Reach
    watermark: int
    changed_after: int | None
    is_shared: bool


class Serving:
    """The queries behind the endpoints for peers.

    Args:
        reader: runs them.
        audit: is told who was shown what; `None`: only the operator looks, and nobody is shown
            anything.
        page_cache_bytes: how much of pages is kept; 0 keeps nothing.
    """

    def __init__(
        self,
        reader: Reader,
        audit: AuditBuffer | None,
        *,
        page_cache_bytes: int = PAGE_CACHE_BYTES,
    ) -> None:
        self._reader = reader
        self._audit = audit
        self._pages: PageCache[Page] = PageCache(page_cache_bytes)
        self._text_of = InstantText()

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()

    async def auth_failures(self, keys: Sequence[str]) -> Blocked:
        """Which of these keys have failed to authenticate, and how long they are blocked."""
        return await auth_failures.read(self._reader, keys)

    async def client(self, client_id: str, now: datetime) -> ClientRecord:
        """What the token endpoint checks a client against.

        Raises:
            RequesterUnknownError: there is no such client, or it has been revoked or has expired.
            PeerSuspendedError: its peer may not call at present.
        """
        rows = await self._reader.rows(CLIENT, {"asker": client_id})
        row = check_requester(rows, None, self._text_of(now))
        secret_hash, method = row[WHO_COLUMNS : WHO_COLUMNS + 2]
        if method != AuthMethod.CLIENT_SECRET:
            raise RequesterUnknownError("the client has no secret")
        return ClientRecord(row[0], secret_hash, instant(row[4]))

    async def partner(self, client_id: str, now: datetime) -> Partner:
        """What the token endpoint checks a client assertion against, whatever its state.

        Raises:
            RequesterUnknownError: there is no client of this name that has keys.
        """
        rows = await self._reader.rows(CLIENT, {"asker": client_id})
        if not rows or rows[0][WHO_COLUMNS + 1] != AuthMethod.PRIVATE_KEY_JWT:
            raise RequesterUnknownError("the client is not known here")
        return partner_of(rows[0], self._text_of(now))

    async def requester(self, bearer: Bearer, now: datetime) -> Requester:
        """The peer behind a verified token.

        Args:
            bearer: what the token says.
            now: aware.

        Raises:
            RequesterUnknownError: the client is gone, the token is older than a revocation, or its
                key is revoked.
            PeerSuspendedError: the peer may not call at present.
        """
        rows = await self._reader.rows(BY_CLIENT.requester, asking(bearer))
        peer_id, *_, name, base_url = check_requester(rows, bearer.issued_at, self._text_of(now))
        return Requester(peer_id, name, base_url, bearer)

    async def footprint(self, bearer: Bearer, footprint_id: str, now: datetime) -> bytes:
        """One footprint as the requester may see it, as JSON.

        Args:
            bearer: what the token says.
            footprint_id: a UUID in lower case.
            now: aware.

        Raises:
            NotFoundError: it does not exist, or no grant covers it: the two look the same.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        who = asking(bearer) | {"id": footprint_id, "now": self._text_of(now)}
        rows = await self._about_one(BY_CLIENT.footprint, who)
        row = check_requester(rows, bearer.issued_at, who["now"])
        segments, status, granted = self._shown(Act.FOOTPRINTS_READ, row, footprint_id)
        return render(segments, level_of(granted), status)

    async def status_statement(self, bearer: Bearer, footprint_id: str, now: datetime) -> str:
        """The signed statement of a footprint's status (a JWS).

        Raises:
            NotFoundError: there is none, or no grant covers the footprint.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        who = asking(bearer) | {"id": footprint_id, "now": self._text_of(now)}
        rows = await self._about_one(BY_CLIENT.status_statement, who)
        row = check_requester(rows, bearer.issued_at, who["now"])
        statement, _, _ = self._shown(Act.STATUS_READ, row, footprint_id)
        return str(statement)

    async def attestations(self, bearer: Bearer, footprint_id: str, now: datetime) -> list[str]:
        """What verifiers attest beside a footprint (a JWS each), oldest first.

        They belong to the block `verification`, so they are shown from the same level on.

        Raises:
            NotFoundError: there is none, or no grant of that level covers the footprint.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        who = asking(bearer) | {"id": footprint_id, "now": self._text_of(now)}
        rows = await self._about_one(BY_CLIENT.attestations, who)
        row = check_requester(rows, bearer.issued_at, who["now"])
        self._shown(Act.ATTESTATIONS_READ, row, footprint_id, Block.VERIFICATION)
        return [str(row[WHO_COLUMNS]) for row in rows]

    async def _about_one(self, sql: str, who: Parameters) -> Sequence[Row]:
        """The rows of a statement about one footprint, which begin with the requester.

        Those of a replica begin with the requester as the database itself knows it.
        """
        if not self._reader.has_replica:
            return await self._reader.rows(sql, who)
        standing = await self._reader.rows(BY_CLIENT.standing, who)
        if not standing:
            return ()
        *requester, last = standing[0]
        rows = await self._reader.rows_since(int(last or 0), sql, who)
        if not rows:  # a client that the replica does not know yet
            return await self._reader.rows(sql, who)
        return [(*requester, *row[WHO_COLUMNS:]) for row in rows]

    def _shown(
        self, act: Act, row: Row, footprint_id: str, block: Block | None = None
    ) -> tuple[Any, str, int]:
        """What `the_footprint` has found, noted for the audit log.

        Args:
            block: what the level has to have.

        Raises:
            NotShownError: there is nothing.
        """
        try:
            value, status, granted = the_footprint(row, footprint_id)
            if block is not None and block not in level_of(granted).blocks:
                raise NotFoundError("there is no such footprint")
        except NotFoundError as error:
            raise NotShownError(error.message, act, row[0]) from None
        if self._audit is not None:
            self._audit.one(act, row[0], granted, footprint_id)
        return value, status, granted

    async def page(
        self,
        bearer: Bearer,
        query: PageQuery,
        now: datetime,
        *,
        is_shown: bool = True,
    ) -> Page:
        """One page of the footprints that the requester may see, oldest publication first.

        Args:
            bearer: what the token says.
            query: which page.
            now: aware.
            is_shown: whether the footprints on it are sent, not only its watermark.

        Raises:
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        now_text = self._text_of(now)
        who = asking(bearer) | {"now": now_text}
        rows = await self._reader.rows(BY_CLIENT.reach, who)
        check_requester(rows, bearer.issued_at, now_text)
        page = await self._page(rows, who, query)
        if page.shown is not None and is_shown and self._audit is not None:
            is_listed = len(rows) <= MAX_BRANCHES
            grants = tuple([row[-1] for row in rows]) if is_listed else ()
            self._audit.page(rows[0][0], page.shown, grants)
        return page

    async def _page(self, rows: Sequence[Row], who: dict[str, object], query: PageQuery) -> Page:
        """The page, new or kept; `rows` are those of `Statements.reach`."""
        asked = await self._asked(rows, who, query)
        if asked.reach.is_nothing:
            return Page(render_list((), before=BEFORE, after=AFTER), None, asked.watermark)
        key = (asked.reach, query, asked.changed_after is None)
        page = self._pages.get(key, asked.watermark) if asked.is_shared else None
        if page is None:
            found, next_seq = await self._rows(asked, query)
            page = _page(found, asked, next_seq)
            if asked.is_shared:
                self._pages.put(key, page)
        return page

    async def grants(self, bearer: Bearer, after_id: int, limit: int, now: datetime) -> GrantPage:
        """The grants of the requester that are in force, oldest first; never those of another.

        Args:
            bearer: what the token says.
            after_id: of the last grant of the page before; 0 for the first page.
            limit: at most so many; >= 1.
            now: aware.

        Raises:
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        now_text = self._text_of(now)
        who = asking(bearer) | {"now": now_text, "after": after_id, "count": limit + 1}
        rows = await self._reader.rows(BY_CLIENT.grants, who)
        row = check_requester(rows, bearer.issued_at, now_text)
        if self._audit is not None:
            self._audit.count(Act.GRANTS_READ, row[0])
        found = [row[WHO_COLUMNS:] for row in rows if row[WHO_COLUMNS] is not None]
        next_id = int(found[limit - 1][0]) if len(found) > limit else None
        return GrantPage(tuple(grant_of(row) for row in found[:limit]), next_id)

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
        asked = await self._asked(known_peer(rows), who, query)
        if asked.reach.is_nothing:
            return View((), None)
        found, next_seq = await self._rows(asked, query)
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

    async def _asked(self, rows: Sequence[Row], who: dict[str, object], query: PageQuery) -> _Asked:
        """What a list comes down to, for the requester that `rows` are about."""
        who["peer"] = rows[0][0]
        # Read before the list: what is committed in between is delivered twice, never missed.
        watermark = int(rows[0][WHO_COLUMNS] or 0)
        reach, all_changed = await self._reach([row[WHO_COLUMNS + 1 :] for row in rows], who)
        changed_after = query.changed_after
        if changed_after is not None and reach.is_plain and all_changed > changed_after:
            changed_after = None  # the grant of everything is new: everything counts as changed
        # With one level for everything visible, nothing but the active grants and the changes
        # decides; with `changed_after` also when the grants were given.
        is_shared = reach.is_plain or (
            changed_after is None and reach.level is not None and reach.grants is not None
        )
        return _Asked(who, reach, watermark, changed_after, is_shared)

    async def _rows(self, asked: _Asked, query: PageQuery) -> tuple[Sequence[Row], int | None]:
        """The rows of a page in order, and where to go on."""
        statement = page_statement(
            asked.reach, query.criteria, only_changed=asked.changed_after is not None
        )
        parameters = {**statement.parameters, **asked.who, "after": query.after_seq}
        # One more than the limit shows that there is a next page.
        parameters |= {"count": query.limit + 1, "changed": asked.changed_after}
        found = await self._reader.rows_since(
            asked.watermark, statement.sql, parameters, is_bounded=statement.is_bounded
        )
        ordered = sorted(found, key=itemgetter(0))[: query.limit]
        return ordered, int(ordered[-1][0]) if len(found) > query.limit else None

    async def _reach(self, grants: Sequence[Row], who: Parameters) -> tuple[Reach, int]:
        """What the grants of a peer say, and when the one of everything last changed."""
        if grants[0][0] is None:  # the outer join found none
            return Reach(everything=False, level=None, grants=()), 0
        if len(grants) > MAX_BRANCHES:
            ((all_level, all_changed, highest, lowest),) = await self._reader.rows(
                GRANTS_SUMMARY, who
            )
            listed = None
        else:
            all_level, all_changed, highest, lowest = summary_of_grants(grants)
            listed = tuple((grant[0], grant[1]) for grant in grants)
        if all_level is not None:
            level = all_level if all_level == highest else None
            return Reach(everything=True, level=level, grants=()), all_changed
        level = highest if highest == lowest else None
        return Reach(everything=False, level=level, grants=listed), 0


def open_serving(
    engine: Engine,
    audit: AuditBuffer,
    *,
    replica: Engine | None = None,
    mmap_bytes: int,
    busy_timeout_seconds: float,
) -> Serving:
    """Open what this process reads with.

    Args:
        engine: of the store; for SQLite only its path is used.
        audit: is told who was shown what.
        replica: of a copy that is read where that makes no difference.
        mmap_bytes: how much of a SQLite file is mapped into memory.
        busy_timeout_seconds: how long to wait for a lock of SQLite.
    """
    if engine.dialect.name != "sqlite":
        of_copy = None if replica is None else ReplicatedReader(engine, replica)
        return Serving(of_copy or EngineReader(engine), audit)
    reader = SqliteReader(
        str(engine.url.database), mmap_bytes=mmap_bytes, busy_timeout_seconds=busy_timeout_seconds
    )
    return Serving(reader, audit)


def serving_for_operator(engine: Engine) -> Serving:
    """The same queries for what an operator wants to know: nothing is kept, nothing to close, and
    nothing gets into the audit log, because the peer is shown nothing.

    Args:
        engine: of the store; its connections only read.
    """
    return Serving(EngineReader(engine), None, page_cache_bytes=0)


def _page(found: Sequence[Row], asked: _Asked, next_seq: int | None) -> Page:
    rows = levelled(found, asked.reach.level)
    body = render_list(rows, before=BEFORE, after=AFTER)
    return Page(body, next_seq, asked.watermark, shown_on(found, asked.reach.level))
