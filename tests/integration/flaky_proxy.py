"""A reverse proxy that fails half of the time, in the ways in which networks and servers fail."""

from __future__ import annotations

import random
import ssl
import threading
from collections import Counter

from underseal_cli.demo_proxy import Answer, Fetch, ReverseProxy

__all__ = ["FlakyProxy"]

# What happens to a request, and how often. In two of them the node has seen it, and the sender does
# not learn that.
FATES = {"pass": 50, "refuse": 15, "hang up": 10, "lose answer": 15, "break answer": 10}


class FlakyProxy(ReverseProxy):
    """Passes half of the requests on, as they are; `seed` decides what becomes of the others."""

    def __init__(
        self,
        port: int,
        upstream_port: int,
        *,
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
        seed: int = 1,
    ) -> None:
        super().__init__(
            port, upstream_port, server_context=server_context, client_context=client_context
        )
        self.fates: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def fate(self) -> str:
        """What happens to the next request."""
        with self._lock:
            fate = self._random.choices(list(FATES), list(FATES.values()))[0]
            self.fates[fate] += 1
        return fate

    def respond(self, fetch: Fetch) -> Answer | None:
        """What becomes of one request."""
        fate = self.fate()
        if fate == "hang up":
            return None
        if fate == "refuse":
            return Answer(503)
        answer = fetch()
        if fate == "lose answer":
            return None
        return Answer(500) if fate == "break answer" else answer
