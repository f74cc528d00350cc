"""What partners and we have signed about an exchange: what it says, and whether it verifies now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.store.audit_tables import Receipt, ReceiptRole
from underseal_node.store.tables import Peer
from underseal_node.trust import audit
from underseal_node.trust.receipts import pinned_keys
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ProtocolError
from underseal_protocol.jws import named_key
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.receipt import (
    Acknowledgement,
    read_acknowledgement,
    read_receipt,
)
from underseal_protocol.receipt import Receipt as Signed

__all__ = ["Checked", "Confirmed", "Said", "check", "said"]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A footprint of an exchange.

    Attributes:
        footprint_id: which.
        level: at which it was shown; None if that is not confirmed.
    """

    footprint_id: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether an exchange verifies with the keys that are known now.

    Attributes:
        receipt_id: of the row.
        holds: what there is verifies: the acknowledgement, and the receipt if there is one.
        problem: why not.
    """

    receipt_id: str
    holds: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What an exchange says, as far as it can be read.

    Attributes:
        checked: whether it verifies.
        acknowledged_at: when who received the footprints signed; None if that does not verify.
        issued_at: when the receipt was signed.
        kid: of the key of the receipt.
        footprints: that are acknowledged, with the levels that the receipt confirms.
    """

    checked: Checked
    acknowledged_at: datetime | None = None
    issued_at: datetime | None = None
    kid: str | None = None
    footprints: Sequence[Confirmed] = ()


def check(session: Session, rows: Iterable[tuple[Receipt, Peer]]) -> list[Checked]:
    """Whether exchanges verify.

    Args:
        session: to read.
        rows: of them, with their peers.
    """
    ours = audit.receipt_keys(session)
    return [_said(row, peer, ours).checked for row, peer in rows]


def said(session: Session, row: Receipt, peer: Peer) -> Said:
    """What an exchange says, and whether it verifies."""
    return _said(row, peer, audit.receipt_keys(session))


def _said(row: Receipt, peer: Peer, ours: PublicKeySet) -> Said:
    """Of what we hold, the acknowledgement is ours and the receipt the peer's; of what we have
    issued it is the other way round."""
    is_held = row.role == ReceiptRole.HELD
    theirs = pinned_keys(peer)
    try:
        given = read_acknowledgement(row.acknowledgement, keys=ours if is_held else theirs)
    except ProtocolError as error:
        return Said(Checked(row.id, False, error.message))
    unanswered = tuple(Confirmed(one.footprint_id, None) for one in given.footprints)
    if row.token is None:
        return Said(Checked(row.id, True), given.issued_at, footprints=unanswered)
    try:
        receipt = read_receipt(row.token, keys=theirs if is_held else ours, acknowledgement=given)
        if is_held and row.done_at is not None:
            receipt.check_time(given.issued_at, row.done_at)
    except ProtocolError as error:
        problem = Checked(row.id, False, error.message)
        return Said(problem, given.issued_at, footprints=unanswered)
    return _answered(row, given, receipt)


def _answered(row: Receipt, given: Acknowledgement, receipt: Signed) -> Said:
    levels = {one.footprint_id: one.level for one in receipt.footprints}
    return Said(
        Checked(row.id, True),
        given.issued_at,
        receipt.issued_at,
        named_key(receipt.token),
        tuple(
            Confirmed(one.footprint_id, levels.get(one.footprint_id)) for one in given.footprints
        ),
    )
