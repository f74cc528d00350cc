"""What is known of received footprints without their bytes: what boards and bills look at."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.database import WRITES
from underseal_node.store.exchange_tables import ReceivedFootprint, ReceivedKey
from underseal_node.store.tables import KeyKind

__all__ = ["Held", "all_held", "bodies", "held_by_id", "held_of_products"]

MAX_REMEMBERED_CHARACTERS = 2_000  # of a summary

ALL_HELD = "underseal received footprints"  # in `Session.info`
OF = ReceivedFootprint
_HELD: Select[Any] = select(
    OF.seq, OF.peer_id, OF.footprint_id, OF.status, OF.verification, OF.valid_from, OF.valid_until,
    OF.geography, OF.changed_at, OF.body_digest, OF.summary,
)  # type: ignore[call-overload]  # fmt: skip  # there is no overload for so many columns


@dataclass(frozen=True)
class Held:
    """What is known of a received footprint without its bytes.

    Attributes: as those of `ReceivedFootprint`.
    """

    seq: int
    peer_id: int
    footprint_id: str
    status: str
    verification: str
    valid_from: str
    valid_until: str
    geography: str | None
    changed_at: datetime
    body_digest: str
    summary: str = field(repr=False)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is stored to list it; nobody changes it."""
        # Not a `cached_property`: its lock would cost more than the reading.
        found: Mapping[str, Any] | None = self.__dict__.get("_facts")
        if found is None:
            is_short = len(self.summary) <= MAX_REMEMBERED_CHARACTERS
            found = (_remembered if is_short else _read)(self.summary)
            self.__dict__["_facts"] = found
        return found


def _read(summary: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(summary)
    return found


# Boards and lists ask for the same again and again.
_remembered = lru_cache(maxsize=16_384)(_read)


def all_held(session: Session, peer_id: int | None = None) -> list[Held]:
    """All received footprints, oldest first, of one peer or of all."""
    if peer_id is not None:
        named = _HELD.where(col(OF.peer_id) == peer_id)
        return [Held(*row) for row in session.execute(named.order_by(col(OF.seq)))]
    if ALL_HELD in session.info:
        return list(session.info[ALL_HELD])
    found = [Held(*row) for row in session.execute(_HELD.order_by(col(OF.seq)))]
    if not session.info.get(WRITES):  # a session that only reads sees one moment
        session.info[ALL_HELD] = tuple(found)
    return found


def held_by_id(session: Session, footprint_ids: Iterable[str]) -> dict[str, list[Held]]:
    """Received footprints by their ids, of whichever peers, oldest first."""
    found: dict[str, list[Held]] = {}
    wanted = set(footprint_ids)
    if ALL_HELD in session.info:
        for one in session.info[ALL_HELD]:
            if one.footprint_id in wanted:
                found.setdefault(one.footprint_id, []).append(one)
        return found
    for part in batches(sorted(wanted)):
        named = _HELD.where(col(OF.footprint_id).in_(part)).order_by(col(OF.seq))
        for row in session.execute(named):
            one = Held(*row)
            found.setdefault(one.footprint_id, []).append(one)
    return found


def held_of_products(
    session: Session, product_urns: Iterable[str]
) -> dict[tuple[int, str], list[Held]]:
    """What peers have sent of products, newest first: by peer and folded product id."""
    known = {one.seq: one for one in session.info.get(ALL_HELD, ())}
    found: dict[tuple[int, str], list[Held]] = {}
    for part in batches(sorted(set(product_urns))):
        named = select(ReceivedKey.seq, ReceivedKey.value).where(
            ReceivedKey.kind == KeyKind.PRODUCT, col(ReceivedKey.value).in_(part)
        )
        keys = session.exec(named.order_by(col(ReceivedKey.seq).desc())).all()
        rows = known or _by_number(session, {seq for seq, _ in keys})
        for seq, urn in keys:
            one = rows[seq]
            found.setdefault((one.peer_id, urn), []).append(one)
    return found


def _by_number(session: Session, numbers: Collection[int]) -> dict[int, Held]:
    found: dict[int, Held] = {}
    for part in batches(sorted(numbers)):
        for row in session.execute(_HELD.where(col(OF.seq).in_(part))):
            one = Held(*row)
            found[one.seq] = one
    return found


def bodies(session: Session, numbers: Iterable[int]) -> dict[int, bytes]:
    """The bytes of received footprints, by their numbers."""
    found: dict[int, bytes] = {}
    for part in batches(numbers):
        rows = session.execute(select(OF.seq, OF.body).where(col(OF.seq).in_(part)))
        found.update((int(seq), body) for seq, body in rows)
    return found
