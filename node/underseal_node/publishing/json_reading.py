"""JSON files: one footprint, a list of them, or the answer of a PACT host system.

Numbers that are no exact doubles, names that occur twice and lone surrogates are refused before
anything is signed (docs/adr/0003-exact-numbers.md). The strict reader stops at the first of them;
a second look, taken only then, finds the places of all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from underseal_node.publishing.results import Problem
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, JsonValue, dumps, loads
from underseal_protocol.violations import json_pointer

__all__ = ["items_of", "problems_of", "read_json"]


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands where there is something that cannot be signed."""

    message: str
    hint: str | None


def read_json(content: bytes, limits: JsonLimits) -> JsonValue:
    """Read a file whose content is to be signed.

    Raises:
        JsonError: it is not JSON, or cannot be signed as it is.
    """
    return loads(content, limits=limits, exact_numbers=True)


def items_of(value: JsonValue) -> tuple[list[tuple[str, Any]], str]:
    """What should be footprints, each with the JSON pointer to it, and where they are.

    Args:
        value: what is in the file.
    """
    base = ""
    if isinstance(value, dict) and "data" in value and "pcf" not in value:
        value, base = value["data"], "/data"
    if isinstance(value, list):
        return [(f"{base}/{index}", item) for index, item in enumerate(value)], base
    return [(base, value)], base


def problems_of(name: str, content: bytes, error: JsonError) -> list[Problem]:
    """Every reason why a file cannot be signed, with its place.

    Args:
        name: of the file.
        content: of the file.
        error: what `read_json` raised.
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_number
    )
    try:
        value = decoder.decode(content.decode("utf-8-sig"))
        found = [
            Problem(name, json_pointer(path), flaw.message, flaw.hint)
            for path, flaw in _flaws(value, ())
        ]
    except (ValueError, RecursionError):  # not JSON at all, or nested too deeply
        found = []
    return found or [Problem(name, "", error.message, error.hint)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for member, value in pairs:
        if member in members:
            value = _Flaw("the name occurs twice in this object", "Keep one of the two.")
        members[member] = value
    return members


def _number(text: str) -> Any:
    return _flaw_of(lambda: loads(text, exact_numbers=True)) or float(text)


def _flaw_of(attempt: Callable[[], object]) -> _Flaw | None:
    try:
        attempt()
    except JsonError as error:
        return _Flaw(error.message, error.hint)
    return None


def _text_flaw(text: str) -> _Flaw | None:
    return _flaw_of(lambda: dumps(text))


def _flaws(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], _Flaw]]:
    flaw = _text_flaw(value) if isinstance(value, str) else value
    if isinstance(flaw, _Flaw):
        yield path, flaw
    elif isinstance(value, dict):
        for member, inner in value.items():
            in_name = _text_flaw(member)
            if in_name is None:
                yield from _flaws(inner, (*path, member))
            else:  # such a name cannot be part of a pointer
                yield path, in_name
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flaws(inner, (*path, index))
