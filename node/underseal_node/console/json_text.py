"""JSON laid out to be read: the same members in the same order, every number as it is written."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["laid_out"]

INDENT = "  "


class _Number(str):
    """A number as it stands in the text."""


def laid_out(content: bytes) -> str:
    """A document with a member on each line.

    Args:
        content: JSON that this node has read before.
    """
    document = json.loads(content, parse_float=_Number, parse_int=_Number)
    return "".join(_parts(document, ""))


def _parts(value: Any, indent: str) -> list[str]:
    if isinstance(value, _Number):
        return [str(value)]
    if isinstance(value, dict) and value:
        members = [
            (f"{json.dumps(name, ensure_ascii=False)}: ", one) for name, one in value.items()
        ]
        return _block("{", "}", members, indent)
    if isinstance(value, list) and value:
        return _block("[", "]", [("", one) for one in value], indent)
    return [json.dumps(value, ensure_ascii=False)]


def _block(opens: str, closes: str, members: list[tuple[str, Any]], indent: str) -> list[str]:
    inner = indent + INDENT
    parts = [opens]
    for place, (name, value) in enumerate(members):
        parts += ["," if place else "", "\n", inner, name, *_parts(value, inner)]
    return [*parts, "\n", indent, closes]
