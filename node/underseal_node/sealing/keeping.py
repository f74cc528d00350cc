"""Keeping a seal: in one transaction with what it changes, so that there is all of it or nothing.

Of a draft, the seal goes into what its publication will keep: the leaves of its books get the
commitments of the sealed quantities, and the credential will bear the digest. For what is published
already, the node signs a statement.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.sealing.ordering import Ordered, require_coverage
from underseal_node.store import audit, draft_roll_ups, footprints, releases, seals
from underseal_node.store.audit import Act
from underseal_node.store.product_tables import DraftRollUpRow
from underseal_node.store.seal_tables import Seal
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol.commitment import Commitment, commit, read_commitment
from underseal_protocol.criteria import ACTIVE
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.seal.binding import issue_seal_statement
from underseal_protocol.seal.document import ListedFactor, SealedDocument
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.opened import (
    LEAF_MEMBER,
    OpenedInput,
    OpenedQuantity,
    leaf_commitments,
    read_sealed_opening,
    sealed_opening_json,
    without_seal,
)
from underseal_protocol.seal.prover import Sealed
from underseal_protocol.strict_json import dumps, loads

__all__ = ["keep_seal", "openings_in", "statement_in"]

CHANGED = "the draft was made anew or published meanwhile"


async def keep_seal(node: Node, ordered: Ordered, sealed: Sealed) -> Seal:
    """Keep what was proved.

    Args:
        node: in the role `manage`.
        ordered: what was to be sealed.
        sealed: the document.

    Raises:
        RefusedError: the footprint is another one now, or sealed already.
    """
    node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread
    document = read_document(sealed.document)
    opened = _opened(ordered, document, sealed)
    openings = sealed_opening_json(sealed.document, opened)

    def work(session: Session) -> Seal:
        subject = ordered.subject
        binding: dict[str, str] = {}
        if subject.is_draft:
            _into_draft(session, ordered, opened)
        else:
            binding["statement"] = _beside(session, node, ordered, document)
        row = Seal(
            footprint_id=subject.footprint_id,
            digest=sealed.digest,
            document=sealed.document,
            binding=json.dumps(binding),
            shows=json.dumps(ordered.shows, ensure_ascii=False),
            openings=node.vault.seal(
                VaultPurpose.SEAL, dumps(openings), context=_context(subject.footprint_id)
            ),
            created_at=node.now(),
        )
        seals.keep(session, row)
        _record(session, node, ordered, sealed)
        return row

    return await node.store.write(work)


def openings_in(vault: Vault, row: Seal) -> tuple[OpenedQuantity, ...]:
    """What opens the quantities and the endorsed values of a seal.

    Raises:
        VaultError: it cannot be decrypted.
        CommitmentError: what is stored was altered.
    """
    stored = loads(vault.open(VaultPurpose.SEAL, row.openings, context=_context(row.footprint_id)))
    return read_sealed_opening(stored, ()).quantities


def statement_in(row: Seal) -> str | None:
    """What the node has signed about a seal that was made after publication."""
    found: str | None = json.loads(row.binding).get("statement")
    return found


def _into_draft(session: Session, ordered: Ordered, opened: Sequence[OpenedQuantity]) -> None:
    subject = ordered.subject
    unpublished = draft_roll_ups.unpublished(session, subject.product_id)
    row = next((one for one in unpublished if one.footprint_id == subject.footprint_id), None)
    if row is None or row.calculated_at != subject.calculated_at:
        raise RefusedError(CHANGED, hint="Run the command again.")
    committed = _with_quantities(read_commitment(loads(row.commitment)), opened)
    kept = row.model_dump() | {
        "commitment": dumps(committed.to_json()).decode(),
        "exposure": json.dumps(ordered.exposure.to_json()),
    }
    draft_roll_ups.keep(session, DraftRollUpRow(**kept))


def _beside(session: Session, node: Node, ordered: Ordered, document: SealedDocument) -> str:
    subject = ordered.subject
    row = footprints.row(session, subject.footprint_id)
    if row.status != ACTIVE or seals.find(session, row.id) is not None:
        raise RefusedError(
            f"the footprint {row.id} was deprecated or sealed by somebody else meanwhile",
            hint="Look at what is there now.",
        )
    if ordered.wanted.coverage:  # somebody else may see it by now; a draft is judged when published
        require_coverage(session, node, subject, ordered.exposure)
    releases.add_exposure(session, row.id, json.dumps(ordered.exposure.to_json()))
    return issue_seal_statement(
        document,
        credential_digest=row.credential_digest,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        issued_at=node.now(),
    )


def _with_quantities(committed: Commitment, opened: Sequence[OpenedQuantity]) -> Commitment:
    """The books with the sealed quantities, under fresh salts."""
    by_line = {
        one.line: leaf_commitments(
            one.commitment, None if one.endorsed is None else one.endorsed.commitment
        )
        for one in opened
    }
    leaves = []
    for plain in without_seal(committed.leaves):
        shown = by_line.get(plain["id"])
        leaves.append(plain if shown is None else {**plain, LEAF_MEMBER: shown})
    return commit(leaves)


def _opened(
    ordered: Ordered, document: SealedDocument, sealed: Sealed
) -> tuple[OpenedQuantity, ...]:
    """What opens the quantities, and which leaf of the books each is about."""
    suppliers = {said.commitment: one for one, said in ordered.listed}
    inputs = [
        OpenedQuantity(
            f"footprint:{suppliers[one.endorsement.commitment].footprint_id}",
            opening.quantity,
            opening.blinding,
            OpenedInput(one.endorsement.commitment, one.opening),
        )
        for one, opening in zip(ordered.order.listed, sealed.inputs, strict=True)
    ]
    factors = [
        OpenedQuantity(_line_of(ordered, one), opening.quantity, opening.blinding)
        for one, opening in zip(document.factors, sealed.factors, strict=True)
    ]
    return (*inputs, *factors)


def _line_of(ordered: Ordered, listed: ListedFactor) -> str:
    """The leaf of a factor: its name ends with its id, unless that is too long."""
    for one in ordered.subject.calculation.result.explanation.calculated.factors:
        if listed.factor.name.endswith(f", {one.id})"):
            return f"factor:{one.id}"
    return ""


def _context(footprint_id: str) -> str:
    return f"seal {footprint_id}"


def _record(session: Session, node: Node, ordered: Ordered, sealed: Sealed) -> None:
    checked = ordered.sealable
    audit.record(
        session,
        Act.FOOTPRINT_SEALED,
        node.now(),
        footprint_ids=[ordered.subject.footprint_id],
        detail={
            "property": ordered.wanted.sealed.value,
            "digest": sealed.digest,
            "coverage": ordered.wanted.coverage,
            "inputs": len(checked.listed),
            "factors": len(checked.factors),
            "roster": None if checked.roster is None else checked.roster.roster.name,
        },
    )
