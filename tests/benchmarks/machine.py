"""What this machine can do: the measures that the times of everything else are set against.

One ECDSA signature (P-256, SHA-256) is the work that publishing cannot do without, and what a core
makes of it tells how fast the core is at this moment. PERFORMANCE targets that are times were set
on a core that makes 64,000 in a second: a *reference second* is the time of so many signatures.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.benchmarks.results import Json

SIGNATURES_OF_REFERENCE = 64_000  # in a second
BATCH = 200
SIGNED = b"x" * 256
T = TypeVar("T")
Clock = Callable[[], float]


def signatures_per_second(seconds: float = 0.3, clock: Clock = time.perf_counter) -> float:
    """Bare signatures of one core, now.

    Args:
        seconds: how long it is tried.
        clock: that of what the rate is used for: on a busy machine, the time of the processor
            passes slower than that on the wall.
    """
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    return _rate(lambda: key.sign(SIGNED, algorithm), seconds, clock)


def verifications_per_second(seconds: float = 0.3, clock: Clock = time.perf_counter) -> float:
    """Bare verifications of one core, now; as `signatures_per_second`."""
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    signature, public = key.sign(SIGNED, algorithm), key.public_key()
    return _rate(lambda: public.verify(signature, SIGNED, algorithm), seconds, clock)


def _rate(work: Callable[[], object], seconds: float, clock: Clock) -> float:
    count, start = 0, clock()
    while (taken := clock() - start) < seconds:
        for _ in range(BATCH):
            work()
        count += BATCH
    return count / taken


def timed(work: Callable[[], T]) -> tuple[float, float, T]:
    """Seconds of work, and the signatures per second before and after it on average."""
    before = signatures_per_second()
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    return seconds, (before + signatures_per_second()) / 2, result


def reference_seconds(seconds: float, signatures: float) -> float:
    """Seconds, as the core of the targets would have taken."""
    return seconds * signatures / SIGNATURES_OF_REFERENCE


def memory_mb(pid: int | str = "self", member: str = "VmHWM") -> float:
    """Memory of a process in MB (10^6 bytes): by default its peak since it started.

    Args:
        pid: of the process.
        member: of its status: `VmHWM`, `RssAnon`.
    """
    # Not getrusage: that counts the process from which this one was forked.
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(rf"{member}:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) * 1024 / 1e6


def description() -> Json:
    """What has to be known to read the figures."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "signatures_per_second": round(signatures_per_second(clock=time.process_time)),
        "verifications_per_second": round(verifications_per_second(clock=time.process_time)),
    }


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
