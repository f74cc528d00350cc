"""How metered energy is shared among products: orders, the rule, and the rule in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.numbers import Number, exact, shown_text
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties

__all__ = [
    "AllocationRule",
    "By",
    "Carrier",
    "Money",
    "NotForProducts",
    "Over",
    "ProductionOrder",
    "Scope",
    "description_of",
    "require_rule",
    "share_not_for_products",
]


class By(StrEnum):
    """By which amount of the orders energy is shared."""

    MASS = "mass"
    PIECES = "pieces"
    MACHINE_HOURS = "machine hours"
    VALUE = "economic value"


class Scope(StrEnum):
    """Which orders share what a meter of a line has measured."""

    LINE = "line"  # those that were made there
    SITE = "site"  # all


class Over(StrEnum):
    """Over which time it is shared."""

    READING = "reading"  # the orders that ran while it was measured
    PERIOD = "period"  # all orders of the reference period


@dataclass(frozen=True, slots=True)
class Money:
    """A value.

    Attributes:
        amount: 0 or more.
        currency: such as EUR.
    """

    amount: Number
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionOrder:
    """What was made, when and where.

    Attributes:
        id: of the order.
        product: that was made.
        start: when it began, aware.
        end: when it ended, aware.
        quantity: of good product.
        machine_hours: that it took.
        value: of what was made, for allocation by economic value.
        line: where it was made.
    """

    id: str
    product: str
    start: datetime
    end: datetime
    quantity: Quantity
    machine_hours: Number | None = None
    value: Money | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class NotForProducts:
    """A share of what meters measure that is not used for products, such as for offices.

    Attributes:
        name: what it is used for.
        share: of what is metered, 0 to 1.
        meters: of these; none: of all.
    """

    name: str
    share: Number
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllocationRule:
    """How energy is shared.

    Attributes:
        by: which amount of the orders.
        scope: which orders.
        over: which time.
        not_for_products: what is set aside before.
    """

    by: By
    scope: Scope = Scope.LINE
    over: Over = Over.READING
    not_for_products: tuple[NotForProducts, ...] = ()


@dataclass(frozen=True, slots=True)
class Carrier:
    """What is metered.

    Attributes:
        unit: that its amounts are converted into.
        properties: for that, such as the calorific value of gas.
    """

    unit: str
    properties: PhysicalProperties = NO_PROPERTIES


_BY = {
    By.MASS: "the mass of what they made",
    By.PIECES: "the number of pieces that they made",
    By.MACHINE_HOURS: "the machine hours that they took",
    By.VALUE: "the economic value of what they made",
}
_SCOPE = {
    Scope.LINE: "Energy of a production line is allocated to the production orders of that line, "
    "energy of the whole site to those of all lines",
    Scope.SITE: "Energy of the whole site, its lines included, is allocated to all production "
    "orders",
}
_OVER = {
    Over.READING: "Each metered amount goes to the orders that ran while it was metered; an order "
    "that ran for a part of that time counts with that part.",
    Over.PERIOD: "The metered amounts of the reference period go to all orders of that period, so "
    "that standby is shared by all of them.",
}


def description_of(rule: AllocationRule) -> str:
    """The rule as a text for `allocationRulesDescription` (PACT 3.0, CarbonFootprint).

    It is the same for the same rule, and names neither meters nor lines.
    """
    sentences = [
        f"Energy is metered. {_SCOPE[rule.scope]}, by {_BY[rule.by]}.",
        _OVER[rule.over],
    ]
    if rule.not_for_products:
        listed = ", ".join(_share_in_words(one) for one in rule.not_for_products)
        sentences.append(f"Not for products, and set aside before: {listed}.")
    sentences.append("Energy metered while nothing was made is not allocated to products.")
    return " ".join(sentences)


def _share_in_words(one: NotForProducts) -> str:
    of = "of some meters" if one.meters else "of all"
    return f"{one.name} ({shown_text(exact(one.share) * 100)} % {of})"


def share_not_for_products(rule: AllocationRule, meter: str) -> dict[str, Fraction]:
    """What is set aside of a meter: names and shares."""
    shares: dict[str, Fraction] = {}
    for one in rule.not_for_products:
        if not one.meters or meter in one.meters:
            shares[one.name] = shares.get(one.name, Fraction()) + exact(one.share)
    return shares


def require_rule(rule: AllocationRule) -> None:
    """Check the shares of a rule.

    Raises:
        RollUpError: one is not from 0 to 1, or those of a meter are more than all of it.
    """
    for one in rule.not_for_products:
        if not 0 <= exact(one.share) <= 1:
            raise RollUpError(
                f"the share for {one.name!r} is {one.share}, expected 0 to 1",
                hint="Write 0.05 for five percent.",
            )
    meters = {meter for one in rule.not_for_products for meter in one.meters}
    for meter in ("", *sorted(meters)):
        total = sum(share_not_for_products(rule, meter).values())
        if total > 1:
            raise RollUpError(
                f"the shares that are not for products add up to {total} "
                f"of {f'the meter {meter!r}' if meter else 'every meter'}",
                hint="Together they are at most 1.",
            )
