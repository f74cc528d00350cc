"""The background work of a node: delivering events, handling those that came in, the audit log,
endorsements, sealed sums that are judged again."""

from __future__ import annotations

import asyncio

import structlog

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.exchange.endorser import Endorser
from underseal_node.exchange.exchange import Exchange, exchange_of
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.exchange.refreshes import RefreshWorker
from underseal_node.exchange.renewals import RenewalWorker
from underseal_node.exchange.seal_judge import SealJudge
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.exchange.watch import Watch, wait
from underseal_node.node import Node
from underseal_node.store.turns import Leadership

__all__ = ["run_workers"]

log = structlog.get_logger(__name__)

# For about so long nobody does the work of one that led and is gone.
LOOK_SECONDS = 1.0


async def run_workers(node: Node, stop: asyncio.Event, *, exchange: Exchange | None = None) -> None:
    """Work in the background of the management process until told to stop.

    What cannot be done now stays in the database and is tried again; what is being sent at the
    stop is finished within `shutdown_grace_seconds`.

    Where several hosts work on one PostgreSQL, each delivers events; everything else is done by one
    of them, and by another one when that is gone.

    Args:
        node: opened in the role `manage`.
        stop: set it to end the work.
        exchange: for calls to peers; that of the process by default.
    """
    used = exchange or exchange_of(node)
    watch = Watch(node)
    log.info("workers started")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(OutboxWorker(used).run(stop, watch=watch), name="outbox")
            group.create_task(_lead(used, stop, watch), name="lead")
    finally:
        await used.aclose()
        log.info("workers stopped")


async def _lead(exchange: Exchange, stop: asyncio.Event, watch: Watch) -> None:
    """Do what one process does for all, whenever no other does."""
    leadership = Leadership(exchange.node.store.write_engine)
    try:
        while not stop.is_set():
            if await asyncio.to_thread(leadership.take):
                await _work_as_leader(exchange, stop, leadership, watch)
            else:
                await wait(stop, LOOK_SECONDS)
    finally:
        leadership.give_up()


async def _work_as_leader(
    exchange: Exchange, stop: asyncio.Event, leadership: Leadership, watch: Watch
) -> None:
    """Work until told to stop, or until the lead is lost with its connection."""
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(InboxWorker(exchange).run(is_over, watch=watch), name="inbox")
        group.create_task(ApprovalWorker(exchange).run(is_over), name="approvals")
        group.create_task(RenewalWorker(exchange).run(is_over), name="renewals")
        group.create_task(RefreshWorker(exchange.node).run(is_over), name="refreshes")
        group.create_task(Sequencer(exchange.node).run(is_over, watch=watch), name="sequencer")
        group.create_task(Endorser(exchange.node).run(is_over, watch=watch), name="endorser")
        group.create_task(SealJudge(exchange.node).run(is_over), name="seals")
        try:
            while not stop.is_set() and await asyncio.to_thread(leadership.take):
                await wait(stop, LOOK_SECONDS)
        finally:
            is_over.set()
    if not stop.is_set():
        log.warning("another process may lead now: the connection to the database was lost")
