"""Calculating products: everything is read in one transaction, and nothing is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.products import bills
from underseal_node.products.bills import Bill
from underseal_node.products.used import Used
from underseal_node.store.product_tables import DraftRollUpRow, RollUpRow
from underseal_protocol.rollup.calculation import DEFAULT_DIGITS, RollUp, RollUpOptions, roll_up
from underseal_protocol.rollup.inputs import RollUpInputs
from underseal_protocol.rollup.what_if import Change, Comparison, compare, sources_of

__all__ = [
    "SET_BY_PUBLISHING",
    "Calculation",
    "calculate",
    "digits_of",
    "recalculate",
    "row_of",
    "used_of",
    "what_if",
]

PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"
# What a footprint gets when it is published.
SET_BY_PUBLISHING = frozenset({"id", "created", "precedingPfIds"})


@dataclass(frozen=True, slots=True)
class Calculation:
    """A result and what it was made from.

    Attributes:
        bill: the inputs.
        result: of the roll-up.
        calculated_at: when.
        digits: significant ones of each figure.
    """

    bill: Bill
    result: RollUp
    calculated_at: datetime
    digits: int


async def calculate(node: Node, product_id: str, *, digits: int | None = None) -> Calculation:
    """Calculate a product as it is now; nothing is changed.

    Args:
        node: whose product it is.
        product_id: of the product.
        digits: significant ones of each figure.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError, SchemaError: it cannot be calculated.
    """
    now = node.now()
    bill = await node.store.read(
        lambda session: bills.load(session, product_id, now, node.identity)
    )
    return await asyncio.to_thread(_calculated, bill, now, digits_of(node, digits))


async def recalculate(calculation: Calculation, digits: int) -> Calculation:
    """The same inputs with other digits: rounding a rounded figure is not the same."""
    return await asyncio.to_thread(_calculated, calculation.bill, calculation.calculated_at, digits)


async def what_if(node: Node, product_id: str, changes: Sequence[Change]) -> Comparison:
    """Calculate a product as it is and with changes; nothing is changed.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError: it cannot be calculated, or a change has nothing to change.
    """
    now = node.now()

    def load(session: Session) -> RollUpInputs:
        loader = bills.Loader(session, now, node.identity)
        return bills.everything(session, loader.load(product_id, sources_of(changes)))

    inputs = await node.store.read(load)
    return await asyncio.to_thread(compare, inputs, product_id, changes)


def digits_of(node: Node, digits: int | None) -> int:
    """How many significant digits the figures of a calculation keep."""
    return digits or node.settings.round_significant_digits or DEFAULT_DIGITS


def row_of(calculation: Calculation, footprint_id: str) -> RollUpRow:
    """How a footprint was calculated, for storage."""
    used = calculation.bill.used
    return RollUpRow(
        footprint_id=footprint_id,
        product_id=used.root,
        used=json.dumps(used.to_json(), ensure_ascii=False),
        result=json.dumps(_result_json(calculation), ensure_ascii=False),
        calculated_at=calculation.calculated_at,
    )


def _result_json(calculation: Calculation) -> dict[str, Any]:
    """What later calculations are compared with: the figures, exactly, as fractions."""
    product = calculation.bill.inputs.products[calculation.bill.used.root]
    return {
        "declaredUnit": {
            "amount": str(product.declared_unit.amount),
            "unit": product.declared_unit.unit,
        },
        "figures": {name: str(value) for name, value in calculation.result.figures.items()},
    }


def used_of(row: RollUpRow | DraftRollUpRow) -> Used:
    """What a footprint was calculated from."""
    return Used.of_json(json.loads(row.used))


def _calculated(bill: Bill, now: datetime, digits: int) -> Calculation:
    result = roll_up(
        bill.inputs,
        bill.used.root,
        footprint_id=PLACEHOLDER_ID,
        created=now,
        options=RollUpOptions(significant_digits=digits),
        findings=bill.findings,
    )
    return Calculation(bill, result, now, digits)
