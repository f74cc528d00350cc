"""Endorsements: a customer asks, a supplier answers as its policy says, always the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session
from tests.behind import sql
from tests.node.exchange.conftest import Company, NewCompany
from tests.node.exchange.endorsing import CONTEXT, EXCLUDING, FOSSIL, ask, sealable, sign

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange.endorser import Endorser
from underseal_node.exchange.watch import Watch
from underseal_node.publishing.changing import deprecate
from underseal_node.sealing.endorsing import decide
from underseal_node.store import audit_lists, endorsements, peers
from underseal_node.store.seal_tables import Question, QuestionState
from underseal_node.store.tables import KeyKind
from underseal_node.trust import partnerships
from underseal_node.trust.partnerships import Move
from underseal_node.trust.peers import PeerChange, change_peer, remove_peer
from underseal_protocol.disclosure import Level
from underseal_protocol.seal.endorsement_checks import (
    require_about,
    require_opening,
    verify_endorsement,
)

Make = Callable[..., Any]


def questions(company: Company) -> list[Question]:
    found = company.node.store.read_sync(endorsements.listing)
    return [question for question, _ in found][::-1]


async def acts(company: Company) -> list[tuple[str, str]]:
    await company.sequence()
    found = company.node.store.read_sync(audit_lists.recent)
    told = [(one["act"], one["outcome"]) for one in found][::-1]
    return [one for one in told if one[0].startswith("endorsement")]


@pytest.fixture
async def footprint(seller: Company, buyer: Company, make_footprint: Make) -> str:
    """Of the seller, granted to the buyer, and pulled."""
    (made,) = await seller.publish(sealable(make_footprint(1)))
    seller.grant(buyer, KeyKind.FOOTPRINT, made, level=Level.TOTAL)
    await buyer.pull(seller)
    return made


async def set_policy(seller: Company, **change: Any) -> None:
    await change_peer(seller.exchange, "buyer", PeerChange(**change))


async def test_with_auto_the_worker_signs_at_once(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto", endorse_named=True)
    assert (await ask(buyer, "seller", footprint)).is_pending  # nobody works meanwhile
    await sign(seller)
    answer = (await ask(buyer, "seller", footprint)).answer
    assert answer is not None
    found, key = verify_endorsement(
        answer.endorsement.token,
        keys=seller.node.public_keys,
        supplier=seller.url,
        customer=buyer.url,
        context=CONTEXT,
        sealed=EXCLUDING,
    )
    assert (found.is_named, key.kid) == (True, found.kid)
    require_opening(found, answer.opening)
    row = buyer.received()[footprint]
    received = json.loads(row.body)
    require_about(found, answer.opening, received, str(row.credential_digest))
    created, until = received["created"], received["validityPeriodEnd"]
    assert created
    assert until
    assert await acts(seller) == [("endorsement-asked", "done"), ("endorsement-given", "done")]


async def test_the_same_question_gets_the_same_answer_for_good(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    await ask(buyer, "seller", footprint)
    await sign(seller)
    first = (await ask(buyer, "seller", footprint)).answer
    await set_policy(seller, endorse="never")
    await sign(seller)
    again = (await ask(buyer, "seller", footprint)).answer
    assert first is not None
    assert again is not None
    assert again.to_json() == first.to_json()
    assert len(questions(seller)) == 1


async def test_every_context_and_figure_has_a_blinding_of_its_own(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    asked = [(CONTEXT, EXCLUDING), (bytes(32), EXCLUDING), (CONTEXT, FOSSIL)]
    for context, sealed in asked:
        await ask(buyer, "seller", footprint, context=context, sealed=sealed)
    await sign(seller)
    blindings, commitments = set(), set()
    for context, sealed in asked:
        answer = (await ask(buyer, "seller", footprint, context=context, sealed=sealed)).answer
        assert answer is not None
        blindings.add(answer.opening.blinding.encode())
        commitments.add(answer.endorsement.commitment.encode())
    assert (len(blindings), len(commitments)) == (3, 3)


async def test_two_workers_that_sign_at_once_make_one_opening(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    await ask(buyer, "seller", footprint)
    await asyncio.gather(*(Endorser(seller.node).step() for _ in range(4)))
    (question,) = questions(seller)
    before = question.answer
    await sign(seller)
    assert questions(seller)[0].answer == before is not None


async def test_with_ask_the_question_waits_for_the_operator(
    seller: Company, buyer: Company, footprint: str
) -> None:
    assert (await ask(buyer, "seller", footprint)).is_pending
    await sign(seller)
    (question,) = questions(seller)
    assert question.state == QuestionState.OPEN  # the default
    answered = await decide(seller.node, question.id or 0, is_allowed=True, is_named=True)
    assert answered.state == QuestionState.ENDORSED
    answer = (await ask(buyer, "seller", footprint)).answer
    assert answer is not None
    assert answer.endorsement.is_named
    with pytest.raises(RefusedError, match="has been answered: endorsed"):
        await decide(seller.node, question.id or 0, is_allowed=False)


async def test_what_the_operator_refuses_stays_refused(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await ask(buyer, "seller", footprint)
    (question,) = questions(seller)
    await decide(seller.node, question.id or 0, is_allowed=False)
    await set_policy(seller, endorse="auto")
    asked = await ask(buyer, "seller", footprint)
    assert (asked.answer, asked.is_pending, asked.is_unable) == (None, False, False)
    assert "not endorsed for you" in str(asked.reason)
    assert (await acts(seller))[-1] == ("endorsement-refused", "done")


async def test_never_keeps_no_question(seller: Company, buyer: Company, footprint: str) -> None:
    await set_policy(seller, endorse="never")
    asked = await ask(buyer, "seller", footprint)
    assert (asked.answer, asked.is_pending) == (None, False)
    assert "does not endorse" in str(asked.reason)
    assert questions(seller) == []


async def test_a_question_that_waits_is_signed_once_the_policy_is_auto(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await ask(buyer, "seller", footprint)
    await set_policy(seller, endorse="auto", endorse_named=True)
    await ask(buyer, "seller", footprint)
    await sign(seller)
    answer = (await ask(buyer, "seller", footprint)).answer
    assert answer is not None
    assert answer.endorsement.is_named


async def test_the_settings_hold_where_nothing_is_said_of_the_peer(
    new_company: NewCompany, buyer: Company, make_footprint: Make
) -> None:
    other = new_company("other", endorse="auto", endorse_named=True)
    await other.befriend(buyer)
    (made,) = await other.publish(sealable(make_footprint(1)))
    other.grant(buyer, KeyKind.ALL)
    await ask(buyer, "other", made)
    await sign(other)
    answer = (await ask(buyer, "other", made)).answer
    assert answer is not None
    assert answer.endorsement.is_named


async def test_nothing_is_endorsed_that_is_not_granted(
    seller: Company, buyer: Company, make_footprint: Make
) -> None:
    (made,) = await seller.publish(sealable(make_footprint(1)))
    await set_policy(seller, endorse="auto")
    hidden = await ask(buyer, "seller", made)
    absent = await ask(buyer, "seller", "00000000-0000-4000-8000-00000000dead")
    assert hidden.is_unable
    assert absent.is_unable
    assert hidden.reason == absent.reason
    assert questions(seller) == []


async def test_nothing_is_signed_once_it_is_not_granted_any_more(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await ask(buyer, "seller", footprint)
    (question,) = questions(seller)
    sql(seller.node, "DELETE FROM access_grant")
    answered = await decide(seller.node, question.id or 0, is_allowed=True)
    assert (answered.state, answered.answer) == (QuestionState.FAILED, None)
    assert "not granted any more" in str(answered.reason)
    assert (await acts(seller))[-1] == ("endorsement-given", "failed")
    # That was no answer: with a new grant it can be allowed again.
    seller.grant(buyer, KeyKind.ALL)
    answered = await decide(seller.node, question.id or 0, is_allowed=True)
    assert answered.state == QuestionState.ENDORSED


async def test_a_deprecated_footprint_is_not_endorsed(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    await deprecate(seller.node, footprint)
    await ask(buyer, "seller", footprint)
    await sign(seller)
    asked = await ask(buyer, "seller", footprint)
    assert asked.is_pending  # it is tried again, as often as it is asked for
    await sign(seller)
    (question,) = questions(seller)
    assert (question.state, question.reason) == (
        QuestionState.FAILED,
        "the footprint is deprecated",
    )


async def test_a_figure_that_cannot_be_sealed_is_not_endorsed(
    seller: Company, buyer: Company, make_footprint: Make
) -> None:
    document = sealable(make_footprint(1))
    document["pcf"]["technologicalCO2Removals"] = "-0.1"
    (made,) = await seller.publish(document)
    seller.grant(buyer, KeyKind.ALL)
    await ask(buyer, "seller", made)
    (question,) = questions(seller)
    answered = await decide(seller.node, question.id or 0, is_allowed=True)
    assert answered.state == QuestionState.FAILED
    assert "removals" in str(answered.reason)
    asked = await ask(buyer, "seller", made)
    assert "cannot be endorsed" in str(asked.reason)


@pytest.mark.parametrize("name", ["technologicalCO2Removals", "ccsTechnologicalCO2Capture"])
async def test_why_a_figure_cannot_be_endorsed_tells_nothing_of_what_is_withheld(
    seller: Company, buyer: Company, make_footprint: Make, name: str
) -> None:
    """The customer sees the total alone: removals stand in a block that is withheld from it."""
    document = sealable(make_footprint(1))
    document["pcf"][name] = "-0.8317"
    (made,) = await seller.publish(document)
    seller.grant(buyer, KeyKind.FOOTPRINT, made, level=Level.TOTAL)
    await set_policy(seller, endorse="auto")
    await ask(buyer, "seller", made)
    await sign(seller)
    (question,) = questions(seller)
    assert question.state == QuestionState.FAILED
    await set_policy(seller, endorse="ask")  # or else it would be tried again
    told = str((await ask(buyer, "seller", made)).reason)
    assert "cannot be endorsed" in told
    assert "8317" not in told
    assert name not in told


async def test_too_many_questions_have_to_wait(
    new_company: NewCompany, buyer: Company, make_footprint: Make
) -> None:
    other = new_company(
        "other", max_endorsement_questions_per_peer=2, max_endorsements_per_peer_per_day=3
    )
    await other.befriend(buyer)
    (made,) = await other.publish(sealable(make_footprint(1)))
    other.grant(buyer, KeyKind.ALL)
    contexts = [bytes([number]) * 32 for number in range(5)]
    for context in contexts[:2]:
        assert (await ask(buyer, "other", made, context=context)).is_pending
    with pytest.raises(PeerError, match=r"429.*2 questions of yours are waiting"):
        await ask(buyer, "other", made, context=contexts[2])
    assert (await ask(buyer, "other", made, context=contexts[0])).is_pending  # no new one
    for question in questions(other):
        await decide(other.node, question.id or 0, is_allowed=False)
    assert (await ask(buyer, "other", made, context=contexts[3])).is_pending
    with pytest.raises(PeerError, match=r"429.*3 endorsements in a day"):
        await ask(buyer, "other", made, context=contexts[4])
    other.clock.advance(days=1, seconds=1)
    assert (await ask(buyer, "other", made, context=contexts[4])).is_pending


async def test_the_end_of_a_partnership_ends_what_waits(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await ask(buyer, "seller", footprint)

    def revoke(session: Session) -> None:
        peer = peers.by_name(session, "buyer")
        partnerships.move(session, peer, Move.REVOKE, seller.clock())

    seller.node.store.write_sync(revoke)
    (question,) = questions(seller)
    assert question.state == QuestionState.REFUSED
    with pytest.raises(RefusedError):
        await decide(seller.node, question.id or 0, is_allowed=True)


async def test_a_peer_that_has_asked_is_not_simply_forgotten(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await ask(buyer, "seller", footprint)
    assert await remove_peer(seller.node, "buyer") == "buyer (removed)"
    assert [one.state for one in questions(seller)] == [QuestionState.REFUSED]
    name = seller.node.store.read_sync(peers.listing)[0].name
    assert name == "buyer (removed)"


async def test_what_is_stored_opens_nothing_without_the_key(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    await ask(buyer, "seller", footprint)
    await sign(seller)
    answer = (await ask(buyer, "seller", footprint)).answer
    assert answer is not None
    secret = answer.to_json()["opening"]["blinding"]
    (question,) = questions(seller)
    assert question.answer is not None
    assert secret.encode() not in question.answer
    assert secret not in repr(answer) + repr(question)


async def test_the_watch_sees_what_is_to_be_signed(
    seller: Company, buyer: Company, footprint: str
) -> None:
    await set_policy(seller, endorse="auto")
    await ask(buyer, "seller", footprint)
    stop = asyncio.Event()
    worker = asyncio.create_task(Endorser(seller.node).run(stop, watch=Watch(seller.node)))
    try:
        async with asyncio.timeout(20):
            while questions(seller)[0].state != QuestionState.ENDORSED:
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await worker
