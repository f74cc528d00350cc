"""Slowing failed authentications, for all workers together.

Counted are failures of one client from one address, of one address, and of one client from
anywhere. The first two are brakes: while they hold, nothing is checked. The third is none for who
has the right secret: it is always let through, so that nobody can lock another client out from
somewhere else. Secrets have 256 random bits; what is bounded here is the work, not the luck.

What is refused by a brake is not counted, so it costs one read and no write.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

import structlog
from starlette.types import Scope

from underseal_node.node import Node
from underseal_node.pact.errors import TooManyRequestsError
from underseal_node.pact.hosts import HostPolicy
from underseal_node.store import auth_failures
from underseal_node.store.auth_failures import Failures
from underseal_node.store.serving import Serving

__all__ = ["Attempt", "Throttle", "network_of"]

log = structlog.get_logger(__name__)

# Of one client from anywhere: after so many failures, and never for longer.
FREE_FAILURES_OF_CLIENT = 10
MAX_CLIENT_DELAY_SECONDS = 5.0
# Failures of this process that are being written at a time; beyond, they are refused uncounted.
MAX_WRITES = 64
IPV6_PREFIX_BITS = 64  # what one customer of a network operator gets at least
MESSAGE = "too many failed authentications"


class Throttle:
    """Counts failed authentications and refuses the next ones for some time.

    Args:
        node: whose settings and database.
        serving: reads what has been counted.
        hosts: tells whose request it is.
    """

    def __init__(self, node: Node, serving: Serving, hosts: HostPolicy) -> None:
        self._node = node
        self._serving = serving
        self._hosts = hosts
        self._writing = 0

    async def begin(self, scope: Scope, client_id: str | None, now: datetime) -> Attempt:
        """Before anything is checked. Call `failed` or `succeeded` of what is returned afterwards.

        Args:
            scope: of the request.
            client_id: whom it claims to come from; `None` when it names nobody.
            now: aware.

        Raises:
            TooManyRequestsError: this client at this address, or this address, has to wait.
        """
        address = self._hosts.client_address(scope)
        network = None if address is None else network_of(address)
        of_address, here, anywhere = self._kinds(client_id, network)
        keys = [kind.key for kind in (*of_address, *here, *anywhere)]
        known = await self._serving.auth_failures(keys)
        braked_until = _latest([known.get(kind.key) for kind in (*of_address, *here)], now)
        if braked_until is not None:
            raise _refusal(braked_until, now)
        slow_until = _latest([known.get(kind.key) for kind in anywhere], now)
        counted = (*of_address, *here) if slow_until else (*of_address, *here, *anywhere)
        own = [kind.key for kind in (*here, *anywhere) if kind.key in known]
        return Attempt(self, now, network, counted, own, slow_until)

    def _kinds(
        self, client_id: str | None, network: str | None
    ) -> tuple[list[Failures], list[Failures], list[Failures]]:
        """What failures count for: the address, the client there, the client anywhere."""
        settings = self._node.settings
        longest = settings.auth_max_delay_seconds
        of_address, here, anywhere = [], [], []
        if network is not None:
            free = settings.auth_free_failures_per_address
            of_address.append(Failures(_key("address", network), free, longest))
        if client_id is not None:
            free, key = FREE_FAILURES_OF_CLIENT, _key("client", client_id)
            anywhere.append(Failures(key, free, MAX_CLIENT_DELAY_SECONDS))
        if client_id is not None and network is not None:
            key = _key("client at address", client_id, network)
            here.append(Failures(key, settings.auth_free_failures, longest))
        return of_address, here, anywhere

    async def count(self, attempt: Attempt) -> None:
        """Count a failure.

        Raises:
            TooManyRequestsError: there are more failures than can be written.
        """
        if self._writing >= MAX_WRITES:
            raise TooManyRequestsError(MESSAGE, retry_after_seconds=1)
        now = attempt.now
        expires_at = now + timedelta(seconds=self._node.settings.auth_failure_memory_seconds)
        self._writing += 1
        try:
            until = await self._node.store.write(
                lambda session: auth_failures.count(session, attempt.counted, now, expires_at)
            )
        finally:
            self._writing -= 1
        if any(until):
            # Without the client id: some send their secret in its place.
            log.warning("failed authentications are slowed", address=attempt.network)

    async def forget(self, keys: Sequence[str]) -> None:
        """The client has shown that it is the one."""
        await self._node.store.write(lambda session: auth_failures.forget(session, keys))


@dataclass(frozen=True)
class Attempt:
    """An authentication under way.

    Attributes:
        throttle: that it belongs to.
        now: when it began.
        network: where it comes from, if that is known.
        counted: what a failure counts for.
        own: keys of the client that have failures.
        slow_until: until then, failures of this client are answered 429, wherever it is.
    """

    throttle: Throttle
    now: datetime
    network: str | None
    counted: Sequence[Failures]
    own: Sequence[str]
    slow_until: datetime | None

    async def failed(self) -> None:
        """Count it. The caller refuses the request in its own words afterwards.

        Raises:
            TooManyRequestsError: there were many failures of this client elsewhere, or everywhere.
        """
        await self.throttle.count(self)
        if self.slow_until is not None:
            raise _refusal(self.slow_until, self.now)

    async def succeeded(self) -> None:
        """Forget the failures of the client; those of the address stay."""
        if self.own:
            await self.throttle.forget(self.own)


def network_of(address: str) -> str:
    """What is counted as one address: of IPv6 the network, of which one customer has the whole."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    network = int(parsed) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)
    return f"{IPv6Address(network)}/{IPV6_PREFIX_BITS}"


def _key(*parts: str) -> str:
    # surrogatepass: whatever text a client sends can be counted.
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _latest(instants: Sequence[datetime | None], now: datetime) -> datetime | None:
    """The last of the instants that are still to come."""
    return max((one for one in instants if one is not None and one > now), default=None)


def _refusal(until: datetime, now: datetime) -> TooManyRequestsError:
    seconds = math.ceil((until - now).total_seconds())
    return TooManyRequestsError(MESSAGE, retry_after_seconds=max(1, seconds))
