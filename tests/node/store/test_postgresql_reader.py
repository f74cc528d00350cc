"""Reads of PostgreSQL on the event loop: single statements, that change nothing."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from tests.postgresql import NEEDS_POSTGRESQL

from underseal_node.clock import utc_now
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import engines, serving
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.database import next_change, open_store
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState
from underseal_node.store.postgresql_reader import PostgresqlReader, _numbered, can_read
from underseal_node.store.readers import EngineReader
from underseal_node.store.tables import Peer

pytestmark = [NEEDS_POSTGRESQL, pytest.mark.xdist_group("postgresql")]


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def reader(database: str) -> Iterator[PostgresqlReader]:
    opened = PostgresqlReader(make_url(database), 2)
    yield opened
    opened.close()


def test_names_become_numbers() -> None:
    sql = "SELECT :b, :a::text, ':x' || :b FROM t WHERE a >= :a_1"
    assert _numbered(sql) == (
        "SELECT $1, $2::text, '$3' || $1 FROM t WHERE a >= $4",
        (*("b", "a", "x", "a_1"),),
    )


async def test_values_come_as_they_are(reader: PostgresqlReader) -> None:
    sql = "SELECT :text || 'ß', :number::bigint + 1, :nothing::text, '\\xff'::bytea, :text"
    values = {"text": "霁", "number": 2**40, "nothing": None, "more": "is not used"}
    (row,) = await reader.rows(sql, values)
    assert tuple(row) == ("霁ß", 2**40 + 1, None, b"\xff", "霁")


async def test_what_no_text_holds_is_found_nowhere(reader: PostgresqlReader) -> None:
    assert await reader.rows("SELECT 1 WHERE :text::text = :text", {"text": "a\0b"}) == ()


async def test_nothing_can_be_changed(reader: PostgresqlReader) -> None:
    with pytest.raises(OperationalError, match="read-only"):
        await reader.rows("CREATE TABLE t (a int)", {})
    assert [tuple(row) for row in await reader.rows("SELECT 1", {})] == [(1,)]


async def test_a_statement_that_fails_leaves_the_connection_good(reader: PostgresqlReader) -> None:
    me = "SELECT pg_backend_pid()"
    (first,) = await reader.rows(me, {})
    with pytest.raises(OperationalError, match="division by zero"):
        await reader.rows("SELECT 1 / :zero::int", {"zero": 0})
    assert tuple((await reader.rows(me, {}))[0]) == tuple(first)


async def test_there_are_never_more_connections_than_allowed(reader: PostgresqlReader) -> None:
    slow = "SELECT pg_backend_pid(), pg_sleep(0.02)"
    found = await asyncio.gather(*(reader.rows(slow, {}) for _ in range(20)))
    assert len({rows[0][0] for rows in found}) == 2


async def test_what_nobody_waits_for_any_more_holds_nothing_up(reader: PostgresqlReader) -> None:
    waiting = [
        asyncio.create_task(reader.rows("SELECT pg_sleep(60)", {})) for _ in range(5)
    ]  # two that run and three that wait for their turn
    await asyncio.sleep(0.3)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        found = await asyncio.gather(*(reader.rows("SELECT 1", {}) for _ in range(4)))
    assert all(tuple(rows[0]) == (1,) for rows in found)


async def test_a_connection_that_was_ended_is_replaced(reader: PostgresqlReader) -> None:
    me = "SELECT pg_backend_pid()"
    (first,), (second,) = await asyncio.gather(reader.rows(me, {}), reader.rows(me, {}))
    end = "SELECT pg_terminate_backend(:other::int)"
    other = second[0] if first[0] != second[0] else first[0]
    await asyncio.gather(reader.rows(end, {"other": other}), return_exceptions=True)
    assert len(await reader.rows(me, {})) == 1


@pytest.mark.parametrize(
    ("url", "is_read"),
    [
        ("postgresql+psycopg://me:secret@host/db", True),
        ("postgresql+psycopg://me@/db?host=/run/postgresql", True),
        ("postgresql+psycopg://me@host/db?sslmode=verify-full&sslrootcert=ca.pem", True),
        ("postgresql+psycopg://me@host/db?connect_timeout=3&keepalives_idle=5", True),
        ("postgresql+psycopg://me@host/db?service=x", False),
        ("postgresql+psycopg://me@/db?host=one&host=two", False),
    ],
)
def test_a_url_with_more_is_left_to_its_driver(url: str, is_read: bool) -> None:
    assert can_read(make_url(url)) == is_read


def test_it_is_used_where_it_can_be(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader_of(url: str) -> object:
        engine = create_engine(url)
        audit = AuditBuffer(None, utc_now)  # type: ignore[arg-type]
        opened = serving.open_serving(engine, audit, mmap_bytes=0, busy_timeout_seconds=1)
        return opened._reader

    plain = make_url(database).set(drivername="postgresql+psycopg")
    text = plain.render_as_string(hide_password=False)
    assert isinstance(reader_of(text), PostgresqlReader)
    more = plain.update_query_dict({"requirepeer": "postgres"})
    assert isinstance(reader_of(more.render_as_string(hide_password=False)), EngineReader)
    monkeypatch.setitem(sys.modules, "underseal_node.store.postgresql_reader", None)
    assert isinstance(reader_of(text), EngineReader)


def test_a_host_that_is_gone_is_noticed(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the server and by us; what the URL says counts."""
    # On a local socket the server says 0 to what it is asked; any other setting shows the way.
    monkeypatch.setattr(engines, "SERVER_LIVELINESS", {"statement_timeout": 4321})
    url = engines.parse_url(database, name="url").update_query_dict({"keepalives_idle": "77"})
    engine = engines.make_engine(url, Settings(), read_only=False)
    with engine.connect() as connection:
        connection.rollback()
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "4321ms"
        driver: Any = connection.connection.dbapi_connection
        given = driver.info.get_parameters()
    engine.dispose()
    assert given["keepalives_idle"] == "77"
    assert given["keepalives_interval"] == "5"
    assert given["tcp_user_timeout"] == "25000"
    assert given["connect_timeout"] == "10"


def test_the_server_takes_these_settings(database: str) -> None:
    engine = create_engine(engines.parse_url(database, name="url"))
    with engine.connect() as connection:
        for name, value in engines.SERVER_LIVELINESS.items():
            connection.execute(text(f"SET {name} = {value}"))
    engine.dispose()


def test_what_to_tell_a_recovered_database_works(database: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    store = open_store(Settings(database_url=SecretStr(database)), home)
    docs = Path(__file__).parents[3] / "docs" / "how-to" / "scale.md"
    (recipe,) = re.findall(r"```sql\n(.*?)```", docs.read_text("utf-8"), re.DOTALL)
    event = OutboxEvent(
        event_id="e", peer_id=1, type="t", body=b"{}", created_at=NOW, next_attempt_at=NOW,
        give_up_at=NOW,
    )  # fmt: skip

    def told(session: Session) -> tuple[int, int, str]:
        session.add(Peer(name="a", created_at=NOW))
        session.flush()
        session.add(event)
        session.flush()
        for statement in filter(str.strip, recipe.split(";")):
            session.execute(text(statement))
        session.add(later := Peer(name="b", created_at=NOW))
        session.flush()
        session.refresh(event)
        return next_change(session), later.id or 0, event.state

    change, peer_id, state = store.write_sync(told)
    store.close()
    assert change > 1_000_000_000
    assert peer_id > 100_000
    assert state == OutboxState.PAUSED
