"""Credentials are rotated, and a partnership is revoked, while both sides call each other.

Two real nodes with two workers each. Clients fetch tokens, lists and footprints all the time, over
many connections: while `peer rotate` runs again and again no call fails, and after `peer revoke`
none succeeds any more.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_node.node import Node, open_node
from underseal_node.store import peers
from underseal_protocol.client_assertion import CLIENT_ASSERTION_TYPE, assert_client
from underseal_protocol.keys import KeyPurpose

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("rotation")]

COMPANIES = {
    "harzquell": "urn:lei:999900HARZQUELLAKK54",
    "wierzbolit": "urn:lei:999900WIERZBOLITKA02",
}
BASIC = "basic"
CONNECTIONS = 12
AFTER_SECONDS = 1.0
MIN_ROTATIONS = 6
OK = httpx.codes.OK

Form = dict[str, str]


@dataclass
class Client:
    """Somebody who calls a node: how it authenticates is read anew for each token.

    Attributes:
        url: of the node.
        form: of a token request, as of now.
        calls: how often each call was made.
        failures: what was answered instead of 200.
    """

    url: str
    form: Callable[[], Form]
    calls: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event, bench: Workbench) -> None:
        """Token, list, footprint, again and again, over a new connection now and then."""
        while not stop.is_set():
            with self.connect(bench) as http:
                for _ in range(5):
                    self._round(http)

    def connect(self, bench: Workbench) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=bench.client_context(), timeout=30)

    def token(self, http: httpx.Client) -> httpx.Response:
        data = {"grant_type": "client_credentials"} | self.form()
        return http.post("/auth/token", data=data)

    def _round(self, http: httpx.Client) -> None:
        answer = self._checked("token", self.token(http))
        if answer is None:
            return
        headers = {"authorization": f"Bearer {answer['access_token']}"}
        page = self._checked("list", http.get("/3/footprints?limit=2", headers=headers))
        if page is not None:
            path = f"/3/footprints/{page['data'][0]['id']}"
            self._checked("get", http.get(path, headers=headers))

    def _checked(self, call: str, answer: httpx.Response) -> Any:
        self.calls[call] += 1
        if answer.status_code != OK:
            self.failures.append(f"{call}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer.json()


@dataclass
class Pair:
    """Two partners, and a client of the first one that has a secret."""

    bench: Workbench
    one: NodeProcess
    other: NodeProcess
    opened: dict[str, Node]
    secret: Form

    def partner(self, caller: NodeProcess, called: NodeProcess) -> Client:
        """A client that authenticates as the node of `caller`, with what that node holds now."""
        node = self.opened[caller.name]
        key = node.signing_key(KeyPurpose.CLIENT)

        def form() -> Form:
            row = node.store.read_sync(lambda session: peers.by_name(session, called.name))
            client_id = row.client_id or ""
            signed = assert_client(client_id, audience=called.url, key=key, now=node.now())
            return {
                "client_id": client_id,
                "client_assertion_type": CLIENT_ASSERTION_TYPE,
                "client_assertion": signed,
            }

        return Client(called.url, form)

    def basic(self) -> Client:
        return Client(self.one.url, lambda: self.secret)

    def rotate(self) -> None:
        """Every credential that there is, one after the other."""
        for node, peer in ((self.one, self.other), (self.other, self.one)):
            assert "clientSecret" not in node.json("peer", "rotate", peer.name)
        issued = self.one.json("peer", "rotate", BASIC)
        time.sleep(0.2)  # until the other company has entered it, its old one works
        self.secret = _form(issued["clientId"], issued["clientSecret"])


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    examples = Path(__file__).parents[2] / "examples" / "battery" / "footprints"
    with ExitStack() as stack:
        bench = stack.enter_context(QuickWorkbench())
        one, other = nodes = [bench.node(name) for name in COMPANIES]
        for node in nodes:
            node.init(node.name.capitalize(), [COMPANIES[node.name]])
            node.launch("--workers", "2")
        for node in nodes:
            node.wait()
            node.run("footprint", "import", *map(str, (examples / node.name).glob("*.json")))
        terms = ("--for", other.url, "--pre-approve")
        invitation = one.json("peer", "invite", other.name, *terms)
        other.run("peer", "accept", invitation["link"], "--name", one.name)
        added = one.json("peer", "add", BASIC)
        for node, peer in ((one, other.name), (other, one.name), (one, BASIC)):
            node.run("grant", "add", peer, "--all", "--level", "full")
        opened = {node.name: open_node(node.home) for node in nodes}
        for held in opened.values():
            stack.callback(held.close)
        yield Pair(bench, one, other, opened, _form(added["client_id"], added["client_secret"]))


def _form(client_id: str, secret: str) -> Form:
    return {"client_id": client_id, "client_secret": secret}


@pytest.mark.parametrize("seconds", [6, pytest.param(300, marks=pytest.mark.soak)])
def test_no_call_fails_while_credentials_are_rotated(pair: Pair, seconds: int) -> None:
    clients = {
        "partner of one": pair.partner(pair.other, pair.one),
        "partner of other": pair.partner(pair.one, pair.other),
        "secret": pair.basic(),
    }
    stop, rotations, pulls = threading.Event(), 0, 0
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(client.run, stop, pair.bench) for client in clients.values()]
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline or rotations < MIN_ROTATIONS:
                pair.rotate()
                rotations += 3
                # The client of the nodes themselves, which keeps its tokens.
                for node, peer in ((pair.one, pair.other), (pair.other, pair.one)):
                    pulled = json.loads(node.run("pull", peer.name, "--json").stdout)["data"][0]
                    assert pulled.get("error") is None
                    pulls += 1
        finally:
            stop.set()
        for one in running:
            one.result(60)
    calls = {name: dict(client.calls) for name, client in clients.items()}
    print(f"{rotations} rotations, {pulls} pulls, no failure in {calls}")
    for name, client in clients.items():
        assert client.failures == [], name
        assert min(client.calls.values()) > 0
        assert set(client.calls) == {"token", "list", "get"}
    for node in (pair.one, pair.other):
        assert "Traceback" not in node.log_file.read_text(encoding="utf-8")


@dataclass
class Knocker:
    """Uses one connection and one token as fast as it can.

    Attributes:
        answers: when each request was sent, and what came.
    """

    http: httpx.Client
    headers: dict[str, str]
    answers: list[tuple[float, int]] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            sent = time.monotonic()
            answer = self.http.get("/3/footprints?limit=1", headers=self.headers)
            self.answers.append((sent, answer.status_code))


@pytest.mark.parametrize("whom", ["wierzbolit", BASIC])
def test_nothing_succeeds_once_a_revocation_has_returned(pair: Pair, whom: str) -> None:
    client = pair.basic() if whom == BASIC else pair.partner(pair.other, pair.one)
    stop = threading.Event()
    with ExitStack() as stack, ThreadPoolExecutor(CONNECTIONS) as pool:
        knockers = []
        for _ in range(CONNECTIONS):
            http = stack.enter_context(client.connect(pair.bench))
            token = client.token(http).json()["access_token"]
            knockers.append(Knocker(http, {"authorization": f"Bearer {token}"}))
        running = [pool.submit(knocker.run, stop) for knocker in knockers]
        try:
            time.sleep(AFTER_SECONDS)
            pair.one.run("peer", "revoke", whom, "--reason", "the contract has ended")
            returned = time.monotonic()
            time.sleep(AFTER_SECONDS)
            refused = client.token(stack.enter_context(client.connect(pair.bench)))
        finally:
            stop.set()
        for one in running:
            one.result(60)
    assert refused.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED)
    for knocker in knockers:
        before = Counter(status for sent, status in knocker.answers if sent < returned)
        after = Counter(status for sent, status in knocker.answers if sent >= returned)
        assert before[OK] > 0
        assert after[OK] == 0, after
        assert sum(after.values()) > 0
    print(f"{whom}: {sum(len(one.answers) for one in knockers)} requests around the revocation")
