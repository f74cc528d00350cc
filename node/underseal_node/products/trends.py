"""What a peer has sent, put in order: which footprints count now, and how their figures have
changed from one to its successor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from underseal_node.products.bills import PCF
from underseal_node.products.bought import is_usable
from underseal_node.store.exchange_tables import VerificationState
from underseal_node.store.held import Held
from underseal_node.store.tables import Peer
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, RollUpError
from underseal_protocol.rollup.numbers import exact

__all__ = ["Point", "Sent", "Trend", "company_names", "sent_by", "summary_texts"]


@dataclass(frozen=True, slots=True)
class Point:
    """A footprint of a chain.

    Attributes:
        row: as it was received.
        pcf: kg CO2e, excluding biogenic uptake, per one unit.
    """

    row: Held
    pcf: Fraction


@dataclass(frozen=True, slots=True)
class Trend:
    """A product of a supplier whose footprint has replaced another one that we know.

    Attributes:
        unit: of all figures.
        points: at least two, oldest first; each but the first replaces the one before.
        change: by which share of the first figure the last one differs; None without a first one
            that is greater than 0.
    """

    unit: str
    points: tuple[Point, ...]
    change: Fraction | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a peer has sent.

    Attributes:
        current: usable, not deprecated, and not replaced by another usable one; oldest first.
        invalid: how many cannot be used, because they do not verify.
        trends: of the current ones that replace others.
        rows: all, oldest first.
    """

    current: tuple[Held, ...] = ()
    invalid: int = 0
    trends: tuple[Trend, ...] = ()
    rows: tuple[Held, ...] = ()


def sent_by(peer: Peer, rows: Sequence[Held]) -> Sent:
    """What a peer has sent.

    Args:
        peer: whose policy says whether unsigned footprints count.
        rows: of this peer, oldest first.
    """
    usable = [row for row in rows if is_usable(row, peer)]
    preceding = {row.footprint_id: _preceding(row) for row in usable}
    replaced = {one for ids in preceding.values() for one in ids}
    current = tuple(
        row for row in usable if row.status != DEPRECATED and row.footprint_id not in replaced
    )
    known = {row.footprint_id: row for row in usable}
    found = (_trend(row, known, preceding) for row in current if preceding[row.footprint_id])
    return Sent(
        current,
        sum(row.verification == VerificationState.INVALID for row in rows),
        tuple(one for one in found if one is not None),
        tuple(rows),
    )


def company_names(rows: Iterable[Held]) -> set[str]:
    """What the company calls itself in footprints."""
    return {str(name) for row in rows if (name := row.facts.get("companyName"))}


def summary_texts(row: Held) -> dict[str, str]:
    """What lists show of a footprint, as far as it is text."""
    return {name: value for name, value in row.facts.items() if isinstance(value, str)}


def _trend(
    newest: Held, known: dict[str, Held], preceding: dict[str, tuple[str, ...]]
) -> Trend | None:
    """From a footprint back to the first one, as long as the unit is the same."""
    last = _figure(newest)
    if last is None:
        return None
    unit, points, seen = last[1], [Point(newest, last[0])], {newest.footprint_id}
    while True:
        before = [known[one] for one in preceding[points[-1].row.footprint_id] if one in known]
        comparable = [
            Point(row, figure[0])
            for row in before
            if row.footprint_id not in seen
            and (figure := _figure(row)) is not None
            and figure[1] == unit
        ]
        if not comparable:
            break
        # Of several that became one, the one that we got last.
        points.append(max(comparable, key=lambda point: point.row.seq))
        seen.add(points[-1].row.footprint_id)
    if len(points) == 1:
        return None
    first = points[-1].pcf
    change = None if first <= 0 else last[0] / first - 1
    return Trend(unit, tuple(reversed(points)), change)


def _figure(row: Held) -> tuple[Fraction, str] | None:
    """The PCF per one declared unit, and that unit."""
    names = ("declaredUnitAmount", PCF, "declaredUnitOfMeasurement")
    given = [row.facts.get(name) for name in names]
    return _per_unit(*given) if all(isinstance(one, str) for one in given) else None


@lru_cache(maxsize=4096)
def _per_unit(amount: str, pcf: str, unit: str) -> tuple[Fraction, str] | None:
    try:
        of = exact(parse_decimal(amount))
        return (exact(parse_decimal(pcf)) / of, unit) if of > 0 else None
    except (DecimalError, RollUpError):
        return None


def _preceding(row: Held) -> tuple[str, ...]:
    named = row.facts.get("precedingPfIds")
    return tuple(str(one).lower() for one in named) if isinstance(named, list) else ()
