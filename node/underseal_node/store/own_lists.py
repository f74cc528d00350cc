"""Own footprints in lists, for the operator: filtered, searched, ordered, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from underseal_node.store.list_tables import OwnEntry
from underseal_node.store.searching import Condition, Order, Part, Word, found_in, part_of
from underseal_node.store.tables import FootprintKey, KeyKind
from underseal_node.store.types import utc_text
from underseal_protocol.carbon import UNITS
from underseal_protocol.criteria import STATUS_BY_FOLDED, STATUSES, fold

__all__ = ["ORDER", "OwnWanted", "find"]

ORDER = Order(
    col(OwnEntry.seq),
    {
        "productNameCompany": col(OwnEntry.name),
        "productIds": col(OwnEntry.products),
        "pcfExcludingBiogenicUptake": col(OwnEntry.figure),
        "declaredUnitOfMeasurement": col(OwnEntry.unit),
        "status": col(OwnEntry.status),
        "validUntil": col(OwnEntry.valid_until),
        "publishedAt": col(OwnEntry.seq),
    },
)


@dataclass(frozen=True)
class OwnWanted:
    """Which own footprints are wanted.

    Attributes:
        status: `Active` or `Deprecated`, in any case; both by default.
        product_id: a URN, in any case.
        ends_before: only those whose validity ends before this moment; aware.
        words: all of them have to be found.
    """

    status: str | None = None
    product_id: str | None = None
    ends_before: datetime | None = None
    words: Sequence[Word] = ()


def find(session: Session, wanted: OwnWanted, part: Part) -> tuple[list[int], int | None]:
    """The numbers of own footprints, and how many there are of all, as `searching.part_of`."""
    statement = select(OwnEntry.seq).where(*(_has(one) for one in wanted.words))
    if wanted.status is not None:
        status = STATUS_BY_FOLDED.get(fold(wanted.status), wanted.status)
        statement = statement.where(OwnEntry.status == status)
    if wanted.product_id is not None:
        statement = statement.join(FootprintKey, col(FootprintKey.seq) == OwnEntry.seq).where(
            FootprintKey.kind == KeyKind.PRODUCT, FootprintKey.value == fold(wanted.product_id)
        )
    if wanted.ends_before is not None:
        statement = statement.where(OwnEntry.valid_until < utc_text(wanted.ends_before))
    return part_of(session, statement, ORDER, part)


def _has(word: Word) -> Condition:
    return or_(
        found_in(col(OwnEntry.search), word),
        col(OwnEntry.status).in_(word.among(STATUSES)),
        *(col(OwnEntry.unit).startswith(f"{one}\n") for one in word.states if one in UNITS),
    )
