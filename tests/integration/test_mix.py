"""A realistic mix for a while: nothing fails, memory stays flat; killed workers lose nothing.

90 % of the calls read, 8 % bring events, 2 % publish, while keys are rotated and tokens expire. The
same with a process of the node killed again and again, and on PostgreSQL with a restart of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select
from tests.integration.mix import Mix, register
from tests.integration.test_load import COMPANY, EXAMPLE, publish, variant
from tests.postgresql import CAN_START, a_server_of_its_own

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_node.node import open_node
from underseal_node.settings import Settings
from underseal_node.store.exchange_tables import InboxEvent
from underseal_node.store.tables import Footprint

pytestmark = [pytest.mark.real_start, pytest.mark.timeout(1800), pytest.mark.xdist_group("load")]

FIRST = 100
CONNECTIONS = 12
SETTINGS = {
    "pull_on_published": "false",  # nobody would answer
    "token_lifetime_seconds": "60",
    "max_requests_per_second": "1000000",
    "database_busy_timeout_seconds": "30",
}
LONG = pytest.mark.soak


def prepared(
    bench: Workbench, battery: Path, peers: int, *, may_fail: bool, **settings: str
) -> Mix:
    """A running node with two workers, its customers, and some footprints."""
    node = bench.node("seller", settings=SETTINGS | settings)
    node.init("Seller", [COMPANY])
    callers = register(node, peers)
    node.start("--workers", "2")
    example = json.loads((battery / EXAMPLE).read_text(encoding="utf-8"))
    documents = [variant(example, number) for number in range(FIRST)]
    publish(node, bench, documents)
    known = [one["id"] for one in documents]

    def document() -> dict[str, Any]:
        return variant(example, len(known))

    return Mix(node, bench.client_context(), callers, document, known, may_fail=may_fail)


@contextmanager
def repeated(seconds: float, work: Callable[[], object]) -> Iterator[list[int]]:
    """Do something again and again beside everything else; counts how often."""
    stop, done = threading.Event(), [0]

    def run() -> None:
        while not stop.wait(seconds):
            work()
            done[0] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def children(node: NodeProcess) -> list[int]:
    """The processes of a node: public workers and management."""
    found = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in found.split()]


def memory(node: NodeProcess) -> int:
    """Bytes of the node that are not shared with a file, together."""
    kib = 0
    for pid in children(node):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
                kib += int(line.split()[1]) if line.startswith("RssAnon") else 0
    return kib * 1024


def everything_is_there(mix: Mix) -> None:
    """What was acknowledged, each once; and the audit log is whole."""
    mix.node.run("audit", "verify")
    mix.node.stop()
    opened = open_node(mix.node.home, settings=settings_of(mix.node))
    events = opened.store.read_sync(lambda session: session.exec(select(InboxEvent.event_id)).all())
    ids = opened.store.read_sync(lambda session: session.exec(select(Footprint.id)).all())
    opened.close()
    assert set(mix.events) <= set(events)
    assert len(events) == len(set(events))
    assert set(mix.known) <= set(ids)


def settings_of(node: NodeProcess) -> Settings:
    """Those of the process, which this process does not have in its environment."""
    url = node.environment.get("UNDERSEAL_DATABASE_URL")
    return Settings(database_url=None if url is None else SecretStr(url))


@pytest.mark.parametrize(("peers", "seconds"), [(20, 72), pytest.param(1_000, 600, marks=LONG)])
def test_nothing_fails_and_memory_stays_flat(
    workbench: Workbench, battery: Path, peers: int, seconds: int
) -> None:
    mix = prepared(workbench, battery, peers, may_fail=False)
    with repeated(seconds / 5, lambda: mix.node.json("key", "rotate")) as rotations:
        asyncio.run(mix.run(seconds / 3, connections=CONNECTIONS))
        warm = memory(mix.node)
        asyncio.run(mix.run(seconds * 2 / 3, connections=CONNECTIONS, seed=1_000))
    grown = memory(mix.node) - warm
    print(f"{mix.told()}, {rotations[0]} rotations, {warm >> 20} MiB, then {grown >> 20} more")
    assert mix.failures == []
    assert set(mix.calls) == {"token", "get", "list", "event", "publication"}
    assert rotations[0] > 0
    assert mix.expired > 0  # tokens are good for a minute
    assert grown < warm * 0.25 + 8 * 1024 * 1024
    everything_is_there(mix)
    assert "Traceback" not in mix.node.log_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("peers", "seconds", "kill_every"), [(20, 12, 4), pytest.param(1_000, 600, 20, marks=LONG)]
)
def test_killed_workers_lose_nothing_that_was_acknowledged(
    workbench: Workbench, battery: Path, peers: int, seconds: int, kill_every: int
) -> None:
    mix = prepared(workbench, battery, peers, may_fail=True)
    killed_again_and_again(mix, seconds, kill_every)


@pytest.mark.soak
@pytest.mark.skipif(not CAN_START, reason="there is no PostgreSQL")
@pytest.mark.parametrize(("peers", "seconds", "kill_every"), [(50, 40, 10), (1_000, 600, 20)])
def test_a_restart_of_the_database_loses_nothing_either(
    workbench: Workbench, battery: Path, peers: int, seconds: int, kill_every: int
) -> None:
    with a_server_of_its_own() as server:
        url = {"database_url": server.get_uri()}

        def restart() -> None:
            server.stop()
            server.ensure_postgres_running()

        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("UNDERSEAL_DATABASE_URL", url["database_url"])
                mix = prepared(workbench, battery, peers, may_fail=True, **url)
            once = threading.Timer(seconds / 2, restart)
            once.start()
            killed_again_and_again(mix, seconds, kill_every)
            once.join()
        finally:
            workbench.close()


def killed_again_and_again(mix: Mix, seconds: float, kill_every: float) -> None:
    """Kill a process of the node every now and then; in the end it works as if nothing had been."""
    chance = random.Random(7)

    def kill() -> None:
        with suppress(ProcessLookupError, IndexError):
            os.kill(chance.choice(children(mix.node)), signal.SIGKILL)

    with repeated(kill_every, kill) as kills:
        asyncio.run(mix.run(seconds, connections=CONNECTIONS))
    print(f"{mix.told()}, {kills[0]} processes killed")
    assert kills[0] > 1
    assert mix.failures == []
    mix.node.wait()
    mix.may_fail = False
    asyncio.run(mix.run(min(seconds / 4, 10), connections=CONNECTIONS, seed=1_000))
    assert mix.failures == []
    everything_is_there(mix)
