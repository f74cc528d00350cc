"""What is spent in a period, by who gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlmodel import Session

from underseal_node.errors import NotFoundError
from underseal_node.products.partner_names import Names
from underseal_node.store import spend
from underseal_node.store.spend import Period
from underseal_protocol.times import format_time

__all__ = ["Spending", "spending_of"]


@dataclass(frozen=True)
class Spending:
    """What is spent in a period.

    Attributes:
        period: first instant, and the first one after it.
        currency: of all amounts (ISO 4217).
        total: of all suppliers.
        by_peer: on partners, by their keys.
        others: on those that are no partners, by their names.
    """

    period: Period
    currency: str
    total: Fraction
    by_peer: Mapping[int, Fraction]
    others: Mapping[str, Fraction]


def spending_of(session: Session, names: Names, period: Period | None) -> Spending | None:
    """What is spent in a period; None if nothing is known of any.

    Args:
        session: to read.
        names: of partners.
        period: of it; by default the newest.

    Raises:
        NotFoundError: there is nothing of this period.
    """
    known = spend.periods(session)
    if period is not None and period not in known:
        start, end = map(format_time, period)
        raise NotFoundError(
            f"there is no spend from {start} until {end}",
            hint="`underseal spend list` shows the periods.",
        )
    if not known:
        return None
    chosen = period or known[0]
    rows = spend.of_period(session, chosen)
    by_peer: dict[int, Fraction] = {}
    others: dict[str, Fraction] = {}
    for row in rows:
        peer, amount = names.peer_of(row.supplier), Fraction(row.amount)
        if peer is None:
            others[row.supplier] = amount
        else:
            by_peer[peer.id or 0] = by_peer.get(peer.id or 0, Fraction()) + amount
    total = sum((Fraction(row.amount) for row in rows), Fraction())
    return Spending(chosen, rows[0].currency, total, by_peer, others)
