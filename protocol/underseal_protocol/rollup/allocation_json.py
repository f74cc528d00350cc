"""Readings, orders and rules as JSON, with exact numbers as text, and the digest of what was used.

The same content has the same JSON, however its numbers were written: `1.50` is `1.5`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_protocol.canonical import canonical_bytes, digest_of_bytes
from underseal_protocol.decimals import format_decimal, parse_decimal
from underseal_protocol.errors import DecimalError, ProtocolError, RollUpError
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    Carrier,
    Money,
    NotForProducts,
    Over,
    ProductionOrder,
    Scope,
)
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Measured, Reading, Register
from underseal_protocol.rollup.numbers import MAX_SHOWN_PLACES, Number, exact, shown
from underseal_protocol.rollup.units import PhysicalProperties
from underseal_protocol.times import format_time, parse_time

__all__ = [
    "EnergySetup",
    "digest_of",
    "measured_json",
    "measured_of",
    "number_of",
    "number_text",
    "order_json",
    "order_of",
    "setup_json",
    "setup_of",
]

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EnergySetup:
    """How readings and orders become energy of products.

    Attributes:
        rule: of allocation.
        carriers: their units and properties, by name.
        products: their properties, by id.
    """

    rule: AllocationRule
    carriers: Mapping[str, Carrier] = field(default_factory=dict)
    products: Mapping[str, PhysicalProperties] = field(default_factory=dict)


def number_text(value: Number) -> str:
    """An exact number as text: a decimal, or `1/3` for what is none."""
    if type(value) is Decimal and value.is_finite():  # most are, and need no fraction
        plain = format_decimal(value)
        if len(plain) <= MAX_SHOWN_PLACES:
            plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
            return plain if value else "0"
    number = exact(value)
    text, is_exact = shown(number)
    return text if is_exact else f"{number.numerator}/{number.denominator}"


def number_of(text: str) -> Number:
    """Read what `number_text` wrote.

    Raises:
        DecimalError: it is no number.
    """
    over, slash, below = text.partition("/")
    if not slash:
        return parse_decimal(text)
    digits = over.removeprefix("-") + below
    if not (digits.isascii() and digits.isdecimal() and over.strip("-") and below.strip("0")):
        raise DecimalError(f"{text[:60]!r} is not a number")
    return Fraction(int(over), int(below))


def measured_json(one: Measured) -> Document:
    """A reading, or a register value, as JSON."""
    if isinstance(one, Register):
        times = {"at": format_time(one.at)}
        quantity = one.value
    else:
        times = {"start": format_time(one.start), "end": format_time(one.end)}
        quantity = one.quantity
    line = {} if one.line is None else {"line": one.line}
    return {"meter": one.meter, "carrier": one.carrier, **times, **_quantity(quantity), **line}


def measured_of(document: Mapping[str, Any]) -> Measured:
    """Read what `measured_json` wrote.

    Raises:
        RollUpError: it is something else.
    """
    try:
        meter, carrier, line = document["meter"], document["carrier"], document.get("line")
        quantity = _quantity_of(document)
        if "at" in document:
            at = parse_time(document["at"])
            return Register(meter=meter, carrier=carrier, at=at, value=quantity, line=line)
        start, end = parse_time(document["start"]), parse_time(document["end"])
    except (KeyError, TypeError, ProtocolError) as error:
        raise _other("reading", error) from error
    return Reading(meter=meter, carrier=carrier, start=start, end=end, quantity=quantity, line=line)


def order_json(one: ProductionOrder) -> Document:
    """A production order as JSON."""
    document: Document = {
        "id": one.id,
        "product": one.product,
        "start": format_time(one.start),
        "end": format_time(one.end),
        **_quantity(one.quantity),
    }
    if one.machine_hours is not None:
        document["machineHours"] = number_text(one.machine_hours)
    if one.value is not None:
        document |= {"value": number_text(one.value.amount), "currency": one.value.currency}
    if one.line is not None:
        document["line"] = one.line
    return document


def order_of(document: Mapping[str, Any]) -> ProductionOrder:
    """Read what `order_json` wrote.

    Raises:
        RollUpError: it is something else.
    """
    try:
        hours, value = document.get("machineHours"), document.get("value")
        return ProductionOrder(
            id=document["id"],
            product=document["product"],
            start=parse_time(document["start"]),
            end=parse_time(document["end"]),
            quantity=_quantity_of(document),
            machine_hours=None if hours is None else number_of(hours),
            value=None if value is None else Money(number_of(value), document["currency"]),
            line=document.get("line"),
        )
    except (KeyError, TypeError, ProtocolError) as error:
        raise _other("production order", error) from error


def setup_json(setup: EnergySetup) -> Document:
    """Rule, carriers and products as JSON."""
    rule = setup.rule
    return {
        "rule": {
            "by": rule.by.value,
            "scope": rule.scope.value,
            "over": rule.over.value,
            "notForProducts": [
                {"name": one.name, "share": number_text(one.share), "meters": list(one.meters)}
                for one in rule.not_for_products
            ],
        },
        "carriers": {
            name: {"unit": one.unit, **_properties(one.properties)}
            for name, one in setup.carriers.items()
        },
        "products": {name: _properties(one) for name, one in setup.products.items()},
    }


def setup_of(document: Mapping[str, Any]) -> EnergySetup:
    """Read what `setup_json` wrote.

    Raises:
        RollUpError: it is something else.
    """
    try:
        rule = document["rule"]
        return EnergySetup(
            AllocationRule(
                By(rule["by"]),
                Scope(rule["scope"]),
                Over(rule["over"]),
                tuple(
                    NotForProducts(one["name"], number_of(one["share"]), tuple(one["meters"]))
                    for one in rule["notForProducts"]
                ),
            ),
            {
                name: Carrier(one["unit"], _properties_of(one))
                for name, one in document["carriers"].items()
            },
            {name: _properties_of(one) for name, one in document["products"].items()},
        )
    except (KeyError, TypeError, ValueError, ProtocolError) as error:
        raise _other("rule of allocation", error) from error


def digest_of(
    measured: Iterable[Measured], orders: Iterable[ProductionOrder], setup: EnergySetup
) -> str:
    """The digest of everything that an allocation follows from, in whatever order it comes."""
    document = {
        "measured": sorted(map(measured_json, measured), key=_measured_key),
        "orders": sorted(map(order_json, orders), key=lambda one: str(one["id"])),
        "setup": setup_json(setup),
    }
    return digest_of_bytes(canonical_bytes(document))


def _measured_key(document: Document) -> tuple[str, str, str]:
    at = document.get("at")
    return document["meter"], at or document["start"], at or document["end"]


def _quantity(quantity: Quantity) -> Document:
    return {"amount": number_text(quantity.amount), "unit": quantity.unit}


def _quantity_of(document: Mapping[str, Any]) -> Quantity:
    return Quantity(number_of(document["amount"]), document["unit"])


def _properties(properties: PhysicalProperties) -> Document:
    found = {one.name: getattr(properties, one.name) for one in fields(properties)}
    return {name: number_text(value) for name, value in found.items() if value is not None}


def _properties_of(document: Mapping[str, Any]) -> PhysicalProperties:
    names = [one.name for one in fields(PhysicalProperties)]
    return PhysicalProperties(
        **{name: number_of(document[name]) for name in names if name in document}
    )


def _other(what: str, error: Exception) -> RollUpError:
    return RollUpError(f"what is stored as a {what} is none: {error}")
