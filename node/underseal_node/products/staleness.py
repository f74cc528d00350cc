"""What has changed since a footprint was calculated: found by comparing what it was made from with
what it would be made from now. Nothing has to be told of a change, so none is missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.products import bills
from underseal_node.products.calculating import used_of
from underseal_node.products.used import LineKey, Used, UsedFootprint
from underseal_node.store import draft_roll_ups, footprints, products
from underseal_node.store.product_tables import DraftRollUpRow, RollUpRow
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import ACTIVE
from underseal_protocol.errors import ProtocolError
from underseal_protocol.rollup.sources import FactorSource, FootprintSource, Trust

__all__ = ["Cause", "Reason", "Stale", "in_use", "reasons", "stale", "stale_drafts"]


class Cause(StrEnum):
    """Why a footprint is stale."""

    SUPERSEDED = "superseded"  # a received footprint was replaced
    NOT_FOLLOWED = "successor-not-used"  # the same, and the line names the old one
    DEPRECATED = "deprecated"  # a received footprint was, and nothing has replaced it
    EXPIRED = "expired"  # a received footprint is no longer valid
    CONTENT = "content-changed"  # a received footprint, under the same id
    GONE = "gone"  # a received footprint, a factor or a product is no longer there
    FACTOR = "factor-changed"
    BILL = "bill-changed"
    MATCH = "match-changed"
    UNUSABLE = "not-usable"  # a received footprint: it is no longer trusted
    WITHHELD = "more-or-less-shown"  # of a received footprint
    READINGS = "readings-changed"
    IMPOSSIBLE = "not-calculable"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that has changed.

    Attributes:
        cause: what kind of change.
        message: one sentence.
        path: from the product to what has changed: ids of products, name of the line, source.
    """

    cause: Cause
    message: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """A footprint or draft that would be another one if it were calculated now, or may be.

    Attributes:
        footprint_id: of the footprint or draft.
        product_id: that it was calculated from.
        calculated_at: when.
        reasons: at least one.
        is_draft: it is not published.
    """

    footprint_id: str
    product_id: str
    calculated_at: datetime
    reasons: tuple[Reason, ...]
    is_draft: bool = False


def stale(
    session: Session, now: datetime, loader: bills.Loader, product_id: str | None = None
) -> list[Stale]:
    """Every stale footprint that is published, newest first.

    Args:
        session: to read.
        now: aware.
        loader: of the same session.
        product_id: of this product only.
    """
    return list(_stale_of(in_use(session, product_id), now, loader))


def stale_drafts(
    session: Session, now: datetime, loader: bills.Loader, product_id: str | None = None
) -> list[Stale]:
    """Every stale draft that is not published, newest first; arguments as for `stale`."""
    return list(_stale_of(draft_roll_ups.unpublished(session, product_id), now, loader))


def _stale_of(
    rows: Iterable[RollUpRow | DraftRollUpRow], now: datetime, loader: bills.Loader
) -> Iterator[Stale]:
    known: dict[str, Used | str] = {}
    for row in rows:
        if row.product_id not in known:
            known[row.product_id] = _used_now(loader, row.product_id)
        current = known[row.product_id]
        changed = tuple(reasons(used_of(row), current, row.calculated_at, now))
        if changed:
            is_draft = isinstance(row, DraftRollUpRow)
            yield Stale(row.footprint_id, row.product_id, row.calculated_at, changed, is_draft)


def in_use(session: Session, product_id: str | None = None) -> list[RollUpRow]:
    """How the active footprints were calculated, newest first.

    Args:
        session: to read.
        product_id: of this product only.
    """
    rows = products.roll_ups(session, product_id)
    published = footprints.find_many(session, [row.footprint_id for row in rows])
    active = {name for name, one in published.items() if one.status == ACTIVE}
    return [row for row in rows if row.footprint_id in active]


def _used_now(loader: bills.Loader, product_id: str) -> Used | str:
    """What it would be made from, or why it cannot be calculated."""
    try:
        return loader.load(product_id).used
    except (NodeError, ProtocolError) as error:
        return error.message


def reasons(old: Used, new: Used | str, calculated_at: datetime, now: datetime) -> Iterator[Reason]:
    """What has changed between two calculations.

    Args:
        old: what was used.
        new: what would be, or why nothing can be calculated.
        calculated_at: aware; what had expired by then was looked at then.
        now: aware.
    """
    if isinstance(new, str):
        yield Reason(Cause.IMPOSSIBLE, f"it cannot be calculated any more: {new}", (old.root,))
        return
    ways = _Ways(old)
    yield from _of_products(old, new, ways)
    yield from _of_lines(old, new, ways)
    yield from _of_footprints(old, new, ways, (utc_text(calculated_at), utc_text(now)))
    yield from _of_factors(old, new, ways)
    for product in sorted({*old.readings, *new.readings} & new.products.keys()):
        if new.readings.get(product) != old.readings.get(product):
            message = f"energy readings or production of {product} have changed"
            yield Reason(Cause.READINGS, message, ways.paths.get(product, ()))


class _Ways:
    """By which ways things have come into a calculation."""

    def __init__(self, used: Used) -> None:
        self._lines = used.lines
        self.paths = used.paths()
        self.users = used.users()

    def to_line(self, key: LineKey) -> tuple[str, ...]:
        return (*self.paths.get(key[0], ()), self._lines[key].name)


def _of_products(old: Used, new: Used, ways: _Ways) -> Iterator[Reason]:
    for product, digest in old.products.items():
        if product not in new.products:
            continue  # then the line that used it has changed, or its product
        if new.products[product] != digest:
            message = f"the bill of materials of {product} has changed"
            yield Reason(Cause.BILL, message, ways.paths.get(product, ()))


def _of_lines(old: Used, new: Used, ways: _Ways) -> Iterator[Reason]:
    for key, line in old.lines.items():
        now_line = new.lines.get(key)
        if now_line is None or now_line.source == line.source:
            continue
        path = ways.to_line(key)
        before, after = line.source, now_line.source
        if isinstance(before, FootprintSource) and isinstance(after, FootprintSource):
            used = old.footprints.get(before.id)
            label = _label(used, before.id)
            follows = before.id in getattr(new.footprints.get(after.id), "preceding", ())
            message = f"{label} is older than {after.id}"
            if follows:
                message = f"{label} was replaced by {after.id}"
            yield Reason(Cause.SUPERSEDED, message, (*path, label))
        elif new.products.get(key[0]) == old.products.get(key[0]):
            yield Reason(Cause.MATCH, f"{line.name} is matched to something else", path)


def _of_footprints(old: Used, new: Used, ways: _Ways, times: tuple[str, str]) -> Iterator[Reason]:
    for footprint_id, used in old.footprints.items():
        for key in ways.users.get(FootprintSource(footprint_id), ()):
            line = new.lines.get(key)
            if line is None or line.source != FootprintSource(footprint_id):
                continue
            found = new.footprints.get(footprint_id)
            label = _label(used, footprint_id)
            path = (*ways.to_line(key), label)
            if found is None:
                yield Reason(Cause.GONE, f"{label} is no longer there", path)
            else:
                yield from _of_footprint(used, found, label, path, times)


def _of_footprint(
    used: UsedFootprint,
    found: UsedFootprint,
    label: str,
    path: tuple[str, ...],
    times: tuple[str, str],
) -> Iterator[Reason]:
    if found.digest != used.digest:
        yield Reason(Cause.CONTENT, f"{label} has another content than before", path)
    if found.trust == Trust.INVALID:
        yield Reason(Cause.UNUSABLE, f"{label} is no longer trusted", path)
    elif set(found.withheld) != set(used.withheld):
        yield Reason(Cause.WITHHELD, f"more or less is shown of {label} than before", path)
    if found.status != ACTIVE and used.status == ACTIVE and found.replaced_by is not None:
        message = f"{label} was replaced by {found.replaced_by}; the line names the old one"
        yield Reason(Cause.NOT_FOLLOWED, message, path)
    elif found.status != ACTIVE and used.status == ACTIVE:
        message = f"{label} was deprecated, and no successor has been received"
        yield Reason(Cause.DEPRECATED, message, path)
    elif times[0] <= found.valid_until < times[1]:
        message = f"{label} has been valid until {found.valid_until[:10]}"
        yield Reason(Cause.EXPIRED, message, path)


def _of_factors(old: Used, new: Used, ways: _Ways) -> Iterator[Reason]:
    for factor, digest in old.factors.items():
        for key in ways.users.get(FactorSource(factor), ()):
            line = new.lines.get(key)
            if line is None or line.source != FactorSource(factor):
                continue
            path = (*ways.to_line(key), f"factor {factor}")
            if factor not in new.factors:
                yield Reason(Cause.GONE, f"the factor {factor} is no longer there", path)
            elif new.factors[factor] != digest:
                yield Reason(Cause.FACTOR, f"the factor {factor} was corrected", path)


def _label(used: UsedFootprint | None, footprint_id: str) -> str:
    return footprint_id if used is None else f"{used.product_name} of {used.peer}"
