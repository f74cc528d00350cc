"""Pages fetched ahead: in order, never too many, and the failure after what came before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, NewCompany

from underseal_node.errors import PeerError
from underseal_node.exchange import ahead, pulls, receiving
from underseal_node.exchange.ahead import PagesAhead
from underseal_node.exchange.errors import UnreachableError
from underseal_node.exchange.peer_client import FootprintPage
from underseal_node.store.tables import KeyKind

MakeFootprint = Callable[..., dict[str, Any]]


class Source:
    """Pages that are there at once; it counts how many were asked for."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.asked = 0
        self.is_closed = False
        self._count, self._fails = count, fails

    async def pages(self) -> AsyncGenerator[FootprintPage, None]:
        try:
            for number in range(self._count):
                self.asked += 1
                yield FootprintPage([b"%d" % number], None, None)
            if self._fails:
                raise UnreachableError("gone")
        finally:
            self.is_closed = True


async def rest() -> None:
    """Let everything else come to its end."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_as_many_as_allowed_wait_and_no_more() -> None:
    source = Source(10)
    async with PagesAhead(source.pages(), pages=3) as pages:
        await rest()
        assert source.asked == 3
        first = await anext(pages)
        await rest()
        assert (first.items, source.asked) == ([b"0"], 4)
        assert [page.items async for page in pages] == [[b"%d" % number] for number in range(1, 10)]
    assert source.is_closed


async def test_large_pages_wait_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MAX_WAITING_BYTES", 1)
    source = Source(10)
    async with PagesAhead(source.pages(), pages=3) as pages:
        await rest()
        assert source.asked == 1
        await anext(pages)
        await rest()
        assert source.asked == 2
    assert source.is_closed


async def test_what_came_before_a_failure_comes_before_it() -> None:
    async with PagesAhead(Source(3, fails=True).pages(), pages=5) as pages:
        await rest()
        assert [(await anext(pages)).items for _ in range(3)] == [[b"0"], [b"1"], [b"2"]]
        with pytest.raises(UnreachableError):
            await anext(pages)


async def test_pages_are_fetched_while_others_are_stored_but_not_without_end(
    new_company: NewCompany,
    seller: Company,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first page is held back until two more were fetched; a fourth is not asked for."""
    buyer = new_company("careful", pull_page_size=1, pull_pages_ahead=2)
    await seller.befriend(buyer)
    ids = await seller.publish(*(make_footprint(number) for number in range(6)))
    seller.grant(buyer, KeyKind.ALL)
    receive_items, asked, stored = receiving.receive_items, list[str](), 0

    def count(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/3/footprints":
            asked.append(str(request.url))
        return None

    async def hold(*arguments: Any) -> None:
        nonlocal stored
        if len(asked) < 6:
            async with asyncio.timeout(10):
                while len(asked) < stored + 3:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert len(asked) == stored + 3
        await receive_items(*arguments)
        stored += 1

    monkeypatch.setattr(pulls, "receive_items", hold)
    network.fault = count
    progress = await buyer.pull(seller)
    assert (progress.pages, stored, len(set(asked))) == (6, 6, 6)
    assert set(buyer.received()) == set(ids)


async def test_fetching_ends_with_the_pull_that_it_is_for(
    new_company: NewCompany,
    seller: Company,
    make_footprint: MakeFootprint,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buyer = new_company("careful", pull_page_size=1)
    await seller.befriend(buyer)
    await seller.publish(*(make_footprint(number) for number in range(4)))
    seller.grant(buyer, KeyKind.ALL)
    tasks = asyncio.all_tasks()

    async def fail(*_arguments: Any) -> None:
        raise UnreachableError("a look at the peer has failed")

    monkeypatch.setattr(pulls, "receive_items", fail)
    with pytest.raises(PeerError):
        await buyer.pull(seller)
    assert asyncio.all_tasks() == tasks
    assert buyer.received() == {}
    monkeypatch.undo()
    assert (await buyer.pull(seller)).received == 4
