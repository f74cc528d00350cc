"""What peers read: ours against RAW, the two in turn, the median of several rounds."""

from __future__ import annotations

import statistics
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.results import Figure, Json
from tests.benchmarks.servers import serving
from tests.benchmarks.stored import FEW, HOST, PRODUCT_SHARE, Homes, granted_few, id_of, token_of
from tests.benchmarks.wrk import CONNECTIONS, Load, Request, fetch, wrk

OK = 200
RAW = "RAW"
KINDS = 1_000  # different requests of one kind
QUERIES = 2_000  # more than a node remembers
PRODUCT = f"/3/footprints?productId=urn:pact:{HOST}:product-id:"
PAGE = "/3/footprints?limit=100"

SQLITE, POSTGRESQL = "sqlite", "postgresql"
NEW_TOKEN = "with-new-token"
TARGETS: Mapping[str, Mapping[str, float]] = {
    SQLITE: {"by-id": 0.25, "by-product-10": 0.20, "page-100": 0.50, NEW_TOKEN: 0.11},
    POSTGRESQL: {"by-id": 0.12},
}


def prefix_of(database: str) -> str:
    """Of the names of figures; SQLite is what is meant without one."""
    return "" if database == SQLITE else f"{database}-"


@dataclass(frozen=True)
class Compared:
    """One kind of request, at ours and at RAW."""

    body_bytes: int
    ours: tuple[Load, ...]
    raw: tuple[Load, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(
            ours.requests_per_second / raw.requests_per_second
            for ours, raw in zip(self.ours, self.raw, strict=True)
        )

    @property
    def tail(self) -> float:
        """p99 / p50 of ours."""
        return statistics.median(load.p99_ms / load.p50_ms for load in self.ours)

    @property
    def counted(self) -> Mapping[str, float]:
        return {
            "requests/s": statistics.median(load.requests_per_second for load in self.ours),
            "of RAW": statistics.median(load.requests_per_second for load in self.raw),
        }

    def figure(self, part: str, name: str, target: float | None = None) -> Figure:
        return Figure(part, name, self.ratio, RAW, target, counted=self.counted)


class Reading:
    """Compares reads.

    Args:
        seconds: of each run.
        rounds: of which the median counts.
        tokens: how many are new in the test of new ones; more than the cache of verified ones.
    """

    def __init__(self, seconds: float, rounds: int, tokens: int) -> None:
        self._tokens = tokens
        self._seconds = seconds
        self._rounds = rounds
        self._warm_seconds = min(1.0, seconds)
        self._known: dict[tuple[str, int], dict[str, Compared]] = {}
        self.loads: Json = {}

    def compare(
        self, prefix: str, home: Path, kinds: Mapping[str, Sequence[Request]]
    ) -> dict[str, Compared]:
        """Each kind of requests, at one server with this home.

        Args:
            prefix: of the names under which the loads are kept.
            home: of the node.
            kinds: requests by the name of their kind.
        """
        compared = {}
        with tempfile.TemporaryDirectory() as name, serving("ours", home) as ours:
            answers = Path(name)
            statuses = []
            for number, requests in enumerate(kinds.values()):
                status, body = fetch(ours.address, *requests[0])
                (answers / f"{number}.{status}").write_bytes(body)
                statuses.append((status, len(body)))
            with serving("raw", answers, count=len(kinds)) as raw:
                addresses = zip(kinds.items(), raw.addresses, statuses, strict=True)
                for (kind, requests), address, (status, size) in addresses:
                    fetch(address, *requests[0])
                    pairs = self._in_turn(ours.address, address, requests, status != OK)
                    compared[kind] = Compared(
                        size, tuple(one for one, _ in pairs), tuple(one for _, one in pairs)
                    )
                    self.loads[f"{prefix}{kind}"] = asdict(compared[kind])
        return compared

    def _in_turn(
        self, ours: str, raw: str, requests: Sequence[Request], is_refused: bool
    ) -> list[tuple[Load, Load]]:
        # Each run goes on where the one before ended: the first ones would be remembered.
        ahead = deque(requests)

        def load(address: str, seconds: float) -> Load:
            found = wrk(address, ahead, seconds, is_refused=is_refused)
            if address == ours:
                ahead.rotate(-(found.requests + CONNECTIONS))
            return found

        for address in (ours, raw):
            load(address, self._warm_seconds)
        return [(load(ours, self._seconds), load(raw, self._seconds)) for _ in range(self._rounds)]

    def pace(self, home: Path, one: Sequence[Request], other: Sequence[Request]) -> float:
        """How fast requests that are refused are against others, in turn at the same server."""
        with serving("ours", home) as ours:

            def rate(requests: Sequence[Request]) -> float:
                found = wrk(ours.address, requests, self._seconds, is_refused=True)
                return found.requests_per_second

            fetch(ours.address, *one[0])  # once it is up
            rate(one), rate(other)
            return statistics.median(rate(one) / rate(other) for _ in range(self._rounds))

    def by_size(self, database: str, homes: Homes, count: int) -> dict[str, Compared]:
        """What a peer reads that may see all, in a store of this size; measured once."""
        if (database, count) not in self._known:
            home = homes.of(count)
            kinds = kinds_of(count, *token_of(home))
            tokens = token_of(home, self._tokens)
            ids = [path for path, _ in kinds["by-id"]]
            kinds[NEW_TOKEN] = [(ids[n % len(ids)], one) for n, one in enumerate(tokens)]
            self._known[database, count] = self.compare(f"{database}-{count}-", home, kinds)
        return self._known[database, count]


def kinds_of(count: int, token: str) -> dict[str, list[Request]]:
    """Requests of each kind, spread over the whole store."""
    numbers = range(0, count, max(1, count // KINDS))
    return {
        "by-id": [(f"/3/footprints/{id_of(n)}", token) for n in numbers],
        "by-product-10": [(f"{PRODUCT}{n // PRODUCT_SHARE}", token) for n in numbers],
        "page-100": [(PAGE, token)],
    }


def read_figures(
    part: str, database: str, reading: Reading, homes: Homes, count: int
) -> list[Figure]:
    """What a peer reads that may see all; with targets where there are some."""
    prefix, targets = prefix_of(database), TARGETS[database]
    found = reading.by_size(database, homes, count)
    tail = found["by-id"].tail
    return [
        *(one.figure(part, f"{prefix}read-{k}", targets.get(k)) for k, one in found.items()),
        Figure(part, f"{prefix}p99-to-p50", tail, "p50", 3.0, at_most=True),
    ]


def few_figures(reading: Reading, homes: Homes, count: int) -> list[Figure]:
    """A peer that may see ten: what it sees, and what it does not, costs it about the same."""
    home = homes.of(count)
    (token,) = token_of(home, peer=FEW)
    granted = granted_few(count)
    hidden_numbers = [n for n in range(0, count, max(1, count // KINDS)) if n not in granted]
    hidden = [(f"/3/footprints/{id_of(n)}", token) for n in hidden_numbers]
    absent = [(f"/3/footprints/{id_of(n + 10 * count)}", token) for n in hidden_numbers]
    products = [(f"{PRODUCT}{n}", token) for n in range(min(QUERIES, count // PRODUCT_SHARE))]
    kinds: dict[str, tuple[list[Request], float]] = {
        "few-read-page-10": ([(PAGE, token)], 0.20),
        "few-read-by-id": ([(f"/3/footprints/{id_of(n)}", token) for n in granted], 0.20),
        "few-hidden-by-product": (products, 0.10),
        "few-hidden-by-id": (hidden, 0.15),
    }
    requests = {name: kind for name, (kind, _) in kinds.items()}
    found = reading.compare("", home, requests)
    figures = [found[name].figure("few", name, target) for name, (_, target) in kinds.items()]
    pace = reading.pace(home, hidden, absent)
    return [*figures, Figure("few", "few-hidden-to-absent", min(pace, 1 / pace), "absent", 0.9)]


def growth_figures(
    part: str, database: str, reading: Reading, homes: Homes, sizes: tuple[int, int]
) -> list[Figure]:
    """What a request costs in a large store, against a small one; the worst of all kinds.

    Each is set against RAW at the same moment, so that a machine that is slower an hour later does
    not look like a store that is slower when it is larger.
    """
    small, large = sizes
    prefix = prefix_of(database)
    found = {count: reading.by_size(database, homes, count) for count in sizes}
    worst = max(found[small][kind].ratio / found[large][kind].ratio for kind in found[small])
    name = f"{prefix}cost-at-{large}-to-{small}"
    return [
        *(
            one.figure(part, f"{prefix}read-{kind}-at-{count}")
            for count in sizes
            for kind, one in found[count].items()
        ),
        Figure(part, name, worst, f"cost at {small}", 1.3, at_most=True),
    ]
