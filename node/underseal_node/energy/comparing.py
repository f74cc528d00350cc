"""What an export changes, compared with what was imported before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from underseal_node.energy.export import Export
from underseal_node.energy.mapping import EnergyMapping
from underseal_node.energy.series import Placed, Placer
from underseal_node.energy.sheets import Problems
from underseal_node.energy.usage import carriers_of
from underseal_node.energy.warning import warnings_of
from underseal_node.publishing.results import UnpublishableError
from underseal_node.sheets.problems import Problem
from underseal_node.store import energy as store
from underseal_node.store.energy_tables import CorrectedKind, EnergyMeter
from underseal_protocol.canonical import digest
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.allocation_json import (
    EnergySetup,
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
from underseal_protocol.rollup.units import conversion
from underseal_protocol.strict_json import JsonValue

__all__ = ["Correction", "Plan", "SetupOutcome", "plan_of"]

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


@dataclass(slots=True)
class Plan:
    """What has to be written.

    Attributes:
        setup: rule, carriers and products, with those of before that the export leaves out.
        outcome: what becomes of them.
        meters: new ones: name, kind, carrier, line.
        changed_meters: name, carrier, line.
        values: new ones.
        changed_values: with another amount than before.
        same_values: how many are as before.
        orders: new ones.
        changed_orders: with something else than before.
        same_orders: how many are as before.
        corrections: of meters, values, orders and the setup.
        warnings: what is taken, and a person should know.
    """

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
    warnings: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.values or self.orders or self.corrections or self.outcome is SetupOutcome.NEW
        )

    def correct(self, kind: CorrectedKind, key: str, old: JsonValue, new: JsonValue) -> None:
        """Note a correction."""
        if isinstance(old, dict) and isinstance(new, dict):
            self.corrections.append(Correction(kind, key, old, new))


def plan_of(session: Session, export: Export) -> Plan:
    """Compare an export with what was imported before.

    Args:
        session: reads.
        export: free of contradictions in itself.

    Raises:
        UnpublishableError: they contradict each other.
    """
    plan = Plan(export.setup)
    _compare_setup(session, plan)
    known = store.meters(session)
    _compare_meters(export, known, plan)
    _require_units(export, plan.setup)
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
    plan.warnings = tuple(warnings_of(session, export, plan.setup))
    return plan


def _compare_setup(session: Session, plan: Plan) -> None:
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


def _compare_meters(export: Export, known: Mapping[str, EnergyMeter], plan: Plan) -> None:
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


def _require_units(export: Export, setup: EnergySetup) -> None:
    """What cannot be added up is refused now, and not when somebody asks for it.

    Raises:
        UnpublishableError: amounts of a carrier cannot be converted.
    """
    seen: dict[tuple[str, str], Placer] = {}
    for placed in export.measured:
        seen.setdefault((placed.value.carrier, _amount(placed.value)[1]), placed.place)
    carriers = {**carriers_of(one.value for one in export.measured), **setup.carriers}
    problems = []
    for (name, unit), place in seen.items():
        try:
            conversion(unit, carriers[name].unit, carriers[name].properties)
        except UnitError as error:
            message = f"{name} is measured in {unit}: {error.message}"
            hint = f"{error.hint or ''} The place for it is [carriers.{name!r}] of the mapping."
            problems.append(Problem(place.file, str(place), message, hint.strip()))
    if problems:
        raise UnpublishableError(problems)


def _compare_values(session: Session, export: Export, plan: Plan) -> None:
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
    problems = Problems()
    file = next(iter(given.values())).place.file
    try:
        for clash in clashes_of(together):
            place = places.get(id(clash.second)) or places.get(id(clash.first))
            message = f"{clash.message}; one of them was imported before"
            problems.add(Problem(file, "" if place is None else str(place), message, clash.hint))
    except UnitError as error:
        problems.add(Problem(file, "", error.message, error.hint))
    problems.refuse()


def _kind(value: Measured) -> MeterKind:
    return MeterKind.COUNTER if isinstance(value, Register) else MeterKind.INTERVAL


def _key(value: Measured) -> Key:
    if isinstance(value, Register):
        return value.meter, value.at, value.at
    return value.meter, value.start, value.end


def _amount(value: Measured) -> tuple[object, str]:
    quantity = value.quantity if isinstance(value, Reading) else value.value
    return quantity.amount, quantity.unit
