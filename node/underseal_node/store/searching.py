"""What a list is searched and ordered by, and which part of it is wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, bindparam, case, func, or_
from sqlmodel import Session, select

from underseal_node.store.listed import plain
from underseal_node.store.tables import Peer

__all__ = [
    "MAX_OFFSET",
    "Condition",
    "Order",
    "Part",
    "Word",
    "called_so",
    "found_in",
    "held_in",
    "is_one_of",
    "part_of",
]

MAX_OFFSET = 10_000_000

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Word:
    """Something that has to be found in a row, in one of its forms.

    Attributes:
        forms: parts of texts, in any case.
        states: words of the node, such as a state or a unit, that are meant as a whole.
    """

    forms: Sequence[str]
    states: frozenset[str] = frozenset()

    @property
    def folded(self) -> list[str]:
        """The forms as they are looked for."""
        return [plain(one) for one in self.forms]

    def among(self, words: Sequence[str]) -> list[str]:
        """Those of some words of the node that are meant, or have one of the forms in them."""
        forms = self.folded
        return [
            one for one in words if one in self.states or any(form in plain(one) for form in forms)
        ]


@dataclass(frozen=True)
class Part:
    """Which part of a list is wanted.

    Attributes:
        sort: name of what it is ordered by; None: newest first.
        is_down: from the highest on.
        limit: at most so many rows; None: all.
        offset: rows before that are left out, up to `MAX_OFFSET`.
        is_counted: whether to say how many rows there are on all parts.
    """

    sort: str | None = None
    is_down: bool = False
    limit: int | None = None
    offset: int = 0
    is_counted: bool = False


@dataclass(frozen=True)
class Order:
    """What the rows of a list can be ordered by.

    Attributes:
        number: the number of a row: the newest has the highest.
        columns: by their names on the wire.
        may_lack: names of those that are empty in some rows; these come last, up and down.
    """

    number: Any
    columns: Mapping[str, Any]
    may_lack: frozenset[str] = frozenset()

    def by(self, part: Part) -> list[tuple[Any, bool]]:
        """Expressions, each with whether it is from the highest on; what is alike: newest first."""
        newest = (self.number, True)
        if part.sort is None:
            return [newest]
        column = self.columns[part.sort]
        lacking = [(case((column == "", 1), else_=0), False)] if part.sort in self.may_lack else []
        return [*lacking, (column, part.is_down), newest]


def found_in(column: Any, word: Word) -> Condition:
    """Whether a folded text has one of the forms of a word in it."""
    return or_(*(column.contains(one, autoescape=True) for one in word.folded))


def held_in(column: Any, word: Word) -> Condition:
    """Whether a text that is not folded has one of the forms of a word in it, in any case.

    SQLite knows upper case of ASCII alone: of others, the usual ways to write them are looked for.
    """
    forms = {
        variant
        for one in word.forms
        for variant in ({one} if one.isascii() else {one, one.lower(), one.upper(), one.title()})
    }
    return or_(*(column.icontains(one, autoescape=True) for one in sorted(forms)))


def called_so(session: Session, peer_id: Any, word: Word) -> Condition:
    """Whether the name of a peer has one of the forms of a word in it.

    Args:
        session: to read the names.
        peer_id: the column with its id.
        word: what is looked for.
    """
    forms, names = word.folded, session.exec(select(Peer.id, Peer.name)).all()
    called = [key for key, name in names if any(form in plain(name) for form in forms)]
    return is_one_of(peer_id, [key for key in called if key is not None])


def is_one_of(column: Any, numbers: Collection[int]) -> Condition:
    """Whether a number is one of some, of which there may be more than parameters."""
    as_they_are: Any = bindparam(None, sorted(numbers), expanding=True, literal_execute=True)
    return cast(Condition, column.in_(as_they_are))


def part_of(
    session: Session, statement: Select[Any], order: Order, part: Part
) -> tuple[list[int], int | None]:
    """The numbers of the rows of a part of a list, in its order, and how many there are of all.

    The end of a list is looked for from its end: to leave out a million rows of a sorted list is to
    sort them all.

    Args:
        session: to read.
        statement: selects the numbers of all rows that are found.
        order: of them.
        part: which; how many there are is None unless it asks for that.
    """
    total: int | None = None
    limit, offset, is_turned = part.limit, part.offset, False
    if part.is_counted:
        total = session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        if limit is not None and offset > total // 2:
            limit = max(0, min(limit, total - offset))
            offset, is_turned = max(0, total - offset - limit), True
    if limit == 0:
        return [], total
    directed = [
        one.desc() if is_down is not is_turned else one.asc() for one, is_down in order.by(part)
    ]
    ordered = statement.order_by(*directed).limit(limit)
    found = session.execute(ordered.offset(offset) if offset else ordered).scalars()
    numbers = [int(one) for one in found]
    return numbers[::-1] if is_turned else numbers, total
