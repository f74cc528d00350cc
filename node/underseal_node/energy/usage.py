"""The energy of products in a reference period, for the roll-up and to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import energy as store
from underseal_protocol.rollup.allocation import Allocation, allocate
from underseal_protocol.rollup.allocation_json import EnergySetup, digest_of
from underseal_protocol.rollup.allocation_rule import Carrier, ProductionOrder, description_of
from underseal_protocol.rollup.metering import Measured, Reading, Register, readings_of
from underseal_protocol.rollup.units import (
    NO_PROPERTIES,
    Dimension,
    PhysicalProperties,
    completed,
    unit_of,
)

__all__ = [
    "EnergyOfPlant",
    "Records",
    "Used",
    "carriers_of",
    "energy_of_plant",
    "records_of",
]

HINT = "`underseal energy import FILE --mapping FILE` imports readings and production orders."


@dataclass(frozen=True, slots=True)
class Used:
    """What an allocation follows from. Whoever keeps it can see later whether that has changed.

    Attributes:
        digest: of readings, orders and rule together.
        setup_id: of the rule in force.
        setup_digest: of the rule, with carriers and products.
        readings: how many values of meters.
        orders: how many production orders.
    """

    digest: str
    setup_id: int
    setup_digest: str
    readings: int
    orders: int


@dataclass(frozen=True, slots=True)
class Records:
    """What an allocation follows from, in full.

    Attributes:
        start: first moment of the reference period.
        end: first moment after it.
        setup_id: of the rule in force.
        setup_digest: of the rule, with carriers and products.
        setup: the rule, carriers, and what is known of all products.
        measured: every value of a meter that has to do with the period.
        orders: those that overlap the period.
    """

    start: datetime
    end: datetime
    setup_id: int
    setup_digest: str
    setup: EnergySetup
    measured: Sequence[Measured]
    orders: Sequence[ProductionOrder]

    @property
    def mattered(self) -> EnergySetup:
        """The rule, carriers, and what is known of those products that were made."""
        made = {order.product for order in self.orders}
        products = {name: one for name, one in self.setup.products.items() if name in made}
        return EnergySetup(self.setup.rule, self.setup.carriers, products)

    @property
    def digest(self) -> str:
        """Of readings, orders and rule together."""
        return digest_of(self.measured, self.orders, self.mattered)


@dataclass(frozen=True, slots=True)
class EnergyOfPlant:
    """The energy of a reference period.

    Attributes:
        allocation: of it.
        description: the rule in words, for `allocationRulesDescription`.
        used: what it follows from.
    """

    allocation: Allocation
    description: str
    used: Used


def energy_of_plant(
    session: Session,
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    *,
    products: Callable[[], Mapping[str, PhysicalProperties]] = dict,
) -> EnergyOfPlant:
    """The energy of all products.

    Args:
        session: reads.
        period_start: first moment of the reference period, aware; None: when metering began.
        period_end: first moment after it, aware; None: when metering ended.
        products: properties of products, by id, where the mapping does not state them; called
            when something is to be allocated.

    Raises:
        NotFoundError: nothing was imported yet.
        RollUpError: what was imported cannot be allocated.
        UnitError: an amount cannot be converted.
        RefusedError: the reference period ends before it begins.
    """
    found = records_of(session, period_start, period_end, products=products)
    rule = found.setup.rule
    allocation = allocate(
        _readings(found.measured),
        found.orders,
        rule,
        start=found.start,
        end=found.end,
        carriers={**carriers_of(found.measured), **found.setup.carriers},
        products=found.setup.products,
        lines=store.lines(session),
    )
    counts = len(found.measured), len(found.orders)
    used = Used(found.digest, found.setup_id, found.setup_digest, *counts)
    return EnergyOfPlant(allocation, description_of(rule), used)


def records_of(
    session: Session,
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    *,
    products: Callable[[], Mapping[str, PhysicalProperties]] = dict,
) -> Records:
    """What the energy of all products follows from; arguments as for `energy_of_plant`.

    Raises:
        NotFoundError: nothing was imported yet.
        RefusedError: the reference period ends before it begins.
    """
    row, measured_in = store.setup_row(session), store.period(session)
    if row is None or row.id is None or measured_in is None:
        raise NotFoundError("no energy was imported yet", hint=HINT)
    start, end = period_start or measured_in[0], period_end or measured_in[1]
    if start >= end:
        raise RefusedError("the reference period ends before it begins")
    setup = store.setup(row)
    known = dict(products())
    for product, given in setup.products.items():
        known[product] = completed(given, known.get(product, NO_PROPERTIES))
    return Records(
        start,
        end,
        row.id,
        row.digest,
        EnergySetup(setup.rule, setup.carriers, known),
        store.measured(session, start, end),
        store.orders(session, start, end),
    )


def _readings(measured: Sequence[Measured]) -> list[Reading]:
    registers = [one for one in measured if isinstance(one, Register)]
    intervals = [one for one in measured if isinstance(one, Reading)]
    return [*intervals, *readings_of(registers)]


def carriers_of(measured: Iterable[Measured]) -> dict[str, Carrier]:
    """Carriers that nobody has described: what is energy is in kWh, whatever its meters show."""
    carriers: dict[str, Carrier] = {}
    for one in measured:
        unit = one.value.unit if isinstance(one, Register) else one.quantity.unit
        is_energy = unit_of(unit).dimension is Dimension.ENERGY
        if is_energy or one.carrier not in carriers:
            carriers[one.carrier] = Carrier("kWh" if is_energy else unit)
    return carriers
