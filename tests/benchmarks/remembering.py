"""The memory of a worker of the public listener: at rest, under load, and whether it grows."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.machine import memory_mb
from tests.benchmarks.reading import kinds_of
from tests.benchmarks.results import Figure
from tests.benchmarks.servers import serving
from tests.benchmarks.stored import token_of
from tests.benchmarks.wrk import fetch, wrk

OWN = "RssAnon"  # the pages of the database that are mapped belong to nobody


def memory_figures(home: Path, count: int, seconds: float) -> list[Figure]:
    """The worker is asked for everything in turn, for the first half of the time and the second.

    Args:
        home: of the node.
        count: of footprints in it.
        seconds: of the load in all.
    """
    (token,) = token_of(home)
    kinds = kinds_of(count, token)
    # Many of one, few pages of a hundred: as much of each by time.
    requests = [one for n in range(20) for kind in kinds.values() for one in kind[n::20]]
    with serving("ours", home) as ours:
        fetch(ours.address, *requests[0])
        at_rest = memory_mb(ours.pid, OWN)
        halves = []
        for _ in range(2):
            wrk(ours.address, requests, seconds / 2)
            halves.append(memory_mb(ours.pid, OWN))
    under_load = halves[1]
    return [
        Figure("memory", "worker-at-rest", at_rest, "MB", at_most=True),
        Figure("memory", "worker-under-load", under_load, "MB", at_most=True),
        Figure("memory", "worker-growth", halves[1] / halves[0], "first half", at_most=True),
    ]
