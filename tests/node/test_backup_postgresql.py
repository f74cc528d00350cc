"""Backups of a node on PostgreSQL: the same archive as of one on SQLite, restored on either."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlmodel import Session
from tests.node.test_backup import PASSPHRASE, add_events, back_up, states
from tests.node.test_moving import fill, no_look, rows_of
from tests.postgresql import NEEDS_POSTGRESQL, a_database

from underseal_node.backup import restore_backup
from underseal_node.clock import Clock
from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import Home
from underseal_node.moving import move_store
from underseal_node.node import Node, open_node
from underseal_node.settings import load_settings
from underseal_node.store import backup as store_backup
from underseal_node.store import rows
from underseal_node.store.backup import CHANGE_NUMBERS_SKIPPED, export_database
from underseal_node.store.database import next_change, open_store
from underseal_node.store.exchange_tables import OutboxState
from underseal_node.store.tables import Peer
from underseal_node.trust import passphrase as passphrases
from underseal_protocol.keys import KeyPurpose

pytestmark = [
    NEEDS_POSTGRESQL,
    pytest.mark.xdist_group("postgresql"),
    pytest.mark.sqlite("these choose their databases themselves"),
]


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrases, "SCRYPT_N", 2**4)


@pytest.fixture
def moved(home: Home, database: str, clock: Clock) -> Iterator[Node]:
    """A node on PostgreSQL, with events in its outbox."""
    move_store(home, database, look=no_look, clock=clock)
    node = open_node(home.path, clock=clock)
    node.store.write_sync(partial(add_events, clock=clock))
    # They have named the number of their peer themselves.
    node.store.write_sync(lambda session: session.execute(text("SELECT nextval('peer_id_seq')")))
    yield node
    node.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "node.backup"


@pytest.fixture
def target(tmp_path: Path) -> Home:
    return Home(tmp_path / "restored")


def add_peer(session: Session, name: str, clock: Clock) -> int:
    peer = Peer(name=name, created_at=clock())
    session.add(peer)
    session.flush()
    return peer.id or 0


def test_it_restores_a_node_that_runs_on_sqlite(
    moved: Node, archive: Path, target: Home, clock: Clock
) -> None:
    back_up(moved, archive, PASSPHRASE)
    known_elsewhere = moved.store.write_sync(partial(add_peer, name="later", clock=clock))
    restored = restore_backup(archive, target, passphrase=PASSPHRASE)
    assert restored.has_master_key
    assert restored.paused_events == 1
    assert load_settings(target).database_url is None
    node = open_node(target.path, clock=clock)
    assert node.store.write_engine.dialect.name == "sqlite"
    assert node.identity == moved.identity
    kids = [one.signing_key(KeyPurpose.FOOTPRINT).kid for one in (node, moved)]
    assert kids[0] == kids[1]
    assert set(states(node).values()) == {*states(moved).values()} - {OutboxState.PENDING}
    assert node.store.write_sync(partial(add_peer, name="x", clock=clock)) > known_elsewhere
    assert node.store.write_sync(next_change) > CHANGE_NUMBERS_SKIPPED
    node.close()


def test_what_is_restored_can_move_to_another_postgresql(
    moved: Node, archive: Path, target: Home, clock: Clock, server: URL
) -> None:
    back_up(moved, archive, PASSPHRASE)
    known_elsewhere = moved.store.write_sync(partial(add_peer, name="later", clock=clock))
    restore_backup(archive, target, passphrase=PASSPHRASE)
    with a_database(server) as another:
        move_store(target, another, look=no_look, clock=clock)
        node = open_node(target.path, clock=clock)
        assert node.store.write_engine.dialect.name == "postgresql"
        assert node.store.write_sync(partial(add_peer, name="x", clock=clock)) > known_elsewhere
        assert OutboxState.PAUSED in states(node).values()
        node.close()


def test_the_archive_does_not_say_where_the_database_is(
    home: Home, database: str, archive: Path, clock: Clock
) -> None:
    home.config_file.write_text(
        f'port = 1234\ndatabase_url = "{database}&application_name=canary"\n', encoding="utf-8"
    )
    node = Node(home, load_settings(home), None, None, None, clock)  # type: ignore[arg-type]
    open_store(node.settings, home, clock=clock).close()
    back_up(node, archive)
    with tarfile.open(archive) as tar:
        config = tar.extractfile("underseal.toml")
        assert config is not None
        assert config.read() == b"port = 1234\n"


def test_it_has_every_row_as_it_was(
    home: Home, database: str, archive: Path, tmp_path: Path, clock: Clock
) -> None:
    store = open_store(load_settings(home), home, clock=clock)
    store.write_sync(fill)
    store.close()
    expected = rows_of(home.database)
    move_store(home, database, look=no_look, clock=clock)
    store = open_store(load_settings(home), home, clock=clock)
    copy = tmp_path / "copy.db"
    export_database(store.read_engine, copy)
    store.close()
    found = rows_of(copy)
    assert {name: sorted(rows, key=repr) for name, rows in found.items()} == {
        name: sorted(rows, key=repr) for name, rows in expected.items()
    }


def test_a_backup_during_writes_is_one_snapshot(
    moved: Node, archive: Path, target: Home, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """A change between two tables is not half in it."""
    before = moved.store.write_sync(next_change)
    original = rows.copy_rows

    def copy_while_writing(*given: object, **more: object) -> str:
        moved.store.write_sync(next_change)
        return original(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store_backup, "copy_rows", copy_while_writing)
    back_up(moved, archive, PASSPHRASE)
    monkeypatch.undo()
    monkeypatch.setattr(passphrases, "SCRYPT_N", 2**4)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    node = open_node(target.path, clock=clock)
    assert node.store.write_sync(next_change) == before + CHANGE_NUMBERS_SKIPPED + 1
    node.close()


def test_a_copy_that_is_not_what_was_read_is_no_backup(
    moved: Node, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_backup, "digest_of", lambda *_given: "0" * 64)
    with pytest.raises(RefusedError, match="is not what was read"):
        back_up(moved, archive)
    assert not archive.exists()


def test_the_database_of_another_version_is_no_backup(moved: Node, archive: Path) -> None:
    moved.store.write_sync(
        lambda session: session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    )
    with pytest.raises(ConfigurationError, match="schema 0001"):
        back_up(moved, archive)
    assert not archive.exists()
