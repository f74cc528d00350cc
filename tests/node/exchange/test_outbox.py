"""Delivering events: transactional, at least once, in order, with patience and an end to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany

from underseal_node.exchange.errors import AnswerError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.outbox import OutboxWorker, next_attempt
from underseal_node.node import open_node
from underseal_node.publishing import publish
from underseal_node.settings import Settings
from underseal_node.store import leases, outbox
from underseal_node.store.exchange_tables import OutboxState
from underseal_node.store.tables import KeyKind

MakeFootprint = Callable[..., dict[str, Any]]


def events(network: Network) -> int:
    return network.calls.count("POST /3/events")


async def test_one_event_tells_a_peer_of_a_whole_batch(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    ids = await seller.publish(*(make_footprint(number) for number in range(5)))
    (row,) = seller.outbox()
    assert json.loads(row.body)["data"]["pfIds"] == ids
    await seller.deliver()
    (row,) = seller.outbox()
    assert (row.state, row.attempts) == ("delivered", 1)


async def test_who_may_not_see_it_is_not_told(
    seller: Company, buyer: Company, new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    other = new_company("other")
    await seller.befriend(other)
    seller.grant(other, KeyKind.PRODUCT, "urn:pact:company.example:product-id:9")
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint(1))
    assert [row.peer_id for row in seller.outbox()] == [seller.peer(buyer).id]


async def test_an_import_that_fails_tells_nobody(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    files = [("a.json", json.dumps([make_footprint(1), {"broken": True}]).encode())]
    result = await publish.import_files(seller.node, files, dry_run=False)
    assert result.refused == 1
    assert seller.outbox() == []


async def test_failures_are_repeated_later_with_the_same_bytes(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    bodies: list[bytes] = []

    def fail(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/3/events":
            bodies.append(request.content)
            return httpx.Response(503) if len(bodies) < 3 else None
        return None

    network.fault = fail
    for _ in range(3):
        await seller.deliver()
        clock.advance(minutes=5)
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    (row,) = seller.outbox()
    assert (row.state, row.attempts, row.last_error) == ("delivered", 3, None)


async def test_nothing_is_sent_before_its_time(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    network.fault = lambda request: httpx.Response(503)
    await seller.deliver()
    sent = len(network.calls)
    clock.advance(seconds=4)
    await seller.deliver()
    assert len(network.calls) == sent
    clock.advance(seconds=2)
    await seller.deliver()
    assert len(network.calls) > sent


async def test_retry_after_is_heeded(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    network.fault = lambda request: (
        httpx.Response(429, headers={"retry-after": "600"})
        if request.url.path == "/3/events"
        else None
    )
    await seller.deliver()
    (row,) = seller.outbox()
    assert row.next_attempt_at == clock() + timedelta(seconds=600)


async def test_a_refusal_for_good_is_a_dead_letter_soon(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    network.fault = lambda request: (
        httpx.Response(400, content=b'{"code":"BadRequest","message":"not with me"}')
        if request.url.path == "/3/events"
        else None
    )
    for _ in range(10):
        await seller.deliver()
        clock.advance(hours=1)
    (row,) = seller.outbox()
    assert (row.state, row.attempts) == ("dead", 3)
    assert "not with me" in (row.last_error or "")


async def test_events_of_a_peer_keep_their_order(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    ids = [(await seller.publish(make_footprint(number)))[0] for number in range(30)]
    seen: list[str] = []

    def note(request: httpx.Request) -> None:
        if request.url.path == "/3/events":
            seen.extend(json.loads(request.content)["data"]["pfIds"])

    network.fault = note
    await seller.deliver()
    assert seen == ids


async def test_a_peer_that_hangs_delays_nobody_else(
    seller: Company, buyer: Company, new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    other = new_company("other")
    await seller.befriend(other)
    for company in (buyer, other):
        seller.grant(company, KeyKind.ALL)
    await seller.publish(make_footprint())
    waits = asyncio.Event()
    carry = seller.network.handle_async_request

    async def slow(request: httpx.Request) -> httpx.Response:
        if request.url.host == "buyer.example":
            await waits.wait()
        return await carry(request)

    seller.network.handle_async_request = slow  # type: ignore[method-assign]
    worker = OutboxWorker(seller.exchange)
    await worker.start_lanes()
    for _ in range(200):
        await asyncio.sleep(0.01)
        states = {row.peer_id: row.state for row in seller.outbox()}
        if states[seller.peer(other).id or 0] == "delivered":
            break
    assert states[seller.peer(buyer).id or 0] == "pending"
    assert states[seller.peer(other).id or 0] == "delivered"
    waits.set()
    await worker.drain()
    assert {row.state for row in seller.outbox()} == {"delivered"}


async def test_two_workers_do_not_send_the_same_event_at_a_time(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    for number in range(10):
        await seller.publish(make_footprint(number))
    await asyncio.gather(*(OutboxWorker(seller.exchange).drain() for _ in range(3)))
    assert events(network) == 10
    assert {row.state for row in seller.outbox()} == {"delivered"}


async def test_the_lease_of_a_killed_worker_ends(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    peer_id = seller.peer(buyer).id or 0
    lease = timedelta(seconds=seller.node.settings.outbox_lease_seconds)
    claimed = seller.node.store.write_sync(
        lambda session: leases.claim(session, peer_id, clock(), lease)
    )
    assert claimed is not None
    await seller.deliver()
    assert events(network) == 0
    clock.advance(seconds=lease.total_seconds() + 1)
    await seller.deliver()
    assert events(network) == 1


async def test_a_suspended_peer_is_sent_nothing(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    peer = seller.peer(buyer)
    peer.state = "suspended"
    seller.node.store.write_sync(lambda session: session.merge(peer))
    await seller.deliver()
    assert events(network) == 0
    assert [row.state for row in seller.outbox()] == ["pending"]


@pytest.mark.parametrize(
    ("attempts", "chance", "seconds"),
    [(1, 1.0, 5), (2, 1.0, 10), (3, 0.5, 10), (10, 1.0, 2560), (11, 1.0, 3600), (500, 1.0, 3600)],
)
def test_the_back_off_doubles_up_to_its_limit(
    clock: StandingClock, attempts: int, chance: float, seconds: float
) -> None:
    error = AnswerError("busy", status=503)
    at = next_attempt(Settings(), attempts, error, clock(), chance)
    assert at == clock() + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "retry_after", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "9" * 400, "Mon, 99 Foo 2026"]
)
async def test_an_odd_retry_after_is_an_attempt_like_any_other(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    retry_after: str,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    network.fault = lambda request: (
        httpx.Response(503, headers={"retry-after": retry_after})
        if request.url.path == "/3/events"
        else None
    )
    await seller.deliver()
    (row,) = seller.outbox()
    assert (row.state, row.attempts) == ("pending", 1)


async def test_what_nobody_foresaw_is_a_failed_attempt(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    monkeypatch.setattr(seller.exchange.client, "post_event", break_down)
    await seller.deliver()
    (row,) = seller.outbox()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "a defect" in (row.last_error or "")


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 60), (2, 120), (3, None)])
def test_what_is_refused_is_tried_again_after_minutes(
    clock: StandingClock, attempts: int, seconds: int | None
) -> None:
    """A proxy that is being set up answers 404 for a while, however short the jitter is."""
    error = AnswerError("no", status=404)
    at = next_attempt(Settings(), attempts, error, clock(), 0.0)
    assert at == (None if seconds is None else clock() + timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
def test_what_may_pass_is_never_a_refusal_for_good(clock: StandingClock, status: int) -> None:
    error = AnswerError("busy", status=status)
    assert next_attempt(Settings(), 1_000, error, clock(), 1.0) is not None


async def test_what_is_paused_waits_for_the_operator(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    (row,) = seller.outbox()

    def pause(session: Session) -> None:
        found = outbox.get(session, row.id or 0)
        found.state = OutboxState.PAUSED
        session.add(found)

    seller.node.store.write_sync(pause)
    clock.advance(hours=1)
    await seller.deliver()
    assert events(network) == 0
    seller.node.store.write_sync(lambda session: outbox.retry(session, row.id or 0, clock()))
    await seller.deliver()
    assert [one.state for one in seller.outbox()] == ["delivered"]


async def test_an_event_is_given_up_after_three_days_and_its_bytes_stay(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    begin, body = clock(), seller.outbox()[0].body
    network.fault = lambda request: httpx.Response(503) if "events" in request.url.path else None
    while seller.outbox()[0].state == "pending":
        await seller.deliver()
        clock.advance(minutes=61)
    assert timedelta(hours=70) < clock() - begin < timedelta(hours=74)
    network.fault = lambda request: None
    seller.node.store.write_sync(
        lambda session: outbox.retry(session, seller.outbox()[0].id or 0, clock())
    )
    await seller.deliver()
    (row,) = seller.outbox()
    assert (row.state, row.body) == ("delivered", body)


async def test_two_nodes_on_one_database_do_not_send_twice(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    for number in range(20):
        await seller.publish(make_footprint(number))
    second = open_node(seller.node.home.path, settings=seller.node.settings, clock=seller.clock)
    http = PeerHttp(second.settings, transport=network)
    workers = [OutboxWorker(seller.exchange), OutboxWorker(Exchange(second, http=http))]
    await asyncio.gather(*(worker.drain() for worker in workers))
    second.close()
    assert events(network) == 20
    assert {(row.state, row.attempts) for row in seller.outbox()} == {("delivered", 1)}


async def test_a_worker_that_stops_finishes_what_it_is_sending(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    stop, sending = asyncio.Event(), asyncio.Event()
    carry = network.handle_async_request

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/3/events":
            sending.set()
            await asyncio.sleep(0.05)
        return await carry(request)

    monkeypatch.setattr(network, "handle_async_request", slowly)
    running = asyncio.create_task(OutboxWorker(seller.exchange).run(stop))
    await sending.wait()
    stop.set()
    await running
    assert [row.state for row in seller.outbox()] == ["delivered"]
