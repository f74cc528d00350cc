"""The entries of the audit log in lists: those about a peer, of an act, with a word, in parts.

What entries say is in their canonical JSON. The database leaves out most of those that are not
meant; what is left is looked at, so that nobody finds a word in a hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import String, and_, cast, func, or_, true
from sqlmodel import Session, col, select

from underseal_node.store.audit_log import readable, sets
from underseal_node.store.audit_order import (
    BY_NUMBER,
    SORTS,
    Stored,
    numbers_of,
    part_of_all,
    rows_of,
)
from underseal_node.store.audit_tables import AuditRow
from underseal_node.store.listed import plain
from underseal_node.store.searching import Condition, Part, Word, held_in
from underseal_protocol.audit import unpack_ids

__all__ = ["SORTS", "AuditWanted", "entries", "find", "recent"]

ROWS_AT_A_TIME = 500
STATES = ("act", "actor", "outcome", "level")

ALIKE = re.compile(r"[!-~]+|[^\x00-\x7f]+")

Members = dict[str, Any]


@dataclass(frozen=True)
class AuditWanted:
    """Which entries are wanted.

    Attributes:
        peer_name: only those about the peer of this name.
        footprint_id: only those about this footprint.
        act: only those of this act.
        outcome: only those that ended so.
        words: all of them have to be found.
    """

    peer_name: str | None = None
    footprint_id: str | None = None
    act: str | None = None
    outcome: str | None = None
    words: Sequence[Word] = ()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == AuditWanted()


def recent(
    session: Session,
    *,
    peer_name: str | None = None,
    footprint_id: str | None = None,
    limit: int = 100,
) -> list[Members]:
    """The members of entries, newest first.

    Args:
        peer_name: only those about the peer of this name.
        footprint_id: only those about this footprint.
        limit: at most so many.
    """
    return find(session, AuditWanted(peer_name, footprint_id), Part(limit=limit))[0]


def find(session: Session, wanted: AuditWanted, part: Part) -> tuple[list[Members], int | None]:
    """The members of entries, newest first if nothing else is asked for.

    Args:
        session: to read.
        wanted: which.
        part: of them.

    Returns:
        these, and how many there are of all if the part asks for that.
    """
    if wanted.is_everything and not _is_by_number(part):
        some, total = part_of_all(session, part)
        return list(readable(some)), total
    if wanted.is_everything:
        statement = _ordered(part).offset(part.offset).limit(part.limit)
        rows = session.exec(statement).all()
        count = select(func.count()).select_from(AuditRow)
        return list(readable(rows)), session.exec(count).one() if part.is_counted else None
    found = entries(session, wanted, part)
    for _left_out in islice(found, part.offset):
        pass
    shown = list(islice(found, part.limit))
    if not part.is_counted:
        return shown, None
    rest = sum(1 for _entry in found)
    # Of a part behind the end, only going through all of it tells where that is.
    before = part.offset if shown or rest else sum(1 for _entry in entries(session, wanted, part))
    return shown, before + len(shown) + rest


def entries(session: Session, wanted: AuditWanted, part: Part) -> Iterator[Members]:
    """The members of all entries that are wanted, in the order of a part, not all in memory."""
    digests = None if wanted.footprint_id is None else _sets_with(session, wanted.footprint_id)
    for members in readable(_rows(session, wanted, part)):
        if _is_wanted(members, wanted, digests):
            yield members


def _rows(session: Session, wanted: AuditWanted, part: Part) -> Iterator[AuditRow | Stored]:
    """The rows that may be wanted, in the order of a part, not all in memory."""
    conditions = list(_conditions(wanted))
    if not _is_by_number(part):
        yield from rows_of(session, numbers_of(session, part, conditions))
        return
    number = col(AuditRow.number)
    statement = _ordered(part).where(*conditions).limit(ROWS_AT_A_TIME)
    last: int | None = None
    while rows := session.exec(
        statement
        if last is None
        else statement.where(number > last if _is_up(part) else number < last)
    ).all():
        last = rows[-1].number
        yield from rows
        session.expunge_all()


def _is_by_number(part: Part) -> bool:
    return part.sort is None or part.sort in BY_NUMBER


def _is_up(part: Part) -> bool:
    return part.sort is not None and not part.is_down


def _ordered(part: Part) -> Any:
    number = col(AuditRow.number)
    return select(AuditRow).order_by(number if _is_up(part) else number.desc())


def _conditions(wanted: AuditWanted) -> Iterator[Condition]:
    """What entries that are wanted have in their JSON; others may have it, too."""
    body = col(AuditRow.body)
    named = {"act": wanted.act, "outcome": wanted.outcome, "name": wanted.peer_name}
    for name, value in named.items():
        if value is not None:
            yield body.contains(_member(name, value), autoescape=True)
    for word in wanted.words:
        yield or_(
            *(_may_have(body, form) for form in word.forms),
            held_in(cast(col(AuditRow.number), String), word),
            *(
                body.contains(f":{one}", autoescape=True)
                for state in word.states
                for one in _written(state)
            ),
        )


def _may_have(body: Any, form: str) -> Condition:
    """Whether a text has all of a form in it that is written alike in upper and lower case.

    Databases fold the letters of ASCII; that leaves out what comes from elsewhere, as `ss` may.
    """
    # Colons are what a list shows between names and values.
    written = json.dumps(form.lower(), ensure_ascii=False)[1:-1].strip(":;")
    pieces = [one for one in ALIKE.findall(written.replace("ss", " ")) if one.upper() == one.lower()
              or one.isascii()]  # fmt: skip
    return and_(true(), *(body.icontains(one, autoescape=True) for one in pieces))


def _written(state: str) -> Iterator[str]:
    """How a word of the node stands in an entry, whatever it is of."""
    yield json.dumps(state, ensure_ascii=False)
    if state in ("true", "false"):
        yield state


def _member(name: str, value: str) -> str:
    return f'"{name}":{json.dumps(value, ensure_ascii=False)}'


def _is_wanted(members: Members, wanted: AuditWanted, digests: frozenset[str] | None) -> bool:
    if wanted.peer_name is not None and _peer(members) != wanted.peer_name:
        return False
    if wanted.act is not None and members.get("act") != wanted.act:
        return False
    if wanted.outcome is not None and members.get("outcome") != wanted.outcome:
        return False
    if wanted.footprint_id is not None and digests is not None:
        footprints = members.get("footprints") or {}
        is_about = wanted.footprint_id in footprints.get("ids", ())
        if not is_about and footprints.get("digest") not in digests:
            return False
    return not wanted.words or _has_all(members, wanted.words)


def _has_all(members: Members, words: Sequence[Word]) -> bool:
    states = {str(members.get(name)) for name in STATES}
    states |= {_text_of(value) for value in (members.get("detail") or {}).values()}
    text = plain(" ".join(_texts(members)))
    return all(word.states & states or any(form in text for form in word.folded) for word in words)


def _texts(members: Members) -> Iterator[str]:
    """What a list shows of an entry."""
    for name in ("number", "time", "times", *STATES):
        yield str(members.get(name, ""))
    yield _peer(members) or ""
    yield from map(str, (members.get("footprints") or {}).get("ids") or ())
    for name, value in (members.get("detail") or {}).items():
        yield f"{name}: {_text_of(value)}"


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _peer(members: Members) -> str | None:
    name: str | None = (members.get("peer") or {}).get("name")
    return name


def _sets_with(session: Session, footprint_id: str) -> frozenset[str]:
    return frozenset(one.digest for one in sets(session) if footprint_id in unpack_ids(one.packed))
