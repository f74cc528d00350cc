"""Publishing what was calculated: signed, with what it was made from, if the release gate lets it.

It replaces the footprint of the same product, period, place and declared unit if there is one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.products import gate
from underseal_node.products.bills import digest_of
from underseal_node.products.books import leaves_of
from underseal_node.products.calculating import (
    SET_BY_PUBLISHING,
    Calculation,
    calculate,
    digits_of,
    recalculate,
    row_of,
)
from underseal_node.products.gate import Judged
from underseal_node.publishing.changing import store_signed, successor
from underseal_node.publishing.comparing import of_subject
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, as_published, draft_of
from underseal_node.publishing.publish import sign_all
from underseal_node.publishing.results import UnpublishableError
from underseal_node.store import products, releases
from underseal_node.store.tables import Footprint
from underseal_protocol.commitment import commit
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.release.verdict import Acknowledgement

__all__ = [
    "Outcome",
    "Prepared",
    "PublishedProduct",
    "prepare",
    "prepare_calculated",
    "publish",
]


class Outcome(StrEnum):
    """What publishing makes of a calculation."""

    NEW = "new"
    SUCCESSOR = "successor"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A calculation that can be published.

    Attributes:
        calculation: what is published.
        draft: ready to be signed.
        old: the own, active footprint of the same; None if there is none.
        outcome: what publishing will make of it.
        judged: what the release gate says; None where nothing is published.
    """

    calculation: Calculation
    draft: Draft = field(repr=False)
    old: Footprint | None
    outcome: Outcome
    judged: Judged | None = None

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


async def prepare(node: Node, product_id: str, *, digits: int | None = None) -> Prepared:
    """Calculate a product and find out what publishing would make of it, and what the release gate
    says to it: it may want fewer digits, then it is calculated with these.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError, SchemaError: it cannot be calculated.
        ReleaseError: it is too large for the gate.
        UnpublishableError: it cannot be published.
    """
    wanted = digits_of(node, digits)
    prepared = await prepare_calculated(node, await calculate(node, product_id, digits=wanted))
    if prepared.outcome is Outcome.UNCHANGED:
        return await _judged_as_it_is(node, prepared, wanted)
    judged = await _judged(node, prepared, gate.thresholds_of(node.settings, wanted))
    if judged.verdict.digits < wanted:
        coarser = await recalculate(prepared.calculation, judged.verdict.digits)
        prepared = await prepare_calculated(node, coarser)
        if prepared.outcome is Outcome.UNCHANGED:
            return await _judged_as_it_is(node, prepared, judged.verdict.digits)
    return replace(prepared, judged=judged)


async def _judged_as_it_is(node: Node, prepared: Prepared, digits: int) -> Prepared:
    """What has been published just like this: judged if it never was, because it came by a file; it
    cannot become coarser any more."""
    known = _id(prepared.old)
    if await node.store.read(lambda session: releases.exposure(session, known)) is not None:
        return prepared
    thresholds = gate.thresholds_of(node.settings, digits)
    thresholds = replace(thresholds, min_digits=digits)
    return replace(prepared, judged=await _judged(node, prepared, thresholds))


async def _judged(node: Node, prepared: Prepared, thresholds: Thresholds) -> Judged:
    draft, now = prepared.draft, node.now()
    old_id = None if prepared.old is None else prepared.old.id
    return await node.store.read(
        lambda session: gate.judge_publication(
            session, prepared.calculation, draft.id, old_id, thresholds, draft.keys, now
        )
    )


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
    node: Node, prepared: Prepared, acknowledgement: Acknowledgement | None = None
) -> PublishedProduct:
    """Publish what has been prepared, and keep what it was made from and what it tells.

    Args:
        node: who publishes.
        prepared: of a moment ago.
        acknowledgement: of the operator, where the release gate advises against it.

    Raises:
        ReleaseRefusedError: a peer could compute a supplier's number.
        RefusedError: what it replaces has been deprecated meanwhile, or grants or readings have
            changed.
        UnpublishableError: another one was published meanwhile.
    """
    old, draft, judged = prepared.old, prepared.draft, prepared.judged
    footprint_id = draft.id if prepared.outcome is not Outcome.UNCHANGED else _id(old)
    if judged is not None:
        gate.require_publication(judged, acknowledgement)

    def keep(session: Session) -> None:
        products.record_roll_up(session, row_of(prepared.calculation, footprint_id))
        if judged is not None:
            gate.record_publication(
                session,
                judged,
                gate.Published(footprint_id, None if old is None else old.id, draft.keys),
                node.now(),
                acknowledgement,
            )

    if prepared.outcome is Outcome.UNCHANGED:
        await node.store.write(keep)
        return PublishedProduct(footprint_id, prepared.outcome, None, (), prepared)
    bill = prepared.calculation.bill
    leaves = await node.store.read(lambda session: leaves_of(session, bill, node.identity))
    committed = await asyncio.to_thread(commit, leaves)
    (signed,) = await asyncio.to_thread(sign_all, node, [draft], {draft.id: committed})
    told = await store_signed(node, _name(prepared.calculation), signed, old, keep)
    deprecated = None if old is None else old.id
    return PublishedProduct(footprint_id, prepared.outcome, deprecated, tuple(told), prepared)


def _name(calculation: Calculation) -> str:
    return f"product {calculation.bill.used.root}"


def _id(footprint: Footprint | None) -> str:
    assert footprint is not None  # noqa: S101 - unchanged is only what exists
    return footprint.id
