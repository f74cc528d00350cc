"""Companies with nodes in memory, on a network that carries their calls and can fail."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlmodel import Session
from starlette.types import ASGIApp
from tests.node.conftest import StandingClock

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.pulls import pull_peer
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.publishing import publish
from underseal_node.settings import Settings
from underseal_node.store import alerts, exchange_lists, grants, outbox, peers, received
from underseal_node.store.exchange_lists import RequestWanted
from underseal_node.store.exchange_tables import OutboxEvent, ReceivedFootprint, Request
from underseal_node.store.searching import Part
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.trust.peers import PeerChange, add_peer, change_peer
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import SigningKey

EXAMPLE = Path(__file__).parents[2] / "vectors" / "credential" / "footprint.json"
COMPANY = "urn:pact:company.example:company-id:1"

Json = dict[str, Any]
Fault = Callable[[httpx.Request], httpx.Response | None]


class Network(httpx.AsyncBaseTransport):
    """Carries calls to the application of the host that they name."""

    def __init__(self) -> None:
        self.apps: dict[str, ASGIApp] = {}
        self.calls: list[str] = []
        self.fault: Fault = lambda request: None  # instead of reaching the node
        self.loss: Fault = lambda request: None  # instead of what the node has answered

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        broken = self.fault(request)
        if broken is not None:
            return streamed(broken)
        app = self.apps.get(request.url.host)
        if app is None:
            raise httpx.ConnectError("nobody answers there")
        answer = await httpx.ASGITransport(app).handle_async_request(request)
        lost = self.loss(request)
        return answer if lost is None else streamed(lost)


def streamed(response: httpx.Response) -> httpx.Response:
    """A response as it comes over the network: not read yet."""
    stream = Bytes(response.content)
    return httpx.Response(response.status_code, headers=response.headers, stream=stream)


class Bytes(httpx.AsyncByteStream):
    """A body as it comes over the network."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


async def no_pause(_seconds: float) -> None:
    """Instead of waiting between attempts."""


@dataclass
class Company:
    """A node with what its operator and its workers do."""

    name: str
    node: Node
    exchange: Exchange
    network: Network
    clock: StandingClock
    credentials: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.node.identity.url

    async def publish(self, *documents: Json) -> list[str]:
        """Import footprints; their ids."""
        files = [("file.json", json.dumps(documents).encode())]
        result = await publish.import_files(self.node, files, dry_run=False)
        assert result.problems == (), result.problems
        return [one.id for one in result.footprints]

    async def befriend(self, other: Company) -> None:
        """Both register each other, with credentials for both directions."""
        _, ours, _ = await add_peer(self.exchange, other.name, PeerChange(url=other.url))
        given = PeerChange(url=self.url, client_id=ours.client_id, client_secret=ours.client_secret)
        _, theirs, _ = await add_peer(other.exchange, self.name, given)
        change = PeerChange(client_id=theirs.client_id, client_secret=theirs.client_secret)
        await change_peer(self.exchange, other.name, change)

    def peer(self, other: Company | str) -> Peer:
        name = other if isinstance(other, str) else other.name
        return self.node.store.read_sync(lambda session: peers.by_name(session, name))

    def grant(
        self, other: Company, kind: KeyKind, value: str = "", level: Level = Level.FULL
    ) -> int:
        peer_id = self.peer(other).id or 0
        grant = self.node.store.write_sync(
            lambda session: grants.add(session, peer_id, kind, value, level, self.clock())
        )
        return grant.id or 0

    async def pull(self, other: Company | str, criteria: Criteria | None = None) -> PullProgress:
        peer = self.peer(other)
        progress = PullProgress(peer.name)
        await pull_peer(self.exchange, peer.id or 0, criteria or Criteria(), progress)
        return progress

    def received(self) -> dict[str, ReceivedFootprint]:
        rows = self.node.store.read_sync(received.listing)
        return {row.footprint_id: row for row, _ in rows}

    def alerts(self) -> list[str]:
        return [alert.kind for alert, _ in self.node.store.read_sync(alerts.listing)]

    def outbox(self) -> list[OutboxEvent]:
        return [row for row, _ in reversed(self.node.store.read_sync(outbox.listing))]

    def requests(self) -> list[Request]:
        def work(session: Session) -> list[Request]:
            numbers, _ = exchange_lists.find_requests(session, RequestWanted(), Part())
            return [row for row, _ in exchange_lists.requests_in_order(session, numbers[::-1])]

        return self.node.store.read_sync(work)

    async def deliver(self) -> None:
        """Send what is due in the outbox."""
        await OutboxWorker(self.exchange, chance=lambda: 1.0).drain()

    async def sequence(self) -> None:
        """Put what was recorded into the audit log and sign the receipts that are asked for."""
        await self.public.state.context.audit.flush()
        await Sequencer(self.node).step()

    @property
    def public(self) -> Any:
        """The application of the public listener."""
        return self.network.apps[urlsplit(self.url).hostname or ""]

    async def handle(self) -> None:
        """Handle what is due in the inbox."""
        await InboxWorker(self.exchange, chance=lambda: 1.0).drain()


async def settle(*companies: Company) -> None:
    """Deliver and handle until nobody has anything to do at this moment."""
    for _ in range(5):
        for company in companies:
            await company.deliver()
            await company.handle()


NewCompany = Callable[..., Company]


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def new_company(tmp_path: Path, network: Network, clock: StandingClock) -> Iterator[NewCompany]:
    """Found a company: `new_company("seller", requests_answer="auto")`."""
    made: list[Company] = []

    def found(name: str, *, recovery: SigningKey | None = None, **settings: Any) -> Company:
        url = f"https://{name}.example"
        home = create_node(
            tmp_path / name,
            company_name=name.capitalize(),
            company_ids=[COMPANY],
            url=url,
            recovery=None if recovery is None else recovery.public_key(),
            clock=clock,
        )
        # Nobody signs receipts meanwhile: there is nothing to wait for.
        given = Settings(**{"receipt_wait_seconds": 0.001, **settings})
        node = open_node(home.path, settings=given, clock=clock)
        network.apps[f"{name}.example"] = create_public_app(node)
        http = PeerHttp(node.settings, transport=network, sleep=no_pause, chance=lambda: 0.5)
        exchange = Exchange(node, http=http, clock=lambda: clock().timestamp())
        made.append(Company(name, node, exchange, network, clock))
        return made[-1]

    yield found
    for company in made:
        network.apps[urlsplit(company.url).hostname or ""].state.context.serving.close()  # type: ignore[attr-defined]
        company.node.close()


@pytest.fixture
async def seller(new_company: NewCompany) -> Company:
    return new_company("seller")


@pytest.fixture
async def buyer(new_company: NewCompany, seller: Company) -> Company:
    """Knows the seller, and is known to it."""
    company = new_company("buyer")
    await seller.befriend(company)
    return company


@pytest.fixture
def make_footprint() -> Callable[..., Json]:
    """A footprint of the company: `make_footprint(3, comment="...")` is about product 3."""
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))

    def make(number: int = 1, **changes: Any) -> Json:
        document: Json = copy.deepcopy(example)
        document.pop("extensions", None)
        document["id"] = str(uuid.uuid4())
        document["companyIds"] = [COMPANY]
        document["status"] = "Active"
        document["productIds"] = [product(number)]
        return document | changes

    return make


def product(number: int) -> str:
    return f"urn:pact:company.example:product-id:{number}"
