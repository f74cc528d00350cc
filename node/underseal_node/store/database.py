"""The database of a node: one writer thread, several readers.

SQLite in the home directory by default; `database_url` names a PostgreSQL instead. What differs
between the two is in this module and in `engines`, `migrate`, `backup`, `rows` and `moving` alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Engine, Select, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from underseal_node.clock import Clock, utc_now
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import engines
from underseal_node.store.migrate import migrate
from underseal_node.store.tables import ChangeCounter
from underseal_node.store.together import Together

__all__ = [
    "WRITES",
    "Store",
    "next_change",
    "open_store",
    "time_of",
    "to_change",
    "with_database",
]

T = TypeVar("T")
S = TypeVar("S", bound=Select[Any])
Work = Callable[[Session], T]

WRITE_ATTEMPTS = 5
RETRY_SECONDS = 0.05
WRITES = "underseal writes"  # in `Session.info`

# PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
TRANSIENT_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
# PostgreSQL: admin_shutdown, crash_shutdown, cannot_connect_now.
GONE_SQLSTATES = frozenset({"57P01", "57P02", "57P03"})
RESTART_SECONDS = 15.0
TIME = text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
RESTART_LOOK_SECONDS = 0.2
# SQLite: primary result codes SQLITE_BUSY and SQLITE_LOCKED (the low byte of the extended code).
TRANSIENT_SQLITE_CODES = frozenset({5, 6})


class Store:
    """Runs pieces of work in transactions.

    A piece of work is a function that takes a `Session` and returns a value; it runs again when the
    database was busy, so it must have no effect outside the session. What it returns stays readable
    after the transaction.

    Args:
        writer: the engine that writes; used by one thread only.
        reader: the engine that only reads.
        reader_threads: how many reads run at a time.
        replica: the engine that reads a copy of the database, which may lag behind.
    """

    def __init__(
        self,
        writer: Engine,
        reader: Engine,
        *,
        reader_threads: int,
        replica: Engine | None = None,
    ) -> None:
        self.write_engine = writer
        self.read_engine = reader
        self.replica_engine = replica
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(reader_threads, thread_name_prefix="store-reader")
        self._writer_thread: int | None = None
        self._together = Together(self.write)

    async def write(self, work: Work[T]) -> T:
        """Run work in one transaction on the writer thread and commit it.

        Once started it is completed, also when the caller is cancelled meanwhile.

        Raises:
            OperationalError: the database stayed busy, or its disk is full.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._write, work)

    async def write_together(self, work: Work[T], *, order: int = 0) -> T:
        """Like `write`, in one transaction with what others write at this moment.

        For small work of which there may be much at a time. It runs again when other work in the
        transaction has failed.

        Args:
            work: what to do.
            order: the id of the row that it locks; all work of a transaction runs in this order.
        """
        return await self._together.write(work, order=order)

    async def read(self, work: Work[T]) -> T:
        """Run work on a reader thread, on one consistent snapshot; it cannot write."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_sync, work)

    def write_sync(self, work: Work[T]) -> T:
        """Like `write`, for callers outside an event loop; waits for the writer thread.

        Raises:
            RuntimeError: called by work that is already writing; it would wait for itself.
        """
        if threading.get_ident() == self._writer_thread:
            raise RuntimeError("a write was started inside a write: pass the session instead")
        return self._writer.submit(self._write, work).result()

    def read_sync(self, work: Work[T]) -> T:
        """Like `read`, in the calling thread."""

        def attempt() -> T:
            with Session(self.read_engine, expire_on_commit=False) as session:
                return work(session)

        return with_database(attempt)

    def close(self) -> None:
        """Finish what has been started and close all connections."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        if self.replica_engine is not None:
            self.replica_engine.dispose()
        self.read_engine.dispose()
        self.write_engine.dispose()

    def _write(self, work: Work[T]) -> T:
        self._writer_thread = threading.get_ident()
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                with Session(self.write_engine, expire_on_commit=False) as session:
                    session.info[WRITES] = True
                    # Not so the commit: when the database is gone then, it may have committed.
                    result = with_database(partial(_restarted, session, work))
                    session.commit()
                    return result
            except OperationalError as error:
                if attempt == WRITE_ATTEMPTS or not _is_transient(error):
                    raise
                time.sleep(RETRY_SECONDS * attempt)
        raise AssertionError("unreachable")  # the last attempt returns or raises


def open_store(settings: Settings, home: Home, *, clock: Clock = utc_now) -> Store:
    """Open the database, creating or migrating it first.

    Args:
        settings: where it is and how long to wait for it.
        home: of the node; its directories exist.
        clock: names the copy that is made before a migration.

    Raises:
        ConfigurationError: the URL cannot be used, or a newer version of the program wrote it.
    """
    url, replica = engines.database_url(settings, home), engines.replica_url(settings)
    writer = engines.make_engine(url, settings, read_only=False)
    try:
        migrate(writer, home, clock)
    except BaseException:
        writer.dispose()
        raise
    reader = engines.make_engine(url, settings, read_only=True)
    return Store(
        writer,
        reader,
        reader_threads=settings.database_reader_threads,
        replica=None if replica is None else engines.make_engine(replica, settings, read_only=True),
    )


def time_of(session: Session) -> datetime | None:
    """What time the database has, aware; `None`: the same clock as this process, with SQLite."""
    if session.get_bind().dialect.name == "sqlite":
        return None
    seconds: Decimal = session.execute(TIME).scalar_one()
    return datetime.fromtimestamp(float(seconds), UTC)


def next_change(session: Session) -> int:
    """The next number of the change counter, for a change of a footprint or a grant.

    The counter's row stays locked until the transaction ends, so numbers become visible in their
    order: who has seen number N has seen every change up to N.
    """
    statement = (
        update(ChangeCounter)
        .where(col(ChangeCounter.id) == 1)
        .values(last=ChangeCounter.last + 1)
        .returning(col(ChangeCounter.last))
    )
    return int(session.execute(statement).scalar_one())


def to_change(session: Session, statement: S) -> S:
    """Read rows that this transaction may write: until it ends, no other process can change them.

    Without that, PostgreSQL (at READ COMMITTED) lets two read the same row and the second one write
    back what the first has changed, say a revocation. On SQLite those that write take turns anyway.
    What only reads holds nothing, so a query can serve both. Other rows may refer to those held.

    Args:
        session: of `Store.write` or `Store.read`.
        statement: selects rows of one table.
    """
    if not session.info.get(WRITES):
        return statement
    held = statement.with_for_update(key_share=True)
    # As it is now, not as an earlier query of this transaction has seen it.
    return held.execution_options(populate_existing=True)


def with_database(attempt: Callable[[], T]) -> T:
    """Try again for some seconds while the database is gone: a server may be restarted.

    Args:
        attempt: can be run again as long as it fails.

    Raises:
        OperationalError: it failed for another reason, or did not come back.
    """
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            return attempt()
        except OperationalError as error:
            if not _is_gone(error) or time.monotonic() >= deadline:
                raise
            time.sleep(RESTART_LOOK_SECONDS)


def _restarted(session: Session, work: Work[T]) -> T:
    """Run work in a transaction that holds nothing of an attempt before."""
    session.rollback()
    return work(session)


def _is_gone(error: OperationalError) -> bool:
    """Whether a server could not be reached, or has ended the connection."""
    if not type(error.orig).__module__.startswith("psycopg"):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or is_gone_state(state)


def is_gone_state(state: str) -> bool:
    """Whether an SQLSTATE says that a server could not be reached, or has ended the connection.

    Class 08: connection exceptions; 57P01 to 57P03: it shuts down, or does not take any yet.
    """
    return state.startswith("08") or state in GONE_SQLSTATES


def _is_transient(error: OperationalError) -> bool:
    """Whether the same work can succeed when it is tried again."""
    cause = error.orig
    if getattr(cause, "sqlstate", None) in TRANSIENT_SQLSTATES:
        return True
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in TRANSIENT_SQLITE_CODES
