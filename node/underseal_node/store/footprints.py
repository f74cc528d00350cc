"""Queries on own footprints for the operator. What peers read is in `serving`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.orm import aliased, defer
from sqlmodel import Session, SQLModel, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import commitments, listed, own_lists, seals
from underseal_node.store.batches import batches
from underseal_node.store.criteria_sql import criteria_clauses
from underseal_node.store.database import next_change, to_change
from underseal_node.store.identity_tables import SigningKeyRow
from underseal_node.store.index import naming
from underseal_node.store.list_tables import OwnEntry
from underseal_node.store.searching import Part
from underseal_node.store.tables import Footprint, FootprintKey, KeyKind
from underseal_node.store.types import from_utc_text, utc_text
from underseal_protocol.commitment import Commitment
from underseal_protocol.criteria import ACTIVE, DEPRECATED, Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.jws import named_key
from underseal_protocol.segments import render

__all__ = [
    "NewFootprint",
    "OwnFootprint",
    "add_all",
    "deprecate",
    "find_by_products",
    "find_many",
    "get",
    "in_order",
    "listing",
    "meeting",
    "row",
    "successors",
    "walk_active",
]

FOOTPRINTS_AT_A_TIME = 500
FOOTPRINTS, KEYS = SQLModel.metadata.tables["footprint"], SQLModel.metadata.tables["footprint_key"]


@dataclass(frozen=True, slots=True)
class OwnFootprint:
    """What the operator sees of an own footprint in a list.

    Attributes:
        id: of the footprint.
        status: `Active` or `Deprecated`.
        summary: members by the names of PACT: `productNameCompany`, `productIds`, `created`,
            `pcfExcludingBiogenicUptake`, `declaredUnitAmount`, `declaredUnitOfMeasurement` and, if
            there are any, `precedingPfIds`.
        published_at: when it was signed and stored.
        valid_from: start of its validity.
        valid_until: end of its validity.
        status_statement: the signed statement of its deprecation (a JWS).
        body: the footprint as JSON at level `full`; only from `get`.
        credential_digest: of its credential; only from `get`.
    """

    id: str
    status: str
    summary: dict[str, Any]
    published_at: datetime
    valid_from: datetime
    valid_until: datetime
    status_statement: str | None
    body: bytes | None = field(default=None, repr=False)
    credential_digest: str | None = None


@dataclass(frozen=True, slots=True)
class NewFootprint:
    """A signed footprint, ready to be stored.

    Attributes:
        id: in lower case.
        segments: as `segments.pack` returned them.
        document_digest: of the content as published.
        credential_digest: of its credential.
        valid_from: start of the validity.
        valid_until: its end.
        geography: folded.
        product_name: `productNameCompany`.
        summary: JSON for lists.
        keys: kind and folded value of what it can be found and granted by.
        kid: the key that has signed it.
        commitment: to what it was calculated from; None if it was imported.
        is_sealed: its credential bears the sealed sum of its draft.
    """

    id: str
    segments: bytes = field(repr=False)
    document_digest: str
    credential_digest: str
    valid_from: datetime
    valid_until: datetime
    geography: str | None
    product_name: str
    summary: str
    keys: frozenset[tuple[KeyKind, str]]
    kid: str = ""
    commitment: Commitment | None = field(default=None, repr=False)
    is_sealed: bool = False


def listing(
    session: Session,
    *,
    status: str | None = None,
    product_id: str | None = None,
    limit: int = 1000,
) -> Sequence[OwnFootprint]:
    """Own footprints, newest publication first.

    Args:
        status: `Active` or `Deprecated`, in any case; both by default.
        product_id: a URN, in any case.
        limit: at most so many.
    """
    wanted = own_lists.OwnWanted(status=status, product_id=product_id)
    numbers, _ = own_lists.find(session, wanted, Part(limit=limit))
    return list(in_order(session, numbers))


def in_order(session: Session, numbers: Iterable[int]) -> Iterator[OwnFootprint]:
    """Own footprints by their numbers, in the order of these, and not all in memory."""
    for part in batches(numbers):
        columns = (
            Footprint.seq, Footprint.id, Footprint.status, Footprint.summary,
            Footprint.published_at, Footprint.valid_from, Footprint.valid_until,
            Footprint.status_statement,
        )  # fmt: skip
        statement = select(*columns).where(col(Footprint.seq).in_(part))  # type: ignore[call-overload]
        rows = {row.seq: row for row in session.execute(statement)}
        yield from (_own(rows[number]) for number in part if number in rows)


def of_ids(session: Session, ids: Sequence[str]) -> list[OwnFootprint]:
    """Those own footprints of these ids that exist, in the order of these."""
    numbers: dict[str, int] = {}
    for part in batches(ids):
        numbers.update(_numbers(session, part))
    return list(in_order(session, [numbers[one] for one in ids if one in numbers]))


def meeting(session: Session, criteria: Criteria, *, limit: int) -> Sequence[OwnFootprint]:
    """Own footprints that meet criteria, newest publication first, for the operator.

    Args:
        criteria: the filters; an empty one restricts nothing.
        limit: at most so many.
    """
    f = aliased(Footprint, name="f")
    statement = select(f).options(defer(f.segments))  # type: ignore[arg-type]
    for clause in criteria_clauses(criteria):
        statement = statement.where(text(clause.sql).bindparams(**dict(clause.parameters)))
    rows = session.exec(statement.order_by(col(f.seq).desc()).limit(limit)).all()
    return [_own(found) for found in rows]


def get(session: Session, footprint_id: str) -> OwnFootprint:
    """One own footprint, with its body.

    Raises:
        NotFoundError: there is none with this id.
    """
    found = row(session, footprint_id)
    own = _own(found, body=render(found.segments, Level.FULL, found.status))
    return replace(own, credential_digest=found.credential_digest)


def successors(session: Session, footprint_id: str) -> list[str]:
    """Ids of own footprints that name this one as preceding, oldest first."""
    return naming(
        session.exec(
            select(Footprint.id, Footprint.summary)
            .where(col(Footprint.summary).icontains(footprint_id, autoescape=True))
            .order_by(col(Footprint.seq))
        ),
        footprint_id,
    )


def row(session: Session, footprint_id: str) -> Footprint:
    """One own footprint as it is stored.

    Raises:
        NotFoundError: there is none with this id.
    """
    named = select(Footprint).where(Footprint.id == footprint_id.lower())
    found = session.exec(to_change(session, named)).first()
    if found is None:
        raise NotFoundError(
            f"there is no own footprint {footprint_id}",
            hint="`underseal footprint list` shows them all.",
        )
    return found


def walk_active(session: Session) -> Iterator[Footprint]:
    """All active own footprints, oldest first, and not all in memory."""
    after = 0
    while rows := session.exec(
        select(Footprint)
        .where(Footprint.status == ACTIVE, col(Footprint.seq) > after)
        .order_by(col(Footprint.seq))
        .limit(FOOTPRINTS_AT_A_TIME)
    ).all():
        yield from rows
        after = rows[-1].seq or 0
        for one in rows:
            session.expunge(one)


def find_many(session: Session, ids: Iterable[str]) -> dict[str, Footprint]:
    """Those own footprints of these ids that exist, by id."""
    found: dict[str, Footprint] = {}
    for part in batches(ids):
        named = select(Footprint).where(col(Footprint.id).in_(part)).order_by(col(Footprint.seq))
        rows = session.exec(to_change(session, named))
        found.update((one.id, one) for one in rows)
    return found


def find_by_products(session: Session, products: Iterable[str]) -> dict[str, list[Footprint]]:
    """Own footprints of these products, oldest first.

    Args:
        products: folded.
    """
    found: dict[str, list[Footprint]] = {}
    for part in batches(sorted(products)):
        rows = session.exec(
            select(FootprintKey.value, Footprint)
            .join(Footprint, col(FootprintKey.seq) == Footprint.seq)
            .where(FootprintKey.kind == KeyKind.PRODUCT, col(FootprintKey.value).in_(part))
            .order_by(col(FootprintKey.seq))
        )
        for product, footprint in rows:
            found.setdefault(product, []).append(footprint)
    return found


def add_all(session: Session, footprints: Iterable[NewFootprint], now: datetime) -> None:
    """Store footprints that are not there yet, with what they commit to, all with the same change
    number.

    Plain inserts into the tables: with an object for each row, the database would be the slowest
    part of a large import.

    Args:
        footprints: in the order in which peers will list them.
        now: aware.

    Raises:
        RefusedError: the key that has signed them was revoked meanwhile.
    """
    changed = next_change(session)
    for part in batches(footprints):
        _refuse_revoked(session, {one.kid for one in part})
        session.execute(insert(FOOTPRINTS), [_values(one, changed, now) for one in part])
        numbers = _numbers(session, [one.id for one in part])
        session.execute(
            insert(KEYS),
            [
                {"kind": kind, "value": value, "seq": numbers[one.id]}
                for one in part
                for kind, value in one.keys
            ],
        )
        session.execute(
            insert(OwnEntry),
            [
                listed.own_entry(
                    numbers[one.id], ACTIVE, utc_text(one.valid_until), now, one.summary
                )
                for one in part
            ],
        )
        for one in part:
            if one.commitment is not None:
                commitments.add(session, one.id, one.commitment, now)
        # A draft of the same id was sealed, perhaps, and something else is published now.
        seals.forget(session, [one.id for one in part if not one.is_sealed])


def _refuse_revoked(session: Session, kids: Iterable[str]) -> None:
    """Signing takes place before the transaction; a key may have been revoked in between. From here
    on it is not until this transaction ends."""
    for kid in kids:
        row = select(SigningKeyRow).where(SigningKeyRow.kid == kid)
        key = session.exec(to_change(session, row)).first()
        if key is not None and key.revoked_at is not None:
            raise RefusedError(
                "the key for footprints was revoked while they were signed",
                hint="Nothing was changed. Try again: another key signs now.",
            )


def _values(footprint: NewFootprint, changed: int, now: datetime) -> dict[str, Any]:
    return {
        "id": footprint.id,
        "status": ACTIVE,
        "segments": footprint.segments,
        "document_digest": footprint.document_digest,
        "credential_digest": footprint.credential_digest,
        "changed": changed,
        "published_at": now,
        "valid_from": utc_text(footprint.valid_from),
        "valid_until": utc_text(footprint.valid_until),
        "geography": footprint.geography,
        "product_name": footprint.product_name,
        "summary": footprint.summary,
    }


def deprecate(session: Session, footprint_id: str, statement: str) -> None:
    """Set the status of a footprint for good.

    Args:
        footprint_id: of an active own footprint.
        statement: the signed statement of the new status.

    Raises:
        RefusedError: the key that has signed it was revoked meanwhile.
    """
    _refuse_revoked(session, {named_key(statement) or ""})
    session.execute(
        update(Footprint)
        .where(col(Footprint.id) == footprint_id)
        .values(status=DEPRECATED, status_statement=statement, changed=next_change(session))
    )
    listed.set_status(session, footprint_id, DEPRECATED)


def _own(found: Any, body: bytes | None = None) -> OwnFootprint:
    return OwnFootprint(
        id=found.id,
        status=found.status,
        summary=json.loads(found.summary),
        published_at=found.published_at,
        valid_from=from_utc_text(found.valid_from),
        valid_until=from_utc_text(found.valid_until),
        status_statement=found.status_statement,
        body=body,
    )


def _numbers(session: Session, ids: Sequence[str]) -> dict[str, int]:
    rows = session.exec(select(Footprint.id, Footprint.seq).where(col(Footprint.id).in_(ids)))
    return {footprint_id: seq or 0 for footprint_id, seq in rows}
