"""Metered energy is allocated to products; what is not, is said to be not, with its reason.

Exact: for each carrier, allocated + unallocated = metered. A reading is spread evenly over its
period, and an order over its own, so what overlaps in part counts by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.allocation_orders import Orders, Parts, ticks
from underseal_protocol.rollup.allocation_pools import Metered, Reason, Why
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    Carrier,
    ProductionOrder,
    require_rule,
)
from underseal_protocol.rollup.inputs import Energy, Quantity
from underseal_protocol.rollup.metering import Gap, Reading, gaps_of, require_no_clash
from underseal_protocol.rollup.numbers import Number, exact
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties, conversion

__all__ = [
    "Allocation",
    "CarrierTotal",
    "LineEnergy",
    "ProductEnergy",
    "Reason",
    "Unallocated",
    "allocate",
    "lines_for",
]


@dataclass(frozen=True, slots=True)
class LineEnergy:
    """Energy that a product has got.

    Attributes:
        carrier: such as electricity.
        line: where it was metered; None: for the whole site.
        quantity: for all that was produced in the period.
        properties: of the carrier, for conversions.
    """

    carrier: str
    line: str | None
    quantity: Quantity
    properties: PhysicalProperties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class ProductEnergy:
    """A product with its energy.

    Attributes:
        product: its id.
        produced: good product in the period: the basis of its energy.
        lines: its energy, by carrier and line.
        properties: of the product, as they were given.
    """

    product: str
    produced: Quantity
    lines: tuple[LineEnergy, ...]
    properties: PhysicalProperties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Unallocated:
    """Energy that no product has got.

    Attributes:
        carrier: such as electricity.
        line: where it was metered; None: for the whole site.
        quantity: how much.
        reason: why.
        detail: what the reason is about: an order without a weight, or what else the energy is for.
    """

    carrier: str
    line: str | None
    quantity: Quantity
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CarrierTotal:
    """What became of a carrier, exactly: allocated + unallocated = metered.

    Attributes:
        carrier: such as electricity.
        unit: of the amounts.
        metered: in the reference period.
        allocated: to products.
        unallocated: the rest.
    """

    carrier: str
    unit: str
    metered: Fraction
    allocated: Fraction
    unallocated: Fraction


@dataclass(frozen=True, slots=True)
class Allocation:
    """The energy of a reference period.

    Attributes:
        start: first moment of the period, aware.
        end: first moment after it, aware.
        rule: that it was allocated by.
        totals: of each carrier.
        products: what each product has got, by id.
        unallocated: what none has got.
        gaps: when meters said nothing; their energy is missing.
    """

    start: datetime
    end: datetime
    rule: AllocationRule
    totals: tuple[CarrierTotal, ...]
    products: Mapping[str, ProductEnergy]
    unallocated: tuple[Unallocated, ...]
    gaps: tuple[Gap, ...]


def allocate(
    readings: Iterable[Reading],
    orders: Iterable[ProductionOrder],
    rule: AllocationRule,
    *,
    start: datetime,
    end: datetime,
    carriers: Mapping[str, Carrier] | None = None,
    products: Mapping[str, PhysicalProperties] | None = None,
    lines: Iterable[str] = (),
) -> Allocation:
    """Allocate what was metered in a reference period to what was made in it.

    Args:
        readings: of all meters; those outside of the period do not count, one that is partly inside
            counts by time.
        orders: of all products, likewise.
        rule: how.
        start: first moment of the reference period, aware.
        end: first moment after it, aware.
        carriers: into which units their amounts are converted; else into that of the first reading.
        products: their weights and the like, by id.
        lines: that are known to produce, also if no order given here names them.

    Raises:
        RollUpError: the rule, an order or a reading cannot be used, or readings contradict.
        UnitError: an amount cannot be converted.
    """
    if start >= end:
        raise RollUpError("the reference period ends before it begins")
    require_rule(rule)
    known = list(readings)
    require_no_clash(known)
    made = Orders(orders, rule, products or {}, lines)
    metered = Metered(known, rule, made, carriers or {}, ticks(start), ticks(end))
    shared = _Shared(made, metered)
    return Allocation(
        start=start,
        end=end,
        rule=rule,
        totals=_totals(metered, shared),
        products=_products(made, metered, shared, products or {}),
        unallocated=tuple(
            Unallocated(carrier, line, metered.quantity(carrier, amount), reason, detail)
            for (carrier, line, reason, detail), amount in sorted(
                shared.unallocated.items(), key=lambda item: _sortable(item[0])
            )
            if amount
        ),
        gaps=tuple(gaps_of(known, start, end)),
    )


def lines_for(
    energy: ProductEnergy,
    basis: Quantity,
    *,
    properties: PhysicalProperties | None = None,
    yield_share: Number = 1,
) -> tuple[Energy, ...]:
    """The energy of a product as lines of its bill of materials, measured and without a source.

    Args:
        energy: of the product.
        basis: the amount of good product that the other lines are for.
        properties: of the product, to convert what was produced; else those of the allocation.
        yield_share: of the product. What is metered includes what was wasted; as the roll-up
            divides every line by the yield, it is multiplied by it here.

    Raises:
        RollUpError: nothing was produced.
        UnitError: what was produced cannot be converted into the unit of the basis.
    """
    produced = exact(energy.produced.amount)
    if produced <= 0:
        raise RollUpError(
            f"the product {energy.product!r} has used energy, and nothing was produced",
            hint="Use a longer reference period, or allocate by another amount.",
        )
    used = energy.properties if properties is None else properties
    whole = produced * conversion(energy.produced.unit, basis.unit, used)
    part = exact(basis.amount) * exact(yield_share) / whole
    return tuple(
        Energy(
            id=f"metered {one.carrier}{'' if one.line is None else f' {one.line}'}",
            name=one.carrier,
            quantity=Quantity(exact(one.quantity.amount) * part, one.quantity.unit),
            process=one.line,
            source=None,
            is_primary=True,
            properties=one.properties,
        )
        for one in energy.lines
    )


class _Shared:
    """The pools, shared among products."""

    def __init__(self, orders: Orders, metered: Metered) -> None:
        self.products: dict[str, dict[tuple[str, str | None], Fraction]] = {}
        self.unallocated = {why: one.total() for why, one in metered.aside.items()}
        for (carrier, line, parts), pool in metered.pools.items():
            energy = pool.total()
            without = next((one for one, *_ in parts if orders.amounts[one] is None), None)
            if without is not None:
                self._leave((carrier, line, Reason.NO_AMOUNT, orders.why[without]), energy)
                continue
            weights = _weights(orders, parts)
            total = sum(weights.values(), Fraction())
            if not total:
                self._leave((carrier, line, Reason.NO_PRODUCTION, ""), energy)
                continue
            for product, weight in weights.items():
                got = self.products.setdefault(product, {})
                got[carrier, line] = got.get((carrier, line), Fraction()) + energy * weight / total

    def _leave(self, why: Why, energy: Fraction) -> None:
        self.unallocated[why] = self.unallocated.get(why, Fraction()) + energy


def _weights(orders: Orders, parts: Parts) -> dict[str, Fraction]:
    """What each product counts with: an order by the part of it that was made in the time."""
    found: dict[str, Fraction] = {}
    for number, over, below in parts:
        amount, (began, ended) = orders.amounts[number], orders.spans[number]
        if amount is not None:
            product = orders.all[number].product
            weight = amount * Fraction(over, below * (ended - began))
            found[product] = found.get(product, Fraction()) + weight
    return found


def _totals(metered: Metered, shared: _Shared) -> tuple[CarrierTotal, ...]:
    allocated: dict[str, Fraction] = {}
    for got in shared.products.values():
        for (carrier, _), amount in got.items():
            allocated[carrier] = allocated.get(carrier, Fraction()) + amount
    left: dict[str, Fraction] = {}
    for (carrier, *_), amount in shared.unallocated.items():
        left[carrier] = left.get(carrier, Fraction()) + amount
    return tuple(
        CarrierTotal(
            carrier,
            metered.carriers[carrier].unit,
            one.total(),
            allocated.get(carrier, Fraction()),
            left.get(carrier, Fraction()),
        )
        for carrier, one in sorted(metered.totals.items())
    )


def _products(
    orders: Orders,
    metered: Metered,
    shared: _Shared,
    products: Mapping[str, PhysicalProperties],
) -> dict[str, ProductEnergy]:
    """Every product that was made in the period, also without energy."""
    produced: dict[str, Quantity] = {}
    for one, (began, ended) in zip(orders.all, orders.spans, strict=True):
        inside = min(ended, metered.end) - max(began, metered.start)
        if inside <= 0:
            continue
        amount = exact(one.quantity.amount) * Fraction(inside, ended - began)
        before = produced.setdefault(one.product, Quantity(Fraction(), one.quantity.unit))
        properties = products.get(one.product, NO_PROPERTIES)
        amount *= conversion(one.quantity.unit, before.unit, properties)
        produced[one.product] = Quantity(exact(before.amount) + amount, before.unit)
    return {
        product: ProductEnergy(
            product,
            produced[product],
            tuple(
                LineEnergy(
                    carrier,
                    line,
                    metered.quantity(carrier, amount),
                    metered.carriers[carrier].properties,
                )
                for (carrier, line), amount in sorted(
                    shared.products.get(product, {}).items(), key=lambda item: _sortable(item[0])
                )
                if amount
            ),
            products.get(product, NO_PROPERTIES),
        )
        for product in sorted(produced)
    }


def _sortable(key: Iterable[object]) -> list[str]:
    return ["" if one is None else str(one) for one in key]
