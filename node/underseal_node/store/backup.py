"""Copying a whole database into a SQLite file, and what a restored one needs before it may run."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import PRIVATE_FILE, sync_directory
from underseal_node.store.audit import Act, Actor, members_of
from underseal_node.store.engines import reason_of
from underseal_node.store.exchange_tables import OutboxState
from underseal_node.store.migrate import refuse_unknown, revision_of, upgrade
from underseal_node.store.migrations import HEAD
from underseal_node.store.rows import (
    Row,
    copy_rows,
    digest_of,
    identity_values,
    node_tables,
    set_identity_values,
    writer,
)
from underseal_node.store.types import utc_text

__all__ = [
    "check_database",
    "close_database",
    "copy_database",
    "export_database",
    "prepare_restored",
]

BUSY_SECONDS = 30.0

# A peer remembers the last change number it has seen. Numbers given after the backup was made must
# not be given again to other changes, or the peer would miss those.
CHANGE_NUMBERS_SKIPPED = 1_000_000_000
# Likewise peers and grants that were made after the backup, and are in receipts that others hold.
IDS_SKIPPED = 100_000


# A backup of an earlier version has none before it is opened.
HAS_AUDIT_LOG = "SELECT 1 FROM sqlite_master WHERE name = 'audit_pending'"


def copy_database(source: Path, destination: Path) -> None:
    """Copy a consistent snapshot of a database that may be in use.

    Args:
        source: an existing SQLite database.
        destination: a new file; it appears whole or not at all.

    Raises:
        RefusedError: the copy cannot be written (no space, no permission).
    """
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            original.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            # All pages in one step is one read transaction: a writer cannot make it start again.
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        _sync(temporary)
        temporary.replace(destination)
        sync_directory(destination.parent)
    except (OSError, sqlite3.Error) as error:
        raise RefusedError(
            f"the database cannot be copied to {destination}: {error}",
            hint="Check the free space and the permissions of the directory.",
        ) from error
    finally:
        for leftover in (temporary, temporary.with_name(temporary.name + "-journal")):
            leftover.unlink(missing_ok=True)


def export_database(reader: Engine, destination: Path) -> None:
    """Copy a consistent snapshot of a PostgreSQL that may be in use into a SQLite file.

    Args:
        reader: its connections see one snapshot.
        destination: a new file; what is there after an error is not complete.

    Raises:
        RefusedError: the copy is not what was read, or cannot be written.
        ConfigurationError: the database has not the schema of this version.
    """
    os.close(os.open(destination, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    copy = create_engine(f"sqlite:///{destination}", poolclass=NullPool)
    driver: Any = reader.dialect.dbapi
    try:
        with reader.connect() as source:
            _require_head(revision_of(source))
            with copy.begin() as connection:
                upgrade(connection)
            digests = _export(source, copy)
        with copy.connect() as connection:
            for table in node_tables():
                if digest_of(connection, table) != digests[table.name]:
                    raise RefusedError(f"the copy of the table {table.name} is not what was read")
    except (SQLAlchemyError, driver.Error) as error:
        raise RefusedError(
            f"the database cannot be copied to {destination}: {reason_of(error)}",
            hint="Check that it can be reached, and the free space in the home.",
        ) from error
    finally:
        copy.dispose()
    _sync(destination)


def _export(source: Connection, copy: Engine) -> dict[str, str]:
    """Copy all tables; what was read of each, as a digest."""
    digests = {}
    for table in node_tables():
        with copy.begin() as connection:
            connection.execute(delete(table))  # what the migrations have put in

        def write(rows: Sequence[Row], table: Table = table) -> None:
            with copy.begin() as connection:
                writer(connection, table)(rows)

        digests[table.name] = copy_rows(source, table, write)
    with copy.begin() as connection:
        set_identity_values(connection, identity_values(source))
    return digests


def _require_head(revision: str | None) -> None:
    if revision is not None:
        refuse_unknown(revision)
    if revision != HEAD:
        raise ConfigurationError(
            f"the database has schema {revision}, and {HEAD} is needed",
            hint="Start the node once with this version.",
        )


def close_database(file: Path) -> None:
    """Put what is in the log of a SQLite database that nobody uses into the file itself.

    Raises:
        RefusedError: something does use it.
    """
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise RefusedError(f"the database {file} is still in use: {error}") from error


def check_database(file: Path) -> str:
    """Check that a file is a sound database of a node.

    Returns:
        the revision of its schema.

    Raises:
        RefusedError: it is damaged or something else.
    """
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise RefusedError(f"the backup holds no database of a node: {error}") from error
    if verdict != "ok" or revision is None:
        raise RefusedError(f"the database in the backup is damaged: {verdict}")
    return str(revision[0])


def prepare_restored(file: Path, created_at: str, now: datetime) -> int:
    """Make a restored database safe to run: nothing is sent again unasked. The audit log tells of
    it, because entries made after the backup are lost.

    Args:
        created_at: when the backup was made.
        now: aware.

    Returns:
        how many outgoing events are now paused.
    """
    with closing(sqlite3.connect(file)) as connection, connection:
        paused = connection.execute(
            "UPDATE outbox SET state = ?, leased_until = NULL WHERE state = ?",
            (OutboxState.PAUSED, OutboxState.PENDING),
        ).rowcount
        connection.execute("UPDATE change_counter SET last = last + ?", (CHANGE_NUMBERS_SKIPPED,))
        if connection.execute(HAS_AUDIT_LOG).fetchone():
            connection.execute("UPDATE sqlite_sequence SET seq = seq + ?", (IDS_SKIPPED,))
            detail = {"createdAt": created_at}
            members = members_of(Act.RESTORED, now, actor=Actor.OPERATOR, detail=detail)
            connection.execute(
                "INSERT INTO audit_pending (created_at, members, footprint_ids) VALUES (?, ?, '')",
                (utc_text(now), json.dumps(members)),
            )
    _sync(file)
    return paused


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
