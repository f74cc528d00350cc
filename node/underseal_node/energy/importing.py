"""Import of exports: all of a file or nothing; the same again changes nothing; what differs from
what was imported before is a correction, kept with what it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from underseal_node.energy.export import Export, Files, read_export
from underseal_node.energy.mapping import EnergyMapping
from underseal_node.energy.series import Placed, Placer
from underseal_node.node import Node
from underseal_node.publishing.results import Problem, UnpublishableError
from underseal_node.store import audit
from underseal_node.store import energy as store
from underseal_node.store.audit import Act
from underseal_node.store.energy_tables import CorrectedKind, EnergyMeter
from underseal_protocol.canonical import digest
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.allocation_json import (
    EnergySetup,
    digest_of,
    measured_json,
    order_json,
    setup_json,
)
from underseal_protocol.rollup.allocation_rule import ProductionOrder
from underseal_protocol.rollup.metering import (
    Measured,
    MeterKind,
    Reading,
    Register,
    clashes_of,
)
from underseal_protocol.strict_json import JsonValue

__all__ = ["Correction", "Counts", "EnergyImported", "SetupOutcome", "import_energy"]

Key = tuple[str, datetime, datetime]
SETUP_KEY = "rule"


class SetupOutcome(StrEnum):
    """What became of rule, carriers and products of a mapping."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Correction:
    """What is other than it was imported before.

    Attributes:
        kind: of what.
        key: meter or order.
        old: as it was, as JSON.
        new: as it is, as JSON.
    """

    kind: CorrectedKind
    key: str
    old: Mapping[str, JsonValue]
    new: Mapping[str, JsonValue]


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
    """

    dry_run: bool
    file: str
    digest: str | None = None
    readings: Counts = field(default_factory=Counts)
    orders: Counts = field(default_factory=Counts)
    setup: SetupOutcome = SetupOutcome.UNCHANGED
    corrections: tuple[Correction, ...] = ()
    problems: tuple[Problem, ...] = ()


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
            plan = await node.store.read(lambda session: _plan(session, export))
        else:
            plan = await node.store.write(
                lambda session: _store(session, node, files, _plan(session, export), content)
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
    )


def _read(files: Files, node: Node) -> tuple[Export, str]:
    """What the files say, and the digest of that."""
    export = read_export(files, node.settings)
    measured = (one.value for one in export.measured)
    return export, digest_of(measured, (one.value for one in export.orders), export.setup)


# --- comparing --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Plan:
    """What has to be written."""

    setup: EnergySetup
    outcome: SetupOutcome = SetupOutcome.UNCHANGED
    meters: list[tuple[str, MeterKind, str, str | None]] = field(default_factory=list)
    changed_meters: list[tuple[str, str, str | None]] = field(default_factory=list)
    values: list[Measured] = field(default_factory=list)
    changed_values: list[Measured] = field(default_factory=list)
    same_values: int = 0
    orders: list[ProductionOrder] = field(default_factory=list)
    changed_orders: list[ProductionOrder] = field(default_factory=list)
    same_orders: int = 0
    corrections: list[Correction] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (
            self.values or self.orders or self.corrections or self.outcome is SetupOutcome.NEW
        )

    def correct(self, kind: CorrectedKind, key: str, old: JsonValue, new: JsonValue) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self.corrections.append(Correction(kind, key, old, new))


def _plan(session: Session, export: Export) -> _Plan:
    """Compare an export with what was imported before.

    Raises:
        UnpublishableError: they contradict each other.
    """
    plan = _Plan(export.setup)
    _compare_setup(session, plan)
    known = store.meters(session)
    _compare_meters(export, known, plan)
    _compare_values(session, export, plan)
    by_id = store.orders_by_id(session, [one.value.id for one in export.orders])
    for order in (one.value for one in export.orders):
        before = by_id.get(order.id)
        if before is None:
            plan.orders.append(order)
        elif order_json(before) == order_json(order):
            plan.same_orders += 1
        else:
            plan.changed_orders.append(order)
            plan.correct(CorrectedKind.ORDER, order.id, order_json(before), order_json(order))
    return plan


def _compare_setup(session: Session, plan: _Plan) -> None:
    """Carriers and products that a mapping does not name stay as they are."""
    row = store.setup_row(session)
    if row is None:
        plan.outcome = SetupOutcome.NEW
        return
    before = store.setup(row)
    given = plan.setup
    plan.setup = EnergySetup(
        given.rule,
        {**before.carriers, **given.carriers},
        {**before.products, **given.products},
    )
    new = setup_json(plan.setup)
    if digest(new) != row.digest:
        plan.outcome = SetupOutcome.CHANGED
        plan.correct(CorrectedKind.SETUP, SETUP_KEY, setup_json(before), new)


def _compare_meters(export: Export, known: Mapping[str, EnergyMeter], plan: _Plan) -> None:
    """
    Raises:
        UnpublishableError: the values of a meter are of another kind than before.
    """
    first: dict[str, Placed[Measured]] = {}
    for one in export.measured:
        first.setdefault(one.value.meter, one)
    _require_known_meters(export.mapping, known, export.file)
    for name, meter in export.mapping.meters.items():
        before, placed = known.get(name), first.get(name)
        if before is None:
            if placed is not None:
                kind = _kind(placed.value)
                plan.meters.append((name, kind, meter.carrier, meter.line))
            continue
        if placed is not None and _kind(placed.value) != before.kind:
            message = (
                f"the values of the meter {name!r} were {before.kind} values before, "
                f"and are {_kind(placed.value)} values here"
            )
            raise UnpublishableError(
                [
                    Problem(
                        placed.place.file,
                        str(placed.place),
                        message,
                        "Correct `kind` in the mapping, or give the meter another name.",
                    )
                ]
            )
        if (before.carrier, before.line) != (meter.carrier, meter.line):
            plan.changed_meters.append((name, meter.carrier, meter.line))
            plan.correct(
                CorrectedKind.METER,
                name,
                {"carrier": before.carrier, "line": before.line},
                {"carrier": meter.carrier, "line": meter.line},
            )


def _require_known_meters(
    mapping: EnergyMapping, known: Mapping[str, EnergyMeter], file: str
) -> None:
    """A share of a meter that nobody knows would be none.

    Raises:
        UnpublishableError: there is one.
    """
    for share in mapping.rule.not_for_products:
        for meter in share.meters:
            if meter not in known and meter not in mapping.meters:
                message = (
                    f"the share for {share.name!r} names the meter {meter!r}, which is unknown"
                )
                hint = "Correct its name in the mapping: not_for_products."
                raise UnpublishableError([Problem(file, "", message, hint)])


def _compare_values(session: Session, export: Export, plan: _Plan) -> None:
    """
    Raises:
        UnpublishableError: a value contradicts one that was imported before.
    """
    if not export.measured:
        return
    given = {_key(one.value): one for one in export.measured}
    start = min(start for _, start, _ in given)
    end = max(end for _, _, end in given)
    names = {meter for meter, _, _ in given}
    before = {_key(one): one for one in store.measured(session, start, end, names)}
    for key, placed in given.items():
        old, new = before.get(key), placed.value
        if old is None:
            plan.values.append(new)
        elif _amount(old) == _amount(new):
            plan.same_values += 1
        else:
            plan.changed_values.append(new)
            plan.correct(CorrectedKind.READING, new.meter, measured_json(old), measured_json(new))
    _refuse_contradictions(given, before)


def _refuse_contradictions(
    given: Mapping[Key, Placed[Measured]], before: Mapping[Key, Measured]
) -> None:
    if not before:
        return
    places: dict[int, Placer] = {id(one.value): one.place for one in given.values()}
    together: Iterable[Measured] = [
        *(one for key, one in before.items() if key not in given),
        *(one.value for one in given.values()),
    ]
    problems = []
    file = next(iter(given.values())).place.file
    try:
        for clash in clashes_of(together):
            place = places.get(id(clash.second)) or places.get(id(clash.first))
            message = f"{clash.message}; one of them was imported before"
            problems.append(Problem(file, "" if place is None else str(place), message, clash.hint))
    except UnitError as error:
        problems.append(Problem(file, "", error.message, error.hint))
    if problems:
        raise UnpublishableError(problems)


def _kind(value: Measured) -> MeterKind:
    return MeterKind.COUNTER if isinstance(value, Register) else MeterKind.INTERVAL


def _key(value: Measured) -> Key:
    if isinstance(value, Register):
        return value.meter, value.at, value.at
    return value.meter, value.start, value.end


def _amount(value: Measured) -> tuple[object, str]:
    quantity = value.quantity if isinstance(value, Reading) else value.value
    return quantity.amount, quantity.unit


# --- storing ----------------------------------------------------------------------------------


def _store(session: Session, node: Node, files: Files, plan: _Plan, content: str) -> _Plan:
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
    audit.record(
        session,
        Act.ENERGY_IMPORTED,
        now,
        detail={
            "file": files.name,
            "digest": content,
            "readings": len(plan.values),
            "orders": len(plan.orders),
            "corrected": len(plan.corrections),
            "rule": None if is_same else plan.outcome.value,
        },
    )
    return plan


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig").replace("\0", "")
