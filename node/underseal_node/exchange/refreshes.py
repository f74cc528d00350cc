"""The worker that publishes successors of stale footprints by itself, where the policy says so."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.errors import NodeError
from underseal_node.exchange.watch import wait
from underseal_node.node import Node
from underseal_node.products.refreshing import refresh
from underseal_protocol.errors import ProtocolError

__all__ = ["RefreshWorker"]

log = structlog.get_logger(__name__)


class RefreshWorker:
    """Publishes successors whose PCF changes by less than `refresh_auto_percent`.

    What changes more waits for the operator; without that setting, everything does.

    Args:
        node: whose footprints they are.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._said: set[tuple[str, str]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        settings = self._node.settings
        while settings.refresh_auto_percent is not None and not stop.is_set():
            await self.step()
            await wait(stop, settings.refresh_look_seconds)

    async def step(self) -> None:
        """Look once."""
        limit = self._node.settings.refresh_auto_percent
        try:
            found = await refresh(self._node, None, below_percent=limit)
        except (NodeError, ProtocolError, SQLAlchemyError):
            log.exception("stale footprints cannot be calculated")
            return
        for one in found:
            if one.published is not None:
                log.info(
                    "footprint refreshed",
                    old=one.stale.footprint_id,
                    new=one.published.footprint_id,
                )
            elif one.problem is not None:
                self._tell(one.stale.footprint_id, one.problem)

    def _tell(self, footprint_id: str, problem: str) -> None:
        """Say once what keeps a footprint stale."""
        if (footprint_id, problem) not in self._said:
            self._said.add((footprint_id, problem))
            log.warning("footprint stays stale", footprint=footprint_id, reason=problem)
