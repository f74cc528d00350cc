"""How often a client may ask, in one worker: one number per client, no lock and no query.

The generic cell rate algorithm: each request moves the instant at which the client would be on time
again; who is too far ahead of the clock waits. A client may ask for as much as a second allows at
once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from underseal_node.pact.errors import TooManyRequestsError

__all__ = ["RateLimit"]

BURST_SECONDS = 1.0
# Beyond, those that have not asked for a while are dropped.
MAX_CLIENTS = 10_000


class RateLimit:
    """Refuses clients that ask too often.

    Args:
        requests_per_second: of one client in this worker; 0: as many as it likes.
        clock: monotonic seconds.
    """

    def __init__(
        self, requests_per_second: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_on = requests_per_second > 0
        self._interval = 1.0 / requests_per_second if self._is_on else 0.0
        # Half a request less, so that rounding refuses nobody.
        self._burst = BURST_SECONDS - self._interval / 2
        self._clock = clock
        self._on_time: dict[str, float] = {}

    def check(self, client_id: str) -> None:
        """Count a request of a client whose token has been verified.

        Raises:
            TooManyRequestsError: it asks too often; the request is not counted.
        """
        if not self._is_on:
            return
        now = self._clock()
        due = self._on_time.get(client_id, 0.0)
        if due > now + self._burst:
            wait = math.ceil(due - now - self._burst)
            raise TooManyRequestsError("too many requests", retry_after_seconds=max(1, wait))
        self._on_time[client_id] = (due if due > now else now) + self._interval
        if len(self._on_time) > MAX_CLIENTS:
            self._on_time = {one: at for one, at in self._on_time.items() if at > now}
