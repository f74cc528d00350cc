"""What peers read gets into the audit log: who, what, how much of it, by which grant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from tests.node.pact.conftest import World

from underseal_node.store import audit_lists, audit_log, ending, peers
from underseal_node.store.tables import KeyKind
from underseal_node.trust import audit
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose

LISTED = Callable[[httpx.Response], list[str]]


async def logged(world: World) -> list[dict[str, Any]]:
    """What is in the log, oldest first, after everything counted has been written down."""
    await world.app.state.context.audit.flush()
    world.node.signing_key(KeyPurpose.RECEIPT)
    await world.node.store.write(lambda session: audit.append(session, world.node))
    return (await world.node.store.read(audit_lists.recent))[::-1]


async def test_a_read_is_logged_once_with_its_grant(world: World, ids: list[str]) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL)
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], Level.QUALITY)
    async with world.client("buyer") as client:
        for footprint_id in (ids[0], ids[0], ids[1], ids[0].upper()):
            assert (await client.get(f"/3/footprints/{footprint_id}")).status_code == 200
    first, second = sorted(await logged(world), key=lambda one: one["grants"])
    common: dict[str, Any] = {"act": "footprints-read", "actor": "peer", "outcome": "done"}
    common |= {"peer": {"id": world.peer_ids["buyer"], "name": "buyer"}}
    assert first == first | common | {
        "footprints": {"count": 1, "ids": [ids[1]]},
        "level": "total",
        "grants": [1],
        "times": 1,
    }
    assert second == second | common | {
        "footprints": {"count": 1, "ids": [ids[0]]},
        "level": "quality",
        "grants": [2],
        "times": 3,
    }


async def test_a_grant_of_everything_at_the_highest_level_is_named(
    world: World, ids: list[str]
) -> None:
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], Level.TOTAL)
    world.grant("buyer", KeyKind.ALL, level=Level.FULL)
    async with world.client("buyer") as client:
        assert (await client.get(f"/3/footprints/{ids[0]}")).status_code == 200
    (entry,) = await logged(world)
    assert (entry["level"], entry["grants"]) == ("full", [2])


async def test_pages_are_logged_with_each_level_on_them(
    world: World, ids: list[str], listed: LISTED
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL)
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], Level.FULL)
    async with world.client("buyer") as client:
        for _ in range(3):
            assert listed(await client.get("/3/footprints")) == ids
    found = {entry["level"]: entry for entry in await logged(world)}
    assert found["full"]["footprints"] == {"count": 1, "ids": [ids[0]]}
    assert found["total"]["footprints"] == {"count": 1, "ids": [ids[1]]}
    assert found["total"]["grants"] == found["full"]["grants"] == [1, 2]
    assert found["total"]["times"] == 3


async def test_kept_pages_are_logged_for_whoever_reads_them(
    world: World, ids: list[str], listed: LISTED
) -> None:
    world.add_peer("other", base_url=None)
    for name in ("buyer", "other"):
        world.grant(name, KeyKind.ALL, level=Level.FULL)
        async with world.client(name) as client:
            for _ in range(2):
                assert listed(await client.get("/3/footprints")) == ids
    buyer, other = await logged(world)
    assert (buyer["peer"]["name"], buyer["grants"], buyer["times"]) == ("buyer", [1], 2)
    assert (other["peer"]["name"], other["grants"], other["times"]) == ("other", [2], 2)
    assert buyer["footprints"] == other["footprints"] == {"count": 2, "ids": ids}


async def test_a_large_page_read_often_is_stored_once(world: World, listed: LISTED) -> None:
    for _ in range(70):
        world.publish()
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        for _ in range(3):
            assert len(listed(await client.get("/3/footprints"))) == 72
            await world.app.state.context.audit.flush()
    entries = await logged(world)
    assert [entry["footprints"]["count"] for entry in entries] == [72] * 3
    stored = world.node.store.read_sync(lambda session: list(audit_log.sets(session)))
    assert {entry["footprints"]["digest"] for entry in entries} == {one.digest for one in stored}
    assert len(stored) == 1


async def test_what_is_not_shown_is_not_logged_as_shown(
    world: World, ids: list[str], listed: LISTED
) -> None:
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == []
        for footprint_id in ids:
            assert (await client.get(f"/3/footprints/{footprint_id}")).status_code == 404
    (entry,) = await logged(world)
    assert (entry["outcome"], entry["times"]) == ("refused", 2)
    assert entry["footprints"] == {"count": 2, "ids": ids}  # as it asked for them
    assert "level" not in entry
    assert "grants" not in entry
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints?limit=0")) == []
    assert len(await logged(world)) == 1


async def test_tokens_are_logged(world: World) -> None:
    client_id, secret = world.secrets["buyer"]
    async with world.client() as client:
        for user, password in ((client_id, secret), (client_id, "wrong"), ("nobody", "wrong")):
            form = {"grant_type": "client_credentials"}
            await client.post("/auth/token", data=form, auth=(user, password))
    issued, refused, unknown = await logged(world)
    assert (issued["act"], issued["peer"]["name"]) == ("token-issued", "buyer")
    assert (refused["act"], refused["peer"]["name"]) == ("token-refused", "buyer")
    assert (unknown["act"], "peer" in unknown) == ("token-refused", False)
    outcomes = [one["outcome"] for one in (issued, refused, unknown)]
    assert outcomes == ["done", "refused", "refused"]
    assert not any(secret in str(entry) or "wrong" in str(entry) for entry in (issued, refused))


async def test_a_write_that_fails_fails_no_read_and_is_made_up_for(
    world: World, ids: list[str], listed: LISTED, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.grant("buyer", KeyKind.ALL)

    async def full(_work: object) -> None:
        raise OperationalError("INSERT", {}, OSError("the disk is full"))

    async with world.client("buyer") as client:
        with monkeypatch.context() as patch:
            patch.setattr(world.node.store, "write", full)
            for _ in range(2):
                assert listed(await client.get("/3/footprints")) == ids
                await world.app.state.context.audit.flush()
        assert (await client.get(f"/3/footprints/{ids[0]}")).status_code == 200
    entries = await logged(world)
    assert sum(entry["times"] for entry in entries) == 3
    assert {one for entry in entries for one in entry["footprints"]["ids"]} == set(ids)


async def test_an_orderly_end_loses_nothing(world: World, ids: list[str]) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.app.router.lifespan_context(world.app):
        async with world.client("buyer") as client:
            await client.get(f"/3/footprints/{ids[0]}")
        await asyncio.sleep(0)
    world.node.signing_key(KeyPurpose.RECEIPT)
    await world.node.store.write(lambda session: audit.append(session, world.node))
    (entry,) = await world.node.store.read(audit_lists.recent)
    assert entry["footprints"]["ids"] == [ids[0]]


async def test_what_a_removed_peer_has_read_is_not_put_down_to_another(
    world: World, ids: list[str]
) -> None:
    """Also when another peer is added before it gets into the log: its id tells whose it was."""
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert (await client.get(f"/3/footprints/{ids[0]}")).status_code == 200
    removed = world.peer_ids["buyer"]
    world.write(lambda session: ending.remove(session, peers.by_name(session, "buyer"), world.now))
    world.add_peer("other")
    assert world.peer_ids["other"] != removed
    (entry,) = [one for one in await logged(world) if one["act"] == "footprints-read"]
    assert entry["peer"]["id"] == removed
    assert entry["peer"].get("name") in (None, "buyer")
