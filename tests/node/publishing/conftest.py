"""A node that publishes, the documents and sheets it is given, and the peers it tells."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
from sqlmodel import Session, select

from underseal_node.node import Node
from underseal_node.publishing.columns import COLUMNS, EXAMPLES, title_of
from underseal_node.publishing.files import Documents, read_file
from underseal_node.publishing.publish import import_files
from underseal_node.publishing.results import ImportResult
from underseal_node.store import footprints, grants
from underseal_node.store.exchange_tables import OutboxEvent
from underseal_node.store.footprints import OwnFootprint
from underseal_node.store.tables import Footprint, FootprintKey, KeyKind, Peer
from underseal_protocol.disclosure import Level

Document = dict[str, Any]
Values = Mapping[str, Any]


def make_document(number: int = 1, **changes: Any) -> Document:
    """A footprint as a company writes it that leaves out what its node knows."""
    document: Document = {
        "id": str(uuid.UUID(int=number + (7 << 76) + (2 << 62))),
        "created": "2026-01-02T03:04:05Z",
        "productDescription": "A product",
        "productIds": [f"urn:pact:cathode.example:product-id:{number}"],
        "productNameCompany": f"Product {number}",
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
        },
    }
    return {**document, **changes}


def encode(*values: Any) -> bytes:
    """JSON: one value as it is, several as a list."""
    return json.dumps(values[0] if len(values) == 1 else values).encode()


@dataclass
class Desk:
    """What the operator of a node does and sees."""

    node: Node

    async def imports(self, *files: Any, dry_run: bool = False) -> ImportResult:
        """Import files: bytes, or what is written as JSON."""
        named = [
            (f"file{number}", one if isinstance(one, bytes) else encode(one))
            for number, one in enumerate(files, 1)
        ]
        return await import_files(self.node, named, dry_run=dry_run)

    async def publishes(self, *files: Any) -> ImportResult:
        """Import files that have to be in order."""
        result = await self.imports(*files)
        assert result.problems == ()
        return result

    def reads(self, content: bytes, name: str = "file") -> Documents:
        return read_file(name, content, self.node)

    def own(self) -> list[OwnFootprint]:
        """Oldest publication first."""
        return list(reversed(self.node.store.read_sync(footprints.listing)))

    def body(self, footprint_id: str) -> Document:
        found = self.node.store.read_sync(lambda session: footprints.get(session, footprint_id))
        assert found.body is not None
        document: Document = json.loads(found.body)
        return document

    def row(self, footprint_id: str) -> Footprint:
        return self.node.store.read_sync(lambda session: footprints.row(session, footprint_id))

    def events(self) -> list[tuple[str, Document]]:
        """What is in the outbox: the name of the peer and the event."""

        def work(session: Session) -> list[tuple[str, Document]]:
            rows = session.exec(
                select(Peer.name, OutboxEvent.body)
                .where(OutboxEvent.peer_id == Peer.id)
                .order_by(OutboxEvent.id)  # type: ignore[arg-type]
            )
            return [(name, json.loads(body)) for name, body in rows]

        return self.node.store.read_sync(work)

    def told(self) -> list[tuple[str, list[str]]]:
        """Peers and the ids that each event names, sorted."""
        return [(name, sorted(event["data"]["pfIds"])) for name, event in self.events()]

    def counts(self) -> tuple[int, int, int]:
        """Rows of footprints, their keys and the outbox."""

        def work(session: Session) -> tuple[int, int, int]:
            return (
                len(session.exec(select(Footprint.seq)).all()),
                len(session.exec(select(FootprintKey.seq)).all()),
                len(session.exec(select(OutboxEvent.id)).all()),
            )

        return self.node.store.read_sync(work)

    def add_peer(
        self,
        name: str,
        kind: KeyKind | None = KeyKind.ALL,
        value: str = "",
        *,
        level: Level = Level.TOTAL,
        **values: Any,
    ) -> int:
        """A peer that can be told, with a grant."""

        def work(session: Session) -> int:
            url = f"https://{name}.example"
            now = self.node.now()
            peer = Peer(**{"name": name, "created_at": now, "base_url": url, **values})
            session.add(peer)
            session.flush()
            assert peer.id is not None
            if kind is not None:
                grants.add(session, peer.id, kind, value, level, now)
            return peer.id

        return self.node.store.write_sync(work)


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


@pytest.fixture
def document() -> Callable[..., Document]:
    """`document(number, **changes)`"""
    return make_document


@pytest.fixture
def row() -> Callable[..., Document]:
    """`row(name=value)`: the cells of a row that can be published, by the names of columns."""

    def make(**changes: Any) -> Document:
        changes = {name.replace("__", "."): value for name, value in changes.items()}
        return {
            **EXAMPLES,
            "productNameCompany": "Lithium carbonate",
            "productIds": "urn:pact:cathode.example:product-id:7",
            **changes,
        }

    return make


def _grid(rows: Sequence[Values], names: Sequence[str] | None) -> list[list[Any]]:
    known = {column.name: title_of(column) for column in COLUMNS}
    used = names or [name for name in known if any(name in row for row in rows)]
    header = [known.get(name, name) for name in used]
    return [header, *([row.get(name) for name in used] for row in rows)]


@pytest.fixture
def make_csv() -> Callable[..., bytes]:
    """`make_csv(row, ..., names=..., separator=..., encoding=...)`"""

    def make(
        *rows: Values,
        names: Sequence[str] | None = None,
        separator: str = ",",
        encoding: str = "utf-8",
    ) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=separator).writerows(_grid(rows, names))
        return text.getvalue().encode(encoding)

    return make


@pytest.fixture
def make_workbook() -> Callable[..., bytes]:
    """`make_workbook(row, ..., change=function of the workbook)`"""

    def make(
        *rows: Values,
        names: Sequence[str] | None = None,
        change: Callable[[openpyxl.Workbook], object] | None = None,
    ) -> bytes:
        book = openpyxl.Workbook()
        book.active.title = "Footprints"
        for cells in _grid(rows, names):
            book.active.append(cells)
        if change is not None:
            change(book)
        content = io.BytesIO()
        book.save(content)
        return content.getvalue()

    return make
