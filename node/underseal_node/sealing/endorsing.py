"""Endorsing figures of own footprints for customers that ask: `POST /extensions/endorsements`.

A worker of the public listener keeps the question; it has no key to sign with. The management
process signs what is allowed, once: the same question gets the same answer for good, because two
openings of one value with different blindings for one context must not exist. Who asks a member of
a roster gets an endorsement that does not name us, under the same policy: to be asked so was why we
joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.publishing.comparing import document_of
from underseal_node.rosters.joining import is_member, membership_in
from underseal_node.sealing.asker import (
    NOT_FOR_YOU,
    NeverEndorsedError,
    is_at_left_address,
    require_own_address,
)
from underseal_node.sealing.policy import policy_for
from underseal_node.settings import EndorsePolicy
from underseal_node.store import audit, deliveries, endorsements, footprints, pins
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.seal_tables import Question, QuestionState
from underseal_node.store.tables import Footprint, Peer, PeerState
from underseal_node.store.types import from_utc_text
from underseal_node.trust.vault import VaultPurpose
from underseal_protocol import base64url
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.disclosure import split
from underseal_protocol.errors import ProtocolError, SealNumberError
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.hidden import endorse_hidden
from underseal_protocol.roster.messages import HiddenAnswer, roster_from_json, roster_to_json
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.endorsed_value import value_in
from underseal_protocol.seal.endorsement import endorse
from underseal_protocol.seal.endorsement_exchange import EndorsementAnswer, EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.strict_json import dumps, loads
from underseal_protocol.times import parse_time

__all__ = [
    "NoMemberError",
    "NoPartnerError",
    "OtherQuestionError",
    "TooManyQuestionsError",
    "decide",
    "sign_allowed",
    "take_question",
    "vault_context",
]

log = structlog.get_logger(__name__)

AT_A_TIME = 50
# Of these there is no opening: what comes of them can change.
UNANSWERED = (QuestionState.OPEN, QuestionState.FAILED)
DAY = timedelta(days=1)


class NoPartnerError(RefusedError):
    """Whoever asks has no pinned keys here, so an endorsement could not name it."""


class NoMemberError(RefusedError):
    """This node is to endorse as a member of a roster, and is none."""


class OtherQuestionError(RefusedError):
    """The same figure was asked for in this context, and to be endorsed in another way."""


class TooManyQuestionsError(RefusedError):
    """Whoever asks has asked too much."""


def take_question(
    session: Session,
    node: Node,
    peer: Peer,
    asked: EndorsementRequest,
    roster: Roster | None = None,
) -> Question:
    """The question of a customer, kept if it is new.

    Args:
        session: writes.
        node: in any role.
        peer: who asks, checked in this transaction.
        asked: what for.
        roster: of which we are to endorse as a member; None: with our name.

    Raises:
        NotFoundError: the peer is not granted the footprint, or there is none.
        NoPartnerError: no keys of the peer are pinned.
        NeverEndorsedError: nothing is endorsed for it, or its address may be that of another one.
        NoMemberError: we are no member of the roster.
        OtherQuestionError: it has asked this in another way.
        TooManyQuestionsError: it has asked too much.
    """
    peer_id, now, context = peer.id or 0, node.now(), base64url.encode(asked.context)
    if not deliveries.visible(session, peer_id, [asked.footprint_id], now):
        raise NotFoundError("there is no such footprint")
    if peer.issuer is None or peer.key_set is None:
        raise NoPartnerError("no keys of yours are known here, so nothing can be endorsed for you")
    require_own_address(session, peer)
    policy = policy_for(node.settings, peer)
    wanted = None if roster is None else dumps(roster_to_json(roster)).decode()
    known = endorsements.find(session, peer_id, context, asked.footprint_id, asked.sealed)
    if known is not None and known.roster != wanted:
        # Two openings of one value in one context must not exist.
        raise OtherQuestionError("this was asked for in this context to be endorsed another way")
    if known is not None and known.state not in UNANSWERED:
        return known
    if policy.endorse is EndorsePolicy.NEVER:
        raise NeverEndorsedError(NOT_FOR_YOU)
    if roster is not None and not is_member(session, roster):
        raise NoMemberError(f"this node is no member of the roster {roster.name} in that epoch")
    is_auto, is_named = policy.endorse is EndorsePolicy.AUTO, policy.is_named and roster is None
    if roster is not None and is_at_left_address(session, peer):
        is_auto = False
    if known is not None:
        if is_auto:  # it is tried again
            known.state, known.is_named = QuestionState.ALLOWED, is_named
            endorsements.save(session, known)
        return known
    _require_few(session, node, peer_id, is_auto=is_auto)
    state = QuestionState.ALLOWED if is_auto else QuestionState.OPEN
    question = _question(asked, peer_id, state, now)
    question.is_named, question.roster = is_named, wanted
    made = endorsements.add(session, question)
    if made is None:
        return take_question(session, node, peer, asked, roster)
    _record(session, node, made, Act.ENDORSEMENT_ASKED, Actor.PEER)
    return made


def _question(
    asked: EndorsementRequest, peer_id: int, state: QuestionState, now: datetime
) -> Question:
    return Question(
        peer_id=peer_id,
        footprint_id=asked.footprint_id,
        property=asked.sealed.value,
        context=base64url.encode(asked.context),
        state=state,
        is_named=False,
        asked_at=now,
    )


async def decide(
    node: Node, question_id: int, *, is_allowed: bool, is_named: bool | None = None
) -> Question:
    """Answer a question that waits.

    Args:
        node: in the role `manage`.
        question_id: of which.
        is_allowed: whether the figure is endorsed.
        is_named: whether that consents to name us; None: as the policy says.

    Returns:
        the question, signed if it was allowed and can be.

    Raises:
        NotFoundError: there is no such question.
        RefusedError: it has been answered before.
    """

    def work(session: Session) -> None:
        question = endorsements.to_answer(session, question_id)
        if question.state not in UNANSWERED:
            raise RefusedError(
                f"question {question_id} has been answered: {question.state}",
                hint="An answer never changes. The customer can ask for another context.",
            )
        peer = pins.peer_row(session, question.peer_id)
        named = policy_for(node.settings, peer).is_named if is_named is None else is_named
        if question.roster is not None and is_named:
            raise RefusedError(
                f"question {question_id} asks for a member of a roster, and not for our name",
                hint="Leave out --named.",
            )
        question.is_named = named and question.roster is None
        question.state = QuestionState.ALLOWED if is_allowed else QuestionState.REFUSED
        if not is_allowed:
            question.answered_at = node.now()
            _record(session, node, question, Act.ENDORSEMENT_REFUSED, Actor.OPERATOR)
        endorsements.save(session, question)

    await node.store.write(work)
    if is_allowed:
        await _sign(node, question_id, Actor.OPERATOR)
    return await node.store.read(lambda session: endorsements.get(session, question_id))


async def sign_allowed(node: Node) -> int:
    """Endorse what is allowed and not signed yet.

    Args:
        node: in the role `manage`.

    Returns:
        how much that was.
    """
    waiting = await node.store.read(lambda session: endorsements.allowed(session, limit=AT_A_TIME))
    for question_id in waiting:
        await _sign(node, question_id, Actor.NODE)
    return len(waiting)


async def _sign(node: Node, question_id: int, actor: Actor) -> None:
    """Endorse one figure; what keeps it from being endorsed is the answer, too."""
    node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread

    def work(session: Session) -> None:
        question = endorsements.to_answer(session, question_id)
        if question.state != QuestionState.ALLOWED:
            return
        question.answered_at = node.now()
        try:
            question.answer = _answer(session, node, question)
        except (RefusedError, ProtocolError) as error:
            question.state, question.reason = QuestionState.FAILED, error.message
            log.warning("a figure cannot be endorsed", question=question_id, reason=error.message)
            _record(session, node, question, Act.ENDORSEMENT_GIVEN, actor, Outcome.FAILED)
        else:
            question.state = QuestionState.ENDORSED
            _record(session, node, question, Act.ENDORSEMENT_GIVEN, actor)
        endorsements.save(session, question)

    await node.store.write(work)


def _answer(session: Session, node: Node, question: Question) -> bytes:
    """Endorsement and opening, encrypted.

    Raises:
        RefusedError: the customer is no partner any more, is not granted the footprint any more, or
            it is deprecated.
        ProtocolError: the figure cannot be endorsed.
    """
    peer = pins.peer_row(session, question.peer_id)
    row = footprints.row(session, question.footprint_id)
    _require_still(session, node, peer, row)
    document, said = document_of(row), _said(peer, row, question)
    _require_sealable(document, SealedProperty(question.property))
    if question.roster is not None:
        roster = roster_from_json(loads(question.roster))
        hidden = endorse_hidden(document, membership=membership_in(session, node, roster), **said)
        return _encrypted(node, question, HiddenAnswer(*hidden).to_json())
    found = endorse(
        document,
        **said,
        # Whatever the customer has made of it, it has made since it was there.
        not_before=parse_time(document["created"]),
        not_after=from_utc_text(row.valid_until),
        is_named=question.is_named,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
    )
    return _encrypted(node, question, EndorsementAnswer(*found).to_json())


def _said(peer: Peer, row: Footprint, question: Question) -> dict[str, Any]:
    """What every endorsement is of."""
    return {
        "credential_digest": row.credential_digest,
        "sealed": SealedProperty(question.property),
        "customer": str(peer.issuer),
        "context": base64url.decode(question.context),
    }


def _encrypted(node: Node, question: Question, answer: Mapping[str, Any]) -> bytes:
    context = vault_context(question)
    return node.vault.seal(VaultPurpose.ENDORSEMENT, dumps(answer), context=context)


def vault_context(question: Question) -> str:
    """What the stored answer is bound to."""
    return f"question {question.id}"


def _require_sealable(document: Mapping[str, Any], sealed: SealedProperty) -> None:
    """Whether there is a figure to be endorsed. The customer is told why not, so nothing is said
    of what may be withheld from it: of the core alone, which everybody sees, more than that.

    Raises:
        RefusedError: something stands in a block.
        SealNumberError: the core says so already.
    """
    value_in(split(document).core, sealed)
    try:
        value_in(document, sealed)
    except SealNumberError:
        raise RefusedError(
            "the footprint has removals, uptake or capture, which are not sealed"
        ) from None


def _require_still(session: Session, node: Node, peer: Peer, row: Footprint) -> None:
    if peer.state != PeerState.ACTIVE or peer.issuer is None:
        raise RefusedError("whoever asks is no partner any more")
    require_own_address(session, peer)
    if not deliveries.visible(session, peer.id or 0, [row.id], node.now()):
        raise RefusedError("the footprint is not granted any more")
    if row.status == DEPRECATED:
        raise RefusedError("the footprint is deprecated")


def _require_few(session: Session, node: Node, peer_id: int, *, is_auto: bool) -> None:
    settings = node.settings
    waiting = endorsements.count_open(session, peer_id)
    if not is_auto and waiting >= settings.max_endorsement_questions_per_peer:
        raise TooManyQuestionsError(f"{waiting} questions of yours are waiting for an answer")
    of_today = endorsements.asked_since(session, peer_id, node.now(), DAY)
    if of_today >= settings.max_endorsements_per_peer_per_day:
        raise TooManyQuestionsError(f"you have asked for {of_today} endorsements in a day")


def _record(
    session: Session,
    node: Node,
    question: Question,
    act: Act,
    actor: Actor,
    outcome: Outcome = Outcome.DONE,
) -> None:
    is_named = question.is_named if act is Act.ENDORSEMENT_GIVEN else None
    roster = None if question.roster is None else roster_from_json(loads(question.roster)).name
    audit.record(
        session,
        act,
        node.now(),
        actor=actor,
        peer_id=question.peer_id,
        footprint_ids=[question.footprint_id],
        outcome=outcome,
        detail={
            "property": question.property,
            "question": question.id,
            "named": is_named,
            "roster": roster,
        },
    )
