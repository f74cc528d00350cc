"""Publishing again what a key has signed that is revoked now.

A footprint is not signed a second time: two credentials for one id are the evidence of two stories.
So each gets a successor with the same content, an id of its own and a signature of the key in use,
and is deprecated, as for a correction.

What it was calculated from is committed to anew, with fresh salts, so that nobody can tell which
lines the two have in common.

A seal is of one footprint for good, so the successor has none; it can be sealed. Where the key has
signed only the statement of a seal that was made later, that is signed again (`sealing.restating`).

What a verifier attested was the footprint of the former id, so the successor does not claim it: it
is without the attestation and what that had filled in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.publishing.changing import statement_of
from underseal_node.publishing.comparing import document_of
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, draft_of
from underseal_node.publishing.publish import record, sign_all, tell
from underseal_node.publishing.results import UnpublishableError
from underseal_node.sealing.restating import restate, stated_by
from underseal_node.store import (
    attestations,
    commitments,
    footprints,
    grants,
    keys,
    products,
    releases,
    seals,
)
from underseal_node.store.audit import Act
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import Footprint
from underseal_protocol.commitment import Commitment, commit
from underseal_protocol.credential import credential_of
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.disclosure import Level, is_attestation_entry, is_attested
from underseal_protocol.jws import named_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.seal.opened import without_seal
from underseal_protocol.segments import render
from underseal_protocol.strict_json import loads

__all__ = ["Reissued", "count_signed_by", "reissue"]

FOOTPRINTS_PER_TRANSACTION = 200


@dataclass(frozen=True)
class Reissued:
    """What came of it.

    Attributes:
        found: how many active footprints are signed with the key.
        successors: the ids of the new ones, by those of the old.
        notified: names of the peers that are told; sorted.
        unattested: of the footprints that were attested, in them or beside them, the ids of the
            successors: they need attestations anew. In a dry run the present ids.
        unsealed: likewise of those that were sealed.
        restated: of footprints that another key has signed, the ids of those whose seal is signed
            again, or would be.
    """

    found: int
    successors: Mapping[str, str]
    notified: Sequence[str]
    unattested: Sequence[str]
    unsealed: Sequence[str]
    restated: Sequence[str] = ()


def count_signed_by(session: Session, kids: Sequence[str]) -> int:
    """How many active own footprints these keys have signed."""
    wanted = set(kids)
    return sum(_signer(row) in wanted for row in footprints.walk_active(session))


async def reissue(node: Node, kid: str, *, dry_run: bool = False) -> Reissued:
    """Replace every active footprint that a revoked key has signed by one with the same content.

    Each portion is written whole; when it is interrupted it can be called again.

    Args:
        node: who publishes.
        kid: of a footprint key of this node.
        dry_run: only count.

    Raises:
        NotFoundError: there is no such footprint key.
        RefusedError: it is not revoked: what it signed is valid.
        UnpublishableError: what was published does not meet the schema of today.
    """
    await node.store.read(lambda session: _require_revoked(session, kid))
    found, attested, sealed = await node.store.read(lambda session: _signed_by(session, kid))
    stated = await node.store.read(lambda session: stated_by(session, kid))
    restated = [one for one in stated if one not in found]
    if dry_run:
        return Reissued(len(found), {}, (), attested, sealed, restated)
    successors: dict[str, str] = {}
    notified: set[str] = set()
    for start in range(0, len(found), FOOTPRINTS_PER_TRANSACTION):
        portion = found[start : start + FOOTPRINTS_PER_TRANSACTION]
        made, told = await _portion(node, portion, kid)
        successors |= made
        notified.update(told)
    notified.update(await restate(node, kid, restated))
    unattested, unsealed = (
        [successors[one] for one in ids if one in successors] for ids in (attested, sealed)
    )
    return Reissued(len(found), successors, sorted(notified), unattested, unsealed, restated)


def _signed_by(session: Session, kid: str) -> tuple[list[str], list[str], list[str]]:
    """The active footprints that a key has signed; which of them are attested, which sealed."""
    found, attested = [], []
    for row in footprints.walk_active(session):
        if _signer(row) == kid:
            found.append(row.id)
            if is_attested(document_of(row)) or attestations.attached(session, row.id):
                attested.append(row.id)
    return found, attested, [one for one in found if one in seals.find_many(session, found)]


async def _portion(node: Node, ids: Sequence[str], kid: str) -> tuple[dict[str, str], list[str]]:
    rows = await node.store.read(lambda session: footprints.find_many(session, ids))
    old = [rows[one] for one in ids if rows[one].status != DEPRECATED]
    committed = await node.store.read(lambda session: commitments.find_many(session, rows))
    new, statements = await asyncio.to_thread(_successors, node, old, committed)
    pairs = dict(zip((one.id for one in old), (one.id for one in new), strict=True))

    def work(session: Session) -> list[str]:
        now = node.now()
        footprints.add_all(session, new, now)
        for (old_id, new_id), statement in zip(pairs.items(), statements, strict=True):
            if footprints.row(session, old_id).status == DEPRECATED:
                raise RefusedError(
                    f"the footprint {old_id} was deprecated meanwhile", hint="Try again."
                )
            footprints.deprecate(session, old_id, statement)
            grants.inherit(session, old_id, new_id, now)
            releases.inherit(session, old_id, new_id)
            products.inherit_roll_up(session, old_id, new_id)
        record(session, node, Act.FOOTPRINTS_REISSUED, [*pairs.values(), *pairs], key=kid)
        return tell(session, node, [*pairs.values(), *pairs])

    return pairs, await node.store.write(work) if pairs else []


def _successors(
    node: Node, old: Sequence[Footprint], committed: Mapping[str, Commitment]
) -> tuple[list[NewFootprint], list[str]]:
    """The signed successors of footprints, and the statements of their deprecation."""
    drafts = [_draft(node, row) for row in old]
    anew = {
        draft.id: commit(without_seal(committed[row.id].leaves))
        for draft, row in zip(drafts, old, strict=True)
        if row.id in committed
    }
    return sign_all(node, drafts, anew), [statement_of(node, row) for row in old]


def _draft(node: Node, row: Footprint) -> Draft:
    document = document_of(row)
    del document["id"], document["status"]
    if is_attested(document):
        entries = [one for one in document["extensions"] if not is_attestation_entry(one)]
        document |= {"extensions": entries}
        if not entries:
            del document["extensions"]
        document["pcf"].pop("verification", None)
    preceding = [one for one in document.get("precedingPfIds") or () if one.lower() != row.id]
    document["precedingPfIds"] = [*preceding, row.id]
    placed = PlacedDocument(document, lambda pointer: f"{row.id} {pointer}".strip())
    made = draft_of(placed, "", node.identity, node.now(), new_id=True)
    if not isinstance(made, Draft):
        raise UnpublishableError(made)
    return made


def _signer(row: Footprint) -> str | None:
    """The key that has signed a footprint."""
    document = loads(render(row.segments, Level.TOTAL, row.status))
    credential = credential_of(document)
    return None if credential is None else named_key(credential.partition("~")[0])


def _require_revoked(session: Session, kid: str) -> None:
    row = keys.find(session, kid)
    if row is None or row.purpose != KeyPurpose.FOOTPRINT:
        raise NotFoundError(
            f"this node has no footprint key {kid}", hint="`underseal key list` shows them all."
        )
    if row.revoked_at is None:
        raise RefusedError(
            f"the key {kid} is not revoked, so what it signed is valid",
            hint="After a theft, revoke it first with `underseal key revoke`.",
        )
