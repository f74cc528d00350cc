"""Pages are kept, and never outlive what they were made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.postgresql import HAS_POSTGRESQL

from underseal_node.store.page_cache import PageCache
from underseal_node.store.readers import EngineReader, SqliteReader
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level

World = Any
Listed = Callable[[httpx.Response], list[str]]


@dataclass(frozen=True)
class Page:
    body: bytes
    watermark: int


def test_a_page_is_there_until_something_changes() -> None:
    cache: PageCache[Page] = PageCache(100)
    page = Page(b"x" * 10, 7)
    cache.put("a", page)
    assert cache.get("a", 7) is page
    assert cache.get("a", 8) is None
    assert cache.get("b", 7) is None


def test_the_page_not_asked_for_longest_goes_first() -> None:
    cache: PageCache[Page] = PageCache(100)
    for key in "abc":
        cache.put(key, Page(b"x" * 40, 1) if key != "c" else Page(b"x" * 20, 1))
    assert cache.get("a", 1)
    cache.put("d", Page(b"x" * 30, 1))
    assert [key for key in "abcd" if cache.get(key, 1)] == ["a", "c", "d"]


def test_a_newer_page_takes_the_place_of_the_older() -> None:
    cache: PageCache[Page] = PageCache(100)
    for watermark in range(50):
        cache.put("a", Page(b"x" * 60, watermark))
    cache.put("b", Page(b"x" * 40, 49))
    assert cache.get("a", 49)
    assert cache.get("b", 49)


def test_what_is_larger_than_all_is_not_kept() -> None:
    cache: PageCache[Page] = PageCache(0)
    cache.put("a", Page(b"x", 1))
    assert cache.get("a", 1) is None


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that read footprints."""
    found: list[str] = []

    def watch(kind: type[Any]) -> None:
        rows = kind.rows

        async def watched(self: Any, sql: str, parameters: Any, **more: Any) -> Any:
            if "f.segments" in sql:
                found.append(sql)
            return await rows(self, sql, parameters, **more)

        monkeypatch.setattr(kind, "rows", watched)

    watch(SqliteReader)
    watch(EngineReader)
    if HAS_POSTGRESQL:
        from underseal_node.store.postgresql_reader import PostgresqlReader

        watch(PostgresqlReader)
    return found


async def test_the_same_page_is_read_once_for_all_who_see_the_same(
    world: World, ids: list[str], listed: Listed, reads: list[str]
) -> None:
    world.add_peer("other")
    world.grant("buyer", KeyKind.ALL)
    world.grant("other", KeyKind.ALL)
    for name in ("buyer", "other", "buyer"):
        async with world.client(name) as client:
            assert listed(await client.get("/3/footprints")) == ids
    assert len(reads) == 1


async def test_a_publication_shows_at_once(
    world: World, ids: list[str], listed: Listed, reads: list[str]
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == ids
        third = world.publish()
        assert listed(await client.get("/3/footprints")) == [*ids, third]
    assert len(reads) == 2


async def test_another_level_is_another_page(world: World) -> None:
    world.add_peer("other")
    world.grant("buyer", KeyKind.ALL, level=Level.FULL)
    world.grant("other", KeyKind.ALL, level=Level.TOTAL)
    async with world.client("buyer") as client:
        assert b"told to few" in (await client.get("/3/footprints")).content
    async with world.client("other") as client:
        assert b"told to few" not in (await client.get("/3/footprints")).content


async def test_pages_of_mixed_levels_are_not_kept(
    world: World, ids: list[str], reads: list[str]
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.QUALITY)
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], level=Level.FULL)
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], level=Level.BREAKDOWN)
    async with world.client("buyer") as client:
        assert b"told to few" in (await client.get("/3/footprints")).content
        world.write(
            lambda session: session.connection().exec_driver_sql(
                "DELETE FROM access_grant WHERE level = 3"
            )
        )
        assert b"told to few" not in (await client.get("/3/footprints")).content
    assert len(reads) == 2


async def test_changes_are_counted_from_the_grant_of_each_peer(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        mark = (await client.get("/3/footprints")).headers["x-underseal-watermark"]
    world.add_peer("newcomer")
    world.grant("newcomer", KeyKind.ALL)
    query = {"x-underseal-changed-after": mark}
    for name, expected in (("buyer", []), ("newcomer", ids), ("buyer", []), ("newcomer", ids)):
        async with world.client(name) as client:
            assert listed(await client.get("/3/footprints", params=query)) == expected
