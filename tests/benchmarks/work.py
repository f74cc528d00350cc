"""Work that is measured in a process of its own, so that its memory is its own, too.

Run with `python -m tests.benchmarks.work NAME ARGUMENTS`, arguments and answer as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.machine import (
    memory_mb,
    signatures_per_second,
    timed,
    verifications_per_second,
)
from tests.benchmarks.results import Json

ROOT = Path(__file__).parents[2]


def done(name: str, **arguments: object) -> Json:
    """Do this work in a new process.

    Returns:
        what the work says of itself, and its `peak_mb`.
    """
    command = [sys.executable, "-m", "tests.benchmarks.work", name, json.dumps(arguments)]
    finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answer: Json = json.loads(finished.stdout.splitlines()[-1])
    return answer


def import_file(home: str, file: str) -> Json:
    """Publish what is in a file, as the management process does."""
    # With everything loaded that the process has loaded, for its memory.
    import underseal_node.manage.app  # noqa: F401
    from underseal_node.node import open_node
    from underseal_node.publishing.publish import import_files

    node = open_node(home)
    given = [(Path(file).name, Path(file).read_bytes())]
    at_rest = memory_mb()
    seconds, signatures, result = timed(
        lambda: asyncio.run(import_files(node, given, dry_run=False))
    )
    node.close()
    assert not result.problems, result.problems[:3]
    return {
        "count": len(result.footprints),
        "seconds": seconds,
        "signatures_per_second": signatures,
        "at_rest_mb": at_rest,
    }


def pull(home: str, peer: str) -> Json:
    """Pull everything that a peer shows."""
    from underseal_node.exchange.exchange import Exchange
    from underseal_node.exchange.progress import PullProgress
    from underseal_node.exchange.pulls import pull_peer
    from underseal_node.node import open_node
    from underseal_node.store import peers
    from underseal_protocol.criteria import Criteria

    node = open_node(home)
    peer_id = node.store.read_sync(lambda session: peers.by_name(session, peer)).id or 0
    progress = PullProgress(peer)

    async def work() -> None:
        exchange = Exchange(node)
        await pull_peer(exchange, peer_id, Criteria(), progress)
        await exchange.aclose()

    before = verifications_per_second()
    seconds, signatures, _ = timed(lambda: asyncio.run(work()))
    node.close()
    return {
        "count": progress.verified,
        "received": progress.received,
        "seconds": seconds,
        "signatures_per_second": signatures,
        "verifications_per_second": (before + verifications_per_second()) / 2,
    }


def fan_out(home: str, port: int, certificate: str, rounds: int) -> Json:
    """Tell every peer of corrections."""
    from tests.benchmarks.exchanging import told

    return told(Path(home), port, Path(certificate), rounds)


def calculate(lines: int, footprints: int) -> Json:
    """A roll-up, by the processor time that it takes."""
    from tests.benchmarks import roll_up

    return _with_rate(lambda: roll_up.measured(footprints, lines))


def judge(footprints: int, releases: int) -> Json:
    """The last verdicts of the release gate, by the processor time that they take."""
    from tests.benchmarks import release_gate

    return _with_rate(lambda: release_gate.measured(footprints, releases))


def seal(inputs: int, rounds: int, *, hidden: bool) -> Json:
    """A sealed sum, proved and verified, against multiplications in the same process."""
    from tests.benchmarks import sealing
    from tests.protocol.seal.chains import Chain
    from tests.protocol.seal.hidden_chain import HiddenChain

    kind = HiddenChain if hidden else Chain
    return dict(sealing.measured(inputs, rounds, kind))


def _with_rate(work: Callable[[], dict[str, float]]) -> Json:
    before = signatures_per_second(clock=time.process_time)
    found = work()
    after = signatures_per_second(clock=time.process_time)
    return {**found, "signatures_per_second": (before + after) / 2}


WORKS: dict[str, Callable[..., Json]] = {
    "import": import_file,
    "pull": pull,
    "fan-out": fan_out,
    "roll-up": calculate,
    "release-gate": judge,
    "seal": seal,
}


if __name__ == "__main__":
    work_name, given_json = sys.argv[1:]
    answer_found = WORKS[work_name](**json.loads(given_json))
    print(json.dumps({**answer_found, "peak_mb": memory_mb()}))
