"""What is refused gets into the audit log: once, from one place, in words of ours."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from tests.node.pact.conftest import NOW, World
from tests.node.pact.test_audit_reads import logged

from underseal_node.pact import errors
from underseal_node.store.tables import KeyKind, PeerState

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "audit-log.md"
CANARY = "canary-of-the-peer"
GRANT = {"grant_type": "client_credentials"}

MakeWorld = Callable[..., World]


async def refused(world: World) -> dict[str, Any]:
    """The one refused call in the log."""
    (entry,) = [one for one in await logged(world) if one["act"] == "call-refused"]
    assert (entry["actor"], entry["outcome"]) == ("peer", "refused")
    assert CANARY not in str(entry)
    return entry


def event(source: str = "https://buyer.example", **members: Any) -> dict[str, Any]:
    return {
        "type": "org.wbcsd.pact.ProductFootprint.PublishedEvent.3",
        "specversion": "1.0",
        "id": CANARY,
        "source": source,
        "time": "2026-01-02T03:04:05Z",
        "data": {"pfIds": [str(uuid.uuid4())]},
    } | members


async def post_event(world: World, document: Any) -> int:
    headers = {"content-type": "application/cloudevents+json"}
    async with world.client("buyer") as client:
        answer = await client.post("/3/events", content=json.dumps(document), headers=headers)
    return answer.status_code


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"state": PeerState.SUSPENDED}, 403, "suspended"),
        ({"state": PeerState.REVOKED}, 401, "access-ended"),
        ({"token_not_before": NOW + timedelta(minutes=1)}, 401, "access-ended"),
    ],
)
async def test_a_token_from_before_is_refused_under_the_name_of_its_peer(
    world: World, ids: list[str], change: dict[str, Any], status: int, reason: str
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        world.change_peer("buyer", **change)
        for footprint_id in (ids[0], ids[0].upper()):
            assert (await client.get(f"/3/footprints/{footprint_id}")).status_code == status
    entry = await refused(world)
    assert entry["peer"] == {"id": world.peer_ids["buyer"], "name": "buyer"}
    assert entry["detail"] == {"endpoint": "/3/footprints/{id}", "reason": reason}
    assert (entry["times"], entry["footprints"]) == (2, {"count": 1, "ids": [ids[0]]})


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        (event(source=f"https://{CANARY}.example"), 400, "foreign-source"),
        (event(type=CANARY), 400, "bad-request"),
        ([CANARY], 400, "bad-request"),
    ],
)
async def test_events_that_are_not_accepted(
    world: World, document: Any, status: int, reason: str
) -> None:
    assert await post_event(world, document) == status
    entry = await refused(world)
    assert entry["detail"] == {"endpoint": "/3/events", "reason": reason}
    assert entry["peer"]["name"] == "buyer"
    assert "footprints" not in entry


async def test_events_beyond_the_quota(make_world: MakeWorld) -> None:
    world = make_world(max_inbox_events_per_peer=1)
    world.add_peer()
    assert await post_event(world, event()) == 200
    assert await post_event(world, event(id="another")) == 429
    entry = await refused(world)
    assert entry["detail"] == {"endpoint": "/3/events", "reason": "too-many-requests"}


async def test_acknowledgements_that_are_not_accepted(world: World) -> None:
    async with world.client("buyer") as client:
        assert (await client.post("/extensions/receipts", content=CANARY)).status_code == 403
    entry = await refused(world)
    assert entry["detail"] == {"endpoint": "/extensions/receipts", "reason": "access-denied"}
    assert entry["peer"]["name"] == "buyer"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no-token"),
        (f"Bearer {CANARY}", "invalid-token"),
        ("Bearer expired", "expired-token"),
        ("Bearer foreign", "invalid-token"),
    ],
)
async def test_tokens_that_are_not_good(
    world: World, make_world: MakeWorld, ids: list[str], header: str | None, reason: str
) -> None:
    other = make_world("https://other.example")
    other.add_peer()
    tokens = {
        "Bearer expired": world.token("buyer", issued_at=NOW - timedelta(days=1)),
        "Bearer foreign": other.token("buyer"),
    }
    token = tokens.get(header or "")
    given = header if token is None else f"Bearer {token}"
    async with world.client() as client:
        headers = {} if given is None else {"authorization": given}
        answer = await client.get(f"/3/footprints/{ids[0]}", headers=headers)
        assert answer.status_code == 401
    entry = await refused(world)
    assert entry["detail"]["reason"] == reason
    assert "peer" not in entry
    assert "footprints" not in entry  # a stranger can name whatever it likes
    assert token is None or token not in str(entry)


async def test_slowed_authentications(make_world: MakeWorld) -> None:
    world = make_world(auth_free_failures=1)
    world.add_peer()
    client_id, _ = world.secrets["buyer"]
    async with world.client() as client:
        answers = [
            (await client.post("/auth/token", data=GRANT, auth=(client_id, CANARY))).status_code
            for _ in range(5)
        ]
    assert answers[-1] == 429
    entry = await refused(world)
    assert entry["detail"] == {"endpoint": "/auth/token", "reason": "temporarily_unavailable"}
    assert entry["times"] == answers.count(429)
    (checked,) = [one for one in await logged(world) if one["act"] == "token-refused"]
    assert checked["times"] == answers.count(401)


async def test_a_client_that_asks_too_often(make_world: MakeWorld) -> None:
    world = make_world(max_requests_per_second=1)
    world.add_peer()
    async with world.client("buyer") as client:
        answers = [(await client.get("/3/footprints")).status_code for _ in range(4)]
    entry = await refused(world)
    assert entry["times"] == answers.count(429) > 1
    assert entry["detail"] == {"endpoint": "/3/footprints", "reason": "too-many-requests"}
    assert entry["peer"]["name"] == "buyer"


async def test_a_footprint_that_is_not_shown_is_named(world: World, ids: list[str]) -> None:
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0])
    async with world.client("buyer") as client:
        assert (await client.get(f"/3/footprints/{ids[1].upper()}")).status_code == 404
        assert (await client.get(f"/extensions/status/{ids[1]}")).status_code == 404
    found = {one["act"]: one for one in await logged(world)}
    assert found.keys() == {"footprints-read", "status-read"}
    for entry in found.values():
        assert entry["footprints"] == {"count": 1, "ids": [ids[1]]}
        assert (entry["outcome"], entry["peer"]["name"]) == ("refused", "buyer")
        assert "level" not in entry


async def test_no_other_text_of_a_peer_gets_into_the_log(world: World) -> None:
    async with world.client("buyer") as client:
        assert (await client.get(f"/3/footprints/{CANARY}")).status_code == 404
    entry = await refused(world)
    assert entry["detail"] == {"endpoint": "/3/footprints/{id}", "reason": "not-found"}
    assert "footprints" not in entry


async def test_a_flood_is_one_entry_with_some_of_what_was_asked_for(world: World) -> None:
    async with world.client("buyer") as client:
        for _ in range(50):
            assert (await client.get(f"/3/footprints/{uuid.uuid4()}")).status_code == 404
    (entry,) = await logged(world)
    assert entry["times"] == 50
    assert len(entry["footprints"]["ids"]) == 16


async def test_what_could_not_be_written_is_written_later(
    world: World, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_work: object) -> None:
        raise OperationalError("INSERT", {}, OSError("the disk is full"))

    async with world.client("buyer") as client:
        await client.get(f"/3/footprints/{ids[0]}")
        with monkeypatch.context() as patch:
            patch.setattr(world.node.store, "write", full)
            await world.app.state.context.audit.flush()
        await client.get(f"/3/footprints/{ids[1]}")
    (entry,) = await logged(world)
    assert (entry["times"], set(entry["footprints"]["ids"])) == (2, set(ids))


def test_every_reason_is_described() -> None:
    section = REFERENCE.read_text(encoding="utf-8").partition("## Why a call was refused")[2]
    described = set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE))
    ours = {answer.reason for answer in errors.ANSWERS.values()} | {errors.UNFORESEEN.reason}
    assert ours <= described
