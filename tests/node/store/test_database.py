"""The store: one writer, snapshots for readers, and what is committed is there."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session, select, text

from underseal_node.clock import utc_now
from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.settings import Settings, load_settings
from underseal_node.store import engines
from underseal_node.store.database import Store, next_change, open_store
from underseal_node.store.engines import database_url
from underseal_node.store.tables import AccessGrant, ChangeCounter, Peer

UrlOf = Callable[[Home], str | None]

SETTINGS = Settings(database_busy_timeout_seconds=0.2)
MAKE_ENGINE = engines.make_engine


@pytest.fixture(autouse=True)
def _as_a_node_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what makes SQLite quick for other tests."""
    monkeypatch.setattr(engines, "make_engine", MAKE_ENGINE)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    opened = open_store(SETTINGS, home)
    yield opened
    opened.close()


def last_change(session: Session) -> int:
    return session.exec(select(ChangeCounter.last)).one()


async def test_a_write_is_committed_and_read(store: Store) -> None:
    assert await store.read(last_change) == 0
    assert await store.write(next_change) == 1
    assert await store.read(last_change) == 1
    assert store.write_sync(next_change) == 2
    assert store.read_sync(last_change) == 2


async def test_a_failed_write_changes_nothing(store: Store) -> None:
    def fail(session: Session) -> None:
        next_change(session)
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        await store.write(fail)
    assert await store.read(last_change) == 0
    assert await store.write(next_change) == 1  # and the writer goes on


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"):
        store.read_sync(next_change)
    assert store.read_sync(last_change) == 0


def test_writes_run_on_one_thread_and_do_not_overlap(store: Store) -> None:
    threads: set[int] = set()

    async def write_all() -> list[int]:
        def work(session: Session) -> int:
            threads.add(threading.get_ident())
            return next_change(session)

        return await asyncio.gather(*(store.write(work) for _ in range(50)))

    assert sorted(asyncio.run(write_all())) == list(range(1, 51))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside a write"):
        store.write_sync(lambda _session: store.write_sync(next_change))


async def test_a_cancelled_caller_leaves_a_whole_transaction(store: Store) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(session: Session) -> int:
        started.set()
        release.wait(10)
        return next_change(session)

    task = asyncio.create_task(store.write(slow))
    while not started.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert await store.write(next_change) == 2


def test_a_reader_sees_one_snapshot_while_others_write(store: Store) -> None:
    def read_twice(session: Session) -> tuple[int, int]:
        before = last_change(session)
        store.write_sync(next_change)
        return before, session.execute(text("SELECT last FROM change_counter")).scalar_one()

    assert store.read_sync(read_twice) == (0, 0)
    assert store.read_sync(last_change) == 1


def test_what_a_write_returns_stays_readable(store: Store) -> None:
    peer = store.write_sync(new_peer)
    assert peer.name == "Cell Works"


def new_peer(session: Session) -> Peer:
    peer = Peer(name="Cell Works", created_at=utc_now())
    session.add(peer)
    session.flush()
    return peer


def test_foreign_keys_are_enforced(store: Store) -> None:
    def orphan(session: Session) -> None:
        session.add(AccessGrant(peer_id=4711, kind="all", level=0, changed=1, created_at=utc_now()))

    with pytest.raises(IntegrityError):
        store.write_sync(orphan)


@pytest.mark.sqlite("its pragmas")
def test_the_connection_is_durable_and_waits(store: Store) -> None:
    def pragmas(session: Session) -> list[int | str]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [session.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    full = 2
    assert store.write_sync(pragmas) == ["wal", full, 1, 200]
    assert store.read_sync(pragmas) == ["wal", full, 1, 200]


@pytest.mark.sqlite("the modes of its files")
def test_the_files_are_private(store: Store, home: Home) -> None:
    store.write_sync(next_change)
    files = [file for file in home.path.iterdir() if file.name.startswith("underseal.db")]
    assert {file.name for file in files} >= {"underseal.db", "underseal.db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.sqlite("the lock of its file")
def test_a_write_waits_for_another_process(store: Store, home: Home) -> None:
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.5, lambda: None)
        result: list[int] = []
        writer = threading.Thread(target=lambda: result.append(store.write_sync(next_change)))
        writer.start()
        timer.start()
        timer.join()
        assert result == []  # longer than one busy timeout: it has been tried again
        other.execute("UPDATE change_counter SET last = 41")
        other.execute("COMMIT")
        writer.join(10)
    assert result == [42]


@pytest.mark.sqlite("the lock of its file")
def test_a_database_that_stays_busy_is_given_up(store: Store, home: Home) -> None:
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            store.write_sync(next_change)
        other.execute("ROLLBACK")
    assert store.write_sync(next_change) == 1


@pytest.mark.sqlite("the lock of its file")
def test_a_reader_does_not_wait_for_a_writer(store: Store, home: Home) -> None:
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE change_counter SET last = 41")
        assert store.read_sync(last_change) == 0
        other.execute("ROLLBACK")


def test_only_transient_errors_are_tried_again(store: Store) -> None:
    attempts = []

    def broken(session: Session) -> None:
        attempts.append(1)
        session.execute(text("SELECT * FROM no_such_table"))

    with pytest.raises(DBAPIError, match="no_such_table"):
        store.write_sync(broken)
    assert len(attempts) == 1


def count_up(path: str, url: str | None, times: int) -> None:
    store = open_store(Settings(database_url=url), Home(path))  # type: ignore[arg-type]
    for _ in range(times):
        store.write_sync(next_change)
    store.close()


def test_processes_that_start_and_write_at_once_do_not_collide(home: Home, url_of: UrlOf) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (str(home.path), url_of(home), 20)
    processes = [context.Process(target=count_up, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    store = open_store(SETTINGS, home)
    assert store.read_sync(last_change) == 80
    store.close()


@pytest.mark.sqlite("the switch to its log, for which it does not wait by itself")
def test_connections_that_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    def connect(file: Path, start: threading.Barrier) -> str:
        engine = MAKE_ENGINE(URL.create("sqlite", database=str(file)), SETTINGS, read_only=False)
        start.wait()
        with closing(engine.raw_connection()) as connection:
            mode: str = connection.cursor().execute("PRAGMA journal_mode").fetchone()[0]
        engine.dispose()
        return mode

    for number in range(50):
        start = threading.Barrier(4)
        with ThreadPoolExecutor(4) as threads:
            modes = threads.map(connect, [tmp_path / f"{number}.db"] * 4, [start] * 4)
            assert list(modes) == ["wal"] * 4


COUNT_UNTIL_KILLED = """
import sys
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store.database import next_change, open_store
store = open_store(Settings(database_url=sys.argv[2] or None), Home(sys.argv[1]))
while True:
    print(store.write_sync(next_change), flush=True)
"""


def test_what_a_killed_process_has_acknowledged_is_there(home: Home, url_of: UrlOf) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT_UNTIL_KILLED, str(home.path), url_of(home) or ""],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    process.wait(10)
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.stdout.close()
    store = open_store(SETTINGS, home)
    found = store.read_sync(last_change)
    store.close()
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert found in {acknowledged[-1], acknowledged[-1] + 1}  # committed, not yet told


@pytest.mark.parametrize(
    "url", ["not a url", "mysql://db/x", "sqlite://", "postgres://u:canary@db/x", ""]
)
def test_other_databases_are_refused_without_showing_the_password(home: Home, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        database_url(load_settings(home, database_url=url), home)
    assert "canary" not in caught.value.diagnosis()
    assert "postgresql://" in str(caught.value.hint)


def test_postgresql_is_a_url(home: Home) -> None:
    url = database_url(load_settings(home, database_url="postgresql://u:p@db/x"), home)
    assert url.drivername == "postgresql+psycopg"
    given = database_url(load_settings(home, database_url="postgresql+asyncpg://u:p@db/x"), home)
    assert given.drivername == "postgresql+asyncpg"


def test_the_password_of_the_database_can_be_in_a_file(home: Home) -> None:
    (home.secrets / "database.password").write_text("c@nary\nmore\n", encoding="utf-8")
    given = {"database_url": "postgresql://u@db/x"}
    inside = load_settings(home, **given, database_password_file="secrets/database.password")
    assert database_url(inside, home).password == "c@nary"
    assert "nary" not in repr(inside)
    file = home.secrets / "database.password"
    elsewhere = load_settings(home, **given, database_password_file=file)
    assert database_url(elsewhere, home).password == "c@nary"


@pytest.mark.parametrize(
    ("url", "content", "named"),
    [
        ("postgresql://u:canary@db/x", b"canary\n", "two passwords"),
        ("postgresql://u@db/x", None, "cannot be read"),
        ("postgresql://u@db/x", b"", "no password"),
        ("postgresql://u@db/x", b"\ncanary", "no password"),
        ("postgresql://u@db/x", b"canary\xff", "not text in UTF-8"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_explained(
    home: Home, url: str, content: bytes | None, named: str
) -> None:
    file = home.secrets / "given"
    if content is not None:
        file.write_bytes(content)
    settings = load_settings(home, database_url=url, database_password_file=file)
    with pytest.raises(ConfigurationError, match=named) as caught:
        database_url(settings, home)
    assert "canary" not in caught.value.diagnosis()


def test_a_password_file_without_a_database_is_a_mistake(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="belongs to database_url, which is missing"):
        load_settings(home, database_password_file="x")


def test_a_missing_driver_is_explained(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"driver for postgresql\+psycopg") as caught:
        open_store(load_settings(home, database_url="postgresql://u:canary@db/x"), home)
    assert "pip install" in str(caught.value.hint)
    assert "canary" not in caught.value.diagnosis()
