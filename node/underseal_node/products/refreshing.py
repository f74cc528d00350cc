"""Calculating stale footprints anew: what they were and would be, and publishing the successors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from underseal_node.errors import NodeError, RefusedError
from underseal_node.node import Node
from underseal_node.products.bills import PCF, Loader
from underseal_node.products.releasing import (
    Outcome,
    Prepared,
    PublishedProduct,
    prepare,
    publish,
)
from underseal_node.products.staleness import Cause, Stale, stale
from underseal_node.store import products
from underseal_protocol.errors import ProtocolError
from underseal_protocol.release.verdict import Acknowledgement
from underseal_protocol.rollup.what_if import Difference

__all__ = ["Refreshed", "refresh", "refreshed"]

PERCENT = 100
LASTING = frozenset({Cause.NOT_FOLLOWED, Cause.DEPRECATED, Cause.EXPIRED, Cause.UNUSABLE})


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A stale footprint beside what it would be now.

    Attributes:
        stale: what has changed.
        figures: everything that differs, by PACT's names.
        change_percent: of the PCF excluding uptake; None if it was 0 or cannot be calculated.
        prepared: what would be published; None if it cannot be calculated.
        problem: why not.
        published: what came of publishing; None if it was not.
    """

    stale: Stale
    figures: dict[str, Difference] = field(default_factory=dict)
    change_percent: Fraction | None = None
    prepared: Prepared | None = None
    problem: str | None = None
    published: PublishedProduct | None = None

    @property
    def digest(self) -> str | None:
        """What a confirmation names, so that nothing else is published than what was looked at."""
        return None if self.prepared is None else self.prepared.fingerprint


async def refreshed(node: Node, product_id: str | None = None) -> list[Refreshed]:
    """Every stale published footprint, calculated anew; nothing is published.

    Args:
        node: whose they are.
        product_id: of this product only.

    Raises:
        NotFoundError: there is no such product.
    """
    now = node.now()
    if product_id is not None:
        wanted = product_id
        await node.store.read(lambda session: products.product(session, wanted))
    found = await node.store.read(
        lambda session: stale(session, now, Loader(session, now, node.identity), product_id)
    )
    return [await _refreshed(node, one) for one in found]


async def _refreshed(node: Node, one: Stale) -> Refreshed:
    row = await node.store.read(lambda session: products.find_roll_up(session, one.footprint_id))
    before = {} if row is None else json.loads(row.result)["figures"]
    try:
        prepared = await prepare(node, one.product_id)
    except (NodeError, ProtocolError) as error:
        return Refreshed(one, problem=error.message)
    if prepared.old is None or prepared.old.id != one.footprint_id:
        problem = (
            "the product is declared for another period, place or unit by now: publish it as a new "
            "footprint, and deprecate this one if it must no longer be used"
        )
        return Refreshed(one, problem=problem)
    after = prepared.calculation.result.figures
    figures = {}
    for name in dict.fromkeys((*before, *after)):
        old = Fraction(before[name]) if name in before else None
        new = after.get(name)
        if old != new:
            figures[name] = Difference(old, new)
    return Refreshed(one, figures, _percent(figures.get(PCF), before), prepared)


def _percent(difference: Difference | None, before: dict[str, str]) -> Fraction | None:
    if difference is None:
        return Fraction()
    if not difference.before or difference.after is None:
        return None
    return (difference.after - difference.before) / abs(difference.before) * PERCENT


async def refresh(
    node: Node,
    product_id: str | None,
    *,
    confirmed: Sequence[str] = (),
    below_percent: Decimal | None = None,
    acknowledgement: Acknowledgement | None = None,
) -> list[Refreshed]:
    """Publish successors of stale footprints.

    Args:
        node: whose they are.
        product_id: of this product only.
        confirmed: digests of what the operator has looked at.
        below_percent: also those whose PCF changes by less than this, without a confirmation.
        acknowledgement: where the release gate advises against it; of what was confirmed only.

    Raises:
        RefusedError: something that was confirmed has changed meanwhile; nothing is published.
    """
    found = await refreshed(node, product_id)
    digests = {one.digest for one in found}
    if any(one not in digests for one in confirmed):
        raise RefusedError(
            "something has changed since you looked at it",
            hint="Look at it again: `underseal product refresh`.",
        )
    done = []
    for one in found:
        if one.prepared is None or not _is_wanted(one, confirmed, below_percent):
            done.append(one)
            continue
        try:
            said = acknowledgement if one.digest in confirmed else None
            came = await publish(node, await _again(node, one), said)
        except (NodeError, ProtocolError) as error:
            done.append(Refreshed(one.stale, one.figures, one.change_percent, None, error.message))
            continue
        done.append(
            Refreshed(one.stale, one.figures, one.change_percent, one.prepared, published=came)
        )
    return done


async def _again(node: Node, one: Refreshed) -> Prepared:
    """The same, judged with what was published a moment ago.

    Raises:
        RefusedError: it is no longer the same.
    """
    prepared = await prepare(node, one.stale.product_id)
    if prepared.fingerprint != one.digest:
        raise RefusedError(
            "something has changed since you looked at it",
            hint="Look at it again: `underseal product refresh`.",
        )
    return prepared


def _is_wanted(one: Refreshed, confirmed: Sequence[str], below_percent: Decimal | None) -> bool:
    if one.digest in confirmed:
        return True
    if one.prepared is not None and one.prepared.outcome is Outcome.UNCHANGED:
        # Nothing is published: only what it is made from is noted. What an input has lost is not
        # made good by that, and stays a reason until somebody decides.
        return all(each.cause not in LASTING for each in one.stale.reasons)
    percent = one.change_percent
    return below_percent is not None and percent is not None and abs(percent) < below_percent
