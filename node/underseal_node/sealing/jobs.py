"""Seals as the operator orders and watches them: proved one after the other, in the background."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from enum import StrEnum

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.errors import NotFoundError
from underseal_node.exchange.errors import ROW_ERRORS, advice_of
from underseal_node.jobs import Jobs
from underseal_node.node import Node
from underseal_node.sealing.keeping import keep_seal
from underseal_node.sealing.ordering import Ordered
from underseal_node.sealing.proving import prove
from underseal_node.store.seal_tables import Seal

__all__ = ["SealJob", "SealJobs", "SealStage"]

log = structlog.get_logger(__name__)

ENDED = "it was ended before it was done; nothing was kept"


class SealStage(StrEnum):
    """How a seal stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class SealJob:
    """One seal that was ordered; it outlives the order, which holds openings and quantities.

    Attributes:
        id: by which it is asked after.
        footprint_id: what is to be sealed.
        state: of it.
        step: what is being done, in words.
        done, total: of that.
        seal: what came of it.
        error: why it failed.
    """

    id: str
    footprint_id: str
    state: SealStage = SealStage.WAITING
    step: str = ""
    done: int = 0
    total: int = 0
    seal: Seal | None = None
    error: str | None = None

    def look(self, step: str, done: int, total: int) -> None:
        """It has come so far."""
        self.step, self.done, self.total = step, done, total


class SealJobs(Jobs[SealJob]):
    """Has footprints proved in the background of this process; nothing is kept of what is stopped.

    Args:
        node: in the role `manage`.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        # A proof keeps one processor busy.
        self._one_at_a_time = asyncio.Lock()

    def start(self, ordered: Ordered) -> SealJob:
        """Seal something that fits together."""
        job = SealJob(str(uuid.uuid4()), ordered.subject.footprint_id)
        return self._begin(job, self._run(job, ordered))

    def _unknown(self, job_id: str) -> NotFoundError:
        return NotFoundError(
            f"there is no seal under way that is called {job_id}",
            hint="They are forgotten when the node restarts; what was not done by then was not "
            "kept. Seal again.",
        )

    async def _run(self, job: SealJob, ordered: Ordered) -> None:
        try:
            async with self._one_at_a_time:
                job.state = SealStage.RUNNING
                sealed = await prove(self._node.home.path, ordered, job.look)
                job.seal = await keep_seal(self._node, ordered, sealed)
            job.state = SealStage.DONE
        except SQLAlchemyError as error:
            log.exception("a seal was not kept", footprint=job.footprint_id)
            job.error = f"the database failed: {type(error).__name__}"
        except ROW_ERRORS as error:
            job.error = advice_of(error)
        finally:
            if job.state is not SealStage.DONE:
                job.state = SealStage.FAILED
                job.error = job.error or ENDED
