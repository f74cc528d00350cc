"""What the processes of a node count, and the Prometheus page made of it.

Each process counts in memory and writes its counts beside the others' once a second; the management
process adds them up when it is asked. A process that was replaced leaves its counts behind, so that
no counter ever goes back while the node runs.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "RequestCounts", "clear_counts", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
DIRECTORY = "metrics"


class RequestCounts:
    """Counts the requests to one listener of one process.

    Args:
        directory: the run directory of the node.
        listener: `public` or `manage`.
    """

    def __init__(self, directory: Path, listener: str) -> None:
        self._file = directory / DIRECTORY / f"{listener}-{os.getpid()}.json"
        self._listener = listener
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0
        self._audit_failures = 0
        self._written = 0

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            method: of HTTP.
            route: the template of the path, never the path itself.
            status: of HTTP.
            seconds: from the request to the end of the response.
        """
        self._requests[method, route, status] += 1
        self._buckets[bisect_left(SECONDS, seconds)] += 1
        self._seconds += seconds

    def audit_failed(self) -> None:
        """Count a write to the audit log that failed; it is tried again."""
        self._audit_failures += 1

    def write(self) -> None:
        """Write the counts for the management process, if there are new ones."""
        total = sum(self._buckets) + self._audit_failures
        if total == self._written:
            return
        content = {
            "listener": self._listener,
            "requests": [[*key, number] for key, number in self._requests.items()],
            "buckets": self._buckets,
            "seconds": self._seconds,
            "audit_failures": self._audit_failures,
        }
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(content), encoding="ascii")
        fresh.replace(self._file)
        self._written = total


def clear_counts(directory: Path) -> None:
    """Forget the counts of an earlier run.

    Args:
        directory: the run directory of the node.
    """
    for file in (directory / DIRECTORY).glob("*"):
        file.unlink(missing_ok=True)


def exposition(directory: Path, gauges: Iterable[tuple[str, str, float]] = ()) -> bytes:
    """The page that Prometheus reads.

    Args:
        directory: the run directory of the node.
        gauges: name, description and value of what is measured at this moment.
    """
    registry = CollectorRegistry()
    registry.register(_Counts(directory, list(gauges)))
    return generate_latest(registry)


class _Counts(Collector):
    def __init__(self, directory: Path, gauges: list[tuple[str, str, float]]) -> None:
        self._directory = directory
        self._gauges = gauges

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        requests: Counter[tuple[str, str, str, str]] = Counter()
        buckets: dict[str, list[float]] = {}
        seconds: dict[str, float] = {}
        audit_failures = 0
        for content in _contents(self._directory / DIRECTORY):
            listener = str(content["listener"])
            for method, route, status, number in content["requests"]:
                requests[listener, method, route, str(status)] += number
            before = buckets.get(listener, [0.0] * (len(SECONDS) + 1))
            buckets[listener] = [a + b for a, b in zip(before, content["buckets"], strict=True)]
            seconds[listener] = seconds.get(listener, 0.0) + content["seconds"]
            audit_failures += content["audit_failures"]
        family = CounterMetricFamily(
            "underseal_requests", "HTTP requests", labels=["listener", "method", "route", "status"]
        )
        for labels, number in sorted(requests.items()):
            family.add_metric(labels, number)
        yield family
        yield _histogram(buckets, seconds)
        yield CounterMetricFamily(
            "underseal_audit_write_failures",
            "Writes of reads to the audit log that failed and were tried again",
            value=audit_failures,
        )
        for name, description, value in self._gauges:
            yield GaugeMetricFamily(name, description, value=value)


def _histogram(buckets: Mapping[str, list[float]], seconds: Mapping[str, float]) -> Metric:
    family = HistogramMetricFamily(
        "underseal_request_seconds", "Duration of HTTP requests", labels=["listener"]
    )
    for listener, counts in sorted(buckets.items()):
        total = 0.0
        cumulated = []
        for bound, number in zip([*map(str, SECONDS), "+Inf"], counts, strict=True):
            total += number
            cumulated.append((bound, total))
        family.add_metric([listener], cumulated, seconds[listener])
    return family


def _contents(directory: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(directory.glob("*.json")):
        try:
            yield json.loads(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # being replaced
            continue
