"""Requests from the question to the one answer, between two nodes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, product, settle

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.exchange import requests as answering
from underseal_node.store import grants, outbox, requests
from underseal_node.store.exchange_tables import Direction, Request
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level

MakeFootprint = Callable[..., dict[str, Any]]

WANTED = Criteria(product_ids=(product(1),))
NOTHING = Criteria(product_ids=("urn:pact:null",))


def ask(company: Company, whom: Company, criteria: Criteria = WANTED) -> int:
    """Send a request; its number at the asking side."""
    peer_id = company.peer(whom).id or 0

    def work(session: Session) -> int:
        row = answering.send_request(
            session, company.node, peer_id, criteria, "please", company.clock()
        )
        return row.id or 0

    return company.node.store.write_sync(work)


def answer(company: Company, work: Callable[[Session], Request]) -> Request:
    return company.node.store.write_sync(work)


async def befriended(new_company: NewCompany, **settings: Any) -> tuple[Company, Company]:
    seller, buyer = new_company("seller", **settings), new_company("buyer")
    await seller.befriend(buyer)
    return seller, buyer


async def test_what_is_granted_is_delivered_by_itself(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.PRODUCT, product(1), Level.BREAKDOWN)
    ask(buyer, seller)
    await settle(buyer, seller)
    (request,) = buyer.requests()
    assert (request.state, json.loads(request.footprint_ids)) == ("fulfilled", [footprint_id])
    assert buyer.received()[footprint_id].verification == "verified"
    (incoming,) = seller.requests()
    assert (incoming.direction, incoming.state, incoming.comment) == (
        Direction.INCOMING,
        "fulfilled",
        "please",
    )


@pytest.mark.parametrize(
    ("mode", "granted", "state"),
    [
        ("auto", True, "fulfilled"),
        ("auto", False, "rejected"),
        ("assist", True, "fulfilled"),
        ("assist", False, "pending"),
        ("manual", True, "pending"),
        ("manual", False, "pending"),
    ],
)
async def test_the_setting_decides_who_answers(
    new_company: NewCompany, make_footprint: MakeFootprint, mode: str, granted: bool, state: str
) -> None:
    seller, buyer = await befriended(new_company, requests_answer=mode)
    await seller.publish(make_footprint(1))
    if granted:
        seller.grant(buyer, KeyKind.ALL)
    ask(buyer, seller)
    await settle(buyer, seller)
    assert [one.state for one in buyer.requests()] == [state]
    assert [one.state for one in seller.requests()] == [state]


@pytest.mark.parametrize("mode", ["auto", "assist", "manual"])
async def test_the_product_that_nobody_has_is_rejected_at_once(
    new_company: NewCompany, mode: str
) -> None:
    seller, buyer = await befriended(new_company, requests_answer=mode)
    ask(buyer, seller, NOTHING)
    await settle(buyer, seller)
    (request,) = buyer.requests()
    assert (request.state, request.error_code) == ("rejected", "NotFound")
    assert request.error_message == answering.NOT_AVAILABLE


async def test_absent_and_not_granted_are_rejected_alike(
    new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    seller, buyer = await befriended(new_company, requests_answer="auto")
    await seller.publish(make_footprint(1))
    ask(buyer, seller, WANTED)
    ask(buyer, seller, Criteria(product_ids=(product(999),)))
    await settle(buyer, seller)
    rejections = []
    for row in seller.outbox():
        event = json.loads(row.body)
        rejections.append({"type": event["type"], "error": event["data"]["error"]})
    assert len(rejections) == 2
    assert rejections[0] == rejections[1]


async def test_the_operator_delivers_and_thereby_grants(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    ask(buyer, seller)
    await settle(buyer, seller)
    (waiting,) = seller.requests()
    now = seller.clock()
    answer(
        seller,
        lambda session: answering.fulfil(
            session, seller.node, waiting.id or 0, [footprint_id.upper()], now
        ),
    )
    await settle(buyer, seller)
    assert [one.state for one in buyer.requests()] == ["fulfilled"]
    # What came asynchronously can be read synchronously, too.
    assert (await buyer.pull(seller)).received == 1


async def test_a_footprint_that_does_not_exist_is_not_delivered_nor_granted(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    ask(buyer, seller)
    await settle(buyer, seller)
    (waiting,) = seller.requests()
    now = seller.clock()
    unknown = "00000000-0000-4000-8000-000000000001"
    with pytest.raises(NotFoundError, match=unknown):
        answer(
            seller,
            lambda session: answering.fulfil(
                session, seller.node, waiting.id or 0, [footprint_id, unknown], now
            ),
        )
    await settle(buyer, seller)
    assert [one.state for one in buyer.requests()] == ["pending"]
    assert (await buyer.pull(seller)).received == 0


async def test_the_operator_says_no(seller: Company, buyer: Company) -> None:
    ask(buyer, seller)
    await settle(buyer, seller)
    (waiting,) = seller.requests()
    now = seller.clock()
    answer(
        seller,
        lambda session: answering.reject(session, seller.node, waiting.id or 0, "not you", now),
    )
    await settle(buyer, seller)
    (request,) = buyer.requests()
    assert (request.state, request.error_message) == ("rejected", "not you")


async def test_a_request_has_exactly_one_outcome(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    ask(buyer, seller)
    await settle(buyer, seller)
    (waiting,) = seller.requests()
    number, now = waiting.id or 0, seller.clock()

    def no(session: Session) -> Request:
        return answering.reject(session, seller.node, number, "no", now)

    def yes(session: Session) -> Request:
        return answering.fulfil(session, seller.node, number, [footprint_id], now)

    answer(seller, no)
    for again in (no, yes):
        with pytest.raises(RefusedError, match="already"):
            answer(seller, again)
    assert len([one for one in seller.outbox() if one.request_id == number]) == 1
    assert (await buyer.pull(seller)).received == 0  # the refused answer granted nothing


async def test_our_own_request_is_not_ours_to_answer(seller: Company, buyer: Company) -> None:
    number = ask(buyer, seller)
    with pytest.raises(RefusedError, match="our own"):
        answer(
            buyer,
            lambda session: answering.reject(session, buyer.node, number, "no", buyer.clock()),
        )


async def test_too_many_for_one_event_wait_for_the_operator(
    new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    seller, buyer = await befriended(new_company, max_event_footprints=2)
    await seller.publish(*(make_footprint(number) for number in range(3)))
    seller.grant(buyer, KeyKind.ALL)
    classification = make_footprint()["productClassifications"][0]
    ask(buyer, seller, Criteria(classifications=(classification,)))
    await settle(buyer, seller)
    (waiting,) = seller.requests()
    assert waiting.state == "pending"
    assert "More than 2 footprints match" in (waiting.error_message or "")


async def test_an_empty_request_and_one_without_credentials_are_not_sent(
    seller: Company, buyer: Company
) -> None:
    from underseal_node.trust.peers import PeerChange, add_peer

    with pytest.raises(RefusedError, match="what is wanted"):
        ask(buyer, seller, Criteria())
    await add_peer(buyer.exchange, "stranger", PeerChange(url=seller.url))
    peer_id = buyer.peer("stranger").id or 0
    with pytest.raises(RefusedError, match="no credentials"):
        buyer.node.store.write_sync(
            lambda session: answering.send_request(
                session, buyer.node, peer_id, WANTED, None, buyer.clock()
            )
        )
    assert buyer.requests() == [] == buyer.outbox()


async def test_what_cannot_be_delivered_for_three_days_has_failed_and_can_be_sent_again(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    number = ask(buyer, seller)
    network.fault = lambda request: httpx.Response(503)
    for _ in range(200):
        await buyer.deliver()
        clock.advance(minutes=30)
    (event,) = buyer.outbox()
    assert event.state == "dead"
    (request,) = buyer.requests()
    assert request.state == "failed"
    assert "could not be delivered" in (request.error_message or "")
    network.fault = lambda request: None
    event_id = event.id or 0
    buyer.node.store.write_sync(
        lambda session: answering.retry_delivery(session, buyer.node, event_id, clock())
    )
    await settle(buyer, seller)
    assert buyer.node.store.read_sync(lambda s: requests.get(s, number)).state == "fulfilled"


async def test_only_what_is_dead_or_paused_is_sent_again(seller: Company, buyer: Company) -> None:
    ask(buyer, seller)
    (event,) = buyer.outbox()
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"is pending|is delivered"):
            buyer.node.store.write_sync(
                lambda session: outbox.retry(session, event.id or 0, buyer.clock())
            )
        await buyer.deliver()


async def test_an_answer_on_its_way_is_taken_back_with_the_grant(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    await seller.publish(make_footprint(1, comment="for your eyes"))
    grant_id = seller.grant(buyer, KeyKind.ALL)
    ask(buyer, seller)
    await buyer.deliver()
    await seller.handle()
    assert [one.state for one in seller.requests()] == ["fulfilled"]
    seller.node.store.write_sync(lambda session: grants.remove(session, grant_id))
    sent: list[bytes] = []

    def note(request: httpx.Request) -> None:
        sent.append(request.content)

    network.fault = note
    await settle(seller, buyer)
    assert not any(b"for your eyes" in body for body in sent)
    assert [one.state for one in seller.requests()] == ["rejected"]
    assert [one.state for one in buyer.requests()] == ["rejected"]
    assert [row.state for row in seller.outbox()] == ["dead", "delivered"]
