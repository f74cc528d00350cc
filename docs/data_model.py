"""docs/reference/data-model.md, from the models, the disclosure blocks and the list of rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from data_model_texts import MEANINGS, UNITS
from pydantic import TypeAdapter

from underseal_protocol import fields
from underseal_protocol.carbon import (
    REGIONS,
    STANDARDS,
    CarbonFootprint,
    DataQualityIndicators,
    EmissionFactorSource,
    ProductOrSectorSpecificRule,
    Verification,
)
from underseal_protocol.carbon import UNITS as UNITS_OF_MEASUREMENT
from underseal_protocol.disclosure import Block, Level, block_of
from underseal_protocol.footprint import DataModelExtension, ProductFootprint
from underseal_protocol.methodology_rules import RULES, TOLERANCE
from underseal_protocol.model import Model

# Each type with the place that it has in a footprint.
MODELS: tuple[tuple[type[Model], str], ...] = (
    (ProductFootprint, ""),
    (CarbonFootprint, "/pcf"),
    (ProductOrSectorSpecificRule, "/pcf/productOrSectorSpecificRules/0"),
    (EmissionFactorSource, "/pcf/secondaryEmissionFactorSources/0"),
    (DataQualityIndicators, "/pcf/dqi"),
    (Verification, "/pcf/verification"),
    (DataModelExtension, "/extensions/0"),
)

TYPES = {
    "text": (fields.Text, "Any text, also an empty one.", "As it is."),
    "non-empty text": (fields.NonEmptyText, "At least one character.", "As it is."),
    "true or false": (fields.Flag, "Without quotes.", "As it is."),
    "decimal": (
        fields.AnyDecimal,
        "Digits in quotes, a point before the fraction, optionally a sign; no comma, no exponent.",
        "Every digit of the fraction stays; `+` and leading zeros go. Never rounded.",
    ),
    "decimal > 0": (fields.PositiveDecimal, "The same.", "The same."),
    "decimal >= 0": (fields.PositiveOrZeroDecimal, "The same; `-0` is refused.", "The same."),
    "decimal <= 0": (fields.NegativeOrZeroDecimal, "The same.", "The same."),
    "time": (
        fields.Time,
        "RFC 3339 with any offset; the seconds may be missing, a space may stand for `T`.",
        "In UTC with `Z`; all digits of a fraction of a second stay.",
    ),
    "UUID": (fields.Uuid, "32 hexadecimal digits in five groups.", "In lower case."),
    "URN": (
        fields.UrnText,
        "A text that begins with `urn:`; more is a matter of the rule `identifier`.",
        "As it is.",
    ),
    "URL": (
        fields.Uri,
        "RFC 3986; characters of other scripts are let through.",
        "Characters of other scripts percent-encoded.",
    ),
    "version": (fields.SpecVersion, "Such as `3.0.0` or `3.0.0-20250101`.", "As it is."),
    "country": (fields.Country, "Two capital letters.", "As it is."),
    "subdivision": (
        fields.Subdivision,
        "Two capital letters, a hyphen, one to three capital letters or digits.",
        "As it is.",
    ),
    "assessment report": (fields.CharacterizationFactor, "`AR` and a number.", "As it is."),
}

# Lists of values that are too long for a table.
LONG_CHOICES = {UNITS_OF_MEASUREMENT: "units of measurement", REGIONS: "regions"}

INTRODUCTION = """\
# Data model

<!-- Written by `make docs` from the models, the disclosure blocks and the list of rules. -->

A footprint is a `ProductFootprint` of PACT 3.0 with all its properties. This page says how
Underseal reads and writes it, who sees which part, and which rules of the methodology are checked.

Two layers are told apart. The *schema* is what a footprint looks like: if it is broken, nothing is
published, and what comes from a peer is `invalid`. The
[rules of the methodology](#methodology-rules) are what a footprint has to tell: breaking them is a
finding, and whoever answers for the footprint decides. `underseal footprint check FILE` shows both.

**Undefined.** A property that is `null` is as good as absent, and is left out in what we write.

**Long.** A name (`companyName`, `productNameCompany`) has at most 500 characters, a URN 1,000, any
other text 10,000; a list has at most 1,000 items. What is longer is refused like what breaks the
schema, with its place. PACT sets no limit; these keep one text from filling every page that it
stands on. Extensions are not looked into.

**Unknown.** Properties that PACT does not define are kept on every level and passed on with the
very values that were read, and so is all that is inside of extensions.

**Order.** Properties are written in the order of this page, unknown ones behind them as they came.

**Numbers** in unknown properties and extensions must be exact IEEE doubles, or the footprint cannot
be signed; write others as text.

**Who sees it.** Every property belongs to the core, which every peer with a grant gets, or to one
of six blocks, which are shown or withheld as one; the column *Level* names the lowest disclosure
level that shows it. See [Who can see what](../explanation/who-can-see-what.md) and
[ADR 1](../adr/0001-credential-blocks.md).
"""

SEVERITIES = """\
| Severity | Meaning |
|---|---|
| `error` | Breaks a SHALL or a MUST, or does not add up. |
| `warning` | Probably a mistake, or what will break a SHALL. |
| `info` | Could be better. |
"""


def part() -> dict[str, str]:
    """For `generate`."""
    sections = [INTRODUCTION, _types(), *(_model(*one) for one in MODELS), _choices(), _rules()]
    return {"data-model.md": "\n".join(sections)}


def _types() -> str:
    rows = ([name, read, written] for name, (_, read, written) in TYPES.items())
    return f"## Types\n\n{_table(('Type', 'As we read it', 'As we write it'), rows)}"


def _model(model: type[Model], place: str) -> str:
    name = model.__name__
    schema = model.model_json_schema(by_alias=True)
    required, meanings = set(schema.get("required", ())), MEANINGS[name]
    if schema["properties"].keys() != meanings.keys():
        raise LookupError(f"{name}: {schema['properties'].keys() ^ meanings.keys()}")
    rows = [
        [
            f"`{prop}`",
            _type_of(one),
            UNITS.get(prop, "") if model is CarbonFootprint else "",
            "yes" if prop in required else "",
            *_disclosure(f"{place}/{prop}"),
            meanings[prop],
        ]
        for prop, one in schema["properties"].items()
    ]
    heads = ["Property", "Type", "Unit", "Required", "Part", "Level", "Meaning"]
    if model is not CarbonFootprint:
        heads, rows = _without_column(heads, rows, "Unit")
    about = " ".join(str(model.__doc__).split())
    note = (
        "\nAll figures but percentages are per declared unit: `declaredUnitAmount` times "
        "`declaredUnitOfMeasurement`. At most one of the three geographies is stated.\n"
        if model is CarbonFootprint
        else ""
    )
    return f"## {name}\n\n{about}\n{note}\n{_table(heads, rows)}"


def _without_column(
    heads: list[str], rows: list[list[str]], head: str
) -> tuple[list[str], list[list[str]]]:
    at = heads.index(head)
    return heads[:at] + heads[at + 1 :], [row[:at] + row[at + 1 :] for row in rows]


def _type_of(schema: dict[str, Any]) -> str:
    """The name of a type, from the JSON Schema of a property."""
    if "anyOf" in schema:  # or undefined
        (schema,) = (one for one in schema["anyOf"] if one != {"type": "null"})
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "items" in schema:
        least = ", at least one" if schema.get("minItems") else ""
        unique = ", none twice" if schema.get("uniqueItems") else ""
        return f"list of {_type_of(schema['items'])}{least}{unique}"
    if "enum" in schema:
        title = LONG_CHOICES.get(tuple(schema["enum"]))
        if title is not None:
            return f"one of the [{title}](#values)"
        return " or ".join(f"`{value}`" for value in schema["enum"])
    return _named(schema) or "object"


def _named(schema: dict[str, Any]) -> str | None:
    demanded = _demanded(schema)
    for name, (annotation, *_) in TYPES.items():
        if _demanded(TypeAdapter[Any](annotation).json_schema()) == demanded:
            return name
    if schema["type"] != "object":
        raise LookupError(f"no name for the type {json.dumps(schema)}")
    return None


def _demanded(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: schema.get(name) for name in ("type", "format", "pattern", "minLength")}


def _disclosure(pointer: str) -> tuple[str, str]:
    """The part that a property is in, and the lowest level that shows it."""
    if pointer == "/status":
        return "-", f"`{Level.TOTAL}`"
    if pointer == "/pcf":
        return "by its properties", ""
    if pointer == "/extensions":
        return f"`{Block.OTHER}`; the credential in none", f"`{Level.FULL}`"
    block = block_of(pointer)
    if block is None:
        return "core", f"`{Level.TOTAL}`"
    level = next(one for one in Level if block in one.blocks)
    return f"`{block}`", f"`{level}`"


def _choices() -> str:
    lists = [(title, choices) for choices, title in LONG_CHOICES.items()]
    paragraphs = [f"**{title.capitalize()}**: {_listed(choices)}." for title, choices in lists]
    paragraphs.append(
        f"**Standards** that PACT names: {_listed(STANDARDS)}. Others are accepted, with a finding."
    )
    return "## Values\n\n" + "\n\n".join(paragraphs) + "\n"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _rules() -> str:
    rows = (
        [
            f"`{rule.id}`",
            _listed(rule.severities),
            rule.meaning,
            ", ".join(rule.sections),
        ]
        for rule in RULES.values()
    )
    return "\n".join(
        [
            "## Methodology rules",
            "",
            "Nothing is said about properties in blocks that are withheld. Sections that are "
            "numbers are those of the PACT Methodology 3.0, the others chapters of the Tech Specs.",
            "",
            SEVERITIES,
            f"**Tolerance of sums.** {TOLERANCE}",
            "",
            _table(("Rule", "Severity", "What it demands", "Section"), rows),
        ]
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join(_lines(list(heads), rows))


def _lines(heads: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n"
    yield f"|{'---|' * len(heads)}\n"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n"
