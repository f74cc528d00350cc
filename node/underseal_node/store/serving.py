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
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Engine

from underseal_node.errors import NodeError, NotFoundError
from underseal_node.store import auth_failures
from underseal_node.store.auth_failures import Blocked
from underseal_node.store.page_cache import PageCache
from underseal_node.store.page_sql import (
    ACTIVE_GRANT,
    GRANT_CHANGE,
    LEVEL,
    MAX_BRANCHES,
    Reach,
    page_statement,
)
from underseal_node.store.readers import EngineReader, Parameters, Reader, Row, SqliteReader
from underseal_node.store.tables import AuthMethod, KeyKind, PeerState
from underseal_node.store.types import from_utc_text, utc_text
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
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
LEVELS = tuple(Level.of_rank(rank) for rank in range(4))

_WHO = "c.peer_id, c.revoked_at, c.expires_at, p.state, p.token_not_before, p.name, p.base_url"
_CLIENT = "FROM client_credential c JOIN peer p ON p.id = c.peer_id"
# The level of the requester's grants for the footprint `f`. A grant of everything at the highest
# level needs no further look.
_LEVEL_OF_CLIENT = (
    f"coalesce((SELECT g.level FROM access_grant g WHERE g.kind = '{KeyKind.ALL}' "  # noqa: S608
    f"AND g.value = '' AND g.peer_id = c.peer_id AND g.level = {LEVELS[-1].rank} "
    f"AND {ACTIVE_GRANT} AND f.seq IS NOT NULL), {LEVEL.replace(':peer', 'c.peer_id')})"
)

REQUESTER = f"SELECT {_WHO} {_CLIENT} WHERE c.client_id = :client"
CLIENT = (
    f"SELECT {_WHO}, c.secret_hash, c.method, p.awaits, p.state_reason, p.key_set {_CLIENT} "
    "WHERE c.client_id = :client"
)
ONE = (
    f"SELECT {_WHO}, f.{{column}}, f.status, {_LEVEL_OF_CLIENT} {_CLIENT} "
    "LEFT JOIN footprint f ON f.id = :id WHERE c.client_id = :client"
)
FOOTPRINT = ONE.format(column="segments")
STATUS_STATEMENT = ONE.format(column="status_statement")
# One row for each grant, or one row without any.
LIST_REQUESTER = (
    f"SELECT {_WHO}, (SELECT last FROM change_counter), g.kind, g.value, g.level, {GRANT_CHANGE} "  # noqa: S608
    f"{_CLIENT} LEFT JOIN access_grant g ON g.peer_id = c.peer_id AND {ACTIVE_GRANT} "
    f"WHERE c.client_id = :client LIMIT {MAX_BRANCHES + 1}"
)
GRANTS_SUMMARY = (
    f"SELECT max(CASE WHEN g.kind = '{KeyKind.ALL}' THEN g.level END), "  # noqa: S608 - constants
    f"max(CASE WHEN g.kind = '{KeyKind.ALL}' THEN {GRANT_CHANGE} END), max(g.level), min(g.level) "
    f"FROM access_grant g WHERE g.peer_id = :peer AND {ACTIVE_GRANT}"
)


class RequesterUnknownError(NodeError):
    """The token's client does not exist any more, or its tokens are no longer accepted."""


class PeerSuspendedError(NodeError):
    """The client is known, and its peer may not call at present."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The peer behind a request.

    Attributes:
        peer_id: key of the peer.
        name: of the peer, as the operator calls it.
        base_url: where the peer can be reached, or `None` for one that only pulls.
    """

    peer_id: int
    name: str
    base_url: str | None


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """What the token endpoint needs to know of a client.

    Attributes:
        secret_hash: of the client secret.
        tokens_from: tokens issued before this instant are not accepted; `None`: all are.
    """

    secret_hash: str
    tokens_from: datetime | None


@dataclass(frozen=True, slots=True)
class Partner:
    """What the token endpoint needs to know of a client that proves to have a pinned key.

    Attributes:
        peer_id: key of the peer.
        key_set: its pinned keys, a JWK Set as JSON; None if there are none.
        state: of the partnership.
        awaits: who has to approve it, while it is pending.
        reason: why it is in this state, if somebody said so.
        has_ended: whether the credentials have been revoked or have expired.
        tokens_from: tokens issued before this instant are not accepted; `None`: all are.
    """

    peer_id: int
    key_set: str | None
    state: PeerState
    awaits: str | None
    reason: str | None
    has_ended: bool
    tokens_from: datetime | None


@dataclass(frozen=True, slots=True, eq=False)
class PageQuery:
    """Which page of which list.

    Pages are kept by the identity of their query, so it pays to use the same object again.

    Attributes:
        criteria: the filters.
        after_seq: position of the last footprint of the page before; 0 for the first page.
        limit: at most so many footprints; >= 1.
        changed_after: only what has changed since this watermark; `None`: everything.
    """

    criteria: Criteria
    after_seq: int
    limit: int
    changed_after: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of the list of footprints that a peer sees.

    Attributes:
        body: `{"data": [...]}` with the footprints at the disclosure levels of the requester.
        next_seq: position to go on after, or `None` at the end.
        watermark: every change up to this number is in the list.
    """

    body: bytes
    next_seq: int | None
    watermark: int


class Serving:
    """The queries behind the endpoints for peers.

    Args:
        reader: runs them.
        page_cache_bytes: how much of pages is kept; 0 keeps nothing.
    """

    def __init__(self, reader: Reader, *, page_cache_bytes: int = PAGE_CACHE_BYTES) -> None:
        self._reader = reader
        self._pages: PageCache[Page] = PageCache(page_cache_bytes)
        self._text_of = _InstantText()

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
        rows = await self._reader.rows(CLIENT, {"client": client_id})
        row = _check(rows, None, self._text_of(now))
        if row[8] != AuthMethod.CLIENT_SECRET:
            raise RequesterUnknownError("the client has no secret")
        return ClientRecord(row[7], _instant(row[4]))

    async def partner(self, client_id: str, now: datetime) -> Partner:
        """What the token endpoint checks a client assertion against, whatever its state.

        Raises:
            RequesterUnknownError: there is no client of this name that has keys.
        """
        rows = await self._reader.rows(CLIENT, {"client": client_id})
        if not rows or rows[0][8] != AuthMethod.PRIVATE_KEY_JWT:
            raise RequesterUnknownError("the client is not known here")
        peer_id, revoked_at, expires_at, state, not_before = rows[0][:5]
        awaits, reason, key_set = rows[0][9:12]
        has_ended = revoked_at is not None or (
            expires_at is not None and expires_at <= self._text_of(now)
        )
        return Partner(
            peer_id, key_set, PeerState(state), awaits, reason, has_ended, _instant(not_before)
        )

    async def requester(self, client_id: str, issued_at: datetime, now: datetime) -> Requester:
        """The peer behind a verified token.

        Args:
            client_id: `sub` of the token.
            issued_at: `iat` of the token.
            now: aware.

        Raises:
            RequesterUnknownError: the client is gone, or the token is older than a revocation.
            PeerSuspendedError: the peer may not call at present.
        """
        rows = await self._reader.rows(REQUESTER, {"client": client_id})
        return _requester(_check(rows, issued_at, self._text_of(now)))

    async def footprint(
        self, client_id: str, issued_at: datetime, footprint_id: str, now: datetime
    ) -> bytes:
        """One footprint as the requester may see it, as JSON.

        Args:
            client_id: `sub` of the token.
            issued_at: `iat` of the token.
            footprint_id: a UUID in lower case.
            now: aware.

        Raises:
            NotFoundError: it does not exist, or no grant covers it: the two look the same.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        segments, status, rank = await self._one(FOOTPRINT, client_id, issued_at, footprint_id, now)
        return render(segments, LEVELS[rank], status)

    async def status_statement(
        self, client_id: str, issued_at: datetime, footprint_id: str, now: datetime
    ) -> str:
        """The signed statement of a footprint's status (a JWS).

        Raises:
            NotFoundError: there is none, or no grant covers the footprint.
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        statement, _status, _rank = await self._one(
            STATUS_STATEMENT, client_id, issued_at, footprint_id, now
        )
        return str(statement)

    async def _one(
        self, sql: str, client_id: str, issued_at: datetime, footprint_id: str, now: datetime
    ) -> tuple[Any, str, int]:
        now_text = self._text_of(now)
        parameters = {"client": client_id, "id": footprint_id, "now": now_text}
        rows = await self._reader.rows(sql, parameters)
        value, status, rank = _check(rows, issued_at, now_text)[7:]
        if rank is None or value is None:
            raise NotFoundError("there is no such footprint")
        return value, status, rank

    async def page(
        self, client_id: str, issued_at: datetime, query: PageQuery, now: datetime
    ) -> Page:
        """One page of the footprints that the requester may see, oldest publication first.

        Args:
            client_id: `sub` of the token.
            issued_at: `iat` of the token.
            query: which page.
            now: aware.

        Raises:
            RequesterUnknownError, PeerSuspendedError: as for `requester`.
        """
        now_text = self._text_of(now)
        who: dict[str, object] = {"client": client_id, "now": now_text}
        rows = await self._reader.rows(LIST_REQUESTER, who)
        who["peer"] = _check(rows, issued_at, now_text)[0]
        # Read before the list: what is committed in between is delivered twice, never missed.
        watermark = int(rows[0][7] or 0)
        reach, all_changed = await self._reach([row[8:] for row in rows], who)
        if not reach.everything and reach.grants == ():
            return Page(render_list((), before=BEFORE, after=AFTER), None, watermark)
        changed_after = query.changed_after
        if changed_after is not None and reach.is_plain and all_changed > changed_after:
            changed_after = None  # the grant of everything is new: everything counts as changed
        # With one level for everything visible, nothing but the active grants and the changes
        # decides; with `changed_after` also when the grants were given.
        is_shared = reach.is_plain or (
            changed_after is None and reach.level is not None and reach.grants is not None
        )
        key = (reach, query, changed_after is None)
        page = self._pages.get(key, watermark) if is_shared else None
        if page is not None:
            return page
        statement = page_statement(reach, query.criteria, only_changed=changed_after is not None)
        parameters = {**statement.parameters, **who, "after": query.after_seq}
        parameters |= {"count": query.limit + 1, "changed": changed_after}
        found = await self._reader.rows(statement.sql, parameters, is_bounded=statement.is_bounded)
        page = _page(found, reach.level, query.limit, watermark)
        if is_shared:
            self._pages.put(key, page)
        return page

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
            all_level, all_changed, highest, lowest = _summary(grants)
            listed = tuple((grant[0], grant[1]) for grant in grants)
        if all_level is not None:
            level = all_level if all_level == highest else None
            return Reach(everything=True, level=level, grants=()), all_changed
        level = highest if highest == lowest else None
        return Reach(everything=False, level=level, grants=listed), 0


def open_serving(engine: Engine, *, mmap_bytes: int, busy_timeout_seconds: float) -> Serving:
    """Open what this process reads with.

    Args:
        engine: of the store; for SQLite only its path is used.
        mmap_bytes: how much of a SQLite file is mapped into memory.
        busy_timeout_seconds: how long to wait for a lock of SQLite.
    """
    if engine.dialect.name != "sqlite":
        return Serving(EngineReader(engine))
    return Serving(
        SqliteReader(
            str(engine.url.database),
            mmap_bytes=mmap_bytes,
            busy_timeout_seconds=busy_timeout_seconds,
        )
    )


class _InstantText:
    """`utc_text` of the present, which is mostly in the same second as the time before."""

    def __init__(self) -> None:
        self._second = datetime.min.replace(tzinfo=UTC)
        self._text = ""

    def __call__(self, now: datetime) -> str:
        second = now.replace(microsecond=0)
        if second != self._second:
            self._text = utc_text(second)[:20]
            self._second = second
        return f"{self._text}{now.microsecond:06d}Z"


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_utc_text(text)


def _requester(row: Row) -> Requester:
    return Requester(row[0], row[5], row[6])


def _check(rows: Sequence[Row], issued_at: datetime | None, now_text: str) -> Row:
    """Refuse who may not call; return the first row, which begins with the columns `_WHO`."""
    if not rows:
        raise RequesterUnknownError("the client is not known here")
    row = rows[0]
    _, revoked_at, expires_at, state, token_not_before, _, _ = row[:7]
    if revoked_at is not None or (expires_at is not None and expires_at <= now_text):
        raise RequesterUnknownError("the client's credentials are no longer valid")
    if state in (PeerState.REVOKED, PeerState.INVITED, PeerState.PENDING):
        raise RequesterUnknownError("the client is not known here")
    if state != PeerState.ACTIVE:
        raise PeerSuspendedError("access is suspended")
    if (
        issued_at is not None
        and token_not_before is not None
        and utc_text(issued_at) < token_not_before
    ):
        raise RequesterUnknownError("the access token has been revoked")
    return row


def _summary(grants: Sequence[Row]) -> tuple[int | None, int, int, int]:
    """What `GRANTS_SUMMARY` selects, of grants that have been read."""
    all_level, all_changed, levels = None, 0, []
    for kind, _, level, changed in grants:
        levels.append(level)
        if kind == KeyKind.ALL:
            all_level = level if all_level is None else max(all_level, level)
            all_changed = max(all_changed, changed)
    return all_level, all_changed, max(levels), min(levels)


def _page(found: Sequence[Row], level: int | None, limit: int, watermark: int) -> Page:
    """Render the rows; one more than the limit shows that there is a next page."""
    ordered = sorted(found, key=itemgetter(0))[:limit]
    if level is None:
        rows = [(row[1], LEVELS[row[3]], row[2]) for row in ordered]
    else:
        uniform = LEVELS[level]
        rows = [(row[1], uniform, row[2]) for row in ordered]
    next_seq = int(ordered[-1][0]) if len(found) > limit else None
    return Page(render_list(rows, before=BEFORE, after=AFTER), next_seq, watermark)
