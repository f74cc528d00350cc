"""All that a footprint states, in groups that people read, with a label for each member of PACT.

A footprint that was received may be broken: whatever is of another kind than it should be is shown
as the JSON that it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from underseal_node.console.marks import _
from underseal_node.console.property_names import GROUPS, WORDS, Kind
from underseal_protocol.disclosure import (
    Block,
    Level,
    block_of,
    is_attestation_entry,
    is_credential_entry,
)
from underseal_protocol.text_limits import MAX_ITEMS, MAX_TEXT_CHARACTERS

__all__ = ["EXTENSIONS", "Group", "Member", "figure_of", "filled_blocks", "groups_of", "seen_at"]

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Member:
    """One thing that a footprint states.

    Attributes:
        label: marked for the catalogues; empty for members that PACT does not know.
        name: of PACT.
        kind: how it is shown; `list`: several texts; `code`: JSON.
        value: of that kind.
    """

    label: str
    name: str
    kind: Kind
    value: Any


@dataclass(frozen=True)
class Group:
    """Members that belong together.

    Attributes:
        label: marked for the catalogues.
        members: those that are stated.
    """

    label: str
    members: tuple[Member, ...]


EXTENSIONS = _("Extensions")
"""The group of what is in extensions, such as signatures."""

_KNOWN = frozenset(row[0] for _label, rows in GROUPS for row in rows)
_HOLDERS = frozenset({"pcf", "pcf/dqi", "pcf/verification", "extensions"})


def groups_of(document: Json) -> list[Group]:
    """All that a footprint states, in groups; those with nothing in them are left out.

    Args:
        document: a footprint, perhaps a broken one.
    """
    stated = dict(_leaves(document))
    found = []
    for label, rows in GROUPS:
        members = [
            _member(text, name, kind, stated[name]) for name, text, kind in rows if name in stated
        ]
        found.append(Group(label, tuple(members)))
    found.append(Group(EXTENSIONS, tuple(_extensions(document.get("extensions")))))
    others = [
        Member("", name.removeprefix("pcf/"), "code", _json(value))
        for name, value in stated.items()
        if name not in _KNOWN
    ]
    found.append(Group(_("Other members"), tuple(others)))
    return [one for one in found if one.members]


def figure_of(document: Json) -> tuple[str, str, str] | None:
    """The figure of a footprint, and amount and unit that it is for; None if one is no text."""
    pcf = document.get("pcf")
    names = ("pcfExcludingBiogenicUptake", "declaredUnitAmount", "declaredUnitOfMeasurement")
    values = [pcf.get(name) if isinstance(pcf, dict) else None for name in names]
    if not all(isinstance(one, str) for one in values):
        return None
    return str(values[0]), str(values[1]), str(values[2])


def seen_at(document: Json, level: Level) -> dict[str, Any]:
    """A footprint without what a disclosure level withholds.

    Args:
        document: an own footprint, with everything.
        level: of a reader.
    """
    shown = {
        name: value
        for name, value in document.items()
        if name not in ("pcf", "extensions") and _is_shown(f"/{name}", level)
    }
    shown["pcf"] = {
        name: value for name, value in document["pcf"].items() if _is_shown(f"/pcf/{name}", level)
    }
    return shown


def filled_blocks(document: Json) -> set[Block]:
    """The blocks of which a footprint states something, as a peer gets it."""
    names = [f"/{name}" for name in document if name not in ("pcf", "extensions")]
    names += [f"/pcf/{name}" for name in document.get("pcf", ())]
    found = {block_of(name) for name in names}
    for entry in document.get("extensions", ()):
        if not is_credential_entry(entry):
            found.add(_block_of_extension(entry))
    return {one for one in found if one is not None}


def _is_shown(pointer: str, level: Level) -> bool:
    block = block_of(pointer)
    return block is None or block in level.blocks


def _block_of_extension(entry: Any) -> Block:
    return Block.VERIFICATION if is_attestation_entry(entry) else Block.OTHER


def _leaves(document: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What is stated, by its way; of a holder that is none, itself."""
    for name, value in document.items():
        way = f"{prefix}{name}"
        if value is None or way == "extensions":
            continue
        if way in _HOLDERS and isinstance(value, dict):
            yield from _leaves(value, f"{way}/")
        else:
            yield way, value


def _member(label: str, way: str, kind: Kind, value: Any) -> Member:
    name = way.rpartition("/")[2]
    if kind == "list" and isinstance(value, list):
        return Member(label, name, "list", [_short(_item(one)) for one in value[:MAX_ITEMS]])
    if kind == "flag" and isinstance(value, bool):
        return Member(label, name, "flag", value)
    if not isinstance(value, str):
        return Member(label, name, "code", _json(value))
    if kind in ("date", "word"):
        is_so = _is_time(value) if kind == "date" else value in WORDS
        return Member(label, name, kind if is_so else "text", value)
    return Member(label, name, "number" if kind == "number" else "text", _short(value))


def _item(value: Any) -> str:
    """One of several: a text, a database with its version, or the rules of an operator."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(one, str | list) for one in value.values()):
        texts = [
            ", ".join(map(str, one)) if isinstance(one, list) else one for one in value.values()
        ]
        return " · ".join(texts)
    return _json(value)


def _extensions(entries: Any) -> Iterator[Member]:
    """By what they are of; what is in them is in the JSON."""
    for entry in entries if isinstance(entries, list) else ():
        schema = entry.get("dataSchema") if isinstance(entry, dict) else None
        if not isinstance(schema, str):
            yield Member("", "extensions", "code", _json(entry))
            continue
        label = _("Credential") if is_credential_entry(entry) else _("Extension")
        yield Member(label, "dataSchema", "text", schema)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _json(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False, indent=1))


def _short(text: str) -> str:
    """What one place of a page takes; only what was refused for its length is longer."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else f"{text[:MAX_TEXT_CHARACTERS]} …"
