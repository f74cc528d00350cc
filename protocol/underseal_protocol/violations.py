"""What is wrong with a document, in words for people: from the errors of the validation library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from underseal_protocol.carbon import GEOGRAPHIES, MANY_GEOGRAPHIES
from underseal_protocol.errors import Violation
from underseal_protocol.fields import DUPLICATE, Expectation

__all__ = ["geography_violation", "json_pointer", "violations_of"]

OBJECT = Expectation("an object with named members")
LEAVE_OUT = "Leave the property out if there is nothing to say."


def violations_of(
    model: type[BaseModel], document: Any, errors: Iterable[ErrorDetails]
) -> list[Violation]:
    """Every violation, in the order of the data model.

    Args:
        model: the type of the document.
        document: what was read.
        errors: what the model found.
    """
    found = [_violation(model, error) for error in errors if error["type"] != MANY_GEOGRAPHIES]
    # A rule about a whole object is not tried by the library where a member is wrong already.
    geography = geography_violation(document)
    return [*found, *([] if geography is None else [geography])]


def geography_violation(document: Any) -> Violation | None:
    """More than one geography (PACT 3.0, Scope of a CarbonFootprint)."""
    pcf = document.get("pcf") if isinstance(document, dict) else None
    if not isinstance(pcf, dict):
        return None
    stated = {name: pcf[name] for name in GEOGRAPHIES if pcf.get(name) is not None}
    if len(stated) < 2:
        return None
    return Violation(
        "/pcf",
        stated,
        "at most one geography: a region, a country or a subdivision",
        "Keep the one that the figures stand for; none of them means the whole world.",
    )


def json_pointer(path: Iterable[str | int]) -> str:
    """RFC 6901 section 3."""
    return "".join(f"/{str(one).replace('~', '~0').replace('/', '~1')}" for one in path)


def _violation(model: type[BaseModel], error: ErrorDetails) -> Violation:
    path, kind = error["loc"], error["type"]
    expectation, is_required = _expectation(model, path)
    pointer = json_pointer(path)
    if kind == "missing":
        return Violation(pointer, None, f"{expectation.text}; the property is required", None)
    value = error["input"]
    if kind == DUPLICATE:
        return Violation(pointer, value, "no item twice", "Remove the repetition.")
    hint = expectation.hint(value) if expectation.hint else None
    if not is_required and value in ("", []):
        hint = LEAVE_OUT
    return Violation(pointer, value, expectation.text, hint)


def _expectation(model: type[BaseModel], path: Sequence[str | int]) -> tuple[Expectation, bool]:
    """What is expected at a place, and whether something has to be there."""
    declared: Any = model
    metadata: Sequence[Any] = ()
    is_required = True
    for step in path:
        if isinstance(step, int):  # into a list
            declared, metadata, is_required = get_args(declared)[0], (), True
        else:
            field = next(one for one in declared.model_fields.values() if one.alias == step)
            declared, metadata, is_required = field.annotation, field.metadata, field.is_required()
        declared, metadata = _unwrapped(declared, metadata)
    named = [one for one in metadata if isinstance(one, Expectation)]
    return (named[-1] if named else OBJECT), is_required


def _unwrapped(declared: Any, metadata: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """The type behind `Annotated` and `| None`, with what was said about it on the way."""
    collected = list(metadata)
    while True:
        arguments = get_args(declared)
        if hasattr(declared, "__metadata__"):
            collected += declared.__metadata__
            declared = declared.__origin__
        elif type(None) in arguments:
            declared = next(one for one in arguments if one is not type(None))
        else:
            return declared, collected
