"""The audit log in the database: appending, reading, and what proofs are made of.

Nothing here changes or deletes an entry. Who appends does so alone (`turns`). The number of an
entry is its key: of two that did not, one would fail.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, func, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, exists, select

from underseal_node.errors import AuditLogError
from underseal_node.store.audit import SHOWING, Outcome
from underseal_node.store.audit_order import Stored
from underseal_node.store.audit_tables import (
    AuditHead,
    AuditNode,
    AuditPending,
    AuditRow,
    AuditSet,
)
from underseal_node.store.tables import Peer
from underseal_protocol.audit import MAX_INLINE_IDS, RANDOM_BYTES, make_entry, pack_ids, unpack_ids
from underseal_protocol.disclosure import Level
from underseal_protocol.merkle import Nodes, Tree, leaf_hash

__all__ = [
    "Appended",
    "End",
    "acknowledged",
    "append_pending",
    "covered",
    "end_of",
    "entries",
    "heads",
    "is_any_recorded",
    "is_waiting",
    "newest_number",
    "nodes_of",
    "readable",
    "sets",
    "shown_to",
]

ENTRIES_PER_TRANSACTION = 500
ROWS_AT_A_TIME = 500
SETS_AT_A_TIME = 50

Table = TypeVar("Table", AuditRow, AuditHead, AuditSet)

Sign = Callable[[int, bytes], str]
"""Signs the head of a tree of this size with this root."""


@dataclass(frozen=True)
class Appended:
    """What came of appending.

    Attributes:
        count: entries added.
        size: of the log now.
        root: of the tree over it.
        has_more: whether more is waiting.
    """

    count: int
    size: int
    root: bytes
    has_more: bool


@dataclass(frozen=True)
class End:
    """Where the log ends, and what was signed last about it; nothing of it is checked.

    Attributes:
        size: number of the last entry; 0 if there is none.
        leaf: hash of that entry, as it is stored beside it.
        body: that entry.
        head_size: how many entries the newest head is stored as being about; None without one.
        token: that head (JWS).
    """

    size: int
    leaf: bytes | None
    body: bytes | None
    head_size: int | None
    token: str | None


def end_of(session: Session) -> End:
    """The last entry and the newest head."""
    newest = select(AuditHead.token).order_by(col(AuditHead.size).desc()).limit(1)
    # One statement: in several, another transaction could end between them.
    size, head_size, token = session.exec(
        select(
            select(func.max(AuditRow.number)).scalar_subquery(),
            select(func.max(AuditHead.size)).scalar_subquery(),
            newest.scalar_subquery(),
        )
    ).one()
    if not size:
        return End(0, None, None, head_size, token)
    last = select(AuditRow.leaf, AuditRow.body).where(AuditRow.number == size)
    leaf, body = session.exec(last).one()
    return End(size, leaf, body.encode(), head_size, token)


def covered(session: Session) -> int:
    """How many entries the stored tree reaches to: not more than there are, or some are gone."""
    highest = session.exec(select(func.max(AuditNode.level))).one() or 0
    reach = 0
    for level in range(1, highest + 1):
        last = select(func.max(AuditNode.position)).where(AuditNode.level == level)
        position = session.exec(last).one()
        if position is not None:
            reach = max(reach, (position + 1) << level)
    return reach


def append_pending(session: Session, end: End, sign: Sign, now: datetime) -> Appended:
    """Move what was recorded into the log and sign its new head, in this transaction.

    Args:
        session: writes.
        end: of the log; it has been checked, in this transaction.
        sign: with the receipt key of the node.
        now: aware.

    Raises:
        AuditLogError: a part of the tree is missing, or is where nothing was stored yet.
    """
    rows = session.exec(
        select(AuditPending).order_by(col(AuditPending.id)).limit(ENTRIES_PER_TRANSACTION)
    ).all()
    tree, previous = Tree(end.size, nodes_of(session)), end.leaf
    if not rows:
        return Appended(0, end.size, tree.head(), has_more=False)
    names = _names(session, rows)
    made: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    for row in rows:
        members = _members(session, row, names)
        body = make_entry(tree.size + 1, previous, secrets.token_bytes(RANDOM_BYTES), members)
        previous = leaf_hash(body)
        made.append(
            {
                "number": tree.size + 1,
                "body": body.decode(),
                "leaf": previous,
                "shown_to": row.peer_id if _shows(members) else None,
            }
        )
        nodes += (
            {"level": level, "position": position, "hash": value}
            for level, position, value in tree.append(previous)
            if level > 0
        )
    session.execute(insert(AuditRow), made)
    if nodes:
        _insert_nodes(session, nodes)
    root = tree.head()
    session.add(AuditHead(size=tree.size, token=sign(tree.size, root), created_at=now))
    session.execute(delete(AuditPending).where(col(AuditPending.id).in_([row.id for row in rows])))
    session.flush()
    return Appended(len(rows), tree.size, root, has_more=len(rows) == ENTRIES_PER_TRANSACTION)


def _insert_nodes(session: Session, nodes: list[dict[str, Any]]) -> None:
    try:
        session.execute(insert(AuditNode), nodes)
    except IntegrityError:
        # Another sequencer would have failed with the entries before; these are not from one.
        raise AuditLogError(
            "the stored tree of the audit log has parts that are of entries still to come"
        ) from None


def is_waiting(session: Session) -> bool:
    """Whether something was recorded that is not in the log yet."""
    return session.exec(select(AuditPending.id).limit(1)).first() is not None


def is_any_recorded() -> ColumnElement[bool]:
    """As `is_waiting`, for a statement."""
    return exists().where(col(AuditPending.id).is_not(None))


def nodes_of(session: Session) -> Nodes:
    """The perfect subtrees of the log, as `underseal_protocol.merkle` asks for them.

    Raises:
        AuditLogError: when it is asked for one that is missing.
    """

    def node(level: int, position: int) -> bytes:
        if level == 0:
            statement = select(AuditRow.leaf).where(AuditRow.number == position + 1)
        else:
            statement = select(AuditNode.hash).where(
                AuditNode.level == level, AuditNode.position == position
            )
        found = session.exec(statement).one_or_none()
        if found is None:
            raise AuditLogError(
                f"the subtree {position} of the level {level} of the audit log is missing"
            )
        return found

    return node


def newest_number(session: Session) -> int:
    """How many entries the log has."""
    return session.exec(select(func.max(AuditRow.number))).one() or 0


def acknowledged(session: Session, digest: str) -> tuple[int, bytes]:
    """Number and hash of the newest entry about an acknowledgement.

    Args:
        digest: of the acknowledgement.
    """
    wanted = f'"acknowledgement":"{digest}"'
    return session.exec(
        select(AuditRow.number, AuditRow.leaf)
        .where(col(AuditRow.body).contains(wanted, autoescape=True))
        .order_by(col(AuditRow.number).desc())
        .limit(1)
    ).one()


def shown_to(
    session: Session, peer_id: int, *, after: int, limit: int
) -> list[tuple[int, Level, list[str]]]:
    """What a peer was shown, oldest first: number of the entry, level, ids of footprints.

    Args:
        after: only what is in entries with a higher number.
        limit: at most so many entries.
    """
    statement = (
        select(AuditRow)
        .where(AuditRow.shown_to == peer_id, col(AuditRow.number) > after)
        .order_by(col(AuditRow.number))
        .limit(limit)
    )
    found = session.exec(statement)
    return [
        (members["number"], Level(members["level"]), _ids_of(session, members))
        for members in readable(found)
        if _shows(members)
    ]


def _shows(members: dict[str, Any]) -> bool:
    """Whether an entry says that a peer has got footprints."""
    return (
        members["act"] in SHOWING
        and members["outcome"] == Outcome.DONE
        and members.get("level") in tuple(Level)
        and isinstance(members.get("footprints"), dict)
    )


def _ids_of(session: Session, members: dict[str, Any]) -> list[str]:
    """The footprints that an entry is about, also when their set is kept beside the log."""
    footprints = members["footprints"]
    if "ids" in footprints:
        return list(footprints["ids"])
    kept = session.get(AuditSet, footprints.get("digest"))
    return [] if kept is None else unpack_ids(kept.packed)


def entries(session: Session) -> Iterator[AuditRow]:
    """The whole log from the first entry on, not all in memory."""
    return _in_batches(session, AuditRow, "number", 0, ROWS_AT_A_TIME)


def heads(session: Session) -> Iterator[AuditHead]:
    """All signed heads, the first one first, not all in memory."""
    return _in_batches(session, AuditHead, "size", 0, ROWS_AT_A_TIME)


def sets(session: Session) -> Iterator[AuditSet]:
    """The sets of footprints that entries name, not all in memory."""
    return _in_batches(session, AuditSet, "digest", "", SETS_AT_A_TIME)


def _in_batches(
    session: Session, table: type[Table], key: str, after: int | str, count: int
) -> Iterator[Table]:
    """The rows of a table in the order of their key, of which `after` is before the first."""
    column = col(getattr(table, key))
    while rows := session.exec(
        select(table).where(column > after).order_by(column).limit(count)
    ).all():
        yield from rows
        after = getattr(rows[-1], key)
        session.expunge_all()


def readable(rows: Iterable[AuditRow | Stored]) -> Iterator[dict[str, Any]]:
    """Members of entries; one that was spoiled is for `verify` to report, not for a list."""
    for row in rows:
        try:
            members = json.loads(row.body)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            members = {"act": "unreadable", "actor": "", "outcome": "", "time": ""}
        yield members | {"number": row.number}


def _names(session: Session, rows: Sequence[AuditPending]) -> dict[int, str]:
    ids = {row.peer_id for row in rows if row.peer_id is not None}
    if not ids:
        return {}
    found = session.exec(select(Peer.id, Peer.name).where(col(Peer.id).in_(ids))).all()
    return {peer_id: name for peer_id, name in found if peer_id is not None}


def _members(session: Session, row: AuditPending, names: dict[int, str]) -> dict[str, Any]:
    """What was recorded, with the peer as it is called and the footprints as they are kept."""
    members: dict[str, Any] = json.loads(row.members)
    if row.peer_id is not None:
        name = members.get("peer", {}).get("name") or names.get(row.peer_id)
        members["peer"] = {"id": row.peer_id} | ({} if name is None else {"name": name})
    ids = row.footprint_ids.split()
    if not ids:
        return members
    packed, digest = pack_ids(ids)
    known = unpack_ids(packed)
    if len(known) <= MAX_INLINE_IDS:
        members["footprints"] = {"count": len(known), "ids": known}
        return members
    members["footprints"] = {"count": len(known), "digest": digest}
    if session.get(AuditSet, digest) is None:
        session.add(AuditSet(digest=digest, packed=packed))
        session.flush()
    return members
