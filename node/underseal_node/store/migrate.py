"""Brings the database to the schema of this version, once, whoever starts first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from underseal_node.clock import Clock
from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.store import listed
from underseal_node.store.migrations import HEAD
from underseal_node.store.turns import Turn, taking_turns

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "UNFINISHED",
    "alembic_configuration",
    "migrate",
    "refuse_unknown",
    "revision_of",
    "upgrade",
]

UNFINISHED = "unfinished"
"""The revision of a database that a node is being moved to; no version can run on it."""

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, home: Home, clock: Clock) -> None:
    """Run the migrations that are missing, after copying an existing SQLite database.

    Several processes may call this at once: one works, the others wait and find nothing to do.

    Args:
        engine: the writing engine.
        home: holds a lock and the copies; PostgreSQL holds another lock, for all homes.
        clock: names the copy.

    Raises:
        ConfigurationError: the database was written by a newer version.
    """
    if revision_of(engine) == HEAD:
        return
    with _locked(home.lock_file), taking_turns(engine, Turn.MIGRATE):
        present = revision_of(engine)
        if present == HEAD:
            return
        if present is not None:
            refuse_unknown(present)
        if present is not None and engine.dialect.name == "sqlite":
            _copy(engine, home.backups / f"{clock():%Y%m%dT%H%M%SZ}-before-{HEAD}.db")
        _upgrade(engine)


def revision_of(database: Engine | Connection) -> str | None:
    """The revision of the schema in a database, `None` for an empty one."""
    if isinstance(database, Engine):
        with database.connect() as connection:
            return revision_of(connection)
    if not inspect(database).has_table("alembic_version"):
        return None
    return database.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(engine: Engine) -> None:
    with engine.connect() as connection, _without_foreign_keys(connection), connection.begin():
        upgrade(connection)
        if engine.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise ConfigurationError(f"the database has rows without what they name: {broken}")


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest schema, in the transaction of the connection."""
    # Alembic takes 0.2 s to import: only the process that migrates pays for it.
    from alembic import command

    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
    listed.complete(connection)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew; until it has its name back, nothing may miss it.

    It has to be said outside a transaction.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.close()


def alembic_configuration() -> Config:
    """Alembic's configuration for the packaged scripts."""
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return configuration


def refuse_unknown(present: str) -> None:
    """Check that this version knows a schema.

    Raises:
        ConfigurationError: a newer version wrote it, or a move to it was not finished.
    """
    if present == UNFINISHED:
        raise ConfigurationError(
            "a node was being moved to this database, and not all of it is there",
            hint="Run `underseal migrate-store --to URL` again: it goes on where it was.",
        )
    known = {file.stem.split("_")[1] for file in (SCRIPTS / "versions").glob("revision_*.py")}
    if present not in known:
        raise ConfigurationError(
            f"the database has schema {present}, this version of Underseal knows up to {HEAD}",
            hint="Install the newer version again, or restore a backup made by this one.",
        )


def _copy(engine: Engine, destination: Path) -> None:
    from underseal_node.store.backup import copy_database

    copy_database(Path(str(engine.url.database)), destination)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock that the kernel releases when the process dies."""
    with file.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
