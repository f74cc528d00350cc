"""A node in a temporary home, and a clock that stands still until it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from tests.postgresql import Databases, a_database

from underseal_node.home import Home
from underseal_node.node import Node, create_node, open_node

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class StandingClock:
    """A clock for tests: `clock()` is the instant, `clock.advance(seconds=1)` moves it."""

    def __init__(self, instant: datetime = NOW) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **amount: float) -> datetime:
        self.instant += timedelta(**amount)
        return self.instant


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own UNDERSEAL_ variables decide nothing here."""
    for name in list(os.environ):
        if name.startswith("UNDERSEAL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def home(tmp_path: Path, clock: StandingClock) -> Home:
    """The home of a node of Cathode Works, complete."""
    return create_node(
        tmp_path / "home",
        company_name="Cathode Works",
        company_ids=["urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c90"],
        url="https://cathode.example",
        clock=clock,
    )


@pytest.fixture
def node(home: Home, clock: StandingClock) -> Iterator[Node]:
    """The node of `home`, in the management role."""
    opened = open_node(home.path, clock=clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def server(databases: Databases) -> URL:
    """A PostgreSQL in which databases can be created."""
    return databases.server


@pytest.fixture
def database(server: URL) -> Iterator[str]:
    """The URL of a new database in it."""
    with a_database(server) as url:
        yield url
