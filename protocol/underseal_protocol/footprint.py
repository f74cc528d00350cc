"""`ProductFootprint` (PACT 3.0, Data Model): read liberally, written strictly.

Read liberally: null is undefined, properties that the specification does not define are kept, times
may have any offset. Written strictly: decimals with all their digits and no superfluous sign, times
with `Z`, UUIDs in lower case, undefined properties not at all, properties in the order of the
specification, unknown ones behind them as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import Field, ValidationError

from underseal_protocol.carbon import CarbonFootprint
from underseal_protocol.criteria import STATUSES, Status
from underseal_protocol.decimals import format_decimal
from underseal_protocol.errors import SchemaError, Violation
from underseal_protocol.fields import (
    UNIQUE,
    Expectation,
    NonEmptyText,
    SpecVersion,
    Text,
    Time,
    Uri,
    UrnText,
    Uuid,
    choice_expectation,
)
from underseal_protocol.model import Model
from underseal_protocol.times import Timestamp
from underseal_protocol.violations import violations_of

__all__ = [
    "DataModelExtension",
    "ProductFootprint",
    "normalise",
    "parse_footprint",
    "schema_violations",
    "to_document",
]

_PLAIN = frozenset({str, bool, dict})

StatusText = Annotated[Status, choice_expectation(STATUSES)]
Urns = Annotated[
    list[UrnText], *UNIQUE, Expectation("a list of at least one URN, none of them twice")
]


class DataModelExtension(Model):
    """Further information that the two sides have agreed on elsewhere. Passed on untouched."""

    spec_version: Text
    data_schema: Uri
    documentation: Uri | None = None
    data: Annotated[dict[str, Any], Field(strict=True), Expectation("an object with named members")]


class ProductFootprint(Model):
    """The footprint of a product."""

    id: Uuid
    spec_version: SpecVersion
    preceding_pf_ids: (
        Annotated[
            list[Uuid], *UNIQUE, Expectation("a list of at least one UUID, none of them twice")
        ]
        | None
    ) = None
    created: Time
    status: StatusText
    validity_period_start: Time | None = None
    validity_period_end: Time | None = None
    company_name: NonEmptyText
    company_ids: Urns
    product_description: Text
    product_ids: Urns
    product_classifications: Urns | None = None
    product_name_company: NonEmptyText
    comment: Text | None = None
    pcf: CarbonFootprint
    extensions: (
        Annotated[list[DataModelExtension], Field(strict=True), Expectation("a list of extensions")]
        | None
    ) = None


def parse_footprint(document: Mapping[str, Any]) -> ProductFootprint:
    """Read a footprint.

    Args:
        document: as read by `strict_json.loads`.

    Raises:
        SchemaError: it does not have the form of PACT 3.0; with every violation.
    """
    try:
        return ProductFootprint.model_validate(document)
    except ValidationError as error:
        raise SchemaError(_violations(document, error)) from None


def schema_violations(document: Mapping[str, Any]) -> list[Violation]:
    """Everything in which a document does not have the form of PACT 3.0; nothing if it has.

    Args:
        document: as read by `strict_json.loads`.
    """
    try:
        ProductFootprint.model_validate(document)
    except ValidationError as error:
        return _violations(document, error)
    return []


def normalise(document: Mapping[str, Any]) -> dict[str, Any]:
    """A footprint as we write it.

    Args:
        document: as read by `strict_json.loads`.

    Raises:
        SchemaError: it does not have the form of PACT 3.0.
    """
    return to_document(parse_footprint(document))


def to_document(model: Model) -> dict[str, Any]:
    """An object of the data model as JSON, written strictly.

    Unknown properties, and what is inside of extensions, are the very values that were read.
    """
    members = model.__dict__
    document: dict[str, Any] = {}
    for name, alias in _names(type(model)):
        value = members[name]
        if value is not None:
            # By exact type: this runs for all that is published, and asking whether something is a
            # model costs as much as writing it.
            kind = type(value)
            if kind is Decimal:
                value = format_decimal(value)
            elif kind is Timestamp:
                value = value.text
            elif kind is list:
                value = [item if type(item) is str else to_document(item) for item in value]
            elif kind not in _PLAIN:
                value = to_document(value)
            document[alias] = value
    if model.__pydantic_extra__:
        document.update(model.__pydantic_extra__)
    return document


@cache
def _names(model: type[Model]) -> tuple[tuple[str, str], ...]:
    """The names of the properties, ours and those of the specification."""
    return tuple((name, str(field.alias)) for name, field in model.model_fields.items())


def _violations(document: Mapping[str, Any], error: ValidationError) -> list[Violation]:
    return violations_of(
        ProductFootprint, document, error.errors(include_url=False, include_context=False)
    )
