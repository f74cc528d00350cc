"""Requests and alerts in lists, for the operator: filtered, searched, ordered, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, func, or_, type_coerce
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import Alert, Direction, Request, RequestState
from underseal_node.store.searching import Condition, Order, Part, Word, called_so, held_in, part_of
from underseal_node.store.tables import Peer

__all__ = [
    "ALERT_ORDER",
    "REQUEST_ORDER",
    "AlertWanted",
    "RequestWanted",
    "alerts_in_order",
    "find_alerts",
    "find_requests",
    "requests_in_order",
]

NOTHING = "[]"
WITH_FOOTPRINTS = "footprints"


def _text(column: Any) -> Any:
    """An instant or an enumeration as the text that is stored; nothing as an empty one."""
    return func.coalesce(type_coerce(column, String), "")


REQUEST_ORDER = Order(
    col(Request.id),
    {
        "id": col(Request.id),
        "direction": col(Request.direction),
        "peer": func.lower(Peer.name),
        "criteria": col(Request.criteria),
        "state": col(Request.state),
        "outcome": _text(Request.error_message),
        "createdAt": col(Request.id),
        "answeredAt": _text(Request.answered_at),
    },
    frozenset({"outcome", "answeredAt"}),
)
ALERT_ORDER = Order(
    col(Alert.id),
    {
        "createdAt": col(Alert.id),
        "kind": col(Alert.kind),
        "message": col(Alert.message),
        "peer": func.lower(func.coalesce(Peer.name, "")),
        "footprintId": _text(Alert.footprint_id),
    },
    frozenset({"peer", "footprintId"}),
)


@dataclass(frozen=True)
class RequestWanted:
    """Which requests are wanted.

    Attributes:
        direction: a `Direction`; both by default.
        state: a `RequestState`; all by default.
        peer_name: only those between us and this peer.
        words: all of them have to be found.
    """

    direction: str | None = None
    state: str | None = None
    peer_name: str | None = None
    words: Sequence[Word] = ()


@dataclass(frozen=True)
class AlertWanted:
    """Which alerts are wanted.

    Attributes:
        kind: an `AlertKind`.
        peer_name: only those about this peer.
        words: all of them have to be found.
    """

    kind: str | None = None
    peer_name: str | None = None
    words: Sequence[Word] = ()


def find_requests(
    session: Session, wanted: RequestWanted, part: Part
) -> tuple[list[int], int | None]:
    """The numbers of requests, and how many there are of all, as `searching.part_of`."""
    statement = select(Request.id).join(Peer, col(Request.peer_id) == Peer.id)
    if wanted.direction is not None:
        statement = statement.where(Request.direction == wanted.direction)
    if wanted.state is not None:
        statement = statement.where(Request.state == wanted.state)
    if wanted.peer_name is not None:
        statement = statement.where(Peer.name == wanted.peer_name)
    statement = statement.where(*(_in_request(session, one) for one in wanted.words))
    return part_of(session, statement, REQUEST_ORDER, part)


def _in_request(session: Session, word: Word) -> Condition:
    found = [
        held_in(cast(col(Request.id), String), word),
        held_in(col(Request.criteria), word),
        held_in(_text(Request.error_message), word),
        held_in(_text(Request.created_at), word),
        held_in(_text(Request.answered_at), word),
        called_so(session, col(Request.peer_id), word),
        col(Request.direction).in_(word.among([one.value for one in Direction])),
        col(Request.state).in_(word.among([one.value for one in RequestState])),
        *(col(Request.criteria).contains(f'"{one}"', autoescape=True) for one in word.states),
    ]
    if word.among([WITH_FOOTPRINTS]):
        found.append(col(Request.footprint_ids) != NOTHING)
    return or_(*found)


def requests_in_order(session: Session, numbers: Sequence[int]) -> list[tuple[Request, str]]:
    """Requests by their numbers, in the order of these, with the names of their peers."""
    found: dict[int, tuple[Request, str]] = {}
    for part in batches(numbers):
        statement = select(Request, Peer.name).join(Peer, col(Request.peer_id) == Peer.id)
        for row, name in session.exec(statement.where(col(Request.id).in_(part))):
            found[row.id or 0] = row, name
    return [found[one] for one in numbers if one in found]


def find_alerts(session: Session, wanted: AlertWanted, part: Part) -> tuple[list[int], int | None]:
    """The numbers of alerts, and how many there are of all, as `searching.part_of`."""
    statement = select(Alert.id).join(Peer, col(Alert.peer_id) == Peer.id, isouter=True)
    if wanted.kind is not None:
        statement = statement.where(Alert.kind == wanted.kind)
    if wanted.peer_name is not None:
        statement = statement.where(Peer.name == wanted.peer_name)
    statement = statement.where(*(_in_alert(session, one) for one in wanted.words))
    return part_of(session, statement, ALERT_ORDER, part)


def _in_alert(session: Session, word: Word) -> Condition:
    return or_(
        held_in(col(Alert.message), word),
        held_in(_text(Alert.footprint_id), word),
        held_in(_text(Alert.created_at), word),
        called_so(session, func.coalesce(Alert.peer_id, 0), word),
        col(Alert.kind).in_(sorted(word.states)),
        held_in(col(Alert.kind), word),
    )


def alerts_in_order(session: Session, numbers: Sequence[int]) -> list[tuple[Alert, str | None]]:
    """Alerts by their numbers, in the order of these, with the names of the peers that they are
    about."""
    found: dict[int, tuple[Alert, str | None]] = {}
    for part in batches(numbers):
        statement = select(Alert, Peer.name).join(Peer, col(Alert.peer_id) == Peer.id, isouter=True)
        for row, name in session.exec(statement.where(col(Alert.id).in_(part))):
            found[row.id or 0] = row, name
    return [found[one] for one in numbers if one in found]
