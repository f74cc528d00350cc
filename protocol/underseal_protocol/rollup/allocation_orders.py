"""Production orders, and what energy is shared by: for `allocation`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.rollup.allocation_rule import AllocationRule, By, ProductionOrder, Scope
from underseal_protocol.rollup.numbers import Number, exact, multiplied
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties, conversion

__all__ = ["Orders", "Parts", "Ticks", "ticks"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
MASS_UNIT, COUNT_UNIT = "kilogram", "piece"

Ticks: TypeAlias = int
# Orders that ran in a time: number, and the part of that time as numerator and denominator.
Parts: TypeAlias = tuple[tuple[int, int, int], ...]


def ticks(moment: datetime) -> Ticks:
    """Microseconds, as a whole number."""
    return (moment - _EPOCH) // _TICK


@dataclass(slots=True)
class Group:
    """Orders that share something, by start; `reach` is the latest end of an order so far."""

    orders: list[int]
    starts: list[Ticks]
    reach: list[Ticks]


class Orders:
    """Orders, and the amounts that energy is shared by.

    Attributes:
        all: by start.
        spans: when each began and ended.
        amounts: what each counts with; None if that is not known.
        why: it is not known.

    Args:
        orders: in any order.
        rule: by which energy is shared.
        products: their properties.
        lines: that are known, also if no order names them.

    Raises:
        RollUpError: an order cannot be used.
    """

    def __init__(
        self,
        orders: Iterable[ProductionOrder],
        rule: AllocationRule,
        products: Mapping[str, PhysicalProperties],
        lines: Iterable[str] = (),
    ) -> None:
        self.all = sorted(orders, key=lambda one: (one.start, one.end, one.id))
        self.spans = [(ticks(one.start), ticks(one.end)) for one in self.all]
        self.amounts: list[Fraction | None] = []
        self.why: list[str] = []
        by_line: dict[str, list[int]] = {line: [] for line in lines}
        _require_orders(self.all, rule)
        for number, one in enumerate(self.all):
            amount, why = _amount_of(one, rule.by, products.get(one.product, NO_PROPERTIES))
            self.amounts.append(amount)
            self.why.append(why)
            if one.line is not None:
                by_line.setdefault(one.line, []).append(number)
        self._site = self._group(list(range(len(self.all))))
        self._lines = {line: self._group(numbers) for line, numbers in by_line.items()}

    def group(self, line: str | None, scope: Scope) -> Group | None:
        """The orders that share what is metered on a line; None if there are none, ever."""
        if line is None or scope is Scope.SITE:
            return self._site
        return self._lines.get(line)

    def within(self, group: Group, start: Ticks, end: Ticks) -> Parts:
        """Orders that ran in a time, and in which part of it: number, numerator, denominator."""
        found = []
        at = bisect_left(group.starts, end) - 1
        while at >= 0 and group.reach[at] > start:
            number = group.orders[at]
            began, ended = self.spans[number]
            overlap = min(end, ended) - max(start, began)
            if overlap > 0:
                part = (1, 1) if overlap == end - start else multiplied((overlap, end - start))
                found.append((number, *part))
            at -= 1
        return tuple(found)

    def _group(self, numbers: list[int]) -> Group:
        spans = [self.spans[one] for one in numbers]
        return Group(
            numbers, [start for start, _ in spans], list(accumulate((end for _, end in spans), max))
        )


def _require_orders(orders: Sequence[ProductionOrder], rule: AllocationRule) -> None:
    seen: set[str] = set()
    for one in orders:
        if one.start >= one.end:
            raise RollUpError(f"the order {one.id!r} ends before it begins")
        if one.id in seen:
            raise RollUpError(f"two orders have the id {one.id!r}", hint="Ids name one order.")
        seen.add(one.id)
        if exact(one.quantity.amount) < 0:
            raise RollUpError(f"the order {one.id!r} has made less than nothing")
        if rule.scope is Scope.LINE and one.line is None:
            raise RollUpError(
                f"the order {one.id!r} names no line, and energy is allocated line by line",
                hint="Give each order its line, or allocate over the whole site.",
            )
    currencies = {one.value.currency for one in orders if one.value is not None}
    if rule.by is By.VALUE and len(currencies) > 1:
        raise RollUpError(
            f"the values of orders are in {' and '.join(sorted(currencies))}",
            hint="Give all of them in one currency.",
        )


def _amount_of(
    order: ProductionOrder, by: By, properties: PhysicalProperties
) -> tuple[Fraction | None, str]:
    """What an order counts with; None, and why, if that is not known."""
    given: Number | None
    if by is By.MACHINE_HOURS:
        given, missing = order.machine_hours, "no machine hours"
    elif by is By.VALUE:
        given, missing = None if order.value is None else order.value.amount, "no value"
    else:
        unit = MASS_UNIT if by is By.MASS else COUNT_UNIT
        try:
            factor = conversion(order.quantity.unit, unit, properties)
        except UnitError as error:
            return None, f"product {order.product}: {error.message}"
        return exact(order.quantity.amount) * factor, ""
    if given is None:
        return None, f"product {order.product}: order {order.id} has {missing}"
    if exact(given) < 0:
        raise RollUpError(f"the order {order.id!r} counts with {given}, expected 0 or more")
    return exact(given), ""
