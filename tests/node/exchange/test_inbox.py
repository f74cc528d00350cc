"""Events that come in: each has its effect once, whoever repeats or forges it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, product, settle
from tests.node.exchange.test_requests import WANTED, ask

from underseal_node.exchange import answers
from underseal_node.exchange import inbox as inbox_worker
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.node import open_node
from underseal_node.publishing import changing
from underseal_node.store import inbox
from underseal_node.store.exchange_tables import InboxEvent
from underseal_node.store.tables import KeyKind, Peer
from underseal_protocol.events import request_fulfilled_event, request_rejected_event
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

MakeFootprint = Callable[..., dict[str, Any]]


async def send(sender: Company, receiver: Company, body: bytes) -> None:
    """Post an event as the sender, whatever it says."""
    access = await sender.exchange.access(sender.peer(receiver).id or 0)
    await sender.exchange.client.post_event(access, body)


def rows(company: Company) -> list[InboxEvent]:
    from sqlmodel import select

    return company.node.store.read_sync(lambda session: list(session.exec(select(InboxEvent))))


async def test_what_is_published_is_fetched_by_itself(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    (footprint_id,) = await seller.publish(make_footprint())
    await settle(seller, buyer)
    assert buyer.received()[footprint_id].verification == "verified"


async def test_a_correction_arrives_with_the_proof_of_the_deprecation(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    (old,) = await seller.publish(make_footprint(1))
    file = ("new.json", json.dumps(make_footprint(1)).encode())
    change = await changing.supersede(seller.node, old, file)
    await settle(seller, buyer)
    held = buyer.received()
    assert change.published is not None
    assert held[change.published].status == "Active"
    assert held[old].status == "Deprecated"
    assert held[old].status_statement is not None


async def test_with_the_setting_off_nothing_is_fetched(
    seller: Company, new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    buyer = new_company("buyer", pull_on_published=False)
    await seller.befriend(buyer)
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    await settle(seller, buyer)
    assert buyer.received() == {}
    assert [row.outcome for row in rows(buyer)] == ["not fetched: pull_on_published is off"]


async def test_a_repeated_event_has_one_effect(
    seller: Company, buyer: Company, network: Network
) -> None:
    lost = 0

    def lose_answer(request: httpx.Request) -> httpx.Response | None:
        nonlocal lost
        if request.url.path == "/3/events" and lost < 3:
            lost += 1
            return httpx.Response(500)
        return None

    network.loss = lose_answer
    ask(buyer, seller)
    for _ in range(5):
        await buyer.deliver()
        buyer.clock.advance(minutes=5)
    assert lost == 3
    await seller.handle()
    assert len(rows(seller)) == len(seller.requests()) == 1


async def test_the_same_id_from_two_peers_is_two_events(
    seller: Company, buyer: Company, new_company: NewCompany
) -> None:
    other = new_company("other")
    await seller.befriend(other)
    ask(buyer, seller)
    body = buyer.outbox()[0].body
    await send(buyer, seller, body)
    await send(other, seller, body.replace(b"buyer.example", b"other.example"))
    await seller.handle()
    assert len(seller.requests()) == 2


async def test_a_peer_cannot_speak_in_the_name_of_another(
    seller: Company, buyer: Company, new_company: NewCompany
) -> None:
    from underseal_node.exchange.errors import AnswerError

    other = new_company("other")
    await seller.befriend(other)
    ask(buyer, seller)
    with pytest.raises(AnswerError, match="source"):
        await send(other, seller, buyer.outbox()[0].body)
    assert rows(seller) == []


async def test_nobody_answers_for_another(
    seller: Company, buyer: Company, new_company: NewCompany, clock: StandingClock
) -> None:
    other = new_company("other")
    await buyer.befriend(other)
    ask(buyer, seller)
    event_id = buyer.requests()[0].event_id
    forged = request_rejected_event(
        event_id="x",
        source=f"{other.url}/3/events",
        time=clock(),
        request_event_id=event_id,
        code="NotFound",
        message="no",
    )
    await send(other, buyer, forged)
    await buyer.handle()
    assert [one.state for one in buyer.requests()] == ["pending"]
    assert buyer.alerts() == ["unasked"]


async def test_the_first_answer_counts(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    ask(buyer, seller)
    event_id = buyer.requests()[0].event_id
    for number, message in enumerate(["first", "second"]):
        body = request_rejected_event(
            event_id=f"answer-{number}",
            source=seller.url,
            time=clock(),
            request_event_id=event_id,
            code="NotFound",
            message=message,
        )
        await send(seller, buyer, body)
    await buyer.handle()
    assert [one.error_message for one in buyer.requests()] == ["first"]


async def test_a_delivered_footprint_that_was_tampered_with_is_invalid(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, clock: StandingClock
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1, comment="before"))
    seller.grant(buyer, KeyKind.ALL)
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    served = await buyer.exchange.client.footprint(access, footprint_id)
    assert served is not None
    ask(buyer, seller, WANTED)
    body = request_fulfilled_event(
        event_id="x",
        source=seller.url,
        time=clock(),
        request_event_id=buyer.requests()[0].event_id,
        footprints=[served.replace(b'"before"', b'"behind"')],
    )
    await send(seller, buyer, body)
    await buyer.handle()
    assert buyer.received()[footprint_id].verification == "invalid"


async def test_an_event_that_cannot_be_handled_blocks_no_other(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    peer_id = buyer.peer(seller).id or 0
    buyer.node.store.write_sync(
        lambda session: inbox.accept(
            session,
            peer_id,
            "poison",
            "org.wbcsd.pact.ProductFootprint.RequestCreatedEvent.3",
            b"no json",
            clock(),
        )
    )
    ask(seller, buyer)
    await seller.deliver()
    for _ in range(10):
        await buyer.handle()
        clock.advance(hours=2)
    assert [one.direction for one in buyer.requests()] == ["incoming"]
    outcomes = {row.event_id: row.outcome or "" for row in rows(buyer)}
    assert outcomes["poison"].startswith("given up")
    assert all(row.handled_at is not None for row in rows(buyer))


async def test_a_peer_that_is_down_when_it_is_asked_is_asked_again(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    (footprint_id,) = await seller.publish(make_footprint(1))
    await seller.deliver()
    network.fault = lambda request: httpx.Response(502)
    await buyer.handle()
    assert buyer.received() == {}
    network.fault = lambda request: None
    clock.advance(hours=1)
    await buyer.handle()
    assert set(buyer.received()) == {footprint_id}


async def test_ids_that_are_not_for_us_are_no_error(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    seller.grant(buyer, KeyKind.PRODUCT, product(1))
    ids = await seller.publish(make_footprint(1), make_footprint(2))
    body = seller.outbox()[0].body
    assert json.loads(body)["data"]["pfIds"] == ids[:1]
    more = body.replace(ids[0].encode(), f'{ids[0]}","{ids[1]}'.encode())
    await send(seller, buyer, more)
    await buyer.handle()
    assert set(buyer.received()) == {ids[0]}
    (row,) = rows(buyer)
    assert row.outcome == "fetched 1 of 2 footprints; 1 are not there for us"


async def test_an_answer_is_judged_with_the_keys_that_are_confirmed_meanwhile(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    ask(buyer, seller)
    await buyer.deliver()
    await seller.handle()
    await seller.deliver()
    right = buyer.peer(seller).key_set
    other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])

    def set_keys(key_set: str | None) -> None:
        def work(session: Session) -> None:
            peer = session.get_one(Peer, buyer.peer(seller).id)
            peer.key_set = key_set
            session.add(peer)

        buyer.node.store.write_sync(work)

    set_keys(json.dumps(other.to_jwks()))
    judged = 0

    async def then_confirm(*arguments: Any) -> Any:
        nonlocal judged
        judged += 1
        found = await answers.prepare(*arguments)
        if judged == 1:
            set_keys(right)
        return found

    monkeypatch.setattr(inbox_worker, "prepare", then_confirm)
    await buyer.handle()
    assert judged == 2
    assert [row.verification for row in buyer.received().values()] == ["verified"]


async def test_two_workers_handle_an_event_once(
    seller: Company, buyer: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the row before one of them handles it."""
    ask(buyer, seller)
    await buyer.deliver()
    both = asyncio.Barrier(2)

    async def meet(*arguments: Any) -> Any:
        await both.wait()
        return await answers.prepare(*arguments)

    monkeypatch.setattr(inbox_worker, "prepare", meet)
    second = open_node(seller.node.home.path, settings=seller.node.settings, clock=seller.clock)
    workers = [InboxWorker(seller.exchange), InboxWorker(Exchange(second))]
    await asyncio.gather(*(worker.handle_due() for worker in workers))
    second.close()
    assert [row.outcome for row in rows(seller)] == [
        "waits for the operator: nothing that is granted matches"
    ]
    assert len(seller.requests()) == 1


async def test_the_same_answer_in_another_event_is_no_alert_and_another_answer_is(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    ask(buyer, seller)
    event_id = buyer.requests()[0].event_id

    def rejection(number: int) -> bytes:
        return request_rejected_event(
            event_id=f"answer-{number}",
            source=seller.url,
            time=clock(),
            request_event_id=event_id,
            code="NotFound",
            message="no",
        )

    for number in range(2):
        await send(seller, buyer, rejection(number))
    await buyer.handle()
    assert buyer.alerts() == []
    fulfilment = request_fulfilled_event(
        event_id="answer-2",
        source=seller.url,
        time=clock(),
        request_event_id=event_id,
        footprints=[b'{"id":"00000000-0000-4000-8000-000000000001"}'],
    )
    await send(seller, buyer, fulfilment)
    await buyer.handle()
    assert (buyer.alerts(), buyer.received()) == (["unasked"], {})
    assert [one.state for one in buyer.requests()] == ["rejected"]
