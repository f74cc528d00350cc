"""Queries on received footprints: the bytes, what verification said, how to find them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import (
    Confirmation,
    ReceivedFootprint,
    ReceivedKey,
    VerificationState,
)
from underseal_node.store.index import naming
from underseal_node.store.tables import KeyKind, Peer

__all__ = [
    "Portion",
    "by_numbers",
    "confirm",
    "denied",
    "deny",
    "find",
    "in_order",
    "listing",
    "not_verified",
    "read_again",
    "save",
    "statuses",
    "successors",
    "verified",
    "without_receipt",
]

ROWS_AT_A_TIME = 100

Keys = Iterable[tuple[KeyKind, str]]
"""What a received footprint can be found by: kind and folded value."""


class Portion:
    """Rows of one peer that are looked for together, and written together when they are new.

    Asking and writing for each by itself would be most of the time of a large pull.

    Args:
        session: that writes.
        peer_id: whose footprints.
        footprint_ids: of those that may be asked for.
    """

    def __init__(self, session: Session, peer_id: int, footprint_ids: Iterable[str]) -> None:
        self._session = session
        self._rows: dict[str, ReceivedFootprint] = {}
        self._new: dict[str, tuple[ReceivedFootprint, Keys]] = {}
        for part in batches(dict.fromkeys(footprint_ids)):
            found = session.exec(
                select(ReceivedFootprint).where(
                    ReceivedFootprint.peer_id == peer_id,
                    col(ReceivedFootprint.footprint_id).in_(part),
                )
            )
            self._rows.update((row.footprint_id, row) for row in found)

    def find(self, footprint_id: str) -> ReceivedFootprint | None:
        """What is known under this id, with what came in this portion before."""
        if footprint_id in self._new:
            self.write()
        return self._rows.get(footprint_id)

    def add(self, row: ReceivedFootprint, keys: Keys) -> None:
        """Take a new row; it is written with the others."""
        self._new[row.footprint_id] = row, keys
        self._rows[row.footprint_id] = row

    def write(self) -> None:
        """Write what is new."""
        self._session.add_all([row for row, _ in self._new.values()])
        self._session.flush()
        keys = [
            {"kind": kind, "value": value, "seq": row.seq}
            for row, found_by in self._new.values()
            for kind, value in sorted(set(found_by))
        ]
        if keys:
            self._session.execute(insert(ReceivedKey), keys)
        self._new.clear()


def find(session: Session, peer_id: int, footprint_id: str) -> ReceivedFootprint | None:
    """What was received from this peer under this id."""
    return session.exec(
        select(ReceivedFootprint).where(
            ReceivedFootprint.peer_id == peer_id, ReceivedFootprint.footprint_id == footprint_id
        )
    ).first()


def statuses(
    session: Session, peer_id: int, footprint_ids: Collection[str]
) -> dict[str, str | None]:
    """The statements of deprecation held for these footprints, by id; `None` for one without."""
    if not footprint_ids:
        return {}
    rows = session.exec(
        select(ReceivedFootprint.footprint_id, ReceivedFootprint.status_statement).where(
            ReceivedFootprint.peer_id == peer_id,
            col(ReceivedFootprint.footprint_id).in_(footprint_ids),
        )
    ).all()
    return dict(rows)


def save(
    session: Session,
    row: ReceivedFootprint,
    keys: Keys | None = None,
) -> None:
    """Write a row that has changed.

    Args:
        keys: what it can be found by; `None` when that is as before.
    """
    session.add(row)
    session.flush()
    if keys is None:
        return
    seq = row.seq or 0
    session.execute(delete(ReceivedKey).where(col(ReceivedKey.seq) == seq))
    for kind, value in sorted(set(keys)):
        session.add(ReceivedKey(kind=kind, value=value, seq=seq))
    session.flush()


def not_verified(session: Session, peer_id: int) -> Iterator[ReceivedFootprint]:
    """What was received from a peer and is not verified, oldest first, and not all in memory."""
    yield from _walk(session, peer_id, is_verified=False)


def verified(session: Session, peer_id: int) -> Iterator[ReceivedFootprint]:
    """What was received from a peer and is verified, oldest first, and not all in memory."""
    yield from _walk(session, peer_id, is_verified=True)


def _walk(session: Session, peer_id: int, *, is_verified: bool) -> Iterator[ReceivedFootprint]:
    state = col(ReceivedFootprint.verification)
    wanted = (
        state == VerificationState.VERIFIED if is_verified else state != VerificationState.VERIFIED
    )
    after = 0
    while True:
        rows = session.exec(
            select(ReceivedFootprint)
            .where(
                ReceivedFootprint.peer_id == peer_id,
                wanted,
                col(ReceivedFootprint.seq) > after,
            )
            .order_by(col(ReceivedFootprint.seq))
            .limit(ROWS_AT_A_TIME)
        ).all()
        if not rows:
            return
        yield from rows
        after = rows[-1].seq or 0
        session.flush()
        for row in rows:
            session.expunge(row)


def without_receipt(session: Session, peer_id: int, *, limit: int) -> list[tuple[str, str]]:
    """Id and credential digest of what is verified and to be acknowledged, oldest first."""
    rows = session.exec(
        select(ReceivedFootprint.footprint_id, ReceivedFootprint.credential_digest)
        .where(
            ReceivedFootprint.peer_id == peer_id,
            ReceivedFootprint.verification == VerificationState.VERIFIED,
            col(ReceivedFootprint.confirmation).in_((Confirmation.OPEN, Confirmation.REPEATED)),
        )
        .order_by(col(ReceivedFootprint.seq))
        .limit(limit)
    ).all()
    return [(footprint_id, digest) for footprint_id, digest in rows if digest is not None]


def denied(session: Session, peer_id: int, *, limit: int) -> list[str]:
    """Ids of what a peer has not confirmed and is to be read from it again, oldest first."""
    return list(
        session.exec(
            select(ReceivedFootprint.footprint_id)
            .where(
                ReceivedFootprint.peer_id == peer_id,
                ReceivedFootprint.verification == VerificationState.VERIFIED,
                ReceivedFootprint.confirmation == Confirmation.DENIED,
            )
            .order_by(col(ReceivedFootprint.seq))
            .limit(limit)
        )
    )


def confirm(
    session: Session, peer_id: int, footprint_ids: Sequence[str], receipt_id: str, asked: datetime
) -> None:
    """Note the receipt by which a peer confirms footprints.

    Args:
        receipt_id: of the receipt.
        asked: when the acknowledgement was written. What has changed since, say because more of it
            was shown, is acknowledged anew.
    """
    change = partial(_set, session, peer_id, footprint_ids, receipt_id=receipt_id)
    change(to=Confirmation.CONFIRMED, changed_until=asked)


def read_again(session: Session, peer_id: int, footprint_ids: Sequence[str]) -> None:
    """Note that footprints which a peer did not confirm were read from it again."""
    _set(session, peer_id, footprint_ids, since=Confirmation.DENIED, to=Confirmation.REPEATED)


def deny(
    session: Session, peer_id: int, footprint_ids: Sequence[str], receipt_id: str | None
) -> int:
    """Note that a peer does not confirm footprints.

    Args:
        receipt_id: of the receipt that leaves them out; `None` if there is none.

    Returns:
        how many of them it does not confirm although they were read again.
    """
    change = partial(_set, session, peer_id, footprint_ids, receipt_id=receipt_id)
    change(since=Confirmation.OPEN, to=Confirmation.DENIED)
    return change(since=Confirmation.REPEATED, to=Confirmation.REFUSED)


def _set(
    session: Session,
    peer_id: int,
    footprint_ids: Sequence[str],
    *,
    to: Confirmation,
    since: Confirmation | None = None,
    receipt_id: str | None = None,
    changed_until: datetime | None = None,
) -> int:
    """Change what is known of the confirmation of footprints; returns of how many.

    Args:
        since: only of those in this state.
        receipt_id: is kept as it is if `None`.
        changed_until: only of those that have not changed after this instant.
    """
    changed = 0
    session.flush()
    for part in batches(footprint_ids):
        statement = update(ReceivedFootprint).where(
            col(ReceivedFootprint.peer_id) == peer_id,
            col(ReceivedFootprint.footprint_id).in_(part),
        )
        if since is not None:
            statement = statement.where(col(ReceivedFootprint.confirmation) == since)
        if changed_until is not None:
            statement = statement.where(col(ReceivedFootprint.changed_at) <= changed_until)
        if receipt_id is not None:
            statement = statement.values(receipt_id=receipt_id)
        changed += session.connection().execute(statement.values(confirmation=to)).rowcount
    return changed


def listing(
    session: Session,
    *,
    peer_name: str | None = None,
    verification: str | None = None,
    product_id: str | None = None,
    footprint_id: str | None = None,
    limit: int = 1000,
) -> Sequence[tuple[ReceivedFootprint, str]]:
    """Received footprints with the names of their peers, newest first.

    Args:
        peer_name: only from this peer.
        verification: a `VerificationState`.
        product_id: folded.
        footprint_id: only with this id.
        limit: at most so many.
    """
    statement = select(ReceivedFootprint, Peer.name).join(
        Peer, col(ReceivedFootprint.peer_id) == Peer.id
    )
    if peer_name is not None:
        statement = statement.where(Peer.name == peer_name)
    if verification is not None:
        statement = statement.where(ReceivedFootprint.verification == verification)
    if footprint_id is not None:
        statement = statement.where(ReceivedFootprint.footprint_id == footprint_id)
    if product_id is not None:
        statement = statement.join(
            ReceivedKey, col(ReceivedKey.seq) == ReceivedFootprint.seq
        ).where(ReceivedKey.kind == KeyKind.PRODUCT, ReceivedKey.value == product_id)
    return session.exec(statement.order_by(col(ReceivedFootprint.seq).desc()).limit(limit)).all()


def successors(session: Session, peer_id: int, footprint_id: str) -> list[str]:
    """Ids of footprints of a peer that name this one as preceding, oldest first."""
    of = ReceivedFootprint
    statement = select(of.footprint_id, of.summary).where(
        of.peer_id == peer_id, col(of.summary).icontains(footprint_id, autoescape=True)
    )
    return naming(session.exec(statement.order_by(col(of.seq))), footprint_id)


def in_order(session: Session, numbers: Iterable[int]) -> Iterator[tuple[ReceivedFootprint, Peer]]:
    """Those with these sequence numbers with their peers, in this order, and not all in memory.

    Their bytes are read when they are looked at.
    """
    of_whom: dict[int | None, Peer] = {}  # a session forgets what nobody holds
    for part in batches(numbers, ROWS_AT_A_TIME):
        statement = (
            select(ReceivedFootprint)
            .options(defer(ReceivedFootprint.body))  # type: ignore[arg-type]
            .where(col(ReceivedFootprint.seq).in_(part))
        )
        rows = {row.seq: row for row in session.exec(statement)}
        unknown = {row.peer_id for row in rows.values()} - of_whom.keys()
        if unknown:
            found = session.exec(select(Peer).where(col(Peer.id).in_(unknown)))
            of_whom.update((peer.id, peer) for peer in found)
        for row in (rows[number] for number in part if number in rows):
            yield row, of_whom[row.peer_id]


def by_numbers(session: Session, numbers: Iterable[int]) -> Iterator[ReceivedFootprint]:
    """Those with these sequence numbers, and not all in memory."""
    for part in batches(numbers, ROWS_AT_A_TIME):
        rows = session.exec(
            select(ReceivedFootprint).where(col(ReceivedFootprint.seq).in_(part))
        ).all()
        yield from rows
        for row in rows:
            session.expunge(row)
