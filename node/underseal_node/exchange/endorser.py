"""The worker that endorses what is allowed: soon, because the customer waits for it."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.errors import NodeError
from underseal_node.exchange.watch import Watch
from underseal_node.node import Node
from underseal_node.sealing.endorsing import sign_allowed
from underseal_node.store.work import Work

__all__ = ["Endorser"]

log = structlog.get_logger(__name__)


class Endorser:
    """Signs endorsements; one of all processes is enough (`worker.run_workers`).

    Args:
        node: in the role `manage`.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    async def run(self, stop: asyncio.Event, *, watch: Watch | None = None) -> None:
        """Work until told to stop.

        Args:
            stop: set it to end the work.
            watch: tells when there is something to do; shared by the workers of a process.
        """
        watch = watch or Watch(self._node)
        while not stop.is_set():
            await self.step()
            await watch.until_due(Work.ENDORSEMENTS, stop)

    async def step(self) -> None:
        """Sign what is there now."""
        try:
            while await sign_allowed(self._node):
                pass
        except SQLAlchemyError:
            log.exception("nothing could be endorsed; it is tried again")
        except NodeError as error:
            log.error("nothing could be endorsed", reason=error.message)
