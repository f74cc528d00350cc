"""What is sealed: a footprint that this node has calculated, as a draft or published.

A seal is of the very integers of the calculation. They are calculated once more, so that no seal
needs anything kept but what was used; what has changed since is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.products.bills import Loader
from underseal_node.products.calculating import Calculation, calculate, used_of
from underseal_node.products.staleness import Cause, reasons
from underseal_node.publishing.comparing import document_of
from underseal_node.publishing.drafting import read_stored
from underseal_node.store import attestations, draft_roll_ups, footprints, products, releases, seals
from underseal_node.store.product_tables import DraftRollUpRow, RollUpRow
from underseal_protocol.criteria import ACTIVE
from underseal_protocol.release.coverage import without_coverage
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.seal.numbers import SealedProperty

__all__ = ["Subject", "subject_of"]

SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A footprint that can be sealed.

    Attributes:
        footprint_id: its id.
        product_id: of the product of ours that it was calculated from.
        document: all blocks of it.
        urn: one of its product ids, which the endorsements are for.
        is_draft: it is not published.
        credential_digest: of a published one.
        calculation: that made it, done again.
        exposure: what it tells of its sources, without a seal.
        calculated_at: when it was calculated at first.
    """

    footprint_id: str
    product_id: str
    document: Mapping[str, Any] = field(repr=False)
    urn: str
    is_draft: bool
    credential_digest: str | None
    calculation: Calculation = field(repr=False)
    exposure: Exposure = field(repr=False)
    calculated_at: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """What is stored of it."""

    row: RollUpRow | DraftRollUpRow
    document: Mapping[str, Any]
    exposure: Exposure
    credential_digest: str | None = None


async def subject_of(node: Node, name: str, *, is_sealed: bool = False) -> Subject:
    """What is named.

    Args:
        node: whose footprint it is.
        name: the id of a draft, of an own footprint, or of a product: then its newest draft that is
            not published, or else its active footprint.
        is_sealed: whether it may be sealed already; of what is published, a seal is for good.

    Raises:
        NotFoundError: there is nothing of this name.
        RefusedError: it was not calculated here, something has changed since, it is deprecated or
            published with a seal.
        RollUpError, UnitError, SchemaError: it cannot be calculated any more.
    """
    found = await node.store.read(lambda session: _found(session, name))
    row, is_draft = found.row, isinstance(found.row, DraftRollUpRow)
    await node.store.read(lambda session: _require_current(session, node, row))
    if not is_draft and not is_sealed:
        await node.store.read(lambda session: _require_unsealed(session, row.footprint_id))
    calculation = await calculate(node, row.product_id, digits=found.exposure.digits)
    _require_same(calculation, row)
    return Subject(
        row.footprint_id,
        row.product_id,
        found.document,
        str(found.document["productIds"][0]),
        is_draft,
        found.credential_digest,
        calculation,
        found.exposure,
        row.calculated_at,
    )


def _found(session: Session, name: str) -> _Found:
    footprint_id = name.lower()
    draft = draft_roll_ups.find(session, footprint_id)
    if draft is not None and attestations.draft(session, footprint_id).published_at is None:
        return _of_draft(session, draft)
    published = footprints.find_many(session, [footprint_id]).get(footprint_id)
    if published is not None:
        return _of_published(session, footprint_id)
    if attestations.find_draft(session, footprint_id) is not None:
        raise _not_calculated(f"the draft {footprint_id}")
    if products.find(session, name) is None:
        raise NotFoundError(
            f"there is no draft, footprint or product {name!r}",
            hint="`underseal product list` shows products, `underseal footprint drafts` drafts.",
        )
    drafts = draft_roll_ups.unpublished(session, name)
    if drafts:
        return _of_draft(session, drafts[0])
    for row in products.roll_ups(session, name):
        known = footprints.find_many(session, [row.footprint_id]).get(row.footprint_id)
        if known is not None and known.status == ACTIVE:
            return _of_published(session, row.footprint_id)
    raise RefusedError(
        f"product {name!r} has no draft and no active footprint, so there is nothing to seal",
        hint=f"`underseal product draft {name}` makes a draft.",
    )


def _of_draft(session: Session, row: DraftRollUpRow) -> _Found:
    stored = read_stored(attestations.draft(session, row.footprint_id))
    return _Found(row, stored.document, _without_seal(json.loads(row.exposure)))


def _of_published(session: Session, footprint_id: str) -> _Found:
    published = footprints.row(session, footprint_id)
    row = products.find_roll_up(session, published.id)
    exposure = releases.exposure(session, published.id)
    if row is None or exposure is None:
        raise _not_calculated(f"the footprint {published.id}")
    if published.status != ACTIVE:
        raise RefusedError(
            f"the footprint {published.id} is deprecated, so it is not sealed any more",
            hint="Seal its successor.",
        )
    return _Found(
        row,
        document_of(published),
        _without_seal(json.loads(exposure.document)),
        published.credential_digest,
    )


def _without_seal(stored: Mapping[str, Any]) -> Exposure:
    """The exposure without what an earlier seal of the draft would tell."""
    return without_coverage(Exposure.from_json(stored))


def _not_calculated(what: str) -> RefusedError:
    return RefusedError(
        f"{what} was not calculated by this node, so there is no sum that could be sealed",
        hint="Import its bill of materials, and draft it with `underseal product draft`.",
    )


def _require_current(session: Session, node: Node, row: RollUpRow | DraftRollUpRow) -> None:
    now = node.now()
    used = Loader(session, now, node.identity).load(row.product_id).used
    changed = [
        one.message
        for one in reasons(used_of(row), used, row.calculated_at, now)
        if one.cause is not Cause.EXPIRED
    ]
    if changed:
        raise _changed(row, changed)


def _require_unsealed(session: Session, footprint_id: str) -> None:
    known = seals.find(session, footprint_id)
    if known is not None:
        raise RefusedError(
            f"the footprint {footprint_id} has been published with a seal, {known.digest}, and "
            "another one could tell more than both",
            hint="Seal its successor.",
        )


def _require_same(calculation: Calculation, row: RollUpRow | DraftRollUpRow) -> None:
    before = json.loads(row.result)["figures"]
    for sealed in SealedProperty:
        now = str(calculation.result.figures.get(sealed.value))
        if before.get(sealed.value) != now:
            raise _changed(row, [f"{sealed} is another figure than it was"])


def _changed(row: RollUpRow | DraftRollUpRow, changed: Sequence[str]) -> RefusedError:
    shown = "; ".join(changed[:SHOWN_REASONS])
    more = len(changed) - SHOWN_REASONS
    hint = f"Run `underseal product refresh {row.product_id}`, and seal that."
    if isinstance(row, DraftRollUpRow):
        hint = f"Run `underseal product draft {row.product_id}`, and seal that."
    return RefusedError(
        f"{row.footprint_id} would be another footprint now: {shown}"
        + (f", and {more} more" if more > 0 else ""),
        hint=hint,
    )
