"""Everything a process of this node needs to talk to its peers, in one object."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlmodel import Session

from underseal_node.errors import NodeError, PeerError
from underseal_node.exchange import contacts
from underseal_node.exchange.access import Access, access_of
from underseal_node.exchange.discovery import Found, discover, pin
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.peer_client import PeerClient
from underseal_node.exchange.tokens import TokenClient
from underseal_node.node import Node
from underseal_node.store import pins
from underseal_node.store.tables import Awaits, Peer, PeerState
from underseal_node.trust import partnerships
from underseal_protocol.client_assertion import assert_client

__all__ = ["Contact", "Exchange", "exchange_of"]

log = structlog.get_logger(__name__)

# A peer's discovery document is looked at again after this time, and sooner when it was not there.
DISCOVERY_LIFETIME_SECONDS = 3_600.0
DISCOVERY_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Contact:
    """What a look at a peer brought.

    Attributes:
        found: what the peer says of itself.
        warnings: sentences for the operator.
    """

    found: Found
    warnings: list[str]


class Exchange:
    """Calls to peers, with what is remembered between calls.

    One per process and event loop.

    Args:
        node: whose peers.
        http: makes the calls; tests give one with their own transport.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        node: Node,
        *,
        http: PeerHttp | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = node
        self.http = http or PeerHttp(node.settings, clock=node.clock)
        self.tokens = TokenClient(self.http, clock, self._assertion, self._told)
        self.client = PeerClient(self.http, self.tokens, node.settings)
        self._clock = clock
        self._looked_until: dict[int, float] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    async def access(self, peer_id: int) -> Access:
        """How to call a peer now. Looks at its discovery document when that was long ago.

        Raises:
            RefusedError: it is suspended, has ended the partnership, has no URL, or we hold no
                credentials for it.
            ConfirmationNeededError: its token endpoint has moved.
            ApprovalPendingError: it has not approved the partnership yet.
            NotFoundError: no such peer.
        """
        peer = await self._peer(peer_id)
        if peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM:
            peer = await self.approved(peer_id)
        access_of(peer, self.node.vault)  # what forbids a call forbids looking, too
        async with self._locks.setdefault(peer_id, asyncio.Lock()):
            if self._clock() >= self._looked_until.get(peer_id, float("-inf")):
                await self._look(peer, attempts=2)
                peer = await self._peer(peer_id)
        return access_of(peer, self.node.vault)

    async def contact(self, peer_id: int) -> Contact:
        """Look at a peer now, and pin what is new: at `peer add`, and when its URL has changed.

        Raises:
            RefusedError: it has no URL.
            AddressError: its URL must not be called.
            NotFoundError: no such peer.
        """
        return await self._look(await self._peer(peer_id), attempts=1)

    async def ask_approval(self, peer_id: int) -> None:
        """Get a token from a peer: we show that we are there, it shows that it has approved us.

        Raises:
            ApprovalPendingError: it has not decided yet.
            PartnershipEndedError: it has decided otherwise, or has ended it; that is noted.
            PeerError: it cannot be reached, or refuses for another reason.
            RefusedError: it is not a partner that could be called.
        """
        peer = await self._peer(peer_id)
        await self.tokens.token(access_of(peer, self.node.vault, asks_approval=True))

    async def approved(self, peer_id: int) -> Peer:
        """Ask a peer whether it has approved us meanwhile, and take up that it has.

        Raises:
            as `ask_approval`.
        """
        await self.ask_approval(peer_id)

        def work(session: Session) -> Peer:
            peer = pins.peer_row(session, peer_id)
            partnerships.activated(session, peer, self.node.now())
            return peer

        return await self.node.store.write(work)

    async def look_for_keys(self, peer_id: int) -> None:
        """Look at a peer that has signed with a key that is not known: it may have new ones.

        What goes wrong is logged: then the known keys decide.
        """
        try:
            await self._look(await self._peer(peer_id), attempts=2)
        except NodeError as error:
            log.warning("peer discovery", reason=error.message)

    def look_again(self, peer_id: int) -> None:
        """The next call looks at the peer's discovery document first."""
        self._looked_until.pop(peer_id, None)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.http.aclose()

    def _assertion(self, client_id: str, issuer: str, age: int) -> str | None:
        keys = self.node.client_keys()
        if age >= len(keys):
            return None
        return assert_client(client_id, audience=issuer, key=keys[age], now=self.node.now())

    async def _told(self, access: Access, error: PeerError | None) -> None:
        if error is None:
            await contacts.worked(self.node, access.peer_id)
        else:
            await contacts.failed(self.node, access.peer_id, error)

    async def _peer(self, peer_id: int) -> Peer:
        return await self.node.store.read(lambda session: pins.peer_row(session, peer_id))

    async def _look(self, peer: Peer, *, attempts: int) -> Contact:
        found = await discover(self.http, peer, attempts=attempts)
        peer_id, now = peer.id or 0, self.node.now()

        def work(session: Session) -> list[str]:
            current = pins.peer_row(session, peer_id)
            if (current.base_url, current.auth_url) != (peer.base_url, peer.auth_url):
                return []  # it was found at an address that is the peer's no more
            return pin(session, peer_id, found, now)

        warnings = await self.node.store.write(work)
        lifetime = DISCOVERY_LIFETIME_SECONDS if found.is_certain else DISCOVERY_RETRY_SECONDS
        self._looked_until[peer_id] = self._clock() + lifetime
        if warnings:
            log.warning("peer discovery", peer=peer.name, warnings=warnings)
        return Contact(found, warnings)


def exchange_of(node: Node) -> Exchange:
    """The exchange of this process; made on first use."""
    if node.exchange is None:
        node.exchange = Exchange(node)
    return node.exchange
