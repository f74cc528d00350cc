"""Many peers read while the operator publishes, corrects, grants and revokes: nothing fails.

One real node with two workers over TLS. Readers walk the list again and again; what was there when
a walk began and is still granted comes exactly once in it, whatever is published meanwhile.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.conftest import StartNode

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [pytest.mark.real_start, pytest.mark.timeout(1200), pytest.mark.xdist_group("load")]

COMPANY = "urn:pact:load.example:company-id:1"
READERS = 4
FIRST = 60
PAGE = 25
EXAMPLE = Path("footprints") / "wierzbolit" / "nmc811.json"


@pytest.mark.parametrize("seconds", [6, pytest.param(300, marks=pytest.mark.soak)])
def test_readers_are_served_while_everything_changes(
    workbench: Workbench, start_node: StartNode, battery: Path, seconds: int
) -> None:
    node = start_node("seller", company_id=COMPANY, serve=("--workers", "2"))
    example = json.loads((battery / EXAMPLE).read_text(encoding="utf-8"))
    publish(node, workbench, [variant(example, number) for number in range(FIRST)])
    clients = [token_of(workbench, node, f"buyer-{number}") for number in range(READERS)]
    for number in range(READERS):
        node.run("grant", "add", f"buyer-{number}", "--all", "--level", "full")
    stop = threading.Event()
    with ThreadPoolExecutor(READERS + 1) as pool:
        readers = [pool.submit(read_until, stop, workbench, node, token) for token in clients]
        operator = pool.submit(operate, stop, workbench, node, example)
        time.sleep(seconds)
        stop.set()
        published = operator.result(60)
        walks = [reader.result(60) for reader in readers]
    assert published > 0
    assert all(count > 0 for count in walks), walks
    assert "Traceback" not in node.log_file.read_text(encoding="utf-8")


def variant(example: dict[str, Any], number: int) -> dict[str, Any]:
    """The example as another product of another company."""
    document = copy.deepcopy(example)
    document["id"] = str(uuid.uuid4())
    document["productIds"] = [f"urn:pact:load.example:product-id:{number}"]
    document["companyIds"] = [COMPANY]
    return document


def publish(node: NodeProcess, workbench: Workbench, documents: list[dict[str, Any]]) -> None:
    file = workbench.directory / f"{uuid.uuid4()}.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    node.run("footprint", "import", str(file))


def token_of(workbench: Workbench, node: NodeProcess, name: str) -> str:
    added = node.json("peer", "add", name)
    with client_of(workbench, node) as client:
        answer = client.post(
            "/auth/token",
            data={"grant_type": "client_credentials"},
            auth=(added["client_id"], added["client_secret"]),
        )
    return str(answer.json()["access_token"])


def client_of(workbench: Workbench, node: NodeProcess, token: str = "") -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(
        base_url=node.url, verify=workbench.client_context(), headers=headers, timeout=30
    )


def operate(
    stop: threading.Event, workbench: Workbench, node: NodeProcess, example: dict[str, Any]
) -> int:
    """Publish, deprecate and correct until told to stop; how many footprints were published."""
    published = 0
    while not stop.is_set():
        documents = [variant(example, FIRST + published + each) for each in range(3)]
        publish(node, workbench, documents)
        node.run("footprint", "deprecate", documents[0]["id"])
        correction = workbench.directory / "correction.json"
        correction.write_text(json.dumps(variant(example, 1)), encoding="utf-8")
        node.run("footprint", "supersede", documents[1]["id"], str(correction))
        published += len(documents) + 1
    return published


def read_until(stop: threading.Event, workbench: Workbench, node: NodeProcess, token: str) -> int:
    """Walk the list until told to stop; how many walks were completed."""
    walks = 0
    known: set[str] = set()
    with client_of(workbench, node, token) as client:
        while not stop.is_set():
            seen = walk(client)
            assert max(Counter(seen).values()) == 1  # each once
            assert known <= set(seen)  # nothing that was there is missing
            known = set(seen)
            assert client.get(f"/3/footprints/{seen[-1]}").status_code == httpx.codes.OK
            walks += 1
    return walks


def walk(client: httpx.Client) -> list[str]:
    seen: list[str] = []
    url: str | None = f"/3/footprints?limit={PAGE}"
    while url is not None:
        answer = client.get(url)
        assert answer.status_code == httpx.codes.OK, answer.text
        seen += [item["id"] for item in answer.json()["data"]]
        url = answer.links.get("next", {}).get("url")
    return seen
