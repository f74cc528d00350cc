"""Attesting footprints of others, and serving what verifiers attest beside an own footprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.verification import trust_in
from underseal_node.node import Node
from underseal_node.publishing.comparing import document_of
from underseal_node.publishing.publish import record, tell
from underseal_node.store import attestations, footprints
from underseal_node.store.attestation_tables import AttestationRole
from underseal_node.store.audit import Act
from underseal_node.trust import keyring
from underseal_node.trust.attesting import checked_for_published
from underseal_protocol import jws
from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.attestation import issue_attestation, read_attestation
from underseal_protocol.attestation_claims import Attestation, AttestedBooks, Statement
from underseal_protocol.credential import VerifiedCredential, credential_of, verify
from underseal_protocol.criteria import FootprintIndex
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.draft import Subject, is_draft, read_draft
from underseal_protocol.errors import SchemaError
from underseal_protocol.footprint import schema_violations
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.opening import Opening, verify_opening
from underseal_protocol.seal.opened import read_sealed_opening
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["Attached", "Attesting", "attach", "attest"]


@dataclass(frozen=True, slots=True)
class Attesting:
    """What a verifier has to say.

    Attributes:
        verification: PACT's `coverage`, `completedAt`, `standardName`, and perhaps `providerName`
            and `comments`; the provider is the company of this node by default.
        level: of assurance.
        statement: in words, at an address, or a document.
        valid_until: aware; the end of the validity of the footprint by default.
        opening: what the owner has opened for the verifier, as JSON; its root is attested, too.
        completeness: what the verifier has checked of its being complete; only with `opening`.
        names_seal: the verifier has compared the quantities of the sealed sum with the lines; all
            of them have to be opened.
    """

    verification: Mapping[str, str]
    level: AssuranceLevel
    statement: Statement
    valid_until: datetime | None
    opening: str | None = None
    completeness: str | None = None
    names_seal: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """An attestation that is served beside an own footprint.

    Attributes:
        attestation: which.
        is_new: it was not served before.
        notified: names of the peers that are told; sorted.
    """

    attestation: Attestation
    is_new: bool
    notified: tuple[str, ...]


async def attest(node: Node, content: str, given: Attesting) -> Attestation:
    """Attest a draft, or a published footprint of a peer.

    Args:
        node: the verifier's; its process must be able to open the attestation key.
        content: the draft, or the footprint at the level `full`, as JSON.
        given: what the verifier says.

    Raises:
        RefusedError: the footprint is of somebody whose keys are not known.
        ProtocolError: the draft was altered, the footprint does not verify, or something that the
            verifier says is malformed, or what was opened is not of this footprint.
    """
    document, subject, books = await _subject(node, content, given)
    provider = {"providerName": node.identity.company_name}
    found = issue_attestation(
        subject,
        key=node.signing_key(KeyPurpose.ATTESTATION),
        issuer=node.identity.url,
        verifier_ids=node.identity.company_ids,
        verification=provider | dict(given.verification),
        level=given.level,
        statement=given.statement,
        issued_at=node.now(),
        valid_until=given.valid_until or FootprintIndex.of(document).valid_until,
        books=books,
    )
    now = node.now()

    def work(session: Session) -> None:
        attestations.keep(session, found, AttestationRole.MADE, now)
        about = {"owner": found.subject.owner, "assurance": found.level}
        record(session, node, Act.ATTESTATION_MADE, [found.subject.footprint_id], **about)

    await node.store.write(work)
    return found


async def attach(node: Node, token: str) -> Attached:
    """Serve an attestation beside an own footprint, and tell the peers that may see it.

    Args:
        node: the owner's.
        token: the attestation (a JWS), of a verifier that is a peer of this node.

    Raises:
        NotFoundError: it is not about an own footprint.
        RefusedError: the verifier is not known, or the attestation does not hold.
        ProtocolError: it is malformed.
    """
    footprint_id = read_attestation(token).subject.footprint_id
    now = node.now()

    def work(session: Session) -> Attached:
        row = footprints.row(session, footprint_id)
        document = document_of(row)
        proven = verify(document, keys=keyring.public_keys(session), issuer=None)
        found = checked_for_published(session, document, proven, token, now)
        is_new = attestations.keep(session, found, AttestationRole.ATTACHED, now)
        if is_new:
            act = Act.ATTESTATION_ATTACHED
            record(session, node, act, [row.id], verifier=found.verifier)
        lowest = Level.showing(Block.VERIFICATION)
        told = tell(session, node, [row.id], lowest=lowest) if is_new else ()
        return Attached(found, is_new, tuple(told))

    return await node.store.write(work)


async def _subject(
    node: Node, content: str, given: Attesting
) -> tuple[dict[str, Any], Subject, AttestedBooks | None]:
    """The footprint in a text, what there is to attest of it, and what was opened of its books."""
    value = _read(node, content)
    opened = None if given.opening is None else _read(node, given.opening)
    if opened is None and given.completeness is not None:
        raise RefusedError(
            "it is said that the lines are complete, and none were opened",
            hint="Give what the owner has opened, too.",
        )
    if opened is None and given.names_seal:
        raise RefusedError(
            "it is said that sealed quantities were compared with the lines, and none were opened",
            hint="Give what the owner has opened, too.",
        )
    if is_draft(value):
        if opened is not None:
            raise RefusedError(
                "a draft has no commitment yet, so nothing of it can be opened",
                hint="Attest the footprint when it is published.",
            )
        draft = read_draft(value)
        return draft.document, draft.subject, None
    if not isinstance(value, dict):
        raise RefusedError("this is neither a draft nor a footprint")
    # As `received show --json` prints it, or as PACT answers.
    document = value.get("footprint") or value.get("data") or value
    subject, books = await node.store.read(
        lambda session: _published_subject(session, document, opened, given)
    )
    return document, subject, books


def _read(node: Node, text: str) -> Any:
    settings = node.settings
    limits = JsonLimits(max_bytes=settings.max_import_bytes, max_depth=settings.max_json_depth)
    return loads(text.encode(), limits=limits, exact_numbers=True)


def _published_subject(
    session: Session, document: Any, opened: Any, given: Attesting
) -> tuple[Subject, AttestedBooks | None]:
    """What there is to attest of a footprint that a peer has published.

    Args:
        document: the footprint.
        opened: what its owner has opened; None if nothing.
        given: what the verifier says.

    Raises:
        RefusedError: it carries no credential, or its owner is no active peer.
        ProtocolError: it does not verify, or is not shown whole, or what was opened is not of it.
    """
    compact = credential_of(document) if isinstance(document, dict) else None
    if compact is None:
        raise RefusedError(
            "this is neither a draft nor a footprint with a credential",
            hint="Ask its owner for a draft (`underseal footprint draft`).",
        )
    issuer = str(jws.parse(compact.partition("~")[0]).payload.get("iss"))
    owner = attestations.signer(session, issuer)
    keys = None if owner is None else trust_in(owner).keys
    if keys is None:
        raise RefusedError(
            f"the footprint was published by {issuer!r}, which is not an active peer of this node, "
            "so nobody vouches for its keys",
            hint="Become partners with it first (`underseal peer invite`).",
        )
    proven = verify(document, keys=keys, issuer=issuer)
    violations = schema_violations(document)
    if violations:
        raise SchemaError(violations)
    subject = Subject.of_published(document, proven)
    if opened is None:
        return subject, None
    # A node that has moved signs under another address than before, with the same keys.
    found = verify_opening(
        opened, keys=keys, issuer=None, footprint_id=subject.footprint_id, proven=proven
    )
    digest = _sealed_sum(found, proven) if given.names_seal else None
    return subject, AttestedBooks(found.root_disclosure, given.completeness, digest)


def _sealed_sum(opened: Opening, proven: VerifiedCredential) -> str:
    """The digest of the sealed sum whose quantities the verifier has seen.

    Raises:
        RefusedError: not all of them are opened, some stand in no line of the books that is opened,
            or they are those of another sealed sum.
        CommitmentError: what is opened does not open what is sealed.
    """
    if opened.sealed is None:
        raise RefusedError(
            "nothing of a sealed sum was opened, so no quantities can have been compared",
            hint="Its owner opens them with all lines: `underseal audit open ID --all`.",
        )
    seal = read_sealed_opening(opened.sealed, opened.lines)
    if not seal.is_whole:
        raise RefusedError(
            "not all quantities of the sealed sum were opened",
            hint="Its owner opens them with all lines: `underseal audit open ID --all`.",
        )
    outside = len(seal.quantities) - seal.in_books
    if outside:
        raise RefusedError(
            f"{outside} of the {len(seal.quantities)} quantities of the sealed sum stand in no "
            "line of the books that was opened, so they cannot have been compared with it",
            hint="Lines bear what is sealed of them if a draft is sealed before it is published.",
        )
    if proven.sealed_sum not in (None, seal.bound):
        raise RefusedError(
            f"the sealed sum {seal.digest} was opened, and the footprint bears another one"
        )
    return seal.digest
