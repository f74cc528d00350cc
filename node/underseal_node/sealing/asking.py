"""Asking suppliers to endorse the figures that a footprint of ours was calculated from.

One context for each footprint of ours, with a random salt: what a supplier is told tells nothing. A
supplier that decides later is asked again, with the same context, and answers the same.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import NodeError, PeerError, RefusedError
from underseal_node.exchange.endorsement_calls import ask_for_endorsement
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.verification import STORED_LIMITS, Trust, trust_in
from underseal_node.node import Node
from underseal_node.sealing.subject import Subject
from underseal_node.store import audit, peers, pins, received, seals
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.seal_tables import HeldEndorsement, HeldState, SealContext
from underseal_node.store.tables import Peer
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol import base64url
from underseal_protocol.errors import CredentialError, ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKey
from underseal_protocol.seal.context import SALT_BYTES, context_of
from underseal_protocol.seal.endorsement import Endorsement
from underseal_protocol.seal.endorsement_checks import require_about, verify_endorsement
from underseal_protocol.seal.endorsement_exchange import EndorsementAnswer, EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.strict_json import dumps, loads

__all__ = [
    "Context",
    "Held",
    "Supplied",
    "ask_suppliers",
    "context_for",
    "held_in",
    "supplied",
]

AT_A_TIME = 8
NO_UNDERSEAL = "it is no Underseal node"
REVOKED = "it has revoked the key that its endorsement is signed with: draft anew, and ask again"
NOT_VERIFIED = "its footprint carries no signature that was verified"


@dataclass(frozen=True, slots=True)
class Context:
    """What the endorsements for a footprint of ours are bound to.

    Attributes:
        publisher: our URL.
        salt: which the seal shows.
        digest: what suppliers are told.
    """

    publisher: str
    salt: bytes = field(repr=False)
    digest: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """An endorsement that we hold.

    Attributes:
        answer: of the supplier, with the opening.
        key: that has signed it.
    """

    answer: EndorsementAnswer = field(repr=False)
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Supplied:
    """A received footprint that goes into ours, and what its supplier says to an endorsement.

    Attributes:
        footprint_id: of the supplier.
        peer_id: the supplier.
        peer: its name.
        product_name: of the footprint.
        state: of the answer.
        reason: why there is none.
        held: the answer with the key, verified when it came; None if there is none.
        can_ask: it may have something to say yet.
    """

    footprint_id: str
    peer_id: int
    peer: str
    product_name: str
    state: HeldState
    reason: str | None = None
    held: Held | None = field(default=None, repr=False)
    can_ask: bool = True

    @property
    def is_listed(self) -> bool:
        """Whether it can be an input of a sealed document."""
        return self.held is not None and self.held.answer.endorsement.is_named


async def context_for(node: Node, subject: Subject) -> Context:
    """The context of a footprint of ours; made when it is first asked for.

    Args:
        node: in the role `manage`.
        subject: the footprint.
    """
    made = secrets.token_bytes(SALT_BYTES)

    def work(session: Session) -> tuple[str, bytes]:
        row = seals.keep_context(
            session,
            SealContext(
                footprint_id=subject.footprint_id,
                product_id=subject.urn,
                salt=node.vault.seal(
                    VaultPurpose.SEAL, made, context=_salt_context(subject.footprint_id)
                ),
                created_at=node.now(),
            ),
        )
        return row.product_id, row.salt

    urn, encrypted = await node.store.write(work)
    salt = node.vault.open(
        VaultPurpose.SEAL, encrypted, context=_salt_context(subject.footprint_id)
    )
    publisher = node.identity.url
    return Context(publisher, salt, context_of(publisher, urn, subject.footprint_id, salt))


async def ask_suppliers(
    exchange: Exchange, subject: Subject, sealed: SealedProperty
) -> list[Supplied]:
    """Ask every supplier that has not answered yet; what all have answered.

    Args:
        exchange: of this process.
        subject: the footprint.
        sealed: which figure.
    """
    node = exchange.node
    context = await context_for(node, subject)
    known = await supplied(node, subject, sealed, context)
    slots = asyncio.Semaphore(AT_A_TIME)

    async def ask(one: Supplied) -> None:
        async with slots:
            await _ask(exchange, subject, sealed, context, one)

    wanted = [one for one in known if one.can_ask]
    await asyncio.gather(*(ask(one) for one in wanted))
    return await supplied(node, subject, sealed, context) if wanted else known


async def supplied(
    node: Node, subject: Subject, sealed: SealedProperty, context: Context
) -> list[Supplied]:
    """What suppliers have answered until now, in the order of their names."""
    return await node.store.read(lambda session: _supplied(session, node, subject, sealed, context))


def held_in(vault: Vault, row: HeldEndorsement) -> Held | None:
    """The endorsement that is stored; None if there is none.

    Raises:
        CredentialError: what is stored was altered.
        VaultError: it cannot be decrypted.
    """
    if row.answer is None:
        return None
    stored = loads(vault.open(VaultPurpose.SEAL, row.answer, context=_answer_context(row)))
    key = PublicKey.of_point(base64url.decode(stored["key"]), KeyPurpose.FOOTPRINT)
    return Held(EndorsementAnswer.from_json(stored["answer"]), key)


def _supplied(
    session: Session, node: Node, subject: Subject, sealed: SealedProperty, context: Context
) -> list[Supplied]:
    found = []
    answers = {
        (row.peer_id, row.supplier_footprint_id): row
        for row in seals.endorsements(session, subject.footprint_id, sealed)
    }
    for footprint_id, used in subject.calculation.bill.used.footprints.items():
        peer = peers.by_name(session, used.peer)
        row = answers.get((peer.id or 0, footprint_id))
        received_one = received.find(session, peer.id or 0, footprint_id)
        said = _said(node.vault, context, peer, row, received_one)
        found.append(Supplied(footprint_id, peer.id or 0, peer.name, used.product_name, *said))
    return sorted(found, key=lambda one: (one.peer, one.product_name, one.footprint_id))


def _said(
    vault: Vault,
    context: Context,
    peer: Peer,
    row: HeldEndorsement | None,
    received_one: ReceivedFootprint | None,
) -> tuple[HeldState, str | None, Held | None, bool]:
    """State, reason, endorsement, and whether more can be asked."""
    if received_one is None or received_one.verification != VerificationState.VERIFIED:
        return HeldState.UNABLE, NOT_VERIFIED, None, False
    if not peer.is_underseal:
        return HeldState.UNABLE, NO_UNDERSEAL, None, False
    held = None if row is None else held_in(vault, row)
    if row is None or (held is not None and not _is_for(held.answer.endorsement, context)):
        return HeldState.WANTED, None, None, True  # or it is for another address of ours
    if held is not None and held.key.kid in trust_in(peer).revoked:
        # No reader would accept it, and what the supplier has answered it never answers anew.
        return HeldState.UNABLE, REVOKED, None, False
    return HeldState(row.state), row.reason, held, held is None


def _is_for(endorsement: Endorsement, context: Context) -> bool:
    return (endorsement.customer, endorsement.context) == (context.publisher, context.digest)


async def _ask(
    exchange: Exchange,
    subject: Subject,
    sealed: SealedProperty,
    context: Context,
    one: Supplied,
) -> None:
    """Ask one supplier, and keep what it says."""
    question = EndorsementRequest(one.footprint_id, sealed, context.digest)
    try:
        access = await exchange.access(one.peer_id)
        asked = await ask_for_endorsement(exchange, access, question)
    except (PeerError, RefusedError) as error:
        await _keep(exchange.node, subject, sealed, one, HeldState.WANTED, error.message)
        return
    if asked.answer is None:
        state = HeldState.UNABLE if asked.is_unable else HeldState.REFUSED
        state = HeldState.PENDING if asked.is_pending else state
        await _keep(exchange.node, subject, sealed, one, state, asked.reason)
        return
    try:
        held = await _checked(exchange, question, context, one, asked.answer)
    except (ProtocolError, NodeError) as error:
        reason = f"what it answered does not hold: {error.message}"
        await _keep(exchange.node, subject, sealed, one, HeldState.UNABLE, reason)
        return
    await _keep(exchange.node, subject, sealed, one, HeldState.ENDORSED, None, held)


async def _checked(
    exchange: Exchange,
    question: EndorsementRequest,
    context: Context,
    one: Supplied,
    answer: EndorsementAnswer,
) -> Held:
    """Whether an answer is what was asked for, about the very footprint that was received.

    Raises:
        ProtocolError, NodeError: it is not.
    """
    kid = answer.endorsement.kid

    def read(session: Session) -> tuple[Trust, bytes, str]:
        held = received.find(session, one.peer_id, one.footprint_id)
        if held is None or held.credential_digest is None:
            raise RefusedError("the footprint is not there any more")
        trust = trust_in(pins.peer_row(session, one.peer_id))
        return trust, held.body, held.credential_digest

    trust, body, digest = await exchange.node.store.read(read)
    if trust.is_unknown(kid):  # it may have rotated its keys a moment ago
        await exchange.look_for_keys(one.peer_id)
        trust, body, digest = await exchange.node.store.read(read)
    if trust.keys is None or trust.issuers is None:
        raise RefusedError("no keys are pinned for it")
    if kid in trust.revoked:
        raise CredentialError(f"it is signed with the key {kid}, which its owner has revoked")
    _, key = verify_endorsement(
        answer.endorsement.token,
        keys=trust.keys,
        supplier=trust.issuers,
        customer=context.publisher,
        context=context.digest,
        sealed=question.sealed,
    )
    require_about(answer.endorsement, answer.opening, loads(body, limits=STORED_LIMITS), digest)
    return Held(answer, key)


async def _keep(
    node: Node,
    subject: Subject,
    sealed: SealedProperty,
    one: Supplied,
    state: HeldState,
    reason: str | None,
    held: Held | None = None,
) -> None:
    now = node.now()

    def work(session: Session) -> None:
        named = subject.footprint_id, one.peer_id, one.footprint_id, sealed.value
        row = seals.endorsement(session, *named)
        if row is None:
            row = HeldEndorsement(
                footprint_id=subject.footprint_id,
                peer_id=one.peer_id,
                supplier_footprint_id=one.footprint_id,
                property=sealed.value,
                asked_at=now,
            )
        before = row.state if row.answered_at is not None else None
        row.state, row.reason, row.answer = state, reason, None
        if held is not None:
            point = base64url.encode(held.key.point())
            text = dumps({"answer": held.answer.to_json(), "key": point})
            row.answer = node.vault.seal(VaultPurpose.SEAL, text, context=_answer_context(row))
        row.answered_at = now if state in (HeldState.ENDORSED, HeldState.REFUSED) else None
        seals.keep_endorsement(session, row)
        if row.answered_at is not None and before != state:
            _record(session, subject, one, sealed, state, now)

    await node.store.write(work)


def _record(
    session: Session,
    subject: Subject,
    one: Supplied,
    sealed: SealedProperty,
    state: HeldState,
    now: datetime,
) -> None:
    audit.record(
        session,
        Act.ENDORSEMENT_RECEIVED,
        now,
        actor=Actor.NODE,
        peer_id=one.peer_id,
        footprint_ids=[one.footprint_id],
        outcome=Outcome.DONE if state is HeldState.ENDORSED else Outcome.REFUSED,
        detail={"property": sealed.value, "for": subject.footprint_id},
    )


def _salt_context(footprint_id: str) -> str:
    return f"salt {footprint_id}"


def _answer_context(row: HeldEndorsement) -> str:
    return (
        f"endorsement {row.footprint_id} {row.peer_id} {row.supplier_footprint_id} {row.property}"
    )
