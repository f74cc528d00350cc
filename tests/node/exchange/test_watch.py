"""When the background workers start: as soon as there is something, and not without a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, NewCompany, settle

from underseal_node.exchange.watch import Watch
from underseal_node.store import inbox
from underseal_node.store.audit import Act, record
from underseal_node.store.tables import KeyKind
from underseal_node.store.work import Work, waiting_work
from underseal_protocol.events import EventType

MakeFootprint = Callable[..., dict[str, Any]]

SOON = 5.0


def waiting(company: Company) -> set[Work]:
    now = company.node.now()
    return company.node.store.read_sync(lambda session: waiting_work(session, now))


async def test_what_waits_is_found_until_it_is_done(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    await settle(seller, buyer)
    await seller.sequence()
    await buyer.sequence()
    assert waiting(seller) == waiting(buyer) == set()
    seller.grant(buyer, KeyKind.ALL)
    await seller.publish(make_footprint())
    assert Work.OUTBOX in waiting(seller)
    await seller.deliver()
    assert Work.OUTBOX not in waiting(seller)
    assert Work.INBOX in waiting(buyer)
    await settle(seller, buyer)
    assert Work.INBOX not in waiting(buyer)
    assert Work.AUDIT_LOG in waiting(seller)
    await seller.sequence()
    await buyer.sequence()
    assert waiting(seller) == waiting(buyer) == set()


async def test_what_is_postponed_waits_for_its_time(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    peer_id, now = seller.peer(buyer).id or 0, seller.node.now()

    def accept_and_postpone(session: Session) -> None:
        inbox.accept(session, peer_id, "event-1", EventType.PUBLISHED, b"{}", now)
        row = inbox.next_published(session, peer_id, now)
        assert row is not None
        row.next_attempt_at = clock.advance(seconds=60)

    seller.node.store.write_sync(accept_and_postpone)
    clock.advance(seconds=-1)
    assert Work.INBOX not in waiting(seller)
    clock.advance(seconds=1)
    assert Work.INBOX in waiting(seller)


async def test_a_worker_waits_until_there_is_something(
    new_company: NewCompany,
) -> None:
    seller = new_company("seller", worker_poll_seconds=0.01)
    await seller.sequence()
    watch, stop = Watch(seller.node), asyncio.Event()
    log = asyncio.create_task(watch.until_due(Work.AUDIT_LOG, stop))
    events = asyncio.create_task(watch.until_due(Work.INBOX, stop))
    await asyncio.sleep(0.1)
    assert not log.done()
    await seller.node.store.write(
        lambda session: record(session, Act.PEER_CHANGED, seller.node.now())
    )
    await asyncio.wait_for(log, SOON)
    assert not events.done()
    stop.set()
    await asyncio.wait_for(events, SOON)


async def test_nothing_is_missed_when_the_database_is_away(
    new_company: NewCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = new_company("seller", worker_poll_seconds=0.01)

    async def away(_work: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(seller.node.store, "read", away)
    for work in Work:
        await asyncio.wait_for(Watch(seller.node).until_due(work, asyncio.Event()), SOON)


async def test_workers_that_ask_at_once_share_one_look(
    new_company: NewCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = new_company("seller", worker_poll_seconds=0.5)
    looks, read = [], seller.node.store.read

    async def counted(work: object) -> object:
        looks.append(work)
        return await read(work)  # type: ignore[arg-type]

    monkeypatch.setattr(seller.node.store, "read", counted)
    watch, stop = Watch(seller.node), asyncio.Event()
    waiting = [asyncio.create_task(watch.until_due(work, stop)) for work in Work]
    await asyncio.sleep(0.7)
    stop.set()
    await asyncio.gather(*waiting)
    assert len(looks) == 1
