"""Work of many callers in one transaction: committed for all, and a failure is nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store.database import Store, next_change, open_store
from underseal_node.store.tables import ChangeCounter
from underseal_node.store.together import MOST_AT_ONCE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = Home(tmp_path / "home")
    home.prepare()
    opened = open_store(Settings(), home)
    yield opened
    opened.close()


@pytest.fixture
def commits(store: Store) -> list[str]:
    """One entry for each transaction that was committed."""
    seen: list[str] = []
    event.listen(store.write_engine, "commit", lambda _connection: seen.append("commit"))
    return seen


def last_change(session: Session) -> int:
    return session.exec(select(ChangeCounter.last)).one()


def fail(session: Session) -> int:
    next_change(session)
    raise LookupError("stop")


async def test_those_who_wait_share_a_transaction(store: Store, commits: list[str]) -> None:
    count = 2 * MOST_AT_ONCE
    numbers = await asyncio.gather(*(store.write_together(next_change) for _ in range(count)))
    assert numbers == list(range(1, count + 1))
    assert len(commits) == 2
    assert await store.write_together(next_change) == count + 1
    assert store.read_sync(last_change) == count + 1


async def test_work_of_one_transaction_runs_in_the_order_of_what_it_locks(store: Store) -> None:
    """Two hosts that lock rows in different orders would wait for each other."""
    ran: list[int] = []
    orders = [3, 1, 2, 1]
    works = [lambda _session, number=number: ran.append(number) for number in range(4)]
    await asyncio.gather(
        *(store.write_together(work, order=at) for work, at in zip(works, orders, strict=True))
    )
    assert ran == [1, 3, 2, 0]  # what has the same place, in the order in which it came


async def test_a_failure_is_nobody_elses(store: Store) -> None:
    works = [next_change, fail, next_change, fail, next_change]
    results = await asyncio.gather(*map(store.write_together, works), return_exceptions=True)
    assert [one for one in results if isinstance(one, int)] == [1, 2, 3]
    assert [str(one) for one in results if isinstance(one, LookupError)] == ["stop", "stop"]
    with pytest.raises(LookupError):
        await store.write_together(fail)
    assert await store.write_together(next_change) == 4


async def test_who_goes_away_does_not_stop_the_others(store: Store) -> None:
    tasks = [asyncio.create_task(store.write_together(next_change)) for _ in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in results if isinstance(one, int)] == [2, 4]
    assert store.read_sync(last_change) == 4  # what has begun is completed


def test_it_works_in_one_event_loop_after_another(store: Store) -> None:
    async def cut_off() -> None:
        task = asyncio.create_task(store.write_together(next_change))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(cut_off())

    async def write() -> int:
        return await store.write_together(next_change)

    assert asyncio.run(write()) >= 1
