"""Importing what is spent on suppliers: what a file says of a period replaces what was there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlmodel import Session

from underseal_node.errors import NotFoundError
from underseal_node.node import Node
from underseal_node.products.partner_names import Names, names_of
from underseal_node.sheets.problems import Problem
from underseal_node.spend.reading import Spent, read_spend
from underseal_node.store import audit
from underseal_node.store import spend as store
from underseal_node.store.audit import Act
from underseal_node.store.spend import Period
from underseal_node.store.spend_tables import SpendRow
from underseal_protocol.criteria import fold
from underseal_protocol.times import format_time

__all__ = ["SpendImported", "SpendItem", "SpendOutcome", "import_spend", "remove_spend"]


class SpendOutcome(StrEnum):
    """What an import makes of what is spent on a supplier."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"  # it was there for the period, and is not in the file


@dataclass(frozen=True, slots=True)
class SpendItem:
    """What is spent on a supplier.

    Attributes:
        spent: as the file says it; of what is removed, as it was.
        outcome: what became of it, or would in a dry run.
        peer: name of the partner that is meant; None if it is nobody, or may be several.
    """

    spent: Spent
    outcome: SpendOutcome
    peer: str | None


@dataclass(frozen=True, slots=True)
class SpendImported:
    """What came of a file.

    Attributes:
        dry_run: nothing was written.
        items: in the order of the file; what is removed comes last.
        problems: if there are any, nothing was taken.
    """

    dry_run: bool
    items: tuple[SpendItem, ...] = ()
    problems: tuple[Problem, ...] = ()


async def import_spend(
    node: Node, name: str, content: bytes, *, dry_run: bool = False
) -> SpendImported:
    """Take what a file says, all of it or nothing. The same content changes nothing.

    Args:
        node: whose suppliers they are.
        name: of the file.
        content: all of it.
        dry_run: write nothing, but say what would be.
    """
    found = await asyncio.to_thread(read_spend, name, content, node.settings)
    if found.problems:
        return SpendImported(dry_run, problems=found.problems)

    def compare(session: Session) -> SpendImported:
        return SpendImported(dry_run, _compared(session, found.rows))

    def take(session: Session) -> SpendImported:
        done = compare(session)
        _store(session, node, name, done.items)
        return done

    return await (node.store.read(compare) if dry_run else node.store.write(take))


def remove_spend(session: Session, node: Node, period: Period) -> int:
    """Forget what is spent in a period; returns on how many suppliers that was.

    Raises:
        NotFoundError: there is nothing of this period.
    """
    count = store.remove(session, period)
    if not count:
        start, end = map(format_time, period)
        raise NotFoundError(
            f"there is no spend from {start} until {end}",
            hint="`underseal spend list` shows the periods.",
        )
    audit.record(
        session,
        Act.SPEND_REMOVED,
        node.now(),
        detail={"from": format_time(period[0]), "until": format_time(period[1]), "rows": count},
    )
    return count


def _compared(session: Session, rows: Sequence[Spent]) -> tuple[SpendItem, ...]:
    names = names_of(session)
    items: list[SpendItem] = []
    removed: list[SpendItem] = []
    for period in dict.fromkeys(one.period for one in rows):
        before = {fold(row.supplier): row for row in store.of_period(session, period)}
        for one in rows:
            if one.period == period:
                outcome = _outcome(before.pop(fold(one.supplier), None), one)
                items.append(SpendItem(one, outcome, _name(names, one.supplier)))
        removed += [
            SpendItem(
                Spent(row.supplier, row.amount, row.currency, period),
                SpendOutcome.REMOVED,
                _name(names, row.supplier),
            )
            for row in before.values()
        ]
    return (*items, *removed)


def _name(names: Names, supplier: str) -> str | None:
    peer = names.peer_of(supplier)
    return None if peer is None else peer.name


def _outcome(known: SpendRow | None, one: Spent) -> SpendOutcome:
    if known is None:
        return SpendOutcome.NEW
    is_same = Decimal(known.amount) == Decimal(one.amount) and known.currency == one.currency
    return SpendOutcome.UNCHANGED if is_same else SpendOutcome.CHANGED


def _store(session: Session, node: Node, file: str, items: Sequence[SpendItem]) -> None:
    """Write the periods in which something is other than before."""
    now = node.now()
    changed = [one for one in items if one.outcome is not SpendOutcome.UNCHANGED]
    for period in dict.fromkeys(one.spent.period for one in changed):
        rows = [
            SpendRow(
                period_start=period[0],
                period_end=period[1],
                supplier=one.spent.supplier,
                amount=one.spent.amount,
                currency=one.spent.currency,
                file=file,
                changed_at=now,
            )
            for one in items
            if one.spent.period == period and one.outcome is not SpendOutcome.REMOVED
        ]
        store.replace(session, period, rows)
    if changed:
        audit.record(
            session, Act.SPEND_IMPORTED, now, detail={"file": file, "changed": len(changed)}
        )
