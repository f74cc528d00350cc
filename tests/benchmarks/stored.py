"""Homes of nodes with as many footprints as are asked for, and peers that may see them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, insert

from underseal_node.node import Node, create_node, open_node
from underseal_node.store.tables import (
    AccessGrant,
    ClientCredential,
    Footprint,
    FootprintKey,
    KeyKind,
    Peer,
)
from underseal_protocol.credential import issue
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.segments import pack

HOST = "bench.example"
COMPANY = "urn:lei:529900T8BM49AURSDO55"
PRODUCT_SHARE = 10  # footprints of one product
BATCH = 5_000
CLASS = "urn:pact:productclassification:cas:554-13-2"
ALL, FEW = "buyer", "few"  # peers, by what they may see

Json = dict[str, Any]


def document(number: int) -> Json:
    """A footprint as an industrial supplier sends it."""
    return {
        "id": id_of(number),
        "specVersion": "3.0.0",
        "created": "2025-01-01T00:00:00Z",
        "status": "Active",
        "companyName": "Bench AG",
        "companyIds": [COMPANY],
        "productDescription": "Lithium carbonate, battery grade, from spodumene, in big bags",
        "productIds": [f"urn:pact:{HOST}:product-id:{number // PRODUCT_SHARE}"],
        "productClassifications": [CLASS],
        "productNameCompany": "Lithium carbonate",
        "comment": "Calculated with primary data of the site; electricity by contract.",
        "pcf": {
            "declaredUnitOfMeasurement": "kilogram",
            "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "1",
            "referencePeriodStart": "2024-01-01T00:00:00Z",
            "referencePeriodEnd": "2025-01-01T00:00:00Z",
            "geographyCountry": "DE",
            "pcfExcludingBiogenicUptake": "15.4231",
            "pcfIncludingBiogenicUptake": "15.4231",
            "fossilGhgEmissions": "15.4231",
            "fossilCarbonContent": "0",
            "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["PACT-3.0"],
            "exemptedEmissionsPercent": "0",
            "exemptedEmissionsDescription": "none",
            "primaryDataShare": "54.2",
            "aircraftGhgEmissions": "0.1",
            "packagingGhgEmissions": "0.05",
            "biogenicCarbonContent": "0",
            "boundaryProcessesDescription": "mining, calcination, leaching, precipitation, drying",
            "allocationRulesDescription": "by mass",
            "packagingEmissionsIncluded": True,
            "secondaryEmissionFactorSources": [{"name": "ecoinvent", "version": "3.11"}],
            "dqi": {"technologicalDQR": "1.5", "geographicalDQR": "2", "temporalDQR": "1.2"},
        },
    }


def id_of(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(number)))


def granted_few(count: int) -> range:
    """The numbers of the ten that the second peer may see, far from one another."""
    return range(count // 20, count, count // 10)


# --- homes ----------------------------------------------------------------------------------


def new_home(directory: Path, *, url: str = f"https://{HOST}", database: str | None = None) -> Path:
    """An empty node.

    Args:
        directory: where it will be.
        url: of the node.
        database: the URL of an empty PostgreSQL database; None for SQLite.
    """
    with _environment("UNDERSEAL_DATABASE_URL", database):
        home = create_node(directory, company_name="Bench AG", company_ids=[COMPANY], url=url)
    with home.config_file.open("a", encoding="utf-8") as file:
        # One client asks for what thousands would; the limit is counted, and never reached.
        file.write("max_requests_per_second = 1000000\n")
        # Nobody signs receipts here: there is nothing to wait for.
        file.write("receipt_wait_seconds = 0.001\n")
        # The peers of the benchmark are on this machine.
        file.write("allow_private_networks = true\n")
        if database is not None:
            file.write(f'database_url = "{database}"\n')
    return home.path


def filled_home(directory: Path, count: int, *, database: str | None = None) -> Path:
    """A node with so many footprints, a peer that may see all of them and one that may see ten."""
    path = new_home(directory, database=database)
    node = open_node(path)

    def store(session: Session) -> None:
        now = node.now()
        for number, name in ((1, ALL), (2, FEW)):
            session.add(Peer(id=number, name=name, created_at=now))
            session.flush()
            session.add(
                ClientCredential(client_id=name, peer_id=number, secret_hash="-", created_at=now)
            )
        common: Json = {"changed": 1, "created_at": now}
        session.add(AccessGrant(peer_id=1, kind=KeyKind.ALL, value="", level=3, **common))
        session.add_all(
            AccessGrant(peer_id=2, kind=KeyKind.FOOTPRINT, value=id_of(one), level=1, **common)
            for one in granted_few(count)
        )

    node.store.write_sync(store)
    fill(node, count)
    with node.store.write_engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    node.close()
    return path


@contextmanager
def _environment(name: str, value: str | None) -> Iterator[None]:
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if value is not None:
            del os.environ[name]
        if before is not None:
            os.environ[name] = before


def token_of(home: Path, number: int = 0, *, peer: str = ALL) -> list[str]:
    """Tokens of a peer."""
    node = open_node(home)
    tokens = node.access_tokens()
    issued = [tokens.issue(peer, node.now()) for _ in range(number or 1)]
    node.close()
    return issued


class Homes:
    """The homes of one kind of database, made when first asked for.

    Args:
        directory: for all of them.
        new_database: makes a database; None for SQLite.
    """

    def __init__(self, directory: Path, new_database: Any = None) -> None:
        self._directory = directory
        self._new_database = new_database
        self._known: dict[int, Path] = {}
        directory.mkdir()

    def of(self, count: int) -> Path:
        """A home with so many footprints."""
        if count not in self._known:
            print(f"storing {count:,} footprints ...", flush=True)
            database = self._new_database and self._new_database()
            home = filled_home(self._directory / str(count), count, database=database)
            self._known[count] = home
        return self._known[count]

    def drop(self, count: int) -> None:
        """It takes place on the disk, and is not needed again."""
        home = self._known.pop(count, None)
        if home is not None:
            shutil.rmtree(home)


# --- rows -----------------------------------------------------------------------------------


def fill(node: Node, count: int) -> None:
    """Store footprints. One is signed; the others are it with their own id and product."""
    packed = packed_model(node)
    for start in range(0, count, BATCH):
        rows = [row(node, packed, n) for n in range(start, min(start + BATCH, count))]
        keys = [key for one in rows for key in keys_of(one)]

        def store(session: Session, rows: list[Json] = rows, keys: list[Json] = keys) -> None:
            session.execute(insert(Footprint), rows)
            session.execute(insert(FootprintKey), keys)

        node.store.write_sync(store)


def packed_model(node: Node) -> bytes:
    """Footprint 0 as it is stored."""
    model = document(0)
    signed = issue(
        model,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        issued_at=node.now(),
    )
    return pack(model, signed, node.identity.url)


def row(node: Node, packed: bytes, number: int) -> Json:
    footprint_id = id_of(number)
    product = b":product-id:%d" % (number // PRODUCT_SHARE)
    segments = packed.replace(id_of(0).encode(), footprint_id.encode())
    return {
        "seq": number + 1,
        "id": footprint_id,
        "status": "Active",
        "segments": segments.replace(b":product-id:0", product),
        "document_digest": "",
        "credential_digest": "",
        "changed": number + 1,
        "published_at": node.now(),
        "valid_from": "2025-01-01T00:00:00.000000Z",
        "valid_until": "2028-01-01T00:00:00.000000Z",
        "geography": "de",
        "product_name": "Lithium carbonate",
        "summary": "{}",
    }


def keys_of(footprint: Json) -> list[Json]:
    number = footprint["seq"] - 1
    pairs = {
        KeyKind.ALL: "",
        KeyKind.FOOTPRINT: footprint["id"],
        KeyKind.PRODUCT: f"urn:pact:{HOST}:product-id:{number // PRODUCT_SHARE}",
        KeyKind.COMPANY: COMPANY.lower(),
        KeyKind.CLASSIFICATION: CLASS,
    }
    return [{"kind": kind, "value": value, "seq": number + 1} for kind, value in pairs.items()]
