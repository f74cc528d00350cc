"""All rows of all tables as plain values, in one order on SQLite and PostgreSQL alike.

For what copies a whole database: rows are read as they are stored, never as what they mean, so that
a copy has the very texts and bytes, but for the character NUL. Nothing here keeps more than a batch
of rows in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, zip_longest
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    TableClause,
    collate,
    column,
    func,
    insert,
    inspect,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.types import TypeEngine

from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.store.all_tables import METADATA
from underseal_node.store.types import IN_ITS_PLACE, NUL

__all__ = [
    "VERSION_TABLE",
    "Compared",
    "Progress",
    "compare",
    "copy_rows",
    "count_rows",
    "digest_of",
    "identity_values",
    "last_key",
    "node_tables",
    "require_all_tables",
    "set_identity_values",
    "writer",
]

VERSION_TABLE = "alembic_version"
READ_ROWS = 200  # at a time; bodies of footprints can be large
WRITE_ROWS = 5_000  # in one transaction
WRITE_BYTES = 8 * 1024 * 1024

Row = Sequence[Any]
Key = tuple[Any, ...]
Progress = Callable[[str, int, int], None]
"""Called with the name of a table, how many of its rows are done, and how many there are."""


@dataclass(frozen=True)
class Compared:
    """A table in two databases.

    Attributes:
        name: of the table.
        rows: how many were compared.
        digest: SHA-256 of these rows in the first, in the order of the primary key, hexadecimal.
        other_digest: of those in the second.
        difference: the primary key of the first row that differs or is missing.
    """

    name: str
    rows: int
    digest: str
    other_digest: str
    difference: Key | None

    @property
    def is_equal(self) -> bool:
        """Whether both have the same rows."""
        return self.difference is None and self.digest == self.other_digest


def node_tables() -> list[Table]:
    """Every table of a node; those that others refer to come first."""
    return list(METADATA.sorted_tables)


def require_all_tables(connection: Connection) -> None:
    """Check that a database has the tables of this version and no others.

    Raises:
        ConfigurationError: it has others; their rows would be left behind.
    """
    present = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    expected = {one.name for one in node_tables()}
    if present != expected:
        raise ConfigurationError(
            f"the database has not the tables of this version: {sorted(present ^ expected)} differ"
        )


def count_rows(connection: Connection, of: Table) -> int:
    """How many rows a table has."""
    return int(connection.execute(select(func.count()).select_from(_plain(of))).scalar_one())


def last_key(connection: Connection, of: Table) -> Key | None:
    """The last primary key of a table; `None` if it is empty."""
    order = [one.desc() for one in _order(connection, of)]
    found = connection.execute(select(*_key_columns(of)).order_by(*order).limit(1)).first()
    return None if found is None else tuple(found)


def copy_rows(
    source: Connection,
    of: Table,
    write: Callable[[Sequence[Row]], None],
    *,
    after: Key | None = None,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> str:
    """Hand over the rows of a table in portions.

    Args:
        source: where they are.
        of: the table.
        write: puts a portion into the other database and commits it.
        after: begin behind this primary key.
        on_rows: called after each portion with how many rows it had.

    Returns:
        the digest of the rows that were handed over.
    """
    digest = _Digest()
    rows = digest.of(_read(source, of, after=after))
    while portion := _portion(rows):
        write(portion)
        on_rows(len(portion))
    return digest.text


def writer(connection: Connection, of: Table) -> Callable[[Sequence[Row]], None]:
    """What puts portions of rows into a table, in the transaction of the connection.

    Raises (when called):
        RefusedError: the database does not take a value.
    """
    dialect = connection.dialect
    plain = _plain(of)
    if dialect.name == "sqlite":
        statement = str(insert(plain).compile(dialect=dialect))
        return lambda rows: _insert_all(connection, statement, rows)
    prepare = dialect.identifier_preparer
    columns = ", ".join(prepare.quote(one.name) for one in of.columns)
    command = f"COPY {prepare.format_table(plain)} ({columns}) FROM STDIN"
    return lambda rows: _copy_in(connection, of.name, command, rows)


def compare(
    source: Connection,
    target: Connection,
    of: Table,
    *,
    as_far_as_copied: bool = False,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Compared:
    """Hold the rows of a table in two databases against each other.

    Args:
        source: the first database.
        target: the second.
        of: the table.
        as_far_as_copied: what comes after the last row of the second is left out.
        on_rows: called now and then with how many rows were compared since.
    """
    digests = _Digest(), _Digest()
    theirs = _read(target, of)
    until = last_key(target, of) if as_far_as_copied else None
    is_empty = as_far_as_copied and until is None
    ours: Iterable[Row] = () if is_empty else _read(source, of, until=until)
    difference, count = None, 0
    for one, other in zip_longest(digests[0].of(ours), digests[1].of(theirs)):
        count += 1
        if difference is None and (one is None or other is None or tuple(one) != tuple(other)):
            difference = _key_of(of, other if one is None else one)
        if count % WRITE_ROWS == 0:
            on_rows(WRITE_ROWS)
    on_rows(count % WRITE_ROWS)
    return Compared(of.name, count, digests[0].text, digests[1].text, difference)


def digest_of(connection: Connection, of: Table) -> str:
    """The digest of a table, as `copy_rows` makes it."""
    digest = _Digest()
    for _row in digest.of(_read(connection, of)):
        pass
    return digest.text


def identity_values(connection: Connection) -> dict[str, int]:
    """The last number that was given to a row, by table, where numbers are given."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {str(name): int(value) for name, value in found}
    values = {}
    for of, sequence in _sequences(connection):
        last, is_called = connection.execute(
            text(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - a name it gave us
        ).one()
        values[of.name] = int(last) if is_called else 0
    return values


def set_identity_values(connection: Connection, values: dict[str, int]) -> None:
    """Give the next row of each table a number behind these, and behind those that it has.

    Numbers of rows that are gone are not given again: others may hold receipts that name them.
    """
    if connection.dialect.name == "sqlite":
        kept = {of.name for of in node_tables() if of.dialect_options["sqlite"]["autoincrement"]}
        for name in kept & values.keys():
            given = {"name": name, "value": values[name]}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), given)
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :value)"), given)
        return
    for of, sequence in _sequences(connection):
        (key,) = _key_columns(of)
        highest = connection.execute(select(func.max(key)).select_from(_plain(of))).scalar() or 0
        value = max(int(highest), values.get(of.name, 0))
        given = {"sequence": sequence, "value": max(value, 1), "called": value > 0}
        connection.execute(
            text("SELECT setval(cast(:sequence AS regclass), :value, :called)"), given
        )


class _Digest:
    """SHA-256 over rows, the same on both databases."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted in as they pass."""
        for row in rows:
            self._sum.update(b"".join(map(_encoded, row)) + b"\n")
            yield row

    @property
    def text(self) -> str:
        return self._sum.hexdigest()


def _encoded(value: Any) -> bytes:
    """A value with its kind and length, so that no two rows have the same bytes."""
    if value is None:
        return b"n"
    if isinstance(value, str):
        content = value.encode("utf-8", "surrogatepass")
        return b"t%d:%b" % (len(content), content)
    if isinstance(value, bytes):
        return b"b%d:%b" % (len(value), value)
    return b"i%d:" % value


@cache
def _plain(of: Table) -> TableClause:
    """A table whose values are not interpreted."""
    return table(of.name, *(column(one.name, _plain_type(one.type)) for one in of.columns))


def _plain_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, Boolean | Integer | LargeBinary):
        return kind
    return String()


def _key_columns(of: Table) -> list[Any]:
    plain = _plain(of)
    return [plain.c[one.name] for one in of.primary_key.columns]


def _key_of(of: Table, row: Row) -> Key:
    positions = [list(of.columns.keys()).index(one.key) for one in of.primary_key.columns]
    return tuple(row[position] for position in positions)


def _order(connection: Connection, of: Table) -> list[Any]:
    """The primary key, texts by their bytes: PostgreSQL has the order of some language."""
    is_postgresql = connection.dialect.name == "postgresql"
    return [
        collate(one, "C") if is_postgresql and isinstance(one.type, String) else one
        for one in _key_columns(of)
    ]


def _read(
    connection: Connection, of: Table, *, after: Key | None = None, until: Key | None = None
) -> Iterator[Row]:
    statement = select(_plain(of)).order_by(*_order(connection, of))
    key = tuple_(*_order(connection, of))
    if after is not None:
        statement = statement.where(key > tuple_(*after))
    if until is not None:
        statement = statement.where(key <= tuple_(*until))
    # For this statement alone: set on the connection, it would hold for all that follow.
    for row in connection.execute(statement, execution_options={"yield_per": READ_ROWS}):
        yield _as_written(row)


def _as_written(row: Row) -> Row:
    """A row as it is in PostgreSQL: SQLite holds texts of peers with the character NUL, too."""
    if not any(isinstance(value, str) and NUL in value for value in row):
        return row
    return tuple(
        value.replace(NUL, IN_ITS_PLACE) if isinstance(value, str) else value for value in row
    )


def _portion(rows: Iterator[Row]) -> list[Row]:
    """The next rows, as many as are written at once."""
    portion: list[Row] = []
    size = 0
    for row in islice(rows, WRITE_ROWS):
        portion.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size >= WRITE_BYTES:
            break
    return portion


def _insert_all(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def _copy_in(connection: Connection, name: str, command: str, rows: Sequence[Row]) -> None:
    """By COPY, which is several times as fast as INSERT."""
    driver: Any = connection.connection.driver_connection
    module: Any = connection.dialect.dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)
    except (module.DataError, ValueError) as error:
        raise RefusedError(
            f"PostgreSQL does not take a row of the table {name}: {error}",
            hint="Such a value was never valid; report it, with what the row is.",
        ) from error


def _sequences(connection: Connection) -> Iterator[tuple[Table, str]]:
    """Tables of a PostgreSQL that number their rows, with the names of their sequences."""
    prepare = connection.dialect.identifier_preparer
    for of in node_tables():
        for one in of.primary_key.columns:
            given = {"table": prepare.format_table(_plain(of)), "column": one.name}
            found = connection.execute(
                text("SELECT pg_get_serial_sequence(:table, :column)"), given
            ).scalar()
            if found is not None:
                yield of, str(found)
