"""Who plays in the demo, and how to wait for what nodes do by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from underseal_cli.demo_data import Company
from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_cli.demo_proxy import TamperingProxy

__all__ = [
    "CATHODE",
    "CELL",
    "PACK",
    "PATIENCE_SECONDS",
    "REFINER",
    "Cast",
    "side_by_side",
    "until",
]

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.2
REFINER, CATHODE, CELL, PACK = "jichuan", "wierzbolit", "tiszahajnal", "harzquell"

Found = TypeVar("Found")


@dataclass
class Cast:
    """The companies, their nodes, and what stands between them."""

    companies: list[Company]
    bench: Workbench
    proxy: TamperingProxy
    credentials: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def company(self, key: str) -> Company:
        return next(company for company in self.companies if company.key == key)

    def node(self, key: str) -> NodeProcess:
        return self.bench.nodes[key]

    def received(self, key: str, peer: str) -> list[dict[str, Any]]:
        """What a company holds of a supplier."""
        found: list[dict[str, Any]] = self.node(key).look(f"/received?peer={peer}")["data"]
        return found

    def every(self, work: Callable[[Company], Any]) -> list[Any]:
        """Do the same for every company, side by side."""
        with ThreadPoolExecutor(max_workers=len(self.companies)) as pool:
            return list(pool.map(work, self.companies))


def side_by_side(*work: Callable[[], Found]) -> list[Found]:
    """Do things at the same time; their results in order."""
    with ThreadPoolExecutor(max_workers=len(work)) as pool:
        return [one.result() for one in [pool.submit(each) for each in work]]


def until(look: Callable[[], Found | None]) -> Found | None:
    """Look again and again until there is something, or patience has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)
