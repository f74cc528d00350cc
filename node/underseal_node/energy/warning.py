"""What an import of energy does not refuse, and a person should know: orders without the amount
that energy is allocated by. What they share with others would be in no product."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session

from underseal_node.energy.export import Export
from underseal_node.sheets.problems import Problem
from underseal_node.store import energy as store
from underseal_protocol.rollup.allocation_json import EnergySetup
from underseal_protocol.rollup.allocation_rule import By

__all__ = ["warnings_of"]

# What a rule goes by, and no order has to have: column in the mapping, and its name for people.
_OPTIONAL = {By.MACHINE_HOURS: ("machine_hours", "machine hours"), By.VALUE: ("value", "a value")}


def warnings_of(session: Session, export: Export, setup: EnergySetup) -> Iterator[Problem]:
    """Orders that energy cannot be allocated to, by the rule that is in force after the import.

    Args:
        session: reads.
        export: that is imported.
        setup: with the rule.
    """
    if setup.rule.by not in _OPTIONAL:
        return
    column, name = _OPTIONAL[setup.rule.by]
    part = export.mapping.orders
    is_named = part is not None and getattr(part.columns, column) is not None
    lacking = [one for one in export.orders if getattr(one.value, column) is None]
    effect = f"energy is allocated by {setup.rule.by}: what they share is in no product"
    if lacking:
        yield Problem(
            lacking[0].place.file,
            str(lacking[0].place),
            f"{len(lacking)} of {len(export.orders)} orders, this one first, do not have {name}, "
            f"and {effect}",
            f"Fill in the column, or choose another rule: by = ... of [rule], such as {By.MASS}."
            if is_named
            else f'Name the column in the mapping, {column} = "..." of [orders.columns], or '
            "choose another rule: by = ... of [rule].",
        )
    given = {one.value.id for one in export.orders}
    before = store.orders_without(session, column) - given
    if before:
        yield Problem(
            export.file,
            "",
            f"{len(before)} orders that were imported before do not have {name}, and {effect}",
            "Import them again with it, or choose another rule.",
        )
