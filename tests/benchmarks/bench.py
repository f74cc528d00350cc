"""`make bench`: our node against a bare ASGI application, measured in one run on this machine.

RAW is an application that returns, prebuilt, the very bytes that ours returns for the same request,
under the same server. Every ratio is OURS / RAW, the two measured in turn, several times, and the
median taken. Server and client are pinned to different cores. Prints a line for each target, writes
`bench.json`, exits 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn
from sqlmodel import Session, insert

from underseal_node.http_protocol import BoundedHttp
from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
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
RESULTS = Path("bench.json")
CONNECTIONS = 32
PRODUCT_SHARE = 10  # footprints of one product
BATCH = 5_000
OK = 200
TOKENS = 15_000  # more than the cache of verified tokens holds
CLASS = "urn:pact:productclassification:cas:554-13-2"
ALL, FEW = "buyer", "few"  # peers, by what they may see
QUERIES = 2_000  # more than a node remembers
SERVER_CORE, CLIENT_CORE = 0, 1

Json = dict[str, Any]


# --- data -----------------------------------------------------------------------------------


def document(number: int) -> Json:
    """A footprint as an industrial supplier sends it."""
    return {
        "id": id_of(number),
        "specVersion": "3.0.0",
        "created": "2025-01-01T00:00:00Z",
        "status": "Active",
        "companyName": "Bench AG",
        "companyIds": ["urn:lei:529900T8BM49AURSDO55"],
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


def fill(node: Node, count: int) -> None:
    """Store footprints. One is signed; the others are it with their own id and product."""
    model = document(0)
    signed = issue(
        model,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        issued_at=node.now(),
    )
    packed = pack(model, signed, node.identity.url)
    for start in range(0, count, BATCH):
        rows = [row(node, packed, model["id"], n) for n in range(start, min(start + BATCH, count))]
        keys = [key for one in rows for key in keys_of(one)]

        def store(session: Session, rows: list[Json] = rows, keys: list[Json] = keys) -> None:
            session.execute(insert(Footprint), rows)
            session.execute(insert(FootprintKey), keys)

        node.store.write_sync(store)


def row(node: Node, packed: bytes, model_id: str, number: int) -> Json:
    footprint_id = id_of(number)
    product = b":product-id:%d" % (number // PRODUCT_SHARE)
    segments = packed.replace(model_id.encode(), footprint_id.encode())
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
        KeyKind.COMPANY: "urn:lei:529900t8bm49aursdo55",
        KeyKind.CLASSIFICATION: CLASS,
    }
    return [{"kind": kind, "value": value, "seq": number + 1} for kind, value in pairs.items()]


def make_home(directory: Path, count: int) -> Path:
    """A node with so many footprints, a peer that may see all of them and one that may see ten."""
    home = create_node(
        directory, company_name="Bench AG", company_ids=["urn:lei:x"], url=f"https://{HOST}"
    )
    # One client asks for what thousands would; the limit is counted, and never reached.
    with home.config_file.open("a", encoding="utf-8") as file:
        file.write("max_requests_per_second = 1000000\n")
    node = open_node(home.path)

    def store(session: Session) -> None:
        now = node.now()
        for number, name in ((1, ALL), (2, FEW)):
            session.add(Peer(id=number, name=name, created_at=now))
            session.flush()
            session.add(
                ClientCredential(client_id=name, peer_id=number, secret_hash="-", created_at=now)
            )
        session.add(
            AccessGrant(peer_id=1, kind=KeyKind.ALL, value="", level=3, changed=1, created_at=now)
        )
        session.add_all(
            AccessGrant(
                peer_id=2,
                kind=KeyKind.FOOTPRINT,
                value=id_of(number),
                level=1,
                changed=1,
                created_at=now,
            )
            for number in granted_few(count)
        )

    node.store.write_sync(store)
    fill(node, count)
    with node.store.write_engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    node.close()
    return home.path


# --- servers --------------------------------------------------------------------------------


class Raw:
    """Returns the same answer whatever is asked, as a bare ASGI application."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status = status
        self._body = body
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]

    async def __call__(self, scope: Json, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": self._status, "headers": self._headers}
        )
        await send({"type": "http.response.body", "body": self._body})


def serve(app: Any, descriptor: int) -> None:
    """Run one worker on the server's core, as `underseal serve` configures it."""
    os.sched_setaffinity(0, {SERVER_CORE})
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()
    listening = socket.socket(fileno=descriptor)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listening]))


@contextmanager
def serving(kind: str, argument: Path) -> Iterator[str]:
    """A server process; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, __file__, "--serve", kind, str(argument)]
        process = subprocess.Popen(
            [*command, str(listening.fileno())], pass_fds=[listening.fileno()]
        )
    try:
        yield address
    finally:
        process.terminate()
        process.wait()


# --- client ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What wrk found."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float


def wrk(
    address: str, requests: Iterable[tuple[str, str]], seconds: float, *, is_refused: bool = False
) -> Load:
    """Send these requests (path and token) in turn, over and over; all are answered or refused."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "requests.lua"
        lines = "\n".join(
            f'r[{number}] = wrk.format("GET", "{path}", '
            f'{{Host="{HOST}", Authorization="Bearer {token}"}})'
            for number, (path, token) in enumerate(requests, 1)
        )
        # Lua allows so many constants in one function only: the requests are in several.
        chunks = lines.split("\n")
        functions = [
            "(function()\n" + "\n".join(chunks[n : n + 1000]) + "\nend)()"
            for n in range(0, len(chunks), 1000)
        ]
        script.write_text(
            "r = {}\n"
            + "init = function() wrk.headers = {}\n"
            + ";\n".join(functions)
            + "\nend\nlocal i = 0\nrequest = function() i = i % #r + 1 return r[i] end\n"
        )
        command = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}"]
        command += [f"-d{seconds:g}s", "--latency", "-s", str(script), address]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    sent = int(_found(r"(\d+) requests in", output)[0])
    assert int(refused[1] if refused else "0") == (sent if is_refused else 0), output
    assert "Socket errors" not in output, output
    return Load(
        sent,
        float(_found(r"Requests/sec:\s+([\d.]+)", output)[0]),
        *(_milliseconds(*_found(rf"{p}%\s+([\d.]+)(us|ms|s)", output)) for p in (50, 99)),
    )


def _found(pattern: str, output: str) -> tuple[str, ...]:
    found = re.search(pattern, output)
    assert found, output
    return found.groups()


def _milliseconds(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def fetch(address: str, path: str, token: str) -> tuple[int, bytes]:
    """Status and body."""
    headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(address + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


# --- targets --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """One line of the result."""

    name: str
    measured: float
    target: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    def __str__(self) -> str:
        met = "met" if self.is_met else "missed"
        return f"TARGET {self.name} measured={self.measured:.3f} target={self.target:g} {met}"


class Bench:
    """Runs the comparisons.

    Args:
        directory: for homes and bodies.
        seconds: of each run of wrk.
        rounds: of which the median counts.
    """

    def __init__(self, directory: Path, seconds: float, rounds: int) -> None:
        self._directory = directory
        self._seconds = seconds
        self._rounds = rounds
        self.loads: Json = {}

    def ratio(self, name: str, home: Path, requests: Sequence[tuple[str, str]]) -> float:
        """OURS / RAW for these requests."""
        with serving("ours", home) as ours:
            status, body = fetch(ours, *requests[0])
            file = self._directory / f"{name}.{status}"
            file.write_bytes(body)

            # Each run goes on where the one before ended: the first ones would be remembered.
            ahead = deque(requests)

            def load(address: str, seconds: float) -> Load:
                found = wrk(address, ahead, seconds, is_refused=status != OK)
                if address == ours:
                    ahead.rotate(-(found.requests + CONNECTIONS))
                return found

            with serving("raw", file) as raw:
                fetch(raw, *requests[0])
                for address in (ours, raw):
                    load(address, 1)
                pairs = [
                    (load(ours, self._seconds), load(raw, self._seconds))
                    for _ in range(self._rounds)
                ]
        self.loads[name] = {
            "body_bytes": len(body),
            "ours": [asdict(ours) for ours, _ in pairs],
            "raw": [asdict(raw) for _, raw in pairs],
        }
        return statistics.median(
            ours.requests_per_second / raw.requests_per_second for ours, raw in pairs
        )

    def pace(
        self, home: Path, one: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]
    ) -> float:
        """How fast requests that are refused are against others, in turn at the same server."""
        rounds = range(self._rounds)
        with serving("ours", home) as ours:

            def rate(requests: Sequence[tuple[str, str]]) -> float:
                return wrk(ours, requests, self._seconds, is_refused=True).requests_per_second

            rate(one), rate(other)
            return statistics.median(rate(one) / rate(other) for _ in rounds)

    def tail(self, name: str) -> float:
        """p99 / p50 of ours."""
        loads: list[dict[str, float]] = self.loads[name]["ours"]
        return statistics.median(load["p99_ms"] / load["p50_ms"] for load in loads)

    def rate(self, name: str) -> float:
        """Requests per second of ours."""
        loads: list[dict[str, float]] = self.loads[name]["ours"]
        return statistics.median(load["requests_per_second"] for load in loads)


def token_of(home: Path, number: int = 0, *, peer: str = ALL) -> list[str]:
    """Tokens of a peer."""
    node = open_node(home)
    tokens = node.access_tokens()
    issued = [tokens.issue(peer, node.now()) for _ in range(number or 1)]
    node.close()
    return issued


def read_targets(bench: Bench, home: Path, count: int) -> list[Target]:
    (token,) = token_of(home)
    step = max(1, count // 1000)
    numbers = range(0, count, step)
    one = [(f"/3/footprints/{id_of(n)}", token) for n in numbers]
    product = f"/3/footprints?productId=urn:pact:{HOST}:product-id:"
    products = [(f"{product}{n // PRODUCT_SHARE}", token) for n in numbers]
    page = [("/3/footprints?limit=100", token)]
    fresh = [(one[n % len(one)][0], each) for n, each in enumerate(token_of(home, TOKENS))]
    return [
        Target("read-by-id", bench.ratio("by-id", home, one), 0.25),
        Target("read-by-product-10", bench.ratio("by-product", home, products), 0.20),
        Target("read-page-100", bench.ratio("page-100", home, page), 0.50),
        Target("read-with-new-token", bench.ratio("new-token", home, fresh), 0.11),
        Target("p99-to-p50", bench.tail("by-id"), 3.0, at_most=True),
    ]


def few_targets(bench: Bench, home: Path, count: int) -> list[Target]:
    """A peer that may see ten: what it sees, and what it does not, costs it about the same."""
    (token,) = token_of(home, peer=FEW)
    granted = granted_few(count)
    page = [("/3/footprints?limit=100", token)]
    one = [(f"/3/footprints/{id_of(number)}", token) for number in granted]
    hidden_numbers = [n for n in range(0, count, max(1, count // 1000)) if n not in granted]
    hidden = [(f"/3/footprints/{id_of(n)}", token) for n in hidden_numbers]
    absent = [(f"/3/footprints/{id_of(n + 10 * count)}", token) for n in hidden_numbers]
    product = f"/3/footprints?productId=urn:pact:{HOST}:product-id:"
    products = [(f"{product}{n}", token) for n in range(min(QUERIES, count // PRODUCT_SHARE))]
    targets = [
        Target("few-read-page-10", bench.ratio("few-page", home, page), 0.20),
        Target("few-read-by-id", bench.ratio("few-by-id", home, one), 0.20),
        Target("few-hidden-by-product", bench.ratio("few-product", home, products), 0.10),
        Target("few-hidden-by-id", bench.ratio("few-hidden", home, hidden), 0.15),
    ]
    pace = bench.pace(home, hidden, absent)
    return [*targets, Target("few-hidden-to-absent", min(pace, 1 / pace), 0.9)]


def growth_target(bench: Bench, directory: Path, small: int, large: int) -> Target:
    """What a request costs in a large store, against a small one; the worst of three kinds."""
    rates: dict[int, dict[str, float]] = {}
    for count in (small, large):
        home = make_home(directory / f"growth-{count}", count)
        (token,) = token_of(home)
        ids = range(0, count, max(1, count // 1000))
        kinds = {
            "by-id": [f"/3/footprints/{id_of(n)}" for n in ids],
            "by-product": [
                f"/3/footprints?productId=urn:pact:{HOST}:product-id:{n // PRODUCT_SHARE}"
                for n in ids
            ],
            "page-100": ["/3/footprints?limit=100"],
        }
        rates[count] = {}
        for kind, paths in kinds.items():
            name = f"{kind}-at-{count}"
            bench.ratio(name, home, [(path, token) for path in paths])
            rates[count][kind] = bench.rate(name)
        shutil.rmtree(home)
    worst = max(rates[small][kind] / rates[large][kind] for kind in rates[small])
    return Target(f"cost-at-{large}-to-{small}", worst, 1.3, at_most=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="stored footprints")
    parser.add_argument("--large", type=int, default=1_000_000, help="0: leave the growth out")
    parser.add_argument("--seconds", type=float, default=3, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--only", choices=("read", "few", "growth"), help="this part alone")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        kind, argument, descriptor = arguments.serve
        if kind == "raw":
            body = Path(argument)
            serve(Raw(int(body.suffix[1:]), body.read_bytes()), int(descriptor))
        else:
            serve(create_public_app(open_node(argument, role="public")), int(descriptor))
        return 0
    if shutil.which("wrk") is None:
        print("wrk is needed: `apt-get install wrk`, `brew install wrk`, or see the wrk project")
        return 2
    with tempfile.TemporaryDirectory(prefix="underseal-bench-") as name:
        directory = Path(name)
        bench = Bench(directory, arguments.seconds, arguments.rounds)
        started = time.perf_counter()
        targets: list[Target] = []
        if arguments.only != "growth":
            print(f"storing {arguments.count} footprints ...", flush=True)
            home = make_home(directory / "home", arguments.count)
            print(f"... in {time.perf_counter() - started:.0f} s", flush=True)
            if arguments.only != "few":
                targets += read_targets(bench, home, arguments.count)
            if arguments.only != "read":
                targets += few_targets(bench, home, arguments.count)
            shutil.rmtree(home)
        if arguments.large and arguments.only in (None, "growth"):
            targets.append(growth_target(bench, directory, 1_000, arguments.large))
    for target in targets:
        print(target)
    result = {"targets": [{**asdict(t), "is_met": t.is_met} for t in targets], "loads": bench.loads}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if all(target.is_met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
