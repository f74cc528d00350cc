"""Asking suppliers to endorse the figures that a footprint of ours was calculated from.

One context for each footprint of ours, with a random salt: what a supplier is told tells nothing. A
supplier that decides later is asked again, with the same context, and answers the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import NodeError, PeerError, RefusedError
from underseal_node.exchange.endorsement_calls import ask_for_endorsement
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.verification import trust_in
from underseal_node.node import Node
from underseal_node.sealing.checking import checked
from underseal_node.sealing.held import Context, Held, Supplied, encrypted, held_in
from underseal_node.sealing.subject import Subject
from underseal_node.store import audit, peers, received, seals
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.seal_tables import HeldEndorsement, HeldState, SealContext
from underseal_node.store.tables import Peer
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol.errors import ProtocolError
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.roster.questions import AsMember
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.context import SALT_BYTES, context_of
from underseal_protocol.seal.endorsement import Endorsement
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty

__all__ = ["ask_suppliers", "context_for", "supplied"]

AT_A_TIME = 8
SALT_DOMAIN = b"UNDERSEAL-NODE-V01-roster-salt"
NO_UNDERSEAL = "it is no Underseal node"
REVOKED = "it has revoked the key that its endorsement is signed with: draft anew, and ask again"
NOT_VERIFIED = "its footprint carries no signature that was verified"


async def context_for(node: Node, subject: Subject, roster: Roster | None = None) -> Context:
    """The context of a footprint of ours; made when it is first asked for.

    Args:
        node: in the role `manage`.
        subject: the footprint.
        roster: whose members are to endorse; each has a context of its own, as in one context
            nobody endorses one figure twice.
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
    if roster is not None:
        salt = hashlib.sha256(SALT_DOMAIN + salt + roster.header).digest()
    publisher = node.identity.url
    digest = context_of(publisher, urn, subject.footprint_id, salt)
    return Context(publisher, salt, digest, roster)


async def ask_suppliers(
    exchange: Exchange, subject: Subject, sealed: SealedProperty, roster: Roster | None = None
) -> list[Supplied]:
    """Ask every supplier that has not answered yet; what all have answered.

    Args:
        exchange: of this process.
        subject: the footprint.
        sealed: which figure.
        roster: of which they are to be members; None: they are named.
    """
    node = exchange.node
    context = await context_for(node, subject, roster)
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
    key = None if held is None else held.key  # a member of a roster signs with no key of its own
    if key is not None and key.kid in trust_in(peer).revoked:
        # No reader would accept it, and what the supplier has answered it never answers anew.
        return HeldState.UNABLE, REVOKED, None, False
    return HeldState(row.state), row.reason, held, held is None


def _is_for(endorsement: Endorsement | HiddenEndorsement, context: Context) -> bool:
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
    sent = question if context.roster is None else AsMember(question, context.roster)
    try:
        access = await exchange.access(one.peer_id)
        asked = await ask_for_endorsement(exchange, access, sent)
    except (PeerError, RefusedError) as error:
        await _keep(exchange.node, subject, sealed, one, HeldState.WANTED, error.message)
        return
    answer = asked.answer or asked.hidden
    if answer is None:
        state = HeldState.UNABLE if asked.is_unable else HeldState.REFUSED
        state = HeldState.PENDING if asked.is_pending else state
        await _keep(exchange.node, subject, sealed, one, state, asked.reason)
        return
    try:
        held = await checked(exchange, question, context, one, answer)
    except (ProtocolError, NodeError) as error:
        reason = f"what it answered does not hold: {error.message}"
        await _keep(exchange.node, subject, sealed, one, HeldState.UNABLE, reason)
        return
    await _keep(exchange.node, subject, sealed, one, HeldState.ENDORSED, None, held)


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
            row.answer = encrypted(node.vault, row, held)
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
