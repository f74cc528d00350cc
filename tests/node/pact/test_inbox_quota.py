"""How much of one peer may wait in the inbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlmodel import col, select
from starlette.types import Message

from underseal_node.store import inbox
from underseal_node.store.exchange_tables import InboxEvent

World = Any
MakeWorld = Callable[..., World]

HEADERS = {"content-type": "application/cloudevents+json; charset=UTF-8"}


def event(number: int, size: int = 0, name: str = "buyer") -> bytes:
    document = {
        "type": "org.wbcsd.pact.ProductFootprint.PublishedEvent.3",
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": f"https://{name}.example",
        "time": "2025-05-19T11:30:00Z",
        "data": {"pfIds": ["079e425a-464f-428d-841d-4a944a1dfd70"], "filling": "x" * size},
    }
    return json.dumps(document).encode()


async def post(world: World, body: bytes, name: str = "buyer") -> httpx.Response:
    async with world.client(name) as client:
        response: httpx.Response = await client.post("/3/events", content=body, headers=HEADERS)
    return response


def assert_full(response: httpx.Response) -> None:
    assert (response.status_code, response.json()["code"]) == (429, "BadRequest"), response.text
    assert response.headers["retry-after"] == "60"


def handle(world: World, count: int) -> None:
    """What the worker does with the oldest events."""

    def work(session: Any) -> None:
        rows = session.exec(select(InboxEvent).order_by(col(InboxEvent.seq)).limit(count)).all()
        for row in rows:
            inbox.handled(session, row, world.now, "done")

    world.write(work)


@pytest.fixture
def small(make_world: MakeWorld) -> World:
    """Ten kilobytes and five events of a peer may wait."""
    world = make_world(max_inbox_bytes_per_peer=10_000, max_inbox_events_per_peer=5)
    world.add_peer()
    world.add_peer("second", base_url="https://second.example")
    return world


async def test_the_bytes_of_a_peer_are_bounded_until_they_are_handled(small: World) -> None:
    for number in range(2):
        assert (await post(small, event(number, 4_000))).status_code == 200
    assert_full(await post(small, event(2, 4_000)))
    assert (await post(small, event(3))).status_code == 200  # a small one still fits
    handle(small, 1)
    assert (await post(small, event(2, 4_000))).status_code == 200


async def test_the_number_of_events_of_a_peer_is_bounded(small: World) -> None:
    for number in range(5):
        assert (await post(small, event(number))).status_code == 200
    assert_full(await post(small, event(5)))
    handle(small, 2)
    assert (await post(small, event(5))).status_code == 200


async def test_another_peer_does_not_notice(small: World) -> None:
    for number in range(6):
        await post(small, event(number))
    body = event(0, name="second")
    assert (await post(small, body, "second")).status_code == 200


async def test_what_is_postponed_counts(small: World) -> None:
    for number in range(5):
        await post(small, event(number))

    def work(session: Any) -> None:
        for row in session.exec(select(InboxEvent)).all():
            inbox.postponed(session, row, small.now, "the peer is down")

    small.write(work)
    assert_full(await post(small, event(5)))


async def test_the_first_event_is_taken_whatever_its_size(small: World) -> None:
    assert (await post(small, event(0, 20_000))).status_code == 200
    assert_full(await post(small, event(1)))


async def test_events_at_the_same_time_do_not_slip_through(small: World) -> None:
    answers = await asyncio.gather(*(post(small, event(number)) for number in range(20)))
    assert sorted(one.status_code for one in answers) == [200] * 5 + [429] * 15


async def test_a_body_that_will_not_be_taken_is_not_read(small: World) -> None:
    for number in range(5):
        await post(small, event(number))
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    authorization = small.bearer()["authorization"].encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/3/events",
        "raw_path": b"/3/events",
        "root_path": "",
        "query_string": b"",
        "scheme": "https",
        "client": ("192.0.2.1", 1),
        "headers": [(b"host", b"node.example"), (b"authorization", authorization)],
    }
    await small.app(scope, receive, send)
    assert (sent[0]["status"], received) == (429, 0)
