"""What was metered, pooled by the orders that share it: for `allocation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias, TypeVar

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.allocation_orders import Orders, Parts, Ticks, ticks
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    Carrier,
    Over,
    share_not_for_products,
)
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Reading
from underseal_protocol.rollup.numbers import Ratio, multiplied, ratio
from underseal_protocol.rollup.units import conversion

__all__ = ["Metered", "Reason", "Why"]

Key = TypeVar("Key")


class Reason(StrEnum):
    """Why energy is not allocated."""

    NO_PRODUCTION = "no production in the period"
    UNKNOWN_LINE = "no production order of this line"
    NO_AMOUNT = "an order without the amount to allocate by"
    NOT_FOR_PRODUCTS = "not for products"


# Carrier, line, reason and what it is about.
Why: TypeAlias = tuple[str, str | None, Reason, str]


@dataclass(slots=True)
class _Sum:
    """A sum by denominators, of which there are few: fractions are made once, at the end."""

    terms: dict[int, int] = field(default_factory=dict)

    def add(self, value: Ratio) -> None:
        self.terms[value[1]] = self.terms.get(value[1], 0) + value[0]

    def total(self) -> Fraction:
        return sum((Fraction(over, below) for below, over in self.terms.items()), Fraction())


class Metered:
    """What was metered inside of the period, pooled by the orders that share it.

    Attributes:
        start, end: of the period.
        carriers: all that were metered, with their units.
        totals: of each carrier.
        pools: energy by carrier, line and orders.
        aside: energy that no order shares.

    Args:
        readings: that do not contradict each other.
        rule: by which they are shared.
        orders: that share them.
        carriers: into which units they are converted.
        start, end: of the period.

    Raises:
        RollUpError: a reading cannot be used.
        UnitError: an amount cannot be converted.
    """

    def __init__(
        self,
        readings: Sequence[Reading],
        rule: AllocationRule,
        orders: Orders,
        carriers: Mapping[str, Carrier],
        start: Ticks,
        end: Ticks,
    ) -> None:
        self.start, self.end = start, end
        self.carriers = dict(carriers)
        self.totals: dict[str, _Sum] = {}
        self.pools: dict[tuple[str, str | None, Parts], _Sum] = {}
        self.aside: dict[Why, _Sum] = {}
        self._factors: dict[tuple[str, str], Ratio] = {}
        self._shares: dict[str, tuple[dict[str, Fraction], Ratio]] = {}
        self._whole: dict[int, Parts] = {}
        for one in readings:
            self._take(one, rule, orders)

    def quantity(self, carrier: str, amount: Fraction) -> Quantity:
        """An amount in the unit of the carrier."""
        return Quantity(amount, self.carriers[carrier].unit)

    def _take(self, one: Reading, rule: AllocationRule, orders: Orders) -> None:
        began, ended = ticks(one.start), ticks(one.end)
        if began >= ended:
            raise RollUpError(f"a reading of the meter {one.meter!r} ends before it begins")
        start, end = max(began, self.start), min(ended, self.end)
        amount = self._amount(one)
        if start >= end:
            return
        if end - start < ended - began:
            amount = multiplied(amount, (end - start, ended - began))
        _added(self.totals, one.carrier, amount)
        shares, rest = self._shares_of(one.meter, rule)
        for name, share in shares.items():
            why = (one.carrier, one.line, Reason.NOT_FOR_PRODUCTS, name)
            _added(self.aside, why, multiplied(amount, ratio(share)))
        if shares:
            amount = multiplied(amount, rest)
        group = orders.group(one.line, rule.scope)
        if group is None:
            _added(self.aside, (one.carrier, one.line, Reason.UNKNOWN_LINE, ""), amount)
            return
        if rule.over is Over.READING:
            parts = orders.within(group, start, end)
        else:
            if id(group) not in self._whole:
                self._whole[id(group)] = orders.within(group, self.start, self.end)
            parts = self._whole[id(group)]
        _added(self.pools, (one.carrier, one.line, parts), amount)

    def _amount(self, one: Reading) -> Ratio:
        """In the unit of the carrier."""
        unit = one.quantity.unit
        factor = self._factors.get((one.carrier, unit))
        if factor is None:
            carrier = self.carriers.setdefault(one.carrier, Carrier(unit))
            factor = ratio(conversion(unit, carrier.unit, carrier.properties))
            self._factors[one.carrier, unit] = factor
        amount = ratio(one.quantity.amount)
        if amount[0] < 0:
            raise RollUpError(
                f"the meter {one.meter!r} has measured {one.quantity.amount} {unit}",
                hint="Amounts are 0 or more; what is fed in is another meter.",
            )
        return multiplied(amount, factor)

    def _shares_of(self, meter: str, rule: AllocationRule) -> tuple[dict[str, Fraction], Ratio]:
        found = self._shares.get(meter)
        if found is None:
            shares = share_not_for_products(rule, meter)
            found = shares, ratio(1 - sum(shares.values(), Fraction()))
            self._shares[meter] = found
        return found


def _added(sums: dict[Key, _Sum], key: Key, amount: Ratio) -> None:
    sums.setdefault(key, _Sum()).add(amount)
