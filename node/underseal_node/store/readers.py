"""How the queries of `serving` are run: on the event loop where that is faster, else in threads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from sqlalchemy import Engine, text

from underseal_node.store.database import with_database
from underseal_node.store.types import NUL

__all__ = ["EngineReader", "Parameters", "Reader", "Row", "SqliteReader", "names_nothing"]

Row = Sequence[Any]
Parameters = Mapping[str, object]

CACHED_STATEMENTS = 512


class Reader(Protocol):
    """Runs one SELECT."""

    has_replica: bool
    """Whether `rows_since` may read elsewhere."""

    async def rows(
        self, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """All rows.

        Args:
            sql: with parameters as `:name`.
            parameters: the value of each.
            is_bounded: whether it reads about as much as it returns.
        """

    async def rows_since(
        self, change: int, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """As `rows`, perhaps from a copy of the database that has everything up to a change.

        Args:
            change: number of the change counter.
        """

    def close(self) -> None:
        """Close the connections."""


class SqliteReader:
    """Reads SQLite on the event loop, and in a thread what may take long.

    Args:
        path: of the database.
        mmap_bytes: how much of it is mapped into memory.
        busy_timeout_seconds: how long to wait for a lock.
    """

    has_replica = False

    def __init__(self, path: str, *, mmap_bytes: int, busy_timeout_seconds: float) -> None:
        self._loop_connection = _connect(path, mmap_bytes, busy_timeout_seconds)
        self._thread_connection = _connect(path, mmap_bytes, busy_timeout_seconds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="long-read")

    async def rows(
        self, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows`."""
        if is_bounded:
            return self._loop_connection.execute(sql, parameters).fetchall()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: self._thread_connection.execute(sql, parameters).fetchall()
        )

    async def rows_since(
        self, change: int, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows_since`."""
        return await self.rows(sql, parameters, is_bounded=is_bounded)

    def close(self) -> None:
        """Close the connections."""
        self._thread.shutdown(wait=True)
        self._thread_connection.close()
        self._loop_connection.close()


class EngineReader:
    """Reads any database that SQLAlchemy reaches, in threads.

    Args:
        engine: its connections only read.
    """

    has_replica = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def rows(
        self, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows`."""
        if names_nothing(parameters.values()):
            return ()
        return await asyncio.to_thread(self._rows, sql, parameters)

    async def rows_since(
        self, change: int, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows_since`."""
        return await self.rows(sql, parameters, is_bounded=is_bounded)

    def _rows(self, sql: str, parameters: Parameters) -> Sequence[Row]:
        def attempt() -> Sequence[Row]:
            with self._engine.connect() as connection:
                return connection.execute(text(sql), dict(parameters)).fetchall()

        return with_database(attempt)

    def close(self) -> None:
        """Nothing: engines belong to the store, which closes them."""


def names_nothing(values: Iterable[object]) -> bool:
    """Whether a parameter is a text that PostgreSQL cannot hold: peers can write the character NUL;
    no text has it there, and asked for one that has, it fails."""
    return any(isinstance(value, str) and NUL in value for value in values)


def _connect(path: str, mmap_bytes: int, busy_timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA mmap_size = {mmap_bytes:d}")
    return connection
