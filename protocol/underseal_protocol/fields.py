"""The types of the properties of a footprint (PACT 3.0, Basic Types).

Each type carries what the specification publishes (as JSON Schema) and what we expect, in words.
The published patterns are not anchored at both ends in all their alternatives (`1abc` passes for a
positive decimal): here the whole text has to match, and signs are judged by the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PlainValidator,
    StrictBool,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, JsonError, TimeError
from underseal_protocol.hints import (
    NO_ALIASES,
    Hint,
    choice_hint,
    country_hint,
    decimal_hint,
    negative_or_zero_hint,
    spec_version_hint,
    subdivision_hint,
    time_hint,
    uri_hint,
    urn_hint,
    uuid_hint,
)
from underseal_protocol.times import Timestamp, parse_time
from underseal_protocol.uris import as_uri
from underseal_protocol.uuids import is_uuid

__all__ = [
    "COUNTRY",
    "DUPLICATE",
    "SUBDIVISION",
    "UNIQUE",
    "AnyDecimal",
    "CharacterizationFactor",
    "Country",
    "Expectation",
    "Flag",
    "NegativeOrZeroDecimal",
    "NonEmptyText",
    "PositiveDecimal",
    "PositiveOrZeroDecimal",
    "SpecVersion",
    "Subdivision",
    "Text",
    "Time",
    "Uri",
    "UrnText",
    "Uuid",
    "choice_expectation",
]

DUPLICATE = "duplicate_item"  # the type of the error


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a value has to be, in words.

    Attributes:
        text: goes after "expected".
        hint: what usually helps, given the value that is there.
    """

    text: str
    hint: Hint | None = None


# --- decimals ---------------------------------------------------------------------------------


def _decimal(value: object) -> Decimal:
    try:
        return parse_decimal(value)  # type: ignore[arg-type]
    except DecimalError as error:
        raise ValueError(error.message) from None


def _positive(value: object) -> Decimal:
    number = _decimal(value)
    if number <= 0:
        raise ValueError("not greater than 0")
    return number


def _positive_or_zero(value: object) -> Decimal:
    number = _decimal(value)
    if number.is_signed():  # also "-0", which the published pattern does not allow
        raise ValueError("less than 0")
    return number


def _negative_or_zero(value: object) -> Decimal:
    number = _decimal(value)
    if number > 0:
        raise ValueError("greater than 0")
    return number


def _decimal_type(
    read: Callable[[object], Decimal], pattern: str, text: str, hint: Hint
) -> tuple[Any, ...]:
    schema = {"type": "string", "format": "decimal", "pattern": pattern}
    return PlainValidator(read), WithJsonSchema(schema), Expectation(text, hint)


AnyDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _decimal,
        r"^[+-]?\d+(\.\d+)?$",
        'a decimal number in quotes, such as "12.5"',
        decimal_hint,
    ),
]
PositiveDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _positive,
        r"^[+]?(\d*[1-9]\d*)(\.\d+)?|(0+\.\d*[1-9]\d*)$",
        'a decimal number greater than 0 in quotes, such as "12.5"',
        decimal_hint,
    ),
]
PositiveOrZeroDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _positive_or_zero,
        r"^[+]?\d+(\.\d+)?$",
        'a decimal number in quotes that is 0 or more, such as "12.5"',
        decimal_hint,
    ),
]
NegativeOrZeroDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _negative_or_zero,
        r"^(-\d+(\.\d+)?)|0+(\.0+)?$",
        'a decimal number in quotes that is 0 or less, such as "-12.5"',
        negative_or_zero_hint,
    ),
]

# --- texts ------------------------------------------------------------------------------------


def _matching(pattern: str, published: str) -> tuple[Any, ...]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError("another form")
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": published})


COUNTRY = re.compile(r"[A-Z]{2}")
SUBDIVISION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")

Text = Annotated[StrictStr, Expectation("a text")]
NonEmptyText = Annotated[
    StrictStr, StringConstraints(min_length=1), Expectation("a text that is not empty")
]
Flag = Annotated[StrictBool, Expectation("true or false, without quotes")]
SpecVersion = Annotated[
    StrictStr,
    *_matching(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9]{8})?", r"^\d+\.\d+\.\d+(-\d{8})?$"),
    Expectation('the version of the PACT Tech Specs, such as "3.0.0"', spec_version_hint),
]
Country = Annotated[
    StrictStr,
    *_matching(COUNTRY.pattern, "^[A-Z]{2}$"),
    Expectation('a country code of ISO 3166-1, such as "DE"', country_hint),
]
Subdivision = Annotated[
    StrictStr,
    *_matching(SUBDIVISION.pattern, "^[A-Z]{2}-[A-Z0-9]{1,3}$"),
    Expectation('a subdivision code of ISO 3166-2, such as "DE-BW"', subdivision_hint),
]
CharacterizationFactor = Annotated[
    StrictStr,
    *_matching("AR[0-9]+", r"^AR\d+$"),
    Expectation('an IPCC assessment report, such as "AR6"'),
]


def _uuid(value: object) -> str:
    if not is_uuid(value):
        raise ValueError("not a UUID")
    return str(value).lower()  # RFC 9562 section 4: written in lower case


Uuid = Annotated[
    str,
    PlainValidator(_uuid),
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Expectation("a UUID, such as f4b1225a-bd44-4c8e-861d-079e4e1dfd69", uuid_hint),
]


def _time(value: object) -> Timestamp:
    try:
        return parse_time(value)  # type: ignore[arg-type]
    except TimeError as error:
        raise ValueError(error.message) from None


Time = Annotated[
    Timestamp,
    PlainValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Expectation("a date and time with zone, such as 2025-04-30T00:00:00Z", time_hint),
]


def _uri(text: str) -> str:
    uri = as_uri(text)
    if uri is None:
        raise ValueError("not a URI")
    return uri


Uri = Annotated[
    StrictStr,
    AfterValidator(_uri),
    WithJsonSchema({"type": "string", "format": "uri"}),
    Expectation("a URL, such as https://example.com/document", uri_hint),
]


def _urn(text: str) -> str:
    if text[:4].lower() != "urn:":
        raise ValueError("not a URN")
    return text


UrnText = Annotated[
    StrictStr,
    AfterValidator(_urn),
    WithJsonSchema({"type": "string", "format": "urn", "pattern": "^([uU][rR][nN]):"}),
    Expectation('a URN, such as "urn:gtin:4712345060507"', urn_hint),
]

# --- lists and choices ------------------------------------------------------------------------


def _without_repetition(items: list[Any]) -> list[Any]:
    # By what was read, not by what was written: a UUID in capitals is no second one.
    keys = {item if isinstance(item, str) else _members_as_text(item) for item in items}
    if len(keys) < len(items):
        raise PydanticCustomError(DUPLICATE, "an item occurs twice")
    return items


def _members_as_text(item: BaseModel) -> bytes:
    members = item.__dict__ | (item.__pydantic_extra__ or {})
    try:
        return canonical_bytes(members)
    except JsonError:  # a number that is no exact double, in a member that nobody has defined
        return repr(sorted(members.items())).encode("utf-8", "surrogatepass")


# For a list: at least one item, none of them twice.
UNIQUE = (
    Field(min_length=1, json_schema_extra={"uniqueItems": True}, strict=True),
    AfterValidator(_without_repetition),
)


def choice_expectation(
    choices: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES
) -> Expectation:
    """Of a property that has one of these values.

    Args:
        choices: the values.
        aliases: what else people write, in lower case, and the value that it stands for.
    """
    known = tuple(choices)
    text = "one of " + ", ".join(f'"{one}"' for one in known)
    return Expectation(text, choice_hint(known, aliases))
