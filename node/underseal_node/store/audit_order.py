"""What the audit log can be ordered by, of what stands in its entries.

An entry is canonical JSON, so each member has one place and one way to be written. SQLite reads it,
PostgreSQL finds it by a pattern: there, an entry that somebody has spoiled would stop the query. It
has no key then, as those that lack what is asked for, and comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Text, case, cast, collate, func, literal
from sqlmodel import Session, col, select

from underseal_node.store.audit_tables import AuditRow
from underseal_node.store.batches import batches
from underseal_node.store.searching import Condition, Order, Part, is_one_of, part_of

__all__ = ["BY_NUMBER", "SORTS", "Stored", "numbers_of", "part_of_all", "rows_of"]

BY_NUMBER = ("number", "time")
PATHS = {
    "act": "$.act",
    "actor": "$.actor",
    "outcome": "$.outcome",
    "level": "$.level",
    "peer": "$.peer.name",
    "details": "$.detail",
}
TEXT = r'"((?:[^"\\]|\\.)*)"'
PATTERNS = {
    "act": rf'"act":{TEXT}',
    "actor": rf'"actor":{TEXT}',
    "outcome": rf'"outcome":{TEXT}',
    "level": rf'"level":{TEXT}',
    "peer": rf'"peer":\{{"id":[0-9]+,"name":{TEXT}',
    "details": r'"detail":(\{[^}]*\})',
}
FOOTPRINTS = "footprints"
COUNT, IDS = r'"footprints":\{"count":([0-9]+)', r'"footprints":\{"count":[0-9]+,"ids":(\[[^]]*\])'
DIGITS = 9  # of a count, so that texts of them have the order of the numbers
MAY_LACK = frozenset({"peer", "level", FOOTPRINTS, "details"})
SORTS = (*BY_NUMBER, *PATHS, FOOTPRINTS)


class Stored(NamedTuple):
    """What of a row says what is in the log."""

    number: int
    body: str


def part_of_all(session: Session, part: Part) -> tuple[list[Stored], int | None]:
    """The entries of a part of the whole log, and how many there are of all.

    Args:
        session: to read.
        part: sorted by something else but the number.
    """
    numbers, total = part_of(session, select(AuditRow.number), _order(session, part), part)
    return list(rows_of(session, numbers)), total


def numbers_of(session: Session, part: Part, conditions: Sequence[Condition]) -> Sequence[int]:
    """The numbers of all entries of which conditions hold, in the order of a part."""
    statement = select(AuditRow.number).where(*conditions)
    ordered = [
        one.desc() if is_down else one.asc() for one, is_down in _order(session, part).by(part)
    ]
    return session.exec(statement.order_by(*ordered)).all()


def rows_of(session: Session, numbers: Sequence[int]) -> Iterator[Stored]:
    """Entries by their numbers, in their order, not all in memory."""
    for some in batches(numbers):
        statement = select(AuditRow.number, AuditRow.body)
        found = session.exec(statement.where(is_one_of(col(AuditRow.number), some)))
        bodies = {number: Stored(number, body) for number, body in found}
        yield from (bodies[one] for one in some if one in bodies)


def _order(session: Session, part: Part) -> Order:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    columns: Mapping[str, Any] = {}
    if part.sort is not None:
        columns = {part.sort: (_in_sqlite if is_sqlite else _in_postgresql)(part.sort)}
    return Order(col(AuditRow.number), columns, MAY_LACK)


def _in_sqlite(name: str) -> Any:
    body = col(AuditRow.body)
    found: Any
    if name == FOOTPRINTS:
        count, ids = (func.json_extract(body, f"$.footprints.{one}") for one in ("count", "ids"))
        zeros = literal("0" * DIGITS)
        found = func.substr(zeros.op("||")(count), -DIGITS).op("||")(func.coalesce(ids, ""))
    else:
        found = func.lower(func.json_extract(body, PATHS[name]))
    return case((func.json_valid(body) == 1, func.coalesce(found, "")), else_="")


def _in_postgresql(name: str) -> Any:
    body = col(AuditRow.body)

    def held(pattern: str) -> Any:
        return func.substring(body, cast(literal(pattern), Text))

    found: Any
    if name == FOOTPRINTS:
        count = func.lpad(held(COUNT), DIGITS, cast(literal("0"), Text))
        found = count.op("||")(func.coalesce(held(IDS), ""))
    else:
        found = func.lower(held(PATTERNS[name]))
    # As SQLite does: by characters, not by the order of some language.
    return collate(func.coalesce(found, ""), "C")
