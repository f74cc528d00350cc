"""The forms of the JSON of products and factors: a model for each class that `documents` makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)
from pydantic import Field as Member
from pydantic.alias_generators import to_camel

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, TimeError
from underseal_protocol.rollup import inputs, sources, units
from underseal_protocol.rollup.numbers import MAX_PLACES, Number
from underseal_protocol.rollup.properties import STATED_NAMES
from underseal_protocol.text_limits import MAX_NAME_CHARACTERS
from underseal_protocol.times import parse_time

__all__ = [
    "MAX_CHARACTERS",
    "MAX_LINES",
    "SOURCES",
    "Document",
    "FactorDocument",
    "LineDocument",
    "ProductDocument",
    "QuantityDocument",
    "SourceDocument",
]

MAX_CHARACTERS = 2_000
MAX_ID_CHARACTERS = 200  # more does not fit into every index
MAX_LINES = 100_000

_FRACTION = re.compile(rf"-?[0-9]{{1,{MAX_PLACES}}}/[1-9][0-9]{{0,{MAX_PLACES - 1}}}")


def _number(value: object) -> Number:
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return Fraction(value)
    try:
        return parse_decimal(value)  # type: ignore[arg-type]
    except DecimalError:
        raise ValueError('a decimal number in quotes, such as "12.5"') from None


def _moment(value: object) -> datetime:
    try:
        return parse_time(value)  # type: ignore[arg-type]
    except TimeError:
        raise ValueError('a time with offset, such as "2025-01-01T00:00:00Z"') from None


def _storable(value: object) -> object:
    if isinstance(value, str) and ("\0" in value or not _is_encodable(value)):
        raise ValueError("text without NUL and without half of a character")
    return value


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


Amount = Annotated[Any, PlainValidator(_number)]
Moment = Annotated[Any, PlainValidator(_moment)]
Text = Annotated[
    str,
    BeforeValidator(_storable),
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_CHARACTERS),
]
Name = Annotated[
    str,
    BeforeValidator(_storable),
    StringConstraints(
        strict=True, strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARACTERS
    ),
]
Id = Annotated[
    str,
    BeforeValidator(_storable),
    StringConstraints(
        strict=True, strip_whitespace=True, min_length=1, max_length=MAX_ID_CHARACTERS
    ),
]
Texts = tuple[Text, ...]
FigureName = Literal[STATED_NAMES]  # type: ignore[valid-type]
Figures = dict[FigureName, Amount]


class Document(BaseModel):
    """Base: camelCase, nothing unknown, and the class of the data model that it makes."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, arbitrary_types_allowed=True
    )
    makes: ClassVar[Callable[..., Any]]


class QuantityDocument(Document):
    makes = inputs.Quantity
    amount: Amount
    unit: Text


class _Quality(Document):
    makes = sources.DataQuality
    technological: Amount
    geographical: Amount
    temporal: Amount


class _Properties(Document):
    makes = units.PhysicalProperties
    density_kg_per_m3: Amount | None = Member(None, alias="densityKgPerM3")
    mass_kg_per_piece: Amount | None = Member(None, alias="massKgPerPiece")
    mass_kg_per_m2: Amount | None = Member(None, alias="massKgPerM2")
    energy_mj_per_kg: Amount | None = Member(None, alias="energyMjPerKg")
    energy_mj_per_m3: Amount | None = Member(None, alias="energyMjPerM3")


class _LeftOut(Document):
    makes = sources.LeftOut
    reason: Text
    estimate_kg_co2e: Amount = Member(0, alias="estimateKgCo2e")


SOURCES: dict[str, Callable[..., sources.Source]] = {
    "footprint": sources.FootprintSource,
    "factor": sources.FactorSource,
    "product": sources.ProductSource,
}


class SourceDocument(Document):
    footprint: Text | None = None
    factor: Text | None = None
    product: Text | None = None
    left_out: _LeftOut | None = None

    @model_validator(mode="after")
    def _is_one(self) -> SourceDocument:
        if len(self.model_fields_set) != 1:
            raise ValueError("exactly one of footprint, factor, product and leftOut")
        return self

    def made(self) -> sources.Source:
        """The source."""
        if self.left_out is not None:
            return sources.LeftOut(self.left_out.reason, self.left_out.estimate_kg_co2e)
        (name,) = self.model_fields_set
        return SOURCES[name](getattr(self, name))


class _Named(Document):
    id: Id
    name: Name
    is_primary: StrictBool = True
    quality: _Quality | None = None


class _Sourced(_Named):
    source: SourceDocument | None = None
    properties: _Properties | None = None
    with_outbound: StrictBool = True


class _Material(_Sourced):
    makes = inputs.Material
    kind: Literal["material"]
    quantity: QuantityDocument
    loss: Amount = 0
    retained: Amount = 1
    recycled_share: Amount | None = None
    supplier: Text | None = None
    product_ids: Texts = ()


class _Energy(_Sourced):
    makes = inputs.Energy
    kind: Literal["energy"]
    quantity: QuantityDocument
    process: Text | None = None


class _Transport(_Sourced):
    makes = inputs.Transport
    kind: Literal["transport"]
    load: QuantityDocument
    distance: QuantityDocument | None = None
    mode: inputs.Mode = inputs.Mode.OTHER
    direction: inputs.Direction = inputs.Direction.INBOUND
    carries: Text | None = None


class _Packaging(_Sourced):
    makes = inputs.Packaging
    kind: Literal["packaging"]
    quantity: QuantityDocument
    packs: Text | None = None


class _Waste(_Sourced):
    makes = inputs.Waste
    kind: Literal["waste"]
    quantity: QuantityDocument


class _Direct(_Named):
    makes = inputs.DirectEmission
    kind: Literal["direct"]
    emissions: Figures


_Line = Annotated[
    _Material | _Energy | _Transport | _Packaging | _Waste | _Direct, Member(discriminator="kind")
]


@dataclass(frozen=True)
class OneLine:
    """A line by itself."""

    line: inputs.Line


class LineDocument(Document):
    """A line by itself, for what is changed."""

    makes = OneLine
    line: _Line


class _Declaration(Document):
    makes = inputs.Declaration
    company_name: Name
    company_ids: Texts
    product_name: Name
    product_ids: Texts
    description: Text
    classifications: Texts = ()
    comment: Text | None = None
    period_start: Moment
    period_end: Moment
    geography: Text | None = None
    boundary: Text | None = None
    allocation: Text | None = None
    exempted_percent: Amount = 0
    exempted_description: Text | None = None
    capture_origin: Text | None = None
    ccu_credit_certification: Text | None = None
    standards: Texts = ("PACT-3.0",)
    assessment_reports: Texts = ("AR6",)
    specific_rules: tuple[dict[str, Any], ...] = ()


class ProductDocument(Document):
    makes = inputs.Product
    id: Id
    name: Name
    declared_unit: QuantityDocument
    mass_kg: Amount | None = None
    properties: _Properties | None = None
    basis: QuantityDocument | None = None
    yield_share: Amount = 1
    lines: tuple[_Line, ...] = Member((), max_length=MAX_LINES)
    packaging_included: StrictBool | None = None
    carbon_contents: Figures = Member(default_factory=dict)
    history: tuple[Amount, ...] = ()
    declaration: _Declaration | None = None

    @model_validator(mode="after")
    def _has_lines_once(self) -> ProductDocument:
        seen: set[str] = set()
        for line in self.lines:
            if line.id in seen:
                raise ValueError(f"lines with ids of their own ({line.id[:40]!r} is there twice)")
            seen.add(line.id)
        return self


class FactorDocument(Document):
    makes = sources.Factor
    id: Id
    name: Name
    values: Figures = Member(min_length=1)
    unit: Text
    amount: Amount = 1
    database: Text
    version: Text
    geography: Text | None = None
    year: StrictInt | None = None
    licence: Text | None = None
    is_primary: StrictBool = False
    is_verified: StrictBool = True
    assessment_reports: Texts = ()
    quality: _Quality | None = None
    properties: _Properties | None = None
