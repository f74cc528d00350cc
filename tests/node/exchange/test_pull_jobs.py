"""Pulls in the background: side by side, one per peer, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, NewCompany

import underseal_node.jobs
from underseal_node.errors import NotFoundError
from underseal_node.exchange import pull_jobs
from underseal_node.exchange.pull_jobs import PullJobs
from underseal_node.store.tables import KeyKind
from underseal_node.trust.peers import PeerChange, add_peer
from underseal_protocol.criteria import Criteria

MakeFootprint = Callable[..., dict[str, Any]]


def of(buyer: Company, *sellers: Company | str) -> list[tuple[int, str]]:
    found = [buyer.peer(one) for one in sellers]
    return [(peer.id or 0, peer.name) for peer in found]


async def test_a_job_tells_how_each_peer_ended(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    await add_peer(buyer.exchange, "silent", PeerChange())
    jobs = PullJobs(buyer.exchange)
    job = jobs.start(of(buyer, seller, "silent"), Criteria())
    assert job.state == "running"
    await jobs.finished(job.id)
    good, bad = job.progress
    assert (job.state, good.state, good.verified) == ("failed", "done", 1)
    assert (bad.state, bad.peer) == ("failed", "silent")
    assert "no URL" in (bad.error or "")
    assert jobs.get(job.id) is job
    with pytest.raises(NotFoundError, match="no pull"):
        jobs.get("unknown")
    await jobs.aclose()


async def test_two_jobs_for_one_peer_take_turns(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    now, most = 0, 0
    carry = network.handle_async_request

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        if request.url.path != "/3/footprints":
            return await carry(request)
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return await carry(request)

    network.handle_async_request = count  # type: ignore[method-assign]
    jobs = PullJobs(buyer.exchange)
    started = [jobs.start(of(buyer, seller), Criteria()) for _ in range(3)]
    for job in started:
        await jobs.finished(job.id)
    assert most == 1
    assert sorted(job.progress[0].received for job in started) == [0, 0, 1]
    await jobs.aclose()


async def test_a_stopped_job_has_failed_and_the_next_one_goes_on(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    ids = await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    reached = asyncio.Event()
    carry = network.handle_async_request

    async def hang(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/3/footprints":
            reached.set()
            await asyncio.Event().wait()
        return await carry(request)

    network.handle_async_request = hang  # type: ignore[method-assign]
    jobs = PullJobs(buyer.exchange)
    job = jobs.start(of(buyer, seller), Criteria())
    await reached.wait()
    await jobs.aclose()
    assert job.state == "failed"
    network.handle_async_request = carry  # type: ignore[method-assign]
    jobs = PullJobs(buyer.exchange)
    job = jobs.start(of(buyer, seller), Criteria())
    await jobs.finished(job.id)
    assert job.state == "done"
    assert set(buyer.received()) == set(ids)
    await jobs.aclose()


async def test_old_jobs_are_forgotten_and_running_ones_are_not(
    buyer: Company, seller: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(underseal_node.jobs, "KEPT_JOBS", 2)
    jobs = PullJobs(buyer.exchange)
    made = []
    for _ in range(5):
        job = jobs.start(of(buyer, seller), Criteria())
        await jobs.finished(job.id)
        made.append(job)
    with pytest.raises(NotFoundError):
        jobs.get(made[0].id)
    assert jobs.get(made[-1].id) is made[-1]
    await jobs.aclose()


async def test_no_more_than_so_many_peers_at_a_time(
    buyer: Company, new_company: NewCompany, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_jobs, "PULLS_AT_A_TIME", 2)
    sellers = [new_company(f"maker{number}") for number in range(4)]
    for one in sellers:
        await one.befriend(buyer)
    now, most = 0, 0
    carry = network.handle_async_request

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        if request.url.path == "/3/footprints":
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.02)
            now -= 1
        return await carry(request)

    network.handle_async_request = count  # type: ignore[method-assign]
    jobs = PullJobs(buyer.exchange)
    job = jobs.start(of(buyer, *sellers), Criteria())
    await jobs.finished(job.id)
    assert (job.state, most) == ("done", 2)
    await jobs.aclose()
