"""A large pull between real nodes: through a network that fails half of the time, and `kill -9`.

What is stored is not fetched again, and the memory of the buyer does not grow with what it pulls.
"""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select
from tests.integration.flaky_proxy import FlakyProxy
from tests.integration.test_load import COMPANY, EXAMPLE, publish, variant
from tests.integration.test_mix import children

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_node.node import open_node
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState

pytestmark = [pytest.mark.real_start, pytest.mark.timeout(3600), pytest.mark.xdist_group("load")]

BATCH = 5_000
QUICK = {"http_timeout_seconds": "10"}
SELLER = "seller"


class LaterFlaky(FlakyProxy):
    """Fails only when it is told to: keys are pinned before that."""

    fails = False

    def fate(self) -> str:
        return super().fate() if self.fails else "pass"


@pytest.mark.parametrize(
    ("count", "page", "kills"),
    [(600, 50, 1), pytest.param(100_000, 1_000, 5, marks=pytest.mark.soak)],
)
def test_everything_arrives_once_and_memory_stays_flat(
    workbench: Workbench, battery: Path, count: int, page: int, kills: int
) -> None:
    public_port = workbench.free_port()
    seller = workbench.node(SELLER, public_port=public_port)
    buyer = workbench.node("buyer", settings=QUICK | {"pull_page_size": str(page)})
    for node in (seller, buyer):
        node.init(node.name, [COMPANY])
        node.start()
    example = json.loads((battery / EXAMPLE).read_text(encoding="utf-8"))
    for first in range(0, count, BATCH):
        last = min(first + BATCH, count)
        publish(seller, workbench, [variant(example, number) for number in range(first, last)])
    secret = workbench.directory / "pull.secret"
    added = seller.json("peer", "add", "buyer")
    secret.write_text(added["client_secret"], encoding="utf-8")
    seller.run("grant", "add", "buyer", "--all", "--level", "full")
    with LaterFlaky(
        public_port,
        seller.port,
        server_context=workbench.server_context(),
        client_context=workbench.client_context(),
    ) as proxy:
        buyer.run(
            *("peer", "add", SELLER, "--url", seller.url, "--client-id", added["client_id"]),
            *("--client-secret-file", str(secret)),
        )
        proxy.fails = True
        sizes = []
        for kill in range(1, kills + 1):
            pulled(buyer, until=count * kill // (kills + 1))
            sizes.append(memory(buyer))
            buyer.kill()
            buyer.start()
        pulled(buyer, until=count)
        sizes.append(memory(buyer))
        fates = dict(proxy.fates)
    print(f"{count} footprints, memory of {[one >> 20 for one in sizes]} MiB, {fates}")
    # Neither with what was pulled before nor with what is there.
    assert max(sizes) < min(sizes) + 64 * 1024 * 1024 + page * 20_000
    assert sum(fates.values()) - fates["pass"] > 0
    buyer.stop()
    opened = open_node(buyer.home)
    verified = opened.store.read_sync(
        lambda session: session.exec(
            select(func.count()).where(ReceivedFootprint.verification == VerificationState.VERIFIED)
        ).one()
    )
    opened.close()
    assert verified == count


def pulled(buyer: NodeProcess, *, until: int) -> None:
    """Pull, and again when that fails, until so many were received in all."""
    deadline = time.monotonic() + 120 + until / 50
    job = manage(buyer, "POST", "/pulls", {"peers": [SELLER]})
    while stored(buyer) < until:
        assert time.monotonic() < deadline, f"{stored(buyer)} of {until}\n{buyer.log_tail()}"
        time.sleep(0.3)
        job = manage(buyer, "GET", f"/pulls/{job['id']}")
        if job["state"] != "running":
            job = manage(buyer, "POST", "/pulls", {"peers": [SELLER]})


def stored(buyer: NodeProcess) -> int:
    opened = open_node(buyer.home)
    try:
        return opened.store.read_sync(
            lambda session: session.exec(select(func.count()).select_from(ReceivedFootprint)).one()
        )
    finally:
        opened.close()


def memory(node: NodeProcess) -> int:
    """Of the largest process of a node, in bytes; not what it shares with files."""
    most = 0
    for pid in children(node):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon"):
                most = max(most, int(line.split()[1]) * 1024)
    return most


def manage(node: NodeProcess, method: str, path: str, body: object = None) -> Any:
    token = (node.home / "secrets" / "operator.token").read_text(encoding="utf-8").strip()
    connection = http.client.HTTPConnection("127.0.0.1", node.manage_port, timeout=60)
    try:
        connection.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {token}"}
            | ({} if body is None else {"Content-Type": "application/json"}),
        )
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return json.loads(text)
    finally:
        connection.close()
