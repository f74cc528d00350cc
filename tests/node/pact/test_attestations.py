"""`GET /extensions/attestations/{id}`: under the grants that show the block `verification`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocol.attested import DRAFT, attest

from underseal_node.store import attestations
from underseal_node.store.attestation_tables import AttestationRole
from underseal_node.store.tables import KeyKind
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.disclosure import Level
from underseal_protocol.draft import Subject

World = Any


def keep(
    world: World,
    footprint_id: str,
    role: AttestationRole = AttestationRole.ATTACHED,
    **changes: Any,
) -> Attestation:
    subject = Subject(footprint_id, "https://node.example", "A" * 43, DRAFT.subject.blocks)
    made = attest(subject, **changes)
    world.write(lambda session: attestations.keep(session, made, role, world.now))
    return made


async def asked(world: World, footprint_id: str) -> Any:
    async with world.client("buyer") as client:
        return await client.get(f"/extensions/attestations/{footprint_id}")


@pytest.fixture
def attached(world: World, ids: list[str]) -> Attestation:
    return keep(world, ids[0])


@pytest.mark.parametrize("level", [Level.QUALITY, Level.BREAKDOWN, Level.FULL])
async def test_it_is_served_where_the_block_verification_is(
    world: World, ids: list[str], attached: Attestation, level: Level
) -> None:
    world.grant("buyer", KeyKind.ALL, level=level)
    response = await asked(world, ids[0].upper())
    assert response.status_code == 200
    assert response.json() == {"data": [attached.token]}


async def test_at_the_level_total_there_is_none(
    world: World, ids: list[str], attached: Attestation
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL)
    hidden = await asked(world, ids[0])
    none = await asked(world, ids[1])
    assert (hidden.status_code, hidden.content) == (404, none.content)
    assert attached.token not in hidden.text


async def test_without_a_grant_there_is_none(
    world: World, ids: list[str], attached: Attestation
) -> None:
    hidden = await asked(world, ids[0])
    assert hidden.status_code == 404
    world.grant("buyer", KeyKind.FOOTPRINT, ids[1], level=Level.FULL)
    assert (await asked(world, ids[0])).content == hidden.content
    absent = await asked(world, "00000000-0000-4000-8000-000000000000")
    assert absent.content == hidden.content


async def test_several_are_served_oldest_first(
    world: World, ids: list[str], attached: Attestation
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.QUALITY)
    second = keep(world, ids[0], level="reasonable")
    keep(world, ids[1])
    tokens = (await asked(world, ids[0])).json()["data"]
    assert sorted(tokens) == sorted([attached.token, second.token])


async def test_what_this_node_attested_of_others_is_served_to_nobody(
    world: World, ids: list[str]
) -> None:
    keep(world, ids[0], AttestationRole.MADE)
    world.grant("buyer", KeyKind.ALL, level=Level.FULL)
    assert (await asked(world, ids[0])).status_code == 404


def grant_all(world: World, ids: list[str], level: Level) -> None:
    world.grant("buyer", KeyKind.ALL, level=level)


def grant_each(world: World, ids: list[str], level: Level) -> None:
    for one in ids:
        world.grant("buyer", KeyKind.FOOTPRINT, one, level=level)


def grant_other_higher(world: World, ids: list[str], level: Level) -> None:
    """Everything at a level, and another footprint at the highest."""
    world.grant("buyer", KeyKind.ALL, level=level)
    world.grant("buyer", KeyKind.FOOTPRINT, ids[1], level=Level.FULL)


@pytest.mark.parametrize("grant", [grant_all, grant_each, grant_other_higher])
@pytest.mark.parametrize("level", Level)
async def test_an_attached_one_is_a_change_for_those_who_may_see_it(
    world: World, ids: list[str], grant: Any, level: Level
) -> None:
    grant(world, ids, level)
    async with world.client("buyer") as client:
        first = await client.get("/3/footprints")
        mark = first.headers["x-underseal-watermark"]
        query = f"/3/footprints?x-underseal-changed-after={mark}"
        assert (await client.get(query)).json()["data"] == []
        keep(world, ids[0])
        changed = [one["id"] for one in (await client.get(query)).json()["data"]]
        assert changed == ([] if level is Level.TOTAL else [ids[0]])


@pytest.mark.parametrize("text", ["x", "%00", "..%2f..", "a" * 5000])
async def test_what_is_no_id_is_not_there(world: World, text: str) -> None:
    assert (await asked(world, text)).status_code in (400, 404)
