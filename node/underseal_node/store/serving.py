"""What peers read: the hot queries, every one of which starts from the requester.

There is no function here that returns a footprint without a requester. The state of the peer, its
credential and its grants are read for every request, so that what an operator revokes is gone with
the next one.

A process has one `Serving`. With SQLite, queries that read about as much as they return run on the
event loop (they take less time than handing them to a thread); what may take longer goes to a
thread with a connection of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from underseal_node.errors import NotFoundError
from underseal_node.store import auth_failures
from underseal_node.store.audit import Act
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.auth_failures import Blocked
from underseal_node.store.lists import Asked, Lists
from underseal_node.store.page_cache import PageCache
from underseal_node.store.page_sql import MAX_BRANCHES
from underseal_node.store.readers import EngineReader, Parameters, Reader, Row, SqliteReader
from underseal_node.store.replica import ReplicatedReader
from underseal_node.store.requester_sql import (
    BY_CLIENT,
    CLIENT,
    WHO_COLUMNS,
)
from underseal_node.store.served import (
    Bearer,
    ClientRecord,
    GrantPage,
    NotShownError,
    One,
    Page,
    PageQuery,
    Partner,
    PeerSuspendedError,
    Requester,
    RequesterUnknownError,
    SealedPage,
)
from underseal_node.store.served_rows import (
    InstantText,
    asking,
    check_requester,
    grant_of,
    instant,
    level_of,
    levelled,
    partner_of,
    shown_on,
    the_footprint,
)
from underseal_node.store.tables import AuthMethod
from underseal_protocol.disclosure import Block
from underseal_protocol.seal.sealed_sum import SealedSum
from underseal_protocol.segments import render, render_list

__all__ = [
    "ClientRecord",
    "Page",
    "PageQuery",
    "Partner",
    "PeerSuspendedError",
    "Requester",
    "RequesterUnknownError",
    "Serving",
    "open_serving",
]

PAGE_CACHE_BYTES = 32 * 1024 * 1024
BEFORE, AFTER = b'{"data":[', b"]}"


class Serving:
    """The queries behind the endpoints for peers.

    Args:
        reader: runs them.
        audit: is told who was shown what.
        page_cache_bytes: how much of pages is kept; 0 keeps nothing.
    """

    def __init__(
        self,
        reader: Reader,
        audit: AuditBuffer,
        *,
        page_cache_bytes: int = PAGE_CACHE_BYTES,
    ) -> None:
        self._reader = reader
        self._lists = Lists(reader)
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

    async def footprint(self, bearer: Bearer, footprint_id: str, now: datetime) -> One:
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
        return One(render(segments, level_of(granted), status), bool(row[-1]))

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

    async def sealed_sum(self, bearer: Bearer, footprint_id: str, now: datetime) -> SealedSum:
        """The sealed sum of a footprint.

        It has a grant of its own, and the footprint has to be granted, too.

        Raises:
            NotFoundError: there is none, or one of the grants is not there.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        who = asking(bearer) | {"id": footprint_id, "now": self._text_of(now)}
        rows = await self._about_one(BY_CLIENT.sealed_sum, who)
        row = check_requester(rows, bearer.issued_at, who["now"])
        document, _, _ = self._shown(Act.SEALED_SUMS_READ, row, footprint_id)
        return SealedSum(bytes(document), json.loads(row[-1]).get("statement"))

    async def sealed_sums(
        self, bearer: Bearer, after_id: int, limit: int, now: datetime
    ) -> SealedPage:
        """The sealed sums that the requester may see.

        Args:
            bearer: what the token says.
            after_id: of the last one of the page before; 0 for the first page.
            limit: at most so many; >= 1.
            now: aware.

        Raises:
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        found, next_id = await self._part(
            BY_CLIENT.sealed_sums, Act.SEALED_SUMS_READ, bearer, after_id, limit, now
        )
        return SealedPage(tuple((one[1], one[2]) for one in found), next_id)

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
        if page.shown is not None and is_shown:
            is_listed = len(rows) <= MAX_BRANCHES
            grants = tuple([row[-1] for row in rows]) if is_listed else ()
            self._audit.page(rows[0][0], page.shown, grants)
        return page

    async def _page(self, rows: Sequence[Row], who: dict[str, object], query: PageQuery) -> Page:
        """The page, new or kept; `rows` are those of `Statements.reach`."""
        asked = await self._lists.asked(rows, who, query)
        if asked.reach.is_nothing:
            return Page(render_list((), before=BEFORE, after=AFTER), None, asked.watermark)
        key = (asked.reach, query, asked.changed_after is None)
        page = self._pages.get(key, asked.watermark) if asked.is_shared else None
        if page is None:
            found, next_seq = await self._lists.rows(asked, query)
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
        found, next_id = await self._part(
            BY_CLIENT.grants, Act.GRANTS_READ, bearer, after_id, limit, now
        )
        return GrantPage(tuple(map(grant_of, found)), next_id)

    async def _part(
        self, sql: str, act: Act, bearer: Bearer, after_id: int, limit: int, now: datetime
    ) -> tuple[list[Row], int | None]:
        """A page of rows of the requester, and what the next one begins behind."""
        now_text = self._text_of(now)
        who = asking(bearer) | {"now": now_text, "after": after_id, "count": limit + 1}
        rows = await self._reader.rows(sql, who)
        row = check_requester(rows, bearer.issued_at, now_text)
        self._audit.count(act, row[0])
        found = [row[WHO_COLUMNS:] for row in rows if row[WHO_COLUMNS] is not None]
        return found[:limit], int(found[limit - 1][0]) if len(found) > limit else None


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
        reader = _postgresql_reader(engine)
        return Serving(reader if replica is None else ReplicatedReader(reader, replica), audit)
    of_file = SqliteReader(
        str(engine.url.database), mmap_bytes=mmap_bytes, busy_timeout_seconds=busy_timeout_seconds
    )
    return Serving(of_file, audit)


def _postgresql_reader(engine: Engine) -> Reader:
    try:
        from underseal_node.store.postgresql_reader import PostgresqlReader, can_read
    except ModuleNotFoundError:  # psycopg alone does, too
        return EngineReader(engine)
    if not can_read(engine.url):
        return EngineReader(engine)
    return PostgresqlReader(engine.url, engine.pool.size())  # type: ignore[attr-defined]


def _page(found: Sequence[Row], asked: Asked, next_seq: int | None) -> Page:
    rows = levelled(found, asked.reach.level)
    body = render_list(rows, before=BEFORE, after=AFTER)
    return Page(body, next_seq, asked.watermark, shown_on(found, asked.reach.level))
