"""One node on several hosts: each with a home, its workers and its management process, and all with
the same PostgreSQL behind a load balancer that sends every request somewhere else."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from sqlmodel import Session, select
from tests.behind import sql
from tests.node.exchange.conftest import streamed
from tests.node.pact.conftest import make_document
from tests.postgresql import Databases

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.outbox import OutboxWorker
from underseal_node.exchange.worker import run_workers
from underseal_node.node import Node, Role, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.publishing.publish import import_files
from underseal_node.settings import Settings
from underseal_node.store import assertions, audit, grants, inbox, leases, outbox, peers
from underseal_node.store.audit import Act
from underseal_node.store.exchange_tables import OutboxEvent
from underseal_node.store.tables import KeyKind
from underseal_node.store.turns import Leadership
from underseal_node.trust import audit as log
from underseal_node.trust import key_changes, partnerships
from underseal_node.trust.partnerships import Move
from underseal_node.trust.peers import PeerChange, add_peer
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.witness import Witnesses

pytestmark = pytest.mark.xdist_group("postgresql")

T = TypeVar("T")

RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)
LEASE = timedelta(seconds=120)
WAIT_SECONDS = 20.0
EVENTS = 12


@dataclass
class Hosts:
    """A node on two hosts.

    Attributes:
        manage: the management process of each.
        public: a worker of each.
        told: the peer and the event of each call to a peer, in their order.
    """

    manage: list[Node]
    public: list[Node]
    credentials: tuple[str, str] = ("", "")
    told: list[str] = field(default_factory=list)
    turn: int = 0

    def exchange(self, node: Node) -> Exchange:
        """For calls to peers, all of which take everything."""

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/auth/token":
                token = {"access_token": "t", "token_type": "bearer", "expires_in": 900}
                return streamed(httpx.Response(200, json=token))
            if request.url.path != "/3/events":
                return streamed(httpx.Response(404))
            self.told.append(request.content.decode())
            return streamed(httpx.Response(200))

        return Exchange(node, http=PeerHttp(node.settings, transport=httpx.MockTransport(answer)))

    async def befriend(self) -> int:
        """A peer that calls and is called; its id."""
        change = PeerChange(url="https://buyer.example", client_id="us", client_secret="secret")
        peer, issued, _ = await add_peer(self.exchange(self.manage[0]), "buyer", change)
        self.credentials = issued.client_id, issued.client_secret
        return peer.id or 0

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """As a load balancer does: from the next worker."""
        self.turn += 1
        node = self.public[self.turn % len(self.public)]
        app = create_public_app(node)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url=node.identity.url) as client:
                return await client.request(method, path, **request)
        finally:
            app.state.context.serving.close()

    async def token(self, *, secret: str | None = None) -> httpx.Response:
        auth = self.credentials[0], secret or self.credentials[1]
        form = {"grant_type": "client_credentials"}
        return await self.ask("POST", "/auth/token", data=form, auth=auth)

    async def bearer(self) -> dict[str, str]:
        answer = await self.token()
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def hosts(tmp_path: Path, databases: Databases) -> Iterator[Hosts]:
    url = databases.new()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSEAL_DATABASE_URL", url)
        home = create_node(
            tmp_path / "one",
            company_name="Seller",
            company_ids=["urn:lei:529900T8BM49AURSDO55"],
            url="https://seller.example",
            recovery=RECOVERY.public_key(),
        )
    shutil.copytree(home.path, tmp_path / "two")
    settings = Settings(database_url=url, worker_poll_seconds=0.05)  # type: ignore[arg-type]
    with ExitStack() as stack:

        def opened(role: Role) -> list[Node]:
            nodes = [
                open_node(tmp_path / name, settings=settings, role=role) for name in ("one", "two")
            ]
            for node in nodes:
                stack.callback(node.close)
            return nodes

        yield Hosts(opened(Role.MANAGE), opened(Role.PUBLIC))
    databases.drop_url(url)


def at_once(nodes: list[Node], work: Callable[[Session], T]) -> list[T | Exception]:
    """Each node does the same at the same time, as far as that goes; what came of it."""
    start = threading.Barrier(len(nodes), timeout=WAIT_SECONDS)

    def run(node: Node) -> T | Exception:
        start.wait()
        try:
            return node.store.write_sync(work)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(nodes)) as threads:
        return list(threads.map(run, nodes))


# --- the outbox -----------------------------------------------------------------------------


def enqueue(node: Node, peer_id: int, count: int) -> None:
    def work(session: Session) -> None:
        for number in range(count):
            outbox.enqueue(
                session,
                peer_id=peer_id,
                event_id=f"event-{number}",
                event_type="of another kind",
                body=f"{number}".encode(),
                now=node.now(),
            )

    node.store.write_sync(work)


async def test_while_one_leases_an_event_the_next_one_waits(hosts: Hosts) -> None:
    """Else the two would be sent at the same time, and could arrive in the other order."""
    peer_id = await hosts.befriend()
    one, two = hosts.manage
    enqueue(one, peer_id, 2)
    has_leased, may_go_on = threading.Event(), threading.Event()

    def lease_slowly(session: Session) -> Any:
        leased = leases.claim(session, peer_id, one.now(), LEASE)
        has_leased.set()
        assert may_go_on.wait(WAIT_SECONDS)
        return leased

    def lease(session: Session) -> Any:
        return leases.claim(session, peer_id, two.now(), LEASE)

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(one.store.write_sync, lease_slowly)
        assert has_leased.wait(WAIT_SECONDS)
        assert two.store.write_sync(lease) is None
        may_go_on.set()
        assert first.result().event_id == "event-0"
    assert two.store.write_sync(lease) is None
    two.store.write_sync(lambda session: leases.delivered(session, first.result(), two.now()))
    assert two.store.write_sync(lease).event_id == "event-1"


async def test_what_a_dead_host_has_leased_is_sent_by_another_one(hosts: Hosts) -> None:
    peer_id = await hosts.befriend()
    one, two = hosts.manage
    enqueue(one, peer_id, 1)
    leased = one.store.write_sync(lambda session: leases.claim(session, peer_id, one.now(), LEASE))
    assert leased is not None
    later = leased.leased_until
    again = two.store.write_sync(lambda session: leases.claim(session, peer_id, later, LEASE))
    assert again is not None
    assert again.event_id == leased.event_id


async def test_all_hosts_deliver_each_event_once_and_in_their_order(hosts: Hosts) -> None:
    peer_id = await hosts.befriend()
    enqueue(hosts.manage[0], peer_id, EVENTS)
    workers = [OutboxWorker(hosts.exchange(node)) for node in hosts.manage]

    def pending() -> int:
        return len(hosts.manage[0].store.read_sync(lambda s: outbox.listing(s, "pending")))

    while pending():
        await asyncio.gather(*(worker.drain() for worker in workers))
    assert hosts.told == [str(number) for number in range(EVENTS)]
    rows = hosts.manage[1].store.read_sync(lambda s: s.exec(select(OutboxEvent)).all())
    assert {(row.state, row.attempts) for row in rows} == {("delivered", 1)}


# --- what is accepted once ------------------------------------------------------------------


async def test_an_event_is_accepted_once(hosts: Hosts) -> None:
    peer_id = await hosts.befriend()
    now = hosts.manage[0].now()
    for number in range(EVENTS):

        def accept(session: Session, event_id: str = f"event-{number}") -> bool:
            return inbox.accept(session, peer_id, event_id, "some.type", b"{}", now)

        assert sorted(map(str, at_once(hosts.public, accept))) == ["False", "True"]


async def test_an_assertion_is_accepted_once(hosts: Hosts) -> None:
    now = hosts.manage[0].now()
    for number in range(EVENTS):

        def remember(session: Session, digest: str = f"digest-{number}") -> str:
            assertions.remember(session, "client", digest, now + LEASE, now)
            return "accepted"

        first, second = sorted(at_once(hosts.public, remember), key=str)
        assert first == "accepted"
        assert isinstance(second, assertions.AssertionUsedError)


# --- what every worker knows ----------------------------------------------------------------


async def test_a_token_of_one_worker_is_good_at_another_until_the_peer_is_revoked(
    hosts: Hosts,
) -> None:
    peer_id = await hosts.befriend()
    manage = hosts.manage[0]
    manage.store.write_sync(
        lambda session: grants.add(session, peer_id, KeyKind.ALL, "", Level.FULL, manage.now())
    )
    bearer = await hosts.bearer()
    for _ in range(4):
        assert (await hosts.ask("GET", "/3/footprints", headers=bearer)).status_code == 200

    def revoke(session: Session) -> None:
        peer = peers.by_name(session, "buyer")
        partnerships.move(session, peer, Move.REVOKE, manage.now(), reason="theft")

    manage.store.write_sync(revoke)
    for _ in range(4):
        assert (await hosts.ask("GET", "/3/footprints", headers=bearer)).status_code in {401, 403}


async def test_a_position_in_a_list_is_good_at_another_worker(hosts: Hosts) -> None:
    peer_id = await hosts.befriend()
    manage = hosts.manage[0]
    manage.store.write_sync(
        lambda session: grants.add(session, peer_id, KeyKind.ALL, "", Level.FULL, manage.now())
    )
    await publish(manage, 5)
    bearer, path, seen = await hosts.bearer(), "/3/footprints?limit=1", []
    while path:
        answer = await hosts.ask("GET", path, headers=bearer)
        assert answer.status_code == 200, answer.text
        seen += [one["productIds"][0] for one in answer.json()["data"]]
        path = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == 5


async def publish(node: Node, count: int) -> None:
    documents = []
    for number in range(count):
        document = make_document(number)
        for name in ("companyName", "companyIds", "status"):
            del document[name]
        documents.append(document)
    files = [("files.json", httpx.Response(200, json=documents).content)]
    done = await import_files(node, files, dry_run=False)
    assert done.problems == ()


async def test_failures_at_one_worker_count_at_the_other(hosts: Hosts) -> None:
    await hosts.befriend()
    answers = [(await hosts.token(secret="wrong")).status_code for _ in range(12)]
    assert answers[:5] == [401] * 5
    assert 429 in answers
    assert (await hosts.token()).status_code == 429
    assert (await hosts.token()).status_code == 429


async def test_a_rotated_key_is_used_by_every_worker_at_once(hosts: Hosts) -> None:
    await hosts.befriend()
    before = await hosts.bearer()
    old = hosts.manage[0].signing_key(KeyPurpose.ACCESS_TOKEN).kid
    await key_changes.rotate(hosts.manage[0], [KeyPurpose.ACCESS_TOKEN])
    for node in (*hosts.manage, *hosts.public):
        assert (await node.look()).in_use[KeyPurpose.ACCESS_TOKEN] != old
    for headers in (before, await hosts.bearer(), await hosts.bearer()):
        for _ in hosts.public:
            assert (await hosts.ask("GET", "/3/footprints", headers=headers)).status_code == 200


async def test_a_token_of_a_revoked_key_is_refused_by_every_worker_with_the_next_request(
    hosts: Hosts,
) -> None:
    await hosts.befriend()
    bearer = await hosts.bearer()
    kid = hosts.manage[0].signing_key(KeyPurpose.ACCESS_TOKEN).kid
    await key_changes.rotate(hosts.manage[0], [KeyPurpose.ACCESS_TOKEN])
    await key_changes.revoke(hosts.manage[0], [kid], hosts.manage[0].now(), RECOVERY)
    for _ in hosts.public:
        assert (await hosts.ask("GET", "/3/footprints", headers=bearer)).status_code == 401


# --- the audit log, and who leads -----------------------------------------------------------


def check(node: Node) -> log.Checked:
    return node.store.read_sync(lambda session: log.check(session, Witnesses()))


def test_two_that_append_wait_for_each_other(hosts: Hosts) -> None:
    def work(session: Session) -> None:
        audit.record(session, Act.TOKEN_ISSUED, hosts.manage[0].now())

    def append(node: Node) -> None:
        for _ in range(EVENTS):
            node.store.write_sync(work)
            node.store.write_sync(lambda session: log.append(session, node))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(append, hosts.manage))
    checked = check(hosts.manage[1])
    assert (checked.size, checked.problems) == (2 * EVENTS, [])


def test_one_leads_and_another_one_when_its_connection_ends(hosts: Hosts) -> None:
    first, second = (Leadership(node.store.write_engine) for node in hosts.manage)
    assert [first.take(), second.take()] == [True, False]
    assert [first.take(), second.take()] == [True, False]
    end_connections(hosts.manage[1])
    assert [second.take(), first.take()] == [True, False]
    second.give_up()
    assert [first.take(), second.take()] == [True, False]
    first.give_up()


def end_connections(node: Node) -> None:
    """What the database does with the connections of a process that is gone."""
    sql(
        node,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )


async def test_when_the_one_that_appends_to_the_log_dies_the_other_one_does(hosts: Hosts) -> None:
    stop = asyncio.Event()
    workers = [
        asyncio.create_task(run_workers(node, stop, exchange=hosts.exchange(node)))
        for node in hosts.manage
    ]
    one, two = hosts.manage
    for number in range(4):
        await two.store.write(lambda s: audit.record(s, Act.TOKEN_ISSUED, two.now()))
        async with asyncio.timeout(WAIT_SECONDS):
            while check(one).size < number + 1:
                await asyncio.sleep(0.05)
        if number == 0:
            workers[0].cancel()
            await asyncio.gather(workers[0], return_exceptions=True)
        else:
            end_connections(one)
    stop.set()
    await asyncio.gather(*workers, return_exceptions=True)
    assert not check(one).problems
