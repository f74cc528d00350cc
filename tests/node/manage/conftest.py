"""Companies in memory: each with the management application and, for the others, the public one."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.inbox import InboxWorker
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.manage.app import create_manage_app
from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_protocol.keys import KeyPurpose, PublicKey, SigningKey

Document = dict[str, Any]
MANAGE_URL = "http://127.0.0.1:8444"
RECOVERY_KEY = SigningKey.generate(KeyPurpose.RECOVERY)
RECOVERY = RECOVERY_KEY.public_key()
COMPANY_IDS = ["urn:lei:529900T8BM49AURSDO55"]


class Internet(httpx.AsyncBaseTransport):
    """The hosts that outgoing calls reach; whatever else there is cannot be connected to."""

    def __init__(self) -> None:
        self.hosts: dict[str, httpx.AsyncBaseTransport] = {}
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host not in self.hosts:
            raise httpx.ConnectError("nobody listens there")
        return await self.hosts[request.url.host].handle_async_request(request)

    def answer(self, host: str, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        """Put a server of another make on a host."""

        def unread(request: httpx.Request) -> httpx.Response:
            made = answer(request)
            stream = httpx.ByteStream(made.content)
            return httpx.Response(made.status_code, headers=made.headers, stream=stream)

        self.hosts[host] = httpx.MockTransport(unread)


@dataclass
class Company:
    """A node and what its operator does with it."""

    node: Node
    app: FastAPI
    exchange: Exchange
    http: httpx.AsyncClient
    time: list[datetime]
    public: FastAPI

    @property
    def url(self) -> str:
        return self.node.identity.url

    def advance(self, **amount: float) -> None:
        self.time[0] += timedelta(**amount)

    async def get(self, path: str, **query: Any) -> Any:
        return _expected(await self.http.get(path, params=query), 200)

    async def post(self, path: str, content: Any = None, status: int = 200, **query: Any) -> Any:
        return _expected(await self.http.post(path, json=content, params=query), status)

    async def patch(self, path: str, content: Any) -> Any:
        return _expected(await self.http.patch(path, json=content), 200)

    async def upload(self, path: str, content: Any, status: int = 200, **query: Any) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return _expected(await self.http.post(path, content=body, params=query), status)

    async def publish(self, *documents: Document) -> list[str]:
        """Import footprints; returns their ids."""
        result = await self.upload("/footprints/import", list(documents), name="own.json")
        assert result["refused"] == 0, result["problems"]
        return [one["id"] for one in result["footprints"]]

    async def work(self) -> None:
        """What the background workers do until nothing is due."""
        await OutboxWorker(self.exchange).drain()
        await InboxWorker(self.exchange).drain()

    async def note_reads(self) -> None:
        """Write down what peers have read, as the public listener does now and then."""
        await self.public.state.context.audit.flush()

    async def pull(self, peer: str) -> Any:
        """Pull from a peer and wait for the end."""
        started = await self.post("/pulls", {"peers": [peer]}, 202)
        await self.app.state.context.pulls.finished(started["id"])
        return (await self.get(f"/pulls/{started['id']}"))["data"][0]


def _expected(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json() if response.content else None


@dataclass
class Market:
    """Opens companies; all of them reach one another."""

    directory: Path
    stack: AsyncExitStack
    internet: Internet = field(default_factory=Internet)
    companies: dict[str, Company] = field(default_factory=dict)
    time: list[datetime] = field(
        default_factory=lambda: [datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)]
    )

    async def open(
        self,
        name: str,
        *,
        recovery: PublicKey | None = RECOVERY,
        company_ids: Sequence[str] | None = None,
        **settings: Any,
    ) -> Company:
        """A company whose node is at https://NAME.example; `cathode` is the one with an LEI."""
        own = COMPANY_IDS if name == "cathode" else [f"urn:pact:{name}.example:company-id:1"]
        home = create_node(
            self.directory / name,
            company_name=name.title(),
            company_ids=own if company_ids is None else company_ids,
            url=f"https://{name}.example",
            recovery=recovery,
            clock=lambda: self.time[0],
        )
        # Nobody signs receipts meanwhile: there is nothing to wait for.
        used = Settings(**{"receipt_wait_seconds": 0.001, **settings})
        node = open_node(home.path, settings=used, clock=lambda: self.time[0])
        self.stack.callback(node.close)
        exchange = Exchange(node, http=PeerHttp(used, transport=self.internet, sleep=_at_once))
        self.stack.push_async_callback(exchange.aclose)
        public = create_public_app(node)
        self.stack.callback(public.state.context.serving.close)
        self.internet.hosts[f"{name}.example"] = httpx.ASGITransport(public)
        app = create_manage_app(node, exchange=exchange)
        await self.stack.enter_async_context(app.router.lifespan_context(app))
        http = await self.stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url=MANAGE_URL,
                headers={"authorization": f"Bearer {home.operator_token()}"},
            )
        )
        self.companies[name] = Company(node, app, exchange, http, self.time, public)
        return self.companies[name]

    async def befriend(self, one: Company, other: Company) -> None:
        """Register both at each other, by their host names, with credentials."""
        at_one = await one.post("/peers", {"name": _name(other), "url": other.url}, 201)
        at_other = await other.post(
            "/peers",
            {
                "name": _name(one),
                "url": one.url,
                "clientId": at_one["client_id"],
                "clientSecret": at_one["client_secret"],
            },
            201,
        )
        await one.patch(
            f"/peers/{_name(other)}",
            {"clientId": at_other["client_id"], "clientSecret": at_other["client_secret"]},
        )


def _name(company: Company) -> str:
    return company.url.removeprefix("https://").removesuffix(".example")


async def _at_once(_seconds: float) -> None:
    """No waiting between attempts."""


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    async with AsyncExitStack() as stack:
        yield Market(tmp_path, stack)


@pytest.fixture
async def company(market: Market) -> Company:
    """A company on its own."""
    return await market.open("cathode")


@pytest.fixture
async def pair(market: Market) -> tuple[Company, Company]:
    """A customer `cell` and a supplier `cathode` that know each other; nothing is granted."""
    customer, supplier = await market.open("cell"), await market.open("cathode")
    await market.befriend(customer, supplier)
    return customer, supplier


def make_document(number: int = 1, **changes: Any) -> Document:
    """A footprint that may be published."""
    made: Document = {
        "id": str(uuid.UUID(int=number + (7 << 76) + (2 << 62))),
        "productDescription": "A product",
        "productIds": [f"urn:pact:cathode.example:product-id:{number}"],
        "productClassifications": ["urn:pact:productclassification:cas:554-13-2"],
        "productNameCompany": f"Product {number}",
        "comment": "told to few",
        "pcf": {
            "declaredUnitOfMeasurement": "kilogram",
            "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "1",
            "referencePeriodStart": "2025-01-01T00:00:00Z",
            "referencePeriodEnd": "2026-01-01T00:00:00Z",
            "geographyCountry": "DE",
            "pcfExcludingBiogenicUptake": "1.50",
            "pcfIncludingBiogenicUptake": "1.50",
            "fossilGhgEmissions": "1.50",
            "fossilCarbonContent": "0",
            "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["PACT-3.0"],
            "exemptedEmissionsPercent": "0",
            "primaryDataShare": "50",
            "boundaryProcessesDescription": "gate to gate",
            "packagingEmissionsIncluded": False,
            "dqi": {"technologicalDQR": "1", "geographicalDQR": "2", "temporalDQR": "3"},
        },
    }
    return made | changes


@pytest.fixture
def document() -> Callable[..., Document]:
    """`document(number, **changes)`: a footprint that may be published."""
    return make_document


@pytest.fixture
def refused() -> Callable[[httpx.Response, int], str]:
    """Check a refusal and return its message and hint as one text."""

    def check(response: httpx.Response, status: int) -> str:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        body = response.json()
        assert body.keys() <= {"message", "hint", "problems"}
        assert body["message"]
        return f"{body['message']} {body.get('hint', '')}"

    return check


Refused = Callable[[httpx.Response, int], str]
Opened = Callable[..., Coroutine[Any, Any, Company]]


SAID = {
    "level": "limited",
    "coverage": "product level",
    "standardName": "ISO 14067:2018",
    "completedAt": "2026-02-27T00:00:00Z",
    "statement": {"text": "未发现任何异常: nothing has come to our attention."},
}


@dataclass
class Stage:
    """A supplier, a verifier that is its peer, and a draft."""

    market: Market
    supplier: Company
    verifier: Company

    async def draft(self, document: Document, **query: Any) -> Document:
        made: Document = await self.supplier.upload("/drafts", document, **query)
        return made

    async def attest(self, document: Any, status: int = 200, **changes: Any) -> Any:
        given = {**SAID, "document": json.dumps(document), **changes}
        return await self.verifier.post("/attestations", given, status)

    async def publish(self, draft: Any, token: str | None = None, status: int = 200) -> Any:
        given = {"draft": json.dumps(draft)} | ({} if token is None else {"attestation": token})
        return await self.supplier.post("/drafts/publish", given, status)

    async def body(self, footprint_id: str) -> Document:
        shown: Document = (await self.supplier.get(f"/footprints/{footprint_id}"))["footprint"]
        return shown

    async def received_at(self, level: str, document: Document) -> Any:
        """A footprint as the verifier has received it from the supplier."""
        (footprint_id,) = await self.supplier.publish(document)
        given = {"peer": "auditor", "everything": True, "level": level}
        await self.supplier.post("/grants", given, 201)
        await self.verifier.pull("cathode")
        return await self.verifier.get(f"/received/{footprint_id}")


@pytest.fixture
async def stage(market: Market) -> Stage:
    supplier, verifier = await market.open("cathode"), await market.open("auditor")
    await market.befriend(supplier, verifier)
    # The first contact pins the keys, on both sides.
    await supplier.pull("auditor")
    await verifier.pull("cathode")
    return Stage(market, supplier, verifier)
