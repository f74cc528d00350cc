"""A node moves from SQLite to PostgreSQL: everything, once, whatever comes between."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Integer, LargeBinary, Table, create_engine, insert, inspect, text
from sqlalchemy.engine import make_url
from sqlmodel import Session
from tests.postgresql import NEEDS_POSTGRESQL

from underseal_node.clock import Clock
from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import Home
from underseal_node.moving import DATABASE_VARIABLE, StoreMoved, move_store
from underseal_node.node import Node, open_node
from underseal_node.settings import load_settings
from underseal_node.store import rows
from underseal_node.store.backup import export_database
from underseal_node.store.database import next_change, open_store
from underseal_node.store.moving import Stage
from underseal_node.store.rows import node_tables
from underseal_node.store.tables import Peer
from underseal_protocol.keys import KeyPurpose

pytestmark = [
    NEEDS_POSTGRESQL,
    pytest.mark.xdist_group("moving"),
    pytest.mark.sqlite("what is moved is its file"),
]

CHILD = """
import os, signal, sys
from pathlib import Path
from underseal_node.home import Home
from underseal_node.moving import move_store
from underseal_node.store import rows
rows.WRITE_ROWS = 2
left = int(sys.argv[3])
def look(*_given):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
move_store(Home(sys.argv[1]), sys.argv[2], look=look)
"""


@pytest.fixture
def full(home: Home, clock: Clock) -> Home:
    """A home with three rows in every table; its keys are in order, its footprints are not."""
    store = open_store(load_settings(home), home, clock=clock)
    store.write_sync(fill)
    store.close()
    return home


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WRITE_ROWS", 2)
    monkeypatch.setattr(rows, "READ_ROWS", 2)


def fill(session: Session) -> None:
    for table in node_tables():
        if table.name in {"node_identity", "change_counter", "signing_key", "key_log"}:
            continue
        for number in range(1, 4):
            session.execute(insert(plain(table)).values(sample(table, number)))


def plain(table: Table) -> Any:
    return rows._plain(table)


def sample(table: Table, number: int) -> dict[str, Any]:
    """Values that are easily mistaken on the way: not all of them are ASCII, or texts."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, Boolean):
            row[column.name] = number % 2 == 0
        elif isinstance(column.type, Integer):
            row[column.name] = number
        elif isinstance(column.type, LargeBinary):
            row[column.name] = bytes(range(256)) * number
        elif column.nullable and number == 3:
            row[column.name] = None
        else:
            row[column.name] = f"{'Zaü'[number - 1]}\\N\t'\n\"𝔘"
    return row


def no_look(*_given: object) -> None:
    """Nobody looks."""


def move(home: Home, to: str, **more: Any) -> StoreMoved:
    return move_store(home, to, look=no_look, **more)


def run_sql(url: str, *statements: str) -> list[Any]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for statement in statements:
            found = connection.execute(text(statement))
        result = [tuple(row) for row in found] if found.returns_rows else []
    engine.dispose()
    return result


def rows_of(home_database: Path) -> dict[str, list[Any]]:
    """As they are in the file, without this program."""
    with closing(sqlite3.connect(home_database)) as connection:
        return {
            table.name: connection.execute(f'SELECT * FROM "{table.name}"').fetchall()
            for table in node_tables()
        }


def columns_of(home_database: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(home_database)) as connection:
        return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def the_home_is_as_it_was(home: Home) -> None:
    assert home.database.exists()
    assert load_settings(home).database_url is None
    open_node(home.path).close()


def test_every_row_arrives_as_it_is(full: Home, database: str, clock: Clock) -> None:
    expected = rows_of(full.database)
    assert all(expected.values())
    moved = move(full, database, clock=clock)
    assert not full.database.exists()
    assert moved.kept == full.backups / "20260301T120000Z-before-move.db"
    for name, there in expected.items():
        columns = ", ".join(f'"{one}"' for one in columns_of(moved.kept, name))
        found = run_sql(database, f'SELECT {columns} FROM "{name}"')
        assert sorted(found, key=repr) == sorted(
            [with_booleans(name, moved.kept, row) for row in there], key=repr
        )
    assert {one.name: one.rows for one in moved.rows.tables} == {
        name: len(there) for name, there in expected.items()
    }
    assert not moved.rows.is_resumed
    assert not moved.rows.is_again


def with_booleans(table: str, file: Path, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """SQLite has none."""
    (found,) = (one for one in node_tables() if one.name == table)
    return tuple(
        bool(value) if isinstance(found.columns[name].type, Boolean) else value
        for name, value in zip(columns_of(file, table), row, strict=True)
    )


def test_the_tables_of_a_node_are_all_that_the_database_has(node: Node) -> None:
    present = set(inspect(node.store.read_engine).get_table_names())
    assert present - {rows.VERSION_TABLE} == {table.name for table in node_tables()}


def test_a_table_that_this_version_does_not_know_is_not_left_behind(
    home: Home, database: str
) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("CREATE TABLE extra (id INTEGER)")
    with pytest.raises(ConfigurationError, match="extra"):
        move(home, database)
    the_home_is_as_it_was(home)
    assert run_sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_the_node_goes_on_where_it_was(home: Home, database: str, clock: Clock) -> None:
    def add(session: Session, name: str) -> int:
        peer = Peer(name=name, created_at=clock())
        session.add(peer)
        session.flush()
        return peer.id or 0

    before = open_node(home.path, clock=clock)
    ids = [before.store.write_sync(partial(add, name=name)) for name in "abc"]
    before.store.write_sync(lambda session: session.delete(session.get_one(Peer, ids[-1])))
    change = before.store.write_sync(next_change)
    identity, kid = before.identity, before.signing_key(KeyPurpose.FOOTPRINT).kid
    before.close()
    move(home, database)

    after = open_node(home.path, clock=clock)
    assert after.store.write_engine.dialect.name == "postgresql"
    assert after.identity == identity
    assert after.signing_key(KeyPurpose.FOOTPRINT).kid == kid
    assert after.store.write_sync(next_change) == change + 1
    assert after.store.write_sync(partial(add, name="d")) == ids[-1] + 1
    after.close()
    assert not home.database.exists()


def test_numbers_go_on_in_every_table_that_gives_them(full: Home, database: str) -> None:
    move(full, database)
    sequences = run_sql(
        database,
        "SELECT pg_get_serial_sequence(quote_ident(table_name), column_name) FROM "
        "information_schema.columns WHERE table_schema = 'public' AND column_default LIKE "
        "'nextval%'",
    )
    assert len(sequences) > 10
    for (sequence,) in sequences:
        ((number,),) = run_sql(database, f"SELECT nextval('{sequence}')")
        only_one_row = "change_counter" in sequence or "identity" in sequence
        assert number == (2 if only_one_row else 4)


@pytest.mark.parametrize("looks", [1, 2, 20, 60, 90, 130, 180])
def test_a_move_that_is_killed_goes_on(full: Home, database: str, looks: int) -> None:
    expected = {name: len(there) for name, there in rows_of(full.database).items()}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(full.path), database, str(looks)],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    the_home_is_as_it_was(full)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, database)
        with pytest.raises(ConfigurationError, match="not all of it is there"):
            open_node(full.path)
    moved = move(full, database)
    assert moved.rows.is_resumed
    assert not moved.rows.is_again
    assert {one.name: one.rows for one in moved.rows.tables} == expected
    open_node(full.path).close()


def test_what_was_copied_is_not_copied_twice(
    full: Home, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(rows, "_copy_in", counted(rows._copy_in, written))
    total = sum(len(there) for there in rows_of(full.database).values())

    def interrupted(stage: Stage, *_given: object) -> None:
        if stage is Stage.COPYING and sum(written) > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_store(full, database, look=interrupted)
    assert total / 2 < sum(written) < total
    move(full, database)
    assert sum(written) == total


def counted(function: Callable[..., None], into: list[int]) -> Callable[..., None]:
    def call(*given: Any) -> None:
        function(*given)
        into.append(len(given[-1]))

    return call


CHANGES = {
    "a value": "UPDATE peer SET name = 'other' WHERE id = 2",
    "one byte": "UPDATE outbox SET body = set_byte(body, 0, 1) WHERE id = 1",
    "a row less": "DELETE FROM audit_head WHERE size = 2",
    "a row more": "INSERT INTO audit_set VALUES ('more', 'x')",
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_in_the_target_is_found(full: Home, database: str, kind: str) -> None:
    changed: list[str] = []

    def change(stage: Stage, *_given: object) -> None:
        if stage is Stage.VERIFYING and not changed:
            changed.append(kind)
            run_sql(database, CHANGES[kind])

    with pytest.raises(RefusedError, match="is not the same in both databases") as caught:
        move_store(full, database, look=change)
    assert any(name in str(caught.value) for name in ("peer", "outbox", "audit_head", "audit_set"))
    the_home_is_as_it_was(full)
    again = move(full, database)
    assert again.rows.is_again
    open_node(full.path).close()


def test_a_home_that_has_changed_meanwhile_is_copied_anew(full: Home, database: str) -> None:
    def interrupted(stage: Stage, table: str, *_given: object) -> None:
        if stage is Stage.COPYING and table == "used_assertion":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_store(full, database, look=interrupted)
    with closing(sqlite3.connect(full.database)) as connection, connection:
        connection.execute("UPDATE peer SET name = 'changed' WHERE id = 1")
    assert move(full, database).rows.is_again
    assert run_sql(database, "SELECT name FROM peer WHERE id = 1") == [("changed",)]


def test_a_large_table_is_not_held_in_memory(
    home: Home, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()  # portions as they are
    content, rows_of_it = 40_000, 2_000
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.executemany(
            "INSERT INTO audit_set VALUES (?, randomblob(?))",
            [(f"{number:08}", content) for number in range(rows_of_it)],
        )
    tracemalloc.start()
    try:
        move(home, database)
        node = open_node(home.path)
        export_database(node.store.read_engine, tmp_path / "copy.db")
        node.close()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < content * rows_of_it / 2
