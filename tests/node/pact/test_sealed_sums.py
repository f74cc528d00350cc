"""`/extensions/sealed-sum`: each has a grant of its own, which implies nothing and is implied by
nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from underseal_node.store import seals
from underseal_node.store.seal_tables import Seal
from underseal_node.store.tables import KeyKind
from underseal_protocol import base64url
from underseal_protocol.disclosure import Level

World = Any

DOCUMENT = b"UNDERSEAL\x00 the bytes of a document"
PATH = "/extensions/sealed-sum"


def keep(world: World, footprint_id: str, **binding: str) -> None:
    """A seal, as sealing keeps it."""
    row = Seal(
        footprint_id=footprint_id,
        digest=footprint_id[:8],
        document=DOCUMENT,
        binding=json.dumps(binding),
        shows="{}",
        openings=b"SECRET",
        created_at=world.now,
    )
    world.write(lambda session: seals.keep(session, row))


@pytest.fixture
def sealed(world: World, ids: list[str]) -> str:
    """The first footprint of two."""
    keep(world, ids[0])
    return ids[0]


async def get(world: World, path: str, name: str = "buyer") -> Any:
    async with world.client(name) as client:
        return await client.get(path)


async def test_both_are_granted_or_there_is_none(world: World, ids: list[str], sealed: str) -> None:
    absent = await get(world, f"{PATH}/{ids[1]}")
    assert absent.status_code == 404
    assert (await get(world, f"{PATH}/{sealed}")).content == absent.content
    world.grant("buyer", KeyKind.SEALED, sealed, level=Level.TOTAL)
    # Without the footprint itself, nothing.
    assert (await get(world, f"{PATH}/{sealed}")).content == absent.content
    assert (await get(world, f"/3/footprints/{sealed}")).status_code == 404
    assert (await get(world, "/3/footprints")).json() == {"data": []}
    assert (await get(world, PATH)).json() == {"data": []}
    world.grant("buyer", KeyKind.FOOTPRINT, sealed, level=Level.TOTAL)
    found = await get(world, f"{PATH}/{sealed.upper()}")
    assert found.status_code == 200
    assert found.json() == {
        "type": "underseal-sealed-sum",
        "version": 1,
        "document": base64url.encode(DOCUMENT),
    }
    assert (await get(world, PATH)).json() == {
        "data": [{"footprintId": sealed, "digest": sealed[:8]}]
    }


@pytest.mark.parametrize("kind", [KeyKind.ALL, KeyKind.FOOTPRINT])
async def test_no_level_implies_it(world: World, sealed: str, kind: KeyKind) -> None:
    world.grant("buyer", kind, "" if kind is KeyKind.ALL else sealed, level=Level.FULL)
    assert (await get(world, f"{PATH}/{sealed}")).status_code == 404
    assert (await get(world, PATH)).json() == {"data": []}
    assert "link" not in (await get(world, f"/3/footprints/{sealed}")).headers


@pytest.mark.parametrize("level", Level)
async def test_it_implies_no_level(world: World, ids: list[str], sealed: str, level: Level) -> None:
    """What is served of footprints is the same with the grant and without it."""
    world.grant("buyer", KeyKind.ALL, level=level)
    before = [
        (await get(world, path)).content
        for path in ("/3/footprints", f"/3/footprints/{ids[0]}", "/extensions/grants")
    ]
    world.grant("buyer", KeyKind.SEALED, sealed, level=Level.FULL)
    after = [
        (await get(world, path)).content
        for path in ("/3/footprints", f"/3/footprints/{ids[0]}", "/extensions/grants")
    ]
    assert after == before


async def test_a_footprint_links_to_it_for_whoever_may_see_it(
    world: World, ids: list[str], sealed: str
) -> None:
    world.add_peer("other", base_url=None)
    for name in ("buyer", "other"):
        world.grant(name, KeyKind.ALL, level=Level.TOTAL)
    world.grant("buyer", KeyKind.SEALED, sealed)
    world.grant("buyer", KeyKind.SEALED, ids[1])  # it has none
    found = await get(world, f"/3/footprints/{sealed}")
    assert found.headers["link"] == (
        f'<https://node.example{PATH}/{sealed}>; rel="related"; title="sealed sum"'
    )
    assert "link" not in (await get(world, f"/3/footprints/{sealed}", "other")).headers
    assert "link" not in (await get(world, f"/3/footprints/{ids[1]}")).headers
    assert (await get(world, f"{PATH}/{sealed}", "other")).status_code == 404


async def test_a_seal_that_was_made_later_comes_with_its_statement(
    world: World, ids: list[str]
) -> None:
    keep(world, ids[0], statement="a.b.c")
    world.grant("buyer", KeyKind.ALL)
    world.grant("buyer", KeyKind.SEALED, ids[0])
    assert (await get(world, f"{PATH}/{ids[0]}")).json()["statement"] == "a.b.c"


async def test_the_list_has_pages(world: World, ids: list[str]) -> None:
    for one in ids:
        keep(world, one)
        world.grant("buyer", KeyKind.SEALED, one)
    world.grant("buyer", KeyKind.ALL)
    first = await get(world, f"{PATH}?limit=1")
    assert [one["footprintId"] for one in first.json()["data"]] == ids[:1]
    link = first.headers["link"].partition(">")[0][1:].removeprefix("https://node.example")
    second = await get(world, link)
    assert [one["footprintId"] for one in second.json()["data"]] == ids[1:]
    assert "link" not in second.headers
    assert (await get(world, f"{PATH}?cursor=nonsense")).status_code == 400


async def test_its_time_may_be_limited(world: World, sealed: str) -> None:
    world.grant("buyer", KeyKind.ALL)
    world.grant("buyer", KeyKind.SEALED, sealed, ends=world.now + timedelta(hours=1))
    assert (await get(world, f"{PATH}/{sealed}")).status_code == 200
    world.now += timedelta(hours=2)
    assert (await get(world, f"{PATH}/{sealed}")).status_code == 404
    assert (await get(world, PATH)).json() == {"data": []}
