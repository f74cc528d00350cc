"""Moving the data of a node from SQLite to an empty PostgreSQL.

While it is under way, the target has a schema revision that no version runs on, and a table that
says whose data it is. Rows are committed in portions in the order of their primary keys, so that
what is there is always a beginning of each table, and a move that was killed goes on behind it. In
the end all rows of both are read again and compared; then one transaction makes the target usable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from underseal_node.errors import RefusedError
from underseal_node.store.engines import reason_of
from underseal_node.store.identity_tables import KeyLogRow, NodeIdentity
from underseal_node.store.migrate import UNFINISHED, revision_of, upgrade
from underseal_node.store.migrations import HEAD
from underseal_node.store.rows import (
    Compared,
    Row,
    compare,
    copy_rows,
    count_rows,
    identity_values,
    last_key,
    node_tables,
    require_all_tables,
    set_identity_values,
    writer,
)

__all__ = ["Look", "Moved", "Stage", "move_rows", "report_of"]

MARK_TABLE = "store_move"
EMPTY_HINT = (
    "Name a database that has been created for this node: `createdb underseal`, or a schema of "
    "its own. Nothing was changed."
)


class Stage(Enum):
    """What is being done."""

    CHECKING = "checking what is there"
    COPYING = "copying"
    VERIFYING = "verifying"


Look = Callable[[Stage, str, int, int], None]
"""Called with the stage, a table, how many of its rows are done, and how many there are."""


class _State(Enum):
    """Of the target."""

    EMPTY = auto()
    BEGUN = auto()
    COMPLETE = auto()


@dataclass(frozen=True)
class Moved:
    """What a move has come to.

    Attributes:
        tables: each with its number of rows and its digest, the same in both databases.
        is_resumed: an earlier move had got so far that this one went on with it.
        is_again: what an earlier move had copied was not the same any more, and was copied again.
        was_complete: everything was there before.
    """

    tables: tuple[Compared, ...]
    is_resumed: bool = False
    is_again: bool = False
    was_complete: bool = False


def move_rows(source: Connection, target: Engine, reader: Engine, look: Look) -> Moved:
    """Copy every row of a node into another database, and compare all of them.

    Args:
        source: a SQLite database, in one read transaction; nothing may write to it meanwhile.
        target: a PostgreSQL that is empty, or that an earlier move to it has begun to fill.
        reader: the same, for reading on one snapshot.
        look: is told how far it has come.

    Raises:
        RefusedError: the target has other data, cannot be used, or does not have what was copied.
        ConfigurationError: the source has not the tables of this version.
    """
    require_all_tables(source)
    driver: Any = target.dialect.dbapi
    try:
        return _move(source, target, reader, look)
    except (SQLAlchemyError, driver.Error) as error:
        raise RefusedError(
            f"the target database failed: {reason_of(error)}",
            hint="The home is as it was. Run the command again: it goes on where it was.",
        ) from error


def _move(source: Connection, target: Engine, reader: Engine, look: Look) -> Moved:
    mark = _mark_of(source)
    with reader.connect() as connection:
        state = _state_of(connection, mark)
    if state is _State.COMPLETE:
        return Moved(_verified(source, reader, look, _it_has_changed), was_complete=True)
    is_again = False
    if state is _State.EMPTY:
        _begin(target, mark)
    elif not _is_a_beginning(source, reader, look):
        is_again = True
        _empty(target)
    for table in node_tables():
        _copy(source, target, table, partial(look, Stage.COPYING, table.name))
    tables = _verified(source, reader, look, _copied_wrongly)
    _finish(target, identity_values(source))
    return Moved(tables, is_resumed=state is _State.BEGUN, is_again=is_again)


def _mark_of(connection: Connection) -> str:
    """What tells the data of one node from that of another: the beginning of its key log.

    Raises:
        RefusedError: there is no node in it.
    """
    number = col(KeyLogRow.number)
    entry = connection.execute(select(col(KeyLogRow.entry)).order_by(number).limit(1)).scalar()
    if entry is None:
        raise RefusedError(
            "the database of this home has no keys in it",
            hint="Create the node with `underseal init`, and start it once.",
        )
    return hashlib.sha256(str(entry).encode()).hexdigest()


def _state_of(connection: Connection, mark: str) -> _State:
    """What is in the target.

    Raises:
        RefusedError: something else than data of this node.
    """
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise RefusedError(
            f"the target database has the encoding {encoding}",
            hint="Create it with the encoding UTF8.",
        )
    present = set(inspect(connection).get_table_names())
    if not present:
        return _State.EMPTY
    revision = revision_of(connection)
    if revision == UNFINISHED and MARK_TABLE in present:
        theirs = connection.execute(text(f"SELECT node FROM {MARK_TABLE}")).scalar()  # noqa: S608
        if theirs == mark:
            return _State.BEGUN
        raise RefusedError(
            "the target database holds part of the data of another node", hint=EMPTY_HINT
        )
    if revision != HEAD:
        raise RefusedError("the target database is not empty", hint=EMPTY_HINT)
    row = connection.execute(
        select(col(NodeIdentity.company_name), col(NodeIdentity.url))
    ).one_or_none()
    if row is None:
        raise RefusedError("the target database is not empty", hint=EMPTY_HINT)
    if _mark_of(connection) != mark:
        raise RefusedError(
            f"the target database holds the data of another node: {row.company_name}, {row.url}",
            hint=EMPTY_HINT,
        )
    return _State.COMPLETE


def _begin(target: Engine, mark: str) -> None:
    """Make the tables, all or nothing, and say that they are being filled."""
    with target.begin() as connection:
        upgrade(connection)
        _truncate(connection)  # of what the migrations have put in
        connection.execute(text(f"CREATE TABLE {MARK_TABLE} (node VARCHAR NOT NULL)"))
        connection.execute(text(f"INSERT INTO {MARK_TABLE} VALUES (:mark)"), {"mark": mark})  # noqa: S608
        _set_revision(connection, UNFINISHED)


def _empty(target: Engine) -> None:
    with target.begin() as connection:
        _truncate(connection)


def _truncate(connection: Connection) -> None:
    prepare = connection.dialect.identifier_preparer
    names = ", ".join(prepare.format_table(table) for table in node_tables())
    connection.execute(text(f"TRUNCATE {names}"))


def _set_revision(connection: Connection, revision: str) -> None:
    given = {"revision": revision}
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), given)


def _is_a_beginning(source: Connection, reader: Engine, look: Look) -> bool:
    """Whether what an earlier move has copied is still what the home has."""
    with reader.connect() as connection:
        for table in node_tables():
            step = _Steps(partial(look, Stage.CHECKING, table.name), count_rows(connection, table))
            found = compare(source, connection, table, as_far_as_copied=True, on_rows=step)
            if not found.is_equal:
                return False
    return True


def _copy(
    source: Connection, target: Engine, table: Table, look: Callable[[int, int], None]
) -> None:
    with target.connect() as connection:
        after = last_key(connection, table)
        done = count_rows(connection, table)

    def write(rows: Sequence[Row]) -> None:
        with target.begin() as connection:
            writer(connection, table)(rows)

    step = _Steps(look, count_rows(source, table), done)
    copy_rows(source, table, write, after=after, on_rows=step)


def _verified(
    source: Connection, reader: Engine, look: Look, refusal: Callable[[Compared], RefusedError]
) -> tuple[Compared, ...]:
    """Every table, compared row by row."""
    compared = []
    with reader.connect() as connection:
        for table in node_tables():
            step = _Steps(partial(look, Stage.VERIFYING, table.name), count_rows(source, table))
            found = compare(source, connection, table, on_rows=step)
            if not found.is_equal:
                raise refusal(found)
            compared.append(found)
    return tuple(compared)


def _copied_wrongly(found: Compared) -> RefusedError:
    return RefusedError(
        f"the table {found.name} is not the same in both databases, first at the row "
        f"{report_of(found)}",
        hint="Something else has written to the target. The home is as it was, and the target "
        "cannot be used yet. Run the command again to copy anew.",
    )


def _it_has_changed(found: Compared) -> RefusedError:
    return RefusedError(
        "the target database has the data of this node already, and not the same: "
        f"the table {found.name} differs at the row {report_of(found)}",
        hint="If a node has run on it, use it as it is: set database_url. To move anew, empty it.",
    )


def report_of(found: Compared) -> str:
    """The primary key of the first row that differs, for a person."""
    return ", ".join(str(value) for value in found.difference or ())


def _finish(target: Engine, values: dict[str, int]) -> None:
    """Make the target what a node can run on, all at once."""
    with target.begin() as connection:
        set_identity_values(connection, values)
        connection.execute(text(f"DROP TABLE {MARK_TABLE}"))
        _set_revision(connection, HEAD)
    with target.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))  # without it, the first queries would be slow


class _Steps:
    """Adds up what has been done of a table."""

    def __init__(self, look: Callable[[int, int], None], total: int, done: int = 0) -> None:
        self._look, self._total, self._done = look, total, done
        look(done, total)

    def __call__(self, count: int) -> None:
        self._done += count
        self._look(self._done, self._total)
