"""Drafts of products that are calculated: fixed, so that a verifier can attest them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products.books import leaves_of
from underseal_node.products.calculating import row_of
from underseal_node.products.releasing import Outcome, Prepared, prepare
from underseal_node.publishing.drafting import Drafted, keep
from underseal_node.publishing.results import Problem, UnpublishableError
from underseal_node.store import attestations, draft_roll_ups
from underseal_node.store.product_tables import DraftRollUpRow
from underseal_protocol.commitment import Commitment, commit
from underseal_protocol.draft import make_draft
from underseal_protocol.errors import DraftError
from underseal_protocol.strict_json import dumps

__all__ = ["DraftedProduct", "draft_product"]


@dataclass(frozen=True, slots=True)
class DraftedProduct:
    """A draft of a product.

    Attributes:
        drafted: the draft.
        prepared: what it was made from; with what the release gate says of publishing it now.
    """

    drafted: Drafted
    prepared: Prepared


async def draft_product(
    node: Node, product_id: str, *, digits: int | None = None
) -> DraftedProduct:
    """Calculate a product and make a draft of its footprint; a draft of the same product that is
    not published is made anew, under its id.

    Args:
        node: who will publish it.
        product_id: of the product.
        digits: significant ones of each figure; the release gate may want fewer.

    Raises:
        NotFoundError: there is no such product.
        RollUpError, UnitError, SchemaError: it cannot be calculated.
        RefusedError: it has been published just like this, or readings have changed meanwhile.
        UnpublishableError: it cannot be published.
    """
    prepared = await prepare(node, product_id, digits=digits)
    if prepared.outcome is Outcome.UNCHANGED:
        raise RefusedError(
            f"product {product_id!r} has been published just like this, as {prepared.draft.id}",
            hint="A verifier can attest it as it is; `underseal footprint attach` serves that.",
        )
    bill = prepared.calculation.bill
    leaves = await node.store.read(lambda session: leaves_of(session, bill, node.identity))
    committed = await asyncio.to_thread(commit, leaves)
    drafted = await node.store.write(lambda session: _keep(session, node, prepared, committed))
    return DraftedProduct(drafted, prepared)


def _keep(session: Session, node: Node, prepared: Prepared, committed: Commitment) -> Drafted:
    """Store the draft, and what its publication will keep."""
    product_id = prepared.calculation.bill.used.root
    supersedes = None if prepared.old is None else prepared.old.id
    made = prepared.draft
    for row in draft_roll_ups.unpublished(session, product_id):
        if attestations.draft(session, row.footprint_id).supersedes == supersedes:
            made = replace(made, document=made.document | {"id": row.footprint_id})
            break
    try:
        fixed = make_draft(made.document, issuer=node.identity.url)
    except DraftError as error:
        where = f"product {product_id}"
        raise UnpublishableError([Problem(where, "", error.message, error.hint)]) from error
    drafted = keep(session, node, made, fixed, supersedes)
    assert prepared.judged is not None  # noqa: S101 - it is not unchanged
    exposure = replace(prepared.judged.exposure, footprint=fixed.id)
    draft_roll_ups.keep(
        session,
        DraftRollUpRow(
            **row_of(prepared.calculation, fixed.id).model_dump(),
            exposure=json.dumps(exposure.to_json()),
            commitment=dumps(committed.to_json()).decode(),
        ),
    )
    return drafted
