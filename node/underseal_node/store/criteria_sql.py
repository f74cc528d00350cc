"""The eight filters as SQL over the tables `footprint` and `footprint_key`.

One definition for all queries that take criteria; a property test shows that it agrees with
`Criteria.matches`. The SQL runs on SQLite and PostgreSQL alike, with named parameters (`:name`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from underseal_node.store.tables import KeyKind
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import STATUS_BY_FOLDED, Criteria, fold

__all__ = ["Clause", "criteria_clauses", "folded", "key_values", "status_values"]


@dataclass(frozen=True)
class Clause:
    """One criterion: a condition on the footprint `f`, with its parameters.

    Attributes:
        name: of the criterion, such as `product` or `valid_on`.
        sql: a condition that mentions no table but `f` outside of subqueries.
        parameters: name and value of each parameter in `sql`.
    """

    name: str
    sql: str
    parameters: tuple[tuple[str, str], ...]


def criteria_clauses(criteria: Criteria, *, without: Iterable[str] = ()) -> list[Clause]:
    """Conditions that a footprint `f` has to meet, all of them.

    Args:
        criteria: the filters; an empty one has no clause.
        without: names of criteria to leave out, because the query applies them otherwise.
    """
    clauses = [_key_clause(kind, values) for kind, values in key_values(criteria)]
    if criteria.geographies:
        clauses.append(_column_clause("geography", folded(criteria.geographies)))
    if criteria.statuses:
        clauses.append(_column_clause("status", status_values(criteria)))
    if criteria.valid_on is not None:
        # Inclusive at both ends (PACT 3.0, ListFootprints, validOn).
        sql = "f.valid_from <= :valid_on AND f.valid_until >= :valid_on"
        clauses.append(Clause("valid_on", sql, (("valid_on", utc_text(criteria.valid_on)),)))
    if criteria.valid_after is not None:
        after = (("valid_after", utc_text(criteria.valid_after)),)
        clauses.append(Clause("valid_after", "f.valid_from > :valid_after", after))
    if criteria.valid_before is not None:
        before = (("valid_before", utc_text(criteria.valid_before)),)
        clauses.append(Clause("valid_before", "f.valid_until < :valid_before", before))
    left_out = set(without)
    return [clause for clause in clauses if clause.name not in left_out]


def key_values(criteria: Criteria) -> list[tuple[KeyKind, list[str]]]:
    """The criteria that are answered by `footprint_key`, the most selective kind first."""
    by_kind = (
        (KeyKind.PRODUCT, criteria.product_ids),
        (KeyKind.CLASSIFICATION, criteria.classifications),
        (KeyKind.COMPANY, criteria.company_ids),
    )
    return [(kind, folded(values)) for kind, values in by_kind if values]


def status_values(criteria: Criteria) -> list[str]:
    """The statuses asked for, as they are stored; an unknown one stays and matches nothing."""
    return sorted({STATUS_BY_FOLDED.get(value, value) for value in folded(criteria.statuses)})


def folded(values: Iterable[str]) -> list[str]:
    """Without case, each once, in a fixed order."""
    return sorted({fold(value) for value in values})


def _key_clause(kind: KeyKind, values: Sequence[str]) -> Clause:
    names, parameters = _parameters(kind, values)
    found = f"ck.seq = f.seq AND ck.kind = '{kind}' AND ck.value IN ({names})"
    exists = f"EXISTS (SELECT 1 FROM footprint_key ck WHERE {found})"  # noqa: S608 - no values
    return Clause(kind, exists, parameters)


def _column_clause(column: str, values: Sequence[str]) -> Clause:
    names, parameters = _parameters(column, values)
    return Clause(column, f"f.{column} IN ({names})", parameters)


def _parameters(name: str, values: Sequence[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    parameters = tuple((f"{name}_{number}", value) for number, value in enumerate(values))
    return ", ".join(f":{key}" for key, _ in parameters), parameters
