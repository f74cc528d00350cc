"""The types of the properties of a footprint (PACT 3.0, Basic Types).

Each type carries what the specification publishes (as JSON Schema) and what we expect, in words.
The published patterns are not anchored at both ends in all their alternatives (`1abc` passes for a
positive decimal): here the whole text has to match, and signs are judged by the number.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, TimeError
from underseal_protocol.times import Timestamp, parse_time
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

Hint: TypeAlias = Callable[[Any], str | None]


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


def _decimal_hint(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'Put the number in quotes: "{value}".'
    if not isinstance(value, str):
        return None
    text = value.strip().replace("\N{MINUS SIGN}", "-")
    for candidate in (text, text.replace(",", "."), text.replace(",", "").replace(" ", "")):
        try:
            parse_decimal(candidate)
        except DecimalError:
            continue
        if candidate != value:
            return f'Did you mean "{candidate}"?' if len(candidate) <= 60 else None
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", text):
        return "Write all digits instead of an exponent."
    return None


def _decimal_type(
    read: Callable[[object], Decimal], pattern: str, text: str, hint: Hint
) -> tuple[Any, ...]:
    schema = {"type": "string", "format": "decimal", "pattern": pattern}
    return PlainValidator(read), WithJsonSchema(schema), Expectation(text, hint)


def _not_positive_hint(value: Any) -> str | None:
    is_text = isinstance(value, str) and re.fullmatch(r"\+?[0-9]+(\.[0-9]+)?", value)
    return "Removals and uptake are negative." if is_text else _decimal_hint(value)


AnyDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _decimal,
        r"^[+-]?\d+(\.\d+)?$",
        'a decimal number in quotes, such as "12.5"',
        _decimal_hint,
    ),
]
PositiveDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _positive,
        r"^[+]?(\d*[1-9]\d*)(\.\d+)?|(0+\.\d*[1-9]\d*)$",
        'a decimal number greater than 0 in quotes, such as "12.5"',
        _decimal_hint,
    ),
]
PositiveOrZeroDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _positive_or_zero,
        r"^[+]?\d+(\.\d+)?$",
        'a decimal number in quotes that is 0 or more, such as "12.5"',
        _decimal_hint,
    ),
]
NegativeOrZeroDecimal = Annotated[
    Decimal,
    *_decimal_type(
        _negative_or_zero,
        r"^(-\d+(\.\d+)?)|0+(\.0+)?$",
        'a decimal number in quotes that is 0 or less, such as "-12.5"',
        _not_positive_hint,
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


def _upper_hint(value: Any) -> str | None:
    upper = value.strip().upper() if isinstance(value, str) else ""
    if upper != value and (COUNTRY.fullmatch(upper) or SUBDIVISION.fullmatch(upper)):
        return f'Did you mean "{upper}"?'
    return "Countries are written with two letters, such as DE; ISO 3166 has the list."


def _spec_version_hint(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]+\.[0-9]+", value):
        return f'Did you mean "{value}.0"?'
    return None


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
    Expectation('the version of the PACT Tech Specs, such as "3.0.0"', _spec_version_hint),
]
Country = Annotated[
    StrictStr,
    *_matching(COUNTRY.pattern, "^[A-Z]{2}$"),
    Expectation('a country code of ISO 3166-1, such as "DE"', _upper_hint),
]
Subdivision = Annotated[
    StrictStr,
    *_matching(SUBDIVISION.pattern, "^[A-Z]{2}-[A-Z0-9]{1,3}$"),
    Expectation('a subdivision code of ISO 3166-2, such as "DE-BW"', _upper_hint),
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


def _uuid_hint(value: Any) -> str | None:
    text = re.sub(r"[{}\s-]|^urn:uuid:", "", value.lower()) if isinstance(value, str) else ""
    if re.fullmatch("[0-9a-f]{32}", text):
        groups = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        return f'Did you mean "{"-".join(groups)}"?'
    return None


Uuid = Annotated[
    str,
    PlainValidator(_uuid),
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Expectation("a UUID, such as f4b1225a-bd44-4c8e-861d-079e4e1dfd69", _uuid_hint),
]


def _time(value: object) -> Timestamp:
    try:
        return parse_time(value)  # type: ignore[arg-type]
    except TimeError as error:
        raise ValueError(error.message) from None


def _time_hint(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    for candidate in (f"{value}Z", f"{value}T00:00:00Z"):
        try:
            parse_time(candidate)
        except TimeError:
            continue
        return f'Did you mean "{candidate}"?'
    return None


Time = Annotated[
    Timestamp,
    PlainValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Expectation("a date and time with zone, such as 2025-04-30T00:00:00Z", _time_hint),
]

# RFC 3986 section 3, without its finer points; characters of other scripts are let through.
_URI = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`\x00-\x1f\x7f]+""")


def _uri(text: str) -> str:
    if _URI.fullmatch(text) is None:
        raise ValueError("not a URI")
    return text


def _uri_hint(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", value):
        return f'Did you mean "https://{value}"?' if len(value) <= 200 else None
    return None


Uri = Annotated[
    StrictStr,
    AfterValidator(_uri),
    WithJsonSchema({"type": "string", "format": "uri"}),
    Expectation("a URL, such as https://example.com/document", _uri_hint),
]


def _urn(text: str) -> str:
    if text[:4].lower() != "urn:":
        raise ValueError("not a URN")
    return text


def _urn_hint(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch("[0-9]{8}|[0-9]{12,14}", value):
        return f'Did you mean "urn:gtin:{value}"?'
    return 'A number of your own becomes "urn:pact:your-domain.example:product-id:NUMBER".'


UrnText = Annotated[
    StrictStr,
    AfterValidator(_urn),
    WithJsonSchema({"type": "string", "format": "urn", "pattern": "^([uU][rR][nN]):"}),
    Expectation('a URN, such as "urn:gtin:4712345060507"', _urn_hint),
]

# --- lists and choices ------------------------------------------------------------------------


def _without_repetition(items: Any) -> Any:
    if isinstance(items, list):
        seen: set[str] = set()
        for item in items:
            key = item if isinstance(item, str) else json.dumps(item, sort_keys=True, default=repr)
            if key in seen:
                raise PydanticCustomError(DUPLICATE, "an item occurs twice")
            seen.add(key)
    return items


# For a list: at least one item, none of them twice.
UNIQUE = (
    BeforeValidator(_without_repetition),
    Field(min_length=1, json_schema_extra={"uniqueItems": True}, strict=True),
)


def choice_expectation(choices: Iterable[str]) -> Expectation:
    """Of a property that has one of these values."""
    known = tuple(choices)

    def hint(value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        by_case = {one.lower(): one for one in known}
        close = difflib.get_close_matches(value.strip().lower()[:100], by_case, 1)
        return f'Did you mean "{by_case[close[0]]}"?' if close else None

    return Expectation("one of " + ", ".join(f'"{one}"' for one in known), hint)
