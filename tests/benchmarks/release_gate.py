"""`PYTHONPATH=. python tests/benchmarks/release_gate.py`: 50 received footprints, 20 releases.

Each product uses all footprints and is granted at the level `full`; then comes a variant without
one of them, which has to be stopped. Prints seconds of processor time of the last verdict that
allows and of the one that stops, and the size of a stored exposure. Exits 1 above the targets.
"""

from __future__ import annotations

import json
import random
import sys
import time

from tests.protocol.release.builders import exposed, released, supplied

from underseal_protocol.disclosure import Level
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.gate import judge_grant
from underseal_protocol.release.knowledge import Peer
from underseal_protocol.release.verdict import Outcome, Verdict

FOOTPRINTS, RELEASES = 50, 20
TARGET_SECONDS, TARGET_SECONDS_STOPPED = 5.0, 30.0
BUYER = Peer("buyer")


def judged(exposure: Exposure, ledger: list[Release]) -> tuple[Verdict, float]:
    start = time.process_time()
    verdict = judge_grant(exposure, Level.FULL, BUYER, ledger)
    return verdict, time.process_time() - start


def measured(footprints: int, releases: int) -> dict[str, float]:
    """Seconds of processor time of the last verdict that allows and of the one that stops, and
    the bytes of a stored exposure."""
    source = random.Random(1)

    def number(low: float, high: float) -> str:
        return str(round(source.uniform(low, high), 4))

    received = [
        supplied(f"f{one}", number(1, 20), number(0.1, 2), primaryDataShare=number(0, 100))
        for one in range(footprints)
    ]
    ledger: list[Release] = []
    allowed = 0.0
    for release in range(releases):
        parts = [(one, number(0.01, 0.2)) for one in received]
        exposure = exposed(*parts, own=number(1, 4), footprint=f"ours {release}")
        verdict, allowed = judged(exposure, ledger)
        assert verdict.outcome is Outcome.RELEASE, verdict.reasons
        ledger.append(released(exposure, BUYER.id))
    verdict, stopped = judged(exposed(*parts[:-1], own="3", footprint="variant"), ledger)
    assert verdict.outcome is not Outcome.RELEASE
    size = len(json.dumps(ledger[0].exposure.to_json()))
    return {"allowed": allowed, "stopped": stopped, "bytes": size}


def main() -> int:
    found = measured(FOOTPRINTS, RELEASES)
    print(
        f"allowed after {found['allowed']:.1f} s, stopped after {found['stopped']:.1f} s; "
        f"an exposure: {found['bytes']:.0f} bytes"
    )
    return int(found["allowed"] > TARGET_SECONDS or found["stopped"] > TARGET_SECONDS_STOPPED)


if __name__ == "__main__":
    sys.exit(main())
