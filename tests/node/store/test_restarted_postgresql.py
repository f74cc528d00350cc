"""PostgreSQL is restarted: what is asked meanwhile waits, and is done once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select, text
from tests.postgresql import CAN_START, a_server_of_its_own

from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import database, postgresql_reader
from underseal_node.store.database import Store, next_change, open_store
from underseal_node.store.postgresql_reader import PostgresqlReader
from underseal_node.store.readers import EngineReader
from underseal_node.store.tables import ChangeCounter

pytestmark = [
    pytest.mark.skipif(not CAN_START, reason="there is no PostgreSQL"),
    pytest.mark.xdist_group("postgresql"),
]


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of its own, because it is stopped."""
    with a_server_of_its_own() as running:
        yield running


@pytest.fixture
def store(server: Any, tmp_path: Path) -> Iterator[Store]:
    home = Home(tmp_path / "home")
    home.prepare()
    opened = open_store(Settings(database_url=SecretStr(server.get_uri())), home)
    yield opened
    opened.close()


def last_change(session: Session) -> int:
    return session.exec(select(ChangeCounter.last)).one()


async def test_what_is_asked_during_a_restart_waits_and_is_done_once(
    server: Any, store: Store
) -> None:
    assert await store.write(next_change) == 1
    assert await store.read(last_change) == 1
    readers = EngineReader(store.read_engine), PostgresqlReader(store.read_engine.url, 2)
    query = "SELECT last FROM change_counter"
    assert [list(await one.rows(query, {})) for one in readers] == [[(1,)], [(1,)]]
    server.stop()
    starting = threading.Timer(1.0, server.ensure_postgres_running)
    starting.start()
    found: list[Any] = await asyncio.gather(
        store.write(next_change),
        store.write_together(next_change),
        store.read(last_change),
        *(one.rows(query, {}) for one in readers),
    )
    written, together, read, *rows = found
    starting.join()
    assert {written, together} == {2, 3}
    assert read in (1, 2, 3)
    assert all(one[0][0] in (1, 2, 3) for one in rows)
    assert await store.read(last_change) == 3


async def test_one_that_does_not_come_back_is_an_error_after_a_while(
    server: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESTART_SECONDS", 0.5)
    monkeypatch.setattr(postgresql_reader, "RESTART_SECONDS", 0.5)
    server.stop()
    begin = time.monotonic()
    reader = PostgresqlReader(store.read_engine.url, 2)
    with pytest.raises(OperationalError):
        await store.read(last_change)
    with pytest.raises(OperationalError):
        await reader.rows("SELECT last FROM change_counter", {})
    assert 0.9 < time.monotonic() - begin < 10
    server.ensure_postgres_running()


async def test_what_takes_too_long_is_not_tried_again(store: Store) -> None:
    def work(session: Session) -> None:
        session.execute(text("SET LOCAL statement_timeout = 1"))
        session.execute(text("SELECT pg_sleep(1)"))

    begin = time.monotonic()
    with pytest.raises(OperationalError):
        await store.write(work)
    assert time.monotonic() - begin < database.RESTART_SECONDS / 2
