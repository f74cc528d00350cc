"""The background work of a node: delivering events, handling those that came in, the audit log."""

from __future__ import annotations

import asyncio

import structlog

from underseal_node.exchange.approvals import ApprovalWorker
from underseal_node.exchange.exchange import Exchange, exchange_of
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.exchange.refreshes import RefreshWorker
from underseal_node.exchange.renewals import RenewalWorker
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.node import Node

__all__ = ["run_workers"]

log = structlog.get_logger(__name__)


async def run_workers(node: Node, stop: asyncio.Event, *, exchange: Exchange | None = None) -> None:
    """Work in the background of the management process until told to stop.

    What cannot be done now stays in the database and is tried again; what is being sent at the
    stop is finished within `shutdown_grace_seconds`.

    Args:
        node: opened in the role `manage`.
        stop: set it to end the work.
        exchange: for calls to peers; that of the process by default.
    """
    used = exchange or exchange_of(node)
    log.info("workers started")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(OutboxWorker(used).run(stop), name="outbox")
            group.create_task(InboxWorker(used).run(stop), name="inbox")
            group.create_task(ApprovalWorker(used).run(stop), name="approvals")
            group.create_task(RenewalWorker(used).run(stop), name="renewals")
            group.create_task(RefreshWorker(node).run(stop), name="refreshes")
            group.create_task(Sequencer(node).run(stop), name="sequencer")
    finally:
        await used.aclose()
        log.info("workers stopped")
