"""What nodes do with each other in bulk: a pull of everything, and telling all of a correction."""

from __future__ import annotations

import asyncio
import json
import ssl
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme
from sqlmodel import Session
from tests.benchmarks.machine import signatures_per_second
from tests.benchmarks.results import Figure, Json
from tests.benchmarks.servers import listening, serving
from tests.benchmarks.stored import document, id_of, new_home
from tests.benchmarks.work import done

from underseal_node.exchange.access import secret_context
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.node import Node, open_node
from underseal_node.publishing.changing import supersede
from underseal_node.publishing.publish import import_files
from underseal_node.store import grants, outbox
from underseal_node.store.exchange_tables import OutboxState
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.trust.peers import PeerChange, add_peer
from underseal_node.trust.vault import VaultPurpose
from underseal_protocol.disclosure import Level

CERTIFICATE = "certificate.pem"
SELLER, BUYER = "seller", "buyer"
DOMAIN = "peers.example"


# --- a pull -----------------------------------------------------------------------------------


def pull_figures(directory: Path, count: int) -> list[Figure]:
    """A new customer pulls everything of a supplier: fetched, verified, stored, page by page."""
    with listening() as socket:
        url = f"https://localhost:{socket.getsockname()[1]}"
        seller = new_home(directory / SELLER, url=url)
        authority = trustme.CA()
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            seller / CERTIFICATE
        )
        client = asyncio.run(_publish(seller, count))
        with serving("tls", seller, sockets=[socket]):
            buyer = new_home(directory / BUYER)
            anchors = authority.cert_pem.bytes().decode()
            asyncio.run(_befriend(buyer, PeerChange(url, None, *client, ca_pem=anchors)))
            found = done("pull", home=str(buyer), peer=SELLER)
    assert found["count"] == found["received"] == count, found
    rate = count / found["seconds"]
    counted = {
        "footprints/s": rate,
        "bare verifications/s": found["verifications_per_second"],
        "MB at most": found["peak_mb"],
    }
    ratio = rate / found["verifications_per_second"]
    return [
        Figure("pull", f"pull-{count}", ratio, "verifications", counted=counted),
        Figure("pull", f"pull-{count}-memory", found["peak_mb"], "MB", at_most=True),
    ]


async def _publish(home: Path, count: int) -> tuple[str, str]:
    """So many footprints that the customer may see; its client id and secret."""
    node = open_node(home)
    exchange = Exchange(node)
    peer, credentials, _ = await add_peer(exchange, BUYER, PeerChange())
    _grant_all(node, [peer.id or 0])
    content = json.dumps([document(number) for number in range(count)]).encode()
    result = await import_files(node, [("footprints.json", content)], dry_run=False)
    assert len(result.footprints) == count, result.problems[:3]
    await exchange.aclose()
    node.close()
    return credentials.client_id, credentials.client_secret


async def _befriend(home: Path, change: PeerChange) -> None:
    node = open_node(home)
    exchange = Exchange(node)
    _, _, warnings = await add_peer(exchange, SELLER, change)
    assert not warnings, warnings
    await exchange.aclose()
    node.close()


def _grant_all(node: Node, peer_ids: Sequence[int]) -> None:
    def work(session: Session) -> None:
        for peer_id in peer_ids:
            grants.add(session, peer_id, KeyKind.ALL, "", Level.FULL, node.now())

    node.store.write_sync(work)


# --- telling all ------------------------------------------------------------------------------


def fan_out_figures(directory: Path, count: int, rounds: int) -> list[Figure]:
    """A correction is told to so many peers, each at an address of its own.

    Set against the same calls with nothing round them: connect, post, read the answer.
    """
    place = directory / "peers"
    place.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert(f"*.{DOMAIN}")
    issued.private_key_and_cert_chain_pem.write_to_path(place / CERTIFICATE)
    authority.cert_pem.write_to_path(place / "authority.pem")
    home = new_home(directory / "fan-out")
    with listening() as socket:
        port = socket.getsockname()[1]
        _add_peers(home, port, count, authority.cert_pem.bytes().decode())
        with serving("sink", place, sockets=[socket]):
            found = done(
                "fan-out",
                home=str(home),
                port=port,
                certificate=str(place / "authority.pem"),
                rounds=rounds,
            )
    counted = {
        "events/s": count / found["seconds"],
        "bare calls/s": count / found["bare_seconds"],
        "events/s at first contact": count / found["first_seconds"],
        "MB at most": found["peak_mb"],
    }
    ratio = found["bare_seconds"] / found["seconds"]
    return [Figure("fan-out", f"fan-out-{count}", ratio, "bare calls", counted=counted)]


def _add_peers(home: Path, port: int, count: int, anchors: str) -> None:
    """Peers that have issued a secret to us and may see everything; and a footprint."""
    node = open_node(home)

    def work(session: Session) -> list[int]:
        added = []
        for number in range(count):
            url = f"https://p{number}.{DOMAIN}:{port}"
            peer = Peer(name=f"p{number}", created_at=node.now(), base_url=url, client_id="bench")
            session.add(peer)
            session.flush()
            peer.ca_pem = anchors
            peer.client_secret_encrypted = node.vault.seal(
                VaultPurpose.PEER_SECRET, b"secret", context=secret_context(peer)
            )
            added.append(peer.id or 0)
        return added

    ids = node.store.write_sync(work)
    content = json.dumps(document(0)).encode()
    asyncio.run(import_files(node, [("footprint.json", content)], dry_run=False))
    _grant_all(node, ids)
    node.close()


@dataclass
class _Correction:
    """The footprint that is corrected again and again."""

    node: Node
    exchange: Exchange
    current: str

    async def tell(self) -> float:
        """Publish a correction, and tell all of it; seconds."""
        changed = {**document(0), "comment": f"instead of {self.current}"}
        del changed["id"]
        file = ("footprint.json", json.dumps(changed).encode())
        start = time.perf_counter()
        self.current = (await supersede(self.node, self.current, file)).published or ""
        await OutboxWorker(self.exchange).drain()
        return time.perf_counter() - start


def told(home: Path, port: int, authority: Path, rounds: int) -> Json:
    """In a process of its own: seconds of telling all, and of the bare calls, in turn."""
    node = open_node(home)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async def work() -> Json:
        exchange = Exchange(node, http=PeerHttp(node.settings, resolve=resolve))
        correction = _Correction(node, exchange, id_of(0))
        first = await correction.tell()
        pairs = []
        for _ in range(rounds):
            seconds = await correction.tell()
            bodies = _delivered(node)
            pairs.append((seconds, await _bare_calls(bodies, port, authority)))
        await exchange.aclose()
        middle = statistics.median_low([ours / bare for ours, bare in pairs])
        ours, bare = next(one for one in pairs if one[0] / one[1] == middle)
        return {"seconds": ours, "bare_seconds": bare, "first_seconds": first}

    found = asyncio.run(work())
    node.close()
    return {**found, "signatures_per_second": signatures_per_second()}


def _delivered(node: Node) -> list[bytes]:
    """The last event of each peer; every one has to have been delivered."""
    rows = node.store.read_sync(lambda session: outbox.listing(session, limit=1_000_000))
    assert all(row.state == OutboxState.DELIVERED for row, _ in rows), "some are not delivered"
    return list({row.peer_id: row.body for row, _ in reversed(rows)}.values())


async def _bare_calls(bodies: Sequence[bytes], port: int, authority: Path) -> float:
    """Seconds for posting these bodies, as many at a time as the node does."""
    context = ssl.create_default_context(cafile=str(authority))
    places = asyncio.Semaphore(32)

    async def post(number: int, body: bytes) -> None:
        async with places:
            host = f"p{number}.{DOMAIN}"
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname=host
            )
            head = f"POST /3/events HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n"
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 200"), answer
            writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(post(number, body) for number, body in enumerate(bodies)))
    return time.perf_counter() - start
