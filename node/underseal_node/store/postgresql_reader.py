"""Reads PostgreSQL on the event loop: one round trip for a query, no thread and no transaction.

Imported on PostgreSQL only: asyncpg is not installed everywhere. A single SELECT sees one snapshot
by itself, so no transaction has to be begun and ended around it; asyncpg keeps it prepared. That
answers peers several times as fast as SQLAlchemy in threads
(docs/adr/0021-reads-of-peers-on-postgresql.md).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from underseal_node.store.database import RESTART_LOOK_SECONDS, RESTART_SECONDS, is_gone_state
from underseal_node.store.engines import LIVELINESS
from underseal_node.store.readers import Parameters, Row, names_nothing

__all__ = ["PostgresqlReader", "can_read"]

# The shapes of lists are many; each is prepared once on each connection.
STATEMENTS = 1_000
CONNECT_SECONDS = 10.0
# Longer than any query of a peer takes; beyond, the server is taken for gone.
ANSWER_SECONDS = 60.0
# What libpq and asyncpg understand alike; with anything else in its URL a database is read by the
# driver that it was written for.
UNDERSTOOD = frozenset(
    {
        "application_name",
        "host",
        "options",
        "passfile",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
    }
)
# About the network, for libpq only: here `CONNECT_SECONDS` and `ANSWER_SECONDS` hold.
NOT_NEEDED = frozenset(LIVELINESS)
PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


def can_read(url: URL) -> bool:
    """Whether a database can be reached this way."""
    return (UNDERSTOOD | NOT_NEEDED).issuperset(url.query) and all(
        isinstance(value, str) for value in url.query.values()
    )


class PostgresqlReader:
    """Runs single SELECTs, each on a connection of its own.

    Args:
        url: of the database.
        size: connections at most.
    """

    has_replica = False

    def __init__(self, url: URL, size: int) -> None:
        plain = url.set(drivername="postgresql").difference_update_query(NOT_NEEDED)
        self._dsn = plain.render_as_string(hide_password=False)
        self._size = size
        self._connections: WeakKeyDictionary[asyncio.AbstractEventLoop, _Connections]
        self._connections = WeakKeyDictionary()

    async def rows(
        self, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows`."""
        statement, names = _numbered(sql)
        values = [parameters[name] for name in names]
        if names_nothing(values):
            return ()
        deadline = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return await self._of_this_loop().fetch(statement, values)
            except FAILURES as error:
                if not _is_gone(error) or time.monotonic() >= deadline:
                    raise OperationalError(sql, {}, error) from error
            await asyncio.sleep(RESTART_LOOK_SECONDS)

    async def rows_since(
        self,
        change: int,
        sql: str,
        parameters: Parameters,
        *,
        is_bounded: bool = True,
    ) -> Sequence[Row]:
        """See `Reader.rows_since`."""
        return await self.rows(sql, parameters, is_bounded=is_bounded)

    def close(self) -> None:
        """Close the connections."""
        for connections in self._connections.values():
            connections.close()
        self._connections.clear()

    def _of_this_loop(self) -> _Connections:
        loop = asyncio.get_running_loop()
        found = self._connections.get(loop)
        if found is None:
            found = self._connections[loop] = _Connections(self._dsn, self._size)
        return found


class _Connections:
    """Those of one event loop; the one that was used last is used first.

    A pool of asyncpg would ask the server with each release to forget what a session may have
    changed: a second round trip, for sessions that change nothing.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._free = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []

    async def fetch(self, statement: str, values: Sequence[object]) -> Sequence[Row]:
        async with self._free:
            connection = await self._connection()
            try:
                found: list[Row] = await connection.fetch(statement, *values)
            except asyncpg.PostgresError:
                self._keep(connection)
                raise
            except BaseException:  # also if nobody waits for the answer any more
                connection.terminate()
                raise
            self._idle.append(connection)
            return found

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=ANSWER_SECONDS,
            statement_cache_size=STATEMENTS,
        )
        try:
            await connection.execute("SET default_transaction_read_only = on")
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _keep(self, connection: asyncpg.Connection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            with suppress(RuntimeError):  # its loop has ended
                self._idle.pop().terminate()


@lru_cache(maxsize=STATEMENTS)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """A statement with `$1` for the first `:name`, and the names in that order."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    return PARAMETER.sub(number, sql), tuple(names)


def _is_gone(error: BaseException) -> bool:
    """Whether a server could not be reached, or has ended the connection."""
    if isinstance(error, asyncpg.PostgresError):
        return is_gone_state(error.sqlstate or "")
    # Of the others, what was asked wrongly is no reason to wait.
    return not isinstance(error, asyncpg.InterfaceError) or "closed" in str(error)
