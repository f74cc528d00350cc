"""Products and factors as JSON: how they are imported, stored and committed to.

Names are those of the data model (`inputs`, `sources`) in camelCase, numbers are texts: decimals,
or fractions such as `1/3` where an allocation has made them. What is not said is left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from underseal_protocol.decimals import format_decimal
from underseal_protocol.errors import BillError, Violation
from underseal_protocol.rollup import inputs, sources, units
from underseal_protocol.rollup.document_models import (
    MAX_CHARACTERS,
    MAX_LINES,
    SOURCES,
    Document,
    FactorDocument,
    LineDocument,
    ProductDocument,
    QuantityDocument,
    SourceDocument,
)
from underseal_protocol.rollup.properties import STATED_NAMES
from underseal_protocol.times import format_time
from underseal_protocol.violations import json_pointer

__all__ = [
    "DEFAULT_NAMES",
    "REQUIRED",
    "factor_json",
    "factor_of",
    "line_of",
    "product_json",
    "product_of",
    "quantity_of",
    "source_json",
    "source_of",
]

# What a declaration gets from the node where a document says nothing.
DEFAULT_NAMES = ("companyName", "companyIds")
REQUIRED = "a value, which is missing"


def product_of(
    document: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> inputs.Product:
    """A product of its JSON. Whether it can be calculated is another question.

    Args:
        document: JSON values.
        defaults: members of the declaration where it does not say them, see `DEFAULT_NAMES`.

    Raises:
        BillError: it has another form; with everything that is wrong.
    """
    declared = document.get("declaration") if isinstance(document, Mapping) else None
    if defaults and isinstance(declared, Mapping):
        document = {**document, "declaration": {**defaults, **declared}}
    product: inputs.Product = _read(ProductDocument, document, "product")
    return product


def factor_of(document: Mapping[str, Any]) -> sources.Factor:
    """A factor of its JSON.

    Raises:
        BillError: it has another form; with everything that is wrong.
    """
    factor: sources.Factor = _read(FactorDocument, document, "factor")
    return factor


def product_json(product: inputs.Product) -> dict[str, Any]:
    """A product as JSON; `product_of` reads it back."""
    return _object(product)


def factor_json(factor: sources.Factor) -> dict[str, Any]:
    """A factor as JSON; `factor_of` reads it back."""
    return _object(factor)


def source_json(source: sources.Source) -> dict[str, Any]:
    """What a line resolves to, as JSON."""
    if isinstance(source, sources.LeftOut):
        return {"leftOut": _object(source)}
    (name,) = (name for name, kind in SOURCES.items() if type(source) is kind)
    return {name: source.id}


def source_of(document: Mapping[str, Any]) -> sources.Source:
    """What a line resolves to, of its JSON.

    Raises:
        BillError: it has another form.
    """
    source: sources.Source = _read(SourceDocument, document, "source")
    return source


def line_of(document: Mapping[str, Any]) -> inputs.Line:
    """A line of a bill of materials, of its JSON.

    Raises:
        BillError: it has another form.
    """
    line: inputs.Line = _read(LineDocument, {"line": document}, "line").line
    return line


def quantity_of(document: Mapping[str, Any]) -> inputs.Quantity:
    """An amount of a unit, of its JSON.

    Raises:
        BillError: it has another form.
    """
    quantity: inputs.Quantity = _read(QuantityDocument, document, "quantity")
    return quantity


# --- reading ------------------------------------------------------------------------------------


def _read(model: type[Document], document: Mapping[str, Any], what: str) -> Any:
    try:
        return _made(model.model_validate(document))
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise BillError(what, [_violation(model, one) for one in found]) from None


def _made(value: Any) -> Any:
    if isinstance(value, SourceDocument):
        return value.made()
    if isinstance(value, Document):
        given = {name: _made(getattr(value, name)) for name in type(value).model_fields}
        given.pop("kind", None)
        if given.get("properties", given) is None:
            given["properties"] = units.NO_PROPERTIES
        return type(value).makes(**given)
    if isinstance(value, tuple):
        return tuple(_made(one) for one in value)
    return value


_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "dict_type": "an object with named members",
    "model_type": "an object with named members",
    "model_attributes_type": "an object with named members",
    "missing": REQUIRED,
    "extra_forbidden": "nothing of this name",
    "too_long": f"at most {MAX_LINES} of them",
    "too_short": "at least one",
    "union_tag_not_found": "a kind",
}


def _violation(model: type[Document], error: Mapping[str, Any]) -> Violation:
    kind, message = error["type"], str(error["msg"])
    # The tag of the kind of line, which the library puts into the path, is no member.
    path = [one for one in error["loc"] if one not in _TAGS and one != "[key]"]
    if kind == "value_error":
        expected = message.removeprefix("Value error, ")
    elif kind in ("literal_error", "enum", "union_tag_invalid"):
        expected = message.removeprefix("Input should be ").partition(" expected tags: ")[2] or (
            message.removeprefix("Input should be ")
        )
        expected = "one of the names of PACT" if len(expected) > MAX_CHARACTERS / 8 else expected
    elif kind.endswith("too_long") and isinstance(error["input"], str):
        most, length = error["ctx"]["max_length"], len(str(error["input"]))
        expected = f"at most {most} characters; it has {length}"
    else:
        of = "string_" if isinstance(error["input"], str) and kind.startswith("too_") else ""
        expected = _EXPECTED.get(of + kind, message[:1].lower() + message[1:])
    value = None if kind == "missing" or isinstance(error["input"], Mapping) else error["input"]
    hint = _name_hint(str(path[-1])) if kind in ("extra_forbidden", "literal_error") else None
    return Violation(json_pointer(path), value, expected, hint)


_TAGS = frozenset(inputs.Kind)


def _all_names() -> set[str]:
    models = Document.__subclasses__()
    names = set(STATED_NAMES)
    while models:
        model = models.pop()
        models += model.__subclasses__()
        names |= {field.alias or name for name, field in model.model_fields.items()}
    return names


def _name_hint(name: str) -> str | None:
    close = difflib.get_close_matches(name, _all_names(), 1)
    return f"Did you mean {close[0]}?" if close and close[0] != name else None


# --- writing ------------------------------------------------------------------------------------


def _object(value: Any) -> dict[str, Any]:
    names = {
        name: field.alias or name for name, field in _model_of(type(value)).model_fields.items()
    }
    found: dict[str, Any] = {"kind": str(value.kind)} if hasattr(value, "kind") else {}
    for field in fields(value):
        content = getattr(value, field.name)
        if not _is_default(field, content):
            found[names[field.name]] = content if field.name == "year" else _value(content)
    return found


def _model_of(kind: type) -> type[Document]:
    models = Document.__subclasses__()
    while models:
        model = models.pop()
        if getattr(model, "makes", None) is kind:
            return model
        models += model.__subclasses__()
    raise AssertionError(f"there is no document of {kind.__name__}")


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return (field.default is not MISSING and bool(value == field.default)) or value is None


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Mapping):
        return {name: _value(one) for name, one in value.items()}
    if isinstance(value, sources.Source):
        return source_json(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Sequence):
        return [_value(one) for one in value]
    return _object(value)
