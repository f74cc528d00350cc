"""A node in memory and what its operator would have done: footprints, peers, grants."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import Session, col

from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_node.store.database import next_change
from underseal_node.store.tables import (
    AccessGrant,
    ClientCredential,
    Footprint,
    FootprintKey,
    KeyKind,
    Peer,
)
from underseal_node.store.types import utc_text
from underseal_node.trust.secrets import hash_secret, new_client_id, new_client_secret
from underseal_protocol import canonical
from underseal_protocol.credential import issue
from underseal_protocol.criteria import FootprintIndex, fold
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.segments import pack
from underseal_protocol.status import issue_status

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
URL = "https://node.example"

Document = dict[str, Any]


@dataclass
class World:
    """A node, its application and shortcuts for what an operator does."""

    node: Node
    app: FastAPI
    now: datetime = NOW
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    peer_ids: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, work: Callable[[Session], Any]) -> Any:
        return self.node.store.write_sync(work)

    def publish(self, document: Document | None = None, **changes: Any) -> str:
        """Store a footprint as publishing does; return its id."""
        number = next(self._numbers)
        document = {**(document or make_document(number)), **changes}
        status = document.get("status", "Active")
        issued = issue(
            document,
            key=self.node.signing_key(KeyPurpose.FOOTPRINT),
            issuer=self.node.identity.url,
            issued_at=self.now,
        )
        index = FootprintIndex.of(document)
        keys = [(KeyKind.ALL, ""), (KeyKind.FOOTPRINT, document["id"])]
        keys += [(KeyKind.PRODUCT, value) for value in index.product_ids]
        keys += [(KeyKind.COMPANY, value) for value in index.company_ids]
        keys += [(KeyKind.CLASSIFICATION, value) for value in index.classifications]

        def store(session: Session) -> None:
            row = Footprint(
                id=document["id"],
                status=status,
                segments=pack(document, issued, self.node.identity.url),
                document_digest=canonical.digest(document),
                credential_digest=issued.digest,
                status_statement=self._statement(document["id"], status, issued.digest),
                changed=next_change(session),
                published_at=self.now,
                valid_from=utc_text(index.valid_from),
                valid_until=utc_text(index.valid_until),
                geography=index.geography,
                product_name=document["productNameCompany"],
                summary="{}",
            )
            session.add(row)
            session.flush()
            assert row.seq is not None
            for kind, value in set(keys):
                session.add(FootprintKey(kind=kind, value=value, seq=row.seq))

        self.write(store)
        return str(document["id"])

    def _statement(self, footprint_id: str, status: str, digest: str) -> str | None:
        if status == "Active":
            return None
        return issue_status(
            footprint_id=footprint_id,
            status=status,
            credential_digest=digest,
            key=self.node.signing_key(KeyPurpose.FOOTPRINT),
            issuer=self.node.identity.url,
            issued_at=self.now,
        )

    def add_peer(
        self, name: str = "buyer", *, base_url: str | None = "https://buyer.example"
    ) -> None:
        client_id, secret = new_client_id(), new_client_secret()

        def store(session: Session) -> int:
            peer = Peer(name=name, created_at=self.now, base_url=base_url)
            session.add(peer)
            session.flush()
            assert peer.id is not None
            session.add(
                ClientCredential(
                    client_id=client_id,
                    peer_id=peer.id,
                    secret_hash=hash_secret(secret),
                    created_at=self.now,
                )
            )
            return peer.id

        self.peer_ids[name] = self.write(store)
        self.secrets[name] = client_id, secret

    def grant(
        self,
        name: str,
        kind: KeyKind,
        value: str = "",
        level: Level = Level.FULL,
        *,
        starts: datetime | None = None,
        ends: datetime | None = None,
    ) -> None:
        def store(session: Session) -> None:
            session.add(
                AccessGrant(
                    peer_id=self.peer_ids[name],
                    kind=kind,
                    value=fold(value),
                    level=level.rank,
                    starts=None if starts is None else utc_text(starts),
                    ends=None if ends is None else utc_text(ends),
                    changed=next_change(session),
                    created_at=self.now,
                )
            )

        self.write(store)

    def change_peer(self, name: str, **values: Any) -> None:
        statement = update(Peer).where(col(Peer.id) == self.peer_ids[name]).values(**values)
        self.write(lambda session: session.execute(statement))

    def change_credential(self, name: str, **values: Any) -> None:
        statement = (
            update(ClientCredential)
            .where(col(ClientCredential.client_id) == self.secrets[name][0])
            .values(**values)
        )
        self.write(lambda session: session.execute(statement))

    def token(self, name: str = "buyer", *, issued_at: datetime | None = None) -> str:
        return self.node.access_tokens().issue(self.secrets[name][0], issued_at or self.now)

    def bearer(self, name: str = "buyer") -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(name)}"}

    @asynccontextmanager
    async def client(
        self, name: str | None = None, *, url: str = URL
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the application, with a token of a peer or without."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = self.bearer(name) if name else {}
        async with httpx.AsyncClient(transport=transport, base_url=url, headers=headers) as client:
            yield client


def make_document(number: int = 1, **changes: Any) -> Document:
    """A footprint that meets the schema and has something in every block."""
    document: Document = {
        "id": str(uuid.UUID(int=number + (7 << 76) + (2 << 62))),
        "specVersion": "3.0.0",
        "created": "2025-01-01T00:00:00Z",
        "status": "Active",
        "companyName": "Node AG",
        "companyIds": ["urn:lei:529900T8BM49AURSDO55"],
        "productDescription": "A product",
        "productIds": [f"urn:pact:node.example:product-id:{number}"],
        "productClassifications": ["urn:pact:productclassification:cas:554-13-2"],
        "productNameCompany": f"Product {number}",
        "comment": "told to few",
        "pcf": {
            "declaredUnitOfMeasurement": "kilogram",
            "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "1",
            "referencePeriodStart": "2024-01-01T00:00:00Z",
            "referencePeriodEnd": "2025-01-01T00:00:00Z",
            "geographyCountry": "DE",
            "pcfExcludingBiogenicUptake": "1.5",
            "pcfIncludingBiogenicUptake": "1.5",
            "fossilGhgEmissions": "1.5",
            "fossilCarbonContent": "0",
            "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["PACT-3.0"],
            "exemptedEmissionsPercent": "0",
            "primaryDataShare": "50",
            "aircraftGhgEmissions": "0.1",
            "biogenicCarbonContent": "0.2",
            "boundaryProcessesDescription": "gate to gate",
            "packagingEmissionsIncluded": False,
            "dqi": {"technologicalDQR": "1", "geographicalDQR": "2", "temporalDQR": "3"},
        },
    }
    document.update(changes)
    return document


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """`make_world(url=..., **settings)`."""
    opened: list[World] = []

    def make(url: str = URL, **settings: Any) -> World:
        home = create_node(
            tmp_path / f"node-{len(opened)}",
            company_name="Node AG",
            company_ids=["urn:lei:529900T8BM49AURSDO55"],
            url=url,
        )
        world: World
        node = open_node(home.path, settings=Settings(**settings), clock=lambda: world.now)
        world = World(node, create_public_app(node))
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.app.state.context.serving.close()
        world.node.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A node with two footprints and one peer that has been granted nothing."""
    world = make_world()
    world.publish()
    world.publish()
    world.add_peer()
    return world


@pytest.fixture
def ids() -> list[str]:
    """Of the two footprints of `world`."""
    return [str(make_document(number)["id"]) for number in (1, 2)]


@pytest.fixture
def listed() -> Callable[[httpx.Response], list[str]]:
    """The ids in a list response."""

    def read(response: httpx.Response) -> list[str]:
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        return [item["id"] for item in json.loads(response.content)["data"]]

    return read


@pytest.fixture
def document() -> Callable[..., Document]:
    """`document(number, **changes)`: a footprint that meets the schema."""
    return make_document
