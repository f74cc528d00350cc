"""How often a client may ask, all workers of all hosts together.

Each worker decides by itself, with no lock and no query: the generic cell rate algorithm. Each
request moves the instant at which the client would be on time again; who is too far ahead of the
clock waits. A client may ask for as much as a second allows at once.

What is allowed in one worker depends on how much the client asks the others. Busy clients are
reported about once a second (`SharedRate`); so the limit holds after a second or two. A client that
asks a worker less than a sixteenth of the limit is not reported, as its requests cost less than
that.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from heapq import nlargest
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.clock import Clock
from underseal_node.pact.errors import TooManyRequestsError
from underseal_node.store import request_counts
from underseal_node.store.database import Store

__all__ = ["RateLimit", "SharedRate"]

log = structlog.get_logger(__name__)

BURST_SECONDS = 1.0
# Beyond, those that have not asked for a while are dropped.
MAX_CLIENTS = 10_000
BUSY_PART = 1 / 16
REPORT_SECONDS = 1.0
MAX_REPORTED = 1_000


class RateLimit:
    """Refuses clients that ask too often.

    Args:
        requests_per_second: of one client; 0: as many as it likes.
        clock: monotonic seconds.
    """

    def __init__(
        self, requests_per_second: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.requests_per_second = requests_per_second
        self._interval = 1.0 / requests_per_second if requests_per_second > 0 else 0.0
        self._clock = clock
        self._on_time: dict[str, float] = {}
        # Of clients that ask other workers, too: seconds between two requests here.
        self._intervals: dict[str, float] = {}
        self._asked: dict[str, int] = {}
        self._since = clock()

    def check(self, client_id: str) -> None:
        """Count a request of a client whose token has been verified.

        Raises:
            TooManyRequestsError: it asks too often.
        """
        if not self._interval:
            return
        now = self._clock()
        due = self._on_time.get(client_id, 0.0)
        asked = self._asked
        asked[client_id] = asked.get(client_id, 0) + 1
        interval = self._intervals.get(client_id, self._interval)
        # Half a request less, so that rounding refuses nobody; a whole one is always allowed.
        burst = max(BURST_SECONDS - interval / 2, 0.0)
        if due > now + burst:
            wait = math.ceil(due - now - burst)
            raise TooManyRequestsError("too many requests", retry_after_seconds=max(1, wait))
        self._on_time[client_id] = (due if due > now else now) + interval
        if len(self._on_time) > MAX_CLIENTS:
            self._on_time = {one: at for one, at in self._on_time.items() if at > now}
        if len(asked) > MAX_CLIENTS:
            self._asked = {}

    def busy(self) -> dict[str, int]:
        """How much busy clients have asked in a second since the last call, and those that are
        limited here because of what they ask elsewhere."""
        now = self._clock()
        seconds, asked = max(now - self._since, REPORT_SECONDS / 2), self._asked
        self._since, self._asked = now, {}
        least = self.requests_per_second * BUSY_PART
        found = {
            one: math.ceil(count / seconds)
            for one, count in asked.items()
            if count / seconds > least or one in self._intervals
        }
        self._intervals = {one: at for one, at in self._intervals.items() if one in found}
        return {one: found[one] for one in nlargest(MAX_REPORTED, found, key=found.__getitem__)}

    def share(self, here: Mapping[str, int], elsewhere: Mapping[str, int]) -> None:
        """Allow clients here what is left of the limit by what they ask elsewhere.

        Args:
            here: requests in a second, as `busy` has given them.
            elsewhere: the same at all other workers.
        """
        limit = self.requests_per_second
        for client_id, own in here.items():
            others = elsewhere.get(client_id, 0)
            if others:
                allowed = max(limit - others, limit * own / (own + others))
                self._intervals[client_id] = 1.0 / allowed
            else:
                self._intervals.pop(client_id, None)


class SharedRate:
    """Tells the other workers what busy clients ask here, and learns what they ask there.

    Args:
        limit: of this worker.
        store: that all workers share.
        clock: the time of day.
    """

    def __init__(self, limit: RateLimit, store: Store, clock: Clock) -> None:
        self._limit = limit
        self._store = store
        self._clock = clock
        self._worker = uuid4().hex

    async def run(self) -> None:
        """Report again and again, until cancelled."""
        while self._limit.requests_per_second:
            await asyncio.sleep(REPORT_SECONDS)
            await self.report()

    async def report(self) -> None:
        """Report once. If that fails, what was known last goes on to hold."""
        here = self._limit.busy()
        if not here:
            return
        worker, now = self._worker, self._clock()
        try:
            elsewhere = await self._store.write_together(
                lambda session: request_counts.others(session, worker, here, now)
            )
        except SQLAlchemyError:
            log.warning("what clients ask could not be shared with other workers", exc_info=True)
            return
        self._limit.share(here, elsewhere)
