"""`POST /3/events`: what is accepted, what is refused, and that each event counts once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlmodel import select
from starlette.types import Message

from underseal_node.pact import access
from underseal_node.pact.errors import BadRequestError
from underseal_node.store.exchange_tables import InboxEvent

World = Any
Event = dict[str, Any]

CLOUD_EVENTS = "application/cloudevents+json; charset=UTF-8"
PUBLISHED = "org.wbcsd.pact.ProductFootprint.PublishedEvent.3"
REQUESTED = "org.wbcsd.pact.ProductFootprint.RequestCreatedEvent.3"
PF_ID = "079e425a-464f-428d-841d-4a944a1dfd70"


def event(**changes: Any) -> Event:
    return {
        "type": PUBLISHED,
        "specversion": "1.0",
        "id": "event/1 of ours",
        "source": "https://buyer.example",
        "time": "2025-05-19T11:30:00Z",
        "data": {"pfIds": [PF_ID]},
        **changes,
    }


async def post(
    world: World, content: Event | bytes, content_type: str | None = CLOUD_EVENTS
) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {} if content_type is None else {"content-type": content_type}
    async with world.client("buyer") as client:
        response: httpx.Response = await client.post("/3/events", content=body, headers=headers)
    return response


def inbox(world: World) -> list[InboxEvent]:
    return list(world.node.store.read_sync(lambda session: session.exec(select(InboxEvent)).all()))


def assert_refused(world: World, response: httpx.Response, status: int = 400) -> None:
    assert (response.status_code, response.json()["code"]) == (status, "BadRequest"), response.text
    assert response.headers["content-type"] == "application/json"
    assert inbox(world) == []


async def test_an_event_is_stored_and_answered_with_an_empty_200(world: World) -> None:
    response = await post(world, event())
    assert (response.status_code, response.content) == (200, b"")
    (stored,) = inbox(world)
    assert (stored.event_id, stored.type) == ("event/1 of ours", PUBLISHED)
    assert json.loads(stored.body) == event()
    assert stored.peer_id == world.peer_ids["buyer"]


async def test_the_same_event_again_is_acknowledged_and_stored_once(world: World) -> None:
    first, second = await post(world, event()), await post(world, event())
    assert first.status_code == second.status_code == 200
    assert len(inbox(world)) == 1


async def test_the_same_event_id_of_another_peer_is_another_event(world: World) -> None:
    world.add_peer("other", base_url="https://other.example")
    await post(world, event())
    async with world.client("other") as client:
        body = json.dumps(event(source="//other.example"))
        response = await client.post(
            "/3/events", content=body, headers={"content-type": CLOUD_EVENTS}
        )
    assert response.status_code == 200
    assert len(inbox(world)) == 2


async def test_an_id_is_a_text_that_every_database_takes(world: World) -> None:
    assert_refused(world, await post(world, event(id="a\0b")))


async def test_a_request_is_accepted(world: World) -> None:
    data = {"productId": ["urn:gtin:4712345060507"], "comment": "please"}
    assert (await post(world, event(type=REQUESTED, data=data))).status_code == 200
    assert [stored.type for stored in inbox(world)] == [REQUESTED]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+json",
        "Application/CloudEvents+JSON;charset=utf-8",
        "application/json",
        "application/json; charset=utf-8",
    ],
)
async def test_content_types_that_are_accepted(world: World, content_type: str) -> None:
    assert (await post(world, event(), content_type)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/cloudevents-batch+json", "application/xml"],
)
async def test_content_types_that_are_refused(world: World, content_type: str | None) -> None:
    assert_refused(world, await post(world, event(), content_type))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'{"a":1,"a":1}',
        b'{"a":NaN}',
        b"[" * 100_000,
        b"{" + b'"a":{' * 500 + b"}" * 501,
    ],
)
async def test_what_is_no_json_object_is_refused(world: World, body: bytes) -> None:
    assert_refused(world, await post(world, body))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "org.wbcsd.pact.ProductFootprint.PublishedEvent.2"},
        {"type": 1},
        {"specversion": "0.3"},
        {"id": ""},
        {"id": None},
        {"id": "x" * 2000},
        {"data": None},
        {"data": {}},
        {"data": {"pfIds": []}},
        {"data": {"pfIds": "x"}},
        {"data": {"pfIds": ["urn:gtin:4712345060507"]}},
        {"data": {"pfIds": [PF_ID, "x"]}},
        {"type": REQUESTED, "data": {"productId": "urn:gtin:1"}},
        {"type": REQUESTED, "data": {"validOn": "yesterday"}},
    ],
)
async def test_what_is_no_event_of_pact_is_refused(world: World, changes: Event) -> None:
    assert_refused(world, await post(world, event(**changes)))


@pytest.mark.parametrize("missing", ["type", "specversion", "id", "source", "data"])
async def test_a_missing_attribute_is_refused(world: World, missing: str) -> None:
    incomplete = event()
    del incomplete[missing]
    assert_refused(world, await post(world, incomplete))


@pytest.mark.parametrize(
    "source",
    [
        "https://buyer.example",
        "https://buyer.example/",
        "//buyer.example/3/events",
        "buyer.example",
        "buyer.example:443/3/events/",
        "HTTPS://Buyer.Example/3/events",
    ],
)
async def test_sources_that_belong_to_the_peer(world: World, source: str) -> None:
    assert (await post(world, event(source=source))).status_code == 200


@pytest.mark.parametrize(
    "source",
    [
        "https://evil.example",
        "https://buyer.example.evil.example",
        "https://buyer.example:8443",
        "https://buyer.example@evil.example",
        "https://evil.example/https://buyer.example",
        "https://evil.example#buyer.example",
        "https://buyer.example/?x=y",
        "urn:x:buyer.example",
        "",
        "//",
        "https://buyer.example:port",
        "https://[::1",
        1,
    ],
)
async def test_sources_that_do_not(world: World, source: object) -> None:
    assert_refused(world, await post(world, event(source=source)))


async def test_tenants_on_one_host_are_told_apart(world: World) -> None:
    world.change_peer("buyer", base_url="https://host.example/tenant-1")
    for path in (
        "/tenant-10",
        "/tenant-2/3/events",
        "",
        "/tenant-1/../tenant-2",
        "/tenant-1/%2e%2E/tenant-2",
    ):
        assert_refused(world, await post(world, event(source=f"https://host.example{path}")))
    good = event(source="https://host.example/tenant-1/3/events")
    assert (await post(world, good)).status_code == 200


async def test_a_peer_without_a_url_can_send_nothing(world: World) -> None:
    world.change_peer("buyer", base_url=None)
    assert_refused(world, await post(world, event()))


async def test_a_large_body_is_refused_unread(world: World, make_world: Any) -> None:
    small = make_world(max_request_body_bytes=1000)
    small.add_peer()
    assert_refused(small, await post(small, event(data={"pfIds": [PF_ID], "x": "y" * 1000})), 413)

    async def endless() -> Any:
        while True:
            yield b" " * 600

    async with small.client("buyer") as client:
        response = await client.post(
            "/3/events", content=endless(), headers={"content-type": CLOUD_EVENTS}
        )
    assert_refused(small, response, 413)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(event()).encode()[:-1] + b', "id": "another"}',
        json.dumps(event()).encode().replace(b'{"pfIds"', b'{"pfIds": [], "pfIds"'),
        json.dumps(event()).encode()[:-1] + b', "x": ' + b"[" * 64 + b"]" * 64 + b"}",
        json.dumps(event()).encode()[:-1] + b', "x": ' + b"[" * 100_000,
        json.dumps(event()).encode()[:-1] + b', "x": "\\ud800"}',
        json.dumps(event()).encode()[:-1] + b', "x": 1e999}',
    ],
)
async def test_json_that_two_readers_understand_differently_is_refused(
    world: World, body: bytes
) -> None:
    assert_refused(world, await post(world, body))


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(access, "BODY_SECONDS", 0.05)
    with pytest.raises(BadRequestError, match="did not come"):
        await access.read_body({"headers": []}, never, 10)


async def test_a_body_of_a_million_parts_is_refused_unread(world: World) -> None:
    body = b'{"a":[' + b"[]," * 1_000_000 + b"[]]}"
    assert_refused(world, await post(world, body))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("PublishedEvent.3", {"pfIds": [PF_ID] * 50_001}),
        ("RequestFulfilledEvent.3", {"requestEventId": "x", "pfs": [{}] * 1_001}),
    ],
)
async def test_an_event_about_too_many_footprints_is_refused(
    world: World, kind: str, data: Any
) -> None:
    name = f"org.wbcsd.pact.ProductFootprint.{kind}"
    assert_refused(world, await post(world, event(type=name, data=data)))
