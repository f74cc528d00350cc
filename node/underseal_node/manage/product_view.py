"""Products, matches and calculations as the management API answers them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlmodel import Session

from underseal_node.manage.context import finding, problem_shapes
from underseal_node.manage.shapes.products import (
    CalculationShape,
    CauseShape,
    EnergyFailureShape,
    ImportedItemShape,
    ItemsImportedShape,
    LineFindingShape,
    LineShape,
    ProductPublishedShape,
    ProposalShape,
    RefreshShape,
    RollUpShape,
    StaleShape,
    SuccessionShape,
)
from underseal_node.manage.shapes.releases import VerdictShape
from underseal_node.products.bills import PCF
from underseal_node.products.calculating import Calculation, used_of
from underseal_node.products.candidates import Proposal, text_of
from underseal_node.products.gate import Judged
from underseal_node.products.importing import ImportedItem, ItemsImported
from underseal_node.products.matching import EnergyFailure, LineState
from underseal_node.products.refreshing import Refreshed
from underseal_node.products.releasing import Prepared, PublishedProduct
from underseal_node.products.staleness import Reason, Stale, reasons
from underseal_node.store import footprints, products
from underseal_node.store.product_tables import RollUpRow
from underseal_node.store.tables import Footprint
from underseal_protocol.rollup.documents import source_json
from underseal_protocol.rollup.explanation import number_json
from underseal_protocol.rollup.findings import RollUpFinding
from underseal_protocol.rollup.inputs import SourcedLine, Transport
from underseal_protocol.rollup.numbers import exact, shown_text

__all__ = [
    "amount_text",
    "calculation_shape",
    "failure_shapes",
    "findings_shape",
    "imported_shape",
    "line_shape",
    "published_shape",
    "refresh_shape",
    "roll_up_shapes",
    "stale_shape",
    "succession_shapes",
    "verdict_shape",
]


def imported_shape(found: ItemsImported) -> ItemsImportedShape:
    """What came of a file."""
    return ItemsImportedShape(
        dry_run=found.dry_run,
        products=[_item(one) for one in found.products],
        factors=[_item(one) for one in found.factors],
        problems=problem_shapes(found.problems),
        warnings=problem_shapes(found.warnings),
    )


def _item(one: ImportedItem) -> ImportedItemShape:
    return ImportedItemShape(id=one.id, name=one.name, lines=one.lines, outcome=one.outcome)


def failure_shapes(failures: Iterable[EnergyFailure]) -> list[EnergyFailureShape]:
    """Why metered energy is missing."""
    return [
        EnergyFailureShape(products=list(one.products), message=one.message, hint=one.hint)
        for one in failures
    ]


def line_shape(state: LineState) -> LineShape:
    """A line and what it resolves to."""
    return LineShape(
        product=state.product_id,
        line=state.line.id,
        name=state.line.name,
        kind=str(state.line.kind),
        amount=amount_text(state.line),
        supplier=getattr(state.line, "supplier", None),
        source=None if state.chosen is None else source_json(state.chosen),
        label=state.chosen_label,
        peer=state.peer_name,
        missing=state.missing,
        is_decided=state.is_decided,
        proposals=[_proposal(one) for one in state.proposals],
    )


def amount_text(line: SourcedLine) -> str:
    """The amount of a line for people, such as `0.4 t x 800 km`."""
    if isinstance(line, Transport):
        parts = [line.load, *([] if line.distance is None else [line.distance])]
    else:
        parts = [line.quantity]
    return " x ".join(f"{shown_text(exact(one.amount))} {one.unit}" for one in parts)


def _proposal(one: Proposal) -> ProposalShape:
    return ProposalShape(
        source=source_json(one.offer.source),
        text=text_of(one.offer.source),
        label=one.offer.label,
        reasons=list(one.reasons),
        is_certain=one.is_certain,
    )


def stale_shape(one: Stale) -> StaleShape:
    """A stale footprint and why."""
    return StaleShape(
        footprint=one.footprint_id,
        product=one.product_id,
        calculated_at=one.calculated_at,
        is_draft=one.is_draft,
        causes=[_cause(each) for each in one.reasons],
    )


def _cause(one: Reason) -> CauseShape:
    return CauseShape(cause=one.cause, message=one.message, path=list(one.path))


def roll_up_shapes(session: Session, product_id: str) -> list[RollUpShape]:
    """The footprints that were calculated from a product, newest first."""
    rows = products.roll_ups(session, product_id)
    published = footprints.find_many(session, [row.footprint_id for row in rows])
    return [_roll_up_shape(row, published[row.footprint_id]) for row in rows]


def succession_shapes(session: Session, product_id: str) -> list[SuccessionShape]:
    """The same, each with what was different from the one that it replaced."""
    rows = products.roll_ups(session, product_id)
    published = footprints.find_many(session, [row.footprint_id for row in rows])
    known = {row.footprint_id: row for row in rows}
    shapes = []
    for row in rows:
        footprint = published[row.footprint_id]
        preceding = json.loads(footprint.summary).get("precedingPfIds") or ()
        # What a file has replaced may have named several; the last is the newest.
        old = next((known[one] for one in reversed(preceding) if one in known), None)
        shapes.append(
            SuccessionShape(
                **_roll_up_shape(row, footprint).model_dump(),
                replaces=None if old is None else old.footprint_id,
                causes=[] if old is None else _causes_between(old, row),
            )
        )
    return shapes


def _roll_up_shape(row: RollUpRow, footprint: Footprint) -> RollUpShape:
    unit = json.loads(row.result)["declaredUnit"]
    return RollUpShape(
        footprint=row.footprint_id,
        calculated_at=row.calculated_at,
        pcf=json.loads(footprint.summary).get(PCF),
        unit=f"{unit['amount']} {unit['unit']}",
        status=footprint.status,
    )


def _causes_between(old: RollUpRow, new: RollUpRow) -> list[CauseShape]:
    found = reasons(used_of(old), used_of(new), old.calculated_at, new.calculated_at)
    return [_cause(one) for one in found]


def findings_shape(found: Iterable[RollUpFinding]) -> list[LineFindingShape]:
    """What a person should look at."""
    return [
        LineFindingShape(
            rule=one.rule,
            severity=one.severity,
            message=one.message,
            hint=one.hint,
            lines=[str(line) for line in one.lines],
        )
        for one in found
    ]


def calculation_shape(
    calculation: Calculation, prepared: Prepared | None, limit: int | None
) -> CalculationShape:
    """A result, and what the methodology says of the footprint that it would be."""
    result = calculation.result
    return CalculationShape(
        product=calculation.bill.used.root,
        document=result.document,
        figures={name: number_json(value) for name, value in result.figures.items()},
        identities={name: str(one) for name, one in result.identities.items()},
        findings=findings_shape(result.findings),
        methodology=[] if prepared is None else [finding(one) for one in prepared.draft.findings],
        explanation=result.explanation.to_json(limit),
    )


def published_shape(done: PublishedProduct, *, dry_run: bool) -> ProductPublishedShape:
    """What came of publishing."""
    calculation, judged = done.prepared.calculation, done.prepared.judged
    pcf = done.prepared.draft.document["pcf"]
    return ProductPublishedShape(
        product=calculation.bill.used.root,
        footprint=done.footprint_id,
        outcome=done.outcome,
        deprecated=done.deprecated,
        notified=list(done.notified),
        dry_run=dry_run,
        pcf=str(pcf[PCF]),
        unit=f"{pcf['declaredUnitAmount']} {pcf['declaredUnitOfMeasurement']}",
        findings=findings_shape(calculation.result.findings),
        methodology=[finding(one) for one in done.prepared.draft.findings],
        gate=None if judged is None else verdict_shape(judged),
    )


def verdict_shape(judged: Judged) -> VerdictShape:
    """What the release gate says."""
    return VerdictShape.model_validate(judged.verdict.to_json())


def refresh_shape(one: Refreshed) -> RefreshShape:
    """A stale footprint beside what it would be now."""
    published, percent = one.published, one.change_percent
    return RefreshShape(
        stale=stale_shape(one.stale),
        figures={name: each.to_json() for name, each in one.figures.items()},
        change_percent=None if percent is None else shown_text(percent),
        digest=one.digest,
        problem=one.problem,
        published=None if published is None else published.footprint_id,
        outcome=None if one.prepared is None else one.prepared.outcome,
        notified=[] if published is None else list(published.notified),
    )
