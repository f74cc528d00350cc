"""On which database the nodes of the tests keep what they know.

By default each has its SQLite file. With `--database postgresql` each has a database of its own in
a PostgreSQL, whichever way a test opens it: in this process, or as a process. Tests that are about
SQLite itself are marked `sqlite("why")`, and are skipped then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL
from tests.postgresql import HAS_POSTGRESQL, Databases
from tests.quick_sqlite import quick_sqlite

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import engines

DATABASES = pytest.StashKey[Databases]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the nodes of the tests keep their data in",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[DATABASES] = Databases()
    if HAS_POSTGRESQL:
        _close_with_its_loop()
    if _is_postgresql(config):
        if not HAS_POSTGRESQL:
            raise pytest.UsageError("there is no PostgreSQL: set UNDERSEAL_TEST_POSTGRESQL_URL")
        _use_postgresql(config.stash[DATABASES])


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[DATABASES].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _is_postgresql(config):
        return
    for item in items:
        about = item.get_closest_marker("sqlite")
        if about is not None:
            item.add_marker(pytest.mark.skip(reason=f"about SQLite: {about.args[0]}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have measured and say by `record_property("said", ...)`, with workers as well."""
    passed = terminalreporter.stats.get("passed", [])
    for text in (said for one in passed for name, said in one.user_properties if name == "said"):
        terminalreporter.write_line(str(text))


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Databases:
    """A PostgreSQL, for tests that need one whatever the other tests run on."""
    if not HAS_POSTGRESQL:
        pytest.skip("there is no PostgreSQL")
    return pytestconfig.stash[DATABASES]


@pytest.fixture(scope="session")
def is_postgresql(pytestconfig: pytest.Config) -> bool:
    """Whether the nodes of the tests keep their data in PostgreSQL."""
    return _is_postgresql(pytestconfig)


@pytest.fixture
def url_of(pytestconfig: pytest.Config) -> Callable[[Home], str | None]:
    """The database of a home, for processes that know nothing of these tests; None for its file."""
    made = pytestconfig.stash[DATABASES]
    return lambda home: made.of(home.path) if _is_postgresql(pytestconfig) else None


@pytest.fixture(scope="session", autouse=True)
def _template(pytestconfig: pytest.Config) -> Iterator[None]:
    """Before any test changes what migrations there are."""
    if _is_postgresql(pytestconfig):
        pytestconfig.stash[DATABASES].prepare()
    with quick_sqlite():
        yield


@pytest.fixture(autouse=True)
def _databases_of_this_test(pytestconfig: pytest.Config) -> Iterator[None]:
    """What was made for one test goes with it; other fixtures of it are closed before."""
    made = pytestconfig.stash[DATABASES]
    before = made.homes
    yield
    made.drop(made.homes - before)


def _is_postgresql(config: pytest.Config) -> bool:
    return bool(config.getoption("--database") == "postgresql")


def _use_postgresql(databases: Databases) -> None:
    """Let every home have a database, before a test module is imported."""
    url_of, finish, node_of = engines.database_url, Home.finish, Workbench.node

    @wraps(url_of)
    def database_url(settings: Settings, home: Home) -> URL:
        # What was restored is a file in the home.
        if settings.database_url is None and not home.database.exists():
            settings = Settings(database_url=databases.of(home.path))  # type: ignore[arg-type]
        return url_of(settings, home)

    @wraps(finish)
    def finished(self: Home, **options: Any) -> None:
        finish(self, **options)
        if self.database.exists():  # what was restored
            return
        # For processes that are started in this home later.
        with self.config_file.open("a", encoding="utf-8") as file:
            file.write(f'\ndatabase_url = "{databases.of(self.path)}"\n')

    @wraps(node_of)
    def node(
        self: Workbench, name: str, *, settings: Mapping[str, str] | None = None, **options: Any
    ) -> NodeProcess:
        home, given = Home(Path(self.directory) / name), dict(settings or {})
        if not home.database.exists():
            given = {"database_url": databases.of(home.path), **given}
        return node_of(self, name, settings=given, **options)

    engines.database_url = database_url
    Home.finish = finished  # type: ignore[method-assign]
    Workbench.node = node  # type: ignore[method-assign]


def _close_with_its_loop() -> None:
    """Each test has an event loop of its own, and closes its node when that has ended: too late for
    connections that belong to the loop."""
    from underseal_node.store.postgresql_reader import PostgresqlReader

    of_this_loop = PostgresqlReader._of_this_loop

    @wraps(of_this_loop)
    def watched(self: PostgresqlReader) -> Any:
        loop, known = asyncio.get_running_loop(), len(self._connections)
        found = of_this_loop(self)
        if len(self._connections) > known:
            close = loop.close

            def close_both() -> None:
                found.close()
                loop.run_until_complete(asyncio.sleep(0.01))
                close()

            loop.close = close_both  # type: ignore[method-assign]
        return found

    PostgresqlReader._of_this_loop = watched  # type: ignore[method-assign]
