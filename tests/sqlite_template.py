"""An SQLite database that is migrated once and then copied, as each test wants a few new ones.

Migrating takes more than all else that a new node needs; `tests/node/store/test_migrations.py` does
without this.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

from sqlalchemy import Engine, create_engine

from underseal_node.store import migrate

__all__ = ["copied_when_new"]


@contextmanager
def copied_when_new() -> Iterator[None]:
    """Within this, an empty SQLite database becomes a copy of a migrated one."""
    upgrade, scripts = migrate._upgrade, migrate.SCRIPTS

    def copy_or_upgrade(engine: Engine) -> None:
        is_other = scripts != migrate.SCRIPTS or migrate.revision_of(engine) is not None
        if engine.dialect.name != "sqlite" or is_other:
            upgrade(engine)
            return
        with engine.connect() as connection:
            target = connection.connection.driver_connection
            assert isinstance(target, sqlite3.Connection)
            _template().backup(target)

    @cache
    def _template() -> sqlite3.Connection:
        engine = create_engine("sqlite://")
        with closing(engine.raw_connection()) as connection:
            upgrade(engine)  # in memory there is one connection for all of a thread
            made = sqlite3.connect(":memory:", check_same_thread=False)
            assert isinstance(connection.driver_connection, sqlite3.Connection)
            connection.driver_connection.backup(made)
        engine.dispose()
        return made

    migrate._upgrade = copy_or_upgrade
    try:
        yield
    finally:
        migrate._upgrade = upgrade
