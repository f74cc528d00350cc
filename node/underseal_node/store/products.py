"""Queries on products, factors, matches and roll-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError
from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import ReceivedFootprint, ReceivedKey
from underseal_node.store.product_tables import (
    FactorRow,
    MatchRow,
    ProductRow,
    ProductVersion,
    RollUpRow,
)
from underseal_node.store.tables import KeyKind, Peer

__all__ = [
    "all_factors",
    "all_products",
    "confirm",
    "factors",
    "find",
    "find_roll_up",
    "history",
    "inherit_roll_up",
    "known_factors",
    "known_products",
    "known_received",
    "matches",
    "of_products",
    "product",
    "put_factor",
    "put_product",
    "received",
    "received_by_product",
    "record_roll_up",
    "roll_ups",
    "unmatch",
]


def product(session: Session, product_id: str) -> ProductRow:
    """One product.

    Raises:
        NotFoundError: there is none with this id.
    """
    found = find(session, product_id)
    if found is None:
        raise NotFoundError(
            f"there is no product {product_id!r}", hint="`underseal product list` lists them."
        )
    return found


def find(session: Session, product_id: str) -> ProductRow | None:
    """One product, if it is there."""
    return session.get(ProductRow, product_id)


def all_products(session: Session) -> Sequence[ProductRow]:
    """Every product, by id."""
    return session.exec(select(ProductRow).order_by(col(ProductRow.id))).all()


def history(session: Session, product_id: str) -> Sequence[ProductVersion]:
    """What a product was before, newest first."""
    return session.exec(
        select(ProductVersion)
        .where(ProductVersion.product_id == product_id)
        .order_by(col(ProductVersion.version).desc())
    ).all()


def put_product(session: Session, new: ProductRow) -> None:
    """Write a product that is new or changed; what it was before is kept.

    Args:
        new: its version is set here.
    """
    old = session.get(ProductRow, new.id)
    new.version = 1
    if old is not None:
        session.add(
            ProductVersion(
                product_id=old.id,
                version=old.version,
                document=old.document,
                digest=old.digest,
                file=old.file,
                changed_at=old.changed_at,
            )
        )
        new.version = old.version + 1
    session.merge(new)
    session.flush()


def put_factor(session: Session, new: FactorRow) -> None:
    """Write a factor that is new or changed."""
    session.merge(new)
    session.flush()


def all_factors(session: Session) -> Sequence[FactorRow]:
    """Every factor, by id."""
    return session.exec(select(FactorRow).order_by(col(FactorRow.id))).all()


def factors(session: Session, ids: Iterable[str]) -> dict[str, FactorRow]:
    """These factors, by id; what is not there is left out."""
    wanted = sorted(set(ids))
    rows: dict[str, FactorRow] = {}
    for part in batches(wanted):
        found = session.exec(select(FactorRow).where(col(FactorRow.id).in_(part)))
        rows.update((row.id, row) for row in found)
    return rows


def known_factors(session: Session, ids: Iterable[str]) -> set[str]:
    """Which of these factors there are."""
    return _known(session, col(FactorRow.id), ids)


def known_products(session: Session, ids: Iterable[str]) -> set[str]:
    """Which of these products there are."""
    return _known(session, col(ProductRow.id), ids)


def known_received(session: Session, ids: Iterable[str]) -> set[str]:
    """Which of these footprints were received, from whomever."""
    return _known(session, col(ReceivedFootprint.footprint_id), ids)


def _known(session: Session, column: Mapped[str], ids: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for part in batches(sorted(set(ids))):
        found.update(session.exec(select(column).where(column.in_(part))))
    return found


def matches(session: Session, product_id: str | None = None) -> Sequence[MatchRow]:
    """What has been decided, of one product or all."""
    statement = select(MatchRow).order_by(col(MatchRow.product_id), col(MatchRow.line_id))
    if product_id is not None:
        statement = statement.where(MatchRow.product_id == product_id)
    return session.exec(statement).all()


def confirm(session: Session, match: MatchRow) -> None:
    """Write a decision; one that was there before is replaced."""
    session.merge(match)
    session.flush()


def unmatch(session: Session, product_id: str, line_id: str) -> bool:
    """Take a decision back; whether there was one."""
    row = session.get(MatchRow, (product_id, line_id))
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def received(
    session: Session, ids: Iterable[str]
) -> dict[str, list[tuple[ReceivedFootprint, str]]]:
    """Received footprints by id, each with the name of the peer that it is from."""
    wanted = sorted(set(ids))
    rows: dict[str, list[tuple[ReceivedFootprint, str]]] = {}
    for part in batches(wanted):
        found = session.exec(
            select(ReceivedFootprint, Peer.name)
            .join(Peer, col(Peer.id) == col(ReceivedFootprint.peer_id))
            .where(col(ReceivedFootprint.footprint_id).in_(part))
            .order_by(col(ReceivedFootprint.seq))
        )
        for row, name in found:
            rows.setdefault(row.footprint_id, []).append((row, name))
    return rows


def received_by_product(
    session: Session, peer_id: int, product_urn: str
) -> Sequence[ReceivedFootprint]:
    """What a peer has sent of a product, newest first.

    Args:
        peer_id: key of the peer.
        product_urn: folded.
    """
    return session.exec(
        select(ReceivedFootprint)
        .join(ReceivedKey, col(ReceivedKey.seq) == col(ReceivedFootprint.seq))
        .where(
            ReceivedKey.kind == KeyKind.PRODUCT,
            ReceivedKey.value == product_urn,
            ReceivedFootprint.peer_id == peer_id,
        )
        .order_by(col(ReceivedFootprint.seq).desc())
    ).all()


def of_products(
    session: Session, product_urns: Iterable[str]
) -> list[tuple[str, ReceivedFootprint, Peer]]:
    """What any peer has sent of products: folded product id, footprint and peer, oldest first."""
    wanted = sorted(set(product_urns))
    rows: list[tuple[str, ReceivedFootprint, Peer]] = []
    for part in batches(wanted):
        found = session.exec(
            select(ReceivedKey.value, ReceivedFootprint, Peer)
            .join(ReceivedFootprint, col(ReceivedFootprint.seq) == col(ReceivedKey.seq))
            .join(Peer, col(Peer.id) == col(ReceivedFootprint.peer_id))
            .where(ReceivedKey.kind == KeyKind.PRODUCT, col(ReceivedKey.value).in_(part))
            .order_by(col(ReceivedFootprint.seq))
        )
        rows += found
    return rows


def record_roll_up(session: Session, row: RollUpRow) -> None:
    """Keep how a footprint was calculated."""
    session.merge(row)
    session.flush()


def find_roll_up(session: Session, footprint_id: str) -> RollUpRow | None:
    """How an own footprint was calculated; None if it was not."""
    return session.get(RollUpRow, footprint_id)


def inherit_roll_up(session: Session, old_id: str, new_id: str) -> None:
    """A footprint that is signed anew was calculated like the old one."""
    known = find_roll_up(session, old_id)
    if known is not None:
        record_roll_up(session, RollUpRow(**known.model_dump() | {"footprint_id": new_id}))


def roll_ups(session: Session, product_id: str | None = None) -> Sequence[RollUpRow]:
    """What was calculated, newest first, of one product or all."""
    statement = select(RollUpRow).order_by(
        col(RollUpRow.calculated_at).desc(), col(RollUpRow.footprint_id)
    )
    if product_id is not None:
        statement = statement.where(RollUpRow.product_id == product_id)
    return session.exec(statement).all()
