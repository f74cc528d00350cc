"""Calculating products, and publishing what comes out.

A calculation reads everything in one transaction and changes nothing. Publishing signs what it has
calculated, keeps with it what it was made from (`used`), and replaces the footprint of the same
product, period, place and declared unit if there is one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.products import bills
from underseal_node.products.bills import Bill, digest_of
from underseal_node.products.used import Used
from underseal_node.publishing.changing import store_signed, successor
from underseal_node.publishing.comparing import DEPRECATED, of_subject
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, as_published, draft_of
from underseal_node.publishing.publish import sign_all
from underseal_node.publishing.results import UnpublishableError
from underseal_node.store import products
from underseal_node.store.product_tables import RollUpRow
from underseal_node.store.tables import Footprint
from underseal_protocol.rollup.calculation import DEFAULT_DIGITS, RollUp, RollUpOptions, roll_up
from underseal_protocol.rollup.what_if import Change, Comparison, compare

__all__ = [
    "Calculation",
    "Outcome",
    "Prepared",
    "PublishedProduct",
    "calculate",
    "digits_of",
    "loaded",
    "prepare",
    "prepare_calculated",
    "publish",
    "result_json",
    "row_of",
    "used_of",
    "what_if",
]

PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"
KEPT_CONTRIBUTIONS = 1_000
# What a footprint gets when it is published.
SET_BY_PUBLISHING = frozenset({"id", "created", "precedingPfIds"})


class Outcome(StrEnum):
    """What publishing makes of a calculation."""

    NEW = "new"
    SUCCESSOR = "successor"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Calculation:
    """A result and what it was made from.

    Attributes:
        bill: the inputs.
        result: of the roll-up.
        calculated_at: when.
    """

    bill: Bill
    result: RollUp
    calculated_at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """A calculation that can be published.

    Attributes:
        calculation: what is published.
        draft: ready to be signed.
        old: the own, active footprint of the same; None if there is none.
        outcome: what publishing will make of it.
    """

    calculation: Calculation
    draft: Draft = field(repr=False)
    old: Footprint | None
    outcome: Outcome

    @property
    def fingerprint(self) -> str:
        """The same for the same content, whenever it is calculated."""
        document = self.draft.document
        return digest_of(
            {name: one for name, one in document.items() if name not in SET_BY_PUBLISHING}
        )


@dataclass(frozen=True, slots=True)
class PublishedProduct:
    """What came of publishing.

    Attributes:
        footprint_id: of the footprint; in a dry run, of what would be published.
        outcome: what became of it, or would.
        deprecated: the id of the footprint that it replaces.
        notified: names of the peers that are told.
        prepared: the calculation and the draft.
    """

    footprint_id: str
    outcome: Outcome
    deprecated: str | None
    notified: tuple[str, ...]
    prepared: Prepared


async def loaded(node: Node, product_id: str) -> Bill:
    """What the calculation of a product needs.

    Raises:
        NotFoundError: there is no such product.
        RollUpError: a footprint is not clear.
    """
    now = node.now()
    return await node.store.read(
        lambda session: bills.load(session, product_id, now, node.identity)
    )


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
    bill = await loaded(node, product_id)
    now = node.now()
    return await asyncio.to_thread(_calculated, bill, product_id, now, digits_of(node, digits))


async def what_if(node: Node, product_id: str, changes: Sequence[Change]) -> Comparison:
    """Calculate a product as it is and with changes; nothing is changed.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError: it cannot be calculated, or a change has nothing to change.
    """
    bill = await loaded(node, product_id)
    inputs = await node.store.read(lambda session: bills.everything(session, bill))
    return await asyncio.to_thread(compare, inputs, product_id, changes)


def digits_of(node: Node, digits: int | None) -> int:
    """How many significant digits the figures of a calculation keep."""
    return digits or node.settings.round_significant_digits or DEFAULT_DIGITS


async def prepare(node: Node, product_id: str, *, digits: int | None = None) -> Prepared:
    """Calculate a product and find out what publishing would make of it.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError, SchemaError: it cannot be calculated.
        UnpublishableError: it cannot be published.
    """
    calculation = await calculate(node, product_id, digits=digits)
    return await prepare_calculated(node, calculation)


async def prepare_calculated(node: Node, calculation: Calculation) -> Prepared:
    """As `prepare`, of what has been calculated."""
    document = calculation.result.document
    rest = {name: one for name, one in document.items() if name not in SET_BY_PUBLISHING}
    source = PlacedDocument(rest, lambda pointer: pointer)
    name = _name(calculation)
    made = draft_of(source, name, node.identity, node.now())
    if not isinstance(made, Draft):
        raise UnpublishableError(made)
    known = await node.store.read(lambda session: of_subject(session, made, node.identity))
    active = next((one for one in known if one.status != DEPRECATED), None)
    if active is None and not known:
        return Prepared(calculation, made, None, Outcome.NEW)
    if active is None:
        again = draft_of(source, name, node.identity, node.now(), new_id=True)
        if not isinstance(again, Draft):
            raise UnpublishableError(again)
        return Prepared(calculation, again, None, Outcome.NEW)
    same = as_published(made, active, node.now().date())
    if same is not None:
        return Prepared(calculation, same, active, Outcome.UNCHANGED)
    new = successor(source, active, node, name, None)
    return Prepared(calculation, new, active, Outcome.SUCCESSOR)


async def publish(
    node: Node, prepared: Prepared, then: Callable[[Session, str], None] | None = None
) -> PublishedProduct:
    """Publish what has been prepared, and keep what it was made from.

    Args:
        node: who publishes.
        prepared: of a moment ago.
        then: more to write in the transaction; takes the session and the id of the footprint.

    Raises:
        RefusedError: what it replaces has been deprecated meanwhile.
        UnpublishableError: another one was published meanwhile.
    """
    old, draft = prepared.old, prepared.draft
    footprint_id = draft.id if prepared.outcome is not Outcome.UNCHANGED else _id(old)

    def keep(session: Session) -> None:
        products.record_roll_up(session, row_of(prepared.calculation, footprint_id))
        if then is not None:
            then(session, footprint_id)

    if prepared.outcome is Outcome.UNCHANGED:
        await node.store.write(keep)
        return PublishedProduct(footprint_id, prepared.outcome, None, (), prepared)
    (signed,) = await asyncio.to_thread(sign_all, node, [draft])
    told = await store_signed(node, _name(prepared.calculation), signed, old, keep)
    deprecated = None if old is None else old.id
    return PublishedProduct(footprint_id, prepared.outcome, deprecated, tuple(told), prepared)


def row_of(calculation: Calculation, footprint_id: str) -> RollUpRow:
    """How a footprint was calculated, for storage."""
    used = calculation.bill.used
    return RollUpRow(
        footprint_id=footprint_id,
        product_id=used.root,
        used=json.dumps(used.to_json(), ensure_ascii=False),
        result=json.dumps(result_json(calculation), ensure_ascii=False),
        calculated_at=calculation.calculated_at,
    )


def result_json(calculation: Calculation, limit: int | None = KEPT_CONTRIBUTIONS) -> dict[str, Any]:
    """What a calculation has found, exactly: figures as fractions, contributions, findings."""
    result = calculation.result
    product = calculation.bill.inputs.products[calculation.bill.used.root]
    return {
        "declaredUnit": {
            "amount": str(product.declared_unit.amount),
            "unit": product.declared_unit.unit,
        },
        "figures": {name: str(value) for name, value in result.figures.items()},
        "identities": {name: str(one) for name, one in result.identities.items()},
        "explanation": result.explanation.to_json(limit),
    }


def used_of(row: RollUpRow) -> Used:
    """What a footprint was calculated from."""
    return Used.of_json(json.loads(row.used))


def _calculated(bill: Bill, product_id: str, now: datetime, digits: int) -> Calculation:
    result = roll_up(
        bill.inputs,
        product_id,
        footprint_id=PLACEHOLDER_ID,
        created=now,
        options=RollUpOptions(significant_digits=digits),
    )
    return Calculation(bill, result, now)


def _name(calculation: Calculation) -> str:
    return f"product {calculation.bill.used.root}"


def _id(footprint: Footprint | None) -> str:
    assert footprint is not None  # noqa: S101 - unchanged is only what exists
    return footprint.id
