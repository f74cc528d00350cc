"""The statement for one page of the footprints that a peer may see.

Rows are found in the order of `seq` from *branches*: ranges of an index, one for each value of the
most selective filter or for each grant. Every branch stops after as many rows as the page can take,
so a page costs the same however many footprints are stored. What the branch does not answer itself
is a condition on its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from underseal_node.store.criteria_sql import (
    criteria_clauses,
    folded,
    key_values,
    status_values,
)
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Block, Level

__all__ = [
    "ACTIVE_GRANT",
    "DISCLOSING",
    "GRANTED",
    "GRANT_CHANGE",
    "IS_VISIBLE",
    "LEVEL",
    "LEVEL_AND_GRANT",
    "MAX_BRANCHES",
    "SHOWING_ATTESTATIONS",
    "Reach",
    "Statement",
    "page_statement",
]

# More than this and one index scan with a sort is cheaper than a branch for each.
MAX_BRANCHES = 32

ACTIVE_GRANT = "(g.starts IS NULL OR g.starts <= :now) AND (g.ends IS NULL OR g.ends > :now)"
# Grants of sealed sums show nothing of footprints.
DISCLOSING = f"g.kind <> '{KeyKind.SEALED}'"

# CROSS JOIN keeps SQLite from starting with the grants of all peers.
_COVERING = (
    "FROM footprint_key gk CROSS JOIN access_grant g "
    "WHERE gk.seq = f.seq AND g.kind = gk.kind AND g.value = gk.value "
    f"AND g.peer_id = :peer AND {ACTIVE_GRANT}"
)
LEVEL = f"(SELECT max(g.level) {_COVERING})"
# The level and, below it in the same number, the grant that gives it (`audit_buffer.GRANT_BITS`).
LEVEL_AND_GRANT = f"g.level * {2**32} + g.id"
GRANTED = f"(SELECT max({LEVEL_AND_GRANT}) {_COVERING})"
IS_VISIBLE = f"EXISTS (SELECT 1 {_COVERING})"
# A grant with a beginning may have begun after the watermark, long after it was given: what it
# covers always counts as changed. It is delivered again, which does no harm.
_GRANT_CHANGED = "(g.changed > :changed OR g.starts IS NOT NULL)"
GRANT_CHANGE = f"CASE WHEN g.starts IS NULL THEN g.changed ELSE {2**62} END"
# What a verifier attests beside a footprint is nothing to those who may not see it.
SHOWING_ATTESTATIONS = Level.showing(Block.VERIFICATION).rank
_ATTESTED = f"g.level >= {SHOWING_ATTESTATIONS}"
_CHANGED = (
    f"(f.changed > :changed OR EXISTS (SELECT 1 {_COVERING} AND {_GRANT_CHANGED}) "
    f"OR f.attested > :changed AND EXISTS (SELECT 1 {_COVERING} AND {_ATTESTED}))"
)


class Reach(NamedTuple):
    """What the grants of one peer say, as far as the shape of a query depends on it.

    A tuple, because each list request makes one, and looks for a page with it.

    Attributes:
        everything: a grant of kind `all` makes every footprint visible.
        level: the rank that holds for every visible footprint, or `None` if it differs.
        grants: kind and value of each grant, some perhaps twice; `None` if too many to list.
    """

    everything: bool
    level: int | None
    grants: tuple[tuple[str, str], ...] | None

    @property
    def is_nothing(self) -> bool:
        """Whether no grant is in force."""
        return not self.everything and self.grants == ()

    @property
    def is_plain(self) -> bool:
        """Whether every footprint is visible at the same level."""
        return self.everything and self.level is not None

    @property
    def sees_attestations(self) -> bool:
        """Whether those that are attached to any visible footprint can be seen."""
        return self.level is not None and self.level >= SHOWING_ATTESTATIONS

    @property
    def is_narrow(self) -> bool:
        """Whether each grant covers a few footprints at most."""
        narrow = {KeyKind.FOOTPRINT, KeyKind.PRODUCT}
        return self.grants is not None and all(kind in narrow for kind, _ in self.grants)


@dataclass(frozen=True)
class Statement:
    """SQL with the parameters that follow from the criteria.

    Attributes:
        sql: selects seq, segments, status, id and, if the level differs, its rank.
        parameters: besides `peer`, `now`, `after`, `count` and `changed`; not to be changed.
        is_bounded: whether it reads about as many rows as it returns; if not, it may take long.
    """

    sql: str
    parameters: Mapping[str, str]
    is_bounded: bool


@dataclass(frozen=True)
class _Branch:
    """A range of an index.

    Attributes:
        table: with its alias.
        where: which range of it.
        order: the column to sort by.
        has_duplicates: whether a row can be met twice.
        is_changed: whether each of its rows counts as changed, so that this is not asked again.
            PostgreSQL takes that question to cost so much that beside it reading all grants of
            all peers seems to cost nothing (it takes paths within 1 % as equal).
    """

    table: str
    where: str
    order: str
    has_duplicates: bool = False
    is_changed: bool = False

    @property
    def column(self) -> str:
        """The position, without what steers the planner."""
        return self.order.lstrip("+")

    def select(self, columns: str, conditions: Sequence[str], *, always_join: bool = False) -> str:
        """The first rows that also meet the conditions on `f`, as many as the page takes."""
        table, where = self.table, [self.where, *conditions]
        if self.column == "k.seq" and (conditions or always_join):
            table += " CROSS JOIN footprint f"
            where.insert(1, "f.seq = k.seq")
        distinct = "DISTINCT " if self.has_duplicates else ""
        return (
            f"SELECT {distinct}{columns} FROM {table} "  # noqa: S608 - no values
            f"WHERE {' AND '.join(where)} ORDER BY {self.order} LIMIT :count"
        )


@dataclass(frozen=True)
class _Source:
    """Where the rows of a page come from.

    Attributes:
        branches: together they have every row that the page may need.
        parameters: name and value.
        answers: the names of the criteria that need no condition any more.
        answers_grants: whether the branches have visible rows only.
        is_selective: whether few rows come from them, whatever is stored.
    """

    branches: tuple[_Branch, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    answers: frozenset[str] = frozenset()
    answers_grants: bool = False
    is_selective: bool = False


@lru_cache(maxsize=512)
def page_statement(reach: Reach, criteria: Criteria, *, only_changed: bool) -> Statement:
    """Build the statement of a page.

    Args:
        reach: what the requester's grants say.
        criteria: the filters.
        only_changed: whether `:changed` is given.
    """
    source = _source(reach, criteria, only_changed=only_changed)
    clauses = criteria_clauses(criteria, without=source.answers)
    conditions = [clause.sql for clause in clauses]
    if not reach.everything and not source.answers_grants:
        conditions.append(IS_VISIBLE)
    parameters = dict(source.parameters)
    for clause in clauses:
        parameters.update(clause.parameters)
    columns = "f.seq, f.segments, f.status, f.id" + (
        "" if reach.level is not None else f", {LEVEL}"
    )
    return Statement(
        _page_of(
            source.branches,
            columns,
            tuple(conditions),
            _changed(reach) if only_changed else None,
        ),
        parameters,
        is_bounded=not (conditions or only_changed) or source.is_selective,
    )


@lru_cache(maxsize=512)  # other values in the same criteria are the same text
def _page_of(
    branches: tuple[_Branch, ...], columns: str, conditions: tuple[str, ...], changed: str | None
) -> str:
    """SQL that merges the branches."""

    def of(branch: _Branch) -> tuple[str, ...]:
        return conditions if changed is None or branch.is_changed else (*conditions, changed)

    if len(branches) == 1 and not branches[0].has_duplicates:
        return branches[0].select(columns, of(branches[0]), always_join=True)
    union = " UNION ".join(
        f"SELECT seq FROM ({branch.select(f'{branch.column} AS seq', of(branch))}) AS b{number}"  # noqa: S608
        for number, branch in enumerate(branches)
    )
    return (
        f"SELECT {columns} FROM "  # noqa: S608 - no values
        f"(SELECT seq FROM ({union}) AS found ORDER BY seq LIMIT :count) AS page "
        "CROSS JOIN footprint f WHERE f.seq = page.seq"
    )


def _source(reach: Reach, criteria: Criteria, *, only_changed: bool) -> _Source:
    """Choose what to start from: the filter or the grants, whichever finds fewer rows.

    With narrow grants it is always the grants: then what is read, and the time it takes, follows
    from what the requester sees and from nothing else. With others only a filter by product comes
    first, of which there are few footprints (docs/adr/0013-disclosure-levels.md, Time).
    """
    keys = dict(key_values(criteria))
    if reach.is_narrow and not reach.everything:
        return _from_grants(reach)
    if KeyKind.PRODUCT in keys:
        return _from_keys(KeyKind.PRODUCT, keys[KeyKind.PRODUCT], is_selective=True)
    if only_changed:
        return _from_changes(reach)
    if not reach.everything:
        return _from_grants(reach)
    for kind, values in keys.items():
        return _from_keys(kind, values)
    if criteria.geographies:
        return _from_column("geography", folded(criteria.geographies))
    if criteria.statuses:
        return _from_column("status", status_values(criteria))
    return _Source((_Branch("footprint f", "f.seq > :after", "f.seq"),))


def _from_keys(kind: KeyKind, values: Sequence[str], *, is_selective: bool = False) -> _Source:
    return _Source(
        tuple(
            _Branch(
                "footprint_key k",
                f"k.kind = '{kind}' AND {where} AND k.seq > :after",
                "k.seq",
                has_duplicates,
            )
            for where, has_duplicates in _ranges("k.value", len(values))
        ),
        _named(values),
        frozenset({kind}),
        is_selective=is_selective,
    )


def _from_column(column: str, values: Sequence[str]) -> _Source:
    return _Source(
        tuple(
            _Branch("footprint f", f"{where} AND f.seq > :after", "f.seq")
            for where, _ in _ranges(f"f.{column}", len(values))
        ),
        _named(values),
        frozenset({column}),
    )


@lru_cache(maxsize=512)
def _from_grants(reach: Reach) -> _Source:
    if reach.grants is None:
        return _Source((_granted(),), answers_grants=True)
    grants = sorted(set(reach.grants))
    branches = tuple(
        _Branch(
            "footprint_key k",
            f"k.kind = '{KeyKind(kind)}' AND k.value = :from_{number} AND k.seq > :after",
            "k.seq",
        )
        for number, (kind, _) in enumerate(grants)
    )
    values = _named([value for _, value in grants])
    return _Source(branches, values, answers_grants=True, is_selective=reach.is_narrow)


def _from_changes(reach: Reach) -> _Source:
    # The plus sign makes SQLite use the index on `changed` instead of walking by `seq`.
    changed, attested = (
        _Branch("footprint f", f"f.{column} > :changed AND +f.seq > :after", "+f.seq", False, known)
        # Whether the requester sees what is attested depends on the footprint, unless it is plain.
        for column, known in (("changed", True), ("attested", reach.is_plain))
    )
    if reach.is_plain:
        return _Source((changed, attested) if reach.sees_attestations else (changed,))
    granted = replace(_granted(f"{_GRANT_CHANGED} AND "), is_changed=True)
    return _Source((changed, attested, granted))


def _changed(reach: Reach) -> str:
    if not reach.is_plain:
        return _CHANGED
    if not reach.sees_attestations:
        return "f.changed > :changed"
    return "(f.changed > :changed OR f.attested > :changed)"


def _granted(condition: str = "") -> _Branch:
    return _Branch(
        "access_grant g CROSS JOIN footprint_key k",
        f"g.peer_id = :peer AND {condition}{ACTIVE_GRANT} "
        "AND k.kind = g.kind AND k.value = g.value AND k.seq > :after",
        "k.seq",
        has_duplicates=True,
    )


def _named(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"from_{number}", value) for number, value in enumerate(values))


def _ranges(column: str, count: int) -> list[tuple[str, bool]]:
    """Conditions on a column for values `:from_0` ..., and whether a row can meet one twice."""
    names = [f":from_{number}" for number in range(count)]
    if count <= MAX_BRANCHES:
        return [(f"{column} = {name}", False) for name in names]
    return [(f"{column} IN ({', '.join(names)})", True)]
