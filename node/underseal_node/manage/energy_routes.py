"""Metered energy: import exports, and look at what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from underseal_node.energy.export import Files
from underseal_node.energy.importing import Counts, EnergyImported, import_energy
from underseal_node.energy.usage import EnergyOfPlant, energy_of_plant
from underseal_node.manage.context import RESPONSE, Context, problem_shapes, read_upload
from underseal_node.manage.shapes.base import GivenInstant
from underseal_node.manage.shapes.energy import (
    CarrierShape,
    CorrectionShape,
    CountsShape,
    EnergyImportInput,
    EnergyImportShape,
    EnergyShape,
    EnergyUsedShape,
    GapShape,
    LineEnergyShape,
    ProductEnergyShape,
    QuantityShape,
    RuleShape,
    UnallocatedShape,
)
from underseal_protocol.rollup.allocation import ProductEnergy
from underseal_protocol.rollup.numbers import Number, exact, shown
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["router"]

MAX_LISTED = 1_000
# In base64, four characters are three bytes; names and the mapping come on top.
OVERHEAD_BYTES = 4 * 1024 * 1024

_FILE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "content"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 1024},
        "content": {"type": "string", "contentEncoding": "base64"},
    },
}
GIVEN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["file", "mapping"],
                    "additionalProperties": False,
                    "properties": {
                        "file": _FILE,
                        "mapping": _FILE,
                        "others": {"type": "array", "items": _FILE, "maxItems": 10},
                    },
                }
            }
        },
    }
}

router = APIRouter(prefix="/energy")


@router.post("/import", openapi_extra=GIVEN, **RESPONSE)
async def import_file(
    request: Request,
    context: Context,
    name: Annotated[
        str | None, Query(max_length=1024, description="of the export, for what is too large")
    ] = None,
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
) -> EnergyImportShape:
    """Take up what an export of meters or of an MES says, all of it or nothing."""
    limit = context.node.settings.max_import_bytes * 4 // 3 + OVERHEAD_BYTES
    body = await read_upload(request, limit)
    limits = JsonLimits(max_bytes=limit, max_depth=context.node.settings.max_json_depth)
    try:
        given = EnergyImportInput.model_validate(loads(body, limits=limits))
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_input=False)]
        ) from None
    files = Files(
        given.file.name,
        given.file.content,
        given.mapping.name,
        given.mapping.content,
        {one.name: one.content for one in given.others},
    )
    return _imported(await import_energy(context.node, files, dry_run=dry_run))


@router.get("", **RESPONSE)
async def show(
    context: Context,
    start: Annotated[GivenInstant | None, Query(alias="from")] = None,
    end: Annotated[GivenInstant | None, Query(alias="until")] = None,
) -> EnergyShape:
    """What was metered in a reference period, and which product has got how much of it."""
    return _shown(
        await context.node.store.read(lambda session: energy_of_plant(session, start, end))
    )


def _imported(done: EnergyImported) -> EnergyImportShape:
    return EnergyImportShape(
        dry_run=done.dry_run,
        file=done.file,
        digest=done.digest,
        readings=_counts(done.readings),
        orders=_counts(done.orders),
        rule=done.setup,
        corrections=[
            CorrectionShape(kind=one.kind, key=one.key, old=dict(one.old), new=dict(one.new))
            for one in done.corrections[:MAX_LISTED]
        ],
        problems=problem_shapes(done.problems),
        warnings=problem_shapes(done.warnings),
    )


def _counts(counts: Counts) -> CountsShape:
    return CountsShape(new=counts.new, unchanged=counts.unchanged, corrected=counts.corrected)


def _shown(plant: EnergyOfPlant) -> EnergyShape:
    found, used = plant.allocation, plant.used
    return EnergyShape(
        period_start=found.start,
        period_end=found.end,
        rule=RuleShape(
            by=found.rule.by,
            scope=found.rule.scope,
            over=found.rule.over,
            description=plant.description,
        ),
        carriers=[
            CarrierShape(
                carrier=one.carrier,
                unit=one.unit,
                metered=_text(one.metered),
                allocated=_text(one.allocated),
                unallocated=_text(one.unallocated),
            )
            for one in found.totals
        ],
        products=[_product(one) for one in found.products.values()],
        unallocated=[
            UnallocatedShape(
                carrier=one.carrier,
                line=one.line,
                amount=_text(one.quantity.amount),
                unit=one.quantity.unit,
                reason=one.reason,
                detail=one.detail or None,
            )
            for one in found.unallocated
        ],
        gaps=[
            GapShape(meter=one.meter, start=one.start, end=one.end)
            for one in found.gaps[:MAX_LISTED]
        ],
        used=EnergyUsedShape(
            digest=used.digest,
            rule_digest=used.setup_digest,
            readings=used.readings,
            orders=used.orders,
        ),
    )


def _product(one: ProductEnergy) -> ProductEnergyShape:
    produced = exact(one.produced.amount)
    return ProductEnergyShape(
        product=one.product,
        produced=QuantityShape(amount=_text(produced), unit=one.produced.unit),
        energy=[
            LineEnergyShape(
                carrier=line.carrier,
                line=line.line,
                amount=_text(line.quantity.amount),
                unit=line.quantity.unit,
                per_unit=_text(exact(line.quantity.amount) / produced) if produced else None,
            )
            for line in one.lines
        ],
    )


def _text(number: Number) -> str:
    return shown(exact(number))[0]
