"""How long the texts of a footprint may be.

PACT 3.0 (Data Model) sets no limit. Whoever shows, searches or indexes footprints of others needs
one: a single text of many megabytes would fill every page that it stands on. The limits are far
above what anybody writes. What is in extensions has its own form, is passed on untouched and not
shown, and counts with the size of the whole only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from underseal_protocol.errors import Violation
from underseal_protocol.violations import json_pointer

__all__ = [
    "MAX_ITEMS",
    "MAX_NAME_CHARACTERS",
    "MAX_TEXT_CHARACTERS",
    "MAX_URN_CHARACTERS",
    "excesses",
]

MAX_NAME_CHARACTERS = 500
MAX_URN_CHARACTERS = 1_000  # more does not fit into every index
MAX_TEXT_CHARACTERS = 10_000
MAX_ITEMS = 1_000  # of a list

NAMES = frozenset({"companyName", "productNameCompany"})
URN_LISTS = frozenset({"companyIds", "productIds", "productClassifications"})
NOT_LOOKED_INTO = frozenset({"extensions"})
SHORTER = "Shorten it; what is longer belongs into a document that the text refers to."
FEWER = "Leave out what is not needed."

Way = tuple[str | int, ...]


def excesses(document: Mapping[str, Any]) -> list[Violation]:
    """Every text and every list of a footprint that is too long, in the order of the document.

    Args:
        document: a footprint, whether or not it has the form of PACT 3.0.
    """
    return [
        violation
        for name, value in document.items()
        if name not in NOT_LOOKED_INTO
        for violation in _excesses(value, (name,))
    ]


def _excesses(value: Any, way: Way) -> Iterator[Violation]:
    if isinstance(value, str):
        most, length = _most_characters(way), len(value)
        if length > most:
            expected = f"at most {most} characters; it has {length}"
            yield Violation(json_pointer(way), value, expected, SHORTER)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _excesses(inner, (*way, name))
    elif isinstance(value, list):
        count = len(value)
        if count > MAX_ITEMS:
            expected = f"at most {MAX_ITEMS} items; there are {count}"
            yield Violation(json_pointer(way), value[:1], expected, FEWER)
        else:
            for index, inner in enumerate(value):
                yield from _excesses(inner, (*way, index))


def _most_characters(way: Way) -> int:
    if len(way) == 1 and way[0] in NAMES:
        return MAX_NAME_CHARACTERS
    return MAX_URN_CHARACTERS if way[0] in URN_LISTS else MAX_TEXT_CHARACTERS
