"""Received footprints in lists, for the operator: filtered, searched, ordered, in parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, not_, or_
from sqlmodel import Session, col, select

from underseal_node.store.exchange_tables import (
    ReceivedFootprint,
    ReceivedKey,
    VerificationState,
)
from underseal_node.store.list_tables import ReceivedEntry
from underseal_node.store.searching import (
    Condition,
    Order,
    Part,
    Word,
    called_so,
    found_in,
    is_one_of,
    part_of,
)
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.store.types import utc_text
from underseal_protocol.carbon import UNITS
from underseal_protocol.criteria import STATUSES, fold

__all__ = ["ORDER", "ReceivedWanted", "find"]

USABLE, NOT_USABLE = "usable", "not usable"
IS_USABLE = or_(
    col(ReceivedEntry.verification) == VerificationState.VERIFIED,
    and_(
        col(ReceivedEntry.verification) == VerificationState.UNSIGNED,
        col(Peer.accept_unsigned).is_(True),
    ),
)
ORDER = Order(
    col(ReceivedEntry.seq),
    {
        "productNameCompany": col(ReceivedEntry.name),
        "productIds": col(ReceivedEntry.products),
        "companyName": col(ReceivedEntry.company),
        "peer": func.lower(Peer.name),
        "pcfExcludingBiogenicUptake": col(ReceivedEntry.figure),
        "declaredUnitOfMeasurement": col(ReceivedEntry.unit),
        "verification": col(ReceivedEntry.verification),
        "isUsable": case((IS_USABLE, 1), else_=0),
        "status": col(ReceivedEntry.status),
        "usageTerms": col(ReceivedEntry.terms),
        "validUntil": col(ReceivedEntry.valid_until),
        "receivedAt": col(ReceivedEntry.received_at),
    },
    frozenset(
        {
            "productIds",
            "companyName",
            "pcfExcludingBiogenicUptake",
            "declaredUnitOfMeasurement",
            "usageTerms",
            "validUntil",
        }
    ),
)


@dataclass(frozen=True)
class ReceivedWanted:
    """Which received footprints are wanted.

    Attributes:
        peer_id: only from this peer.
        verification: a `VerificationState`.
        status: `Active` or `Deprecated`.
        is_usable: whether figures may be taken from them.
        numbers: only these rows.
        footprint_id: only with this id, in lower case.
        product_id: a URN, in any case.
        ends_before: only those whose validity ends before this moment; aware.
        words: all of them have to be found.
    """

    peer_id: int | None = None
    verification: str | None = None
    status: str | None = None
    is_usable: bool | None = None
    numbers: Collection[int] | None = None
    footprint_id: str | None = None
    product_id: str | None = None
    ends_before: datetime | None = None
    words: Sequence[Word] = ()


def find(session: Session, wanted: ReceivedWanted, part: Part) -> tuple[list[int], int | None]:
    """The numbers of received footprints, and how many there are, as `searching.part_of`."""
    statement = select(ReceivedEntry.seq).join(Peer, col(Peer.id) == ReceivedEntry.peer_id)
    if wanted.peer_id is not None:
        statement = statement.where(ReceivedEntry.peer_id == wanted.peer_id)
    if wanted.verification is not None:
        statement = statement.where(ReceivedEntry.verification == wanted.verification)
    if wanted.status is not None:
        statement = statement.where(ReceivedEntry.status == wanted.status)
    if wanted.is_usable is not None:
        statement = statement.where(IS_USABLE if wanted.is_usable else not_(IS_USABLE))
    if wanted.numbers is not None:
        statement = statement.where(is_one_of(col(ReceivedEntry.seq), wanted.numbers))
    if wanted.footprint_id is not None:
        with_id = select(ReceivedFootprint.seq).where(
            ReceivedFootprint.footprint_id == wanted.footprint_id
        )
        statement = statement.where(col(ReceivedEntry.seq).in_(with_id))
    if wanted.product_id is not None:
        statement = statement.join(ReceivedKey, col(ReceivedKey.seq) == ReceivedEntry.seq).where(
            ReceivedKey.kind == KeyKind.PRODUCT, ReceivedKey.value == fold(wanted.product_id)
        )
    if wanted.ends_before is not None:
        statement = statement.where(
            ReceivedEntry.valid_until != "",
            ReceivedEntry.valid_until < utc_text(wanted.ends_before),
        )
    statement = statement.where(*(_has(session, one) for one in wanted.words))
    return part_of(session, statement, ORDER, part)


def _has(session: Session, word: Word) -> Condition:
    """Whether a word is in a row, or in what the row names."""
    uses = word.among((USABLE, NOT_USABLE))
    found = [
        found_in(col(ReceivedEntry.search), word),
        called_so(session, col(ReceivedEntry.peer_id), word),
        col(ReceivedEntry.verification).in_(word.among([one.value for one in VerificationState])),
        col(ReceivedEntry.status).in_(word.among(STATUSES)),
        *(col(ReceivedEntry.unit).startswith(f"{one}\n") for one in word.states if one in UNITS),
    ]
    if USABLE in uses:
        found.append(IS_USABLE)
    if NOT_USABLE in uses:
        found.append(not_(IS_USABLE))
    return or_(*found)
