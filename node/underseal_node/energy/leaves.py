"""Readings, orders and the rule, leaf by leaf, as they are committed to (ADR 17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from underseal_node.energy.usage import Records
from underseal_protocol.rollup.allocation_json import (
    EnergySetup,
    measured_json,
    order_json,
    setup_json,
)
from underseal_protocol.rollup.metering import Measured, Register

__all__ = ["energy_leaves"]

# Values of a meter in one leaf: a year of quarter hours is seventy leaves, one of months is twelve.
MAX_VALUES = 500
MAX_NAME_CHARACTERS = 240  # of the 300 of an id

Leaf = dict[str, Any]


def energy_leaves(records: Sequence[Records]) -> Iterator[Leaf]:
    """What energy was allocated by, one leaf each: the rule, what is known of products that were
    made, production orders, and the values of each meter by the month that they begin in.

    Args:
        records: of the reference periods of a calculation, at least one.
    """
    rule = records[0].setup
    yield {"kind": "rule", "id": "rule", **_rule(rule)}
    made = {name: one for each in records for name, one in each.mattered.products.items()}
    known = setup_json(EnergySetup(rule.rule, {}, made))["products"]
    for name in sorted(known):
        if known[name]:
            yield {"kind": "made", "id": f"made:{name}", "product": name, **known[name]}
    orders = {one.id: one for each in records for one in each.orders}
    for number, name in enumerate(sorted(orders), 1):
        document = order_json(orders[name])
        order = document.pop("id")
        yield {"kind": "order", "id": f"order:{_named(name, number)}", "order": order, **document}
    measured = {(*_place(one), _end(one)): one for each in records for one in each.measured}
    yield from _of_meters(measured[key] for key in sorted(measured))


def _rule(setup: EnergySetup) -> Leaf:
    document = setup_json(EnergySetup(setup.rule, setup.carriers, {}))
    return {"rule": document["rule"], "carriers": document["carriers"]}


def _of_meters(measured: Iterable[Measured]) -> Iterator[Leaf]:
    """
    Args:
        measured: by meter and time.
    """
    for (meter, carrier, line, unit, _), values in groupby(measured, _run):
        found = [measured_json(one) for one in values]
        for first in range(0, len(found), MAX_VALUES):
            part = found[first : first + MAX_VALUES]
            columns = [one for one in ("at", "start", "end", "amount") if one in part[0]]
            yield {
                "kind": "readings",
                "id": f"readings:{meter.replace(',', ';')}/{part[0][columns[0]]}",
                "meter": meter,
                "carrier": carrier,
                **({} if line is None else {"line": line}),
                "unit": unit,
                "columns": columns,
                "values": [[one[name] for name in columns] for one in part],
            }


def _run(one: Measured) -> tuple[str, str, str | None, str, str]:
    """What values in one leaf have in common."""
    unit = one.value.unit if isinstance(one, Register) else one.quantity.unit
    return one.meter, one.carrier, one.line, unit, f"{_place(one)[1]:%Y-%m}"


def _place(one: Measured) -> tuple[str, datetime]:
    return one.meter, one.at if isinstance(one, Register) else one.start


def _end(one: Measured) -> datetime:
    return one.at if isinstance(one, Register) else one.end


def _named(name: str, number: int) -> str:
    """An id that can be named in a list, whatever orders are called."""
    if len(name) <= MAX_NAME_CHARACTERS and "," not in name:
        return name
    return f"{name[:MAX_NAME_CHARACTERS].replace(',', ';')} ({number})"
