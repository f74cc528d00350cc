"""Import of exports: all of a file or nothing; the same again changes nothing; what differs from
what was imported before is a correction, kept with what it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlmodel import Session

from underseal_node.energy.comparing import Correction, Plan, SetupOutcome, plan_of
from underseal_node.energy.export import Export, Files, read_export
from underseal_node.node import Node
from underseal_node.publishing.results import UnpublishableError
from underseal_node.sheets.problems import Problem
from underseal_node.store import audit
from underseal_node.store import energy as store
from underseal_node.store.audit import Act
from underseal_protocol.rollup.allocation_json import (
    digest_of,
)

__all__ = ["Correction", "Counts", "EnergyImported", "SetupOutcome", "import_energy"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of a kind are new, as they were, or corrected."""

    new: int = 0
    unchanged: int = 0
    corrected: int = 0


@dataclass(frozen=True, slots=True)
class EnergyImported:
    """What an import did, or would do.

    Attributes:
        dry_run: then nothing was stored.
        file: its name.
        digest: of what it says; None if it is refused.
        readings: values of meters.
        orders: production orders.
        setup: rule, carriers and products.
        corrections: everything that is other than before.
        problems: why it is refused; then nothing was stored.
        warnings: what is taken, and a person should know.
    """

    dry_run: bool
    file: str
    digest: str | None = None
    readings: Counts = field(default_factory=Counts)
    orders: Counts = field(default_factory=Counts)
    setup: SetupOutcome = SetupOutcome.UNCHANGED
    corrections: tuple[Correction, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


async def import_energy(node: Node, files: Files, *, dry_run: bool) -> EnergyImported:
    """Take up what an export says: all of it or nothing.

    Args:
        node: whose plant it is.
        files: with the mapping.
        dry_run: store nothing, but say what would be.
    """
    try:
        export, content = await asyncio.to_thread(_read, files, node)
        if dry_run:
            plan = await node.store.read(lambda session: plan_of(session, export))
        else:
            plan = await node.store.write(
                lambda session: _store(session, node, files, plan_of(session, export))
            )
    except UnpublishableError as error:
        return EnergyImported(dry_run, files.name, problems=error.problems)
    return EnergyImported(
        dry_run,
        files.name,
        content,
        Counts(len(plan.values), plan.same_values, len(plan.changed_values)),
        Counts(len(plan.orders), plan.same_orders, len(plan.changed_orders)),
        plan.outcome,
        tuple(plan.corrections),
        warnings=plan.warnings,
    )


def _read(files: Files, node: Node) -> tuple[Export, str]:
    """What the files say, and the digest of that."""
    export = read_export(files, node.settings)
    measured = (one.value for one in export.measured)
    return export, digest_of(measured, (one.value for one in export.orders), export.setup)


def _store(session: Session, node: Node, files: Files, plan: Plan) -> Plan:
    if plan.is_empty:
        return plan
    now = node.now()
    for meter in plan.meters:
        store.add_meter(session, *meter)
    for name, carrier, line in plan.changed_meters:
        store.change_meter(session, name, carrier, line)
    store.add_values(session, plan.values)
    for value in plan.changed_values:
        store.change_value(session, value)
    store.add_orders(session, plan.orders)
    for order in plan.changed_orders:
        store.change_order(session, order)
    if plan.outcome is not SetupOutcome.UNCHANGED:
        store.add_setup(session, plan.setup, _text(files.mapping), now)
    for one in plan.corrections:
        store.add_correction(session, one.kind, one.key, one.old, one.new, file=files.name, now=now)
    is_same = plan.outcome is SetupOutcome.UNCHANGED
    # No digest of it: whoever is shown the log could try amounts.
    audit.record(
        session,
        Act.ENERGY_IMPORTED,
        now,
        detail={
            "file": files.name,
            "readings": len(plan.values),
            "orders": len(plan.orders),
            "corrected": len(plan.corrections),
            "rule": None if is_same else plan.outcome.value,
        },
    )
    return plan


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig").replace("\0", "")
