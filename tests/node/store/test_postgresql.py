"""What only PostgreSQL does: processes that write at the same time, and texts that it refuses.

They run whatever the other tests run on (`tests/postgresql.py`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.manage.test_products import GRID, POWER, product
from tests.postgresql import NEEDS_POSTGRESQL, Databases

from underseal_node.doctor.checks import Result
from underseal_node.doctor.inside import look_inside
from underseal_node.energy.export import Files
from underseal_node.energy.importing import EnergyImported, import_energy
from underseal_node.energy.usage import energy_of_plant
from underseal_node.node import Node, Role, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.products.bills import defaults_of
from underseal_node.products.importing import import_products
from underseal_node.products.matching import Decision, decide
from underseal_node.products.refreshing import refresh
from underseal_node.products.releasing import Outcome, prepare, publish
from underseal_node.products.staleness import Cause
from underseal_node.products.status import overview
from underseal_node.settings import Settings
from underseal_node.store import peers, pins, pulls
from underseal_node.store.products import history as history_of
from underseal_node.store.releases import ledger
from underseal_node.store.tables import Awaits, Peer, PeerState
from underseal_node.trust import partnerships, registrations
from underseal_node.trust.invitations import Offer, create_invitation
from underseal_node.trust.partnerships import Move
from underseal_protocol import acceptance
from underseal_protocol.client_assertion import CLIENT_ASSERTION_TYPE
from underseal_protocol.invitation import read_invitation
from underseal_protocol.key_log import first_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.onboarding import Company
from underseal_protocol.rollup.sources import FactorSource

pytestmark = [NEEDS_POSTGRESQL, pytest.mark.xdist_group("postgresql")]

FORM = {"content-type": "application/x-www-form-urlencoded"}
COMPANY = Company("Guest", ("urn:lei:529900T8BM49AURSDO55",))
PURPOSES = (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT, KeyPurpose.CLIENT)
WAIT_SECONDS = 10.0
HELD_SECONDS = 0.5  # long enough for the other one to come to the row

Paused = Callable[[Session, Callable[[], None]], None]
"""Work that calls what it is given between reading and writing."""


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """A new database, without tables."""
    url = databases.new(is_migrated=False)
    yield url
    databases.drop_url(url)


@dataclass
class Processes:
    """The management process of a node, and a public worker."""

    manage: Node
    worker: Node

    def add(self, **values: Any) -> int:
        peer = Peer(name="Guest", created_at=self.manage.now(), is_underseal=True, **values)
        return self.manage.store.write_sync(lambda session: peers.add(session, peer)).id or 0

    def peer(self) -> Peer:
        return self.manage.store.read_sync(lambda session: peers.by_name(session, "Guest"))

    def at_once(self, first: Paused, second: Callable[[Session], Any]) -> None:
        """The worker does the first; while it pauses, the management process does the second."""
        has_begun = threading.Event()

        def pause() -> None:
            has_begun.set()
            threading.Event().wait(HELD_SECONDS)

        worker = threading.Thread(
            target=lambda: self.worker.store.write_sync(lambda session: first(session, pause))
        )
        worker.start()
        assert has_begun.wait(WAIT_SECONDS)
        self.manage.store.write_sync(second)
        worker.join(WAIT_SECONDS)


@pytest.fixture
def processes(tmp_path: Path, database: str) -> Iterator[Processes]:
    settings = Settings(database_url=database)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSEAL_DATABASE_URL", database)
        home = create_node(
            tmp_path / "home",
            company_name="Host",
            company_ids=list(COMPANY.ids),
            url="https://host.example",
        )
    with ExitStack() as stack:
        opened = [
            open_node(home.path, settings=settings, role=role) for role in ("manage", "public")
        ]
        for one in opened:
            stack.callback(one.close)
        yield Processes(*opened)


def test_a_worker_does_not_undo_a_revocation(processes: Processes) -> None:
    """It has read that the peer is pending, and then takes up that it was approved."""
    peer_id = processes.add(state=PeerState.PENDING, awaits=Awaits.THEM)
    now = processes.manage.now()

    def activate(session: Session, pause: Callable[[], None]) -> None:
        peer = pins.peer_row(session, peer_id)
        pause()
        partnerships.activated(session, peer, now)

    def revoke(session: Session) -> None:
        peer = peers.by_name(session, "guest")
        partnerships.move(session, peer, Move.REVOKE, now, reason="theft")

    processes.at_once(activate, revoke)
    assert processes.peer().state == PeerState.REVOKED


def test_a_stale_read_is_not_written_back(processes: Processes) -> None:
    """Two followers of a key log: the second one starts from what the first has pinned."""
    peer_id = processes.add()

    def follow(session: Session, entry: str, pause: Callable[[], None]) -> None:
        peer = pins.peer_row(session, peer_id)
        pause()
        entries = [*json.loads(peer.key_log), entry]
        pins.followed(session, peer, entries=entries, key_set="{}", issuer="i", former_issuers=())

    processes.at_once(
        lambda session, pause: follow(session, "recovery", pause),
        lambda session: follow(session, "next", lambda: None),
    )
    assert json.loads(processes.peer().key_log) == ["recovery", "next"]


def test_what_only_reads_waits_for_nobody(processes: Processes) -> None:
    peer_id = processes.add()
    seen: list[Any] = []

    def change(session: Session, pause: Callable[[], None]) -> None:
        pins.peer_row(session, peer_id).scope = "changed"
        session.flush()
        pause()
        seen.append(len(seen))

    def look(_session: Session) -> None:
        seen.append(processes.peer().scope)

    processes.at_once(change, look)
    assert seen == [None, 1]


def test_what_was_changed_and_not_written_yet_is_not_lost(processes: Processes) -> None:
    peer_id = processes.add()

    def work(session: Session) -> None:
        pins.peer_row(session, peer_id).scope = "changed"
        assert pins.peer_row(session, peer_id).scope == "changed"

    processes.manage.store.write_sync(work)
    assert processes.peer().scope == "changed"


def test_two_hosts_begin_the_same_first_pull(processes: Processes) -> None:
    peer_id, now = processes.add(), processes.manage.now()
    seen: list[int | None] = []

    def begin(session: Session, pause: Callable[[], None] = lambda: None) -> None:
        seen.append(pulls.begin(session, peer_id, "status=Active", now).id)
        pause()

    processes.at_once(begin, begin)
    assert len(seen) == 2
    assert seen[0] == seen[1] is not None


@pytest.mark.parametrize(
    ("ahead", "result", "words"),
    [(0, Result.OK, "agrees"), (60, Result.WARNING, "differ by 60 seconds")],
)
async def test_the_doctor_compares_clocks_with_the_database(
    processes: Processes, ahead: int, result: Result, words: str
) -> None:
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    path = processes.manage.home.path
    settings = processes.manage.settings
    node = open_node(path, settings=settings, clock=lambda: now, role=Role.MANAGE)
    try:
        found = {check.name: check for check in await look_inside(node)}["database clock"]
    finally:
        node.close()
    assert found.result is result
    assert words in found.message


async def test_the_loser_of_two_registrations_learns_why(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = (processes.manage, processes.worker)
    invited = await create_invitation(processes.manage, Offer("Guest"))
    together = threading.Barrier(2, timeout=HELD_SECONDS)

    def slow(*given: Any, **more: Any) -> Any:
        reply = acceptance.read_reply(*given, **more)
        with suppress(threading.BrokenBarrierError):  # where the other one waits for this one
            together.wait()
        return reply

    monkeypatch.setattr(registrations, "read_reply", slow)
    headers = {"authorization": f"Bearer {invited.document['token']}"}
    calls = (
        post(node, "/extensions/register", json=guest(invited.document, number), headers=headers)
        for number, node in enumerate(nodes)
    )
    answers = sorted(await asyncio.gather(*calls), key=lambda one: one.status_code)
    assert [one.status_code for one in answers] == [201, 400]
    assert "used already" in answers[1].json()["error_description"]
    assert processes.peer().state == PeerState.PENDING


def guest(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The registration of a company that has got hold of an invitation."""
    now, url = datetime.now(UTC), f"https://guest-{number}.example"
    invitation = read_invitation(document, now=now, url=url, company_ids=COMPANY.ids)
    keys = [SigningKey.generate(purpose) for purpose in PURPOSES]
    public = PublicKeySet([key.public_key() for key in keys])
    return acceptance.reply_to(
        invitation,
        company=COMPANY,
        entry=first_entry(url=url, keys=public, recovery=None, key=keys[0], issued_at=now),
        client_id=f"client-{number}",
        client_expires_at=now,
        key=keys[0],
        issued_at=now,
    )


async def post(node: Node, path: str, **request: Any) -> httpx.Response:
    app = create_public_app(node)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=node.identity.url) as client:
        answer = await client.post(path, **request)
    app.state.context.serving.close()
    return answer


def assertion(subject: str) -> str:
    """Something like a client assertion, of this subject."""
    header = {"alg": "ES256", "kid": "k", "typ": "client-authentication+jwt"}
    parts = [json.dumps(one).encode() for one in (header, {"iss": subject, "sub": subject})]
    return ".".join(
        base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (*parts, b"x" * 64)
    )


@pytest.mark.parametrize("name", ["\0", "a\0b"])
async def test_a_text_that_postgresql_refuses_is_an_unknown_client(
    processes: Processes, name: str
) -> None:
    grant = {"grant_type": "client_credentials"}
    proof = {"client_assertion_type": CLIENT_ASSERTION_TYPE, "client_assertion": assertion(name)}
    for form in ({"client_id": name, "client_secret": "x"}, proof):
        answer = await post(processes.worker, "/auth/token", data=grant | form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = await post(processes.worker, "/auth/token", data=grant, auth=(name, "x"))
    assert answer.status_code == 401
    answer = await post(processes.worker, "/extensions/credentials", content=assertion(name))
    assert answer.status_code == 401
    registration = {"pact_connection_id": name}
    headers = {"authorization": "Bearer x"}
    answer = await post(
        processes.worker, "/extensions/register", json=registration, headers=headers
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_energy_is_kept_and_corrected(processes: Processes) -> None:
    """The same queries as on SQLite: bulk inserts, instants as texts, registers around a period."""
    node, folder = processes.manage, Path(__file__).parents[3] / "examples" / "battery" / "energy"
    content = {file.name: file.read_bytes() for file in folder.iterdir()}

    def take(meters: bytes) -> EnergyImported:
        others = {"orders.csv": content["orders.csv"]}
        files = Files("meters.csv", meters, "mapping.toml", content["mapping.toml"], others)
        return asyncio.run(import_energy(node, files, dry_run=False))

    assert take(content["meters.csv"]).readings.new == 49
    assert take(content["meters.csv"]).readings.unchanged == 49
    changed = take(content["meters.csv"].replace(b"3248,74", b"3248,75"))
    assert (changed.readings.corrected, len(changed.corrections)) == (1, 1)
    march = datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
    plant = node.store.read_sync(lambda session: energy_of_plant(session, *march))
    assert len(plant.allocation.products) == 3
    assert plant.allocation.gaps == ()


async def test_a_product_is_calculated_published_and_refreshed(processes: Processes) -> None:
    """The same queries as on SQLite: versions, matches, roll-ups, what is stale, the ledger."""
    node = processes.manage

    async def take(*products: dict[str, Any], value: str = "0.2") -> None:
        factor = GRID | {"values": {"fossilGhgEmissions": value}}
        content = json.dumps({"products": products, "factors": [factor]}).encode()
        found = await import_products(node, "bills.json", content)
        assert found.problems == ()

    bill = product(POWER)
    await take(bill)
    decisions = [Decision("cell", "power", FactorSource("EL-HU"))]
    defaults = defaults_of(node.identity)
    await node.store.write(lambda session: decide(session, node.now(), defaults, decisions))
    first = await publish(node, await prepare(node, "cell"))
    assert first.outcome is Outcome.NEW
    assert (await publish(node, await prepare(node, "cell"))).outcome is Outcome.UNCHANGED
    await take(bill, value="0.3")
    (stale,) = await refresh(node, None, below_percent=Decimal(100))
    assert stale.published is not None
    assert stale.published.deprecated == first.footprint_id
    await take(product(POWER, product_id="cell", name="Another name"))
    history = await node.store.read(lambda session: history_of(session, "cell"))
    assert [one.version for one in history] == [1]
    found = await node.store.read(lambda session: overview(session, node.now(), node.identity))
    assert [one.cause for one in found.stale[0].reasons][:1] == [Cause.BILL]
    assert await node.store.read(ledger) == []
