"""What many companies ask of one node at the same time, and what was acknowledged to them."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlmodel import Session

from underseal_cli.demo_nodes import NodeProcess
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.node import open_node
from underseal_node.store import grants
from underseal_node.store.tables import KeyKind
from underseal_node.trust.peers import PeerChange, add_peer
from underseal_protocol.disclosure import Level
from underseal_protocol.events import published_event

__all__ = ["Caller", "Mix", "register"]

OK = httpx.codes.OK
EVENT = {"content-type": "application/cloudevents+json; charset=UTF-8"}
FORM = {"grant_type": "client_credentials"}
# Of a hundred calls; the rest are publications.
GETS, LISTS, EVENTS = 45, 45, 8
WAIT_SECONDS = 0.1


@dataclass
class Caller:
    """A company that is a customer, and perhaps a supplier that sends events."""

    name: str
    credentials: tuple[str, str]
    token: str | None = None

    @property
    def url(self) -> str:
        return f"https://{self.name}.example"


def _nobody(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody answers there")


async def _at_once(_seconds: float) -> None:
    """Instead of waiting between attempts."""


def register(node: NodeProcess, count: int) -> list[Caller]:
    """Companies that may see everything; every tenth sends events. The node is not running yet."""
    # Nobody answers at their addresses, and nothing is sent there: they are told of nothing.
    opened = open_node(node.home)
    http = PeerHttp(opened.settings, transport=httpx.MockTransport(_nobody), sleep=_at_once)
    exchange = Exchange(opened, http=http)
    callers: list[Caller] = []

    async def add() -> None:
        for number in range(count):
            caller = Caller(f"company-{number}", ("", ""))
            sends = number % 10 == 0
            _, given, _ = await add_peer(
                exchange, caller.name, PeerChange(url=caller.url if sends else None)
            )
            caller.credentials = given.client_id, given.client_secret
            callers.append(caller)
        await exchange.aclose()

    def grant(session: Session) -> None:
        for number in range(count):
            if number % 10:
                grants.add(session, number + 1, KeyKind.ALL, "", Level.FULL, opened.now())

    asyncio.run(add())
    opened.store.write_sync(grant)
    opened.close()
    return callers


@dataclass
class Mix:
    """Calls of many companies over a few connections.

    Attributes:
        node: that is called.
        context: of TLS.
        callers: companies.
        document: makes a footprint for publication.
        known: ids of published footprints.
        may_fail: whether a call may find nobody there; it is then made again, as clients do.
        seconds: how long each call took.
        failures: what was answered otherwise.
        events: ids that were acknowledged.
    """

    node: NodeProcess
    context: ssl.SSLContext
    callers: list[Caller]
    document: Callable[[], dict[str, Any]]
    known: list[str]
    may_fail: bool = False
    seconds: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    repeated: int = 0
    expired: int = 0
    events: list[str] = field(default_factory=list)

    async def run(self, seconds: float, *, connections: int, seed: int = 1) -> None:
        """Call for so many seconds."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._work(until, seed + number) for number in range(connections)))

    async def _work(self, until: float, seed: int) -> None:
        chance = random.Random(seed)
        readers = [one for number, one in enumerate(self.callers) if number % 10]
        manage = f"http://127.0.0.1:{self.node.manage_port}"
        operator = (self.node.home / "secrets" / "operator.token").read_text().strip()
        headers = {"authorization": f"Bearer {operator}"}
        async with (
            httpx.AsyncClient(base_url=self.node.url, verify=self.context, timeout=60) as public,
            httpx.AsyncClient(base_url=manage, headers=headers, timeout=60) as management,
        ):
            while time.monotonic() < until:
                number = chance.randrange(100)
                if number < GETS + LISTS:
                    await self._read(public, chance, chance.choice(readers), number < GETS)
                elif number < GETS + LISTS + EVENTS:
                    await self._event(public, chance.choice(self.callers[::10]))
                else:
                    await self._publish(management)

    async def _read(
        self, http: httpx.AsyncClient, chance: random.Random, caller: Caller, one: bool
    ) -> None:
        if chance.random() < 0.02:
            caller.token = None  # as a client that was started again
        path = f"/3/footprints/{chance.choice(self.known)}" if one else "/3/footprints?limit=20"
        answer = await self._authorised(http, caller, lambda: http.build_request("GET", path))
        self._expect(answer, "get" if one else "list")

    async def _event(self, http: httpx.AsyncClient, caller: Caller) -> None:
        event_id = str(uuid.uuid4())
        body = published_event(
            event_id=event_id,
            source=f"{caller.url}/3/events",
            time=datetime.now(UTC),
            pf_ids=[str(uuid.uuid4())],
        )
        answer = await self._authorised(
            http,
            caller,
            lambda: http.build_request("POST", "/3/events", content=body, headers=EVENT),
        )
        if self._expect(answer, "event"):
            self.events.append(event_id)

    async def _publish(self, http: httpx.AsyncClient) -> None:
        document = self.document()
        answer = await self._sent(
            http,
            lambda: http.build_request(
                "POST", "/footprints/import", content=json.dumps([document]).encode()
            ),
        )
        if self._expect(answer, "publication"):
            assert answer.json()["published"] + answer.json()["unchanged"] == 1, answer.text
            self.known.append(document["id"])

    async def _authorised(
        self, http: httpx.AsyncClient, caller: Caller, request: Callable[[], httpx.Request]
    ) -> httpx.Response:
        """With a token; a new one when that has expired."""
        for _ in range(2):
            if caller.token is None:
                answer = await self._sent(
                    http,
                    lambda: http.build_request("POST", "/auth/token", data=FORM),
                    auth=caller.credentials,
                )
                if not self._expect(answer, "token"):
                    return answer
                caller.token = answer.json()["access_token"]

            def authorised() -> httpx.Request:
                made = request()
                made.headers["authorization"] = f"Bearer {caller.token}"
                return made

            answer = await self._sent(http, authorised)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return answer
            self.expired += 1
            caller.token = None
        return answer

    async def _sent(
        self, http: httpx.AsyncClient, request: Callable[[], httpx.Request], **options: Any
    ) -> httpx.Response:
        """Send; where something may fail, until there is an answer that is none of a failure."""
        while True:
            begin = time.perf_counter()
            try:
                answer = await http.send(request(), **options)
            except httpx.TransportError:
                if not self.may_fail:
                    raise
            else:
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR or not self.may_fail:
                    self.seconds.append(time.perf_counter() - begin)
                    return answer
            self.repeated += 1
            await asyncio.sleep(WAIT_SECONDS)

    def _expect(self, answer: httpx.Response, what: str) -> bool:
        self.calls[what] += 1
        if answer.status_code == OK:
            return True
        self.failures.append(f"{what}: {answer.status_code} {answer.text[:200]}")
        return False

    def told(self) -> str:
        """How it went, in a line."""
        times = sorted(self.seconds)
        p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
        return (
            f"{dict(self.calls)}, {self.expired} tokens expired, {self.repeated} repeated, "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        )
