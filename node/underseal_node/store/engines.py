"""Where the database of a node is, and connections to it: of SQLite or of PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from underseal_node.errors import ConfigurationError
from underseal_node.home import PRIVATE_FILE, Home
from underseal_node.settings import Settings

__all__ = [
    "database_url",
    "make_engine",
    "parse_url",
    "reason_of",
    "replica_url",
    "with_password",
]

# A host that is gone without a word (no power, no network) must be noticed by the others within
# seconds: the server would hold its locks, and we would wait for answers, for minutes or hours.
# By libpq: seconds, but for `tcp_user_timeout`; what the URL says counts instead.
LIVELINESS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# The same from the side of the server, for each session; without effect on a local socket.
SERVER_LIVELINESS = {
    "tcp_keepalives_idle": LIVELINESS["keepalives_idle"],
    "tcp_keepalives_interval": LIVELINESS["keepalives_interval"],
    "tcp_keepalives_count": LIVELINESS["keepalives_count"],
    "tcp_user_timeout": LIVELINESS["tcp_user_timeout"],
}

WAL_RETRY_SECONDS = 0.01

_URL_HINT = "Leave it out for SQLite in the home, or use postgresql://USER:PASSWORD@HOST/DATABASE."


def database_url(settings: Settings, home: Home) -> URL:
    """The URL of the database; a bare `postgresql://` means the driver psycopg.

    Raises:
        ConfigurationError: it is not the URL of a SQLite file or a PostgreSQL database, or the file
            with its password cannot be read.
    """
    if settings.database_url is None:
        return URL.create("sqlite", database=str(home.database))
    url = parse_url(settings.database_url.get_secret_value(), name="database_url")
    if settings.database_password_file is None:
        return url
    return with_password(url, home.path / settings.database_password_file)


def parse_url(text: str, *, name: str) -> URL:
    """Read the URL of a database.

    Args:
        text: the URL; it may contain a password, so it is never shown.
        name: of what it was given as.

    Raises:
        ConfigurationError: it is not the URL of a SQLite file or a PostgreSQL database.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"{name} is not a database URL", hint=_URL_HINT) from None
    backend = url.get_backend_name()
    if backend not in {"sqlite", "postgresql"} or (backend == "sqlite" and not url.database):
        raise ConfigurationError(f"{name} names `{backend}`", hint=_URL_HINT)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def with_password(url: URL, file: Path) -> URL:
    """A URL with the password that is the first line of a file.

    Raises:
        ConfigurationError: the URL has one already, or the file cannot be read or is empty.
    """
    if url.password:
        raise ConfigurationError(
            "the database has two passwords: in its URL and in database_password_file",
            hint="Leave the one in the URL away.",
        )
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigurationError(
            f"the password of the database cannot be read from {file}: {reason}"
        ) from error
    if not lines or not lines[0]:
        raise ConfigurationError(f"the first line of {file} is no password")
    return url.set(password=lines[0])


def replica_url(settings: Settings) -> URL | None:
    """The URL of the replica, if there is one.

    Raises:
        ConfigurationError: it is not the URL of a PostgreSQL database.
    """
    if settings.database_replica_url is None:
        return None
    url = parse_url(settings.database_replica_url.get_secret_value(), name="database_replica_url")
    if url.get_backend_name() != "postgresql":
        raise ConfigurationError(
            "database_replica_url names no PostgreSQL", hint="Only PostgreSQL has replicas."
        )
    return url


def make_engine(url: URL, settings: Settings, *, read_only: bool) -> Engine:
    """The connections of a store: those that write, or those that only read.

    On each of the latter a transaction sees one snapshot.

    Raises:
        ConfigurationError: the driver is not installed.
    """
    size = settings.database_reader_threads + 1 if read_only else 1
    more: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        more = {name: value for name, value in LIVELINESS.items() if name not in url.query}
    try:
        engine = create_engine(
            url, poolclass=QueuePool, pool_size=size, max_overflow=4, connect_args=more
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"the driver for {url.drivername} is not installed: {error}",
            hint="Run `pip install 'underseal[postgresql]'` for PostgreSQL.",
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, settings, read_only=read_only)
        return engine
    _prepare_postgresql(engine)
    if read_only:
        # REPEATABLE READ is the level on which all statements of a transaction see one snapshot.
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return engine


def _prepare_sqlite(engine: Engine, settings: Settings, *, read_only: bool) -> None:
    """Set what every connection needs, and begin transactions ourselves.

    The driver would begin a write late, on its first statement, and then fail instead of waiting
    when another process has written since: `BEGIN IMMEDIATE` takes the lock first.
    """
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        seconds = settings.database_busy_timeout_seconds
        cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        if not read_only:
            _switch_to_wal(cursor, seconds)
        # FULL: what has been acknowledged to a peer is on disk (docs/adr/0005-storage.md).
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA mmap_size = {settings.database_mmap_bytes}")
        if read_only:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    def begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    if not read_only and engine.url.database:
        _make_private(engine.url.database)


def _switch_to_wal(cursor: sqlite3.Cursor, seconds: float) -> None:
    """Keep what is written in a log of its own, so that readers do not wait.

    SQLite does not wait for other processes here, whatever the timeout: when several open a new
    file at once, each has it locked for reading, and the one that would switch is told "busy".

    Raises:
        sqlite3.OperationalError: the database stayed locked.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_SECONDS)
        else:
            return


def _prepare_postgresql(engine: Engine) -> None:
    """Let the server notice when we are gone; and let peers write the character NUL, which no text
    of PostgreSQL holds.

    What is ours is refused with it, and keys are looked up without it; what else a peer says (a
    status, the words of an error) must not keep the rest of what it sends from being stored.
    """

    def connected(connection: Any, _record: object) -> None:
        from underseal_node.store.postgresql import TextDumper

        connection.adapters.register_dumper(str, TextDumper)
        is_autocommit = connection.autocommit
        connection.autocommit = True  # or the first rollback would take them back
        connection.execute("; ".join(f"SET {n} = {v}" for n, v in SERVER_LIVELINESS.items()))
        connection.autocommit = is_autocommit

    event.listen(engine, "connect", connected)


def _make_private(database: str) -> None:
    """Create the file with its mode; SQLite gives the same to its -wal and -shm files."""
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))


def reason_of(error: Exception) -> str:
    """What the driver says of a failure, without the statement that SQLAlchemy shows with it."""
    return str(getattr(error, "orig", None) or error).strip()
