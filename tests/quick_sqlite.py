"""SQLite as tests want it: thousands of new databases, none of which outlives a power cut.

Migrating, compiling statements and waiting for the disk would take more time than what is tested.
`tests/node/store/test_migrations.py` and `test_database.py` do without this, and so do the nodes
that run as processes of their own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from underseal_node.store import engines, migrate

__all__ = ["quick_sqlite"]


@contextmanager
def quick_sqlite() -> Iterator[None]:
    """Within this, the SQLite databases of this process are quick to make and to write."""
    with pytest.MonkeyPatch.context() as patch:
        _copy_what_is_migrated(patch)
        _share_statements(patch)
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


def _copy_what_is_migrated(patch: pytest.MonkeyPatch) -> None:
    """Let an empty database become a copy of a migrated one."""
    upgrade, scripts = migrate._upgrade, migrate.SCRIPTS

    def copy_or_upgrade(engine: Engine) -> None:
        is_other = scripts != migrate.SCRIPTS or migrate.revision_of(engine) is not None
        if engine.dialect.name != "sqlite" or is_other:
            upgrade(engine)
            return
        with engine.connect() as connection:
            target = connection.connection.driver_connection
            assert isinstance(target, sqlite3.Connection)
            template().backup(target)

    @cache
    def template() -> sqlite3.Connection:
        engine = create_engine("sqlite://")
        with closing(engine.raw_connection()) as connection:
            upgrade(engine)  # in memory there is one connection for all of a thread
            made = sqlite3.connect(":memory:", check_same_thread=False)
            assert isinstance(connection.driver_connection, sqlite3.Connection)
            connection.driver_connection.backup(made)
        engine.dispose()
        return made

    patch.setattr(migrate, "_upgrade", copy_or_upgrade)


def _share_statements(patch: pytest.MonkeyPatch) -> None:
    """Let engines take what others have compiled, and not wait for the disk.

    SQLAlchemy keeps what it compiles for each engine and dialect.
    """
    make_engine = engines.make_engine
    compiled = create_engine("sqlite://", query_cache_size=5_000)._compiled_cache

    def make_and_share(*arguments: Any, **options: Any) -> Engine:
        engine = make_engine(*arguments, **options)
        if engine.dialect.name == "sqlite":
            engine._compiled_cache = compiled
            event.listen(engine, "connect", _do_not_wait)
        return engine

    # Dialects are all made by the same options, so what is compiled for one fits the others.
    patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda one, other: type(one) is type(other))
    patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda one: hash(type(one)))
    patch.setattr(engines, "make_engine", make_and_share)


def _do_not_wait(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
