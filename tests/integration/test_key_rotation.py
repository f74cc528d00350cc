"""Every key of a node is rotated, and it moves, while peers read and pull: no call fails.

One real seller with two workers over TLS and one real buyer. The buyer gets no word of the new keys
but through the nodes themselves; at the end what was published under each key has arrived verified.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.integration.conftest import StartNode
from tests.integration.test_load import COMPANY, EXAMPLE, client_of, publish, variant, walk

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("rotation")]

FIRST = 60
PURPOSES = 6
PATIENCE_SECONDS = 60


@pytest.mark.parametrize("rotations", [3, pytest.param(12, marks=pytest.mark.soak)])
def test_no_call_fails_while_every_key_is_rotated(
    workbench: Workbench, start_node: StartNode, battery: Path, rotations: int
) -> None:
    seller = start_node("seller", company_id=COMPANY, serve=("--workers", "2"))
    buyer = start_node("buyer", company_id=COMPANY, serve=("--workers", "2"))
    befriend(workbench, seller, buyer)
    example = json.loads((battery / EXAMPLE).read_text(encoding="utf-8"))
    publish(seller, workbench, [variant(example, number) for number in range(FIRST)])
    reader = seller.json("peer", "add", "reader")
    for name in ("buyer", "reader"):
        seller.run("grant", "add", name, "--all", "--level", "full")
    credentials = (reader["client_id"], reader["client_secret"])
    stop = threading.Event()
    work: list[Callable[[], None]] = [
        lambda: read(workbench, seller, credentials),
        lambda: hold_one_token(workbench, seller, credentials),
        lambda: look(workbench, seller),
        lambda: pull(buyer),
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(repeat, stop, each) for each in work]
        for number in range(rotations):
            changed = seller.json("key", "rotate")
            assert len(changed["rotated"]) == PURPOSES
            publish(seller, workbench, [variant(example, FIRST + number)])
            time.sleep(0.7)
        seller.json("move", "--url", f"{seller.url}/pact")
        await_(lambda: buyer.json("peer", "show", "seller")["url"] == f"{seller.url}/pact")
        pull(buyer)
        publish(seller, workbench, [variant(example, FIRST + rotations)])
        stop.set()
        counts = [each.result(120) for each in running]
    assert all(count > 0 for count in counts), counts
    pull(buyer)
    held = buyer.json("received", "list", "--limit", "1000")["data"]
    assert len(held) == FIRST + rotations + 1
    assert {one["verification"] for one in held} == {"verified"}
    assert [one["kind"] for one in buyer.json("alert", "list")["data"]] == ["moved"]
    used = {one["kid"] for one in seller.json("key", "list")["data"] if one["state"] == "in use"}
    await_(lambda: used <= set(buyer.json("peer", "show", "seller")["keyThumbprints"]))
    for node in (seller, buyer):
        assert "Traceback" not in node.log_file.read_text(encoding="utf-8")


def befriend(workbench: Workbench, seller: NodeProcess, buyer: NodeProcess) -> None:
    """Both know each other, with credentials in both directions."""
    for node, other in ((seller, buyer), (buyer, seller)):
        issued = node.json("peer", "add", other.name, "--url", other.url)
        file = workbench.directory / f"{other.name}.secret"
        file.write_text(issued["client_secret"], encoding="utf-8")
        given = ("--client-id", issued["client_id"], "--client-secret-file", str(file))
        if node is seller:
            for_buyer = given
        else:
            seller.run("peer", "set", "buyer", *given)
    buyer.run("peer", "set", "seller", *for_buyer)


def await_(condition: Callable[[], bool]) -> None:
    """What is announced is on its way for a moment."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def repeat(stop: threading.Event, work: Callable[[], None]) -> int:
    """Do it until told to stop; how often it was done."""
    count = 0
    while not stop.is_set():
        work()
        count += 1
    return count


def token(client: httpx.Client, credentials: tuple[str, str]) -> str:
    form = {"grant_type": "client_credentials"}
    answer = client.post("/auth/token", data=form, auth=credentials)
    assert answer.status_code == httpx.codes.OK, answer.text
    return str(answer.json()["access_token"])


def read(workbench: Workbench, node: NodeProcess, credentials: tuple[str, str]) -> None:
    """A fresh token and a walk with it, page by page, on whichever worker answers."""
    with client_of(workbench, node) as client:
        client.headers["authorization"] = f"Bearer {token(client, credentials)}"
        assert len(walk(client)) >= FIRST


def hold_one_token(workbench: Workbench, node: NodeProcess, credentials: tuple[str, str]) -> None:
    """One token over several rotations, each call over a connection of its own."""
    with client_of(workbench, node) as client:
        held = token(client, credentials)
    for _ in range(20):
        with client_of(workbench, node, held) as client:
            answer = client.get("/3/footprints?limit=1")
        assert answer.status_code == httpx.codes.OK, answer.text


def look(workbench: Workbench, node: NodeProcess) -> None:
    """The key in use for footprints is in the key set that is shown after it was told."""
    used = {one["kid"] for one in node.look("/keys")["data"] if one["state"] == "in use"}
    with client_of(workbench, node) as client:
        shown = client.get("/.well-known/jwks.json").json()["keys"]
        entries = client.get("/.well-known/underseal-key-log").json()["entries"]
    assert used <= {one["kid"] for one in shown}
    assert entries


def pull(node: NodeProcess) -> None:
    done = node.run("pull", "seller", "--json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["state"] == "done"
