"""The worker that puts what was recorded into the audit log, several times a second, and signs
receipts for what peers have acknowledged."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.errors import AuditLogError, NodeError
from underseal_node.exchange.watch import Watch
from underseal_node.node import Node
from underseal_node.store.work import Work
from underseal_node.trust import audit, receipts

__all__ = ["Sequencer"]

log = structlog.get_logger(__name__)

# At least every second something recorded has to be in the log; receipts wait for it, too.
MAX_PAUSE_SECONDS = 0.5


class Sequencer:
    """Appends to the log.

    One of all processes is enough (`worker.run_workers`); who else appends waits for its turn.

    A log that is not the one that was signed gets no further entry and no new head: what was
    recorded waits, an alert says so, and everything else goes on.

    Args:
        node: in the role `manage`.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._told: str | None = None

    async def run(self, stop: asyncio.Event, *, watch: Watch | None = None) -> None:
        """Work until told to stop; then put in what is there.

        Args:
            stop: set it to end the work.
            watch: tells when there is something to do; shared by the workers of a process.
        """
        watch = watch or Watch(self._node)
        while not stop.is_set():
            await self.step()
            await watch.until_due(Work.AUDIT_LOG, stop, max_pause_seconds=MAX_PAUSE_SECONDS)
        await self.step()

    async def step(self) -> None:
        """Put in what is there now, and answer the acknowledgements that wait."""
        try:
            await self._work()
        except SQLAlchemyError:
            log.exception("the audit log could not be written; it is tried again")
        except NodeError as error:
            log.error("the audit log could not be written", reason=error.message)

    async def _work(self) -> None:
        try:
            await audit.append_all(self._node)
            await receipts.issue_pending(self._node)
        except AuditLogError as error:
            await self._tell(error)

    async def _tell(self, error: AuditLogError) -> None:
        """Say it once, not twice a second."""
        if error.message == self._told:
            return
        log.error("the audit log has stopped", reason=error.message)
        await self._node.store.write(
            lambda session: audit.raise_stopped(session, self._node, error)
        )
        self._told = error.message
