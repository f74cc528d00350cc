"""How suppliers stand: what share of what is bought from them is covered by their own footprints,
how good and how old these are, and whether their figures improve.

Everything is exact until it is shown. What is not known is None, and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

from sqlmodel import Session

from underseal_node.products.bought import bought_lines
from underseal_node.products.partner_names import Names, partners_of, sent_of
from underseal_node.products.spending import Spending, spending_of
from underseal_node.products.supply import (
    SCALE,
    Stated,
    Weighed,
    all_stated,
    has_mass,
    in_units,
    weighed,
)
from underseal_node.products.trends import Sent, Trend, summary_texts
from underseal_node.store import granted
from underseal_node.store.held import Held
from underseal_node.store.spend import Period
from underseal_node.store.tables import Peer
from underseal_node.store.types import from_utc_text, utc_text
from underseal_protocol.criteria import fold
from underseal_protocol.errors import TimeError
from underseal_protocol.times import parse_time

__all__ = ["Averages", "CoveredSpend", "Supplier", "Suppliers", "suppliers_of"]

NONE = Fraction()


@dataclass(frozen=True, slots=True)
class Averages:
    """What footprints state of their data, on average.

    Attributes:
        is_weighted: by what each contributes to our products; otherwise all count alike, as none
            of them is used in a bill of materials whose masses are known.
        footprints: that it is of.
        primary_share: a share of 1; None if no footprint states it.
        without_primary_share: how many do not state it.
        ratings: technological, geographical, temporal, 1 (best) to 5; None if no footprint has any.
        without_ratings: how many have none, or none that we are shown.
    """

    is_weighted: bool = False
    footprints: int = 0
    primary_share: Fraction | None = None
    without_primary_share: int = 0
    ratings: tuple[Fraction, Fraction, Fraction] | None = None
    without_ratings: int = 0


@dataclass(frozen=True)
class Supplier:
    """A partner that we buy from, or have received something of.

    Attributes:
        peer: who it is.
        sent: what it has sent.
        lines: of bills of materials that are bought from it: they resolve to one of its footprints,
            or name it as their supplier.
        mass_share: how much of what is bought for our products is bought from it, a share of 1 of
            the mass that is known; None if none is.
        coverage: how much of what is bought from it its own footprints cover, a share of 1 of its
            mass; None if that is not known.
        primary_coverage: how much of it they cover with primary data at least: what states no
            share of primary data counts as having none.
        spend: in the currency and period that is looked at; None if it is not known.
        averages: of its data.
        used: its footprints that lines resolve to; if there are none, all that count now.
        is_in_use: whether lines resolve to them.
        expired: how many of them are not valid any more.
        rank: by `change`, the largest reduction first; None if nothing can be compared.
    """

    peer: Peer
    sent: Sent
    lines: tuple[Weighed, ...]
    mass_share: Fraction | None
    coverage: Fraction | None
    primary_coverage: Fraction | None
    spend: Fraction | None
    averages: Averages
    used: tuple[Held, ...]
    is_in_use: bool
    expired: int
    rank: int | None = field(default=None, compare=False)

    @property
    def trends(self) -> tuple[Trend, ...]:
        """Of its products whose footprints have replaced others."""
        return self.sent.trends

    @cached_property
    def change(self) -> Fraction | None:
        """The average change of these products, a share of 1; each counts alike."""
        found = [one.change for one in self.trends if one.change is not None]
        return sum(found, Fraction()) / len(found) if found else None

    @property
    def reference_period_end(self) -> datetime | None:
        """The end of the oldest reference period."""
        ends = (_time(summary_texts(row).get("referencePeriodEnd")) for row in self.used)
        return min((one for one in ends if one is not None), default=None)

    @property
    def valid_until(self) -> datetime | None:
        """When the first of the footprints ceases to be valid."""
        first = min((row.valid_until for row in self.used), default=None)
        return None if first is None else from_utc_text(first)


@dataclass(frozen=True, slots=True)
class CoveredSpend:
    """How much of what is spent is covered by footprints. Within a supplier, spend is taken to be
    covered as its mass is. All are shares of 1.

    Attributes:
        covered: by footprints of suppliers.
        primary: with primary data, at least.
        unknown: where it is not known how much of the mass is covered.
    """

    covered: Fraction
    primary: Fraction
    unknown: Fraction


@dataclass(frozen=True)
class Suppliers:
    """All suppliers.

    Attributes:
        found: by name.
        others: names of suppliers in bills of materials that are no partners, with their lines.
        lines: of all bills of materials, that are bought from somebody.
        products: for which a mass is known that is bought.
        spending: what is spent, if that is known.
    """

    found: tuple[Supplier, ...]
    others: Mapping[str, Sequence[Weighed]]
    lines: Sequence[Weighed]
    products: int
    spending: Spending | None = None

    @property
    def coverage(self) -> Fraction | None:
        """How much of all that is bought is covered by footprints, by the mass that is known."""
        if not self.products:
            return None
        return self.share(one for one in self.lines if one.is_covered) or Fraction()

    @property
    def primary_coverage(self) -> Fraction | None:
        """How much of all that is bought is covered with primary data, at least."""
        return _primary(self.lines) / self.products if self.products else None

    @property
    def covered_spend(self) -> CoveredSpend | None:
        """What of the spend is covered, and how."""
        spending = self.spending
        if spending is None or not spending.total:
            return None
        paid = [(one, one.spend / spending.total) for one in self.found if one.spend is not None]
        return CoveredSpend(
            sum((share * one.coverage for one, share in paid if one.coverage is not None), NONE),
            sum((share * (one.primary_coverage or 0) for one, share in paid), NONE),
            sum((share for one, share in paid if one.coverage is None), NONE),
        )

    def share(self, lines: Iterable[Weighed]) -> Fraction | None:
        """How much of all that is bought some lines are, by mass."""
        known = [one for one in lines if one.share is not None]
        return _sum(known) / self.products if known else None


def suppliers_of(
    session: Session, now: datetime, defaults: Mapping[str, Any], period: Period | None = None
) -> Suppliers:
    """How all suppliers stand.

    Args:
        session: to read.
        now: aware.
        defaults: of declarations, see `bills.defaults_of`.
        period: whose spend is looked at; by default the newest.

    Raises:
        NotFoundError: nothing is known of what was spent in the period.
    """
    partners = partners_of(session)
    sent = sent_of(session, partners)
    names = Names(partners, sent)
    lines = weighed(session, bought_lines(session, now, defaults))
    with_mass = {one.bought.product.id for one in lines if one.share is not None}
    by_peer, others = _by_supplier(lines, partners, names)
    spending = spending_of(session, names, period)
    everything = Suppliers((), others, lines, len(with_mass), spending)
    paid = {} if spending is None else spending.by_peer
    found = [
        _supplier(session, now, peer, sent[key], by_peer[key], everything)
        for key, peer in partners.items()
        if sent[key].rows or by_peer[key] or granted.of_peer(peer) or key in paid
    ]
    return replace(everything, found=_ranked(found))


def _by_supplier(
    lines: Iterable[Weighed], partners: Mapping[int, Peer], names: Names
) -> tuple[dict[int, list[Weighed]], dict[str, list[Weighed]]]:
    """Lines by the partner that they are bought from, and by the name of somebody else."""
    found: dict[int, list[Weighed]] = {key: [] for key in partners}
    others: dict[str, list[Weighed]] = {}
    spelled: dict[str, str] = {}
    for one in lines:
        name = str(getattr(one.bought.line, "supplier", None) or "").strip()
        footprint = one.bought.footprint
        named = names.peer_of(name) if footprint is None else None
        key = (named and named.id) if footprint is None else footprint.peer_id
        if key in found:
            found[key].append(one)
        elif name and footprint is None:
            others.setdefault(spelled.setdefault(fold(name), name), []).append(one)
    return found, others


def _supplier(
    session: Session,
    now: datetime,
    peer: Peer,
    sent: Sent,
    lines: Sequence[Weighed],
    everything: Suppliers,
) -> Supplier:
    spending = everything.spending
    numbers = {one.bought.footprint.seq for one in lines if one.bought.footprint is not None}
    in_use = tuple(row for row in sent.rows if row.seq in numbers)
    used = in_use or sent.current
    return Supplier(
        peer=peer,
        sent=sent,
        lines=tuple(lines),
        mass_share=everything.share(lines),
        coverage=_coverage(lines),
        primary_coverage=_primary_coverage(lines),
        spend=None if spending is None else spending.by_peer.get(peer.id or 0),
        averages=_weighted(lines) or _plain(session, sent.current),
        used=used,
        is_in_use=bool(in_use),
        expired=sum(row.valid_until < utc_text(now) for row in used),
    )


def _coverage(lines: Sequence[Weighed]) -> Fraction | None:
    """How much of the mass of lines is covered: sometimes that is known although a mass is not."""
    with_mass = [one for one in lines if has_mass(one.bought.line)]
    covered = [one for one in with_mass if one.is_covered]
    if not with_mass:
        return None
    if len(covered) in (0, len(with_mass)):
        return Fraction(bool(covered))
    if any(one.share is None for one in with_mass):
        return None
    whole = _sum(with_mass)
    return _sum(covered) / whole if whole else None


def _primary_coverage(lines: Sequence[Weighed]) -> Fraction | None:
    """How much of the mass of lines is covered with primary data, at least."""
    with_mass = [one for one in lines if has_mass(one.bought.line)]
    whole = _sum(with_mass)
    if _coverage(lines) is None or any(one.is_covered and one.share is None for one in with_mass):
        return None
    return _primary(with_mass) / whole if whole else NONE


def _primary(lines: Iterable[Weighed]) -> Fraction:
    """The mass that is covered with primary data, as a share of that for its product."""
    return sum(
        (
            one.share * one.stated.primary_share
            for one in lines
            if one.share is not None and one.stated is not None and one.stated.primary_share
        ),
        NONE,
    )


def _sum(lines: Iterable[Weighed]) -> Fraction:
    return Fraction(sum(in_units(one.share) for one in lines if one.share is not None), SCALE)


def _weighted(lines: Sequence[Weighed]) -> Averages | None:
    """Averages by contribution; None if nothing is known to contribute."""
    weights: dict[int, tuple[Stated, Fraction]] = {}
    for one in lines:
        footprint = one.bought.footprint
        if footprint is not None and one.stated is not None and one.emissions:
            key = footprint.seq or 0
            before = weights[key][1] if key in weights else Fraction()
            weights[key] = (one.stated, before + one.emissions)
    return _averages(list(weights.values()), is_weighted=True) if weights else None


def _plain(session: Session, rows: Sequence[Held]) -> Averages:
    found = all_stated(session, rows).values()
    return _averages([(one, Fraction(1)) for one in found], is_weighted=False)


def _averages(items: Sequence[tuple[Stated, Fraction]], *, is_weighted: bool) -> Averages:
    shares = [(one.primary_share, weight) for one, weight in items if one.primary_share is not None]
    rated = [(one.ratings, weight) for one, weight in items if one.ratings is not None]
    ratings = None
    if rated:
        technological, geographical, temporal = (
            _mean([(each[number], weight) for each, weight in rated]) for number in range(3)
        )
        ratings = technological, geographical, temporal
    return Averages(
        is_weighted,
        len(items),
        _mean(shares) if shares else None,
        len(items) - len(shares),
        ratings,
        len(items) - len(rated),
    )


def _mean(items: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    # Over a common denominator: whole numbers are added faster than fractions.
    below = lcm(*(value.denominator for value, _ in items))
    total = whole = 0
    for value, weight in items:
        units = in_units(weight)
        whole += units
        total += value.numerator * (below // value.denominator) * units
    return Fraction(total, below * whole)


def _ranked(found: Sequence[Supplier]) -> tuple[Supplier, ...]:
    """With their ranks; those that have changed alike share one."""
    changes = sorted(one.change for one in found if one.change is not None)
    ranks = {change: number for number, change in reversed(list(enumerate(changes, 1)))}
    return tuple(
        one if one.change is None else replace(one, rank=ranks[one.change]) for one in found
    )


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_time(text)
    except TimeError:
        return None
