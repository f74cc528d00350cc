"""Peers and published footprints for the tests of queries."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.publishing.publish import import_files
from underseal_node.store.tables import Peer


@pytest.fixture
def publish(node: Node) -> Callable[..., str]:
    """`publish(number, **changes)`: publish a footprint of product `urn:x:NUMBER`; its id."""

    def make(number: int = 1, **changes: Any) -> str:
        document = {
            "id": str(uuid.UUID(int=number)),
            "created": "2026-01-02T03:04:05Z",
            "productDescription": "A product",
            "productIds": [f"urn:x:{number}"],
            "productNameCompany": f"Product {number}",
            "comment": "told to few",
            "pcf": {
                "declaredUnitOfMeasurement": "kilogram",
                "declaredUnitAmount": "1",
                "productMassPerDeclaredUnit": "1",
                "referencePeriodStart": "2025-01-01T00:00:00Z",
                "referencePeriodEnd": "2026-01-01T00:00:00Z",
                "pcfExcludingBiogenicUptake": "1.50",
                "pcfIncludingBiogenicUptake": "1.50",
                "fossilGhgEmissions": "1.50",
                "fossilCarbonContent": "0",
                "ipccCharacterizationFactors": ["AR6"],
                "crossSectoralStandards": ["PACT-3.0"],
                "exemptedEmissionsPercent": "0",
            },
            **changes,
        }
        content = json.dumps(document).encode()
        result = asyncio.run(import_files(node, [("file", content)], dry_run=False))
        assert result.problems == ()
        return result.footprints[0].id

    return make


@pytest.fixture
def add_peer(node: Node) -> Callable[..., int]:
    """`add_peer(name)`: an active peer that can be told; its id."""

    def make(name: str = "buyer") -> int:
        def work(session: Session) -> int:
            url = f"https://{name}.example"
            peer = Peer(name=name, created_at=node.now(), base_url=url)
            session.add(peer)
            session.flush()
            assert peer.id is not None
            return peer.id

        return node.store.write_sync(work)

    return make
