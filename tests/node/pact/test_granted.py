"""`GET /extensions/grants`: whoever asks learns its own grants, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from sqlmodel import col

from underseal_node.store.tables import AccessGrant, KeyKind
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import GrantedToUs

World = Any

PATH = "/extensions/grants"


async def test_a_peer_learns_its_grants_with_their_terms(world: World) -> None:
    ends = world.now + timedelta(days=1)
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL, starts=world.now)
    world.grant("buyer", KeyKind.PRODUCT, "urn:x:1", Level.FULL, ends=ends)
    world.add_peer("other")
    world.grant("other", KeyKind.PRODUCT, "urn:x:secret")

    def texts(session: Any) -> None:
        of_product = update(AccessGrant).where(col(AccessGrant.value) == "urn:x:1")
        session.execute(
            of_product.values(shown_value="URN:X:1", terms="Nur für CBAM", purpose="CBAM")
        )

    world.write(texts)
    async with world.client("buyer") as client:
        response = await client.get(PATH)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert "secret" not in response.text
    told = [GrantedToUs.from_json(one) for one in response.json()["data"]]
    assert told == [
        GrantedToUs(kind="all", value="", level=Level.TOTAL, starts=world.now),
        GrantedToUs(
            kind="product",
            value="URN:X:1",
            level=Level.FULL,
            ends=ends,
            terms="Nur für CBAM",
            purpose="CBAM",
        ),
    ]


async def test_pages_follow_one_another(world: World) -> None:
    world.add_peer("other")
    for number in range(5):
        world.grant("buyer", KeyKind.PRODUCT, f"urn:x:{number}")
        world.grant("other", KeyKind.PRODUCT, f"urn:y:{number}")
    found: list[str] = []
    async with world.client("buyer") as client:
        target: str | None = f"{PATH}?limit=2"
        sizes = []
        while target is not None:
            response = await client.get(target)
            sizes.append(len(response.json()["data"]))
            found += [one["value"] for one in response.json()["data"]]
            target = response.links["next"]["url"] if "link" in response.headers else None
            assert target is None or urlsplit(target).netloc == "node.example"
    assert sizes == [2, 2, 1]
    assert found == [f"urn:x:{number}" for number in range(5)]


async def test_a_cursor_of_another_peer_shows_nothing_of_it(world: World) -> None:
    world.add_peer("other")
    for number in range(3):
        world.grant("other", KeyKind.PRODUCT, f"urn:y:{number}")
    async with world.client("other") as client:
        theirs = (await client.get(f"{PATH}?limit=1")).links["next"]["url"]
    async with world.client("buyer") as client:
        response = await client.get(theirs)
    assert (response.status_code, response.content) == (200, b'{"data":[]}')


@pytest.mark.parametrize("query", ["cursor=x", "limit=-1", "limit=many", "cursor={page}"])
async def test_what_makes_no_sense_is_refused(world: World, query: str) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        link = (await client.get("/3/footprints?limit=1")).links["next"]["url"]
        page = link.split("cursor=")[1]  # a cursor of another list
        response = await client.get(f"{PATH}?{query.format(page=page)}")
    assert (response.status_code, response.json()["code"]) == (400, "BadRequest")
