"""Pulls as the operator starts and watches them: several peers at once, one pull per peer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.errors import NotFoundError
from underseal_node.exchange.errors import ROW_ERRORS, advice_of
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.progress import PullProgress, PullStage
from underseal_node.exchange.pulls import pull_peer
from underseal_node.jobs import Jobs
from underseal_protocol.criteria import Criteria

__all__ = ["PullJob", "PullJobs"]

log = structlog.get_logger(__name__)

PULLS_AT_A_TIME = 8


@dataclass
class PullJob:
    """One order to pull.

    Attributes:
        id: by which it is asked after.
        progress: for each peer, in the order given.
    """

    id: str
    progress: list[PullProgress]

    @property
    def state(self) -> PullStage:
        """Running until every peer is done; failed if one has failed."""
        stages = {one.state for one in self.progress}
        if stages & {PullStage.WAITING, PullStage.RUNNING}:
            return PullStage.RUNNING
        return PullStage.FAILED if PullStage.FAILED in stages else PullStage.DONE


class PullJobs(Jobs[PullJob]):
    """Starts pulls in the background of this process; what is stopped can be resumed.

    Args:
        exchange: of this process.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._slots = asyncio.Semaphore(PULLS_AT_A_TIME)
        self._locks: dict[int, asyncio.Lock] = {}

    def start(self, peers: Sequence[tuple[int, str]], criteria: Criteria) -> PullJob:
        """Pull from these peers; a peer that is being pulled from already comes after that.

        Args:
            peers: ids and names.
            criteria: the filters, the same for all.
        """
        job = PullJob(str(uuid.uuid4()), [PullProgress(name) for _, name in peers])
        return self._begin(job, self._run(job, [peer_id for peer_id, _ in peers], criteria))

    def _unknown(self, job_id: str) -> NotFoundError:
        return NotFoundError(
            f"there is no pull {job_id}",
            hint="Pulls are forgotten when the node restarts; pull again, it goes on "
            "where it stopped.",
        )

    async def _run(self, job: PullJob, peer_ids: list[int], criteria: Criteria) -> None:
        await asyncio.gather(
            *(
                self._pull(peer_id, criteria, progress)
                for peer_id, progress in zip(peer_ids, job.progress, strict=True)
            )
        )

    async def _pull(self, peer_id: int, criteria: Criteria, progress: PullProgress) -> None:
        lock = self._locks.setdefault(peer_id, asyncio.Lock())
        try:
            async with lock, self._slots:
                await pull_peer(self._exchange, peer_id, criteria, progress)
        except SQLAlchemyError as error:
            log.exception("pull failed", peer=progress.peer)
            progress.error = f"the database failed: {type(error).__name__}"
        except ROW_ERRORS as error:
            progress.error = advice_of(error)
        finally:
            if progress.state != PullStage.DONE:
                progress.state = PullStage.FAILED
