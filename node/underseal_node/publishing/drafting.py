"""Drafts: fixing a footprint before it is published, and publishing exactly that.

A draft that is made again from the same content stays the same, salts included. Other content under
the same id makes another draft; what was attested of the former one no longer fits.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products import gate
from underseal_node.products.bills import Loader
from underseal_node.products.gate import Judged, record_publication, require_publication
from underseal_node.products.guard import require_not_calculated
from underseal_node.products.staleness import Stale, stale_drafts
from underseal_node.publishing.changing import require_active, store_signed, successor
from underseal_node.publishing.comparing import compare, document_of
from underseal_node.publishing.files import PlacedDocument, read_file
from underseal_node.publishing.prepare import Draft, draft_of, of_fixed, sign
from underseal_node.publishing.publish import record
from underseal_node.publishing.results import Problem, UnpublishableError
from underseal_node.store import attestations, draft_roll_ups, footprints, products, seals
from underseal_node.store.attestation_tables import DraftRow
from underseal_node.store.audit import Act
from underseal_node.store.product_tables import RollUpRow
from underseal_node.store.tables import Footprint
from underseal_node.trust.attesting import checked_for_draft
from underseal_protocol.attestation import attestation_entry, attestations_of
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.commitment import Commitment, read_commitment
from underseal_protocol.draft import FootprintDraft, make_draft, read_draft
from underseal_protocol.errors import ProtocolError
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.methodology import Finding
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.verdict import Acknowledgement
from underseal_protocol.seal.binding import bound_digest
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.strict_json import dumps, loads

__all__ = ["Drafted", "Published", "draft_file", "keep", "publish_draft", "read_stored"]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft that was made.

    Attributes:
        draft: the same as is stored.
        is_new: there was none with this content.
        replaced: there was one with this id and other content.
        findings: where the footprint does not follow the methodology.
    """

    draft: FootprintDraft
    is_new: bool
    replaced: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a draft.

    Attributes:
        id: of the footprint.
        is_new: it was published now; otherwise it had been before, just like this.
        deprecated: the id of the footprint that it replaces.
        notified: names of the peers that are told; sorted.
        findings: where it does not follow the methodology.
        judged: what the release gate says; None if it is not from calculation.
        stale: what has changed since it was calculated; None: nothing.
    """

    id: str
    is_new: bool
    deprecated: str | None
    notified: tuple[str, ...]
    findings: tuple[Finding, ...]
    judged: Judged | None = None
    stale: Stale | None = None


async def draft_file(
    node: Node, file: tuple[str, bytes], *, supersedes: str | None = None
) -> Drafted:
    """Make a draft of the footprint in a file.

    Args:
        node: who will publish it.
        file: name and content, as for an import; it holds exactly one footprint.
        supersedes: id of an own, active footprint that it will replace.

    Raises:
        NotFoundError: there is no own footprint to replace.
        RefusedError: what it replaces is deprecated, or it is of a product that is calculated here.
        UnpublishableError: the file cannot be published; with all problems.
    """
    name, content = file
    read = await asyncio.to_thread(read_file, name, content, node)
    if read.problems:
        raise UnpublishableError(read.problems)
    if len(read.documents) != 1:
        what = f"there are {len(read.documents)} footprints in it; a draft is of one"
        raise UnpublishableError([Problem(name, "", what, "Put it into a file of its own.")])
    (source,) = read.documents
    if supersedes is None:
        made = await _fresh(node, source, name)
    else:
        wanted = supersedes
        old = await node.store.read(lambda session: footprints.row(session, wanted))
        require_active(old)
        supersedes, made = (
            old.id,
            successor(source, old, node, name, node.settings.round_significant_digits),
        )
    await node.store.read(lambda session: require_not_calculated(session, node, [made.document]))
    try:
        fixed = make_draft(made.document, issuer=node.identity.url)
    except ProtocolError as error:
        place = made.place_of("/pcf/verification" if "verification" in error.message else "")
        raise UnpublishableError([Problem(name, place, error.message, error.hint)]) from error

    def store(session: Session) -> Drafted:
        draft_roll_ups.forget(session, fixed.id)
        seals.forget(session, [fixed.id])
        return keep(session, node, made, fixed, supersedes)

    return await node.store.write(store)


async def publish_draft(
    node: Node,
    draft: FootprintDraft,
    token: str | None = None,
    acknowledgement: Acknowledgement | None = None,
) -> Published:
    """Publish exactly what is in a draft, with what a verifier attests of it.

    Args:
        node: who publishes; the draft must be the one that this node has made.
        draft: as it was handed in.
        token: the attestation (a JWS), of a verifier that is a peer of this node.
        acknowledgement: of the operator, where the release gate advises against it.

    Raises:
        NotFoundError: this node has made no such draft.
        RefusedError: the draft is another one than that of the node, it has been published, the
            attestation does not hold, or it was not calculated and its product is.
        ReleaseRefusedError: a peer could compute a supplier's number.
    """
    now = node.now()
    row = await node.store.read(lambda session: attestations.draft(session, draft.id))
    _require_same(draft, row)
    found = None
    if token is not None:
        given = token
        found = await node.store.read(lambda session: checked_for_draft(session, draft, given, now))
    prepared = of_fixed(_complete(draft, found), now.date())
    if row.published_at is not None:
        return await _again(node, prepared)
    if draft.issuer != node.identity.url:
        raise RefusedError(
            f"the draft is of {draft.issuer}, this node is now {node.identity.url}",
            hint="Make a new draft and have that attested.",
        )
    old = await _replaced(node, row)
    calculated = await node.store.read(lambda session: _calculated(session, node, prepared, row))
    if calculated is not None:
        require_publication(calculated.judged, acknowledgement)
    new = await asyncio.to_thread(
        sign,
        prepared,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=draft.issuer,
        now=now,
        disclosures=draft.disclosures,
        commitment=None if calculated is None else calculated.commitment,
        sealed_sum=None if calculated is None else calculated.sealed_sum,
    )
    verifier = None if found is None else found.verifier

    def published(session: Session) -> None:
        if calculated is not None:
            _require_same_seal(session, draft.id, calculated)
        attestations.published(session, draft.id, now)
        record(session, node, Act.DRAFT_PUBLISHED, [draft.id], verifier=verifier)
        if calculated is not None:
            products.record_roll_up(session, calculated.roll_up)
            record_publication(
                session,
                calculated.judged,
                gate.Published(draft.id, row.supersedes, prepared.keys),
                now,
                acknowledgement,
            )

    notified = await store_signed(node, "the draft", new, old, published)
    deprecated = None if old is None else old.id
    done = Published(draft.id, True, deprecated, tuple(notified), prepared.findings)
    if calculated is None:
        return done
    return replace(done, judged=calculated.judged, stale=calculated.stale)


@dataclass(frozen=True, slots=True)
class _Calculated:
    """A draft that was calculated.

    Attributes:
        roll_up: how.
        commitment: to what it was calculated from.
        judged: what the release gate says of publishing it.
        stale: what has changed since.
        seal_digest: of its seal; None if it is not sealed.
        sealed_sum: of its seal, what the credential bears.
    """

    roll_up: RollUpRow
    commitment: Commitment
    judged: Judged
    stale: Stale | None
    seal_digest: str | None = None
    sealed_sum: str | None = None


def _calculated(session: Session, node: Node, prepared: Draft, row: DraftRow) -> _Calculated | None:
    """How a draft was calculated; None if it was not.

    Raises:
        RefusedError: it was not, and its product is calculated here.
    """
    kept = draft_roll_ups.find(session, row.id)
    if kept is None:
        require_not_calculated(session, node, [prepared.document])
        return None
    exposure = Exposure.from_json(json.loads(kept.exposure))
    now = node.now()
    judged = gate.judge_draft(session, exposure, row.supersedes, node.settings, prepared.keys, now)
    stale = stale_drafts(session, now, Loader(session, now, node.identity), kept.product_id)
    seal = seals.find(session, row.id)
    return _Calculated(
        RollUpRow(**kept.model_dump(include=set(RollUpRow.model_fields))),
        read_commitment(loads(kept.commitment)),
        judged,
        next((one for one in stale if one.footprint_id == row.id), None),
        None if seal is None else seal.digest,
        None if seal is None else bound_digest(read_document(seal.document)),
    )


def _require_same_seal(session: Session, draft_id: str, calculated: _Calculated) -> None:
    """Whether the seal is still the one that was signed; without one, none is kept.

    Raises:
        RefusedError: the draft was sealed anew meanwhile.
    """
    seal = seals.find(session, draft_id)
    found = None if seal is None else seal.digest
    if calculated.seal_digest not in (None, found):
        raise RefusedError(
            f"the draft {draft_id} was sealed anew while it was being published",
            hint="Nothing was published. Publish it again.",
        )


def read_stored(row: DraftRow) -> FootprintDraft:
    """A draft as it is stored."""
    return read_draft(loads(row.document))


async def _fresh(node: Node, source: PlacedDocument, name: str) -> Draft:
    """A footprint that has not been published.

    Raises:
        UnpublishableError: it is no good, or has been published.
    """
    digits = node.settings.round_significant_digits
    made = await asyncio.to_thread(draft_of, source, name, node.identity, node.now(), digits=digits)
    if not isinstance(made, Draft):
        raise UnpublishableError(made)
    (compared,) = await node.store.read(
        lambda session: compare(session, [made], name, node.identity, node.now())
    )
    if not compared.is_new:
        known = compared.draft.id
        what = f"this footprint has been published already, as {known}"
        hint = "A verifier can attest it as it is; the draft of its successor needs --supersedes."
        raise UnpublishableError([Problem(name, made.place_of(""), what, hint)])
    return made


def keep(
    session: Session, node: Node, made: Draft, fixed: FootprintDraft, supersedes: str | None
) -> Drafted:
    """Store a draft, unless there is one with the same content.

    Args:
        session: to write.
        node: who will publish it.
        made: the footprint.
        fixed: the same with fresh salts.
        supersedes: id of the own footprint that it will replace.

    Raises:
        RefusedError: the draft with this id has been published.
    """
    known = attestations.find_draft(session, fixed.id)
    if known is not None and known.published_at is not None:
        raise RefusedError(
            f"the draft {fixed.id} has been published",
            hint="Draft its successor, with --supersedes.",
        )
    if known is not None:
        before = read_stored(known)
        adopted = {name: before.document[name] for name in made.filled if name in before.document}
        if made.document | adopted == before.document and known.supersedes == supersedes:
            return Drafted(before, False, False, made.findings)
    row = known or DraftRow(id=fixed.id, document="", filled="[]", created_at=node.now())
    row.document = dumps(fixed.to_json()).decode()
    row.filled = json.dumps(sorted(made.filled))
    row.supersedes = supersedes
    attestations.save(session, row)
    record(session, node, Act.DRAFT_MADE, [fixed.id], supersedes=supersedes)
    return Drafted(fixed, True, known is not None, made.findings)


def _require_same(draft: FootprintDraft, row: DraftRow) -> None:
    """Refuse a draft that is not, to the digest, what this node has made."""
    stored = read_stored(row).subject
    given = draft.subject
    parts = [
        ("the core", stored.core, given.core),
        ("the owner", stored.owner, given.owner),
        *(
            (f"the block {block.value!r}", digest, given.blocks[block])
            for block, digest in stored.blocks.items()
        ),
    ]
    for what, ours, theirs in parts:
        if ours != theirs:
            raise RefusedError(
                f"the draft {draft.id} is not the one that this node has made: of {what} it has "
                f"{theirs}, expected {ours}",
                hint="It was altered, or made again since. `underseal footprint draft` writes the "
                "one that counts.",
            )


def _complete(draft: FootprintDraft, found: Attestation | None) -> dict[str, object]:
    """The footprint with what its attestation adds to the block `verification`."""
    if found is None:
        return draft.document
    pcf = draft.document["pcf"] | {"verification": dict(found.verification)}
    # In the order in which they are served.
    extensions = [attestation_entry(found), *draft.document.get("extensions", ())]
    return draft.document | {"pcf": pcf, "extensions": extensions}


async def _replaced(node: Node, row: DraftRow) -> Footprint | None:
    if row.supersedes is None:
        return None
    wanted = row.supersedes
    old = await node.store.read(lambda session: footprints.row(session, wanted))
    require_active(old)
    return old


async def _again(node: Node, prepared: Draft) -> Published:
    """The same once more changes nothing; something else under the same id is refused."""
    known = await node.store.read(lambda session: footprints.row(session, prepared.id))
    if known.document_digest == prepared.digest:
        return Published(prepared.id, False, None, (), prepared.findings)
    carried = attestations_of(document_of(known))
    how = "with another attestation" if carried else "without an attestation"
    raise RefusedError(
        f"the draft {prepared.id} has been published {how}; a footprint never changes",
        hint="`underseal footprint attach FILE` serves the attestation beside it, or draft a "
        "successor with --supersedes.",
    )
